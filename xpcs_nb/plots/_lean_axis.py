"""Axes of a figure that is written: their ticks drawn together, where matplotlib makes five artists of each tick."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis, Tick, XAxis, YAxis
from matplotlib.backend_bases import RendererBase
from matplotlib.text import Text
from matplotlib.ticker import NullLocator
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

__all__ = ["lean_axes"]


@contextmanager
def lean_axes(ax: Axes) -> Iterator[None]:
    """Let stand-ins draw the axes of `ax` and of what is inside: the same picture in a fraction of the time.

    An axis with a grid, with its label at a place of its own, or with a factor of its ticks (1e5) draws itself.
    """
    with ExitStack() as stack:
        for each in _with_children(ax):
            for axis in (each.xaxis, each.yaxis):
                if each.axison and axis.get_visible() and type(axis) in (XAxis, YAxis):
                    stack.enter_context(_stand_in(each, axis))
        yield


def _with_children(ax: Axes) -> Iterator[Axes]:
    yield ax
    for child in ax.child_axes:
        if isinstance(child, Axes):
            yield from _with_children(child)


@contextmanager
def _stand_in(ax: Axes, axis: Axis) -> Iterator[None]:
    lean = _LeanAxis(axis)
    if not lean.is_plain():
        yield
        return
    axis.set_visible(False)
    ax.add_artist(lean)
    lean.set_clip_on(False)
    try:
        yield
    finally:
        lean.remove()
        lean.restore()
        axis.set_visible(True)


@dataclass(frozen=True)
class _Marks:
    """Ticks of one kind inside the view: where they are, and what is written at them."""

    tick: Tick
    places: NDArray[np.float64]
    texts: Sequence[str]


class _LeanAxis(Artist):
    """Draws an axis by one of its major and one of its minor ticks, moved from place to place."""

    def __init__(self, axis: Axis) -> None:
        super().__init__()
        self._axis = axis
        self._across = isinstance(axis, XAxis)
        self.set_zorder(axis.get_zorder())
        self._major = None if isinstance(axis.get_major_locator(), NullLocator) else axis.get_major_ticks(1)[0]
        self._minor = None if isinstance(axis.get_minor_locator(), NullLocator) else axis.get_minor_ticks(1)[0]
        self._ticks = [tick for tick in (self._major, self._minor) if tick is not None]
        self._lines = [(line, line.get_data()) for tick in self._ticks for line in (tick.tick1line, tick.tick2line)]
        self._known: tuple[Any, list[_Marks] | None] = (None, None)

    def is_plain(self) -> bool:
        """Tell whether there is nothing but ticks and a label that follows them."""
        placed = self._axis.label.get_transform().contains_branch_seperately(self._axis.axes.transAxes)
        return tuple(placed) == (self._across, not self._across) and not any(
            tick.gridline.get_visible() for tick in self._ticks
        )

    def restore(self) -> None:
        """Put the lines of the ticks back where the axis expects them."""
        for line, data in self._lines:
            line.set_data(*data)

    def draw(self, renderer: RendererBase) -> None:
        """Draw ticks, their labels, and the label of the axis."""
        found = self._marks()
        if found is None:
            with self._itself():
                self._axis.draw(renderer)
            return
        for marks in found:
            for line in (marks.tick.tick1line, marks.tick.tick2line):
                if line.get_visible():
                    beside = np.full_like(marks.places, np.asarray(line.get_data()[1 if self._across else 0]).flat[0])
                    line.set_data(*((marks.places, beside) if self._across else (beside, marks.places)))
                    line.draw(renderer)
        for _, text in self._texts(found):
            text.draw(renderer)
        self._place_label(self._boxes(found, renderer), renderer)
        self._axis.label.draw(renderer)
        self.stale = False

    def get_tightbbox(self, renderer: RendererBase | None = None) -> Bbox | None:
        """Return what surrounds the labels, in pixels."""
        found = self._marks()
        if found is None or renderer is None:
            with self._itself():
                return self._axis.get_tightbbox(renderer)
        boxes = self._boxes(found, renderer)
        self._place_label(boxes, renderer)
        label = [self._axis.label.get_window_extent(renderer)] if self._axis.label.get_visible() else []
        around = [*boxes[0], *boxes[1], *label]
        return Bbox.union(around) if around else None

    @contextmanager
    def _itself(self) -> Iterator[None]:
        self.restore()
        self._axis.set_visible(True)
        try:
            yield
        finally:
            self._axis.set_visible(False)

    def _marks(self) -> list[_Marks] | None:
        """Return the ticks; None where a factor stands beside them. How many there are depends on the size."""
        key = (*self._axis.get_view_interval(), *self._axis.axes.bbox.size)
        if self._known[0] != key:
            self._known = key, self._found()
        return self._known[1]

    def _found(self) -> list[_Marks] | None:
        axis, found = self._axis, []
        for tick in self._ticks:
            major = tick is self._major
            places = np.asarray(axis.get_majorticklocs() if major else axis.get_minorticklocs(), dtype=np.float64)
            texts = (axis.get_major_formatter() if major else axis.get_minor_formatter()).format_ticks(places.tolist())
            at, (low, high) = (
                axis.get_transform().transform(values) for values in (places, np.sort(axis.get_view_interval()))
            )
            close = 1e-10 * abs(high - low)
            inside = (at >= low - close) & (at <= high + close)
            found.append(_Marks(tick, places[inside], [text for text, here in zip(texts, inside, strict=True) if here]))
        return None if axis.get_major_formatter().get_offset() else found

    def _texts(self, found: Sequence[_Marks]) -> Iterator[tuple[int, Text]]:
        """Go through the labels of the ticks, on sides 0 (bottom, left) and 1; on each it is one that moves."""
        for marks in found:
            for side, label in enumerate((marks.tick.label1, marks.tick.label2)):
                if label.get_visible():
                    for place, text in zip(marks.places, marks.texts, strict=True):
                        if text:
                            label.set_text(text)
                            (label.set_x if self._across else label.set_y)(place)
                            yield side, label

    def _boxes(self, found: Sequence[_Marks], renderer: RendererBase) -> tuple[list[Bbox], list[Bbox]]:
        boxes: tuple[list[Bbox], list[Bbox]] = ([], [])
        for side, text in self._texts(found):
            boxes[side].append(text.get_window_extent(renderer))
        return boxes

    def _place_label(self, boxes: Sequence[Sequence[Bbox]], renderer: RendererBase) -> None:
        """Put the label of the axis beyond the labels of its ticks."""
        position = self._axis.get_label_position()
        first = position in ("bottom", "left")
        ticks = self._ticks if position in self._axis.axes.spines else []
        out = _pixels(renderer, max((tick.get_tick_padding() for tick in ticks), default=0.0))
        around = Bbox.union([self._axis.axes.bbox.padded(out), *boxes[0 if first else 1]])
        pad = _pixels(renderer, self._axis.labelpad)
        low, high = (around.y0, around.y1) if self._across else (around.x0, around.x1)
        (self._axis.label.set_y if self._across else self._axis.label.set_x)(low - pad if first else high + pad)


def _pixels(renderer: RendererBase, points: float) -> float:
    return float(np.asarray(renderer.points_to_pixels(points)))
