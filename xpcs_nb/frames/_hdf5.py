"""Frames in HDF5 files."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import ChunkTable
from xpcs_nb.errors import CorruptDataError, FileFormatError
from xpcs_nb.frames._chunks import chunk_table, require_filters, require_written
from xpcs_nb.frames._dense import DenseSource
from xpcs_nb.frames._hdf5_file import Stretch, open_hdf5
from xpcs_nb.frames._hdf5_layout import find_stretches, source_files

__all__ = ["Hdf5Source"]

#: Where Eiger master files keep the detector's own bad pixels (any bit set: not a good pixel).
PIXEL_MASKS = (
    "/entry/instrument/detector/pixel_mask",
    "/entry/instrument/detector/detectorSpecific/pixel_mask",
)
#: HDF5 keeps decoded chunks up to this many bytes, so that frames that share a chunk are decoded once.
MOST_CACHE = 512 * 2**20


class Hdf5Source(DenseSource):
    """Frames of one HDF5 file, or of the data files that an Eiger master file or virtual dataset names.

    One data file is open at a time. Frames that were never written, and sources that are missing, are
    errors when the source is opened.
    """

    def __init__(self, path: Path, dataset: str | None = None) -> None:
        with open_hdf5(path) as file:
            self._stretches = find_stretches(file, path, dataset)
            mask = _pixel_mask(file)
        self._starts = [0]
        self._lock = RLock()
        self._file: h5py.File | None = None
        self._dataset: h5py.Dataset | None = None
        self._current = -1
        shape, dtype = self._survey()
        super().__init__(
            path=path,
            format="hdf5",
            shape=shape,
            n_frames=self._starts[-1],
            dtype=dtype,
            files=source_files(self._stretches, path),
            dead=mask if mask is not None and mask.shape == shape else None,
        )

    def _survey(self) -> tuple[tuple[int, int], np.dtype[Any]]:
        """Check each data file before the long work; return the shape and type of a frame."""
        kinds: list[tuple[tuple[int, int], np.dtype[Any]]] = []
        for stretch in self._stretches:
            with open_hdf5(stretch.path) as file:
                dataset = file[stretch.dataset]
                require_filters(dataset, stretch.path)
                require_written(dataset, stretch.path, self._starts[-1] - stretch.first)
                kinds.append(((dataset.shape[1], dataset.shape[2]), dataset.dtype))
            self._starts.append(self._starts[-1] + stretch.n_frames)
            if kinds[-1] != kinds[0]:
                raise FileFormatError(
                    "the data files hold different kinds of frames", path=stretch.path, got=kinds[-1], expected=kinds[0]
                )
        return kinds[0]

    def _open(self, index: int) -> h5py.Dataset:
        if index != self._current or self._dataset is None:
            self._release()
            stretch = self._stretches[index]
            self._file = open_hdf5(stretch.path)
            self._dataset = _with_cache(self._file, stretch.dataset)
            self._current = index
        return self._dataset

    def _release(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._dataset = None

    def close(self) -> None:
        """Close the file."""
        super().close()
        with self._lock:
            self._release()

    @cached_property
    def _frames_a_chunk(self) -> int:
        with self._lock:
            chunks = self._open(0).chunks
        return int(chunks[0]) if chunks else 1

    def _read(self, start: int, stop: int, step: int) -> NDArray[Any]:
        wanted = range(start, stop, step)
        block: NDArray[Any] = np.empty((len(wanted), *self.shape), dtype=self.dtype)
        done = 0
        with self._lock:
            while done < len(wanted):
                index = bisect_right(self._starts, wanted[done]) - 1
                here = len(range(wanted[done], min(stop, self._starts[index + 1]), step))
                shift = self._stretches[index].first - self._starts[index]
                self._read_into(block[done : done + here], index, wanted[done : done + here], shift)
                done += here
        return block

    def _read_into(self, block: NDArray[Any], index: int, frames: range, shift: int) -> None:
        dataset = self._open(index)
        part = np.s_[frames.start + shift : frames.stop + shift : frames.step]
        try:
            dataset.read_direct(block, part)
        except OSError as error:
            frame, reason = self._first_unreadable(dataset, frames, shift, error)
            raise CorruptDataError(
                "the frame can't be read",
                path=self._stretches[index].path,
                where=f"frame {frame}",
                got=str(reason),
                hint="Copy the file again; frames before it can be processed with end_frame.",
            ) from error

    def _first_unreadable(
        self, dataset: h5py.Dataset, frames: range, shift: int, error: OSError
    ) -> tuple[int, OSError]:
        one: NDArray[Any] = np.empty((1, *self.shape), dtype=self.dtype)
        for frame in frames:
            try:
                dataset.read_direct(one, np.s_[frame + shift : frame + shift + 1])
            except OSError as reason:
                return frame, reason
        return frames[0], error

    def chunk_tables(self) -> tuple[ChunkTable, ...] | None:
        """Return the positions of the compressed frames, one table a data file; None where stored another way.

        Raises
        ------
        CorruptDataError
            If a frame lies outside its file or its header is damaged; it names the frame.
        """
        tables = [self._table(start, stretch) for start, stretch in zip(self._starts, self._stretches, strict=False)]
        known = [table for table in tables if table is not None]
        return tuple(known) if len(known) == len(tables) else None

    def _table(self, start: int, stretch: Stretch) -> ChunkTable | None:
        with open_hdf5(stretch.path) as file:
            return chunk_table(file[stretch.dataset], stretch.path, stretch.first, stretch.n_frames, start)


def _pixel_mask(file: h5py.File) -> NDArray[np.bool_] | None:
    for name in PIXEL_MASKS:
        if isinstance(found := file.get(name), h5py.Dataset) and found.ndim == 2:
            require_filters(found, Path(file.filename))
            dead: NDArray[np.bool_] = found[...] != 0
            return dead
    return None


def _with_cache(file: h5py.File, name: str) -> h5py.Dataset:
    dataset = file[name]
    if dataset.chunks is None or dataset.chunks[0] == 1:
        return dataset
    depth = dataset.chunks[0]
    slab = depth * int(np.prod(dataset.shape[1:])) * dataset.dtype.itemsize
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    access.set_chunk_cache(10007, min(2 * slab, MOST_CACHE), 1.0)
    return h5py.Dataset(h5py.h5d.open(file.id, dataset.name.encode(), access))
