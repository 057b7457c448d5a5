"""Models against each other."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from xpcs_nb.plots._figures import GREY, PAGE, ResultFigure, dress, node

__all__ = ["plot_models"]


def plot_models(comparison: xr.Dataset, *, fig: Figure | None = None) -> Figure:
    """Draw how well each model describes each bin: chi2 a degree of freedom above, Akaike weights below.

    The weights of a bin sum to 1: a bar of one colour is a clear answer. Bins that none describes have a cross.

    Parameters
    ----------
    comparison
        What `xpcs_nb.analysis.compare_models` returned.
    fig
        Empty figure to draw in.

    Returns
    -------
    matplotlib.figure.Figure
    """
    comparison = node(comparison, "comparison", ["weight", "chi2", "dof", "adequate"])
    number = comparison.sizes["bin"]
    figure = fig or ResultFigure(figsize=(PAGE, 4.2), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    places, bottom = np.arange(number), np.zeros(number)
    for index, name in enumerate(comparison["model"].to_numpy()):
        one = comparison.isel(model=index)
        colour = f"C{index}"
        ratio = (one["chi2"] / one["dof"]).to_numpy()
        upper.plot(places, ratio, "o-", ms=3, lw=0.6, color=colour, label=f"{name} ({int(one['success'].sum())} bins)")
        weight = np.nan_to_num(one["weight"].to_numpy())
        lower.bar(places, weight, bottom=bottom, width=0.9, color=colour)
        bottom += weight
    upper.axhline(1, color=GREY, lw=0.8, zorder=0)
    bad = places[~comparison["adequate"].to_numpy()]
    lower.plot(bad, np.full(len(bad), 1.05), "x", color="#c1272d", ms=4, clip_on=False, label="no model describes it")
    lower.set_ylim(0, 1.12)
    dress(upper, "", "χ²/ν")
    dress(lower, "bin", "Akaike weight")
    labels = comparison["bin"].to_numpy()
    step = max(1, number // 18)
    lower.set_xticks(places[::step], [str(label) for label in labels[::step]])
    upper.set_yscale("log")
    upper.legend(fontsize=7, frameon=False, ncols=3)
    if len(bad):
        lower.legend(fontsize=7, frameon=True, loc="lower right")
    return figure
