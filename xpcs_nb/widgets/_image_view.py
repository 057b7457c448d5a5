"""An image in the browser: it is sent once, and zoomed, coloured and read there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import anywidget
import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.errors import OptionError
from xpcs_nb.widgets._bundle import bundle, style
from xpcs_nb.widgets._codec import encode, pack_bits, pack_differences
from xpcs_nb.widgets._colour_tables import COLOUR_MAPS, colour_tables

__all__ = ["ImageView"]

#: Layers that mark pixels, with their colours; others are borders of labels.
MARKS = {"mask": ("masked", "#d32f2f"), "blemish": ("blemish", "#7b1fa2"), "preview": ("preview", "#ff2bd6")}

type Axis = tuple[str, str, float, float]
#: Top, left, height and width.
type Box = tuple[int, int, int, int]
type Message = tuple[dict[str, Any], list[bytes]]


def layer(title: str, colour: str, *, on: bool = True, opacity: float = 0.5) -> dict[str, Any]:
    """Return the settings of a layer as the browser takes them."""
    return {"title": title, "colour": colour, "on": on, "opacity": opacity}


def _first_layers() -> dict[str, dict[str, Any]]:
    return {name: layer(title, colour) for name, (title, colour) in MARKS.items()}


class ImageView(anywidget.AnyWidget):
    """An image with colours, limits, zoom, a readout, and layers over it.

    The image goes to the browser as a message when a view there is ready: a saved notebook does not hold it. Zoom,
    pan, colours and the readout of all maps ask nothing of the kernel. Wheel or two fingers zoom, dragging pans, ``+``,
    ``-``, ``0`` and the arrows do so by keyboard, a click picks a pixel.

    Attributes
    ----------
    color_map
        One of matplotlib's (`COLOUR_MAPS`).
    log
        Whether colours follow the logarithm.
    limits
        Lowest and highest value shown; None takes them from `percentiles` of the unmasked pixels (on a logarithmic
        scale: of the positive ones).
    percentiles
        Of the automatic limits.
    layers
        For each layer ``title``, ``on``, ``opacity`` (0..1) and ``colour`` (``#rrggbb``).
    height
        Of the image on the page, CSS pixels.
    origin
        ``upper`` or ``lower``: where row 0 is.
    label
        What the image is, for those who can't see it.
    """

    _esm = bundle("image_view.js")
    _css = style("view.css")

    color_map = t.Enum(COLOUR_MAPS, "viridis").tag(sync=True)
    log = t.Bool(True).tag(sync=True)
    limits: Any = t.List(t.Float(), default_value=None, allow_none=True, minlen=2, maxlen=2).tag(sync=True)
    percentiles = t.List(t.Float(), default_value=[0.5, 99.5], minlen=2, maxlen=2).tag(sync=True)
    layers = t.Dict(default_value=_first_layers()).tag(sync=True)
    height = t.Int(520, min=80).tag(sync=True)
    origin = t.Enum(("upper", "lower"), "upper").tag(sync=True)
    label = t.Unicode("image").tag(sync=True)

    def __init__(self, image: ArrayLike | None = None, **traits: Any) -> None:
        self._ready = False
        self._scene: dict[str, Message] = {}
        self._waiting: list[Message] | None = None
        self._flags: dict[str, NDArray[np.bool_]] = {}
        self._shape: tuple[int, int] | None = None
        self._picked: list[Callable[[float, float], object]] = []
        super().__init__(**traits)
        self.on_msg(self._hear)
        if image is not None:
            self.set_image(image)

    @t.validate("limits")
    def _rising(self, proposal: Any) -> Any:
        low_high = proposal["value"]
        if low_high is not None and not (np.isfinite(low_high).all() and low_high[0] < low_high[1]):
            raise t.TraitError(f"limits are two rising numbers, got {low_high}")
        return low_high

    @property
    def image_shape(self) -> tuple[int, int] | None:
        """(rows, columns) of the image; None where there is none yet."""
        return self._shape

    def set_image(
        self, image: ArrayLike, *, name: str = "I", unit: str = "", x: Axis | None = None, y: Axis | None = None
    ) -> None:
        """Show another image. Labels, maps and marks go when its shape is another one.

        Parameters
        ----------
        image
            Numbers, shape (rows, columns); NaN is shown grey.
        name, unit
            Of the values, for the readout.
        x, y
            What columns and rows mean: ``(name, unit, value of the first, step)``. Without it they are pixels.

        Raises
        ------
        OptionError
            If it is no image.
        """
        values = np.asarray(image)
        if values.ndim != 2 or values.size == 0:
            raise OptionError("this is no image", got=f"an array of shape {values.shape}", expected="(rows, columns)")
        code, codes = encode(values)
        if values.shape != self._shape:
            self._shape = (values.shape[0], values.shape[1])
            self._flags.clear()
            self._scene.clear()
        axes = {key: dict(zip(("name", "unit", "first", "step"), axis, strict=True)) for key, axis in _axes(x, y)}
        message = {"type": "image", "rows": self._shape[0], "columns": self._shape[1], "code": code}
        self._show("image", message | {"name": name, "unit": unit} | axes, [codes.tobytes()])

    def set_mask(self, used: ArrayLike | None, *, name: str = "mask", part: tuple[slice, slice] | None = None) -> None:
        """Mark the pixels that are False; only what changed is sent.

        Parameters
        ----------
        used
            Bool, the image's shape, or that of `part`; None marks nothing.
        name
            ``mask``, ``blemish`` or ``preview``; the later one hides the earlier.
        part
            Rows and columns that are set; the others stay as they are.

        Raises
        ------
        OptionError
            If there is no such layer, or the shape is not that of the image or its part.
        """
        if name not in MARKS:
            raise OptionError("there is no such layer", got=name, expected=", ".join(MARKS))
        shape = self._need_image()
        before = self._flags.get(name)
        if part is not None:
            if before is None or not before.flags.writeable:
                before = self._flags[name] = np.ones(shape, dtype=bool) if before is None else before.copy()
            box = _set_part(before, part, np.ones(1, dtype=bool) if used is None else np.asarray(used))
        else:
            values = np.ones(shape, dtype=bool) if used is None else _own(used)
            self._fits(values, name)
            self._flags[name] = values
            box = (0, 0, *shape) if before is None else _changed_box(before, values)
        if self._ready and box is not None:
            self._send_marks(name, box)

    def set_labels(self, name: str, labels: ArrayLike | None, *, title: str | None = None) -> None:
        """Show the borders between labels (0 is none), and the label under the cursor; None takes the layer away.

        Raises
        ------
        OptionError
            If they are no whole numbers from 0, or of another shape than the image.
        """
        shape = self._need_image()
        title = title or name
        if name not in self.layers:
            self.layers = self.layers | {name: layer(title, "#ffffff", opacity=0.8)}
        key, message = f"labels {name}", {"type": "labels", "name": name, "title": title}
        if labels is None:
            self._scene.pop(key, None)
            self._tell(message | {"removed": True})
            return
        values = np.asarray(labels)
        self._fits(values, name)
        if values.dtype.kind not in "iub" or values.min() < 0:
            raise OptionError("labels can't be shown", got=values.dtype, expected="whole numbers from 0")
        wide = int(values.max()) > np.iinfo(np.uint16).max
        packed = pack_differences(values.astype(np.uint32 if wide else np.uint16))
        self._show(key, message | {"wide": wide, "rows": shape[0], "columns": shape[1]}, [packed])

    def set_map(self, name: str, values: ArrayLike | None, *, unit: str = "") -> None:
        """Add a map (q, phi, ...) to the readout; None takes it away.

        Raises
        ------
        OptionError
            If it is not of the image's shape.
        """
        shape = self._need_image()
        key, message = f"map {name}", {"type": "map", "name": name, "unit": unit}
        if values is None:
            self._scene.pop(key, None)
            self._tell(message | {"removed": True})
            return
        array = np.asarray(values)
        self._fits(array, name)
        code, codes = encode(array)
        content = {"code": code, "wide": False, "rows": shape[0], "columns": shape[1]}
        self._show(key, message | content, [pack_differences(codes)])

    def set_markers(self, markers: Iterable[tuple[float, float]], *, colour: str = "#00e5ff") -> None:
        """Draw crosses at positions (x, y), in place of those there are."""
        entries = [{"x": float(x), "y": float(y), "colour": colour} for x, y in markers]
        self._show("markers", {"type": "markers", "markers": entries}, [])

    def set_outlines(self, outlines: Iterable[ArrayLike], *, closed: bool = True, colour: str = "#00e5ff") -> None:
        """Draw lines through points (n, 2) of x and y, in place of those there are."""
        entries = [
            {"points": np.asarray(points, dtype=float).tolist(), "closed": closed, "colour": colour}
            for points in outlines
        ]
        self._show("outlines", {"type": "outlines", "outlines": entries}, [])

    def zoom_to(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Show a part of the image; positions in pixels."""
        self._tell({"type": "show", "box": [x0, y0, x1, y1]})

    def zoom_out(self) -> None:
        """Show all of the image."""
        self._tell({"type": "show", "box": None})

    def on_pick(self, callback: Callable[[float, float], object], *, remove: bool = False) -> None:
        """Have `callback` called with x and y (pixels, centres at integers) when a pixel is clicked."""
        if remove:
            self._picked.remove(callback)
        else:
            self._picked.append(callback)

    def _need_image(self) -> tuple[int, int]:
        if self._shape is None:
            raise OptionError("there is no image yet", hint="Call set_image first.")
        return self._shape

    def _fits(self, values: NDArray[Any], name: str) -> None:
        if values.shape != self._shape:
            raise OptionError(f"{name} has another shape than the image", got=values.shape, expected=self._shape)

    def _show(self, key: str, message: dict[str, Any], buffers: Sequence[bytes]) -> None:
        """Keep what is shown, for views that come later, and tell those that are there."""
        self._scene[key] = (message, list(buffers))
        self._tell(message, buffers)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send what is told in a ``with`` block as one message: each takes kernel, server and page some ms."""
        if self._waiting is not None:
            yield
            return
        self._waiting = []
        try:
            yield
        finally:
            told, self._waiting = self._waiting, None
            if len(told) > 1:
                parts = [message | {"buffers": len(buffers)} for message, buffers in told]
                self.send({"type": "together", "parts": parts}, [each for _, buffers in told for each in buffers])
            elif told:
                self.send(*told[0])

    def _tell(self, message: Mapping[str, Any], buffers: Sequence[bytes] = ()) -> None:
        if self._ready and self._waiting is not None:
            self._waiting.append((dict(message), list(buffers)))
        elif self._ready:
            self.send(dict(message), list(buffers))

    def _send_marks(self, name: str, box: Box) -> None:
        top, left, height, width = box
        part = ~self._flags[name][top : top + height, left : left + width]
        self._tell({"type": "flags", "name": name, "box": list(box)}, [pack_bits(part)])

    def _send_all(self) -> None:
        self.send({"type": "colours", "names": list(COLOUR_MAPS)}, [colour_tables()])
        if "image" in self._scene:
            self.send(*self._scene["image"])
        for name in self._flags:
            self._send_marks(name, (0, 0, *self._need_image()))
        for key, (message, buffers) in list(self._scene.items()):
            if key != "image":
                self.send(message, buffers)

    def _hear(self, _: object, content: Any, buffers: Sequence[Any]) -> None:
        """Do what the browser asks; what can't be understood is refused."""
        kind = content.get("type") if isinstance(content, Mapping) else None
        if kind == "ready":
            self._ready = True
            self._send_all()
        elif kind == "pick":
            x, y = float(content["x"]), float(content["y"])
            for callback in list(self._picked):
                callback(x, y)
        else:
            self._hear_more(kind, content, buffers)

    def _hear_more(self, kind: str | None, content: Any, buffers: Sequence[Any]) -> None:
        raise OptionError("a message of the page can't be understood", got=kind, expected="ready, pick")


def _axes(x: Axis | None, y: Axis | None) -> Iterable[tuple[str, Axis]]:
    return [(key, axis) for key, axis in (("x", x), ("y", y)) if axis is not None]


def _own(used: ArrayLike) -> NDArray[np.bool_]:
    """Return pixels that nobody else will write to."""
    fixed = isinstance(used, np.ndarray) and used.dtype == bool and not used.flags.writeable
    return np.asarray(used) if fixed else np.array(used, dtype=bool)


def _set_part(own: NDArray[np.bool_], part: tuple[slice, slice], values: NDArray[Any]) -> Box | None:
    """Write the values of a part, and return what has changed thereby, or None."""
    try:
        values = np.broadcast_to(values, own[part].shape)
    except ValueError as error:
        raise OptionError("the part has another shape", got=values.shape, expected=own[part].shape) from error
    found = _changed_box(own[part], values)
    own[part] = values
    if found is None:
        return None
    rows, columns = (side.indices(size) for side, size in zip(part, own.shape, strict=True))
    return found[0] + rows[0], found[1] + columns[0], found[2], found[3]


def _changed_box(before: NDArray[np.bool_], after: NDArray[Any]) -> Box | None:
    """Return top, left, height and width of what differs, or None."""
    differs = before != after
    rows = np.flatnonzero(differs.any(axis=1))
    if len(rows) == 0:
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(differs[top:bottom].any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    return top, left, bottom - top, right - left
