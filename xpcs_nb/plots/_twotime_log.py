"""Log two-time correlations, cuts at several ages, and correlation through time."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from xpcs_nb.analysis import fitted_curve, trc
from xpcs_nb.core import LogGrid
from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import (
    PAGE,
    ResultFigure,
    axes_for,
    colour_bar,
    colour_of,
    dress,
    log_scale,
    node,
    q_colours,
)

__all__ = ["plot_ageing", "plot_trc", "plot_twotime_log"]

type Floats = NDArray[np.float64]

#: Finer cells than this along the age are averaged before drawing: a figure has no more columns.
DRAWN = 900
#: How the two conventions of age are written.
AGES = {"mean": "age $(t_1 + t_2)/2$ (s)", "start": "age $t_1$ (s)"}
#: Curves of a legend.
NAMED = 8


def plot_twotime_log(
    data: xr.Dataset | xr.DataTree,
    bin: int | None = None,
    *,
    percentiles: tuple[float, float] = (1.0, 99.0),
    ax: Axes | None = None,
) -> Figure:
    """Draw the log two-time correlation of one bin: age along, lag up on a logarithmic axis.

    Parameters
    ----------
    data
        Result, its node ``twotime_log``, or the dataset.
    bin
        Label; the first where None.
    percentiles
        Percentiles of the values at which the colours end.
    ax
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If there is no log two-time correlation in `data`, or not of this bin.
    """
    dataset = node(data, "twotime_log", ["c2"])
    if "cell" not in dataset["c2"].dims:
        raise OptionError("these are full maps", got=str(dataset["c2"].dims), hint="Draw them by plot_twotime.")
    labels = [int(label) for label in dataset["bin"].to_numpy()]
    label = labels[0] if bin is None and labels else bin
    if label not in labels:
        raise OptionError("there is no two-time correlation of this bin", where="bin", got=label, expected=labels)
    one = dataset.isel(bin=labels.index(label))
    figure, ax = axes_for(ax, (5.0, 3.2))
    boxes, values = _boxes(LogGrid(int(dataset.attrs["n_frames"])), one["c2"].to_numpy().astype(float))
    step = float(dataset.attrs["step"])
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, percentiles) if len(finite) else (0.0, 1.0)
    drawn = PolyCollection(
        list(boxes * step), array=values, cmap=mpl.colormaps["viridis"], edgecolors="face", linewidths=0.1
    )
    drawn.set_clim(low, high if high > low else low + 1)
    drawn.set_rasterized(True)
    ax.add_collection(drawn)
    ax.set_xlim(0, dataset.attrs["n_frames"] * step)
    ax.set_ylim(float(boxes[:, :, 1].min()) * step, float(boxes[:, :, 1].max()) * step)
    log_scale(ax, "y")
    colour_bar(figure, drawn, ax, "$C_2$")
    dress(ax, "age (s)", r"lag $\tau$ (s)")
    title = f"bin {label}"
    if "q" in one.coords and np.isfinite(float(one["q"])):
        title += f", q = {float(one['q']):#.3g} Å⁻¹"
    ax.set_title(title, fontsize=9)
    return figure


def _boxes(grid: LogGrid, c2: Floats) -> tuple[Floats, Floats]:
    """Return the corners of what is drawn, (boxes, 4, 2) as age and lag in frames, and its values."""
    frames = grid.delays.frames.astype(float)
    middle = np.sqrt(frames[1:] * frames[:-1])
    edges = np.concatenate([[frames[0] ** 1.5 / middle[0] ** 0.5], middle, [frames[-1] ** 1.5 / middle[-1] ** 0.5]])
    boxes, values = [], []
    for delay in range(len(frames)):
        cells = c2[grid.start[delay] : grid.start[delay + 1]]
        age = grid.age[grid.start[delay] : grid.start[delay + 1]]
        half = float(1 << int(grid.delays.level[delay])) / 2
        join = -(-len(cells) // DRAWN)
        for first in range(0, len(cells), join):
            part = slice(first, min(first + join, len(cells)))
            left, right = age[part.start] - half, age[part.stop - 1] + half
            low, high = edges[delay], edges[delay + 1]
            boxes.append([(left, low), (right, low), (right, high), (left, high)])
            values.append(cells[part].mean())
    return np.array(boxes), np.array(values)


def plot_ageing(curves: xr.Dataset, fit: xr.Dataset | None = None, *, fig: Figure | None = None) -> Figure:
    r"""Draw g2 at several ages, and the decay time :math:`\tau = 1/(2\Gamma)` of the fits against age.

    Parameters
    ----------
    curves
        What `g2_at_ages` returned.
    fit
        What `fit_g2` made of it; without it only g2 is drawn.
    fig
        Empty figure to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If `curves` has no ages.
    """
    if "age" not in curves.coords or "g2" not in curves:
        raise OptionError(
            "there are no ages to draw", got=", ".join(map(str, curves.coords)), expected="g2_at_ages(...)"
        )
    fig = ResultFigure(figsize=(PAGE if fit is not None else 3.8, 3.0), layout="constrained") if fig is None else fig
    panels = fig.subplots(1, 2) if fit is not None else [fig.subplots()]
    ages = curves["age"].to_numpy()
    colours = q_colours(ages)
    _draw_curves(panels[0], curves, fit, colours)
    colour_bar(fig, colours, panels[0], AGES.get(curves.attrs.get("convention", ""), "age (s)"))
    if fit is not None:
        _draw_times(panels[1], fit, colours)
    return fig


def _draw_curves(ax: Axes, curves: xr.Dataset, fit: xr.Dataset | None, colours: mpl.cm.ScalarMappable) -> None:
    delay = curves["delay"].to_numpy()
    fine = np.geomspace(delay[0], delay[-1], 200)
    smooth = None if fit is None else fitted_curve(fit, fine).to_numpy()
    for place, age in enumerate(curves["age"].to_numpy()):
        colour = colour_of(colours, float(age))
        g2, err = (curves[name].to_numpy()[:, place] for name in ("g2", "g2_err"))
        seen = np.isfinite(g2) & np.isfinite(err)
        line = "none" if smooth is not None and np.isfinite(smooth[:, place]).any() else "-"
        ax.errorbar(
            delay[seen], g2[seen], err[seen], fmt="o", ms=2.5, lw=0.8, elinewidth=0.6, color=colour, linestyle=line
        )
        if smooth is not None:
            reach = fine <= (delay[seen].max() if seen.any() else 0)
            ax.plot(fine[reach], smooth[reach, place], "-", lw=1.0, color=colour)
    ax.ticklabel_format(axis="y", useOffset=False)
    log_scale(ax, "x")
    dress(ax, r"lag $\tau$ (s)", "$g_2$")


def _draw_times(ax: Axes, fit: xr.Dataset, colours: mpl.cm.ScalarMappable) -> None:
    name = "rate" if "rate" in fit else "rate_fast"
    good = fit["success"].to_numpy().astype(bool)
    age, rate, error = (fit[key].to_numpy() for key in ("age", name, f"{name}_err"))
    tau = 1 / (2 * np.where(good, rate, np.nan))
    for place in np.flatnonzero(good):
        colour = colour_of(colours, float(age[place]))
        ax.errorbar(age[place], tau[place], tau[place] * error[place] / rate[place], fmt="o", ms=4, color=colour)
    failed = int(np.count_nonzero(~good))
    ax.set_title(f"{failed} of {len(good)} ages without a fit" if failed else "", fontsize=8)
    ax.margins(0.1)
    dress(ax, "age (s)", r"decay time $\tau = 1/(2\Gamma)$ (s)")
    if good.sum() > 1 and np.nanmax(tau) > 3 * np.nanmin(tau):
        log_scale(ax, "y")


def plot_trc(
    data: xr.Dataset | xr.DataTree, bin: int, lags: list[float] | None = None, *, ax: Axes | None = None
) -> Figure:
    r"""Draw the correlation :math:`c_I(t, \tau) = C_2(t, t + \tau) - 1` of one bin at some lags through time.

    Parameters
    ----------
    data, bin, lags
        As for `xpcs_nb.analysis.trc`.
    ax
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        As `xpcs_nb.analysis.trc`.
    """
    curves = trc(data, bin, lags)
    figure, ax = axes_for(ax, (PAGE * 0.75, 2.8))
    colours = q_colours(np.log(curves["lag"].to_numpy()))
    time = curves["time"].to_numpy()
    for row, lag in enumerate(curves["lag"].to_numpy()):
        values = curves.to_numpy()[row]
        label = rf"$\tau$ = {lag:.3g} s" if row < NAMED else None
        ax.plot(time, values, "-", lw=0.7, color=colour_of(colours, float(np.log(lag))), label=label)
    ax.margins(x=0)
    dress(ax, "time (s)", r"$c_I(t, \tau)$")
    ax.set_title(f"bin {bin}", fontsize=9)
    ax.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0))
    return figure
