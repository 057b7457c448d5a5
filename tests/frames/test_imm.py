"""APS IMM files, dense and sparse."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from xpcs_nb.errors import CorruptDataError, FileFormatError
from xpcs_nb.frames import open_frames
from xpcs_nb.testing import write_imm


@pytest.mark.parametrize("name", ["a.imm", "a.h5", "a.hdf"])
@pytest.mark.parametrize("sparse", [True, False])
def test_frames_and_photons_survive_whatever_the_name(tmp_path, counts, sparse, name):
    path = write_imm(tmp_path / name, counts, sparse=sparse)
    with open_frames(path) as source:
        assert (source.format, source.shape, source.n_frames, source.dtype) == ("imm", (30, 50), 12, np.uint16)
        assert source.is_sparse == sparse
        assert source.blemish is None
        assert source.files == (path,)
        assert source.chunk_tables() is None
        np.testing.assert_array_equal(source.frames(0, 12), counts)
        np.testing.assert_array_equal(source.frames(1, 12, 4), counts[1::4])
        photons = source.events(3, 10)
    np.testing.assert_array_equal(photons.frame, np.nonzero(counts[3:10])[0] + 3)
    np.testing.assert_array_equal(open_frames(photons).frames(3, 10), counts[3:10])


def test_frames_without_photons_are_zero(tmp_path, counts):
    counts[[0, 5, 11]] = 0
    with open_frames(write_imm(tmp_path / "a.imm", counts)) as source:
        assert source.n_frames == 12
        np.testing.assert_array_equal(source.frames(0, 12), counts)


def test_events_without_photons_are_left_out(tmp_path, counts):
    path = write_imm(tmp_path / "a.imm", counts)
    n_events = int((counts[0] > 0).sum())
    data = bytearray(path.read_bytes())
    first_count = 1024 + 4 * n_events
    data[first_count : first_count + 2] = b"\0\0"
    path.write_bytes(data)
    with open_frames(path) as source:
        photons = source.events(0, 1)
    assert len(photons.pixel) == n_events - 1
    assert photons.count.min() == 1


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("cut", [1, 700])
def test_a_truncated_file_names_the_frame(tmp_path, counts, sparse, cut):
    path = write_imm(tmp_path / "a.imm", counts, sparse=sparse)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(CorruptDataError) as caught:
        open_frames(path)
    assert (caught.value.path, caught.value.where) == (path, "frame 11")


def test_a_file_that_ends_within_a_header_names_the_frame(tmp_path, counts):
    path = write_imm(tmp_path / "a.imm", counts)
    path.write_bytes(path.read_bytes() + bytes(100))
    with pytest.raises(CorruptDataError) as caught:
        open_frames(path)
    assert caught.value.where == "frame 12"


def test_a_header_that_contradicts_the_first_is_an_error(tmp_path, counts):
    path = write_imm(tmp_path / "a.imm", counts, sparse=False)
    data = bytearray(path.read_bytes())
    struct.pack_into("<i", data, 3 * (1024 + 30 * 50 * 2) + 108, 31)
    path.write_bytes(data)
    with pytest.raises(CorruptDataError) as caught:
        open_frames(path)
    assert caught.value.where == "frame 3"


@pytest.mark.parametrize("pixel", [30 * 50, -1])
def test_a_pixel_outside_the_detector_names_the_frame(tmp_path, counts, pixel):
    counts[:2] = 0
    path = write_imm(tmp_path / "a.imm", counts)
    data = bytearray(path.read_bytes())
    struct.pack_into("<i", data, 3 * 1024, pixel)
    path.write_bytes(data)
    with open_frames(path) as source:
        source.events(0, 2)
        for read in (source.frames, source.events):
            with pytest.raises(CorruptDataError) as caught:
                read(1, 5)
            assert caught.value.where == "frame 2"


def test_a_negative_count_names_the_frame(tmp_path, counts):
    path = write_imm(tmp_path / "a.imm", counts)
    data = bytearray(path.read_bytes())
    struct.pack_into("<h", data, len(data) - 2, -5)
    path.write_bytes(data)
    with open_frames(path) as source, pytest.raises(CorruptDataError, match="-5") as caught:
        source.events(0, 12)
    assert caught.value.where == "frame 11"


def test_dense_frames_of_another_depth_are_refused(tmp_path, counts):
    path = write_imm(tmp_path / "a.imm", counts, sparse=False)
    data = bytearray(path.read_bytes())
    struct.pack_into("<i", data, 116, 4)
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match="4 bytes a pixel"):
        open_frames(path)


@pytest.mark.parametrize("sparse", [True, False])
def test_a_file_that_shrinks_while_it_is_open_is_an_error(tmp_path, counts, sparse):
    path = write_imm(tmp_path / "a.imm", counts, sparse=sparse)
    with open_frames(path) as source:
        path.write_bytes(path.read_bytes()[:5000])
        with pytest.raises(CorruptDataError, match="shorter"):
            source.frames(0, 12)
