"""What fits leave over."""

from __future__ import annotations

from collections.abc import Iterable

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from xpcs_nb.analysis import fitted_curve
from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import GREY, LABEL, MASKED, PAGE, TICK, ResultFigure, dress, log_scale, node

__all__ = ["plot_residuals"]

type Floats = NDArray[np.float64]

FIT_COLOUR = "#c1272d"
#: Bins up to which each has panels of its own.
FEW = 6
#: Residuals beyond this many errors have the same colour.
MOST = 4.0


def plot_residuals(
    data: xr.Dataset | xr.DataTree,
    fit: xr.Dataset,
    *,
    bins: Iterable[int] | None = None,
    use: str = "g2_err",
    fig: Figure | None = None,
) -> Figure:
    """Draw g2 minus fit in units of the error.

    Noise has no pattern: stripes along the delays are structure that the model lacks, a stripe along the bins at one
    delay is something that happened to all of them, and a chi2 per degree of freedom far below 1 means errors that
    are too large. Up to six bins have a panel each, with g2 above; more make a map of bin against delay, with
    chi2/dof beside it. Points that the fit left out are grey.

    Parameters
    ----------
    data
        Result, its multi-tau node, or the dataset.
    fit
        What `xpcs_nb.analysis.fit_g2` returned for it (or `fit_global`, of one repeat).
    bins
        Values of the coordinate ``bin``; all where None.
    use
        Error to divide by.
    fig
        Empty figure to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If there is no g2, error or fit of these bins.
    """
    dataset = node(data, "multitau", ["g2", "delay", use])
    labels = [int(label) for label in dataset["bin"].to_numpy()] if bins is None else list(bins)
    known = set(dataset["bin"].to_numpy().tolist()) & set(fit["bin"].to_numpy().tolist())
    lacking = [label for label in labels if label not in known]
    if lacking or not labels:
        raise OptionError("no such bins in data and fit", where="bins", got=lacking or "none", expected=sorted(known))
    dataset, fit = dataset.sel(bin=labels), fit.sel(bin=labels)
    if len(labels) <= FEW:
        return _panels(dataset, fit, use, fig)
    return _map(dataset, fit, use, fig)


def _residuals(dataset: xr.Dataset, fit: xr.Dataset, use: str) -> Floats:
    """Return (g2 - fit) / error, shape (delay, bin); NaN where there is no fit or no error."""
    g2, err, fitted = (
        one.transpose("delay", "bin").to_numpy().astype(float) for one in (dataset["g2"], dataset[use], fit["fitted"])
    )
    residuals: Floats = np.divide(g2 - fitted, err, out=np.full(g2.shape, np.nan), where=err > 0)
    return residuals


def _name(dataset: xr.Dataset, place: int) -> str:
    q = float(dataset["q"][place]) if "q" in dataset.coords else float("nan")
    return f"q = {q:#.3g} Å⁻¹" if np.isfinite(q) else f"bin {int(dataset['bin'][place])}"


