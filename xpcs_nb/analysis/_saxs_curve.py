"""Curves of SAXS: what they are, how they are compared, scaled and subtracted."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.errors import FitError, OptionError

__all__ = ["axis_of", "interpolated", "require_alike", "scale_between", "scaled", "subtract_background"]

type Floats = NDArray[np.float64]
#: A number, or a number with its standard error.
type Measured = float | tuple[float, float]


def scaled(curve: xr.Dataset, factor: float, relative_error: float, units: str, step: str) -> xr.Dataset:
    """Return a curve times a factor whose relative error all points share."""
    curve = curve.copy()
    for name in ("intensity", "intensity_err", "intensity_err_pixels"):
        if name in curve:
            curve[name] = (curve[name] * factor).assign_attrs(curve[name].attrs | {"units": units})
    common = float(np.hypot(float(curve["scale_err"]), relative_error))
    curve["scale_err"] = ((), common, curve["scale_err"].attrs)
    curve.attrs["steps"] = (*curve.attrs.get("steps", ()), step)
    return curve


def subtract_background(curve: xr.Dataset, background: xr.Dataset, weight: Measured = 1.0) -> xr.Dataset:
    r"""Take a background away: :math:`I - w B`, with :math:`\sigma^2 = \sigma_I^2 + w^2\sigma_B^2 + (\sigma_w B)^2`.

    Where the two curves have errors common to all points (``scale_err``), :math:`(w B)^2` times the sum of their
    squares is added to :math:`\sigma^2`, and the common error of `curve` stays. A background in other bins is
    interpolated (on logarithmic axes between positive points).

    Parameters
    ----------
    curve, background
        Curves in the same units, normalised by the same quantities.
    weight
        Number, or (value, standard error).

    Raises
    ------
    OptionError
        If units or normalisation differ, the weight can't be used, or the background does not reach as far as the
        curve.
    """
    number, error = weight if isinstance(weight, tuple) else (weight, 0.0)
    if not (np.isfinite(number) and number >= 0 and 0 <= error < np.inf):
        raise OptionError("weight can't be used", got=weight, expected="0 or more, or (value, error)")
    axis = require_alike(curve, background, "the background")
    value, sigma = _in_bins_of(curve, background, axis)
    common = float(curve["scale_err"]) ** 2 + float(background["scale_err"]) ** 2
    result = curve.copy()
    mine, error_mine = (curve[name].to_numpy() for name in ("intensity", "intensity_err"))
    own = error_mine**2 + (number * sigma) ** 2 + (error * value) ** 2 + common * (number * value) ** 2
    about = curve["intensity_err"].attrs | {"long_name": "error of the mean scattering"}
    result["intensity"] = (axis, mine - number * value, curve["intensity"].attrs)
    result["intensity_err"] = (axis, np.sqrt(own), about)
    result = result.drop_vars("intensity_err_pixels", errors="ignore")
    step = f"background times {number:g}{f' ± {error:g}' if error else ''} taken away"
    result.attrs["steps"] = (*curve.attrs.get("steps", ()), step)
    return result


def require_alike(curve: xr.Dataset, other: xr.Dataset, what: str) -> str:
    """Return the axis of two curves in the same units.

    Raises
    ------
    OptionError
        If they differ in axis, units or normalisation.
    """
    axis = axis_of(curve)
    for name, mine, theirs in (
        ("axis", axis, axis_of(other)),
        ("units", curve["intensity"].attrs.get("units"), other["intensity"].attrs.get("units")),
        ("normalisation", set(curve.attrs.get("normalized_by", ())), set(other.attrs.get("normalized_by", ()))),
    ):
        if mine != theirs:
            raise OptionError(
                f"{what} has another {name} than the curve", got=theirs or "none", expected=mine or "none"
            )
    return axis


def axis_of(curve: xr.Dataset) -> str:
    """Return ``q`` or ``phi``.

    Raises
    ------
    OptionError
        If this is no curve of SAXS.
    """
    for axis in ("q", "phi"):
        if {"intensity", "intensity_err", "scale_err"} <= set(curve) and curve["intensity"].dims == (axis,):
            return axis
    raise OptionError(
        "this is no curve of SAXS", got=", ".join(map(str, curve)), expected="what integrate_wedge returns"
    )


def _in_bins_of(curve: xr.Dataset, other: xr.Dataset, axis: str) -> tuple[Floats, Floats]:
    """Return intensity and error of another curve in the bins of `curve`; NaN where `curve` has none.

    Raises
    ------
    OptionError
        If the other does not reach as far.
    """
    y, sigma = (other[name].to_numpy().astype(np.float64) for name in ("intensity", "intensity_err"))
    # with other masks, the mean q of the same bin differs a little
    for place in (f"{axis}_low", axis):
        if place in curve.coords and place in other.coords and np.array_equal(curve[place], other[place]):
            return y, sigma
    there, known = np.isfinite(curve["intensity"].to_numpy()), np.isfinite(y) & np.isfinite(sigma)
    value, error = np.full(len(there), np.nan), np.full(len(there), np.nan)
    where = curve[axis].to_numpy()[there]
    value[there], error[there] = interpolated(other[axis].to_numpy()[known], y[known], sigma[known], where, axis)
    return value, error


def interpolated(x: Floats, y: Floats, sigma: Floats, where: Floats, axis: str = "q") -> tuple[Floats, Floats]:
    """Interpolate between neighbouring points: a power law where both are positive, a straight line elsewhere."""
    if len(x) < 2 or where.min() < x[0] or where.max() > x[-1]:
        raise OptionError(
            f"the other curve does not reach as far in {axis}",
            got=f"{x.min(initial=np.inf):.5g}..{x.max(initial=-np.inf):.5g}",
            expected=f"{where.min():.5g}..{where.max():.5g}",
        )
    left = np.clip(np.searchsorted(x, where, side="right") - 1, 0, len(x) - 2)
    share = (where - x[left]) / (x[left + 1] - x[left])
    low, high = y[left], y[left + 1]
    value = (1 - share) * low + share * high
    error = np.hypot((1 - share) * sigma[left], share * sigma[left + 1])
    power = (low > 0) & (high > 0) & (x[left] > 0)
    if power.any():
        part = np.log(where[power] / x[left][power]) / np.log(x[left + 1][power] / x[left][power])
        value[power] = low[power] ** (1 - part) * high[power] ** part
        relative = np.hypot((1 - part) * sigma[left][power] / low[power], part * sigma[left + 1][power] / high[power])
        error[power] = value[power] * relative
    return value, error


def scale_between(measured: Floats, sigma: Floats, known: Floats, known_sigma: Floats) -> tuple[float, float, float]:
    """Return the factor from measured to known values, its error, and chi2.

    Raises
    ------
    FitError
        If the factor is not positive.
    """
    scale = float(known.sum() / measured.sum()) if measured.sum() else np.nan
    weight = np.zeros_like(measured)
    for _ in range(50):
        weight = 1 / (known_sigma**2 + (scale * sigma) ** 2)
        before, scale = scale, float((weight * measured * known).sum() / (weight * measured**2).sum())
        if not scale > 0:
            raise FitError("the two curves have no positive factor between them", got=scale)
        if abs(scale - before) <= 1e-12 * scale:
            break
    chi2 = float((weight * (known - scale * measured) ** 2).sum())
    return scale, float((weight * measured**2).sum() ** -0.5), chi2
