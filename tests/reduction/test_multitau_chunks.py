"""Multi-tau straight from the compressed chunks: the numbers of the reference, whatever the blocks look like."""

from __future__ import annotations

import numpy as np
import pytest

from xpcs_nb.core import FrameRange
from xpcs_nb.errors import CorruptDataError, MissingFileError
from xpcs_nb.reduction import _chunks, _columns, reduce_multitau


def counts(n, shape, mean=0.3, dtype=np.uint16, seed=0):
    rng = np.random.default_rng(seed)
    return rng.poisson(mean * rng.gamma(2, 0.5, size=(n, 1, 1)) + 0.05, size=(n, *shape)).astype(dtype)


def reduce(source, labels, frames, **options):
    options = {"blemish": np.ones(labels.shape, bool), "normalize_frame": True, "threads": 1} | options
    return reduce_multitau(source, labels, frames, **options)


def check(reference, assert_sums_agree, source, frames, labels, blemish, **chosen):
    n = len(frames)
    begin, end = chosen.get("begin", 0), chosen.get("end", n)
    stride, avg = chosen.get("stride", 1), chosen.get("avg", 1)
    sums, saxs, _ = reduce(source, labels, FrameRange(begin, end, stride, avg), blemish=blemish)
    series = reference.correlated_frames(frames, labels, begin, end, stride, avg)
    assert_sums_agree(sums, reference.multitau(reference.normalized(series), labels))
    image, mean, segments, intensity = reference.scattering(frames, labels, blemish, begin, end, stride, avg)
    np.testing.assert_allclose(saxs.scattering_2d, image)
    np.testing.assert_allclose(saxs.scattering_1d, mean)
    np.testing.assert_allclose(saxs.scattering_1d_segments, segments, rtol=1e-6)
    np.testing.assert_allclose(saxs.intensity_vs_time, intensity)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
@pytest.mark.parametrize(
    ("shape", "block_elements"),
    [((100, 37), 0), ((64, 128), 0), ((3, 5), 0), ((50, 41), 128), ((33, 31), 40), ((120, 75), 0), ((1, 4), 0)],
)
def test_blocks_of_any_size_and_frame_tails_are_decoded(
    reference, chunked_source, make_labels, assert_sums_agree, dtype, shape, block_elements
):
    frames = counts(40, shape, dtype=dtype) + np.uint8(1)
    labels = make_labels(shape, keep=0.9)
    blemish = np.random.default_rng(3).random(shape) < 0.9
    source = chunked_source(frames, block_elements=block_elements)
    check(reference, assert_sums_agree, source, frames, labels, blemish)


@pytest.mark.parametrize("mean", [0.002, 0.05, 1, 40, 3000])
@pytest.mark.parametrize("n", [2, 257, 600])
def test_sums_agree_with_the_reference_for_few_and_for_many_counts(
    reference, chunked_source, make_labels, assert_sums_agree, mean, n
):
    frames = counts(n, (37, 20), mean)
    frames[:, 4, 4:12] += 1
    source = chunked_source(frames)
    check(reference, assert_sums_agree, source, frames, make_labels((37, 20)), np.ones((37, 20), bool))


def test_counts_beyond_the_photon_list_are_kept(reference, chunked_source, make_labels, assert_sums_agree):
    frames = counts(64, (9, 20), dtype=np.uint32)
    frames[::3, 2, 5] = 100_000
    frames[5, 2, 6] = 70_000
    check(
        reference,
        assert_sums_agree,
        chunked_source(frames),
        frames,
        make_labels((9, 20), keep=1),
        np.ones((9, 20), bool),
    )


@pytest.mark.parametrize(
    ("begin", "end", "stride", "avg"), [(3, 103, 1, 1), (0, 120, 3, 1), (5, 125, 1, 4), (1, 121, 2, 3)]
)
def test_begin_end_stride_and_average_choose_the_frames(
    reference, chunked_source, make_labels, assert_sums_agree, begin, end, stride, avg
):
    frames, labels = counts(130, (60, 90)), make_labels((60, 90))
    blemish = np.random.default_rng(3).random((60, 90)) < 0.9
    check(
        reference, assert_sums_agree, chunked_source(frames), frames, labels, blemish,
        begin=begin, end=end, stride=stride, avg=avg,
    )  # fmt: skip


