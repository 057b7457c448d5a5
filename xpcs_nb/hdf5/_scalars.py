"""Scalars as files hold them: (1, 1) arrays, bytes, text, 0-d arrays, lists of one value."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from math import prod
from os import PathLike
from typing import Any

import h5py
import numpy as np

from xpcs_nb.errors import FileFormatError, MissingFileError, MissingKeyError

__all__ = [
    "all_scalars",
    "entry",
    "has_group",
    "has_key",
    "names_in",
    "open_file",
    "open_group",
    "plain",
    "read_attribute",
    "read_float",
    "read_optional",
    "read_optional_float",
    "read_scalar",
    "read_text",
    "read_texts",
    "read_values",
    "shape_of",
    "texts_of",
]

#: HDF5 tells "not there" by many names; none of them is an object that can be reached.
UNREACHED = (KeyError, OSError, RuntimeError, ValueError)
#: Lists longer than this are data, not metadata.
LONGEST_LIST = 4096


def open_file(path: str | PathLike[str]) -> h5py.File:
    """Open an HDF5 file for reading.

    Raises
    ------
    MissingFileError
        If there is no such file.
    FileFormatError
        If it is not HDF5, or its structure is damaged.
    """
    try:
        return h5py.File(path, "r")
    except FileNotFoundError as error:
        raise MissingFileError("there is no such file", path=path) from error
    except IsADirectoryError as error:
        raise MissingFileError("this is a folder, not a file", path=path) from error
    except OSError as error:
        raise FileFormatError(
            "the file can't be opened as HDF5", path=path, got=str(error).splitlines()[0], expected="an HDF5 file"
        ) from error


def plain(value: object) -> Any:
    """Return `value` as str, bool, int or float, or as a list of those where it holds several different ones.

    Bytes become text; an array or list of one value, or of equal values, becomes that value.
    """
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, h5py.Empty):
        return None
    if isinstance(value, np.ndarray | list | tuple):
        items = [plain(item) for item in np.asarray(value, dtype=object).ravel()]
        first = items[0] if items else None
        return first if items and all(item == first for item in items) else items
    return value.item() if isinstance(value, np.generic) else value


def has_key(group: h5py.Group, key: str) -> bool:
    """Return True if `key` is a dataset of `group` that can be reached (a broken link can't)."""
    return _kind(group, key) == int(h5py.h5o.TYPE_DATASET)


def has_group(group: h5py.Group, key: str) -> bool:
    """Return True if `key` is a group below `group` that can be reached."""
    return _kind(group, key) == int(h5py.h5o.TYPE_GROUP)


def _kind(group: h5py.Group, key: str) -> int | None:
    try:
        # Ten times faster than `group.get`, which opens the object.
        return int(h5py.h5o.get_info(group.id, key.encode()).type)
    except UNREACHED:
        return None


def shape_of(group: h5py.Group, key: str) -> tuple[int, ...] | None:
    """Return the shape of dataset `key` below `group`; None where there is none that can be reached, or no value."""
    try:
        shape: tuple[int, ...] | None = h5py.h5d.open(group.id, key.encode()).shape
    except UNREACHED:
        return None
    return shape


def names_in(group: h5py.Group) -> set[str]:
    """Return the names of what is in a group; a link among them may be broken."""
    return {name.decode() for name in group.id}


def open_group(group: h5py.Group, key: str) -> h5py.Group:
    """Return the group `key` below `group`; it is there, as `has_group` says. Faster than ``group[key]``."""
    return h5py.Group(h5py.h5g.open(group.id, key.encode()))


def read_attribute(group: h5py.Group, key: str, name: str, default: object = None) -> Any:
    """Return an attribute of the object `key` below `group`, made plain; `default` where it has none."""
    if not h5py.h5a.exists(group.id, name.encode(), obj_name=key.encode()):
        return default
    attribute = h5py.h5a.open(group.id, name.encode(), obj_name=key.encode())
    if attribute.shape is None:
        return None
    values = np.empty(attribute.shape, attribute.dtype)
    attribute.read(values)
    return plain(values if values.ndim else values[()])


def entry(group: h5py.Group, key: str) -> Any:
    """Return the dataset or group at `key`; raises MissingKeyError naming it."""
    try:
        return group[key]
    except KeyError:
        raise missing_key(group, key) from None


def read_values(group: h5py.Group, key: str) -> Any:
    """Return all of dataset `key` below `group`; a third of the time of ``group[key][()]`` for a small one.

    It is there, as `has_key` says: a missing one is h5py's KeyError.
    """
    dataset = h5py.h5d.open(group.id, key.encode())
    return _values_of(dataset, dataset.shape, dataset.dtype)


def _values_of(dataset: h5py.h5d.DatasetID, shape: tuple[int, ...] | None, dtype: np.dtype[Any]) -> Any:
    if shape is None:
        return h5py.Empty(dtype)
    values = np.empty(shape, dtype)
    if values.size:
        dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, values, _in_memory(dtype) if dtype.kind in "iuf" else None)
    return values if values.ndim else values[()]


