"""g2 of many bins: a grid of panels, or all in one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

from xpcs_nb.analysis import MIN_PAIRS, Uncertainty
from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import (
    GREY,
    INK,
    PAGE,
    ResultFigure,
    axes_for,
    colour_bar,
    colour_of,
    dress,
    log_scale,
    node,
)
from xpcs_nb.plots._g2_drawing import Drawing, drawing_of

__all__ = ["PER_PAGE", "page_count", "plot_g2"]

PER_PAGE = 36
#: Panels up to which there is room for minor ticks.
FEW = 9
#: The look of a panel. Given when its axes are made: changing the ticks of 36 axes afterwards takes longer.
PANEL: Any = {
    "axes.linewidth": 0.6,
    **{
        f"{axis}tick.{name}": value
        for axis in "xy"
        for name, value in (
            ("direction", "in"),
            ("color", INK),
            ("labelcolor", INK),
            ("labelsize", 7),
            ("major.width", 0.6),
            ("minor.width", 0.6),
            ("major.size", 3),
            ("minor.size", 1.5),
        )
    },
    "xtick.top": True,
    "ytick.right": True,
}
DELAY = "delay τ (s)"


def plot_g2(
    data: xr.Dataset | xr.DataTree,
    *,
    bins: Iterable[int] | None = None,
    layout: Literal["grid", "overlay"] = "grid",
    fit: xr.Dataset | None = None,
    errorbars: bool = True,
    use: Uncertainty = "g2_err",
    min_pairs: int = MIN_PAIRS,
    sharey: bool = False,
    page: int = 1,
    per_page: int = PER_PAGE,
    ax: Axes | None = None,
    fig: Figure | None = None,
) -> Figure:
    """Draw g2 against delay.

    Points that a fit would leave out (few pairs of frames, no error; with `fit`, those it did leave out) are open
    and grey, and have no say in the range of the axis. A bin whose fit failed shows the reason instead of a curve.

    Parameters
    ----------
    data
        Result, its multi-tau node, or the dataset.
    bins
        Values of the coordinate ``bin``; all where None.
    layout
        ``grid``: a panel a bin. ``overlay``: all in one, coloured by q.
    fit
        What `xpcs_nb.analysis.fit_g2` returned, to draw its curves.
    errorbars
        Whether to draw errors (one standard deviation).
    use, min_pairs
        The error to draw, and the least number of pairs of a trusted point.
    sharey
        Grid: one range of g2 for all panels.
    page, per_page
        Grid: which part of the bins, from 1, and how many of them.
    ax
        Overlay: axes to draw in.
    fig
        Grid: empty figure to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If there is no g2 in `data`, or a bin, page or layout does not exist.
    """
    drawing = drawing_of(data, bins=bins, fit=fit, errorbars=errorbars, use=use, min_pairs=min_pairs)
    if layout == "overlay":
        return _overlay(drawing, ax)
    if layout != "grid":
        raise OptionError("no such layout", where="layout", got=repr(layout), expected="'grid' or 'overlay'")
    return _grid(drawing, page, per_page, sharey, fig)


def page_count(data: xr.Dataset | xr.DataTree, per_page: int = PER_PAGE) -> int:
    """Return how many pages `plot_g2` has for all bins."""
    return -(-node(data, "multitau", ["g2"]).sizes["bin"] // per_page)


def _grid(drawing: Drawing, page: int, per_page: int, sharey: bool, fig: Figure | None) -> Figure:
    shown, pages = shown_on_page(drawing, page, per_page)
    columns = columns_of(len(shown))
    rows = -(-len(shown) // columns)
    margins: dict[str, float] = {}
    if fig is None:
        width = PAGE if columns <= 4 else 1.85 * columns
        height = (width / columns) * 0.8 * rows + 0.35
        # Placed by hand: the constrained layout would draw all panels twice more to measure them.
        fig, margins = ResultFigure(figsize=(width, height)), _margins(width, height, columns, rows, paged=pages > 1)
    with mpl.rc_context(PANEL):
        panels = fig.subplots(rows, columns, sharex=True, squeeze=False, gridspec_kw=margins).ravel()
    # The panels share this axis.
    panels[0].set_xscale("log")
    panels[0].set_xlim(*drawing.span())
    panels[0].xaxis.set_major_locator(LogLocator(numticks=6))
    panels[0].xaxis.set_minor_formatter(NullFormatter())
    if len(shown) > FEW:
        panels[0].xaxis.set_minor_locator(NullLocator())
    limits = drawing.limits(shown) if sharey else None
    for panel, index in zip(panels, shown, strict=False):
        panel.set_autoscale_on(False)
        drawing.draw(panel, index, colour=drawing.colours.cmap(0.35), size=2.6)
        _dress_panel(panel, drawing, index, limits or drawing.limits([index]))
    for spare in panels[len(shown) :]:
        spare.set_visible(False)
    for panel in panels[max(len(shown) - columns, 0) : len(shown)]:
        panel.tick_params(labelbottom=True)
    fig.supxlabel(DELAY, fontsize=10)
    fig.supylabel("$g_2$", fontsize=10)
    if pages > 1:
        first, last = drawing.labels[shown[0]], drawing.labels[shown[-1]]
        fig.suptitle(f"bins {first} to {last}, page {page} of {pages}", fontsize=10)
    return fig


def _margins(width: float, height: float, columns: int, rows: int, *, paged: bool) -> dict[str, float]:
    """Return the place of the panels in a figure of some inches, with room for labels, titles and notes."""
    left, right, between = 0.62, 0.1, 0.45
    bottom, top, above = 0.52, 0.62 if paged else 0.4, 0.44
    panel_width = (width - left - right - between * (columns - 1)) / columns
    panel_height = max(0.3, (height - bottom - top - above * (rows - 1)) / rows)
    return {
        "left": left / width,
        "right": 1 - right / width,
        "bottom": bottom / height,
        "top": 1 - top / height,
        "wspace": between / panel_width,
        "hspace": above / panel_height,
    }


def shown_on_page(drawing: Drawing, page: int, per_page: int) -> tuple[range, int]:
    """Return the places of the bins on a page, and how many pages there are; refuse a page that there is not."""
    total = len(drawing.labels)
    pages = max(-(-total // per_page), 1) if per_page > 0 else 0
    if not 1 <= page <= pages:
        raise OptionError("no such page", where="page", got=page, expected=f"1..{pages}, {per_page} bins each")
    return range((page - 1) * per_page, min(page * per_page, total)), pages


def columns_of(panels: int) -> int:
    """Return how many panels stand in a row."""
    if panels <= 3:
        return max(panels, 1)
    return min(int(np.ceil(np.sqrt(panels))), 6)


def _dress_panel(panel: Axes, drawing: Drawing, index: int, limits: tuple[float, float] | None) -> None:
    panel.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    panel.ticklabel_format(axis="y", useOffset=False)
    panel.set_title(drawing.title(index), fontsize=8, pad=3 if drawing.fit is None else 13)
    if limits is None:
        panel.text(0.5, 0.5, "no usable points", transform=panel.transAxes, ha="center", fontsize=7, color=GREY)
    else:
        panel.set_ylim(*limits)
        drawing.mark_outside(panel, index, limits)
    text, colour = drawing.note(index)
    # Above the axes: inside there is no corner that noise keeps free.
    note = panel.annotate(
        text,
        (0.5, 1.0),
        (0, 3),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="center",
        fontsize=7,
        color=colour,
    )
    note.set_in_layout(False)


def _overlay(drawing: Drawing, ax: Axes | None) -> Figure:
    figure, ax = axes_for(ax, (5.0, 3.6))
    few = len(drawing.labels) <= 8
    values = drawing.q if np.isfinite(drawing.q).any() else np.arange(len(drawing.q), dtype=float)
    if few:
        for index in range(len(drawing.labels)):
            colour = colour_of(drawing.colours, values[index])
            drawing.draw(ax, index, colour=colour, size=3.0, label=drawing.title(index))
    else:
        drawing.draw_all(ax, drawing.colours.to_rgba(values))
    dress(ax, DELAY, "g₂")
    log_scale(ax, "x")
    ax.ticklabel_format(axis="y", useOffset=False)
    limits = drawing.limits(range(len(drawing.labels)))
    if limits is not None:
        ax.set_ylim(*limits)
        for index in range(len(drawing.labels)):
            drawing.mark_outside(ax, index, limits)
    if few:
        ax.legend(fontsize=7, frameon=False, handletextpad=0.3)
    elif np.isfinite(drawing.q).any():
        colour_bar(figure, drawing.colours, ax, "q (Å⁻¹)")
    return figure
