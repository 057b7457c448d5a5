"""Two-time maps: the estimator, the ways of computing it, and what is refused."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from xpcs_nb.core import FrameRange, PixelLabels
from xpcs_nb.errors import CorruptDataError, OptionError, QMapError
from xpcs_nb.reduction import _twotime_events, _twotime_frames, _twotime_plan, twotime_maps

SHAPE = (12, 15)


@pytest.fixture(scope="module")
def exact():
    path = Path(__file__).resolve().parents[1] / "reference" / "twotime.py"
    spec = importlib.util.spec_from_file_location("reference_twotime", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.twotime


@pytest.fixture(params=["pairs", "spread events", "matrix of frames", "matrix in pieces"])
def way(request, monkeypatch):
    """Each way of computing a map, whatever the counts would call for."""
    cheap, dear = 0.0, 1.0
    monkeypatch.setattr(_twotime_plan, "PAIR_SECONDS", cheap if request.param == "pairs" else dear)
    monkeypatch.setattr(_twotime_plan, "EVENT_SECONDS", cheap)
    if request.param == "matrix in pieces":
        monkeypatch.setattr(_twotime_frames, "PIXELS_BYTES", 2 * 50 * 40)
        monkeypatch.setattr(_twotime_frames, "WINDOW_BYTES", 7 * SHAPE[0] * SHAPE[1] * 2)
    return request.param


def counts(n, mean=0.3, seed=0, dtype=np.uint16):
    """Photons with a brightness that changes from frame to frame and over the detector; frame 3 is empty."""
    rng = np.random.default_rng(seed)
    brightness = rng.gamma(4, 0.25, size=(n, 1, 1)) * np.linspace(0.5, 1.5, SHAPE[1])
    frames = rng.poisson(mean * brightness, size=(n, *SHAPE)).astype(dtype)
    frames[3] = 0
    frames[:, 5, 5] = 0
    return frames


def source_for(way, frames, array_source):
    return array_source(frames, is_sparse=way in ("pairs", "spread events"))


def expected(exact, frames, labels, bin_, smooth, begin=0, end=None, stride=1, avg=1):
    series = frames[begin:end:stride].reshape(-1, avg, *frames.shape[1:]).astype(float).mean(axis=1)
    here = labels.dynamic == bin_ - 1
    static = labels.static[here] if smooth == "sqmap" else np.zeros(here.sum(), int)
    return exact(series.reshape(len(series), -1)[:, labels.pixel[here]], static)


def assert_map_is(found, truth):
    c2, g2, segments = truth
    assert found.c2.dtype == np.float32
    np.testing.assert_allclose(found.c2, c2, rtol=1e-5, atol=0)
    np.testing.assert_allclose(found.g2, g2, rtol=1e-5)
    assert found.g2_segments.shape == segments.shape
    np.testing.assert_allclose(found.g2_segments, segments, rtol=1e-5)


@pytest.mark.parametrize("smooth", ["sqmap", "dqmap"])
@pytest.mark.parametrize("n", [2, 4, 50, 53, 301])
def test_maps_are_those_of_the_reference(exact, array_source, make_labels, way, n, smooth):
    frames, labels = counts(max(n, 4))[:n], make_labels(SHAPE)
    found = list(
        twotime_maps(source_for(way, frames, array_source), labels, FrameRange(0, n), smooth=smooth, threads=2)
    )
    assert [each.bin for each in found] == [1, 2]
    for each in found:
        assert_map_is(each, expected(exact, frames, labels, each.bin, smooth))


@pytest.mark.parametrize(
    ("begin", "end", "stride", "avg"), [(3, 103, 1, 1), (0, 120, 3, 1), (5, 125, 1, 4), (1, 121, 2, 3)]
)
def test_begin_end_stride_and_average_choose_the_frames(exact, array_source, make_labels, way, begin, end, stride, avg):
    frames, labels = counts(130), make_labels(SHAPE)
    source, chosen = source_for(way, frames, array_source), FrameRange(begin, end, stride, avg)
    for each in twotime_maps(source, labels, chosen, smooth="sqmap"):
        assert_map_is(each, expected(exact, frames, labels, each.bin, "sqmap", begin, end, stride, avg))


def test_a_frame_without_photons_gives_zeros(array_source, make_labels, way):
    frames = counts(20)
    for each in twotime_maps(source_for(way, frames, array_source), make_labels(SHAPE), FrameRange(0, 20)):
        assert not each.c2[3].any()
        assert not each.c2[:, 3].any()
        assert each.c2[2, 4] > 0


def test_a_series_without_any_photon_gives_zeros(array_source, make_labels, way):
    source = source_for(way, np.zeros((12, *SHAPE), np.uint16), array_source)
    for each in twotime_maps(source, make_labels(SHAPE), FrameRange(0, 12)):
        assert not each.c2.any()
        assert not each.g2.any()


def test_a_bin_of_a_single_pixel_has_one_wherever_it_sees_photons(array_source, way):
    frames = counts(40, mean=1.0)
    one = np.array([17])
    zero = np.zeros(1, dtype=np.int64)
    labels = PixelLabels(one, zero, zero, zero, zero, 1, 1, 1, SHAPE)
    (found,) = twotime_maps(source_for(way, frames, array_source), labels, FrameRange(0, 40))
    lit = frames.reshape(40, -1)[:, 17] > 0
    np.testing.assert_allclose(found.c2, np.triu(np.outer(lit, lit)), rtol=1e-6)


def test_only_the_bins_asked_for_are_made_in_rising_order(exact, array_source, make_labels, way):
    frames, labels = counts(50), make_labels(SHAPE, n_static=12, n_dynamic=5)
    found = list(twotime_maps(source_for(way, frames, array_source), labels, FrameRange(0, 50), bins=[4, 2, 4]))
    assert [each.bin for each in found] == [2, 4]
    for each in found:
        assert_map_is(each, expected(exact, frames, labels, each.bin, "sqmap"))


def test_bright_and_dark_bins_of_one_series_go_different_ways_and_come_in_order(exact, array_source, make_labels):
    labels = make_labels(SHAPE, n_static=12, n_dynamic=4)
    frames = counts(300, mean=0.02).reshape(300, -1)
    bright = labels.pixel[np.isin(labels.dynamic, (0, 2))]
    frames[:, bright] = np.random.default_rng(5).poisson(4, size=(300, len(bright)))
    frames = frames.reshape(300, *SHAPE)
    found = list(twotime_maps(array_source(frames), labels, FrameRange(0, 300)))
    assert [each.bin for each in found] == [1, 2, 3, 4]
    for each in found:
        assert_map_is(each, expected(exact, frames, labels, each.bin, "sqmap"))


def test_bins_without_pixels_are_passed_over(array_source, make_labels):
    labels = make_labels(SHAPE, n_static=6, n_dynamic=6)  # static bin 1 is empty, so is dynamic bin 2
    assert [each.bin for each in twotime_maps(array_source(counts(10)), labels, FrameRange(0, 10))] == [1, 3, 4, 5, 6]


@pytest.mark.parametrize("bins", [[2], [1, 7], [0], [-1]])
def test_an_unknown_or_empty_bin_is_refused_with_the_list_of_those_there_are(array_source, make_labels, bins):
    labels = make_labels(SHAPE, n_static=6, n_dynamic=6)
    with pytest.raises(OptionError, match=r"expected labels of bins with pixels: 1, 3-6"):
        twotime_maps(array_source(counts(10)), labels, FrameRange(0, 10), bins=bins)


def test_no_bin_at_all_is_refused(array_source, make_labels):
    with pytest.raises(OptionError, match="no dynamic bin is asked for"):
        twotime_maps(array_source(counts(10)), make_labels(SHAPE), FrameRange(0, 10), bins=[])


def test_an_unknown_smoothing_is_refused(array_source, make_labels):
    with pytest.raises(OptionError, match="smooth has no such value"):
        twotime_maps(array_source(counts(10)), make_labels(SHAPE), FrameRange(0, 10), smooth="none")


def test_maps_larger_than_the_memory_are_refused_before_any_frame_is_read(array_source, make_labels):
    class Long(array_source):
        def frames(self, start, stop, step=1):
            raise AssertionError("read")

    source = Long(counts(10))
    source.n_frames = 10_000_000
    with pytest.raises(OptionError, match=r"does not fit in memory.*at most \d+ frames.*avg_frame"):
        twotime_maps(source, make_labels(SHAPE), FrameRange(0, 10_000_000))


@pytest.mark.parametrize("frames", [FrameRange(0, 11), FrameRange(-1, 5), FrameRange(4, 6, 3)])
def test_frames_that_are_not_there_are_refused(array_source, make_labels, frames):
    with pytest.raises(OptionError, match="frames outside the series"):
        twotime_maps(array_source(counts(10)), make_labels(SHAPE), frames)


def test_a_partition_for_other_frames_is_refused(array_source, make_labels):
    with pytest.raises(QMapError, match="for other frames"):
        twotime_maps(array_source(counts(10)), make_labels(SHAPE[::-1]), FrameRange(0, 10))


def test_a_partition_without_pixels_is_refused(array_source, make_labels):
    with pytest.raises(QMapError, match="no pixel is used"):
        twotime_maps(array_source(counts(10)), make_labels(SHAPE, keep=-1.0), FrameRange(0, 10))


def test_a_container_may_leave_less_memory_than_the_machine_has(monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("2000000\n")
    monkeypatch.setattr(_twotime_plan, "_CGROUP", tmp_path)
    assert _twotime_plan.available_memory() == 1_000_000
    with pytest.raises(OptionError, match="at most 353 frames"):
        _twotime_plan.check_map_memory(400, 2)


@pytest.mark.parametrize("bad", [-1.0, np.nan])
def test_a_negative_count_or_nan_in_a_used_pixel_is_an_error_that_names_the_frame(array_source, make_labels, bad):
    frames, labels = counts(90, mean=5.0, dtype=np.float32), make_labels(SHAPE)
    frames.reshape(90, -1)[41, labels.pixel[20]] = bad
    with pytest.raises(CorruptDataError, match="frame 41: a used pixel"):
        list(twotime_maps(array_source(frames), labels, FrameRange(1, 89, 2, 2)))


def test_frames_that_are_no_photon_counts_are_correlated_as_they_are(exact, array_source, make_labels):
    frames, labels = counts(30, mean=0.05, dtype=np.float64) * 0.37, make_labels(SHAPE)
    for each in twotime_maps(array_source(frames), labels, FrameRange(0, 30)):
        assert_map_is(each, expected(exact, frames, labels, each.bin, "sqmap"))


@pytest.mark.parametrize("dtype", [np.uint8, ">u2", np.int32, np.uint32, np.float32])
def test_every_type_of_counts_gives_the_same_map(exact, array_source, make_labels, dtype):
    frames, labels = counts(30, mean=3.0), make_labels(SHAPE)
    for each in twotime_maps(array_source(frames.astype(dtype)), labels, FrameRange(0, 30)):
        assert_map_is(each, expected(exact, frames, labels, each.bin, "sqmap"))


def test_progress_counts_every_correlated_frame_once(array_source, make_labels, way):
    told = []
    source = source_for(way, counts(130), array_source)
    list(twotime_maps(source, make_labels(SHAPE), FrameRange(0, 120, 1, 3), progress=told.append))
    assert sum(told) == 40


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("budget", [0, 1 << 30])
def test_threads_share_bins_or_the_rows_of_one_map_with_the_same_result(
    exact, array_source, make_labels, monkeypatch, threads, budget
):
    from xpcs_nb.kernels import _twotime

    monkeypatch.setattr(_twotime_events, "MAPS_BYTES", budget)
    monkeypatch.setattr(_twotime, "BAND_BYTES", 8 * 130 * 16)  # several bands
    frames, labels = counts(130), make_labels(SHAPE, n_static=12, n_dynamic=5)
    source = array_source(frames, is_sparse=True)
    for each in twotime_maps(source, labels, FrameRange(0, 130), threads=threads):
        assert_map_is(each, expected(exact, frames, labels, each.bin, "sqmap"))


def test_maps_stay_as_they_are_when_later_ones_are_made(array_source, make_labels, way):
    source, labels = source_for(way, counts(60), array_source), make_labels(SHAPE, n_static=12, n_dynamic=5)
    at_once = [each.c2.copy() for each in twotime_maps(source, labels, FrameRange(0, 60))]
    kept = [each.c2 for each in twotime_maps(source, labels, FrameRange(0, 60))]
    np.testing.assert_array_equal(kept, at_once)


def test_leaving_off_after_the_first_map_is_allowed(array_source, make_labels, way):
    maps = twotime_maps(source_for(way, counts(60), array_source), make_labels(SHAPE), FrameRange(0, 60))
    assert next(maps).bin == 1
    maps.close()


@pytest.mark.parametrize("shape", [(127, 129), (300, 300)])
def test_the_number_of_terms_does_not_cost_digits(exact, array_source, shape):
    rng = np.random.default_rng(1)
    frames = rng.poisson(0.15, size=(20, *shape)).astype(np.uint8)
    zeros = np.zeros(shape[0] * shape[1], dtype=np.int64)
    labels = PixelLabels(np.arange(len(zeros)), zeros, zeros, zeros, zeros[:1], 1, 1, 1, shape)
    for is_sparse in (False, True):
        (found,) = twotime_maps(array_source(frames, is_sparse=is_sparse), labels, FrameRange(0, 20))
        assert_map_is(found, exact(frames.reshape(20, -1), zeros))
