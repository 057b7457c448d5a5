"""What is edited: a list of edits that may be switched off, and the way back to each earlier list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from xpcs_nb.errors import QMapError
from xpcs_nb.qmap import Edit, QMap, parse_edit

__all__ = ["Document", "Layer", "same_beginning"]

type Entry = Edit | Mapping[str, Any]


@dataclass(frozen=True)
class Layer:
    """An edit, and whether it counts."""

    edit: Edit
    on: bool = True


@dataclass(frozen=True)
class _Step:
    qmap: QMap
    layers: tuple[Layer, ...]


class Document:
    """A qmap under edit, with edits switched on and off, and a way back over changes of earlier ones.

    Parameters
    ----------
    qmap
        To begin with.
    """

    def __init__(self, qmap: QMap) -> None:
        self._steps = [_step_of(qmap)]
        self._at = 0

    @property
    def qmap(self) -> QMap:
        """With the edits that are on."""
        return self._steps[self._at].qmap

    @property
    def saved(self) -> QMap:
        """The same with the edits that are off, for a file."""
        off = [(self._place(index), layer.edit) for index, layer in enumerate(self.layers) if not layer.on]
        return self.qmap.with_off(off) if off else self.qmap

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All edits in order, on or off."""
        return self._steps[self._at].layers

    @property
    def can_undo(self) -> bool:
        """Whether there is an earlier list."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether a later list was left by `undo`."""
        return self._at + 1 < len(self._steps)

    def put(self, qmap: QMap) -> None:
        """Go on with another qmap; `undo` brings the present one back."""
        self._push(_step_of(qmap))

    def extend(self, qmap: QMap) -> None:
        """Go on with the present qmap after further edits; those that are off stay in the list."""
        new = qmap.edits[len(self.qmap.edits) :]
        self._push(_Step(qmap, (*self.layers, *(Layer(edit) for edit in new))))

    def change(self, index: int, entry: Entry | None) -> None:
        """Replace an edit of the list, or leave it out where it is None.

        Raises
        ------
        QMapError
            If there is no such edit, or it can't be used; nothing has changed then.
        """
        layer = self._layer(index)
        edit = None if entry is None else parse_edit(entry)
        qmap = self.qmap.change_edit(self._place(index), edit) if layer.on else self.qmap
        # A shape may have been found anew on the image: what the qmap holds is the edit.
        made = qmap.edits[self._place(index)] if layer.on and edit is not None else edit
        new = () if made is None else (Layer(made, layer.on),)
        self._push(_Step(qmap, (*self.layers[:index], *new, *self.layers[index + 1 :])))

    def switch(self, index: int, on: bool) -> None:
        """Let an edit count, or not.

        Raises
        ------
        QMapError
            If there is no such edit, or those after it can't be applied then; nothing has changed then.
        """
        layer = self._layer(index)
        if layer.on == on:
            return
        place, qmap = self._place(index), self.qmap
        later = qmap.edits[place:]
        after = qmap.undo(len(later)).edit(layer.edit, *later) if on else qmap.change_edit(place, None)
        layers = (*self.layers[:index], Layer(layer.edit, on), *self.layers[index + 1 :])
        self._push(_Step(after, layers))

    def undo(self) -> None:
        """Go back to the list before the last change, if there is one."""
        self._at = max(self._at - 1, 0)

    def redo(self) -> None:
        """Take back the last `undo`, if there was one."""
        self._at = min(self._at + 1, len(self._steps) - 1)

    def _push(self, step: _Step) -> None:
        # Earlier steps keep their edits, not the megabytes of mask and labels that were worked out for them.
        before = self._steps[self._at]
        self._steps[self._at] = _Step(replace(before.qmap), before.layers) if before.qmap.edits else before
        del self._steps[self._at + 1 :]
        self._steps.append(step)
        self._at += 1

    def _layer(self, index: int) -> Layer:
        if not 0 <= index < len(self.layers):
            raise QMapError("there is no such edit", got=index, expected=f"0 to {len(self.layers) - 1}")
        return self.layers[index]

    def _place(self, index: int) -> int:
        """Return where an edit is, or would be, in the edits of the qmap."""
        return sum(layer.on for layer in self.layers[:index])


def _step_of(qmap: QMap) -> _Step:
    layers = [Layer(edit) for edit in qmap.edits]
    for place, edit in reversed(qmap.off):
        layers.insert(place, Layer(edit, on=False))
    return _Step(qmap.with_off(()) if qmap.off else qmap, tuple(layers))


def same_beginning(before: tuple[Layer, ...], after: tuple[Layer, ...]) -> int:
    """Return how many layers from the first on are the very same objects."""
    pairs = zip(before, after, strict=False)
    return next((number for number, (old, new) in enumerate(pairs) if old is not new), min(len(before), len(after)))
