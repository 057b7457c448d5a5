"""Curves in the browser: a change of a hundred of them takes a few milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anywidget
import numpy as np
import traitlets as t

from xpcs_nb.errors import OptionError
from xpcs_nb.plots import Panel
from xpcs_nb.widgets._bundle import bundle, style

__all__ = ["CurveView"]


class CurveView(anywidget.AnyWidget):
    """Panels with curves, their points and errors.

    The curves go to the browser as a message when a view there is ready: a saved notebook does not hold them. The
    readout names the point nearest to the cursor; dragging shows a part of a panel, a double click all of it; a click
    picks a panel.

    Attributes
    ----------
    height
        On the page, CSS pixels.
    columns
        Panels beside each other; 0 makes a square.
    label
        What the curves are, for those who can't see them.
    """

    _esm = bundle("curve_view.js")
    _css = style("view.css", "curve_view.css")

    height = t.Int(420, min=80).tag(sync=True)
    columns = t.Int(0, min=0).tag(sync=True)
    label = t.Unicode("curves").tag(sync=True)

    def __init__(self, panels: Sequence[Panel] = (), **traits: Any) -> None:
        self._ready = False
        self._message: tuple[dict[str, Any], list[bytes]] = ({"type": "panels", "panels": []}, [b""])
        self._picked: list[Callable[[int], object]] = []
        super().__init__(**traits)
        self.panels: tuple[Panel, ...] = ()
        self.on_msg(self._hear)
        self.set_panels(panels)

    def set_panels(self, panels: Sequence[Panel]) -> None:
        """Show these panels in place of those there are."""
        self.panels = tuple(panels)
        self._message = _packed(self.panels)
        if self._ready:
            self.send(*self._message)

    def on_pick(self, callback: Callable[[int], object]) -> None:
        """Have `callback` called with the number of a panel (from 0) when it is clicked."""
        self._picked.append(callback)

    def _hear(self, _: object, content: Any, buffers: Sequence[Any]) -> None:
        kind = content.get("type") if isinstance(content, Mapping) else None
        if kind == "ready":
            self._ready = True
            self.send(*self._message)
        elif kind == "pick" and 0 <= int(content["panel"]) < len(self.panels):
            for callback in list(self._picked):
                callback(int(content["panel"]))
        elif kind != "pick":
            raise OptionError("a message of the page can't be understood", got=kind, expected="ready, pick")


def _packed(panels: Sequence[Panel]) -> tuple[dict[str, Any], list[bytes]]:
    """Return the panels as a message, with the numbers of all curves as one buffer: x, y and err in turn."""
    numbers: list[Any] = []
    listed = []
    for panel in panels:
        curves = []
        for curve in panel.curves:
            numbers += [curve.x, curve.y] + ([] if curve.err is None else [curve.err])
            about = {"label": curve.label, "colour": curve.colour, "style": curve.style}
            curves.append(about | {"n": len(curve.x), "err": curve.err is not None})
        texts = {name: getattr(panel, name) for name in ("xlabel", "ylabel", "title", "note", "log")}
        listed.append(texts | {"xlim": panel.xlim, "ylim": panel.ylim, "curves": curves})
    buffer = np.concatenate([np.asarray(each, dtype="<f8") for each in numbers]) if numbers else np.empty(0)
    return {"type": "panels", "panels": listed}, [buffer.tobytes()]
