"""HDF5 files: every storage a beamline uses gives the frames that were written."""

from __future__ import annotations

import struct
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

from xpcs_nb.errors import CorruptDataError, FileFormatError, MissingFileError, MissingKeyError
from xpcs_nb.frames import open_frames
from xpcs_nb.testing import write_eiger, write_hdf5

COMPRESSIONS = ["bslz4", "lz4", "gzip", "zstd", "blosc", None]


@pytest.mark.parametrize("frames_per_chunk", [1, 5])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_frames_and_photons_survive_every_compression(tmp_path, counts, compression, frames_per_chunk):
    path = write_hdf5(tmp_path / "a.h5", counts, compression=compression, frames_per_chunk=frames_per_chunk)
    with open_frames(path) as source:
        assert (source.format, source.shape, source.n_frames, source.dtype) == ("hdf5", (30, 50), 12, np.uint16)
        assert not source.is_sparse
        assert source.blemish is None
        assert source.files == (path,)
        np.testing.assert_array_equal(source.frames(0, 12), counts)
        np.testing.assert_array_equal(source.frames(2, 11, 3), counts[2:11:3])
        photons = source.events(3, 10)
    np.testing.assert_array_equal(photons.frame, np.nonzero(counts[3:10])[0] + 3)
    np.testing.assert_array_equal(open_frames(photons).frames(3, 10), counts[3:10])


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "u4", "u8", "i1", "i4", ">i4", "f4", "f8"])
def test_counts_of_every_type_come_in_native_order(tmp_path, counts, dtype):
    path = write_hdf5(tmp_path / "a.h5", counts, dtype=dtype)
    with open_frames(path) as source:
        assert source.dtype == np.dtype(dtype).newbyteorder("=")
        block = source.frames(0, 12)
        assert block.dtype.isnative
        np.testing.assert_array_equal(block, counts)
        photons = source.events(0, 12)
        assert photons.count.dtype.kind == "u"
        assert photons.count.sum() == counts.sum()


def test_contiguous_frames_are_read(tmp_path, counts):
    path = write_hdf5(tmp_path / "a.h5", counts, compression=None, frames_per_chunk=None)
    with open_frames(path) as source:
        np.testing.assert_array_equal(source.frames(0, 12), counts)
        assert source.chunk_tables() is None


def test_chunks_smaller_than_a_frame_are_read(tmp_path, counts):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("/entry/data/data", data=counts, chunks=(5, 7, 11), compression="gzip")
    with open_frames(tmp_path / "a.h5") as source:
        np.testing.assert_array_equal(source.frames(1, 12, 2), counts[1::2])
        assert source.chunk_tables() is None


def test_no_frames_are_an_empty_block(tmp_path, counts):
    with open_frames(write_hdf5(tmp_path / "a.h5", counts)) as source:
        assert source.frames(4, 4).shape == (0, 30, 50)
        assert source.events(4, 4).pixel.size == 0


def test_any_other_place_of_the_frames_can_be_named(tmp_path, counts):
    path = write_hdf5(tmp_path / "a.h5", counts, dataset="/exchange/movie")
    with open_frames(path, dataset="/exchange/movie") as source:
        np.testing.assert_array_equal(source.frames(0, 12), counts)
    with pytest.raises(MissingKeyError, match="/exchange/movie") as caught:
        open_frames(path)
    assert caught.value.where == "/entry/data/data"


def test_a_file_that_is_open_elsewhere_in_the_notebook_is_read(tmp_path, counts):
    path = write_hdf5(tmp_path / "a.h5", counts)
    with h5py.File(path, "r"), open_frames(path) as source:
        np.testing.assert_array_equal(source.frames(0, 1), counts[:1])
    with h5py.File(path, "r", locking=False), open_frames(path) as source:
        np.testing.assert_array_equal(source.frames(0, 1), counts[:1])


def test_the_chunk_table_says_where_each_compressed_frame_lies(tmp_path, counts):
    path = write_hdf5(tmp_path / "a.h5", counts)
    with open_frames(path) as source:
        (table,) = source.chunk_tables()
    data = path.read_bytes()
    with h5py.File(path) as file:
        for frame in range(12):
            stored = file["/entry/data/data"].id.read_direct_chunk((frame, 0, 0))[1]
            assert data[table.offset[frame] : table.offset[frame] + table.size[frame]] == stored
    assert (table.path, table.dtype, table.shape) == (path, np.uint16, (30, 50))
    assert struct.unpack(">QI", data[table.offset[0] : table.offset[0] + 12]) == (30 * 50 * 2, table.block_elements * 2)


