"""The image view of the editor: shapes that are drawn, moved and chosen, and what there is to say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

import traitlets as t

from xpcs_nb.qmap import Edit
from xpcs_nb.widgets._bundle import bundle, style
from xpcs_nb.widgets._document import Layer, same_beginning
from xpcs_nb.widgets._image_view import ImageView, layer

__all__ = ["DrawView"]

#: Edits whose outline is drawn, and which can be taken by their handles.
SHAPES = frozenset({"rectangle", "circle", "ellipse", "polygon", "line", "brush", "pixels"})
#: Most single pixels that are outlined.
FEW = 2000

type Request = Mapping[str, Any]


def _editor_layers() -> dict[str, dict[str, Any]]:
    marks = {
        "mask": layer("masked", "#d32f2f", opacity=0.45),
        "blemish": layer("blemish", "#7b1fa2", opacity=0.6),
        "preview": layer("preview", "#ff2bd6", opacity=0.8),
    }
    borders = {
        "dynamic": layer("dynamic bins", "#ffffff", opacity=0.9),
        "static": layer("static bins", "#ffffff", opacity=0.35, on=False),
    }
    return marks | borders


class DrawView(ImageView):
    """An image on which shapes are drawn; it tells what was drawn and draws what it is told.

    Attributes
    ----------
    tool
        Of the toolbar: ``hand``, ``select``, ``rectangle``, ``circle``, ``ellipse``, ``polygon``, ``line``, ``brush``,
        ``eraser``, ``pixels``, ``similar``, ``center``, ``bins``.
    mode
        Of new shapes: ``exclude``, ``include`` or ``only``.
    outlines
        Whether the outlines of all shapes are drawn, not of the chosen one alone.
    brush
        Diameter of brush and eraser, and width of lines, pixels.
    selected
        Index of the edit whose handles are shown, or -1.
    """

    _esm = bundle("draw_view.js")
    _css = style("view.css", "draw.css")

    tool = t.Unicode("select").tag(sync=True)
    mode = t.Enum(("exclude", "include", "only"), "exclude").tag(sync=True)
    brush = t.Float(20.0, min=1.0).tag(sync=True)
    outlines = t.Bool(True).tag(sync=True)
    selected = t.Int(-1).tag(sync=True)
    layers = t.Dict(default_value=_editor_layers()).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self._asked: list[Callable[[Request], object]] = []
        self._layers: tuple[Layer, ...] = ()
        self._drawn: list[dict[str, Any]] = []
        self._history = {"undo": False, "redo": False}
        self._said: list[dict[str, Any]] = []
        self._numbers = count()
        self._stale: set[str] = set()
        super().__init__(**traits)

    def on_request(self, callback: Callable[[Request], object]) -> None:
        """Have `callback` called with what a user asks for: ``type`` and what goes with it."""
        self._asked.append(callback)

    def set_shapes(self, layers: Iterable[Layer]) -> None:
        """Show the outlines of these edits; a list that only grew costs what is new."""
        now = tuple(layers)
        known = same_beginning(self._layers, now)
        self._drawn = self._drawn[:known] + [_drawn(index, each) for index, each in enumerate(now[known:], known)]
        self._layers = now
        self._tell({"type": "shapes", "from": known, "shapes": self._drawn[known:]})

    def set_history(self, *, undo: bool, redo: bool) -> None:
        """Say which ways lead back and on."""
        before, self._history = self._history, {"undo": undo, "redo": redo}
        if self._history != before:
            self._tell({"type": "history"} | self._history)

    def set_stale(self, *what: str) -> None:
        """Say that ``bins`` or ``maps`` are old; the page asks for new ones (``wanted``) when the pen rests."""
        self._stale.update(what)
        self._tell({"type": "stale", "what": sorted(self._stale)})

    def take_stale(self, what: Iterable[str]) -> list[str]:
        """Return which of these are old, and take them as new from now on."""
        found = [each for each in what if each in self._stale]
        self._stale.difference_update(found)
        return found

    @property
    def messages(self) -> list[str]:
        """What is said below the image and was not dismissed, the oldest first."""
        return [entry["text"] for entry in self._said]

    def say(self, text: str, *, level: str = "error") -> None:
        """Show a message: ``error`` stays until it is dismissed, ``note`` until the next one comes."""
        before = self._said
        self._said = [entry for entry in before if entry["level"] == "error" and entry["text"] != text]
        if text:
            self._said.append({"id": next(self._numbers), "level": level, "text": text})
        if self._said != before:
            self._tell({"type": "said", "said": self._said})

    def _send_all(self) -> None:
        super()._send_all()
        self.send({"type": "shapes", "from": 0, "shapes": self._drawn})
        self.send({"type": "history"} | self._history)
        self.send({"type": "said", "said": self._said})
        self.send({"type": "stale", "what": sorted(self._stale)})

    def _hear_more(self, kind: str | None, content: Any, buffers: Sequence[Any]) -> None:
        if kind == "dismiss":
            self._said = [entry for entry in self._said if entry["id"] != content.get("id")]
            self._tell({"type": "said", "said": self._said})
            return
        for callback in self._asked:
            callback(content)


def _drawn(index: int, layer: Layer) -> dict[str, Any]:
    """Return what the page has to know of an edit."""
    edit: Edit = layer.edit
    kind = getattr(edit, "kind", "")
    content: dict[str, Any] = {"kind": kind}
    if kind in SHAPES and len(getattr(edit, "points", ())) <= FEW:
        content = edit.model_dump(mode="json")
    return {"index": index, "on": layer.on, "edit": content}
