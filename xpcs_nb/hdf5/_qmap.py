"""Qmaps in files: the current layout, read and written, and the two older ones, read."""

from __future__ import annotations

import hashlib
import json
from os import PathLike
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import QMapArrays, QMapHistory
from xpcs_nb.errors import CorruptDataError, FileFormatError, MissingKeyError
from xpcs_nb.hdf5._qmap_legacy import read_legacy_qmap
from xpcs_nb.hdf5._qmap_maps import label_map, mask_of, squeezed
from xpcs_nb.hdf5._scalars import entry, has_key, open_file, plain, read_float, read_text, read_texts
from xpcs_nb.hdf5._writing import atomic_hdf5

__all__ = ["hash_qmap", "read_qmap", "write_qmap", "write_qmap_group"]

#: Where a qmap may lie, in the order in which it is looked for, with the entry that tells the layout.
PLACES = (
    ("/qmap", "dynamic_roi_map"),
    ("/xpcs/qmap", "dynamic_roi_map"),
    ("/data", "dynamicMap"),
    ("/xpcs", "dqmap"),
)
GEOMETRY = ("beam_center_x", "beam_center_y", "detector_distance", "pixel_size", "energy")
TEXT_UNITS = {"1/angstrom": "Å⁻¹", "degree": "deg"}
OUR_UNITS = {text: unit for unit, text in TEXT_UNITS.items()}
#: Group of our own inside a qmap: ``edits`` and ``off`` (JSON), and ``start``, a qmap.
HISTORY = "xpcs_nb"
#: Arrays larger than this are compressed (the files' own habit).
COMPRESSED_FROM = 1024


def read_qmap(path: str | PathLike[str], group: str | None = None) -> QMapArrays:
    """Return the mask and partition of a qmap file or of a result file.

    Reads the current layout (``/qmap``; ``/xpcs/qmap`` in results), the layout of qmap files until about 2024
    (``/data`` with ``dynamicMap``) and that of results of those years (``/xpcs`` with ``dqmap``). A file without
    blemish has the mask as blemish. A mask with 1 = bad is turned where that is sure: when it holds none of the
    pixels that have a label. Labels are not judged here; `xpcs_nb.qmap.QMap.check` does that.

    Parameters
    ----------
    path
        The file.
    group
        The group that holds the qmap; None looks in all the places above.

    Raises
    ------
    MissingKeyError
        If there is no qmap, or an entry of it is missing.
    CorruptDataError
        If a label is NaN, no integer or too large.
    FileFormatError
        If the file is not HDF5, or an array has another number of dimensions.
    """
    with open_file(path) as file:
        for place, key in PLACES if group is None else [(group, key) for _, key in PLACES]:
            if has_key(file, f"{place}/{key}"):
                found = file[place]
                return _read_current(found) if key == "dynamic_roi_map" else read_legacy_qmap(found)
        where = ", ".join(place for place, _ in PLACES) if group is None else group
        raise MissingKeyError(
            "there is no qmap",
            path=path,
            where=where,
            got="groups " + ", ".join(sorted(f"/{name}" for name in file)) if len(file) else "an empty file",
            expected="dynamic_roi_map (or dynamicMap, dqmap in older files)",
            hint="Give a qmap file or a result file.",
        )


