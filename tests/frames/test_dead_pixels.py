"""Pixels that hold no count, and values that are no counts, in series of whole frames."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from xpcs_nb.errors import CorruptDataError
from xpcs_nb.frames import open_frames
from xpcs_nb.testing import write_hdf5, write_imm


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_pixels_with_all_bits_set_are_blemished_and_zero(counts, dtype):
    stack = counts.astype(dtype)
    stack[:, 4, 7] = np.iinfo(dtype).max
    source = open_frames(stack)
    assert source.blemish[4, 6]
    assert np.argwhere(~source.blemish).tolist() == [[4, 7]]
    counts[:, 4, 7] = 0
    np.testing.assert_array_equal(source.frames(0, 12), counts)
    np.testing.assert_array_equal(open_frames(source.events(0, 12)).frames(0, 12), counts)


def test_dead_pixels_of_files_are_found(tmp_path, counts):
    counts[:, 4, 7] = 65535
    for path in (write_hdf5(tmp_path / "a.h5", counts), write_imm(tmp_path / "a.imm", counts, sparse=False)):
        with open_frames(path) as source:
            assert np.argwhere(~source.blemish).tolist() == [[4, 7]]
            assert source.frames(0, 12).max() < 65535


def test_a_pixel_that_dies_during_the_series_is_blemished_all_along(counts):
    counts[6:, 4, 7] = 65535
    source = open_frames(counts)
    assert not source.blemish[4, 7]
    assert not source.frames(0, 12)[:, 4, 7].any()


def test_a_pixel_that_is_dead_for_a_moment_is_zero_there_and_named_once(counts):
    expected = counts.copy()
    expected[5, 4, 7] = 0
    counts[5, 4, 7] = 65535
    source = open_frames(counts)
    assert source.blemish is None
    with pytest.warns(UserWarning, match=r"frame 5, pixel \(row 4, column 7\)"):
        np.testing.assert_array_equal(source.frames(2, 8), expected[2:8])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(source.frames(0, 12), expected)


def test_a_frame_that_the_detector_lost_is_an_error(counts):
    counts[7] = 65535
    source = open_frames(counts)
    np.testing.assert_array_equal(source.frames(0, 7), counts[:7])
    with pytest.raises(CorruptDataError) as caught:
        source.frames(1, 12, 2)
    assert caught.value.where == "frame 7"


@pytest.mark.parametrize("frame", [0, 11])
def test_a_series_that_begins_or_ends_with_a_lost_frame_is_an_error(counts, frame):
    counts[frame] = 65535
    with pytest.raises(CorruptDataError) as caught:
        open_frames(counts).frames(1, 2)
    assert caught.value.where == f"frame {frame}"


def test_a_full_12_bit_counter_of_the_lambda_2m_holds_no_count():
    stack = np.zeros((2, 1813, 1558), dtype=np.uint16)
    stack[:, 0, :4] = [4094, 4095, 65535, 1]
    source = open_frames(stack)
    assert np.argwhere(~source.blemish).tolist() == [[0, 1], [0, 2]]
    assert source.frames(0, 1)[0, 0, :4].tolist() == [4094, 0, 0, 1]


def test_the_same_value_is_a_count_in_any_other_detector(counts):
    counts[:, 4, 7] = 4095
    source = open_frames(counts)
    assert source.blemish is None
    assert source.frames(0, 1)[0, 4, 7] == 4095


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32])
def test_pixels_that_are_negative_from_the_start_are_gaps(counts, dtype):
    stack = counts.astype(dtype)
    stack[:, 4, 7:9] = [-1, -2]
    source = open_frames(stack)
    assert np.argwhere(~source.blemish).tolist() == [[4, 7], [4, 8]]
    counts[:, 4, 7:9] = 0
    np.testing.assert_array_equal(source.frames(0, 12), counts)


def test_pixels_that_are_nan_from_the_start_are_gaps(counts):
    stack = counts.astype(np.float64)
    stack[:, 4, 7] = np.nan
    source = open_frames(stack)
    assert np.argwhere(~source.blemish).tolist() == [[4, 7]]
    assert source.events(0, 12).count.sum() == counts.sum() - counts[:, 4, 7].sum()


@pytest.mark.parametrize(
    ("dtype", "value"), [(np.int32, -3), (np.float32, -0.5), (np.float32, np.nan), (np.float64, np.inf)]
)
def test_impossible_values_later_name_frame_and_pixel(counts, dtype, value):
    stack = counts.astype(dtype)
    stack[9, 4, 7] = value
    source = open_frames(stack)
    for read in (source.frames, source.events):
        read(0, 9)
        with pytest.raises(CorruptDataError) as caught:
            read(2, 12)
        assert caught.value.where == "frame 9, pixel (row 4, column 7)"
        assert str(caught.value.got) == str(value)


def test_fractions_are_frames_but_no_photons(counts):
    stack = counts.astype(np.float32)
    stack[9, 4, 7] = 0.25
    source = open_frames(stack)
    np.testing.assert_array_equal(source.frames(0, 12), stack)
    with pytest.raises(CorruptDataError) as caught:
        source.events(0, 12)
    assert caught.value.where == "frame 9, pixel (row 4, column 7)"


@pytest.mark.parametrize("dtype", [np.uint64, np.float64])
def test_counts_beyond_32_bits_are_no_photons(counts, dtype):
    stack = counts.astype(dtype)
    stack[9, 4, 7] = 2**33
    with pytest.raises(CorruptDataError, match=r"frame 9, pixel \(row 4, column 7\)"):
        open_frames(stack).events(0, 12)


def test_the_array_that_was_given_is_not_changed(counts):
    counts[:, 4, 7] = 65535
    before = counts.copy()
    open_frames(counts).frames(0, 12)
    np.testing.assert_array_equal(counts, before)
