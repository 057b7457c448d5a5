"""Relaxation rate against q."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xpcs_nb.analysis import Dispersion
from xpcs_nb.plots._figures import COLUMN, GREY, axes_for, dress, log_scale, node, q_colours, value_with_error

__all__ = ["plot_dispersion"]


def plot_dispersion(
    fit: xr.Dataset, dispersion: Dispersion | None = None, *, rate: str = "rate", ax: Axes | None = None
) -> Figure:
    """Draw the rates of a fit against q, with the power law and the bins that it leaves out.

    Parameters
    ----------
    fit
        What `xpcs_nb.analysis.fit_g2` returned.
    dispersion
        What `xpcs_nb.analysis.fit_dispersion` made of it.
    rate
        ``rate`` or ``rate_slow``.
    ax
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure
    """
    fit = node(fit, "fit", [rate, f"{rate}_err", "q", "success"])
    figure, ax = axes_for(ax, (COLUMN, 2.9))
    q, value, err = (fit[name].to_numpy().astype(float) for name in ("q", rate, f"{rate}_err"))
    good = fit["success"].to_numpy() & (q > 0) & (value > 0)
    used = good if dispersion is None else good & np.isin(fit["bin"].to_numpy(), dispersion.used)
    for chosen, style in (
        (used, {"color": q_colours(q).cmap(0.35), "label": "fitted bins", "mew": 0}),
        (good & ~used, {"color": GREY, "mfc": "none", "label": "left out"}),
    ):
        if chosen.any():
            # A bar that reaches 0 has no end on a logarithmic axis.
            below = np.minimum(err, 0.999 * value)
            ax.errorbar(
                q[chosen], value[chosen], (below[chosen], err[chosen]), fmt="o", ms=3.5, elinewidth=0.8, **style
            )
    if dispersion is not None:
        line = np.geomspace(q[good].min(), q[good].max(), 100)
        ax.plot(line, dispersion.rate(line), "-", color="#c1272d", lw=1.0, label=_legend(dispersion))
    log_scale(ax, "xy")
    dress(ax, "q (Å⁻¹)", "rate Γ (s⁻¹)")
    if used.any():
        ax.legend(fontsize=7, frameon=False, loc="upper left")
    return figure


def _legend(dispersion: Dispersion) -> str:
    if dispersion.exponent_err > 0:
        return rf"$\Gamma \propto q^n$, n = {value_with_error(dispersion.exponent, dispersion.exponent_err)}"
    size = value_with_error(dispersion.D, dispersion.D_err)
    return rf"$\Gamma = D q^{{{dispersion.exponent:g}}}$, D = {size} Å$^{{{dispersion.exponent:g}}}$/s"
