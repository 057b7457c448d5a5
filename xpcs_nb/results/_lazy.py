"""Arrays that xarray reads from the file when they are used. Each read opens and closes the file."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from xpcs_nb.errors import CorruptDataError
from xpcs_nb.hdf5 import MapStack, Stored, entry, open_file, read_tiles

__all__ = ["LazyArray", "LazyMaps"]


class LazyArray(BackendArray):
    """A dataset of the file.

    Because no handle is kept, a result can be pickled to a worker, read by several processes, and replaced or
    deleted while it is open elsewhere.
    """

    def __init__(self, path: Path, stored: Stored) -> None:
        self.path = path
        self.stored = stored
        self.shape = stored.shape
        self.dtype = stored.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER_1VECTOR, self._read)

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        full = key if self.stored.lead is None else (self.stored.lead, *key)
        with open_file(self.path) as file:
            values = _values(file, self.stored.dataset, full)
        return np.asarray(values > 0 if self.stored.as_bool else values)


class LazyMaps(BackendArray):
    """Two-time maps as (bin, t1, t2), completed from their upper triangles; of a map only the part used is read."""

    def __init__(self, path: Path, stack: MapStack) -> None:
        self.path = path
        self.stack = stack
        self.shape = stack.shape
        self.dtype = stack.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._read)

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        bins, rows, columns = key
        wanted = range(self.shape[0])[bins]
        with open_file(self.path) as file:
            if isinstance(wanted, int):
                return self._map(file, wanted, rows, columns)
            maps = [self._map(file, number, rows, columns) for number in wanted]
        return np.stack(maps) if maps else np.empty((0, *np.empty(self.shape[1:])[rows, columns].shape), self.dtype)

    def _map(self, file: h5py.File, number: int, rows: Any, columns: Any) -> NDArray[Any]:
        name = self.stack.datasets[number]
        stored = entry(file, name)
        if stored.shape != self.shape[1:]:
            raise CorruptDataError(
                "a two-time map has another shape than the first",
                path=self.path,
                where=name,
                got=stored.shape,
                expected=self.shape[1:],
            )
        # Looked up once: a look-up takes as long as reading a few rows.
        read = partial(_square_part, stored)
        (top, bottom, rows), (left, right, columns) = (_span(part, len(stored)) for part in (rows, columns))
        pieces = []
        if left < top:
            # Below the diagonal: the mirror image is stored.
            pieces.append(read((slice(left, min(right, top)), slice(top, bottom))).T)
        if right > top:
            upper = read((slice(top, bottom), slice(top, max(right, bottom))))
            _mirror(upper)
            pieces.append(upper[:, max(left - top, 0) : right - top])
        part = pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)
        return np.asarray(part[:, columns][rows])


def _span(index: Any, size: int) -> tuple[int, int, Any]:
    """Return the least range of rows that holds `index`, and what `index` is within it."""
    chosen = range(size)[index]
    if isinstance(chosen, int):
        return chosen, chosen + 1, 0
    if not chosen:
        return 0, 1, slice(0, 0)
    low, high = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1])
    return low, high + 1, slice(None) if chosen.step > 0 and abs(chosen.step) == 1 else np.asarray(chosen) - low


@cache
def _below(size: int) -> tuple[NDArray[np.int64], ...]:
    return np.tril_indices(size, -1)


def _mirror(upper: NDArray[Any], block: int = 64) -> None:
    """Copy what is above the diagonal to below it, in place and by blocks that stay in the processor's cache."""
    n = len(upper)
    for first in range(0, n, block):
        last = min(first + block, n)
        square = upper[first:last, first:last]
        below = _below(last - first)
        square[below] = square.T[below]
        for begin in range(last, n, block):
            end = min(begin + block, n)
            upper[begin:end, first:last] = upper[first:last, begin:end].T


def _values(file: h5py.File, dataset: str, key: tuple[Any, ...]) -> NDArray[Any]:
    """Read a part of a dataset; the file may have been replaced or damaged since the result was opened."""
    return _part(entry(file, dataset), key)


def _square_part(dataset: h5py.Dataset, key: tuple[slice, slice]) -> NDArray[Any]:
    """Return a part of a two-time map."""
    try:
        part = read_tiles(dataset, *key)
    except OSError as error:
        raise _unreadable(dataset, error) from error
    return _part(dataset, key) if part is None else part


def _unreadable(dataset: h5py.Dataset, error: OSError) -> CorruptDataError:
    return CorruptDataError("an array can't be read", path=dataset.file.filename, where=dataset.name, got=str(error))


def _part(dataset: h5py.Dataset, key: tuple[Any, ...]) -> NDArray[Any]:
    try:
        return np.asarray(dataset[key])
    except OSError as error:
        raise _unreadable(dataset, error) from error