@pytest.mark.parametrize("events", [1, 500, 20_000])
@pytest.mark.parametrize("table_bytes", [200, 1 << 20])
@pytest.mark.parametrize("dense_share", [0.01, 0.29, 1])
def test_results_do_not_depend_on_how_the_frame_is_cut(
    reference, chunked_source, make_labels, assert_sums_agree, monkeypatch, events, table_bytes, dense_share
):
    monkeypatch.setattr(_chunks, "COLUMN_EVENTS", events)
    monkeypatch.setattr(_chunks, "MOST_EVENTS", 2 * events)
    monkeypatch.setattr(_columns, "SORT_EVENTS", events // 5)
    monkeypatch.setattr(_chunks, "DENSE_SHARE", dense_share)
    monkeypatch.setattr(_chunks, "TABLE_BYTES", table_bytes)
    monkeypatch.setattr(_chunks, "READ_BYTES", 3000)
    frames, labels = counts(50, (60, 90)), make_labels((60, 90))
    source = chunked_source(frames, block_elements=512)
    check(reference, assert_sums_agree, source, frames, labels, np.ones((60, 90), bool))


@pytest.mark.parametrize("mean", [0.1, 3])
def test_two_threads_partials_and_kept_pixels_give_the_numbers_of_event_lists(
    array_source, chunked_source, make_labels, monkeypatch, mean
):
    monkeypatch.setattr(_columns, "SLAB_FRAMES", 64)
    frames, labels = counts(200, (100, 90), mean), make_labels((100, 90))
    options = {"keep_pixels": True, "partial_frames": (3, 90, 131)}
    told = []
    one, saxs, prefixes = reduce(array_source(frames, is_sparse=True), labels, FrameRange(0, 200), **options)
    two, same_saxs, same_prefixes = reduce(
        chunked_source(frames), labels, FrameRange(0, 200), threads=2, progress=told.append, **options
    )
    np.testing.assert_allclose(one.per_pixel, two.per_pixel, rtol=1e-5, atol=1e-7)
    for a, b in zip([one, *prefixes], [two, *same_prefixes], strict=True):
        for name in ("G", "IP", "IF", "pixel_g2_sum", "pixel_g2_square"):
            np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=2e-6, atol=1e-9)
    for name in ("scattering_2d", "scattering_1d", "scattering_1d_segments", "intensity_vs_time"):
        np.testing.assert_allclose(getattr(saxs, name), getattr(same_saxs, name), rtol=1e-12)
    assert sum(told) == 200


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_pixels_with_all_bits_set_count_nothing(reference, chunked_source, make_labels, assert_sums_agree, dtype):
    frames = counts(30, (20, 30), dtype=dtype)
    seen = frames.copy()
    frames[:, 3, 4] = np.iinfo(dtype).max
    frames[7, 9, 9] = np.iinfo(dtype).max
    seen[:, 3, 4] = seen[7, 9, 9] = 0
    check(
        reference,
        assert_sums_agree,
        chunked_source(frames),
        seen,
        make_labels((20, 30), keep=1),
        np.ones((20, 30), bool),
    )


def test_every_corrupt_byte_is_an_error_that_names_the_frame_or_leaves_other_frames_alone(chunked_source, make_labels):
    frames, labels = counts(6, (40, 60)), make_labels((40, 60))
    source = chunked_source(frames)
    good = source.path.read_bytes()
    offset, size = int(source.table.offset[3]), int(source.table.size[3])
    refused, places = 0, set()
    for place in range(0, size, 7):
        for value in (0x00, 0xFF, 0xF0):
            data = bytearray(good)
            data[offset + place] = value
            source.path.write_bytes(data)
            try:
                _, saxs, _ = reduce(source, labels, FrameRange(0, 6), normalize_frame=False)
            except CorruptDataError as error:
                places.add((error.path, error.where))
                refused += 1
            else:
                expected = frames.reshape(6, -1)[:, labels.pixel].mean(axis=1)
                np.testing.assert_allclose(np.delete(saxs.intensity_vs_time, 3), np.delete(expected, 3))
    assert places == {(source.path, "frame 3")}
    assert refused > 20


def test_a_chunk_of_another_size_is_refused(chunked_source, make_labels):
    source = chunked_source(counts(6, (40, 60)))
    source.table.size[2] -= 1
    with pytest.raises(CorruptDataError, match="frame 2"):
        reduce(source, make_labels((40, 60)), FrameRange(0, 6))


def test_a_truncated_file_is_refused_with_the_first_frame_that_is_missing(chunked_source, make_labels):
    source = chunked_source(counts(6, (40, 60)))
    last = int(np.argmax(source.table.offset))
    with source.path.open("r+b") as file:
        file.truncate(int(source.table.offset[last]) + 10)
    with pytest.raises(CorruptDataError, match=f"frame {last}"):
        reduce(source, make_labels((40, 60)), FrameRange(0, 6))


def test_a_file_that_went_away_is_named(chunked_source, make_labels):
    source = chunked_source(counts(6, (40, 60)))
    source.path.unlink()
    with pytest.raises(MissingFileError, match=r"frames\.h5"):
        reduce(source, make_labels((40, 60)), FrameRange(0, 6))
