"""Speckle visibility: contrast against exposure, and how often each number of photons was counted."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import gammaln

from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import COLUMN, axes_for, colour_bar, colour_of, dress, log_scale, q_colours

__all__ = ["plot_photons", "plot_xsvs"]


def plot_xsvs(
    data: xr.Dataset, *, fit: xr.Dataset | None = None, bins: list[int] | None = None, ax: Axes | None = None
) -> Figure:
    """Draw the contrast of each bin against exposure, coloured by q.

    Parameters
    ----------
    data
        What `xpcs_nb.xsvs` returned.
    fit
        What `fit_visibility` returned, to draw its curves, with the contrasts that it was made of; a bin without a fit
        has none.
    bins
        Labels of the bins to draw; None takes all.
    ax
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If this is no speckle visibility, or there is no such bin.
    """
    _require(data)
    labels = data["bin"].to_numpy().tolist()
    figure, ax = axes_for(ax, (COLUMN, 2.8))
    q = data["q"].to_numpy().astype(float) if "q" in data.coords else np.arange(1.0, 1 + len(labels))
    colours = q_colours(q)
    exposure = data["exposure"].to_numpy().astype(float)
    use = "contrast" if fit is None else str(fit.attrs.get("use", "contrast"))
    for label in labels if bins is None else bins:
        place = _place(labels, label)
        colour = colour_of(colours, float(q[place]))
        value, error = (data[name].isel(bin=place).to_numpy() for name in (use, f"{use}_err"))
        ax.errorbar(exposure, value, yerr=error, fmt="o", ms=2.5, lw=0.7, color=colour, label=f"bin {label}")
        if fit is not None:
            ax.plot(exposure, fit["fitted"].isel(bin=place), "-", lw=0.8, color=colour)
    ax.axhline(0.0, color="0.6", lw=0.6, zorder=0)
    log_scale(ax, "x")
    dress(ax, "exposure (s)", "speckle contrast β")
    if len(labels) > 1 and "q" in data.coords:
        colour_bar(figure, colours, ax, "q (Å⁻¹)")
    return figure


def plot_photons(data: xr.Dataset, *, bin: int, exposure: float | None = None, ax: Axes | None = None) -> Figure:
    """Draw how often each number of photons was counted, with the negative binomial of the contrast, and Poisson.

    The curves are those of the mean over the whole bin, so an intensity gradient inside it shows.

    Parameters
    ----------
    data
        What `xpcs_nb.xsvs` returned.
    bin
        Label of the dynamic bin.
    exposure
        s, the nearest is drawn; None takes the shortest that has a contrast.
    ax
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If this is no speckle visibility, there is no such bin, or it has no contrast.
    """
    _require(data)
    one = data.isel(bin=_place(data["bin"].to_numpy().tolist(), bin))
    good = np.flatnonzero((one["status"] == "ok").to_numpy())
    if not len(good):
        raise OptionError("the bin has no contrast", got=str(one["status"][0].item()))
    times = one["exposure"].to_numpy()
    one = one.isel(exposure=int(good[0] if exposure is None else np.argmin(np.abs(times - exposure))))
    counted = one["histogram"].to_numpy().astype(float)
    samples = int(one["n_windows"]) * float(
        data["histogram"].isel(exposure=0).sel(bin=bin).sum() / data["n_windows"][0]
    )
    k, kbar, beta = np.arange(len(counted)), float(one["kbar"]), max(float(one["contrast"]), 1e-9)
    figure, ax = axes_for(ax, (COLUMN, 2.8))
    seen = counted > 0
    share, error = counted[seen] / samples, np.sqrt(counted[seen]) / samples
    ax.errorbar(k[seen], share, yerr=np.minimum(error, 0.99 * share), fmt="o", ms=3, lw=0.7, color="k", label="counted")
    upto = k[: int(np.flatnonzero(seen)[-1]) + 1]
    poisson = np.exp(upto * np.log(kbar) - kbar - gammaln(upto + 1))
    modes = 1 / beta
    binomial = np.exp(
        gammaln(upto + modes) - gammaln(modes) - gammaln(upto + 1)
        + upto * np.log(kbar / (kbar + modes)) - modes * np.log1p(kbar / modes)
    )  # fmt: skip
    ax.plot(upto, binomial, "-", lw=1.0, color="#d62728", label=f"β = {float(one['contrast']):.3g}")
    ax.plot(upto, poisson, "--", lw=0.8, color="0.5", label="Poisson")
    log_scale(ax, "y")
    ax.set_ylim(share.min() / 3, None)
    dress(ax, "photons a pixel", f"share, {float(one['exposure']):.3g} s, k̄ = {kbar:.3g}")
    ax.legend(fontsize=7, frameon=False)
    return figure


def _require(data: xr.Dataset) -> None:
    if not {"contrast", "contrast_err", "histogram", "status"} <= set(data):
        raise OptionError("this is no speckle visibility", got=", ".join(map(str, data)), expected="what xsvs returns")


def _place(labels: list[int], label: int) -> int:
    if label not in labels:
        raise OptionError("no such bin", got=label, expected=f"one of {', '.join(map(str, labels))}")
    return labels.index(label)
