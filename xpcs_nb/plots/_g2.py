"""g2 of many bins: a grid of panels, or all in one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

from xpcs_nb.analysis import MIN_PAIRS, Uncertainty, fitted_curve, usable_delays
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
    q_colours,
    value_with_error,
)

__all__ = ["PER_PAGE", "page_count", "plot_g2"]

PER_PAGE = 36
FIT_COLOUR = "#c1272d"
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


def drawing_of(
    data: xr.Dataset | xr.DataTree,
    *,
    bins: Iterable[int] | None = None,
    fit: xr.Dataset | None = None,
    errorbars: bool = True,
    use: Uncertainty = "g2_err",
    min_pairs: int = MIN_PAIRS,
) -> Drawing:
    """Take what `plot_g2` draws from its arguments."""
    dataset = _select(node(data, "multitau", ["g2", "delay"]), bins)
    used = fit["used"] if fit is not None else usable_delays(dataset, use=use, min_pairs=min_pairs)
    return Drawing(dataset, used, fit, dataset[use] if errorbars and use in dataset else None)


def _select(dataset: xr.Dataset, bins: Iterable[int] | None) -> xr.Dataset:
    if bins is None:
        return dataset
    bins = list(bins)
    known = dataset["bin"].to_numpy().tolist()
    unknown = [label for label in bins if label not in known]
    if unknown or not bins:
        expected = f"labels among {known[0]}..{known[-1]}" if known else "a dataset with bins"
        raise OptionError("no such bins", where="bins", got=unknown or "none", expected=expected)
    return dataset.sel(bin=bins)


class Drawing:
    """Points, errors and curves of the selected bins."""

    def __init__(
        self, dataset: xr.Dataset, used: xr.DataArray, fit: xr.Dataset | None, err: xr.DataArray | None
    ) -> None:
        self.fit = fit
        self.labels = [int(label) for label in dataset["bin"].to_numpy()]
        self._verdicts = {} if fit is None else _verdicts(fit)
        self.delay = dataset["delay"].to_numpy()
        have = set(used["bin"].to_numpy().tolist())
        lacking = [label for label in self.labels if label not in have]
        if lacking:
            raise OptionError("the fit is of other bins", where="fit", got=f"no bins {lacking}", expected=self.labels)
        # Plain arrays, as xarray's selections would take longer than the drawing.
        self.g2 = dataset["g2"].transpose("delay", "bin").to_numpy()
        self.used = used.sel(bin=self.labels).transpose("delay", "bin").to_numpy() & np.isfinite(self.g2)
        self.err = None if err is None else err.transpose("delay", "bin").to_numpy()
        self.curves: np.ndarray[tuple[int, int], np.dtype[np.float64]] | None = None
        if fit is not None:
            curves = fitted_curve(fit, self._fine())
            self.fine, self.curves = (
                curves["delay"].to_numpy(),
                curves.sel(bin=self.labels).transpose("delay", "bin").to_numpy(),
            )
        q = dataset["q"].to_numpy() if "q" in dataset.coords else np.full(len(self.labels), np.nan)
        self.q = np.asarray(q, dtype=float)
        self.colours = q_colours(self.q if np.isfinite(self.q).any() else np.arange(len(self.q), dtype=float))
        phi = dataset["phi"].to_numpy() if "phi" in dataset.coords else np.full(len(self.labels), np.nan)
        self.phi = np.asarray(phi, dtype=float)

    def _fine(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        positive = self.delay[self.delay > 0]
        return np.geomspace(positive.min(), positive.max(), 300)

    def span(self) -> tuple[float, float]:
        """Return the range of delays, with a margin."""
        positive = self.delay[self.delay > 0]
        margin = (positive.max() / positive.min()) ** 0.05 if positive.max() > positive.min() else 2.0
        return float(positive.min() / margin), float(positive.max() * margin)

    def title(self, index: int) -> str:
        """Name a bin by its q, and by its phi where bins differ in it."""
        parts = [f"q = {self.q[index]:#.3g} Å⁻¹"] if np.isfinite(self.q[index]) else [f"bin {self.labels[index]}"]
        distinct = np.unique(self.phi[np.isfinite(self.phi)])
        if len(distinct) > 1 and np.isfinite(self.phi[index]):
            parts.append(f"φ = {self.phi[index]:.3g}°")
        return ", ".join(parts)

    def draw(self, ax: Axes, index: int, *, colour: object, size: float, label: str | None = None) -> None:
        """Draw points, errors and curve of one bin."""
        g2, used = self.g2[:, index], self.used[:, index]
        err = None if self.err is None else self.err[:, index]
        ax.errorbar(
            self.delay[used],
            g2[used],
            None if err is None else err[used],
            fmt="o",
            color=colour,
            markersize=size,
            markeredgewidth=0,
            elinewidth=0.6,
            label=label,
        )
        out = ~used & np.isfinite(g2) & (self.delay > 0)
        if out.any():
            ax.plot(self.delay[out], g2[out], "o", mfc="none", mec=GREY, ms=size, mew=0.5, zorder=1, label="_left out")
        if self.curves is not None:
            line_colour = FIT_COLOUR if label is None else colour
            ax.plot(self.fine, self.curves[:, index], "-", color=line_colour, lw=1.0, zorder=3, label="_fit")

    def draw_all(self, ax: Axes, colours: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> None:
        """Draw all bins as a few collections: three artists for each of many bins would take seconds."""
        delay = np.broadcast_to(self.delay[:, None], self.g2.shape)
        colour = np.broadcast_to(colours, (*self.g2.shape, 4))
        used, out = self.used, ~self.used & np.isfinite(self.g2) & (delay > 0)
        if self.err is not None:
            low, high = self.g2 - self.err, self.g2 + self.err
            bars = np.stack([np.stack([delay, end], axis=-1) for end in (low, high)], axis=-2)
            there = used & np.isfinite(self.err)
            ax.add_collection(LineCollection(list(bars[there]), colors=colour[there], linewidths=0.6))
        ax.scatter(delay[used], self.g2[used], s=9, c=colour[used], linewidths=0, label="_points")
        ax.plot(delay[out], self.g2[out], "o", mfc="none", mec=GREY, ms=3.0, mew=0.5, zorder=1, label="_left out")
        if self.curves is not None:
            curves = [np.column_stack([self.fine, curve]) for curve in self.curves.T]
            ax.add_collection(LineCollection(curves, colors=colours, linewidths=1.0, zorder=3, label="_fit"))

    def mark_outside(self, ax: Axes, index: int, limits: tuple[float, float]) -> None:
        """Point at what lies above or below the axes, so that nothing is left out unseen."""
        g2 = self.g2[:, index]
        inset = 0.03 * (limits[1] - limits[0])
        for beyond, at, marker in ((g2 > limits[1], limits[1] - inset, "^"), (g2 < limits[0], limits[0] + inset, "v")):
            where = self.delay[beyond & (self.delay > 0)]
            if len(where):
                ax.plot(where, np.full(len(where), at), marker, mfc="none", mec=GREY, ms=3.5, mew=0.6, label="_outside")

    def limits(self, indices: Iterable[int]) -> tuple[float, float] | None:
        """Return the range that the trusted points need, with their errors; None where there are none."""
        low, high = [], []
        for index in indices:
            one = self.g2[:, index]
            err = np.zeros_like(one) if self.err is None else self.err[:, index]
            used = self.used[:, index] & np.isfinite(err)
            if used.any():
                low.append(np.percentile((one - err)[used], 1))
                high.append(np.percentile((one + err)[used], 99))
        if not low:
            return None
        bottom, top = float(min(low)), float(max(high))
        margin = 0.08 * (top - bottom) or 0.01
        return bottom - margin, top + margin

    def note(self, index: int) -> tuple[str, str]:
        """Say what the fit found, or why it failed, with the colour to write it in."""
        if self.fit is None:
            return "", INK
        return self._verdicts[self.labels[index]]


def _verdicts(fit: xr.Dataset) -> dict[int, tuple[str, str]]:
    """Return what a fit found in each bin, or why it failed, with the colour to write it in."""
    names = ("bin", "success", "status", "rate", "rate_err", "chi2", "dof")
    said = {}
    for label, success, status, rate, err, chi2, dof in zip(*(fit[name].to_numpy() for name in names), strict=True):
        if success:
            text = f"Γ = {value_with_error(float(rate), float(err))} s⁻¹, χ²/ν = {float(chi2 / dof):.2g}"
            said[int(label)] = text, FIT_COLOUR
        else:
            said[int(label)] = "no fit: " + str(status).split(":")[0], GREY
    return said


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
