"""Views of the explorer: each has its controls, and shows what the model says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as w
import numpy as np

from xpcs_nb.plots import Panel, cut_lines
from xpcs_nb.widgets._curve_view import CurveView
from xpcs_nb.widgets._explore_controls import choice, metadata_html, number, numbers, parse_range, text, toggle, watch
from xpcs_nb.widgets._image_view import ImageView

if TYPE_CHECKING:
    from xpcs_nb.widgets._explore import Explorer

__all__ = ["CurvesTab", "G2MapTab", "G2Tab", "MetadataTab", "TwotimeTab"]


class CurvesTab:
    """Curves with controls above them.

    Parameters
    ----------
    explorer
        Whom to ask for being drawn again.
    name
        Title of the view.
    panels
        Gives what is shown.
    scale
        Key of the logarithmic axes in the options; None where there is no choice.
    depends_on_bin
        Whether another bin changes it.
    """

    def __init__(
        self,
        explorer: Explorer,
        name: str,
        panels: Callable[[], list[Panel]],
        *,
        scale: str | None = None,
        depends_on_bin: bool = False,
        columns: int = 0,
    ) -> None:
        self.explorer, self.name, self.depends_on_bin = explorer, name, depends_on_bin
        self._panels, self._scale = panels, scale
        self.curves = CurveView(height=400, columns=columns, label=name)
        self.bar = w.HBox(layout=w.Layout(flex_flow="row wrap", align_items="center"))
        self.root = w.VBox([self.bar, self.curves], layout=w.Layout(width="100%"))
        self.xlim, self.ylim = (text(f"{each} range", "from, to", f"Range of {each}; empty fits") for each in "xy")
        controls: list[Any] = []
        if scale is not None:
            log = explorer.model.options.log[scale]
            for axis in "xy":
                button = toggle(f"log {axis}", axis in log, f"Logarithmic {axis} axis")
                watch(button, partial(self._set_log, scale, axis))
                controls.append(button)
        for field in (self.xlim, self.ylim):
            watch(field, lambda _: self.redraw())
        self.bar.children = (*controls, self.xlim, self.ylim)

    def add(self, option: str, control: Any, read: Callable[[Any], Any] = lambda value: value) -> Any:
        """Put a control of an option in the bar."""

        def changed(value: Any) -> None:
            self.explorer.guarded(lambda: setattr(self.explorer.model.options, option, read(value)))
            self.redraw()

        watch(control, changed)
        self.bar.children = (control, *self.bar.children)
        return control

    def redraw(self) -> None:
        """Draw again, soon."""
        self.explorer.redraw(self)

    def draw(self) -> None:
        """Show what the model has now."""
        panels = self._panels()
        limits = {"xlim": parse_range(self.xlim.value), "ylim": parse_range(self.ylim.value)}
        given: dict[str, Any] = {name: value for name, value in limits.items() if value is not None}
        scales = self.explorer.model.options.log
        if self._scale is not None:
            given["log"] = scales[self._scale]
        self.curves.set_panels([replace(panel, **given) for panel in panels])

    def empty(self) -> None:
        """Show nothing, for what can't be drawn."""
        self.curves.set_panels([])

    def _set_log(self, scale: str, axis: str, on: bool) -> None:
        log = self.explorer.model.options.log
        log[scale] = "".join(each for each in "xy" if (on if each == axis else each in log[scale]))
        self.redraw()


class G2Tab(CurvesTab):
    """g2 of the chosen bin or of all, with fits."""

    def __init__(self, explorer: Explorer) -> None:
        super().__init__(explorer, "g2", explorer.model.g2, scale="g2", depends_on_bin=True)
        options = explorer.model.options
        self.add("errorbars", toggle("errors", options.errorbars, "Errors: one standard deviation"))
        self.add("baseline", toggle("− baseline", False, "Subtract the mean of the last delays"))
        self.add("offset", number("offset", 0.0, "Shift of each further curve of a panel"))
        layouts = [("one bin", "one"), ("grid", "grid"), ("overlay", "overlay")]
        self.layout = self.add("layout", choice("", layouts, options.layout, "Which bins, and how", "100px"))
        self.curves.on_pick(self._picked)

    def _picked(self, panel: int) -> None:
        if self.explorer.model.options.layout == "grid":
            self.explorer.choose(self.curves.panels[panel].key)


