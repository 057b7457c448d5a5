"""The panel of masks that are not drawn: by counts, maps, outliers, files, detector, morphology, lists of pixels."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from xpcs_nb.errors import FileFormatError, MissingFileError, OptionError
from xpcs_nb.qmap import QMap
from xpcs_nb.widgets import _forms as form
from xpcs_nb.widgets._curve_view import CurveView
from xpcs_nb.widgets._outlier_drawing import outlier_panel
from xpcs_nb.widgets._transfer import Upload

if TYPE_CHECKING:
    from xpcs_nb.widgets._qmap_editor import QMapEditor

__all__ = ["MaskPanel", "Threshold", "parse_pixels"]

MODES = ("exclude", "include", "only")
CONDITIONS = 3


class Threshold:
    """Pixels by their mean counts."""

    title = "threshold"

    def __init__(self) -> None:
        self.low = form.text("below", hint="no limit")
        self.high = form.text("at or above", hint="no limit")
        self.parts: Sequence[w.Widget] = (form.heading("Mask pixels with mean counts"), self.low, self.high)

    def change(self, qmap: QMap) -> QMap:
        """Return the qmap after this edit."""
        low, high = (form.optional_number(field.description, field.value) for field in (self.low, self.high))
        return qmap.mask_threshold(low, high)


class Range:
    """Pixels by ranges of maps."""

    title = "ranges of maps"

    def __init__(self, maps: Sequence[str], limits: Callable[[str], tuple[float, float]]) -> None:
        self.mode = form.choice("pixels inside", [("only these stay", "only"), *((mode, mode) for mode in MODES[:2])])
        self.conditions = [self._condition(maps, number) for number in range(CONDITIONS)]
        self.limits = w.HTML()
        self._limits = limits
        for _, map_, _, _ in self.conditions:
            map_.observe(lambda change: self._say_limits(change["new"]), "value")
        rows = [w.HBox(parts, layout={"flex_flow": "row wrap"}) for parts in self.conditions]
        self.parts: Sequence[w.Widget] = (self.mode, *rows, self.limits)

    def offer(self, maps: Sequence[str]) -> None:
        """Offer these maps."""
        for _, map_, _, _ in self.conditions:
            form.offer(map_, ("–", *maps), "–")

    @staticmethod
    def _condition(maps: Sequence[str], number: int) -> tuple[w.Dropdown, w.Dropdown, w.Text, w.Text]:
        narrow = {"width": "84px"}
        logic = w.Dropdown(
            options=("and", "or"), layout={"width": "62px", "visibility": "visible" if number else "hidden"}
        )
        map_ = w.Dropdown(
            options=("–", *maps), value=maps[0] if number == 0 and maps else "–", layout={"width": "92px"}
        )
        low, high = (w.Text(placeholder=hint, layout=narrow) for hint in ("from", "to"))
        return logic, map_, low, high

    def _say_limits(self, name: str) -> None:
        if name == "–":
            self.limits.value = ""
            return
        low, high = self._limits(name)
        self.limits.value = f"{name} goes from {low:.5g} to {high:.5g}"

    def change(self, qmap: QMap) -> QMap:
        """Return the qmap after this edit."""
        found = []
        for logic, map_, low, high in self.conditions:
            if map_.value != "–":
                ends = [form.optional_number(f"range of {map_.value}", end.value) for end in (low, high)]
                if None in ends:
                    raise OptionError(
                        f"the range of {map_.value} needs both of its ends", got=f"{low.value} to {high.value}"
                    )
                found.append((map_.value, *ends, logic.value))
        if not found:
            raise OptionError("no map is chosen", expected="at least one range")
        return qmap.mask_range(*found, mode=self.mode.value)


class Outliers:
    """Pixels that stand out."""

    title = "outliers"

    def __init__(self) -> None:
        self.region = form.choice("compared in", [("rings of q", "ring"), ("boxes", "box")])
        self.method = form.choice("by", [("median and MAD", "mad"), ("percentiles", "percentile")])
        self.cutoff = form.real("cutoff", 3.0)
        self.rings = form.whole("rings", 180)
        self.box_size = form.whole("box, pixels", 32)
        self.percentiles = form.text("percentiles", "5, 95")
        self.curve = w.VBox()
        fields = (self.region, self.method, self.cutoff, self.rings, self.box_size, self.percentiles, self.curve)
        self.parts: Sequence[w.Widget] = fields

    def change(self, qmap: QMap) -> QMap:
        """Return the qmap after this edit."""
        return qmap.mask_outliers(self.region.value, **self._options())

    def show(self, qmap: QMap) -> None:
        """Draw what pixels of the qmap are compared with, and what would leave."""
        curve = qmap.outlier_curve(self.region.value, **self._options())
        self.forget()
        panel = outlier_panel(curve, rings=self.region.value == "ring")
        self.curve.children = (CurveView([panel], height=240, label="counts with the limits of outliers"),)

    def forget(self) -> None:
        """Draw nothing."""
        for view in self.curve.children:
            view.close()
        self.curve.children = ()

    def _options(self) -> dict[str, Any]:
        percentiles = form.numbers("percentiles", self.percentiles.value)
        if len(percentiles) != 2:
            raise OptionError("two percentiles are needed", got=self.percentiles.value, expected="such as 5, 95")
        return {
            "method": self.method.value,
            "cutoff": self.cutoff.value,
            "rings": self.rings.value,
            "box_size": self.box_size.value,
            "percentiles": (percentiles[0], percentiles[1]),
        }


class Similar:
    """Pixels like one of them."""

    title = "similar pixels"

    def __init__(self) -> None:
        self.x = form.whole("x", 0, least=0)
        self.y = form.whole("y", 0, least=0)
        self.radius = form.real("within radius", 50.0)
        self.variation = form.real("variation, %", 50.0)
        self.connected = form.check("only what hangs together with it", True)
        self.parts: Sequence[w.Widget] = (self.x, self.y, self.radius, self.variation, self.connected)

    def change(self, qmap: QMap) -> QMap:
        """Return the qmap after this edit."""
        return qmap.mask_similar(
            self.x.value,
            self.y.value,
            radius=self.radius.value,
            variation=self.variation.value / 100,
            connected=self.connected.value,
        )


class FileMask:
    """A mask from a file."""

    title = "file"

    def __init__(self) -> None:
        self.path = form.text("file", hint="TIFF, EDF, npy, HDF5")
        self.key = form.text("dataset", hint="in HDF5 files")
        self.inverted = form.check("1 is a bad pixel")
        self.blemish = form.check("blemish: nothing brings it back")
        self.upload = Upload(self.path, tooltip="use a file of this computer")
        self.parts: Sequence[w.Widget] = (self.path, self.upload, self.key, self.inverted, self.blemish)

    def change(self, qmap: QMap) -> QMap:
        """Return the qmap after this edit."""
        if not self.path.value.strip():
            raise OptionError("no file is named")
        key = self.key.value.strip() or None
        return qmap.mask_file(
            self.path.value.strip(), key=key, inverted=self.inverted.value, blemish=self.blemish.value
        )


class DetectorMask:
    """Gaps and dead pixels of a detector."""

    title = "detector"

    def __init__(self) -> None:
        self.name = form.text("detector", hint="as pyFAI names it: Eiger4M")
        self.parts: Sequence[w.Widget] = (self.name,)

    def change(self, qmap: QMap) -> QMap:
        """Return the qmap after this edit."""
        return qmap.mask_detector(self.name.value.strip())


class Morphology:
    """The used area, smaller or larger."""

    title = "shrink or grow"

    def __init__(self) -> None:
        self.operation = form.choice("the used area", ["erode", "dilate", "open", "close"])
        self.steps = form.whole("steps", 1, most=1000)
        self.parts: Sequence[w.Widget] = (self.operation, self.steps)

    def change(self, qmap: QMap) -> QMap:
        """Return the qmap after this edit."""
        return qmap.mask_morphology(self.operation.value, steps=self.steps.value)


class PixelList:
    """Single pixels, typed or from a file."""

    title = "list of pixels"

    def __init__(self) -> None:
        self.typed = w.Textarea(placeholder="x y of a pixel on each line", layout={"width": "auto", "height": "80px"})
        self.path = form.text("or a file", hint="csv, txt, json")
        self.rows_first = form.check("row before column")
        self.from_one = form.check("counted from 1")
        self.mode = form.choice("mode", MODES)
        self.parts: Sequence[w.Widget] = (self.typed, self.path, self.rows_first, self.from_one, self.mode)

    def change(self, qmap: QMap) -> QMap:
        """Return the qmap after this edit."""
        path = self.path.value.strip()
        said = _content(Path(path)) if path else self.typed.value
        points = parse_pixels(said, rows_first=self.rows_first.value, from_one=self.from_one.value)
        return qmap.mask_pixels(points, mode=self.mode.value)


class MaskPanel:
    """A choice of masks, with a form for each, to look at before they are applied, or to apply in one go."""

    title = "Masks"

    def __init__(self, editor: QMapEditor) -> None:
        self.editor = editor
        maps = editor.map_names
        self.forms: dict[str, Any] = {
            made.title: made
            for made in (
                Threshold(),
                Outliers(),
                Range(maps, editor.map_limits),
                PixelList(),
                Similar(),
                FileMask(),
                DetectorMask(),
                Morphology(),
            )
        }
        self.kind = form.choice("mask by", self.forms)
        self.body = w.VBox()
        preview = form.action("Evaluate", self.evaluate, title="show which pixels would change")
        apply = form.action("Apply", self.apply, title="evaluate and apply", main=True)
        clear = form.action("Clear", self.clear, title="forget what was evaluated")
        self.root = form.rows([self.kind, self.body, (preview, apply, clear)])
        self.kind.observe(lambda _: self._show(), "value")
        self._show()

    @property
    def all_parts(self) -> list[w.Widget]:
        """The fields of all forms, shown or not."""
        return [part for form_ in self.forms.values() for part in form_.parts]

    def _show(self) -> None:
        self.body.children = tuple(self.forms[self.kind.value].parts)

    def mask_like(self, x: int, y: int) -> None:
        """Mask the pixels like one, by the numbers of the form."""
        rows, columns = self.editor.qmap.shape
        if not (0 <= x < columns and 0 <= y < rows):
            raise OptionError("the pixel is off the image", got=f"x {x}, y {y}")
        similar = self.forms[Similar.title]
        similar.x.value, similar.y.value = x, y
        self.editor.apply(similar.change)

    def evaluate(self) -> None:
        """Mark the pixels that would change."""
        with self.editor.telling():
            self.editor.preview(self.forms[self.kind.value].change)
            if self.kind.value == Outliers.title:
                self.forms[Outliers.title].show(self.editor.qmap)

    def clear(self) -> None:
        """Forget what was evaluated."""
        self.editor.clear_preview()
        self.forms[Outliers.title].forget()

    def apply(self) -> None:
        """Evaluate and apply."""
        with self.editor.telling():
            self.editor.apply(self.forms[self.kind.value].change)

    def refresh(self) -> None:
        """Offer the maps that there are."""
        self.forms["ranges of maps"].offer(self.editor.map_names)


def parse_pixels(said: str, *, rows_first: bool = False, from_one: bool = False) -> list[tuple[int, int]]:
    """Return pixels (x, y) from JSON pairs, or from lines of two whole numbers.

    Raises
    ------
    OptionError
        If a line can't be understood; the message names it.
    """
    pairs = _json(said) if said.lstrip().startswith("[") else [line.replace(",", " ").split() for line in _lines(said)]
    found = []
    for number, pair in enumerate(pairs, 1):
        try:
            first, second = (int(value) - from_one for value in pair)
        except (TypeError, ValueError) as error:
            raise OptionError(
                "a pixel can't be understood", where=f"entry {number}", got=pair, expected="two whole numbers"
            ) from error
        found.append((second, first) if rows_first else (first, second))
    if not found:
        raise OptionError("no pixel is given")
    return found


def _json(said: str) -> list[Any]:
    try:
        pairs: list[Any] = json.loads(said)
    except json.JSONDecodeError as error:
        raise OptionError("the pixels can't be understood", got=str(error), expected="JSON: [[x, y], ...]") from error
    return pairs


def _lines(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _content(path: Path) -> str:
    if not path.is_file():
        raise MissingFileError("there is no such file", path=path)
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FileFormatError("a list of pixels is text", path=path, got=str(error)) from error
