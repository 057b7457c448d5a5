"""The panel of the partition: bins along two maps, and single bins joined or cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w
import numpy as np

from xpcs_nb.errors import OptionError
from xpcs_nb.qmap import QMap
from xpcs_nb.widgets import _forms as form

if TYPE_CHECKING:
    from xpcs_nb.widgets._qmap_editor import QMapEditor

__all__ = ["AxisForm", "BinsPanel"]

ELLIPSE = ("x", "y", "a", "b", "angle")


class AxisForm:
    """Bins along one map."""

    def __init__(self, label: str, maps: tuple[str, ...], name: str, bins: tuple[int, int]) -> None:
        self.map = form.choice(label, maps, name)
        self.how = form.choice("bins by", [("number", "number"), ("edges", "edges")])
        self.dynamic = form.whole("dynamic", bins[0], least=0)
        self.static = form.whole("static", bins[1], least=0)
        self.scale = form.choice("scale", ["linear", "log"])
        self.range = form.text("range", hint="that of the used pixels")
        self.offset = form.real("offset, °", 0.0)
        self.symmetry = form.whole("symmetry", 1)
        self.dynamic_edges = form.text("dynamic edges", hint="0.002, 0.004, 0.01")
        self.static_edges = form.text("static edges", hint="the dynamic ones among them")
        self.body = w.VBox()
        self.root = w.VBox([self.map, self.how, self.body])
        for field in (self.map, self.how):
            field.observe(lambda _: self._show(), "value")
        self._show()

    def _show(self) -> None:
        turning = (self.offset, self.symmetry) if self.map.value == "phi" else ()
        counted = (self.dynamic, self.static, self.scale, self.range, *turning)
        self.body.children = counted if self.how.value == "number" else (self.dynamic_edges, self.static_edges)

    def set_maps(self, maps: tuple[str, ...], name: str) -> None:
        """Offer other maps."""
        self.map.options = maps
        self.map.value = name

    def request(self) -> dict[str, Any]:
        """Return the bins as `QMap.partition` takes them.

        Raises
        ------
        OptionError
            If what was typed is no list of numbers.
        """
        name = self.map.value
        if self.how.value == "edges":
            edges = [form.numbers(f"edges of {name}", field.value) for field in (self.dynamic_edges, self.static_edges)]
            return {"bins": (edges[0], edges[1] or edges[0])}
        asked: dict[str, Any] = {"bins": (self.dynamic.value, self.static.value), "scale": self.scale.value}
        ends = form.numbers(f"range of {name}", self.range.value)
        if len(ends) not in {0, 2}:
            raise OptionError(f"the range of {name} has two ends", got=self.range.value)
        if ends:
            asked["range"] = (ends[0], ends[1])
        if name == "phi":
            asked |= {"offset": self.offset.value, "symmetry": self.symmetry.value}
        return asked


class BinsPanel:
    """The partition, and what is done to picked bins.

    Attributes
    ----------
    picked
        Labels of the dynamic bins that are picked.
    """

    title = "Bins"

    def __init__(self, editor: QMapEditor) -> None:
        self.editor = editor
        self.picked: list[int] = []
        maps = editor.map_names
        first, second = self._usual()
        self.ellipse = form.choice(
            "maps", [("of the geometry", ""), ("ellipse that fits the mask", "mask"), ("an ellipse as typed", "typed")]
        )
        self.ellipse_numbers = form.text("ellipse", hint="x, y, a, b, angle")
        self.axes = (AxisForm("first map", maps, first, (36, 360)), AxisForm("second map", maps, second, (1, 1)))
        self.said = w.HTML("No bin is picked: choose the tool and click one.")
        self.parts = form.whole("parts", 2, least=2, most=1000)
        self.axis = form.choice("along", [("first map", 0), ("second map", 1)])
        self.box = w.VBox()
        self.root = form.rows(
            [
                self.ellipse,
                self.box,
                form.heading("First map"),
                self.axes[0].root,
                form.heading("Second map"),
                self.axes[1].root,
                form.action("Apply bins", self.apply, main=True),
                form.heading("Picked bins"),
                self.said,
                form.action("Merge", self.merge, title="make the picked bins one"),
                self.parts,
                self.axis,
                form.action("Split", self.split, title="cut the picked bin"),
            ]
        )
        self.ellipse.observe(lambda _: self._show(), "value")

    def _show(self) -> None:
        """Offer the maps that go with the choice of ellipse."""
        typed = self.ellipse.value == "typed"
        self.box.children = (self.ellipse_numbers,) if typed else ()
        maps = ("rho", "phi") if self.ellipse.value else self.editor.map_names
        names = maps if self.ellipse.value else self._usual()
        for axis, name in zip(self.axes, names, strict=True):
            axis.set_maps(maps, name)

    def _usual(self) -> tuple[str, str]:
        return ("q", "phi") if "q" in self.editor.map_names else ("x", "y")

    def change(self, qmap: QMap) -> QMap:
        """Return the qmap with these bins; they are made, so that what does not allow them is said now."""
        first, second = (axis.map.value for axis in self.axes)
        if first == second:
            raise OptionError("both maps are the same", got=first)
        after = qmap.partition(ellipse=self._ellipse(), **{axis.map.value: axis.request() for axis in self.axes})
        _ = after.arrays
        return after

    def _ellipse(self) -> bool | dict[str, float] | None:
        if self.ellipse.value != "typed":
            return self.ellipse.value == "mask" or None
        values = form.numbers("ellipse", self.ellipse_numbers.value)
        if len(values) != len(ELLIPSE):
            raise OptionError(
                "an ellipse has five numbers", got=self.ellipse_numbers.value, expected=", ".join(ELLIPSE)
            )
        return dict(zip(ELLIPSE, values, strict=True))

    def apply(self) -> None:
        """Cut the used pixels into bins."""
        with self.editor.telling():
            self.editor.apply(self.change)
            self.pick([])

    def refresh(self) -> None:
        """Offer the maps that there are; picked bins are looked up anew when something is done to them."""
        if not self.ellipse.value:
            for axis, name in zip(self.axes, self._usual(), strict=True):
                form.offer(axis.map, self.editor.map_names, name)

    def pick_at(self, x: int, y: int, *, add: bool) -> None:
        """Pick the dynamic bin at a pixel, or let go of it."""
        labels = self.editor.qmap.arrays.dynamic_roi_map
        inside = 0 <= y < labels.shape[0] and 0 <= x < labels.shape[1]
        label = int(labels[y, x]) if inside else 0
        if label == 0:
            self.pick([])
        elif label in self.picked:
            self.pick([each for each in self.picked if each != label])
        else:
            self.pick([*self.picked, label] if add else [label])

    def pick(self, labels: list[int]) -> None:
        """Mark bins on the image."""
        self.picked = labels
        if not labels:
            self.said.value = "No bin is picked: choose the tool and click one."
            self.editor.clear_preview()
            return
        self.said.value = f"Picked: {', '.join(map(str, labels))}"
        self.editor.mark(np.isin(self.editor.qmap.arrays.dynamic_roi_map, labels))

    def merge(self) -> None:
        """Make the picked bins one."""
        with self.editor.telling():
            if len(self.picked) < 2:
                raise OptionError("two bins or more are merged", got=f"{len(self.picked)} picked")
            self._change_bins(lambda qmap: qmap.merge_bins(*self.picked))

    def split(self) -> None:
        """Cut the picked bin."""
        with self.editor.telling():
            if len(self.picked) != 1:
                raise OptionError("one bin is split at a time", got=f"{len(self.picked)} picked")
            self._change_bins(lambda qmap: qmap.split_bin(self.picked[0], self.parts.value, axis=self.axis.value))

    def _change_bins(self, change: Any) -> None:
        def made(qmap: QMap) -> QMap:
            after: QMap = change(qmap)
            _ = after.arrays
            return after

        self.editor.apply(made)
        self.pick([])