def _panels(dataset: xr.Dataset, fit: xr.Dataset, use: str, fig: Figure | None) -> Figure:
    number = dataset.sizes["bin"]
    columns = number if number <= 3 else 2 if number == 4 else 3
    rows = -(-number // columns)
    figure = fig or ResultFigure(figsize=(2.5 * columns + 0.4, 2.7 * rows), layout="constrained")
    ratios = [3, 1] * rows
    axes = figure.subplots(2 * rows, columns, sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios})
    delay = dataset["delay"].to_numpy().astype(float)
    fine = np.geomspace(delay[delay > 0].min(), delay.max(), 300)
    curves = fitted_curve(fit, fine).transpose("delay", "bin").to_numpy()
    residuals = _residuals(dataset, fit, use)
    used = fit["used"].transpose("delay", "bin").to_numpy()
    for place in range(number):
        upper, lower = axes[2 * (place // columns), place % columns], axes[2 * (place // columns) + 1, place % columns]
        one = dataset.isel(bin=place)
        for points, style in ((used[:, place], {"color": "C0"}), (~used[:, place], {"color": GREY, "mfc": "none"})):
            points = points & (delay > 0)
            upper.errorbar(
                delay[points],
                one["g2"].to_numpy()[points],
                one[use].to_numpy()[points],
                fmt="o",
                ms=2.6,
                lw=0.6,
                **style,
            )
            lower.plot(delay[points], residuals[points, place], "o", ms=2.6, **style)
        upper.plot(fine, curves[:, place], "-", color=FIT_COLOUR, lw=1.0, zorder=3)
        lower.axhline(0, color=FIT_COLOUR, lw=0.8)
        lower.axhspan(-1, 1, color="0.93", zorder=0)
        span = np.nanmax(np.abs(residuals[used[:, place], place]), initial=2.0)
        lower.set_ylim(-1.15 * span, 1.15 * span)
        dress(upper, "", "$g_2$" if place % columns == 0 else "")
        last = place + columns >= number
        dress(lower, "delay τ (s)" if last else "", "residual/σ" if place % columns == 0 else "")
        log_scale(lower, "x")
        lower.tick_params(labelbottom=last)
        upper.set_title(f"{_name(dataset, place)}, {_verdict(fit.isel(bin=place))}", fontsize=TICK)
    for spare in range(number, rows * columns):
        for row in (0, 1):
            axes[2 * (spare // columns) + row, spare % columns].set_visible(False)
    return figure


def _verdict(one: xr.Dataset) -> str:
    if not bool(one["success"]):
        return "no fit: " + str(one["status"].item()).split(":")[0]
    return f"χ²/ν = {float(one['chi2'] / one['dof']):.2g}"


def _map(dataset: xr.Dataset, fit: xr.Dataset, use: str, fig: Figure | None) -> Figure:
    number = dataset.sizes["bin"]
    height = min(2.2 + 0.06 * number, 8.0)
    figure = fig or ResultFigure(figsize=(PAGE, height))
    # Placed by hand: the scale of colours would take its room from the map.
    margins = {"left": 0.09, "right": 0.97, "bottom": 0.5 / height, "top": 1 - 0.15 / height, "wspace": 0.08}
    bar_axes, left, right = figure.subplots(1, 3, gridspec_kw={"width_ratios": [0.12, 4, 1], **margins})
    at = left.get_position()
    left.set_position((at.x0 + 0.05, at.y0, at.width - 0.05, at.height))
    right.sharey(left)
    residuals = np.where(fit["used"].transpose("delay", "bin").to_numpy(), _residuals(dataset, fit, use), np.nan)
    delay = dataset["delay"].to_numpy().astype(float)
    positive = delay > 0
    colours = mpl.colormaps["RdBu_r"].with_extremes(bad=MASKED)
    left.set_facecolor(MASKED)
    places = np.arange(number)
    drawn = left.pcolormesh(
        delay[positive], places, residuals[positive].T, cmap=colours, vmin=-MOST, vmax=MOST, shading="nearest"
    )
    log_scale(left, "x")
    bar = figure.colorbar(drawn, cax=bar_axes, extend="both")
    bar.set_label("residual / σ", fontsize=LABEL)
    bar.ax.yaxis.set_ticks_position("left")
    bar.ax.yaxis.set_label_position("left")
    bar.ax.tick_params(labelsize=TICK)
    dress(left, "delay τ (s)", "bin")
    left.yaxis.set_major_locator(MaxNLocator(10, integer=True))
    labels = dataset["bin"].to_numpy()
    left.yaxis.set_major_formatter(lambda value, _: f"{labels[int(value)]}" if 0 <= value < number else "")
    ratio = np.where(fit["success"].to_numpy(), (fit["chi2"] / fit["dof"]).to_numpy(), np.nan)
    right.barh(places, ratio, height=0.8, color="C0")
    right.axvline(1, color=FIT_COLOUR, lw=0.8)
    dress(right, "χ²/ν", "")
    right.tick_params(labelleft=False)
    failed = places[~fit["success"].to_numpy()]
    right.plot(np.zeros(len(failed)), failed, "x", color=GREY, ms=4, clip_on=False, label="no fit")
    if len(failed):
        right.legend(fontsize=7, frameon=False, loc="upper right")
    return figure
