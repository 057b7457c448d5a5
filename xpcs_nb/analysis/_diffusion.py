"""The diffusion coefficient where the apparent one changes with q."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq

from xpcs_nb.analysis._dispersion import SQUARE_METRES_PER_SQUARE_ANGSTROM, LeftOut, usable_rates
from xpcs_nb.errors import FitError

__all__ = ["DiffusionLimit", "extrapolate_diffusion"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class DiffusionLimit:
    r"""The apparent diffusion coefficient :math:`D(q) = \Gamma / q^2 = D_0 (1 + C q^2)`.

    Attributes
    ----------
    D, D_err
        :math:`D_0`, at q = 0, angstrom**2 / s.
    slope, slope_err
        :math:`D_0 C`, angstrom**4 / s; 0 for no dependence on q.
    q, apparent, apparent_err
        1/angstrom and angstrom**2 / s, of the bins that took part.
    scatter
        Relative scatter of the bins about the line beyond their errors, as of angles or of the beam; 0 where the
        errors explain it all. It is part of D_err.
    chi2, dof
        Of the straight line, with the bins' own errors.
    used, left_out
        Bins.
    """

    D: float
    D_err: float
    slope: float
    slope_err: float
    q: Floats
    apparent: Floats
    apparent_err: Floats
    scatter: float
    chi2: float
    dof: int
    used: tuple[int, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def D_m2_per_s(self) -> float:
        """Diffusion coefficient at q = 0, m**2 / s."""
        return self.D * SQUARE_METRES_PER_SQUARE_ANGSTROM

    @property
    def D_err_m2_per_s(self) -> float:
        """Error of `D_m2_per_s`."""
        return self.D_err * SQUARE_METRES_PER_SQUARE_ANGSTROM

    def __str__(self) -> str:
        lines = [
            f"D(q) = D0 + slope q**2 from {len(self.used)} bins",
            f"  D0 = {self.D:.5g} ± {self.D_err:.2g} angstrom**2/s",
            f"  slope = {self.slope:.4g} ± {self.slope_err:.2g} angstrom**4/s",
            f"  scatter beyond the errors: {100 * self.scatter:.2g} %",
            f"  chi2 = {self.chi2:.4g} for {self.dof} degrees of freedom",
        ]
        return "\n".join(lines + [f"  bin {out.bin} left out: {out.reason}" for out in self.left_out])


def extrapolate_diffusion(
    fit: xr.Dataset,
    *,
    rate: str = "rate",
    q_range: tuple[float, float] | None = None,
    exclude: Collection[int] = (),
) -> DiffusionLimit:
    r"""Extrapolate :math:`\Gamma / q^2` to q = 0 by a straight line in :math:`q^2`.

    Spheres of one size in a dilute suspension have the same :math:`\Gamma / q^2` at every q. A distribution of sizes
    (large particles scatter less at large q), interactions between particles and their rotation or flexibility make
    it change; at small q the change is linear in :math:`q^2`, and the limit is the quantity that does not depend on
    the angles of the instrument. (Where structure factors matter it is the collective diffusion coefficient, and a
    size by Stokes and Einstein needs the limit of no concentration besides.)

    Errors of the rates know of noise only. Where the bins scatter about the line by more than that, a relative
    scatter that they have in common is added to their errors, just as much as makes chi2 equal to its degrees of
    freedom (J. Mandel and R. C. Paule, Anal. Chem. 42, 1194 (1970)): otherwise the bin with the least noise would
    decide, whatever is wrong with it.

    Parameters
    ----------
    fit
        What `fit_g2` returned; model ``cumulant`` gives the mean rate, which a single exponential underestimates.
    rate
        Name of the rate.
    q_range, exclude
        See `fit_dispersion`.

    Returns
    -------
    DiffusionLimit

    Raises
    ------
    OptionError
        If `fit` has no such rate or no q, or an option can't be used.
    FitError
        If fewer than three different q are left: then nothing tells how good the line is.
    """
    bins = usable_rates(fit, rate, q_range, exclude)
    if len(np.unique(bins.q)) < 3:
        raise FitError(
            "too few bins for an extrapolation",
            got=f"{len(np.unique(bins.q))} different q",
            expected="at least 3",
            hint="; ".join(f"bin {out.bin}: {out.reason}" for out in bins.left_out) or None,
        )
    apparent, error = bins.rate / bins.q**2, bins.error / bins.q**2
    # In units of the largest q the two columns are of one size.
    size = bins.q.max()
    design = np.column_stack([np.ones(len(bins.q)), (bins.q / size) ** 2])
    dof = len(bins.q) - 2
    scatter = _scatter(design, apparent, error, dof)
    found, covariance, _ = _line(design, apparent, np.hypot(error, scatter * apparent))
    spread = np.sqrt(np.diagonal(covariance))
    return DiffusionLimit(
        D=float(found[0]),
        D_err=float(spread[0]),
        slope=float(found[1] / size**2),
        slope_err=float(spread[1] / size**2),
        q=bins.q,
        apparent=apparent,
        apparent_err=error,
        scatter=scatter,
        chi2=_line(design, apparent, error)[2],
        dof=dof,
        used=bins.used,
        left_out=bins.left_out,
    )


def _line(design: Floats, values: Floats, error: Floats) -> tuple[Floats, Floats, float]:
    """Return coefficients, their covariance, and chi2 of a weighted linear fit."""
    weighted = design / error[:, None]
    covariance = np.linalg.inv(weighted.T @ weighted)
    found: Floats = covariance @ weighted.T @ (values / error)
    return found, covariance, float(np.sum((weighted @ found - values / error) ** 2))


def _scatter(design: Floats, values: Floats, error: Floats, dof: int) -> float:
    """Return the relative scatter that makes chi2 equal to its degrees of freedom; 0 where it is not larger."""

    def excess(scatter: float) -> float:
        return _line(design, values, np.hypot(error, scatter * values))[2] - dof

    if excess(0.0) <= 0:
        return 0.0
    return float(brentq(excess, 0.0, 10.0))
