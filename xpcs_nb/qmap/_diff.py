"""What differs between two qmaps."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from xpcs_nb.core import QMapArrays
from xpcs_nb.errors import QMapError
from xpcs_nb.qmap._arrays import GEOMETRY, IN_ATTRS
from xpcs_nb.qmap._edits import Edit
from xpcs_nb.qmap._qmap import QMap

__all__ = ["QMapDiff", "diff"]


@dataclass(frozen=True)
class QMapDiff:
    """What differs from one qmap to another.

    Attributes
    ----------
    added, removed
        Pixels that only the second one uses, and only the first one.
    moved
        Pixels that both use, in static bins that are not made of the same pixels that both use.
    dynamic, static
        Numbers of bins of the two.
    geometry
        Parts of the geometry that differ, with both values; NaN where a file does not say.
    gone_edits, new_edits
        Edits after the last common one, of the first and of the second.
    """

    added: int
    removed: int
    moved: int
    dynamic: tuple[int, int]
    static: tuple[int, int]
    geometry: dict[str, tuple[float, float]] = field(default_factory=dict)
    gone_edits: tuple[Edit, ...] = ()
    new_edits: tuple[Edit, ...] = ()

    def __bool__(self) -> bool:
        pixels = self.added or self.removed or self.moved
        return bool(pixels or self.geometry or self.dynamic[0] != self.dynamic[1] or self.static[0] != self.static[1])

    def __str__(self) -> str:
        lines = [
            f"pixels       {self.added} added, {self.removed} removed, {self.moved} in another bin",
            f"dynamic      {self.dynamic[0]} -> {self.dynamic[1]} bins",
            f"static       {self.static[0]} -> {self.static[1]} bins",
        ]
        lines += [f"{name:<20} {old:g} -> {new:g}" for name, (old, new) in self.geometry.items()]
        lines += [f"- {_said(edit)}" for edit in self.gone_edits] + [f"+ {_said(edit)}" for edit in self.new_edits]
        return "\n".join(lines if self or self.gone_edits or self.new_edits else ["no difference"])


def diff(first: QMap, second: QMap) -> QMapDiff:
    """Return what differs from one qmap to another: pixels, bins, geometry and edits.

    Raises
    ------
    QMapError
        If they are for frames of different shapes.
    """
    old, new = first.arrays, second.arrays
    if first.shape != second.shape:
        raise QMapError("the two qmaps are for frames of different shapes", got=second.shape, expected=first.shape)
    used = [arrays.mask & (arrays.static_roi_map > 0) for arrays in (old, new)]
    both = used[0] & used[1]
    common = 0
    for one, other in zip(first.edits, second.edits, strict=False):
        if one != other:
            break
        common += 1
    return QMapDiff(
        added=int(np.count_nonzero(used[1] & ~used[0])),
        removed=int(np.count_nonzero(used[0] & ~used[1])),
        moved=_moved(old.static_roi_map[both], new.static_roi_map[both]),
        dynamic=(len(old.dynamic_index_mapping), len(new.dynamic_index_mapping)),
        static=(len(old.static_index_mapping), len(new.static_index_mapping)),
        geometry=_geometry(old, new),
        gone_edits=first.edits[common:],
        new_edits=second.edits[common:],
    )


def _moved(old: np.ndarray[tuple[int], np.dtype[np.int32]], new: np.ndarray[tuple[int], np.dtype[np.int32]]) -> int:
    """Return how many pixels are in bins that don't match one to one."""
    if old.size == 0:
        return 0
    pairs, counts = np.unique(old.astype(np.int64) * (int(new.max()) + 1) + new, return_counts=True)
    left, right = np.divmod(pairs, int(new.max()) + 1)
    lone = (np.bincount(left)[left] == 1) & (np.bincount(right)[right] == 1)
    return int(counts[~lone].sum())


def _geometry(old: QMapArrays, new: QMapArrays) -> dict[str, tuple[float, float]]:
    values = {name: (float(getattr(old, name)), float(getattr(new, name))) for name in GEOMETRY}
    values |= {name: (_attr(old, name), _attr(new, name)) for name in IN_ATTRS}
    return {name: pair for name, pair in values.items() if not np.array_equal(*pair, equal_nan=True)}


def _attr(arrays: QMapArrays, name: str) -> float:
    return float(arrays.attrs.get(name, np.nan if name == "incident_angle" else 0.0))


def _said(edit: Edit) -> str:
    """Return an edit as one line; long contents are left out."""
    values = edit.model_dump(exclude_none=True, exclude={"kind", "found", "good"})
    shown = ", ".join(f"{name}={value!r}" for name, value in values.items())
    kind = str(getattr(edit, "kind", type(edit).__name__))
    return f"{kind} {shown}" if len(shown) <= 160 else f"{kind} {shown[:157]}..."
