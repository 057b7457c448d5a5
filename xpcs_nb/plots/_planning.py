"""Planned experiments: what was recovered of what was injected, and which series give which error."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import COLUMN, INK, MASKED, axes_for, colour_bar, dress, log_scale, sequential

__all__ = ["plot_plan", "plot_recovery"]


def plot_recovery(data: xr.Dataset, *, ax: Axes | None = None) -> Figure:
    """Draw recovered over injected coefficients: every repeat, their mean and scatter, and the median reported error.

    Parameters
    ----------
    data
        What `xpcs_nb.recover` returned.
    ax
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If this is no such dataset.
    """
    if not {"D_fit", "bias", "scatter", "reported", "seen"} <= set(data):
        raise OptionError("this is no recovery", got=", ".join(map(str, data)), expected="what recover returns")
    figure, ax = axes_for(ax, (COLUMN, 2.8))
    injected = data["D"].to_numpy().astype(float)
    ratio = (data["D_fit"] / data["D"]).transpose("D", "repeat").to_numpy()
    for value, row in zip(injected, ratio, strict=True):
        ax.plot(np.full(len(row), value), row, "o", ms=2, color="0.6", mec="none")
    mean = 1 + data["bias"].to_numpy()
    ax.errorbar(injected * 0.97, mean, yerr=data["scatter"], fmt="o", ms=4, lw=1, color="k", label="mean ± scatter")
    ax.errorbar(
        injected * 1.03, mean, yerr=data["reported"], fmt="none", lw=1.0, ecolor="#d62728", label="reported error"
    )
    ax.axhline(1.0, color=INK, lw=0.6, ls="--", zorder=0)
    for value, seen in zip(injected, data["seen"].to_numpy(), strict=True):
        if seen < 1:
            text = f"{seen:.0%} seen"
            ax.annotate(text, (value, 0.02), xycoords=("data", "axes fraction"), ha="center", fontsize=7, color=INK)
    # also where nothing was recovered
    ax.set_xlim(injected.min() / 2, injected.max() * 2)
    log_scale(ax, "x")
    dress(
        ax,
        f"injected D ({str(data['D'].attrs.get('units', '')).replace('angstrom^2', 'Å²').replace('angstrom', 'Å')})",
        "recovered / injected",
    )
    ax.legend(fontsize=7, frameon=False)
    return figure


def plot_plan(table: xr.Dataset, *, ax: Axes | None = None) -> Figure:
    """Draw the total time of each frame time and series length; what is not allowed is grey, the best is marked.

    Parameters
    ----------
    table
        ``xpcs_nb.plan(...).table``.
    ax
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If this is no such table.
    """
    if not {"total_time", "allowed", "repeats"} <= set(table):
        raise OptionError("this is no plan", got=", ".join(map(str, table)), expected="plan(...).table")
    figure, ax = axes_for(ax, (4.2, 3.0))
    allowed = table["allowed"].transpose("n_frames", "frame_time").to_numpy()
    total = np.where(allowed, table["total_time"].transpose("n_frames", "frame_time").to_numpy(), np.nan)
    low, high = float(np.nanmin(total)), float(np.nanmax(total))
    drawn = ax.imshow(
        total, norm=LogNorm(low, max(high, 1.01 * low)), cmap=sequential().with_extremes(bad=MASKED),
        origin="lower", aspect="auto",
    )  # fmt: skip
    row, column = np.unravel_index(int(np.nanargmin(total)), total.shape)
    ax.plot(column, row, "*", ms=11, color="#d62728", mec="white", mew=0.6)
    repeats = table["repeats"].transpose("n_frames", "frame_time").to_numpy()
    for (y, x), count in np.ndenumerate(repeats):
        if allowed[y, x] and (y, x) != (row, column):
            ax.text(x, y, f"{count:.0f}", ha="center", va="center", fontsize=6, color="white")
    dress(ax, "frame time (s)", "frames of a series")
    ax.tick_params(which="both", direction="out", top=False, right=False)
    times = table["frame_time"].to_numpy()
    every = max(1, len(times) // 5)
    ax.set_xticks(np.arange(0, len(times), every), [f"{time:.2g}" for time in times[::every]])
    ax.set_yticks(np.arange(table.sizes["n_frames"]), [str(n) for n in table["n_frames"].to_numpy()])
    colour_bar(figure, drawn, ax, "time of all repeats (s)")
    return figure