def test_the_block_size_of_the_file_counts_and_not_a_default(tmp_path, counts):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset(
            "/entry/data/data", data=counts, chunks=(1, 30, 50), **hdf5plugin.Bitshuffle(nelems=64, cname="lz4")
        )
    with open_frames(tmp_path / "a.h5") as source:
        assert source.chunk_tables()[0].block_elements == 64


@pytest.mark.parametrize(
    ("compression", "frames_per_chunk", "dtype"),
    [("lz4", 1, "u2"), ("gzip", 1, "u2"), (None, 1, "u2"), ("bslz4", 2, "u2"), ("bslz4", 1, ">u2")],
)
def test_frames_stored_another_way_have_no_chunk_table(tmp_path, counts, compression, frames_per_chunk, dtype):
    path = write_hdf5(
        tmp_path / "a.h5", counts, compression=compression, frames_per_chunk=frames_per_chunk, dtype=dtype
    )
    with open_frames(path) as source:
        assert source.chunk_tables() is None


def test_bitshuffle_with_zstd_has_no_chunk_table(tmp_path, counts):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("/entry/data/data", data=counts, chunks=(1, 30, 50), **hdf5plugin.Bitshuffle(cname="zstd"))
    with open_frames(tmp_path / "a.h5") as source:
        assert source.chunk_tables() is None
        np.testing.assert_array_equal(source.frames(0, 12), counts)


@pytest.mark.parametrize("virtual", [False, True])
def test_an_eiger_master_file_shows_its_data_files_as_one_series(tmp_path, counts, virtual):
    master = write_eiger(tmp_path, counts, frames_per_file=5, virtual=virtual)
    names = [master.name, *(f"series_1_data_{number:06d}.h5" for number in (1, 2, 3))]
    with open_frames(master) as source:
        assert source.n_frames == 12
        assert [file.name for file in source.files] == names
        np.testing.assert_array_equal(source.frames(0, 12), counts)
        np.testing.assert_array_equal(source.frames(3, 12, 4), counts[3:12:4])
        np.testing.assert_array_equal(open_frames(source.events(0, 12)).frames(0, 12), counts)
        tables = source.chunk_tables()
    assert [table.path.name for table in tables] == names[1:]
    assert [len(table.offset) for table in tables] == [5, 5, 2]


def test_the_data_file_of_an_eiger_is_a_series_of_its_own(tmp_path, counts):
    write_eiger(tmp_path, counts, frames_per_file=5)
    with open_frames(tmp_path / "series_1_data_000002.h5") as source:
        np.testing.assert_array_equal(source.frames(0, 5), counts[5:10])


def test_the_pixel_mask_of_an_eiger_marks_blemishes(tmp_path, counts):
    mask = np.zeros((30, 50), dtype=np.uint32)
    mask[3, 4] = 8
    with open_frames(write_eiger(tmp_path, counts, pixel_mask=mask)) as source:
        np.testing.assert_array_equal(source.blemish, mask == 0)
        np.testing.assert_array_equal(source.frames(0, 12), np.where(mask == 0, counts, 0))


def test_a_virtual_dataset_of_detector_modules_is_read(tmp_path, counts):
    left = write_hdf5(tmp_path / "left.h5", counts[:, :, :20])
    right = write_hdf5(tmp_path / "right.h5", counts[:, :, 20:])
    layout = h5py.VirtualLayout((12, 30, 50), np.uint16)
    layout[:, :, :20] = h5py.VirtualSource(left.name, "/entry/data/data", (12, 30, 20))
    layout[:, :, 20:] = h5py.VirtualSource(right.name, "/entry/data/data", (12, 30, 30))
    with h5py.File(tmp_path / "all.h5", "w") as file:
        file.create_virtual_dataset("/entry/data/data", layout)
    with open_frames(tmp_path / "all.h5") as source:
        np.testing.assert_array_equal(source.frames(0, 12), counts)
        assert source.chunk_tables() is None
        assert {file.name for file in source.files} == {"all.h5", "left.h5", "right.h5"}
    right.unlink()
    with pytest.raises(MissingFileError) as caught:
        open_frames(tmp_path / "all.h5")
    assert caught.value.path == right