def _read_current(group: h5py.Group) -> QMapArrays:
    dynamic, static = (label_map(group, f"{kind}_roi_map") for kind in ("dynamic", "static"))
    mask = mask_of(squeezed(group, "mask"), dynamic)
    names = _pair(group, "map_names", ("q", "phi"))
    units = _pair(group, "map_units", ("1/angstrom", "degree"))
    lists = {kind: tuple(_axis(group, f"{kind}_v_list_dim{axis}") for axis in (0, 1)) for kind in ("dynamic", "static")}
    return QMapArrays(
        mask=mask,
        blemish=squeezed(group, "blemish") > 0 if has_key(group, "blemish") else mask.copy(),
        dynamic_roi_map=dynamic,
        static_roi_map=static,
        dynamic_v_list=(lists["dynamic"][0], lists["dynamic"][1]),
        static_v_list=(lists["static"][0], lists["static"][1]),
        dynamic_index_mapping=_axis(group, "dynamic_index_mapping").astype(np.int64),
        static_index_mapping=_axis(group, "static_index_mapping").astype(np.int64),
        map_names=names,
        map_units=(OUR_UNITS.get(units[0], units[0]), OUR_UNITS.get(units[1], units[1])),
        **{key: read_float(group, key) if has_key(group, key) else float("nan") for key in GEOMETRY},
        attrs=_read_attrs(group),
        history=_read_history(group),
    )


def _read_history(group: h5py.Group) -> QMapHistory | None:
    """Return the edits and what they began from."""
    own = group.get(HISTORY)
    if not isinstance(own, h5py.Group):
        return None
    edits = _json(own, "edits")
    if not (isinstance(edits, list) and all(isinstance(edit, dict) for edit in edits)):
        raise CorruptDataError(
            "the history of edits can't be read",
            path=group.file.filename,
            where=f"{own.name}/edits",
            got=type(edits).__name__,
            expected="a list of edits",
        )
    return QMapHistory(start=_read_current(entry(own, "start")), edits=tuple(edits), off=_read_off(own, len(edits)))


def _read_off(group: h5py.Group, most: int) -> tuple[tuple[int, dict[str, Any]], ...]:
    """Return the edits that are switched off, with their places among `most` others."""
    found = _json(group, "off") if has_key(group, "off") else []
    match found:
        case [*pairs] if all(_is_place(pair, most) for pair in pairs):
            return tuple((place, edit) for place, edit in pairs)
    raise CorruptDataError(
        "the edits that are switched off can't be read",
        path=group.file.filename,
        where=f"{group.name}/off",
        got=str(found)[:80],
        expected=f"pairs of a place from 0 to {most} and an edit",
    )


def _is_place(pair: Any, most: int) -> bool:
    match pair:
        case [int(place), dict()]:
            return 0 <= place <= most
    return False


def _json(group: h5py.Group, key: str) -> Any:
    try:
        return json.loads(read_text(group, key))
    except json.JSONDecodeError as error:
        raise CorruptDataError(
            "the history of edits can't be read",
            path=group.file.filename,
            where=f"{group.name}/{key}",
            got=str(error),
            expected="JSON",
        ) from error


def _axis(group: h5py.Group, key: str) -> NDArray[Any]:
    values = np.atleast_1d(squeezed(group, key))
    if values.ndim != 1 or values.dtype.kind not in "iuf":
        raise FileFormatError(
            "an array can't be used",
            path=group.file.filename,
            where=f"{group.name}/{key}",
            got=f"{values.dtype} of shape {values.shape}",
            expected="a list of numbers",
        )
    return values.astype(np.float64) if key.endswith(("dim0", "dim1")) else values


def _pair(group: h5py.Group, key: str, default: tuple[str, str]) -> tuple[str, str]:
    if not has_key(group, key):
        return default
    texts = read_texts(group, key)
    if len(texts) != 2:
        raise FileFormatError(
            "an entry can't be used",
            path=group.file.filename,
            where=f"{group.name}/{key}",
            got=f"{len(texts)} texts",
            expected="2 texts",
        )
    return texts[0], texts[1]


def _read_attrs(group: h5py.Group) -> dict[str, Any]:
    attrs = {name: plain(value) for name, value in group.attrs.items()}
    if has_key(group, "source_file"):
        attrs["source_file"] = read_text(group, "source_file")
    if has_key(group, "edits"):
        attrs["edits"] = _json(group, "edits")
    return attrs


