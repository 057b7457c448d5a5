"""Arrays of a result file as variables and coordinates of xarray."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from xarray.core import indexing

from xpcs_nb.hdf5 import Array, MapStack, Stored
from xpcs_nb.results._lazy import LazyArray, LazyMaps

__all__ = ["coordinates_of", "variable_of"]

#: Coordinates by which a bin is looked up, beside its label.
LOOKED_UP = ("q", "phi")

#: Sets of coordinates that are kept.
KEPT = 32
#: Bytes of a coordinate above which it is the same as another only if it is the same array, as the times of frames are.
LARGE = 65_536


def variable_of(path: Path, array: Array) -> xr.Variable:
    """Return an array of a result; one that stays in the file is read when it is used."""
    data: Any = array.data
    encoding: dict[str, Any] = {}
    if isinstance(data, MapStack) and data.chunks is not None:
        encoding["preferred_chunks"] = dict(zip(array.dims, (1, *data.chunks), strict=True))
    if isinstance(data, Stored):
        data = indexing.LazilyIndexedArray(LazyArray(path, data))
    elif isinstance(data, MapStack):
        data = indexing.LazilyIndexedArray(LazyMaps(path, data))
    attrs = {"units": array.units, "long_name": array.long_name} | array.attrs
    return xr.Variable(array.dims, data, attrs, encoding)


def coordinates_of(path: Path, arrays: Mapping[str, Array]) -> xr.Coordinates:
    """Return coordinates with their indexes, shared between results that have the same ones (and thus read-only).

    Repeats of a measurement have: making the indexes anew takes longer than all else that g2 of one needs.
    """
    if all(
        isinstance(each.data, np.ndarray) and (each.data.nbytes <= LARGE or _is_shared(each))
        for each in arrays.values()
    ):
        key = tuple((name, _key(array)) for name, array in arrays.items())
        return _shared(_Coordinates(key, path, arrays))
    return _indexed(path, arrays)


def _is_shared(array: Array) -> bool:
    return isinstance(array.data, np.ndarray) and not array.data.flags.writeable


@dataclass(frozen=True)
class _Coordinates:
    """Coordinates, equal to others with the same names, values and attributes."""

    key: Hashable
    path: Path = field(compare=False)
    arrays: Mapping[str, Array] = field(compare=False)


def _key(array: Array) -> Hashable:
    values = np.asarray(array.data)
    if values.nbytes > LARGE:
        content: Hashable = id(values)  # which no other array has as long as this one is kept with its key
    else:
        content = values.tobytes() if values.dtype.kind in "iufb" else tuple(values.tolist())
    return array.dims, values.dtype.str, values.shape, content, array.units, array.long_name, repr(array.attrs)


@lru_cache(KEPT)
def _shared(coordinates: _Coordinates) -> xr.Coordinates:
    for array in coordinates.arrays.values():
        if isinstance(array.data, np.ndarray):
            array.data.flags.writeable = False
    return _indexed(coordinates.path, coordinates.arrays)


def _indexed(path: Path, arrays: Mapping[str, Array]) -> xr.Coordinates:
    dataset = xr.Dataset(coords={name: variable_of(path, array) for name, array in arrays.items()})
    for name in LOOKED_UP:
        if name in dataset.coords and _can_index(dataset[name]):
            dataset = dataset.set_xindex(name)
    return dataset.coords


def _can_index(coord: xr.DataArray) -> bool:
    """Whether ``sel(q=..., method="nearest")`` has an answer: several values, all different, in order."""
    index = coord.to_index()
    return coord.ndim == 1 and len(index) > 1 and index.is_unique and index.is_monotonic_increasing