def test_part_of_a_dataset_can_be_shown_virtually(tmp_path, counts):
    write_hdf5(tmp_path / "long.h5", counts)
    layout = h5py.VirtualLayout((4, 30, 50), np.uint16)
    layout[:] = h5py.VirtualSource("long.h5", "/entry/data/data", (12, 30, 50))[6:10]
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file.create_virtual_dataset("/entry/data/data", layout)
    with open_frames(tmp_path / "part.h5") as source, open_frames(tmp_path / "long.h5") as whole:
        np.testing.assert_array_equal(source.frames(0, 4), counts[6:10])
        np.testing.assert_array_equal(source.chunk_tables()[0].offset, whole.chunk_tables()[0].offset[6:10])


@pytest.mark.realdata
def test_the_measured_eiger_frame_opens_with_its_gaps_marked(measured):
    with open_frames(measured / "eiger-frame" / "series_25_data_000000.h5") as source:
        assert (source.shape, source.n_frames, source.dtype) == ((1065, 1030), 1, np.uint16)
        image = source.frames(0, 1)[0]
        assert (~source.blemish).sum() == 38110
        assert not image[~source.blemish].any()
        assert image.max() < 65535
        assert source.events(0, 1).count.sum() == image.sum(dtype=np.int64)


def test_a_missing_data_file_is_named(tmp_path, counts):
    master = write_eiger(tmp_path, counts, frames_per_file=5)
    (tmp_path / "series_1_data_000002.h5").unlink()
    with pytest.raises(MissingFileError) as caught:
        open_frames(master)
    assert caught.value.path == tmp_path / "series_1_data_000002.h5"


def test_a_virtual_dataset_without_one_source_is_refused(tmp_path, counts):
    master = write_eiger(tmp_path, counts, frames_per_file=5, virtual=True)
    (tmp_path / "series_1_data_000002.h5").unlink()
    with pytest.raises(MissingFileError) as caught:
        open_frames(master)
    assert caught.value.path == tmp_path / "series_1_data_000002.h5"


def test_a_missing_link_in_the_master_file_is_named(tmp_path, counts):
    master = write_eiger(tmp_path, counts, frames_per_file=5)
    with h5py.File(master, "r+") as file:
        del file["/entry/data/data_000002"]
    with pytest.raises(CorruptDataError, match="data_000002"):
        open_frames(master)


def test_a_virtual_dataset_that_is_not_covered_names_the_first_missing_frame(tmp_path, counts):
    write_hdf5(tmp_path / "part.h5", counts[:7])
    layout = h5py.VirtualLayout((12, 30, 50), np.uint16)
    layout[:7] = h5py.VirtualSource("part.h5", "/entry/data/data", (7, 30, 50))
    with h5py.File(tmp_path / "all.h5", "w") as file:
        file.create_virtual_dataset("/entry/data/data", layout)
    with pytest.raises(CorruptDataError) as caught:
        open_frames(tmp_path / "all.h5")
    assert caught.value.where == "frame 7"


def test_a_source_shorter_than_the_virtual_dataset_says_is_refused(tmp_path, counts):
    write_hdf5(tmp_path / "part.h5", counts[:7])
    layout = h5py.VirtualLayout((12, 30, 50), np.uint16)
    layout[:] = h5py.VirtualSource("part.h5", "/entry/data/data", (12, 30, 50))
    with h5py.File(tmp_path / "all.h5", "w") as file:
        file.create_virtual_dataset("/entry/data/data", layout)
    with pytest.raises(CorruptDataError, match=r"\(7, 30, 50\)"):
        open_frames(tmp_path / "all.h5")


def test_data_files_of_different_shape_are_refused(tmp_path, counts):
    master = write_eiger(tmp_path, counts, frames_per_file=6)
    write_hdf5(tmp_path / "series_1_data_000002.h5", counts[6:, :20])
    with pytest.raises(FileFormatError) as caught:
        open_frames(master)
    assert caught.value.path == tmp_path / "series_1_data_000002.h5"


