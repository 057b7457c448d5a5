"""Arrays that xarray reads from the file when they are used. Each read opens and closes the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from xpcs_nb.errors import CorruptDataError
from xpcs_nb.hdf5 import MapStack, Stored, entry, open_file

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
    """Two-time maps as (bin, t1, t2): read map by map, and completed from their upper triangles."""

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
        upper = _values(file, self.stack.datasets[number], ())
        if upper.shape != self.shape[1:]:
            raise CorruptDataError(
                "a two-time map has another shape than the first",
                path=self.path,
                where=self.stack.datasets[number],
                got=upper.shape,
                expected=self.shape[1:],
            )
        full = upper + upper.T
        np.fill_diagonal(full, upper.diagonal())
        return np.asarray(full[rows, columns])


def _values(file: h5py.File, dataset: str, key: tuple[Any, ...]) -> NDArray[Any]:
    """Read a part of a dataset; the file may have been replaced or damaged since the result was opened."""
    try:
        return np.asarray(entry(file, dataset)[key])
    except OSError as error:
        raise CorruptDataError("an array can't be read", path=file.filename, where=dataset, got=str(error)) from error
