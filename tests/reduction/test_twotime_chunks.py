"""Photons straight from the compressed chunks: those that the frames hold."""

from __future__ import annotations

import numpy as np
import pytest

from xpcs_nb.core import FrameRange
from xpcs_nb.errors import CorruptDataError
from xpcs_nb.reduction import _twotime_chunks, pixel_events, reduce_scattering, reduce_twotime, twotime_maps
from xpcs_nb.reduction._twotime_chunks import photons_of_used

SHAPE = (64, 100)


def counts(n, mean=0.1, dtype=np.uint16):
    return np.random.default_rng(4).poisson(mean, size=(n, *SHAPE)).astype(dtype)


def assert_same_events(found, truth):
    np.testing.assert_array_equal(found.indptr, truth.indptr)
    np.testing.assert_array_equal(found.frame, truth.frame)
    np.testing.assert_allclose(found.value, truth.value, rtol=1e-6)
    assert found.n_frames == truth.n_frames
    assert (found.frame.dtype, found.value.dtype) == (np.int32, np.float32)


@pytest.fixture(params=["one of each", "many"])
def lists_and_columns(request, monkeypatch):
    """Photons in one list and sorted as one column, or in lists that get full and sorted as columns of a block."""
    if request.param == "many":
        monkeypatch.setattr(_twotime_chunks, "LIST_ENTRIES", 1000)
        monkeypatch.setattr(_twotime_chunks, "SORT_PIXELS", 1)
        monkeypatch.setattr(_twotime_chunks, "SORT_EVENTS", 1)


@pytest.mark.usefixtures("lists_and_columns")
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
@pytest.mark.parametrize("chosen", [FrameRange(0, 90), FrameRange(3, 83, 2, 4)])
def test_they_are_the_events_of_the_frames(chunked_source, array_source, make_labels, chosen, dtype):
    frames, labels = counts(90, dtype=dtype), make_labels(SHAPE)
    found = photons_of_used(chunked_source(frames), labels, chosen, 2, None)
    assert_same_events(found, pixel_events(array_source(frames), labels, chosen))


def test_counts_beyond_an_entry_of_the_photon_list_stay_one_event(chunked_source, array_source, make_labels):
    frames, labels = counts(20, dtype=np.uint32), make_labels(SHAPE, keep=1.0)
    frames[::3, 5, 5] = 100_000
    frames[4, 60, 99] = 2**32 - 2
    frames[5:8, 60, 99] = [126, 127, 128]
    found = photons_of_used(chunked_source(frames), labels, FrameRange(0, 20), 1, None)
    assert_same_events(found, pixel_events(array_source(frames), labels, FrameRange(0, 20)))


def test_detectors_with_more_pixels_than_the_list_can_tell_apart_are_read_as_frames(
    chunked_source, array_source, make_labels, monkeypatch
):
    monkeypatch.setattr(_twotime_chunks, "LISTED_PIXELS", SHAPE[0] * SHAPE[1] - 1)
    frames, labels = counts(20), make_labels(SHAPE)
    found = photons_of_used(chunked_source(frames), labels, FrameRange(0, 20), 1, None)
    assert_same_events(found, pixel_events(array_source(frames), labels, FrameRange(0, 20)))


def test_a_series_without_photons_has_no_events(chunked_source, make_labels):
    labels = make_labels(SHAPE)
    found = photons_of_used(chunked_source(counts(5) * 0), labels, FrameRange(0, 5), 2, None)
    assert not found.indptr.any()
    assert len(found.frame) == len(found.value) == 0


@pytest.mark.parametrize("bins", [None, [2]])
def test_maps_do_not_depend_on_how_the_photons_were_read(chunked_source, array_source, make_labels, bins):
    frames, labels, chosen = counts(80), make_labels(SHAPE), FrameRange(0, 80)
    told = []
    ours = twotime_maps(chunked_source(frames), labels, chosen, bins=bins, progress=told.append)
    others = twotime_maps(array_source(frames, is_sparse=True), labels, chosen, bins=bins)
    for one, other in zip(ours, others, strict=True):
        np.testing.assert_array_equal(one.c2, other.c2)
    assert sum(told) == 80


def test_a_corrupt_chunk_is_an_error_that_names_the_frame(chunked_source, make_labels):
    source = chunked_source(counts(30))
    (table,) = source.chunk_tables()
    with table.path.open("r+b") as file:
        file.seek(int(table.offset[17]) + 12)
        file.write(b"\xff" * 64)
    with pytest.raises(CorruptDataError, match="frame 17"):
        photons_of_used(source, make_labels(SHAPE), FrameRange(0, 30), 2, None)


@pytest.mark.usefixtures("lists_and_columns")
@pytest.mark.parametrize("chosen", [FrameRange(0, 90), FrameRange(3, 83, 2, 4)])
@pytest.mark.parametrize("way", ["chunks", "events", "windows", "bright frames"])
def test_one_pass_gives_the_scattering_and_maps_of_two(chunked_source, array_source, make_labels, way, chosen):
    frames, labels = counts(90, mean=3.0 if way == "bright frames" else 0.03), make_labels(SHAPE, keep=0.7)
    blemish = np.ones(SHAPE, dtype=bool)
    blemish[10:20, 30:40] = False
    blemish.reshape(-1)[labels.pixel] = True
    source = chunked_source(frames) if way == "chunks" else array_source(frames, is_sparse=way == "events")
    told = {}

    def stage(name):
        return told.setdefault(name, []).append

    scattering, maps = reduce_twotime(source, labels, chosen, blemish=blemish, bins=[2], threads=2, stage=stage)
    truth = reduce_scattering(array_source(frames), labels, chosen, blemish=blemish)
    for name in ("scattering_2d", "scattering_1d", "scattering_1d_segments", "intensity_vs_time"):
        np.testing.assert_allclose(getattr(scattering, name), getattr(truth, name), rtol=1e-6)
    for one, other in zip(maps, twotime_maps(array_source(frames), labels, chosen, bins=[2]), strict=True):
        assert one.bin == other.bin
        np.testing.assert_allclose(one.c2, other.c2, rtol=1e-5)
    assert set(told) == ({"scattering", "twotime"} if way == "bright frames" else {"twotime"})
    assert all(sum(each) == chosen.n_frames for each in told.values())