@pytest.mark.parametrize("virtual", [False, True])
def test_frames_that_were_never_written_are_an_error_that_names_the_first(tmp_path, counts, virtual):
    master = write_eiger(tmp_path, counts, frames_per_file=6, virtual=virtual)
    second = tmp_path / "series_1_data_000002.h5"
    with h5py.File(second, "w") as file:
        data = file.create_dataset("/entry/data/data", (6, 30, 50), "u2", chunks=(1, 30, 50))
        data[:3] = counts[6:9]
    with pytest.raises(CorruptDataError) as caught:
        open_frames(second)
    assert (caught.value.path, caught.value.where) == (second, "frame 3")
    with pytest.raises(CorruptDataError) as caught:
        open_frames(master)
    # A virtual dataset is refused while its sources are looked at, before their place in the series is known.
    assert (caught.value.path, caught.value.where) == (second, "frame 3" if virtual else "frame 9")


def test_contiguous_frames_that_were_never_written_are_an_error(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("/entry/data/data", (6, 30, 50), "u2")
    with pytest.raises(CorruptDataError, match="no frame was ever written"):
        open_frames(tmp_path / "a.h5")


@pytest.mark.parametrize("compression", ["bslz4", "gzip"])
def test_an_unreadable_chunk_is_an_error_that_names_the_frame(tmp_path, counts, compression):
    path = write_hdf5(tmp_path / "a.h5", counts, compression=compression)
    with h5py.File(path) as file:
        info = file["/entry/data/data"].id.get_chunk_info(7)
    data = bytearray(path.read_bytes())
    data[info.byte_offset + 12 : info.byte_offset + info.size] = b"\xff" * (info.size - 12)
    path.write_bytes(data)
    with open_frames(path) as source:
        np.testing.assert_array_equal(source.frames(0, 7), counts[:7])
        for read in (source.frames, source.events):
            with pytest.raises(CorruptDataError) as caught:
                read(2, 10)
            assert (caught.value.path, caught.value.where) == (path, "frame 7")


def test_a_damaged_header_of_the_first_chunk_is_found_before_it_is_decoded(tmp_path, counts):
    path = write_hdf5(tmp_path / "a.h5", counts)
    with open_frames(path) as source:
        offset = int(source.chunk_tables()[0].offset[0])
    data = bytearray(path.read_bytes())
    data[offset : offset + 12] = bytes(12)
    path.write_bytes(data)
    with open_frames(path) as source, pytest.raises(CorruptDataError, match="frame 0"):
        source.chunk_tables()


def test_a_truncated_file_says_so(tmp_path, counts):
    path = write_hdf5(tmp_path / "a.h5", counts)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CorruptDataError, match="copy it again"):
        open_frames(path)


def test_a_file_cut_to_its_first_bytes_is_an_error(tmp_path, counts):
    path = write_hdf5(tmp_path / "a.h5", counts)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(CorruptDataError) as caught:
        open_frames(path)
    assert caught.value.path == path


def test_a_series_of_no_frames_is_an_error(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("/entry/data/data", (0, 30, 50), "u2", maxshape=(None, 30, 50))
    with pytest.raises(FileFormatError, match="no frames"):
        open_frames(tmp_path / "a.h5")


@pytest.mark.parametrize("shape", [(30, 50), (2, 3, 30, 50)])
def test_a_dataset_that_is_no_series_is_an_error(tmp_path, shape):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["/entry/data/data"] = np.zeros(shape, np.uint16)
    with pytest.raises(FileFormatError, match="three axes"):
        open_frames(tmp_path / "a.h5")


def test_a_series_of_text_is_an_error(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["/entry/data/data"] = np.full((2, 3, 4), b"x")
    with pytest.raises(FileFormatError, match="not numbers"):
        open_frames(tmp_path / "a.h5")


def test_a_metadata_file_is_recognised_as_no_raw_file(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["/entry/schema_version"] = "0.1.0"
    with pytest.raises(MissingKeyError, match="metadata"):
        open_frames(tmp_path / "a.h5")


def test_an_unknown_compression_is_named(tmp_path, counts, monkeypatch):
    path = write_hdf5(tmp_path / "a.h5", counts)
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: False)
    with pytest.raises(FileFormatError, match="32008"):
        open_frames(path)


def test_opening_does_not_read_the_frames(tmp_path):
    """A file of 2**33 bytes opens, because nothing of it is read before it is asked for."""
    path: Path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        space = h5py.h5s.create_simple((4096, 1024, 1024))
        group = file.create_group("/entry/data")
        h5py.h5d.create(group.id, b"data", h5py.h5t.STD_U16LE, space, properties)
    with open_frames(path) as source:
        assert source.n_frames == 4096
        assert source.frames(2000, 2002).shape == (2, 1024, 1024)