@cache
def _in_memory(dtype: np.dtype[Any]) -> h5py.h5t.TypeID:
    """Return what HDF5 calls a type of numbers; h5py makes it for each read where it is not given."""
    return h5py.h5t.py_create(dtype)


def read_optional(group: h5py.Group, key: str, default: Any = None) -> Any:
    """Return all of dataset `key` below `group`, or `default` where there is none that can be reached."""
    try:
        return read_values(group, key)
    except KeyError:
        return default


def read_scalar(group: h5py.Group, key: str) -> Any:
    """Return the value of dataset `key` below `group`, made plain by `plain`.

    Raises
    ------
    MissingKeyError
        If it is not there; the error names the file, the key and those of the file's keys that look like it.
    """
    try:
        return plain(read_values(group, key))
    except KeyError:
        raise missing_key(group, key) from None


def read_float(group: h5py.Group, key: str) -> float:
    """Return the number in dataset `key` below `group`; it may be NaN.

    Raises
    ------
    MissingKeyError
        If it is not there.
    FileFormatError
        If it is not one number.
    """
    value = read_scalar(group, key)
    try:
        return float(value)
    except (TypeError, ValueError):
        got = f"{len(value)} values" if isinstance(value, list) else repr(value)
        raise FileFormatError(
            "an entry can't be used", path=group.file.filename, where=place(group, key), got=got, expected="one number"
        ) from None


def read_optional_float(group: h5py.Group, key: str) -> float | None:
    """Return the number in dataset `key` below `group`, or None where there is none (or NaN).

    Raises
    ------
    FileFormatError
        If it is there but not one number.
    """
    if not has_key(group, key):
        return None
    value = read_float(group, key)
    return None if np.isnan(value) else value


def read_text(group: h5py.Group, key: str) -> str:
    """Return the text in dataset `key` below `group`.

    Raises
    ------
    MissingKeyError
        If it is not there.
    """
    return str(read_scalar(group, key))


def read_texts(group: h5py.Group, key: str) -> tuple[str, ...]:
    """Return all texts in dataset `key` below `group`, equal ones included.

    Raises
    ------
    MissingKeyError
        If it is not there.
    """
    try:
        values = read_values(group, key)
    except KeyError:
        raise missing_key(group, key) from None
    return texts_of(values)


def texts_of(values: object) -> tuple[str, ...]:
    """Return all texts that a dataset holds."""
    return tuple(str(plain(item)) for item in np.atleast_1d(np.asarray(values, dtype=object)).ravel())


def all_scalars(group: h5py.Group) -> dict[str, Any]:
    """Return every scalar and short list below `group` by its full path; arrays of numbers are left out."""
    values: dict[str, Any] = {}
    here = group.name.rstrip("/")

    # `visititems` makes objects of all that it passes, which takes three times as long.
    def collect(name: bytes, about: Any) -> None:
        if about.type != h5py.h5o.TYPE_DATASET:
            return
        dataset = h5py.h5d.open(group.id, name)
        shape, dtype = dataset.shape, dataset.dtype
        size = None if shape is None else prod(shape)
        is_text = dtype.kind == "O" or h5py.check_string_dtype(dtype) is not None
        if size is None or size == 1 or (is_text and size <= LONGEST_LIST):
            values[f"{here}/{name.decode()}"] = plain(_values_of(dataset, shape, dtype))

    h5py.h5o.visit(group.id, collect, info=True)
    return values


def place(group: h5py.Group, key: str) -> str:
    """Return the full path of `key` below `group`."""
    return key if key.startswith("/") else f"{group.name.rstrip('/')}/{key}"


def missing_key(group: h5py.Group, key: str) -> MissingKeyError:
    """Return the error that says that `key` is not below `group`, and what is there instead."""
    wanted = place(group, key)
    names: list[str] = []
    group.file.visititems(lambda name, node: names.append(f"/{name}") if isinstance(node, h5py.Dataset) else None)
    same_name = [name for name in names if name.rsplit("/", 1)[-1] == wanted.rsplit("/", 1)[-1]]
    near = list(dict.fromkeys(same_name + get_close_matches(wanted, names, n=3, cutoff=0.8)))[:4]
    return MissingKeyError(
        "an entry that is needed is not in the file",
        path=group.file.filename,
        where=wanted,
        hint=f"The file has {', '.join(near)}." if near else None,
    )
