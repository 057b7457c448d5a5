"""Two-time maps stand in the file as they were made, and take little more than half of their room."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pytest

from xpcs_nb.hdf5 import _tiles, read_tiles
from xpcs_nb.hdf5._tiles import write_upper_triangle


@pytest.mark.parametrize("n", [1, 7, 256, 257, 700])
def test_upper_triangle_is_read_back_with_zeros_below(tmp_path, n):
    values = np.triu(np.random.default_rng(n).normal(size=(n, n))).astype(np.float32)
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        write_upper_triangle(file, "c2", values)
    with h5py.File(tmp_path / "maps.h5") as file:
        np.testing.assert_array_equal(file["c2"][()], values)


def test_tiles_below_the_diagonal_take_no_room(tmp_path):
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        write_upper_triangle(file, "c2", np.ones((1000, 1000), dtype=np.float32))
        assert file["c2"].id.get_storage_size() == 10 * 250 * 250 * 4


class TestReadingTiles:
    @pytest.fixture
    def written(self, tmp_path, monkeypatch):
        monkeypatch.setattr(_tiles, "LARGE", 1)
        monkeypatch.setattr(_tiles, "TILE", 16)
        values = np.triu(np.random.default_rng(1).normal(size=(101, 101))).astype(np.float32)
        path = tmp_path / "maps.h5"
        with h5py.File(path, "w") as file:
            write_upper_triangle(file, "c2", values)
            file.create_dataset("packed", data=values, chunks=(20, 20), compression="lzf")
            file["plain"] = values
            file.create_dataset("gap", values.shape, np.float32, chunks=(20, 20), fillvalue=1.0)
        return path, values

    @pytest.mark.parametrize(
        ("rows", "columns"),
        [((0, 101), (0, 101)), ((0, 50), (0, 101)), ((37, 90), (37, 101)), ((3, 5), (90, 101)), ((60, 61), (0, 7))],
    )
    def test_a_part_is_what_hdf5_reads(self, written, rows, columns):
        path, values = written
        with h5py.File(path) as file:
            part = read_tiles(file["c2"], slice(*rows), slice(*columns))
        np.testing.assert_array_equal(part, values[slice(*rows), slice(*columns)])

    @pytest.mark.parametrize("name", ["packed", "plain", "gap"])
    def test_what_is_stored_otherwise_is_left_to_hdf5(self, written, name):
        with h5py.File(written[0]) as file:
            assert read_tiles(file[name], slice(0, 101), slice(0, 101)) is None

    def test_a_file_that_is_cut_off_is_an_error(self, written):
        path, _ = written
        with h5py.File(path) as file:
            os.truncate(path, 9000)
            with pytest.raises(OSError, match="cut off"):
                read_tiles(file["c2"], slice(0, 101), slice(0, 101))
