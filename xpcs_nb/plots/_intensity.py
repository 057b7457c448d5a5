"""Intensity against time."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from xpcs_nb.plots._figures import PAGE, axes_for, dress, node, pretty, q_colours

__all__ = ["plot_intensity"]

#: Longer series are drawn as the mean and the range of blocks of frames: a figure has no more columns.
DRAWN = 1500


def plot_intensity(data: xr.Dataset | xr.DataTree, *, ax: Axes | None = None) -> Figure:
    """Draw the mean of each frame against time, with its relative scatter.

    A long series is drawn as the mean of blocks of frames, over a band from the least to the largest frame of each.

    Parameters
    ----------
    data
        Result, its SAXS node, or the dataset.
    ax
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If there is no intensity in `data`.
    """
    intensity = node(data, "saxs", ["intensity"])["intensity"]
    values = intensity.to_numpy().astype(float)
    time = intensity["time"].to_numpy().astype(float)
    figure, ax = axes_for(ax, (PAGE * 0.7, 2.4))
    colour = q_colours(values).cmap(0.35)
    block = -(-len(values) // DRAWN)
    if block > 1:
        whole = len(values) // block * block
        time = time[:whole].reshape(-1, block).mean(axis=1)
        blocks = values[:whole].reshape(-1, block)
        ax.fill_between(time, blocks.min(axis=1), blocks.max(axis=1), color=colour, alpha=0.25, lw=0)
        ax.plot(time, blocks.mean(axis=1), "-", lw=0.8, color=colour)
    else:
        ax.plot(time, values, "-", lw=0.8, color=colour)
    unit = pretty(str(intensity.attrs.get("units", "")))
    dress(ax, "time (s)", f"mean intensity\n({unit})" if unit else "mean intensity")
    ax.margins(x=0)
    ax.set_title(_summary(values, block), fontsize=8)
    return figure


def _summary(values: NDArray[np.float64], block: int) -> str:
    values = values[np.isfinite(values)]
    if not len(values) or not values.mean() > 0:
        return "no intensity"
    text = f"mean {values.mean():.4g}, frame-to-frame scatter {100 * values.std() / values.mean():.3g} %"
    return text if block == 1 else f"{text}; line: mean of {block} frames, band: least to largest"
