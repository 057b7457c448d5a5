"""``explore``: linked views of results."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from os import PathLike
from typing import Any, Protocol

import ipywidgets as w
import xarray as xr

from xpcs_nb.errors import XpcsError
from xpcs_nb.widgets._explore_controls import badge_html, choice, number, watch
from xpcs_nb.widgets._explore_fit import FitTab
from xpcs_nb.widgets._explore_model import ExploreModel
from xpcs_nb.widgets._explore_result import Source
from xpcs_nb.widgets._explore_views import CurvesTab, G2MapTab, G2Tab, MetadataTab, TwotimeTab
from xpcs_nb.widgets._image_view import ImageView

__all__ = ["Explorer", "explore"]

#: Seconds in which what is asked for again is done once: while a slider is dragged.
GATHER = 0.015
#: Seconds that what was found aside waits for the page.
ASIDE = 0.5


class View(Protocol):
    """A view that can be drawn again."""

    root: Any
    name: str
    depends_on_bin: bool

    def draw(self) -> None:
        """Show what the model has now."""

    def empty(self) -> None:
        """Show nothing."""


def explore(
    *results: Source | Sequence[Source],
    labels: Sequence[str] | None = None,
    background: Source | None = None,
) -> Explorer:
    """Show results in linked views: a click on a bin of the image, of a grid or of a map changes all of them.

    Views: scattering with its bins; g2 of one bin, as a grid, or overlaid, with fits; two-time map with g2 and cuts at
    ages; I(q) with its segments; intensity against time with its spectrum; stability; g2 map; partial g2; metadata.
    Two-time maps stay in the file and are read at the resolution of the screen.

    Parameters
    ----------
    results
        Result files or opened results (`open_result`); of several, curves are laid over each other, bins by their q.
        Images and maps are those of the first one that is chosen.
    labels
        For the legends; names of the results where None.
    background
        Result whose I(q) is subtracted, times a weight that can be set.

    Returns
    -------
    Explorer
        A widget; its `model` has what is shown.

    Raises
    ------
    OptionError
        If there is no result, or another number of labels.
    MissingFileError, FileFormatError
        If the first file can't be opened.

    Examples
    --------
    >>> xnb.explore("A001_results.hdf")
    >>> xnb.explore(before, after, labels=["before", "after"])
    """
    sources: list[Source] = []
    for each in results:
        if isinstance(each, str | PathLike | xr.DataTree | xr.Dataset):
            sources.append(each)
        else:
            sources += each
    return Explorer(ExploreModel(sources, labels, background))


def words_of(error: Exception) -> str:
    """Return what an error says; one that is not of this package says its kind too."""
    return str(error) if isinstance(error, XpcsError) else f"{type(error).__name__}: {error}"


class Explorer(w.VBox):
    """The widget that `explore` returns.

    Attributes
    ----------
    model
        Results, the chosen bin, options and fits.
    image
        The scattering.
    views
        The other views by name.
    """

    def __init__(self, model: ExploreModel) -> None:
        self.model = model
        self._waiting: dict[str, Callable[[], object]] = {}
        self._stale: set[str] = set()
        self._depth = 0
        self._make_head()
        self.image = ImageView(height=400, label="scattering, with the borders of the dynamic bins")
        self.image.on_pick(self._picked)
        self.g2 = G2Tab(self)
        self.views: dict[str, View] = {"g2": self.g2} | {view.name: view for view in self._make_tabs()}
        names = [name for name in self.views if name != "g2"]
        self.tabs = w.Tab([self.views[name].root for name in names], titles=names)
        self.tabs.observe(lambda _: self._draw_tab(), names="selected_index")
        left = w.VBox([self.channel, self.image], layout=w.Layout(width="46%"))
        right = w.VBox([self.g2.root], layout=w.Layout(width="54%"))
        super().__init__([self.head, self.message, w.HBox([left, right]), self.tabs])
        self.refresh()
        self._look_closer()

    def _make_head(self) -> None:
        model = self.model
        self.bins = w.SelectionSlider(
            description="bin",
            options=self._bin_options(),
            value=model.bin,
            disabled=not model.bins,
            layout=w.Layout(width="360px"),
            readout=False,
        )
        self.named = w.HTML()
        self.badge = w.HTML()
        self.message = w.HTML()
        self.chosen = w.SelectMultiple(
            options=list(model.results),
            value=list(model.shown),
            rows=min(len(model.results), 4),
            layout=w.Layout(width="320px", display=None if len(model.results) > 1 else "none"),
            tooltip="Results that are shown; images and maps are of the first",
        )
        channels = [("scattering", "scattering"), ("dynamic bins", "dynamic"), ("static bins", "static")]
        self.channel = choice("", channels, "scattering", "What the image shows", "140px")
        watch(self.bins, self._slid)
        watch(self.chosen, self._show)
        watch(self.channel, lambda _: self.later("image", self._draw_image))
        self.head = w.HBox([self.bins, self.named, self.badge, self.chosen], layout=w.Layout(align_items="center"))

    def _make_tabs(self) -> list[View]:
        model = self.model
        saxs = CurvesTab(self, "I(q)", model.saxs, scale="saxs")
        norms = [("I", "none"), ("I q²", "q2"), ("I q⁴", "q4"), ("I / I(lowest q)", "I0")]
        saxs.add("normalise", choice("", norms, "none", "Normalisation of I(q)", "130px"))
        segments = w.ToggleButton(description="segments", tooltip="Stretches of time instead of the mean")
        segments.layout.width = "auto"
        saxs.add("segments", segments)
        saxs.add("saxs_offset", number("offset", 0.0, "Each further curve: decades (log) or intensity", step=0.1))
        if model.background is not None:
            saxs.add("weight", number("background ×", model.options.weight, "Weight of the background"))
        intensity = CurvesTab(self, "intensity", model.intensity, columns=2)
        intensity.add("relative", w.ToggleButton(description="÷ mean", layout=w.Layout(width="auto")))
        axes = [("time (s)", "time"), ("frame", "frame")]
        intensity.add("time_axis", choice("", axes, "time", "Axis of the series", "100px"))
        intensity.add("average", w.BoundedIntText(description="average", value=1, min=1, max=10**7), int)
        stability = CurvesTab(self, "stability", model.stability, scale="stability")
        partial_g2 = CurvesTab(self, "partial g2", model.partial, scale="g2", depends_on_bin=True)
        tabs: list[View] = [saxs, intensity, stability, G2MapTab(self), FitTab(self), partial_g2, MetadataTab(self)]
        return ([TwotimeTab(self)] if model.current.twotime is not None else []) + tabs

    def _bin_options(self) -> list[tuple[str, int | None]]:
        return [(f"bin {label}", label) for label in self.model.bins] or [("no bins", None)]

    def choose(self, label: int) -> None:
        """Choose a bin in all views."""
        self.guarded(partial(self._choose, label))

    def _choose(self, label: int) -> None:
        if self.model.choose(label):
            self.bins.value = label
            self._draw_bin()

    def _slid(self, label: int | None) -> None:
        if label is not None and label != self.model.bin:
            self.later("bin", partial(self._choose, label))

    def _picked(self, x: float, y: float) -> None:
        label = self.model.bin_at(x, y)
        if label is not None:
            self.choose(label)

    def _show(self, names: Sequence[str]) -> None:
        def change() -> None:
            self.model.show(names)
            self.bins.options = self._bin_options()
            self.bins.value = self.model.bin
            self.refresh()
            self._look_closer()

        self.later("show", change)

    def refresh(self) -> None:
        """Draw everything again that can be seen."""
        self.guarded(self._refresh)

    def _refresh(self) -> None:
        self.guarded(self._draw_image)
        self._stale = {name for name in self.views if name != "g2"}
        self._draw_bin()

    def redraw(self, view: View) -> None:
        """Draw one view again, once for all that changes within a moment."""
        self.later(view.name, partial(self._draw, view))

    def _draw_bin(self) -> None:
        self.named.value = f'<b style="white-space:nowrap">{escape(self.model.describe(self.model.bin))}</b>'
        self._draw(self.g2)
        self.guarded(self._mark_bin)
        self._stale |= {name for name, view in self.views.items() if view.depends_on_bin and name != "g2"}
        self._draw_tab()

    def _draw_tab(self) -> None:
        name = self.tabs.titles[self.tabs.selected_index or 0] if self.tabs.children else ""
        if name in self._stale:
            self._stale.discard(name)
            self._draw(self.views[name])

    def _draw(self, view: View) -> None:
        self.model.problems = {}
        if not self.guarded(view.draw):
            view.empty()
            return
        for name, problem in self.model.problems.items():
            self._say(f"{name}: {problem}")

    def _draw_image(self) -> None:
        values, name, unit = self.model.image(self.channel.value)
        scattering = self.channel.value == "scattering"
        self.image.log = scattering
        self.image.color_map = "viridis" if scattering else "turbo"
        self.image.set_image(values, name=name, unit=unit)
        labels = self.model.dynamic
        fits = labels is not None and labels.shape == values.shape
        self.image.set_labels("dynamic", labels if fits else None, title="dynamic bin")
        mask = self.model.current.qmap.get("mask")
        if mask is not None and mask.shape == values.shape:
            self.image.set_mask(mask.transpose("y", "x").to_numpy())
        self.image.layers = self.image.layers | {
            "preview": {"title": "chosen bin", "colour": "#ffb300", "on": True, "opacity": 0.45}
        }
        self._mark_bin()

    def _mark_bin(self) -> None:
        labels = self.model.dynamic
        if labels is not None and labels.shape == self.image.image_shape:
            self.image.set_mask(labels != self.model.bin, name="preview")

    def _look_closer(self) -> None:
        """Find what takes longer: the trust report, and q and phi of each pixel."""
        self.badge.value = ""
        shown = self.model.shown
        self._aside(self._judge, lambda badge: self._show_badge(badge, shown))
        self._aside(self.model.pixel_maps, lambda maps: self._show_maps(maps, shown))

    def _judge(self) -> str:
        """Return the badge; a result that can't be judged has one that says why, and is shown all the same."""
        try:
            return badge_html(self.model.trust())
        except Exception as error:  # noqa: BLE001 - shown, whatever it is
            return f'<span class="xnb-badge" title="{escape(words_of(error))}">trust: can\'t be judged</span>'

    def _show_badge(self, badge: str, shown: tuple[str, ...]) -> None:
        if shown == self.model.shown:
            self.badge.value = badge

    def _show_maps(self, maps: Sequence[tuple[str, str, Any]], shown: tuple[str, ...]) -> None:
        if shown == self.model.shown:
            for name, unit, values in maps:
                if values.shape == self.image.image_shape:
                    self.image.set_map(name, values, unit=unit)

    def _aside[Found](self, work: Callable[[], Found], done: Callable[[Found], object]) -> None:
        """Work in a thread, and show what was found; at once where no event loop runs."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.guarded(lambda: done(work()), clear=False)
            return
        found = loop.run_in_executor(None, work)
        # What is found is shown when the page had time to show the rest.
        found.add_done_callback(
            lambda _: loop.call_later(ASIDE, lambda: self.guarded(lambda: done(found.result()), clear=False))
        )

    def guarded(self, call: Callable[[], object], *, clear: bool = True) -> bool:
        """Call; an error is shown in the widget instead of being lost. Return whether there was none.

        What was said before goes, unless this is a part of what is being done, or `clear` is False.
        """
        if clear and not self._depth:
            self.message.value = ""
        self._depth += 1
        try:
            call()
        except Exception as error:  # noqa: BLE001 - shown, whatever it is
            self._say(words_of(error))
            return False
        finally:
            self._depth -= 1
        return True

    def _say(self, words: str) -> None:
        line = f'<div class="xnb-error" role="alert" style="color:#c62828">{escape(words)}</div>'
        if line not in self.message.value:
            self.message.value += line

    def later(self, name: str, call: Callable[[], object]) -> None:
        """Call in a moment, instead of what was asked for by this name before; at once where no event loop runs."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.guarded(call)
            return
        if name not in self._waiting:
            loop.call_later(GATHER, self._do, name)
        self._waiting[name] = call

    def _do(self, name: str) -> None:
        self.guarded(self._waiting.pop(name))
