"""Several qmaps of one detector made one, with the bins of all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from xpcs_nb.core import QMapArrays
from xpcs_nb.errors import QMapError
from xpcs_nb.qmap._arrays import GEOMETRY
from xpcs_nb.qmap._qmap import QMap

__all__ = ["combine"]


def combine(*qmaps: QMap, masks: Literal["or", "and"] = "or") -> QMap:
    """Return one qmap with the bins of all, stacked along the first map.

    A pixel that several of them use is in the bins of the first that does. Bins that are left without pixels get no
    label.

    Parameters
    ----------
    *qmaps
        Two or more, for the same frames, maps and geometry.
    masks
        ``"or"``: a pixel is used if any of them uses it; ``"and"``: if all of them do.

    Raises
    ------
    QMapError
        If there are fewer than two, they don't go together, or no pixel is left.
    """
    if len(qmaps) < 2:
        raise QMapError("there is nothing to combine", got=f"{len(qmaps)} qmaps", expected="2 or more")
    if masks not in {"or", "and"}:
        raise QMapError("masks can't be combined like that", got=repr(masks), expected="'or' or 'and'")
    parts = [qmap.arrays for qmap in qmaps]
    for part in parts[1:]:
        _same_ground(parts[0], part)
    used = [part.mask & (part.static_roi_map > 0) & (part.dynamic_roi_map > 0) for part in parts]
    join = np.logical_or if masks == "or" else np.logical_and
    allowed, blemish = join.reduce(used), join.reduce([part.blemish for part in parts])
    if not allowed.any():
        raise QMapError("the masks leave no pixel to use", got=f"masks={masks!r}")
    owner = np.argmax(np.stack(used), axis=0)
    changes: dict[str, Any] = {"mask": allowed, "blemish": blemish, "history": None}
    for kind in ("dynamic", "static"):
        changes |= _stacked(parts, [allowed & own & (owner == number) for number, own in enumerate(used)], kind)
    attrs = {key: value for key, value in parts[0].attrs.items() if key not in {"hash", "version", "edits"}}
    attrs["combined_from"] = ", ".join(qmap.hash for qmap in qmaps)
    return QMap(replace(parts[0], **changes, attrs=attrs))


def _same_ground(first: QMapArrays, other: QMapArrays) -> None:
    for name, one, two in (
        ("shapes", first.mask.shape, other.mask.shape),
        ("maps", first.map_names, other.map_names),
        ("units", first.map_units, other.map_units),
    ):
        if one != two:
            raise QMapError(f"qmaps of different {name} can't be combined", got=two, expected=one)
    for name in GEOMETRY:
        one, two = getattr(first, name), getattr(other, name)
        if np.isfinite([one, two]).all() and not np.isclose(one, two, rtol=1e-9):
            raise QMapError(f"qmaps of different {name} can't be combined", got=two, expected=one)


def _stacked(parts: list[QMapArrays], pixels: list[np.ndarray[Any, np.dtype[np.bool_]]], kind: str) -> dict[str, Any]:
    """Return maps and lists of bins; the grid has the bins of each part in a row and a column of its own."""
    labels = np.zeros(parts[0].mask.shape, dtype=np.int32)
    axes = [getattr(part, f"{kind}_v_list") for part in parts]
    columns = sum(len(axis[1]) for axis in axes)
    index: list[int] = []
    row0 = column0 = 0
    for part, own, (first, second) in zip(parts, pixels, axes, strict=True):
        source = getattr(part, f"{kind}_roi_map")
        mapping = getattr(part, f"{kind}_index_mapping")
        present = np.unique(source[own])
        number = np.zeros(int(source.max()) + 1, dtype=np.int32)
        number[present] = len(index) + np.arange(1, len(present) + 1)
        labels[own] = number[source[own]]
        rows, places = np.divmod(mapping[present - 1], max(len(second), 1))
        index += ((rows + row0) * columns + places + column0).tolist()
        row0, column0 = row0 + len(first), column0 + len(second)
    lists = tuple(np.concatenate([axis[number] for axis in axes]) for number in (0, 1))
    return {
        f"{kind}_roi_map": labels,
        f"{kind}_v_list": lists,
        f"{kind}_index_mapping": np.array(index, dtype=np.int64),
    }
