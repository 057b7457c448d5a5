"""Write series as HDF5, in one file or as an Eiger detector does."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any, Literal

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from xpcs_nb.errors import OptionError
from xpcs_nb.simulation._raw import Frames, as_events, blocks, describe

__all__ = ["Compression", "write_eiger", "write_hdf5"]

type Compression = Literal["bslz4", "lz4", "gzip", "zstd", "blosc"] | None


def _filter(compression: Compression) -> dict[str, Any]:
    known: dict[str | None, Any] = {
        None: {},
        "bslz4": hdf5plugin.Bitshuffle(),
        "lz4": hdf5plugin.LZ4(),
        "gzip": {"compression": "gzip", "compression_opts": 1},
        "zstd": hdf5plugin.Zstd(),
        "blosc": hdf5plugin.Blosc(),
    }
    if compression not in known:
        raise OptionError("no such compression", got=repr(compression), expected=" or ".join(map(repr, known)))
    return dict(known[compression])


def write_hdf5(
    path: str | PathLike[str],
    frames: Frames,
    *,
    compression: Compression = "bslz4",
    frames_per_chunk: int | None = 1,
    dtype: Any = None,
    dataset: str = "/entry/data/data",
) -> Path:
    """Write a series as one HDF5 dataset, as APS 8-ID and Eiger data files hold it.

    Photons are turned into frames a few at a time, so the series need not fit into memory.

    Parameters
    ----------
    path
        File to write; an existing one is replaced.
    frames
        Array (frames, rows, columns) or event list.
    compression
        Filter of the chunks; ``bslz4`` is bitshuffle with LZ4.
    frames_per_chunk
        Frames in a chunk; None for contiguous storage, which has no compression.
    dtype
        Type in the file: that of the array, or uint16 for photons, when not given.
    dataset
        Place of the frames in the file.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OptionError
        If the counts do not fit the type, the compression is not known, or contiguous frames are to be compressed.
    """
    shape, kind = describe(frames, dtype)
    if frames_per_chunk is None and compression is not None:
        raise OptionError("contiguous frames can't be compressed", got=compression, expected="compression=None")
    chunks = None if frames_per_chunk is None else (min(frames_per_chunk, shape[0]), *shape[1:])
    path = Path(path)
    with h5py.File(path, "w") as file:
        stored = file.create_dataset(dataset, shape, kind, chunks=chunks, **_filter(compression))
        for start, block in blocks(frames, kind, frames_per_chunk or 1):
            stored[start : start + len(block)] = block
    return path


def write_eiger(
    folder: str | PathLike[str],
    frames: Frames,
    *,
    prefix: str = "series_1",
    frames_per_file: int = 100,
    compression: Compression = "bslz4",
    dtype: Any = None,
    pixel_mask: NDArray[Any] | None = None,
    virtual: bool = False,
) -> Path:
    """Write a series as an Eiger detector does: a master file that links to data files.

    Parameters
    ----------
    folder, prefix
        The files are ``<folder>/<prefix>_master.h5`` and ``<prefix>_data_000001.h5`` ...
    frames, compression, dtype
        As in `write_hdf5`, one frame a chunk.
    frames_per_file
        Frames in each data file.
    pixel_mask
        Shape (rows, columns), not 0 where a pixel is bad; written to the master file.
    virtual
        Join the data files by a virtual dataset ``/entry/data/data`` instead of links ``/entry/data/data_000001`` ...

    Returns
    -------
    Path
        The master file.
    """
    (n_frames, rows, columns), kind = describe(frames, dtype)
    folder = Path(folder)
    master = folder / f"{prefix}_master.h5"
    layout = h5py.VirtualLayout((n_frames, rows, columns), kind)
    parts = _data_files(folder, prefix, frames, frames_per_file, compression, kind)
    with h5py.File(master, "w") as file:
        data = file.create_group("entry/data")
        for number, (name, start, stop) in enumerate(parts, start=1):
            if virtual:
                layout[start:stop] = h5py.VirtualSource(name, "/entry/data/data", (stop - start, rows, columns), kind)
            else:
                data[f"data_{number:06d}"] = h5py.ExternalLink(name, "/entry/data/data")
        if virtual:
            data.create_virtual_dataset("data", layout)
        file["entry/instrument/detector/detectorSpecific/nimages"] = np.uint64(n_frames)
        if pixel_mask is not None:
            file["entry/instrument/detector/detectorSpecific/pixel_mask"] = pixel_mask.astype(np.uint32)
    return master


def _data_files(
    folder: Path, prefix: str, frames: Frames, frames_per_file: int, compression: Compression, dtype: np.dtype[Any]
) -> list[tuple[str, int, int]]:
    """Write the data files; return the name, first and one past the last frame of each."""
    n_frames, rows, columns = describe(frames, dtype)[0]
    parts: list[tuple[str, int, int]] = []
    for number, start in enumerate(range(0, n_frames, frames_per_file), start=1):
        parts.append((f"{prefix}_data_{number:06d}.h5", start, min(start + frames_per_file, n_frames)))
    for name, start, stop in parts:
        with h5py.File(folder / name, "w") as file:
            file.create_dataset(
                "entry/data/data",
                (stop - start, rows, columns),
                dtype,
                chunks=(1, rows, columns),
                **_filter(compression),
            )
    if not isinstance(frames, np.ndarray):
        frames = as_events(frames)
    for first, block in blocks(frames, dtype):
        for name, start, stop in parts:
            low, high = max(start, first), min(stop, first + len(block))
            if low < high:
                with h5py.File(folder / name, "r+") as file:
                    file["entry/data/data"][low - start : high - start] = block[low - first : high - first]
    return parts
