"""The chunks of an HDF5 dataset: are all there, can they be decoded, and where do they lie."""

from __future__ import annotations

import struct
from importlib import import_module
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from xpcs_nb.core import ChunkTable
from xpcs_nb.errors import CorruptDataError, FileFormatError

__all__ = ["chunk_table", "require_filters", "require_written"]

BITSHUFFLE = 32008
BITSHUFFLE_LZ4 = 2
#: Filters from this number on come from plugins.
FIRST_PLUGIN = 256


def _filters(dataset: h5py.Dataset) -> list[tuple[int, tuple[int, ...], str]]:
    properties = dataset.id.get_create_plist()
    steps = (properties.get_filter(index) for index in range(properties.get_nfilters()))
    return [(code, values, name.decode(errors="replace")) for code, _, values, name in steps]


def require_filters(dataset: h5py.Dataset, path: Path) -> None:
    """Load the plugins that `dataset` is compressed with.

    Raises
    ------
    FileFormatError
        If there is none for a filter; it names the filter.
    """
    for code, _, name in _filters(dataset):
        if code >= FIRST_PLUGIN:
            # Registers its filters with HDF5 when imported; a second import costs nothing.
            import_module("hdf5plugin")
        if not h5py.h5z.filter_avail(code):
            raise FileFormatError(
                "the compression of the frames is not known here",
                path=path,
                where=dataset.name,
                got=f"HDF5 filter {code} ({name})",
                expected="a filter of HDF5 itself or of the package hdf5plugin",
            )


def require_written(dataset: h5py.Dataset, path: Path, first_frame: int = 0) -> None:
    """Refuse a dataset with frames that were never written: HDF5 would show zeros in their place.

    Parameters
    ----------
    dataset, path
        Checked here, and named in the error.
    first_frame
        Number in the series of the first frame of `dataset`.

    Raises
    ------
    CorruptDataError
        It names the first missing frame.
    """
    if dataset.is_virtual or dataset.size == 0 or dataset.id.get_create_plist().get_external_count():
        return
    if dataset.chunks is None:
        if dataset.id.get_storage_size() == 0:
            raise CorruptDataError("no frame was ever written", path=path, where=dataset.name)
        return
    a_chunk = np.array(dataset.chunks)
    grid = -(-np.array(dataset.shape) // a_chunk)
    written = dataset.id.get_num_chunks()
    if written == grid.prod():
        return
    seen = np.zeros(grid[0], dtype=np.int64)

    def note(info: Any) -> None:
        seen[info.chunk_offset[0] // a_chunk[0]] += 1

    dataset.id.chunk_iter(note)
    missing = int(np.argmax(seen < grid[1] * grid[2])) * int(a_chunk[0])
    raise CorruptDataError(
        "the frame was never written: the series is cut short",
        path=path,
        where=f"frame {first_frame + missing}",
        got=f"{written} chunks in {dataset.name}",
        expected=f"{grid.prod()} chunks",
        hint="Copy the file again, or wait until the detector has written it completely.",
    )


def chunk_table(dataset: h5py.Dataset, path: Path, first: int, n_frames: int, first_frame: int) -> ChunkTable | None:
    """Return where frames ``first .. first + n_frames - 1`` of `dataset` lie, or None when they are stored another way.

    Raises
    ------
    CorruptDataError
        If a chunk lies outside the file, or the first is not what bitshuffle writes; it names the frame, counted
        from `first_frame`.
    """
    if not _is_decodable(dataset):
        return None
    offset = np.zeros(len(dataset), dtype=np.int64)
    size = np.zeros(len(dataset), dtype=np.int64)
    skipped = 0

    def note(info: Any) -> None:
        nonlocal skipped
        offset[info.chunk_offset[0]] = info.byte_offset
        size[info.chunk_offset[0]] = info.size
        skipped |= info.filter_mask

    dataset.id.chunk_iter(note)
    if skipped:
        return None
    part = slice(first, first + n_frames)
    offset, size = offset[part].copy(), size[part].copy()
    outside = (offset + size > path.stat().st_size) | (size < 12)
    if outside.any():
        raise CorruptDataError(
            "the frame lies outside the file", path=path, where=f"frame {first_frame + outside.argmax()}"
        )
    shape = (dataset.shape[1], dataset.shape[2])
    block = _block_elements(path, int(offset[0]), shape[0] * shape[1], dataset.dtype.itemsize, first_frame)
    return ChunkTable(path, offset, size, dataset.dtype, shape, block)


def _is_decodable(dataset: h5py.Dataset) -> bool:
    filters = _filters(dataset)
    return (
        dataset.chunks == (1, *dataset.shape[1:])
        and len(filters) == 1
        and filters[0][0] == BITSHUFFLE
        and filters[0][1][4:5] == (BITSHUFFLE_LZ4,)
        and filters[0][1][2] == dataset.dtype.itemsize
        and dataset.dtype.isnative
        # Addresses are those in the file only where nothing stands before the HDF5 part.
        and dataset.file.userblock_size == 0
    )


def _block_elements(path: Path, offset: int, n_pixels: int, itemsize: int, frame: int) -> int:
    with path.open("rb") as file:
        file.seek(offset)
        total, block_bytes = struct.unpack(">QI", file.read(12))
    if total != n_pixels * itemsize or block_bytes % (8 * itemsize) or block_bytes == 0:
        raise CorruptDataError(
            "the header of the chunk is damaged",
            path=path,
            where=f"frame {frame}",
            got=f"{total} bytes in blocks of {block_bytes}",
            expected=f"{n_pixels * itemsize} bytes in blocks of a multiple of {8 * itemsize}",
        )
    return int(block_bytes // itemsize)
