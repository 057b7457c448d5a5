"""Two-time maps in tiles, of which those below the diagonal take no room."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

__all__ = ["read_tiles", "write_upper_triangle"]

#: Rows and columns of a tile, at most: 256 KiB, so that a part of a map is read without the rest.
TILE = 256
#: That read tiles.
THREADS = 2
#: Cells of a part from which it is worth that.
LARGE = 500_000


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


def read_tiles(dataset: h5py.Dataset, rows: slice, columns: slice) -> NDArray[Any] | None:
    """Return a large part of a map that lies in plain tiles; None for a small one, or a map that is stored otherwise.

    Straight from the file, by several threads: HDF5 has one, and copies each tile once more.

    Parameters
    ----------
    dataset
        Map, shape (N, N).
    rows, columns
        From and to, step 1, within the map.

    Raises
    ------
    OSError
        The file ends before a tile does.
    """
    shape = rows.stop - rows.start, columns.stop - columns.start
    handle = _handle(dataset) if shape[0] * shape[1] >= LARGE else None
    if handle is None:
        return None
    height, width = dataset.chunks
    found = np.empty(shape, dataset.dtype)
    places: dict[tuple[int, ...], int] = {}
    dataset.id.chunk_iter(lambda tile: places.__setitem__(tile.chunk_offset, tile.byte_offset))

    def fill(top: int) -> None:
        """Read what is wanted of one row of tiles."""
        low, high = max(rows.start - top, 0), min(rows.stop - top, height)
        tile = np.empty((high - low, width), found.dtype)
        part = found[top + low - rows.start : top + high - rows.start]
        for left in range(columns.start // width * width, columns.stop, width):
            first, last = max(columns.start, left), min(columns.stop, left + width)
            target = part[:, first - columns.start : last - columns.start]
            place = places.get((top, left))
            if place is None:
                target[:] = 0
                continue
            if os.preadv(handle, [tile], place + low * width * tile.itemsize) != tile.nbytes:
                raise OSError(f"the tile at {top}, {left} is cut off")
            target[:] = tile[:, first - left : last - left]

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(fill, range(rows.start // height * height, rows.stop, height)))
    return found


def _handle(dataset: h5py.Dataset) -> int | None:
    """Return the number of the open file, where the values of a dataset lie in it in tiles, as they are in memory."""
    file = dataset.file
    plain = dataset.chunks is not None and dataset.dtype.isnative and dataset.fillvalue == 0
    if not plain or dataset.id.get_create_plist().get_nfilters() or file.driver != "sec2" or file.userblock_size:
        return None
    return int(file.id.get_vfd_handle())
