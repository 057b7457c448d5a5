"""Relaxation rate, time and diffusion coefficient against q."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xpcs_nb.analysis import DiffusionLimit, Dispersion
from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import COLUMN, GREY, axes_for, dress, log_scale, node, q_colours, value_with_error

__all__ = ["plot_diffusion", "plot_dispersion"]

FIT_COLOUR = "#c1272d"


def plot_dispersion(
    fit: xr.Dataset,
    dispersion: Dispersion | None = None,
    *,
    rate: str = "rate",
    show: Literal["rate", "tau"] = "rate",
    ax: Axes | None = None,
) -> Figure:
    """Draw the rates of a fit, or the relaxation times, against q, with the power law and the bins that it leaves out.

    Parameters
    ----------
    fit
        What `xpcs_nb.analysis.fit_g2` or `fit_global` returned.
    dispersion
        What `xpcs_nb.analysis.fit_dispersion` (or `global_dispersion`) made of it.
    rate
        ``rate`` or ``rate_slow``.
    show
        ``rate``, or ``tau``: the time 1/rate.
    ax
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If `fit` has no such rate, or `show` is something else.
    """
    if show not in {"rate", "tau"}:
        raise OptionError("no such quantity", where="show", got=repr(show), expected="'rate' or 'tau'")
    fit = node(fit, "fit", [rate, f"{rate}_err", "q", "success"])
    figure, ax = axes_for(ax, (COLUMN, 2.9))
    q, value, err = (fit[name].to_numpy().astype(float) for name in ("q", rate, f"{rate}_err"))
    good = fit["success"].to_numpy() & (q > 0) & (value > 0)
    used = good if dispersion is None else good & np.isin(fit["bin"].to_numpy(), dispersion.used)
    if show == "tau":
        value, err = 1 / value, err / value**2
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
        law = dispersion.rate(line) if show == "rate" else 1 / dispersion.rate(line)
        ax.plot(line, law, "-", color=FIT_COLOUR, lw=1.0, label=_legend(dispersion))
    log_scale(ax, "xy")
    dress(ax, "q (Å⁻¹)", "rate Γ (s⁻¹)" if show == "rate" else "time τ = 1/Γ (s)")
    if used.any():
        ax.legend(fontsize=7, frameon=False, loc="upper left" if show == "rate" else "upper right")
    return figure


def plot_diffusion(limit: DiffusionLimit, *, ax: Axes | None = None) -> Figure:
    r"""Draw the apparent diffusion coefficient :math:`\Gamma / q^2` against :math:`q^2`, with its limit at q = 0.

    Thick bars are the errors of the rates, thin ones those with the scatter between bins.

    Parameters
    ----------
    limit
        What `xpcs_nb.analysis.extrapolate_diffusion` returned.
    ax
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, ax = axes_for(ax, (COLUMN, 2.9))
    square = limit.q**2
    wide = np.hypot(limit.apparent_err, limit.scatter * limit.apparent)
    colour = q_colours(limit.q).cmap(0.35)
    ax.errorbar(square, limit.apparent, wide, fmt="none", elinewidth=0.6, color=colour)
    ax.errorbar(square, limit.apparent, limit.apparent_err, fmt="o", ms=3.5, elinewidth=1.6, color=colour)
    line = np.array([0.0, 1.03 * square.max()])
    text = f"$D_0$ = {value_with_error(limit.D, limit.D_err)} Å²/s"
    ax.plot(line, limit.D + limit.slope * line, "-", color=FIT_COLOUR, lw=1.0, label=text)
    ax.errorbar([0], [limit.D], [limit.D_err], fmt="s", ms=4, color=FIT_COLOUR, capsize=2)
    ax.ticklabel_format(axis="both", style="sci", scilimits=(-2, 3), useMathText=True)
    dress(ax, "q² (Å⁻²)", "D(q) = Γ/q² (Å²/s)")
    ax.legend(fontsize=7, frameon=False)
    return figure


def _legend(dispersion: Dispersion) -> str:
    if dispersion.exponent_err > 0:
        return rf"$\Gamma \propto q^n$, n = {value_with_error(dispersion.exponent, dispersion.exponent_err)}"
    size = value_with_error(dispersion.D, dispersion.D_err)
    return rf"$\Gamma = D q^{{{dispersion.exponent:g}}}$, D = {size} Å$^{{{dispersion.exponent:g}}}$/s"
