"""Multi-tau sums of event lists and frames in memory, against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

from xpcs_nb.core import FrameRange
from xpcs_nb.errors import CorruptDataError, OptionError, QMapError
from xpcs_nb.reduction import _windows, pixel_events, reduce_multitau, reduce_scattering

SHAPE = (7, 11)


def counts(n, mean=0.3, shape=SHAPE, seed=0, dtype=np.uint16):
    rng = np.random.default_rng(seed)
    frames = rng.poisson(mean * rng.gamma(2, 0.5, size=(n, 1, 1)), size=(n, *shape)).astype(dtype)
    frames[:, 2, 3] = 0  # a pixel that sees nothing
    frames[:, 6] += 1  # no frame is empty
    return frames


def reduce(source, labels, frames, **options):
    options = {"blemish": np.ones(labels.shape, bool), "normalize_frame": False, "threads": 1} | options
    return reduce_multitau(source, labels, frames, **options)


@pytest.mark.parametrize("is_sparse", [True, False])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("n", [2, 3, 9, 31, 257, 513, 1025])
def test_sums_agree_with_the_reference_for_awkward_lengths(
    reference, array_source, make_labels, assert_sums_agree, n, normalize, is_sparse
):
    frames, labels = counts(n), make_labels(SHAPE)
    sums, _, _ = reduce(array_source(frames, is_sparse=is_sparse), labels, FrameRange(0, n), normalize_frame=normalize)
    series = reference.correlated_frames(frames, labels)
    assert_sums_agree(sums, reference.multitau(reference.normalized(series) if normalize else series, labels))


@pytest.mark.parametrize("is_sparse", [True, False])
@pytest.mark.parametrize("mean", [0.001, 0.02, 0.1, 3.0, 200.0])
def test_sums_agree_with_the_reference_for_few_and_for_many_counts(
    reference, array_source, make_labels, assert_sums_agree, mean, is_sparse
):
    frames, labels = counts(600, mean), make_labels(SHAPE)
    sums, _, _ = reduce(array_source(frames, is_sparse=is_sparse), labels, FrameRange(0, 600), normalize_frame=True)
    series = reference.normalized(reference.correlated_frames(frames, labels))
    assert_sums_agree(sums, reference.multitau(series, labels))


@pytest.mark.parametrize("is_sparse", [True, False])
@pytest.mark.parametrize(
    ("begin", "end", "stride", "avg"), [(3, 103, 1, 1), (0, 120, 3, 1), (5, 125, 1, 4), (1, 121, 2, 3)]
)
def test_begin_end_stride_and_average_choose_the_frames(
    reference, array_source, make_labels, assert_sums_agree, begin, end, stride, avg, is_sparse
):
    frames, labels = counts(130), make_labels(SHAPE)
    chosen = FrameRange(begin, end, stride, avg)
    blemish = np.random.default_rng(3).random(SHAPE) < 0.9
    sums, saxs, _ = reduce(
        array_source(frames, is_sparse=is_sparse), labels, chosen, blemish=blemish, normalize_frame=True
    )
    series = reference.correlated_frames(frames, labels, begin, end, stride, avg)
    assert_sums_agree(sums, reference.multitau(reference.normalized(series), labels))
    image, mean, segments, intensity = reference.scattering(frames, labels, blemish, begin, end, stride, avg)
    np.testing.assert_allclose(saxs.scattering_2d, image)
    np.testing.assert_allclose(saxs.scattering_1d, mean)
    np.testing.assert_allclose(saxs.scattering_1d_segments, segments, rtol=1e-6)
    np.testing.assert_allclose(saxs.intensity_vs_time, intensity)


@pytest.mark.parametrize("is_sparse", [True, False])
def test_partial_sums_are_the_estimator_rerun_on_the_prefix(
    reference, array_source, make_labels, assert_sums_agree, is_sparse
):
    frames, labels = counts(200), make_labels(SHAPE)
    prefixes = [1, 17, 64, 131, 200]
    source = array_source(frames, is_sparse=is_sparse)
    sums, _, partial = reduce(source, labels, FrameRange(0, 200), normalize_frame=True, partial_frames=prefixes)
    series = reference.normalized(reference.correlated_frames(frames, labels))
    for length, part in zip(prefixes, partial, strict=True):
        assert_sums_agree(part, reference.multitau(series[:length], labels, n_total=200))
    np.testing.assert_allclose(partial[-1].G, sums.G)


@pytest.mark.parametrize("is_sparse", [True, False])
def test_kept_pixels_are_G_IP_and_IF_of_each_used_pixel(reference, array_source, make_labels, is_sparse):
    frames, labels = counts(100), make_labels(SHAPE)
    sums, _, _ = reduce(array_source(frames, is_sparse=is_sparse), labels, FrameRange(0, 100), keep_pixels=True)
    expected = reference.multitau(reference.correlated_frames(frames, labels), labels).per_pixel
    assert sums.per_pixel.dtype == np.float32
    np.testing.assert_allclose(sums.per_pixel, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("is_sparse", [True, False])
def test_two_threads_give_the_numbers_of_one(array_source, make_labels, is_sparse):
    frames, labels = counts(300), make_labels(SHAPE)
    source = array_source(frames, is_sparse=is_sparse)
    one, two = (reduce(source, labels, FrameRange(0, 300), threads=threads)[0] for threads in (1, 2))
    for name in ("G", "IP", "IF", "pixel_g2_sum", "pixel_g2_square"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-12)


@pytest.mark.parametrize("is_sparse", [True, False])
def test_frames_without_counts_stay_zero_and_are_warned_about(
    reference, array_source, make_labels, assert_sums_agree, is_sparse
):
    frames, labels = counts(50), make_labels(SHAPE)
    frames[[7, 30]] = 0
    with pytest.warns(UserWarning, match="2 of 50 frames hold no count"):
        sums, saxs, _ = reduce(
            array_source(frames, is_sparse=is_sparse), labels, FrameRange(0, 50), normalize_frame=True
        )
    series = reference.normalized(reference.correlated_frames(frames, labels))
    assert_sums_agree(sums, reference.multitau(series, labels))
    assert list(np.flatnonzero(saxs.intensity_vs_time == 0)) == [7, 30]


@pytest.mark.parametrize("window_bytes", [1, 1000, 20_000])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.float32, np.float64])
def test_windows_of_any_length_give_the_numbers_of_the_whole(
    reference, array_source, make_labels, assert_sums_agree, monkeypatch, window_bytes, dtype
):
    monkeypatch.setattr(_windows, "WINDOW_BYTES", window_bytes)
    frames, labels = counts(300, dtype=dtype), make_labels(SHAPE)
    sums, _, (part,) = reduce(
        array_source(frames), labels, FrameRange(0, 300), normalize_frame=True, partial_frames=[131], threads=2
    )
    series = reference.normalized(reference.correlated_frames(frames, labels))
    assert_sums_agree(sums, reference.multitau(series, labels), rtol=3e-6)
    assert_sums_agree(part, reference.multitau(series[:131], labels, n_total=300), rtol=3e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1])
def test_what_can_not_be_counts_is_refused_with_its_frame(array_source, make_labels, value):
    frames = counts(60, dtype=np.float32)
    frames[41, 3, 3] = value
    with pytest.raises(CorruptDataError, match="frame 41"):
        reduce(array_source(frames), make_labels(SHAPE), FrameRange(5, 60, 1, 3))


def test_progress_adds_up_to_the_number_of_correlated_frames(array_source, make_labels):
    told = []
    for is_sparse in (True, False):
        source = array_source(counts(90), is_sparse=is_sparse)
        reduce(source, make_labels(SHAPE), FrameRange(0, 90, 1, 3), progress=told.append)
    assert sum(told) == 2 * 30


@pytest.mark.parametrize("n", [4, 95])
def test_scattering_alone_is_that_of_the_correlation(reference, array_source, make_labels, n):
    frames, labels = counts(n), make_labels(SHAPE)
    saxs = reduce_scattering(array_source(frames), labels, FrameRange(0, n), blemish=np.ones(SHAPE, bool))
    _, _, expected, intensity = reference.scattering(frames, labels, np.ones(SHAPE, bool))
    assert saxs.scattering_1d_segments.shape == (min(10, n), 6)
    assert np.isnan(saxs.scattering_1d[1])
    np.testing.assert_allclose(saxs.scattering_1d_segments, expected, rtol=1e-6)
    np.testing.assert_allclose(saxs.intensity_vs_time, intensity)


@pytest.mark.parametrize(("stride", "avg"), [(1, 1), (2, 3)])
def test_pixel_events_are_the_nonzero_counts_in_time_order(reference, array_source, make_labels, stride, avg):
    frames, labels = counts(65, 0.1), make_labels(SHAPE)
    chosen = FrameRange(5, 65, stride, avg)
    events = pixel_events(array_source(frames), labels, chosen)
    dense = np.zeros((chosen.n_frames, len(labels.pixel)))
    for p in range(len(labels.pixel)):
        own = slice(events.indptr[p], events.indptr[p + 1])
        assert (np.diff(events.frame[own]) > 0).all()
        dense[events.frame[own], p] = events.value[own]
    np.testing.assert_allclose(dense, reference.correlated_frames(frames, labels, 5, 65, stride, avg), rtol=1e-6)
    assert events.n_frames == chosen.n_frames


def test_events_out_of_time_order_are_refused(array_source, make_labels):
    class Shuffled(array_source):
        def events(self, start, stop):
            good = super().events(start, stop)
            return type(good)(good.pixel, good.frame[::-1].copy(), good.count, good.n_frames, good.shape)

    with pytest.raises(CorruptDataError, match="time order"):
        reduce(Shuffled(counts(40), is_sparse=True), make_labels(SHAPE), FrameRange(0, 40))


@pytest.mark.parametrize(("field", "value"), [("pixel", 77), ("frame", 40), ("frame", 2)])
def test_events_outside_the_series_are_refused(array_source, make_labels, field, value):
    class Outside(array_source):
        def events(self, start, stop):
            good = super().events(start, stop)
            getattr(good, field)[5] = value
            return good

    with pytest.raises(CorruptDataError, match="outside the series"):
        reduce(Outside(counts(40), is_sparse=True), make_labels(SHAPE), FrameRange(3, 40))


def test_a_partition_or_blemish_of_another_shape_is_refused(array_source, make_labels):
    source = array_source(counts(20))
    with pytest.raises(QMapError, match="partition"):
        reduce(source, make_labels((11, 7)), FrameRange(0, 20))
    with pytest.raises(QMapError, match="blemish"):
        reduce(source, make_labels(SHAPE), FrameRange(0, 20), blemish=np.ones((3, 3), bool))
    with pytest.raises(QMapError, match="no pixel"):
        reduce(source, make_labels(SHAPE, keep=0), FrameRange(0, 20))


def test_a_prefix_longer_than_the_series_is_refused(array_source, make_labels):
    with pytest.raises(OptionError, match="prefix"):
        reduce(array_source(counts(20)), make_labels(SHAPE), FrameRange(0, 20), partial_frames=[21])


def test_a_single_frame_is_refused(array_source, make_labels):
    with pytest.raises(OptionError, match="too few frames"):
        reduce(array_source(counts(20)), make_labels(SHAPE), FrameRange(0, 1))
