"""Curves of SAXS with their errors, and the part of the detector they come from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xpcs_nb.analysis import saxs_region
from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import COLUMN, axes_for, colour_of, dress, log_scale, pretty, q_colours
from xpcs_nb.plots._saxs import plot_saxs_2d

__all__ = ["plot_curves", "plot_regions"]

type Curves = xr.Dataset | Sequence[xr.Dataset] | dict[str, xr.Dataset]

COLOURS = ("#d62728", "#ff7f0e", "#e377c2", "#17becf", "#ffffff")
AXES = {"q": "q (Å⁻¹)", "phi": "φ (°)"}


def plot_regions(data: xr.DataTree, curves: Curves, *, ax: Axes | None = None) -> Figure:
    """Draw the mean frame with the outline of the wedge or ring of each curve.

    Parameters
    ----------
    data
        The whole result that the curves come from.
    curves
        What `integrate_wedge` and `integrate_ring` returned: one, several, or several by name.
    ax
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If a curve does not say its region (as merged ones), or the result has no 2D scattering.
    MissingKeyError
        If the result does not say its geometry.
    """
    figure, ax = axes_for(ax, (4.6, 3.6))
    plot_saxs_2d(data, ax=ax)
    for number, (name, curve) in enumerate(_named(curves).items()):
        if "q_range" not in curve.attrs or "phi_range" not in curve.attrs:
            raise OptionError("the curve does not say its region", got=name, expected="a curve of one result")
        attrs = curve.attrs
        region = saxs_region(
            data, q_range=attrs["q_range"], phi_range=attrs["phi_range"], opposite=bool(attrs["opposite"])
        ).to_numpy()
        colour = COLOURS[number % len(COLOURS)]
        # a frame of False around it, so that the outline closes at the edge of the detector
        padded = np.pad(region, 1).astype(float)
        down, right = (np.arange(-1, n + 1) for n in region.shape)
        ax.contour(right, down, padded, levels=[0.5], colors=[colour], linewidths=1.0)
        ax.plot([], [], "-", color=colour, label=name)
    rows, columns = data.root["saxs"]["scattering_2d"].transpose("y", "x").shape
    ax.set_xlim(-0.5, columns - 0.5)
    ax.set_ylim(rows - 0.5, -0.5)
    if len(_named(curves)) > 1:
        ax.legend(fontsize=7, frameon=True, facecolor="0.35", labelcolor="white", loc="best")
    return figure


def plot_curves(curves: Curves, *, power: float = 0.0, scale: str | None = None, ax: Axes | None = None) -> Figure:
    """Draw curves of SAXS with error bars.

    Parameters
    ----------
    curves
        One, several, or several by name; all by q or all by phi.
    power
        Draw intensity times q to this power (2 Kratky, 4 Porod).
    scale
        Axes that are logarithmic: ``xy``, ``x``, ``y`` or nothing. None: both for q, none for phi.
    ax
        Axes to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If there is no curve, or curves differ in axis or units.
    """
    named = _named(curves)
    if not named:
        raise OptionError("there is no curve to draw")
    kinds = {(str(one["intensity"].dims[0]), str(one["intensity"].attrs.get("units", ""))) for one in named.values()}
    if len(kinds) != 1:
        raise OptionError("the curves differ in axis or units", got="; ".join(f"{a}, {u}" for a, u in sorted(kinds)))
    axis, units = kinds.pop()
    if power and axis != "q":
        raise OptionError("power goes with q", got=f"curves by {axis}")
    figure, ax = axes_for(ax, (COLUMN, 2.8))
    colours = q_colours(np.arange(1.0, 1 + len(named)))
    scale = ("xy" if axis == "q" else "") if scale is None else scale
    for number, (name, curve) in enumerate(named.items()):
        x = curve[axis].to_numpy().astype(float)
        factor = x**power if power else 1.0
        y, error = (curve[part].to_numpy().astype(float) * factor for part in ("intensity", "intensity_err"))
        if "y" in scale:
            y = np.where(y > 0, y, np.nan)
            # a bar that reaches 0 has no lower end on a logarithmic axis
            lower = np.minimum(error, 0.99 * y)
        else:
            lower = error
        colour = colour_of(colours, 1 + number)
        ax.errorbar(x, y, yerr=(lower, error), fmt=".", ms=2.5, lw=0.7, color=colour, label=name)
    if scale:
        log_scale(ax, scale)
    label = "intensity" + (f" × q{'' if power == 1 else f'^{power:g}'}" if power else "")
    dress(ax, AXES[axis], f"{label} ({pretty(units)}{f' Å^-{power:g}' if power else ''})")
    if len(named) > 1:
        ax.legend(fontsize=7, frameon=False)
    return figure


def _named(curves: Curves) -> dict[str, xr.Dataset]:
    if isinstance(curves, xr.Dataset):
        return {str(curves.attrs.get("integrated", "curve")): curves}
    if isinstance(curves, dict):
        return curves
    return {f"{number} {curve.attrs.get('integrated', 'curve')}": curve for number, curve in enumerate(curves, start=1)}
