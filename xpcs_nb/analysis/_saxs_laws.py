"""Straight lines that curves of SAXS follow: Guinier, Porod, power law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.analysis._saxs_curve import axis_of
from xpcs_nb.errors import FitError, OptionError

__all__ = ["Law", "SaxsLaw", "fit_saxs_law"]

type Floats = NDArray[np.float64]

Law = Literal["guinier", "porod", "power"]


@dataclass(frozen=True, kw_only=True)
class SaxsLaw:
    """A law fitted to a range of q.

    Attributes
    ----------
    law
        Its name.
    values, errors
        Parameters by name, with standard errors; of absolute weights, so not rescaled by chi2.
    chi2, dof
        Of the line.
    q_range
        Least and largest q used, 1/angstrom.
    """

    law: str
    values: dict[str, float]
    errors: dict[str, float]
    chi2: float
    dof: int
    q_range: tuple[float, float]

    def __str__(self) -> str:
        parts = ", ".join(f"{name} = {value:.6g} ± {self.errors[name]:.2g}" for name, value in self.values.items())
        return f"{self.law}: {parts}; chi2 {self.chi2:.4g} / {self.dof}"


def fit_saxs_law(curve: xr.Dataset, law: Law, *, q_range: tuple[float, float]) -> SaxsLaw:
    r"""Fit a law to a range of q by a weighted straight line.

    - ``guinier``: :math:`\ln I = \ln I_0 - R_g^2 q^2 / 3`; ``I0``, ``Rg`` (angstrom); for q Rg below about 1.3.
    - ``porod``: :math:`I q^4 = K + B q^4`; ``K``, ``background``.
    - ``power``: :math:`\ln I = \ln A + n \ln q`; ``A``, ``exponent``.

    Parameters
    ----------
    curve
        I(q) with errors.
    law
        Which.
    q_range
        Least and largest q, 1/angstrom.

    Raises
    ------
    OptionError
        If there is no such law, or this is no curve of q.
    FitError
        If fewer than 3 points are in the range, one of them is not positive where a logarithm is taken, or the
        intensity rises with q (Guinier).
    """
    if law not in get_args(Law):
        raise OptionError("no such law", got=repr(law), expected=" or ".join(get_args(Law)))
    if axis_of(curve) != "q":
        raise OptionError("laws are those of q", got="a curve by phi")
    q, value, error = (curve[name].to_numpy().astype(np.float64) for name in ("q", "intensity", "intensity_err"))
    good = np.isfinite(value) & (error > 0) & (q >= q_range[0]) & (q <= q_range[1]) & (q > 0)
    if good.sum() < 3:
        raise FitError("too few points in the range of q", got=int(good.sum()), expected="3 or more")
    q, value, error = q[good], value[good], error[good]
    if law != "porod" and not (value > 0).all():
        raise FitError("an intensity in the range is not positive", got=value.min(), hint="Use fewer, wider bins of q.")
    if law == "porod":
        line, covariance, chi2 = _line(q**4, value * q**4, error * q**4)
        values = {"K": line[0], "background": line[1]}
        errors = {"K": covariance[0, 0] ** 0.5, "background": covariance[1, 1] ** 0.5}
    else:
        x = q**2 if law == "guinier" else np.log(q)
        line, covariance, chi2 = _line(x, np.log(value), error / value)
        values, errors = _of_logarithms(law, line, covariance)
    ends = (float(q[0]), float(q[-1]))
    return SaxsLaw(law=law, values=values, errors=errors, chi2=chi2, dof=len(q) - 2, q_range=ends)


def _of_logarithms(law: Law, line: Floats, covariance: Floats) -> tuple[dict[str, float], dict[str, float]]:
    level, slope = float(np.exp(line[0])), float(line[1])
    level_err, slope_err = level * float(covariance[0, 0]) ** 0.5, float(covariance[1, 1]) ** 0.5
    if law == "power":
        return {"A": level, "exponent": slope}, {"A": level_err, "exponent": slope_err}
    if slope >= 0:
        raise FitError("the intensity does not fall with q", got=f"slope of ln I over q^2 {slope:.3g}")
    radius = float(np.sqrt(-3 * slope))
    return {"I0": level, "Rg": radius}, {"I0": level_err, "Rg": 1.5 * slope_err / radius}


def _line(x: Floats, y: Floats, sigma: Floats) -> tuple[Floats, Floats, float]:
    """Return level and slope, their covariance, and chi2."""
    design = np.column_stack([np.ones_like(x), x]) / sigma[:, None]
    scale = np.linalg.norm(design, axis=0)
    inverse = np.linalg.inv((design / scale).T @ (design / scale))
    covariance = inverse / np.outer(scale, scale)
    line = covariance @ (design.T @ (y / sigma))
    return line, covariance, float((((y - line[0] - line[1] * x) / sigma) ** 2).sum())
