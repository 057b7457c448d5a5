"""The list of edits beside the image: choose one, switch it off, delete it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import anywidget
import traitlets as t

from xpcs_nb.errors import OptionError
from xpcs_nb.widgets._bundle import bundle, style
from xpcs_nb.widgets._document import Layer, same_beginning
from xpcs_nb.widgets._edit_labels import label_of

__all__ = ["EditList"]

type Request = Mapping[str, Any]


class EditList(anywidget.AnyWidget):
    """A list of edits; what a user does with it is told as requests: ``select``, ``switch``, ``delete``.

    Attributes
    ----------
    selected
        Index of the chosen edit, or -1.
    """

    _esm = bundle("edit_list.js")
    _css = style("edit_list.css")

    selected = t.Int(-1).tag(sync=True)

    def __init__(self, on_request: Callable[[Request], object]) -> None:
        self._ready = False
        self._layers: tuple[Layer, ...] = ()
        self._entries: list[dict[str, Any]] = []
        self._ask = on_request
        super().__init__()
        self.on_msg(self._hear)

    @property
    def labels(self) -> list[str]:
        """What the list says, from the first edit on."""
        return [entry["label"] for entry in self._entries]

    def show(self, layers: Iterable[Layer]) -> None:
        """Show these edits; a list that only grew costs what is new."""
        now = tuple(layers)
        known = same_beginning(self._layers, now)
        self._entries = self._entries[:known] + [_entry(layer) for layer in now[known:]]
        changed = known < max(len(self._layers), len(now))
        self._layers = now
        if self._ready and changed:
            self.send({"type": "entries", "from": known, "entries": self._entries[known:]})

    def _hear(self, _: object, content: Any, buffers: object) -> None:
        kind = content.get("type") if isinstance(content, Mapping) else None
        if kind == "ready":
            self._ready = True
            self.send({"type": "entries", "from": 0, "entries": self._entries})
        elif kind in {"select", "switch", "delete"}:
            self._ask(content)
        else:
            raise OptionError("a message of the page can't be understood", got=kind)


def _entry(layer: Layer) -> dict[str, Any]:
    return {"label": label_of(layer.edit), "on": layer.on, "mode": str(getattr(layer.edit, "mode", ""))}
