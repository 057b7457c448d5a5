"""Time-averaged scattering, and how it changes with time."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import (
    COLUMN,
    INK,
    MASKED,
    axes_for,
    colour_bar,
    colour_of,
    dress,
    log_scale,
    node,
    pretty,
    q_colours,
)

__all__ = ["plot_saxs_1d", "plot_saxs_2d", "plot_stability"]

type Floats = NDArray[np.float64]

#: Largest number of points of a stability curve: single static bins of a weak scatterer are mostly noise.
GROUPS = 40

Q = "q (Å⁻¹)"


def plot_saxs_2d(
    data: xr.Dataset | xr.DataTree,
    *,
    borders: bool = False,
    percentiles: tuple[float, float] = (1.0, 99.9),
    ax: Axes | None = None,
) -> Figure:
    """Draw the mean frame on a logarithmic scale; masked pixels are grey.

    Parameters
    ----------
    data
        Result, one of its nodes, or the SAXS dataset. The mask is known only with the result or a node of it.
    borders
        Whether to draw the borders of the dynamic bins.
    percentiles
        Percentiles of the positive, used pixels at which the colours end.
    ax
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If there is no 2D scattering, or borders are asked for and there is no partition.
    """
    image = node(data, "saxs", ["scattering_2d"])["scattering_2d"]
    # More digits than colours need would take twice as long.
    counts = np.array(image.transpose("y", "x").to_numpy(), dtype=np.float32)
    partition = _qmap(data)
    if partition is not None and "mask" in partition:
        counts[~partition["mask"].transpose("y", "x").to_numpy().astype(bool)] = np.nan
    if borders and (partition is None or "dynamic_roi_map" not in partition):
        raise OptionError("there is no partition to draw", where="borders", expected="a result with its qmap node")
    positive = counts[counts > 0]
    low, high = (float(v) for v in np.percentile(positive, percentiles)) if len(positive) else (0.1, 1.0)
    figure, ax = axes_for(ax, (4.6, 3.6))
    drawn = ax.imshow(
        # A pixel without a photon is dark, not missing.
        np.where(counts <= 0, low, counts),
        norm=LogNorm(low, max(high, low * 1.01)),
        cmap=mpl.colormaps["viridis"].with_extremes(bad=MASKED),
    )
    if borders and partition is not None:
        ax.add_collection(_borders(partition["dynamic_roi_map"].transpose("y", "x").to_numpy()))
    dress(ax, "column (pixel)", "row (pixel)")
    ax.tick_params(which="both", direction="out", top=False, right=False)
    colour_bar(figure, drawn, ax, _intensity_label(image))
    return figure


def _qmap(data: xr.Dataset | xr.DataTree) -> xr.Dataset | None:
    if isinstance(data, xr.DataTree) and "qmap" in data.root.children:
        return data.root["qmap"].to_dataset()
    return None


def _borders(labels: NDArray[np.integer]) -> LineCollection:
    """Return the pixel edges between two bins; those towards unused pixels are plain to see without."""
    left, right, upper, lower = labels[:, :-1], labels[:, 1:], labels[:-1], labels[1:]
    y, x = np.nonzero((left != right) & (left > 0) & (right > 0))
    upright = np.stack([np.column_stack([x + 0.5, y - 0.5]), np.column_stack([x + 0.5, y + 0.5])], axis=1)
    y, x = np.nonzero((upper != lower) & (upper > 0) & (lower > 0))
    level = np.stack([np.column_stack([x - 0.5, y + 0.5]), np.column_stack([x + 0.5, y + 0.5])], axis=1)
    return LineCollection(list(np.concatenate([upright, level])), colors="white", linewidths=0.4, alpha=0.8)


def plot_saxs_1d(data: xr.Dataset | xr.DataTree, *, segments: bool = False, ax: Axes | None = None) -> Figure:
    """Draw the scattering against q, both logarithmic: a line for each phi of the partition.

    Parameters
    ----------
    data
        Result, its SAXS node, or the dataset.
    segments
        Whether to draw the time segments instead of the mean, coloured from early to late.
    ax
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If there is no 1D scattering in `data`.
    """
    wanted = "scattering_1d_segments" if segments else "scattering_1d"
    dataset = node(data, "saxs", [wanted, "q"])
    figure, ax = axes_for(ax, (COLUMN, 2.8))
    sectors = _sectors(dataset)
    values = np.atleast_2d(dataset[wanted].transpose(..., "static_bin").to_numpy().astype(float))
    mean = not segments
    colours = q_colours(np.arange(1.0, 1 + (len(sectors) if mean else len(values))))
    for number, (name, members) in enumerate(sectors):
        q = dataset["q"].to_numpy()[members]
        for segment, row in enumerate(values):
            intensity = np.where(row[members] > 0, row[members], np.nan)
            colour = colour_of(colours, 1 + (number if mean else segment))
            ax.plot(q, intensity, "-", lw=1.0 if mean else 0.7, color=colour, label=name if mean else "_segment")
    log_scale(ax, "xy")
    dress(ax, Q, _intensity_label(dataset[wanted]))
    if mean and 1 < len(sectors) <= 8:
        ax.legend(fontsize=7, frameon=False)
    elif not mean:
        colour_bar(figure, colours, ax, "time segment", counts=True)
    return figure


def _sectors(dataset: xr.Dataset) -> list[tuple[str, NDArray[np.int64]]]:
    """Return the static bins of each phi in rising order of q, with the name of the sector."""
    q = dataset.variables["q"].to_numpy().astype(float)
    phi = dataset.variables["phi"].to_numpy().astype(float) if "phi" in dataset.coords else np.zeros_like(q)
    rising = np.argsort(q, kind="stable")
    rising = rising[np.isfinite(q[rising]) & (q[rising] > 0)]
    known = np.unique(phi[rising][np.isfinite(phi[rising])])
    if len(known) < 2:
        return [("_all", rising)]
    return [(f"φ = {angle:.3g}°", rising[phi[rising] == angle]) for angle in known]


def plot_stability(data: xr.Dataset | xr.DataTree, *, ax: Axes | None = None) -> Figure:
    """Draw the scattering of each time segment over their mean: a stable sample gives 1 at every q.

    Static bins of the same q (different phi) are averaged, and neighbouring q where there are many. A change of all q
    together is the beam; a change that depends on q is the sample (damage, settling, heating).

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
        If there are no segments in `data`.
    """
    dataset = node(data, "saxs", ["scattering_1d_segments", "q"])
    values = dataset["scattering_1d_segments"].transpose("segment", "static_bin").to_numpy().astype(float)
    q = dataset["q"].to_numpy().astype(float)
    levels = np.unique(q[q > 0])
    groups = np.array_split(levels, max(min(len(levels), GROUPS), 1))
    figure, ax = axes_for(ax, (COLUMN, 2.8))
    colours = q_colours(np.arange(1.0, 1 + len(values)))
    ratio = np.array([_ratio(values[:, np.isin(q, group)]) for group in groups]).reshape(len(groups), len(values))
    middle = [float(np.exp(np.log(group).mean())) for group in groups]
    for segment in range(len(values)):
        ax.plot(middle, ratio[:, segment], "-", lw=0.9, color=colour_of(colours, 1 + segment))
    ax.axhline(1.0, color=INK, lw=0.6, ls="--", zorder=0)
    log_scale(ax, "x")
    ax.ticklabel_format(axis="y", useOffset=False)
    dress(ax, Q, "segment / mean of segments")
    colour_bar(figure, colours, ax, "time segment", counts=True)
    return figure


def _ratio(values: Floats) -> Floats:
    """Return the sum over bins (K, S) of each segment over the mean of these sums; NaN where nothing scattered."""
    total = values[:, np.isfinite(values).all(axis=0)].sum(axis=1)
    mean = total.mean()
    return total / mean if mean > 0 else np.full(len(values), np.nan)


def _intensity_label(values: xr.DataArray) -> str:
    unit = pretty(str(values.attrs.get("units", "")))
    return f"intensity ({unit})" if unit else "intensity"
