"""The absolute scale of SAXS, by a standard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from xpcs_nb.analysis._saxs_curve import axis_of, interpolated, scale_between, scaled
from xpcs_nb.analysis._saxs_standard import standard_of
from xpcs_nb.errors import FitError, OptionError

__all__ = ["ScaleFactor", "absolute_scale", "to_absolute"]


@dataclass(frozen=True, kw_only=True)
class ScaleFactor:
    """The factor that makes a curve absolute.

    Attributes
    ----------
    value, error
        (1/cm) over the units of the measured curve, with its standard error: statistical and that of the standard.
    chi2, dof
        Of the standard and the scaled curve, within their own errors.
    units
        Units of the measured curve.
    normalized_by
        What it was divided by.
    standard
        Name of the standard.
    """

    value: float
    error: float
    chi2: float
    dof: int
    units: str
    normalized_by: frozenset[str]
    standard: str

    def __str__(self) -> str:
        fit = f"chi2 {self.chi2:.4g} / {self.dof}"
        return f"{self.value:.6g} ± {self.error:.2g} (1/cm)/({self.units}), {self.standard}, {fit}"


def absolute_scale(
    curve: xr.Dataset,
    standard: str | xr.Dataset | tuple[ArrayLike, ...] = "SRM3600",
    *,
    q_range: tuple[float, float] | None = None,
) -> ScaleFactor:
    r"""Find the factor k that puts the measured curve of a standard on its known scale.

    Weighted least squares of :math:`S(q) - k I(q)` with the variance :math:`\sigma_S^2 + k^2 \sigma_I^2` at the q of
    the curve where both are known. The error of k holds the errors of the points, and those that all points share:
    that of the curve (``scale_err``) and that of the standard. Zhang et al. 2010, doi 10.1007/s11661-009-9950-x.

    Parameters
    ----------
    curve
        I(q) of the standard, background taken away, normalised as the samples will be.
    standard
        ``SRM3600``, glassy carbon of NIST (its certificate, Table 1; a common error of 2.58 %); or a table of one's
        own: a dataset with ``intensity`` and ``intensity_err`` (1/cm) by ``q``, or arrays q (1/angstrom), intensity
        (1/cm) and, if known, its error.
    q_range
        Least and largest q to use, 1/angstrom.

    Raises
    ------
    OptionError
        If curve or standard can't be used.
    FitError
        If fewer than 2 points have q in common, or k is not positive.
    """
    if axis_of(curve) != "q":
        raise OptionError("a standard is compared over q", got="a curve by phi")
    table = standard_of(standard)
    low, high = q_range or (0.0, np.inf)
    q, intensity, sigma = (curve[name].to_numpy().astype(np.float64) for name in ("q", "intensity", "intensity_err"))
    good = np.isfinite(intensity) & (sigma > 0) & (q >= max(low, table.q[0])) & (q <= min(high, table.q[-1]))
    if good.sum() < 2:
        raise FitError(
            "curve and standard have too few q in common",
            got=f"{good.sum()} points",
            expected=f"2 or more in {max(low, table.q[0]):.4g}..{min(high, table.q[-1]):.4g} 1/angstrom",
        )
    known, known_sigma = interpolated(table.q, table.intensity, table.error, q[good])
    value, own, chi2 = scale_between(intensity[good], sigma[good], known, known_sigma)
    common = np.hypot(float(curve["scale_err"]), table.scale_err)
    return ScaleFactor(
        value=value,
        error=float(np.hypot(own, value * common)),
        chi2=chi2,
        dof=int(good.sum()) - 1,
        units=str(curve["intensity"].attrs["units"]),
        normalized_by=frozenset(curve.attrs.get("normalized_by", ())),
        standard=table.name,
    )


def to_absolute(curve: xr.Dataset, scale: ScaleFactor) -> xr.Dataset:
    """Put a curve on the absolute scale, 1/cm.

    Raises
    ------
    OptionError
        If it is in other units, or normalised by something else, than the standard was.
    """
    axis_of(curve)
    units, by = str(curve["intensity"].attrs["units"]), frozenset(curve.attrs.get("normalized_by", ()))
    if units != scale.units or by != scale.normalized_by:
        raise OptionError(
            "the curve is not normalised as the standard was",
            got=f"{units}, by {', '.join(sorted(by)) or 'nothing'}",
            expected=f"{scale.units}, by {', '.join(sorted(scale.normalized_by)) or 'nothing'}",
        )
    return scaled(curve, scale.value, scale.error / scale.value, "1/cm", f"times {scale}")
