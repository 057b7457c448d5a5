"""Two-time maps."""

from __future__ import annotations

from typing import Literal

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from xpcs_nb.analysis import MIN_PAIRS, twotime_overview
from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import MASKED, ResultFigure, colour_bar, colour_of, dress, log_scale, node, q_colours

__all__ = ["colour_limits", "plot_twotime"]

type Floats = NDArray[np.floating]

#: Finer maps than this are averaged before drawing: a figure has no more pixels.
DRAWN = 900


def plot_twotime(
    data: xr.Dataset | xr.DataTree,
    bin: int | None = None,
    *,
    axes: Literal["times", "age-lag"] = "times",
    with_g2: bool = True,
    percentiles: tuple[float, float] = (1.0, 99.0),
    fig: Figure | None = None,
) -> Figure:
    """Draw the two-time correlation of one bin, and g2 averaged along its diagonals.

    Colours span the given percentiles of the map without its diagonal, which holds shot noise; the diagonal itself
    is left blank. Maps of more than 900 frames are averaged in square blocks before drawing.

    Parameters
    ----------
    data
        Result, its two-time node, or the dataset.
    bin
        Value of the coordinate ``bin``; the first where None.
    axes
        ``times``: t1 and t2. ``age-lag``: age (t1 + t2) / 2 and lag t2 - t1.
    with_g2
        Whether to draw g2 beside it, with its time segments where the result has them.
    percentiles
        Percentiles of the off-diagonal values at which the colours end.
    fig
        Empty figure to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If there is no two-time map in `data`, or not of this bin.
    """
    dataset = node(data, "twotime", ["c2"])
    labels = [int(label) for label in dataset["bin"].to_numpy()]
    label = labels[0] if bin is None and labels else bin
    if label not in labels:
        raise OptionError("there is no two-time map of this bin", where="bin", got=label, expected=f"one of {labels}")
    if axes not in ("times", "age-lag"):
        raise OptionError("no such axes", where="axes", got=repr(axes), expected="'times' or 'age-lag'")
    one = dataset.sel(bin=label)
    with_g2 = with_g2 and "g2" in one
    if fig is None:
        fig = ResultFigure(figsize=(7.2 if with_g2 else 4.2, 3.3), layout="constrained")
    panels = fig.subplots(1, 2, width_ratios=(1, 1.05)) if with_g2 else [fig.subplots()]
    _draw_map(fig, panels[0], one["c2"], axes, percentiles)
    title = f"bin {label}"
    if "q" in one.coords and np.isfinite(float(one["q"])):
        title += f", q = {float(one['q']):#.3g} Å⁻¹"
    panels[0].set_title(title, fontsize=9)
    if with_g2:
        _draw_g2(panels[1], one)
    return fig


def colour_limits(c2: Floats, percentiles: tuple[float, float] = (1.0, 99.0)) -> tuple[float, float]:
    """Return the range of colours for a two-time map: percentiles of what is off its diagonal.

    Parameters
    ----------
    c2
        Shape (N, N); the upper triangle is enough.
    percentiles
        Lower and upper.

    Returns
    -------
    tuple of float
        Lower and upper end; 0 and 1 around a constant are kept apart.
    """
    values = c2[~np.tri(len(c2), dtype=bool)]
    values = values[np.isfinite(values)]
    low, high = np.percentile(values, percentiles) if len(values) else (0.0, 1.0)
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)


def _draw_map(
    fig: Figure,
    ax: Axes,
    c2: xr.DataArray,
    axes: Literal["times", "age-lag"],
    percentiles: tuple[float, float],
) -> None:
    time = c2["t1"].to_numpy().astype(float)
    step = float(time[1] - time[0]) if len(time) > 1 else 1.0
    overview = twotime_overview(c2, DRAWN)
    small, factor = overview.c2, overview.factor
    low, high = colour_limits(small, percentiles)
    end = time[0] + (len(small) * factor - 0.5) * step
    extent = (time[0] - step / 2, end, time[0] - step / 2, end)
    if axes == "age-lag":
        small, extent = _turned(small), (extent[0], end, 0.0, len(small) * factor * step)
    image = ax.imshow(
        small,
        origin="lower",
        extent=extent,
        cmap=mpl.colormaps["viridis"].with_extremes(bad="white" if axes == "age-lag" else MASKED),
        vmin=low,
        vmax=high,
        aspect="auto" if axes == "age-lag" else "equal",
        interpolation="nearest",
    )
    colour_bar(fig, image, ax, "$C_2$")
    dress(ax, *(("age (s)", "lag (s)") if axes == "age-lag" else ("$t_1$ (s)", "$t_2$ (s)")))


def _turned(c2: Floats) -> Floats:
    """Return the map as (lag, age), both in the steps of the map; NaN outside the measurement."""
    lag, age = np.indices(c2.shape)
    first = age - (lag + 1) // 2
    second = first + lag
    inside = (first >= 0) & (second < len(c2))
    return np.where(inside, c2[np.where(inside, first, 0), np.where(inside, second, 0)], np.nan)


def _draw_g2(ax: Axes, one: xr.Dataset) -> None:
    g2 = one["g2"]
    (delay,) = g2.dims
    pairs = np.arange(g2.size, 0, -1)
    keep = (g2[delay].to_numpy() > 0) & (pairs >= MIN_PAIRS)
    segments = one["g2_segments"] if "g2_segments" in one else None
    if segments is not None and "segment" in segments.dims:
        count = segments.sizes["segment"]
        colours = q_colours(np.arange(count, dtype=float))
        (axis,) = (dim for dim in segments.dims if dim != "segment")
        lag = segments[axis].to_numpy()
        for index in range(count):
            ax.plot(
                lag[lag > 0],
                segments.isel(segment=index).to_numpy()[lag > 0],
                "-",
                lw=0.7,
                color=colour_of(colours, index),
                label=f"part {index + 1} of {count}",
            )
    ax.plot(g2[delay].to_numpy()[keep], g2.to_numpy()[keep], "-", lw=1.4, color="black", label="whole series")
    ax.ticklabel_format(axis="y", useOffset=False)
    log_scale(ax, "x")
    dress(ax, r"lag $\tau$ (s)", "$g_2$ along diagonals")
    ax.legend(fontsize=7, frameon=False)
