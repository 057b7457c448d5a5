"""Two-time maps in tiles, of which those below the diagonal take no room."""

from __future__ import annotations

import h5py
import numpy as np
from numpy.typing import NDArray

__all__ = ["write_upper_triangle"]

#: Rows and columns of a tile, at most: 256 KiB, so that a part of a map is read without the rest.
TILE = 256


def write_upper_triangle(file: h5py.File, name: str, values: NDArray[np.float32]) -> None:
    """Write the upper triangle of a map, shape (N, N); readers find zeros below it, as boost_corr leaves them.

    Not packed: lzf would cost more time than the bytes it saves.
    """
    n = len(values)
    side = -(-n // -(-n // TILE)) if n else 1
    dataset = file.create_dataset(name, values.shape, np.float32, chunks=(side, side))
    for row in range(0, n, side):
        for column in range(row, n, side):
            tile = np.zeros((side, side), dtype=np.float32)
            part = values[row : row + side, column : column + side]
            tile[: part.shape[0], : part.shape[1]] = part
            dataset.id.write_direct_chunk((row, column), tile)
