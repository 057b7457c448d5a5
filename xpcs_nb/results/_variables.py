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

from xpcs_nb.hdf5 import Array, MapStack, Node, Stored
from xpcs_nb.results._lazy import LazyArray, LazyMaps

__all__ = ["dataset_of"]

#: Coordinates by which a bin is looked up, beside its label.
LOOKED_UP = ("q", "phi")

#: Sets of coordinates that are kept.
KEPT = 32
#: Bytes of a coordinate above which it is the same as another only if it is the same array, as the times of frames are.
LARGE = 65_536
#: Bytes of a variable up to which datasets with the same ones are made alike; the numbers of one of them are kept.
ALIKE = 1 << 20


def _variable(path: Path, array: Array) -> xr.Variable:
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


def dataset_of(path: Path, node: Node) -> xr.Dataset:
    """Return a node of a result.

    Coordinates and their indexes are shared between results that have the same ones (and thus read-only), as repeats of
    a measurement have: to make them anew takes longer than all else that g2 of one needs.
    """
    if not all(_is_small(each.data) for each in node.coords.values()):
        return _made(path, node, _indexed(path, node.coords))
    coords = tuple((name, _key(array)) for name, array in node.coords.items())
    if not all(_is_light(each.data) for each in node.variables.values()):
        return _made(path, node, _coordinates(_Alike((coords,), path, node)))
    looks = tuple((name, *_looks(array)) for name, array in node.variables.items())
    # Of a dataset with the same variables, all but the numbers is kept.
    like = _dataset(_Alike((coords, looks), path, node))
    dataset = like.copy(data={name: array.data for name, array in node.variables.items()})
    dataset.attrs = dict(node.attrs)
    return dataset


def _is_small(data: object) -> bool:
    return isinstance(data, np.ndarray) and (data.nbytes <= LARGE or not data.flags.writeable)


def _is_light(data: object) -> bool:
    return isinstance(data, np.ndarray) and data.nbytes <= ALIKE


def _made(path: Path, node: Node, coords: xr.Coordinates) -> xr.Dataset:
    return xr.Dataset({name: _variable(path, array) for name, array in node.variables.items()}, coords, node.attrs)


@dataclass(frozen=True)
class _Alike:
    """A node, equal to others with the same key."""

    key: tuple[Hashable, ...]
    path: Path = field(compare=False)
    node: Node = field(compare=False)


def _looks(array: Array) -> tuple[Hashable, ...]:
    return array.dims, array.data.shape, array.units, array.long_name, repr(array.attrs)


def _key(array: Array) -> Hashable:
    values = np.asarray(array.data)
    if values.nbytes > LARGE:
        content: Hashable = id(values)  # which no other array has as long as this one is kept with its key
    else:
        content = values.tobytes() if values.dtype.kind in "iufb" else tuple(values.tolist())
    return values.dtype.str, content, *_looks(array)


@lru_cache(KEPT)
def _coordinates(alike: _Alike) -> xr.Coordinates:
    for array in alike.node.coords.values():
        if isinstance(array.data, np.ndarray):
            array.data.flags.writeable = False
    return _indexed(alike.path, alike.node.coords)


@lru_cache(KEPT)
def _dataset(alike: _Alike) -> xr.Dataset:
    return _made(alike.path, alike.node, _coordinates(_Alike(alike.key[:1], alike.path, alike.node)))


def _indexed(path: Path, arrays: Mapping[str, Array]) -> xr.Coordinates:
    dataset = xr.Dataset(coords={name: _variable(path, array) for name, array in arrays.items()})
    for name in LOOKED_UP:
        if name in dataset.coords and _can_index(dataset[name]):
            dataset = dataset.set_xindex(name)
    return dataset.coords


def _can_index(coord: xr.DataArray) -> bool:
    """Whether ``sel(q=..., method="nearest")`` has an answer: several values, all different, in order."""
    index = coord.to_index()
    return coord.ndim == 1 and len(index) > 1 and index.is_unique and index.is_monotonic_increasing