class TwotimeTab:
    """The two-time map of the chosen bin, with g2 and the cuts beside it."""

    depends_on_bin = True
    name = "two-time"

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.map = ImageView(log=False, origin="lower", height=400, label="two-time correlation, t1 and t2 in s")
        self.curves = CurveView(height=430, label="g2 from two-time correlation against lag in s")
        self.map.on_pick(self._picked)
        options = explorer.model.options
        self.ages = text("ages (s)", "0.2, 0.5 … or click", "Where to cut, s; empty: three over the series; click adds")
        self.width = text("width (s)", "auto", "Seconds around an age that are averaged", "130px")
        self.window = text("part (s)", "from, to", "Part of the series to show at full resolution", "150px")
        kinds = [("age = (t1+t2)/2", "age"), ("age = t1", "start")]
        self.convention = choice("", kinds, options.convention, "Meaning of age", "140px")
        self.log = toggle("log lag", True, "Logarithmic lag axis")
        self.note = w.HTML()
        for control in (self.ages, self.width, self.window, self.convention, self.log):
            watch(control, lambda _: self.redraw())
        bar = w.HBox(
            [self.ages, self.convention, self.width, self.window, self.log], layout=w.Layout(flex_flow="row wrap")
        )
        self.pair = w.HBox(
            [w.VBox([self.map], layout=w.Layout(width="48%")), w.VBox([self.curves], layout=w.Layout(width="52%"))]
        )
        self.root = w.VBox([bar, self.note, self.pair])

    def redraw(self) -> None:
        """Draw again, soon."""
        self.explorer.redraw(self)

    def draw(self) -> None:
        """Show what the model has now."""
        options = self.explorer.model.options
        options.ages = numbers(self.ages.value)
        width = numbers(self.width.value)
        options.width = width[0] if width else None
        options.window = parse_range(self.window.value)
        options.convention = self.convention.value
        options.log["twotime"] = "x" if self.log.value else ""
        view = self.explorer.model.twotime()
        axis = (view.first, view.step)
        self.map.set_image(view.c2, name="C2", x=("t1", "s", *axis), y=("t2", "s", *axis))
        low, high = view.limits
        self.map.limits = [low, high]
        lines = cut_lines(view, options.convention)
        self.map.set_outlines([(np.column_stack(each) - view.first) / view.step for each in lines], closed=False)
        self.curves.set_panels([view.panel])
        self._show(True)

    def empty(self) -> None:
        """Show nothing, for what can't be drawn."""
        self._show(False)

    def _show(self, shown: bool) -> None:
        self.pair.layout.display = None if shown else "none"

    def _picked(self, x: float, y: float) -> None:
        self.explorer.guarded(lambda: self._cut_at(x, y))

    def _cut_at(self, x: float, y: float) -> None:
        view = self.explorer.model.twotime()
        t1, t2 = (view.first + each * view.step for each in (x, y))
        age = (t1 + t2) / 2 if self.convention.value == "age" else min(t1, t2)
        kept = numbers(self.ages.value) or ()
        self.ages.value = ", ".join(f"{each:.4g}" for each in sorted({*kept, float(f"{age:.4g}")}))


class G2MapTab:
    """g2 of all bins as an image."""

    depends_on_bin = True
    name = "g2 map"

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.map = ImageView(log=False, origin="lower", height=360, label="g2: rows are bins, columns lg of delay in s")
        self.normalise = toggle("÷ first delay", False, "(g2 − 1) over its value at the shortest delay")
        watch(self.normalise, self._normalise)
        self.map.on_pick(self._picked)
        self.root = w.VBox([w.HBox([self.normalise]), self.map])
        self._labels: tuple[int, ...] = ()
        self._drawn: Any = None

    def _normalise(self, on: bool) -> None:
        self.explorer.model.options.map_normalise = on
        self.explorer.redraw(self)

    def draw(self) -> None:
        """Show what the model has now; another bin is only marked."""
        model = self.explorer.model
        key = (model.shown[:1], model.options.map_normalise)
        if key != self._drawn:
            self._labels, values, first, step = model.g2_map()
            rows = ("bin", "", float(self._labels[0]), 1.0)
            self.map.set_image(values, name="g2", x=("lg(delay / s)", "", first, step), y=rows)
            self._drawn = key
        if model.bin in self._labels:
            self.map.set_markers([(2, self._labels.index(model.bin))])

    def empty(self) -> None:
        """Keep what is there."""

    def _picked(self, x: float, y: float) -> None:
        row = round(y)
        if 0 <= row < len(self._labels):
            self.explorer.choose(self._labels[row])


class MetadataTab:
    """All that describes the result, with a filter."""

    depends_on_bin = False
    name = "metadata"

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.filter = w.Text(placeholder="filter: words of name or value", continuous_update=True)
        self.table = w.HTML()
        watch(self.filter, lambda _: explorer.redraw(self))
        self.root = w.VBox([self.filter, self.table])

    def draw(self) -> None:
        """Show what the model has now."""
        self.table.value = metadata_html(self.explorer.model.metadata(self.filter.value))

    def empty(self) -> None:
        """Show nothing, for what can't be read."""
        self.table.value = ""
