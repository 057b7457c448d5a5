"""Two-time maps stand in the file as they were made, and take little more than half of their room."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

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