def write_qmap(path: str | PathLike[str], arrays: QMapArrays, *, overwrite: bool = False) -> Path:
    """Write a qmap file in the current layout, which boost_corr and pySimpleMask read, and return its path.

    The file appears complete or not at all. Its attribute ``hash`` is `hash_qmap`.

    Raises
    ------
    ResultExistsError
        If the file exists and `overwrite` is False.
    WriteError
        If it can't be written (permission, space); what was there before is untouched.
    """
    path = Path(path)
    with atomic_hdf5(path, overwrite=overwrite) as (file, _):
        write_qmap_group(file.create_group("qmap"), arrays)
    return path


def write_qmap_group(group: h5py.Group, arrays: QMapArrays) -> None:
    """Fill an empty group with a qmap in the current layout."""
    from importlib.metadata import version

    for key, value in _content(arrays).items():
        data = _smallest(value) if isinstance(value, np.ndarray) else value
        compress = "lzf" if isinstance(data, np.ndarray) and data.size > COMPRESSED_FROM else None
        dataset = group.create_dataset(key, data=data, compression=compress)
        if "_v_list_dim" in key:
            axis = int(key[-1])
            dataset.attrs["unit"] = TEXT_UNITS.get(arrays.map_units[axis], arrays.map_units[axis])
            dataset.attrs["name"] = arrays.map_names[axis]
            dataset.attrs["size"] = dataset.size
    group["map_units"] = [TEXT_UNITS.get(unit, unit) for unit in arrays.map_units]
    extra = dict(arrays.attrs) | {"hash": hash_qmap(arrays), "version": f"xpcs_nb {version('xpcs-nb')}"}
    group["source_file"] = str(extra.pop("source_file", ""))
    if "edits" in extra:
        group["edits"] = json.dumps(extra.pop("edits"))
    for name, value in extra.items():
        group.attrs[name] = value
    if arrays.history is not None:
        own = group.create_group(HISTORY)
        own["edits"] = json.dumps(arrays.history.edits)
        if arrays.history.off:
            own["off"] = json.dumps(arrays.history.off)
        write_qmap_group(own.create_group("start"), arrays.history.start)


def hash_qmap(arrays: QMapArrays) -> str:
    """Return the SHA-256 of the content of a qmap, in hexadecimal digits.

    Content is the mask, the blemish, both maps with their bins, and the geometry; not where it came from. It does
    not depend on the integer types of a file, so saving and loading keep it.
    """
    digest = hashlib.sha256()
    for key, value in sorted((_content(arrays) | {"map_units": list(arrays.map_units)}).items()):
        digest.update(key.encode())
        if isinstance(value, np.ndarray):
            kind = "u1" if value.dtype == bool else "<f8" if value.dtype.kind == "f" else "<i4"
            digest.update(str(value.shape).encode())
            digest.update(np.ascontiguousarray(value, dtype=kind))
        else:
            digest.update(json.dumps(value).encode())
    return digest.hexdigest()


def _content(arrays: QMapArrays) -> dict[str, Any]:
    content: dict[str, Any] = {
        "mask": arrays.mask,
        "blemish": arrays.blemish,
        "map_names": list(arrays.map_names),
        **{key: float(getattr(arrays, key)) for key in GEOMETRY},
    }
    for kind in ("dynamic", "static"):
        axes = getattr(arrays, f"{kind}_v_list")
        content[f"{kind}_roi_map"] = getattr(arrays, f"{kind}_roi_map")
        content[f"{kind}_index_mapping"] = getattr(arrays, f"{kind}_index_mapping")
        content[f"{kind}_num_pts"] = np.array([len(axis) for axis in axes])
        for number, axis in enumerate(axes):
            content[f"{kind}_v_list_dim{number}"] = axis
    return content


def _smallest(values: NDArray[Any]) -> NDArray[Any]:
    """Return integers in the smallest unsigned type that holds them."""
    if values.dtype.kind not in "iu" or (values.size and values.min() < 0):
        return values
    return values.astype(np.min_scalar_type(int(values.max())) if values.size else np.uint8)
