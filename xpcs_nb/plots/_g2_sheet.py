"""g2 of many bins on one sheet, drawn as a few collections: for plots that are made of every result."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, floor, log10
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from xpcs_nb.plots._figures import GREY, INK, PAGE, ResultFigure, power_of_ten
from xpcs_nb.plots._g2 import DELAY, PER_PAGE, columns_of, shown_on_page
from xpcs_nb.plots._g2_drawing import FIT_COLOUR, Drawing, drawing_of, joined
from xpcs_nb.plots._writing import Words, Writing

__all__ = ["g2_sheet"]

type Floats = NDArray[np.float64]

#: Inches around and between the panels.
LEFT, RIGHT, BOTTOM, BETWEEN, ABOVE = 0.62, 0.1, 0.52, 0.45, 0.44
TICK, NUMBER, NAME, TITLE = 0.042, 7, 8, 10
#: From the baseline of letters to their upper end, and to their middle, inches for each point of their size.
ASCENT, MIDDLE = 0.928 / 72, 0.346 / 72


def g2_sheet(
    data: xr.Dataset | xr.DataTree, *, fit: xr.Dataset | None = None, page: int = 1, per_page: int = PER_PAGE
) -> Figure:
    """Draw what the grid of `plot_g2` shows, many times faster: there are no axes to work with afterwards.

    Parameters
    ----------
    data, fit, page, per_page
        As for `plot_g2`.

    Returns
    -------
    matplotlib.figure.Figure
        One set of axes, in inches, with all panels in it.

    Raises
    ------
    OptionError
        If there is no g2 in `data`, or no such page.
    """
    drawing = drawing_of(data, fit=fit)
    shown, pages = shown_on_page(drawing, page, per_page)
    sheet = _Sheet.for_panels(len(shown), drawing.span(), paged=pages > 1)
    for place, index in enumerate(shown):
        sheet.add(place, drawing, index)
    if pages > 1:
        first, last = drawing.labels[shown[0]], drawing.labels[shown[-1]]
        sheet.words(sheet.size[0] / 2, sheet.size[1] - 0.1, f"bins {first} to {last}, page {page} of {pages}", TITLE)
    sheet.finish(drawing.colours.cmap(0.35))
    return sheet.figure


@dataclass
class _Sheet:
    """Panels in a row of columns, and what is to be drawn in them, in inches."""

    size: tuple[float, float]
    columns: int
    count: int
    panel: tuple[float, float]
    top: float
    delays: tuple[float, float]
    figure: Figure
    ax: Axes
    lines: dict[str, list[Floats]] = field(default_factory=lambda: {"frame": [], "error": [], "fit": []})
    marks: dict[str, list[Floats]] = field(default_factory=lambda: {"o": [], "open": [], "^": [], "v": []})
    texts: list[Words] = field(default_factory=list)

    @classmethod
    def for_panels(cls, count: int, delays: tuple[float, float], *, paged: bool) -> _Sheet:
        columns = columns_of(count)
        rows = ceil(count / columns)
        width = PAGE if columns <= 4 else 1.85 * columns
        height = (width / columns) * 0.8 * rows + 0.35
        top = 0.62 if paged else 0.4
        panel_width = (width - LEFT - RIGHT - BETWEEN * (columns - 1)) / columns
        panel_height = max(0.3, (height - BOTTOM - top - ABOVE * (rows - 1)) / rows)
        figure = ResultFigure(figsize=(width, height))
        ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        ax.set_axis_off()
        ax.set(xlim=(0, width), ylim=(0, height))
        return cls((width, height), columns, count, (panel_width, panel_height), top, delays, figure, ax)

    def add(self, place: int, drawing: Drawing, index: int) -> None:
        """Put a bin into the panel at a place."""
        row, column = divmod(place, self.columns)
        left = LEFT + column * (self.panel[0] + BETWEEN)
        bottom = self.size[1] - self.top - (row + 1) * self.panel[1] - row * ABOVE
        limits = drawing.limits([index])
        labelled = place + self.columns >= self.count
        self._frame(left, bottom, limits, labelled=labelled)
        middle, above = left + self.panel[0] / 2, bottom + self.panel[1]
        self.words(middle, above + (0.04 if drawing.fit is None else 0.18), drawing.title(index), NAME)
        text, colour = drawing.note(index)
        if text:
            self.words(middle, above + 0.04, text, NUMBER, colour)
        if limits is None:
            self.words(middle, bottom + self.panel[1] / 2, "no usable points", NUMBER, GREY)
        else:
            self._points(left, bottom, limits, drawing, index)

    def _points(self, left: float, bottom: float, limits: tuple[float, float], drawing: Drawing, index: int) -> None:
        low, high = limits
        g2, delay, used = drawing.g2[:, index], drawing.delay, drawing.used[:, index]
        there = np.isfinite(g2) & (delay > 0)
        inside = there & (g2 >= low) & (g2 <= high)
        x = self._x(left, delay, there)
        y = bottom + (g2 - low) / (high - low) * self.panel[1]
        for name, which, at in (
            ("o", inside & used, y),
            ("open", inside & ~used, y),
            # What lies outside is pointed at, so that nothing is left out unseen.
            ("^", there & (g2 > high), np.full_like(y, bottom + 0.97 * self.panel[1])),
            ("v", there & (g2 < low), np.full_like(y, bottom + 0.03 * self.panel[1])),
        ):
            self.marks[name].append(np.column_stack([x[which], at[which]]))
        if drawing.err is not None:
            ends = [np.clip(g2 + sign * drawing.err[:, index], low, high)[inside & used] for sign in (-1, 1)]
            levels = [bottom + (end - low) / (high - low) * self.panel[1] for end in ends]
            across = x[inside & used]
            bars = np.stack([np.column_stack([across, level]) for level in levels], axis=1)
            self.lines["error"].extend(bars[np.isfinite(bars).all(axis=(1, 2))])
        if drawing.curves is not None:
            curve = drawing.curves[:, index]
            curve = np.where((curve >= low) & (curve <= high), curve, np.nan)
            heights = bottom + (curve - low) / (high - low) * self.panel[1]
            self.lines["fit"].append(np.column_stack([self._x(left, drawing.fine, drawing.fine > 0), heights]))

    def _x(self, left: float, delay: Floats, valid: NDArray[np.bool_]) -> Floats:
        low, high = (log10(each) for each in self.delays)
        where = np.log10(delay, out=np.full(delay.shape, np.nan), where=valid)
        return left + (where - low) / (high - low) * self.panel[0]

    def _frame(self, left: float, bottom: float, limits: tuple[float, float] | None, *, labelled: bool) -> None:
        right, top = left + self.panel[0], bottom + self.panel[1]
        self.lines["frame"].append(
            np.array([(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)])
        )
        powers = range(ceil(log10(self.delays[0])), floor(log10(self.delays[1])) + 1)
        decades = np.array([10.0**power for power in powers])
        for number, x in enumerate(self._x(left, decades, decades > 0)):
            self._ticks((x, bottom), (x, top), (0.0, TICK))
            if labelled and number % ceil(len(decades) / 6) == 0:
                self.words(x, bottom - 0.05 - ASCENT * NUMBER, power_of_ten(decades[number]), NUMBER)
        if limits is None:
            return
        values = np.asarray(MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(*limits), dtype=np.float64)
        digits = max(0, -floor(log10(values[1] - values[0]) + 1e-9))
        for value in values[(values >= limits[0]) & (values <= limits[1])]:
            y = bottom + (value - limits[0]) / (limits[1] - limits[0]) * self.panel[1]
            self._ticks((left, y), (right, y), (TICK, 0.0))
            self.words(left - 0.05, y - MIDDLE * NUMBER, f"{value:.{digits}f}", NUMBER, ha="right")

    def _ticks(self, one: tuple[float, float], other: tuple[float, float], into: tuple[float, float]) -> None:
        for (x, y), sign in ((one, 1), (other, -1)):
            self.lines["frame"].append(np.array([(x, y), (x + sign * into[0], y + sign * into[1])]))

    def words(self, x: float, y: float, text: str, size: float, colour: str = INK, *, ha: str = "center") -> None:
        """Write text at a place in inches: its middle, or its right end, on a baseline."""
        self.texts.append(Words(x, y, text, size, colour, ha))

    def finish(self, colour: object) -> None:
        """Draw what was collected."""
        for name, looks, width, zorder in (
            ("frame", INK, 0.6, 1),
            ("error", colour, 0.6, 2),
            ("fit", FIT_COLOUR, 1.0, 3),
        ):
            path = joined(self.lines[name])
            self.ax.add_artist(PathPatch(path, fill=False, ec=looks, lw=width, zorder=zorder, snap=name != "fit"))
        points: tuple[tuple[str, dict[str, Any]], ...] = (
            ("o", {"marker": "o", "color": colour, "markersize": 2.6, "markeredgewidth": 0}),
            ("open", {"marker": "o", "mfc": "none", "mec": GREY, "ms": 2.6, "mew": 0.5}),
            ("^", {"marker": "^", "mfc": "none", "mec": GREY, "ms": 3.5, "mew": 0.6}),
            ("v", {"marker": "v", "mfc": "none", "mec": GREY, "ms": 3.5, "mew": 0.6}),
        )
        for name, style in points:
            places = np.concatenate([np.empty((0, 2)), *self.marks[name]])
            self.ax.plot(*places.T, linestyle="none", zorder=2, scalex=False, scaley=False, label=f"_{name}", **style)
        self.words(self.size[0] / 2, 0.1, DELAY, TITLE)
        middle: dict[str, Any] = {"ha": "center", "va": "center", "transform": self.figure.dpi_scale_trans}
        self.figure.text(0.12, self.size[1] / 2, "g₂", fontsize=TITLE, color=INK, rotation=90, **middle)
        self.figure.add_artist(Writing(self.texts))
