"""A qmap: geometry, blemish, mask and partition of a detector, with the edits that made it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Literal, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.core import Geometry, QMapArrays, QMapHistory
from xpcs_nb.errors import QMapError
from xpcs_nb.hdf5 import hash_qmap, write_qmap
from xpcs_nb.qmap._arrays import geometry_of
from xpcs_nb.qmap._cache import BoundedCache
from xpcs_nb.qmap._check import Finding, find_faults, refuse_faults
from xpcs_nb.qmap._editing import Editing
from xpcs_nb.qmap._edits import Center, Edit, ImageEdit, Outliers, parse_edit
from xpcs_nb.qmap._made import made_from
from xpcs_nb.qmap._outliers import OutlierCurve
from xpcs_nb.qmap._regions import cell_of_label
from xpcs_nb.qmap._sources import Sources
from xpcs_nb.qmap._state import State, apply_edit, is_local, reach_of, show_outliers

__all__ = ["QMap"]

#: A state with its masks packed to bits.
type _Packed = tuple[State, NDArray[np.uint8], NDArray[np.uint8] | None]

_STATES: BoundedCache[_Packed] = BoundedCache(64 << 20)
_NO_MASK = np.zeros((0, 0), dtype=bool)


class _Token:
    """Stands for a place in a history; the states of a history are remembered by it."""


@dataclass(frozen=True, eq=False)
class QMap(Sources, Editing):
    """Mask and partition of a detector, with the geometry they were made for. It is not changed, only replaced.

    Parameters
    ----------
    start
        What a qmap file holds; edits begin from there.
    edits
        What was done since, in order. Made by the methods (`mask_circle`, `partition`, ...), not by hand.
    undone
        Edits that `redo` brings back, the next one last.
    image
        Mean counts of each pixel, for edits that look at it; None where there is none.
    off
        Edits that are switched off, each with the number of `edits` before it: saved, and of no effect.
    """

    start: QMapArrays = field(repr=False)
    edits: tuple[Edit, ...] = ()
    undone: tuple[Edit, ...] = ()
    image: NDArray[Any] | None = field(default=None, repr=False)
    off: tuple[tuple[int, Edit], ...] = ()
    _trail: tuple[_Token, ...] = field(default_factory=lambda: (_Token(),), repr=False)

    def __post_init__(self) -> None:
        if self.image is not None and self.image.shape != self.start.mask.shape:
            raise QMapError(
                "the image has another shape than the qmap", got=self.image.shape, expected=self.start.mask.shape
            )

    @classmethod
    def _of(cls, arrays: QMapArrays, image: NDArray[Any] | None = None) -> Self:
        if arrays.history is None:
            return cls(arrays, image=image)
        edits = tuple(parse_edit(entry) for entry in arrays.history.edits)
        trail = tuple(_Token() for _ in range(len(edits) + 1))
        off = tuple((place, parse_edit(entry)) for place, entry in arrays.history.off)
        qmap = cls(arrays.history.start, edits, image=image, off=off, _trail=trail)
        qmap.__dict__["arrays"] = arrays  # what the file says counts, whatever made it
        return qmap

    @cached_property
    def arrays(self) -> QMapArrays:
        """What a qmap file holds: the mask without the pixels in no bin, the labels, the bins and the geometry.

        Raises
        ------
        QMapError
            If the partition can't be made with the mask and geometry as they are.
        """
        made = made_from(self.start, self._state) if self.edits else self.start
        return replace(made, history=_history_of(self)) if self.edits or self.off else made

    @cached_property
    def _state(self) -> State:
        """The mask and the rest after all edits: from the last state that is remembered on."""
        state, done = self._first_state(), 0
        for place in range(len(self.edits), 0, -1):
            known = _STATES.get(self._trail[place])
            if known is not None:
                state, done = _unpacked(known), place
                break
        for place in range(done, len(self.edits)):
            _, state = apply_edit(self.edits[place], state, self.image)
            _remember(self._trail[place + 1], state, after=self._trail[place])
        return state

    def _first_state(self) -> State:
        return State(mask=self.start.mask, blemish=self.start.blemish, geometry=_known_geometry(self.start))

    def edit(self, *edits: Edit | Mapping[str, Any]) -> Self:
        """Return the qmap after further edits, given as such or as mappings with their ``kind``.

        Raises
        ------
        QMapError
            If an edit can't be used or applied; the message says all that is wrong with it.
        """
        state, done, trail = self._state, list(self.edits), list(self._trail)
        for entry in edits:
            applied, state = apply_edit(parse_edit(entry), state, self.image)
            done.append(applied)
            trail.append(_Token())
            _remember(trail[-1], state, after=trail[-2])
        after = replace(self, edits=tuple(done), undone=(), _trail=tuple(trail))
        after.__dict__["_state"] = state
        return after

    def undo(self, steps: int = 1) -> Self:
        """Return the qmap without its last edits, which `redo` brings back; fewer where there are fewer."""
        kept = max(len(self.edits) - steps, 0)
        gone = self.edits[kept:][::-1]
        before = replace(self, edits=self.edits[:kept], undone=(*self.undone, *gone), _trail=self._trail[: kept + 1])
        return replace(before, off=tuple((min(place, kept), edit) for place, edit in self.off))

    def redo(self, steps: int = 1) -> Self:
        """Return the qmap with the edits last undone; fewer where there are fewer."""
        kept = max(len(self.undone) - steps, 0)
        after = self.edit(*self.undone[kept:][::-1])
        return replace(after, undone=self.undone[:kept])

    def change_edit(self, index: int, edit: Edit | Mapping[str, Any] | None) -> Self:
        """Return the qmap with the edit at `index` replaced (a shape that was moved), or left out where it is None.

        Raises
        ------
        QMapError
            If there is no such edit, or it can't be used.
        """
        if not 0 <= index < len(self.edits):
            raise QMapError("there is no such edit", got=index, expected=f"0 to {len(self.edits) - 1}")
        new = [] if edit is None else [edit]
        after = self.undo(len(self.edits) - index).edit(*new, *self.edits[index + 1 :])
        gone = edit is None
        return replace(after, off=tuple((place - (gone and place > index), each) for place, each in self.off))

    def replay(self, edits: Iterable[Edit | Mapping[str, Any]], *, image: ArrayLike | None = None) -> Self:
        """Return this qmap with the edits of another: on `image`, or its own, all that was found is found anew.

        Without any image, what was found on the other's is taken over, if the shape is the same.

        Raises
        ------
        QMapError
            If an edit can't be applied here.
        """
        target = self if image is None else self.with_image(image)
        parsed = [parse_edit(edit) for edit in edits]
        if target.image is not None:
            parsed = [
                edit.model_copy(update={"found": None}) if isinstance(edit, ImageEdit | Center) else edit
                for edit in parsed
            ]
        return target.edit(*parsed)

    def outlier_curve(self, region: Literal["ring", "box"] = "ring", **options: Any) -> OutlierCurve:
        """Return the counts that `mask_outliers` would compare with, their limits and what lies beyond, by q or box.

        Parameters
        ----------
        region, **options
            As of `mask_outliers`.

        Raises
        ------
        QMapError
            As `mask_outliers`.
        """
        edit = parse_edit({"kind": "outliers", "region": region} | options)
        return show_outliers(cast("Outliers", edit), self._state, self.image)

    def with_off(self, off: Iterable[tuple[int, Edit]]) -> Self:
        """Return the qmap with other edits that are switched off, each with the number of `edits` before it.

        Raises
        ------
        QMapError
            If there is no such place.
        """
        kept = tuple(off)
        wrong = [place for place, _ in kept if not 0 <= place <= len(self.edits)]
        if wrong:
            raise QMapError("there is no such place among the edits", got=wrong, expected=f"0 to {len(self.edits)}")
        after = replace(self, off=kept)
        if "_state" in self.__dict__:
            after.__dict__["_state"] = self._state
        if "arrays" in self.__dict__:
            after.__dict__["arrays"] = replace(self.arrays, history=_history_of(after))
        return after

    def with_image(self, image: ArrayLike) -> Self:
        """Return the qmap with another image; edits that were made stay as they are.

        Raises
        ------
        QMapError
            If the image has another shape.
        """
        return replace(self, image=np.asarray(image))

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write a qmap file that boost_corr and pySimpleMask read, and return its path; the edits go with it.

        Raises
        ------
        ResultExistsError
            If the file exists and `overwrite` is False.
        WriteError
            If it can't be written; what was there before is untouched.
        """
        return write_qmap(path, self.arrays, overwrite=overwrite)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the content: mask, blemish, maps, bins and geometry."""
        return hash_qmap(self.arrays)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the frames it is for."""
        rows, columns = self.start.dynamic_roi_map.shape
        return rows, columns

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Pixels that are drawn as used and are no blemishes, in a bin or not, shape `shape`."""
        return self._state.used

    @property
    def geometry(self) -> Geometry:
        """The geometry it was made for.

        Raises
        ------
        QMapError
            If it is not known (older files don't say it).
        """
        return geometry_of(self.start) if self._state.geometry is None else self._state.geometry

    def part_of_mask(self, part: tuple[slice, slice]) -> NDArray[np.bool_]:
        """Return `mask` of a part, rows and columns; the rest of it need not be worked out."""
        state = self._state
        return np.asarray(state.mask[part] & state.blemish[part])

    def reach_of_change(self, before: QMap) -> tuple[slice, slice] | None:
        """Return the rows and columns beyond which the mask is that of `before`; None where it may differ anywhere."""
        old, new = before.edits, self.edits
        least = min(len(old), len(new))
        first = next((at for at in range(least) if old[at] is not new[at]), least)
        last = next((at for at in range(least - first) if old[-1 - at] is not new[-1 - at]), least - first)
        changed = (*old[first : len(old) - last], *new[first : len(new) - last])
        if before.start is not self.start or not all(map(is_local, (*changed, *new[len(new) - last :]))):
            return None
        return reach_of(changed, self.shape)

    def cell(self, label: int) -> tuple[int, int]:
        """Return the place of a dynamic bin in the grid of bins, by which edits name it.

        Raises
        ------
        QMapError
            If there is no such label.
        """
        return cell_of_label(self.arrays, label)

    def check(self, shape: tuple[int, int] | None = None) -> list[Finding]:
        """Return all that is wrong or odd with the qmap; with frames of `shape`, if given.

        Bins that can't be made with the mask and geometry as they are, are a finding too.
        """
        try:
            arrays = self.arrays
        except QMapError as error:
            return [Finding("error", "partition", str(error))]
        return find_faults(arrays, shape)

    def validate(self, shape: tuple[int, int] | None = None) -> None:
        """Refuse a qmap that contradicts itself or the frames.

        Raises
        ------
        QMapError
            With every error that `check` finds; its warnings do not count.
        """
        refuse_faults(self.check(shape), where=self.arrays.attrs.get("source_file") or None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QMap) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)


def _history_of(qmap: QMap) -> QMapHistory | None:
    if not (qmap.edits or qmap.off):
        return None
    return QMapHistory(
        start=qmap.start,
        edits=tuple(edit.model_dump(mode="json") for edit in qmap.edits),
        off=tuple((place, edit.model_dump(mode="json")) for place, edit in qmap.off),
    )


def _known_geometry(arrays: QMapArrays) -> Geometry | None:
    known = [float(getattr(arrays, name)) for name in ("energy", "detector_distance", "pixel_size")]
    center = (arrays.beam_center_x, arrays.beam_center_y)
    return geometry_of(arrays) if np.isfinite([*known, *center]).all() else None


def _remember(token: _Token, state: State, *, after: _Token) -> None:
    before = None if state.before is None else np.packbits(state.before)
    packed = replace(state, mask=_NO_MASK, before=None), _packed_mask(state, after), before
    _STATES.put(token, packed, packed[1].nbytes * (1 if before is None else 2))


def _packed_mask(state: State, after: _Token) -> NDArray[np.uint8]:
    """Return the mask in bits; where the one before it is remembered, only the rows that may differ are packed."""
    known = _STATES.get(after)
    if known is None or state.reach is None:
        return np.packbits(state.mask)
    rows, bits = state.reach[0], known[1].copy()
    begin, end = rows.start * state.shape[1] // 8, -(-rows.stop * state.shape[1] // 8)
    bits[begin:end] = np.packbits(state.mask.reshape(-1)[8 * begin : 8 * end])
    return bits


def _unpacked(packed: _Packed) -> State:
    state, *masks = packed
    shape = state.blemish.shape
    mask, before = (
        None if bits is None else np.unpackbits(bits, count=state.blemish.size).view(bool).reshape(shape)
        for bits in masks
    )
    return replace(state, mask=_NO_MASK if mask is None else mask, before=before)
