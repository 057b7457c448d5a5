"""How the relaxation rate depends on q: diffusion coefficient and exponent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.analysis._few_samples import student
from xpcs_nb.analysis._weighted import fit_linear
from xpcs_nb.errors import FitError, OptionError

__all__ = ["Dispersion", "LeftOut", "fit_dispersion"]

type Floats = NDArray[np.float64]

SQUARE_METRES_PER_SQUARE_ANGSTROM = 1e-20


@dataclass(frozen=True)
class LeftOut:
    """A bin that took no part, and why."""

    bin: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Dispersion:
    r"""The power law :math:`\Gamma = D q^n`.

    Attributes
    ----------
    D, D_err
        Coefficient in angstrom**n / s (a diffusion coefficient in angstrom**2 / s where n = 2).
    exponent, exponent_err
        n; error 0 where it was held.
    q_pivot, rate_pivot, rate_pivot_err
        The q (1/angstrom) at which the rate (1/s) is best known. With a free exponent D is the rate extrapolated to
        q = 1/angstrom, and its error mostly that of the exponent; the rate at the pivot is not correlated with n.
    chi2, dof
        Of the logarithms of the rates.
    used
        Bins that took part.
    left_out
        The others.
    """

    D: float
    D_err: float
    exponent: float
    exponent_err: float
    q_pivot: float
    rate_pivot: float
    rate_pivot_err: float
    chi2: float
    dof: int
    used: tuple[int, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def D_m2_per_s(self) -> float:
        """Diffusion coefficient, m**2 / s.

        Raises
        ------
        FitError
            If the exponent was not held at 2: then D is no diffusion coefficient.
        """
        self._require_diffusion()
        return self.D * SQUARE_METRES_PER_SQUARE_ANGSTROM

    @property
    def D_err_m2_per_s(self) -> float:
        """Error of `D_m2_per_s`."""
        self._require_diffusion()
        return self.D_err * SQUARE_METRES_PER_SQUARE_ANGSTROM

    def rate(self, q: ArrayLike) -> Floats:
        """Return the rate (1/s) at `q` (1/angstrom)."""
        ratio = np.asarray(q, dtype=float) / self.q_pivot
        rate: Floats = self.rate_pivot * ratio**self.exponent
        return rate

    def _require_diffusion(self) -> None:
        if self.exponent != 2 or self.exponent_err != 0:
            raise FitError(
                "D is no diffusion coefficient",
                got=f"exponent {self.exponent:.4g} ± {self.exponent_err:.2g}",
                expected="an exponent held at 2",
                hint="Call fit_dispersion(fit, exponent=2).",
            )

    def __str__(self) -> str:
        held = "held" if self.exponent_err == 0 else f"± {self.exponent_err:.2g}"
        lines = [
            f"rate = D q**n from {len(self.used)} bins",
            f"  D = {self.D:.5g} ± {self.D_err:.2g} angstrom**n/s",
            f"  n = {self.exponent:.4g} {held}",
            f"  rate at q = {self.q_pivot:.4g}/angstrom: {self.rate_pivot:.5g} ± {self.rate_pivot_err:.2g} 1/s",
            f"  chi2 = {self.chi2:.4g} for {self.dof} degrees of freedom",
        ]
        return "\n".join(lines + [f"  bin {out.bin} left out: {out.reason}" for out in self.left_out])


def fit_dispersion(
    fit: xr.Dataset,
    *,
    exponent: float | Literal["free"] = "free",
    rate: str = "rate",
    q_range: tuple[float, float] | None = None,
    exclude: Collection[int] = (),
) -> Dispersion:
    r"""Fit :math:`\Gamma = D q^n` to the rates of a fit of g2.

    A weighted straight line through :math:`\ln \Gamma` against :math:`\ln q` with weights
    :math:`(\Gamma/\sigma_\Gamma)^2`, the inverse variance of the logarithm. (Weighting :math:`\Gamma` itself with
    :math:`1/\sigma_\Gamma^2` pulls the curve down, since a rate that comes out too low has too small an error.)
    Errors are absolute; chi2 tells whether the bins agree within them. Where the errors of the rates rest on few
    blocks or repeats (``error_dof``), those of D and n allow for weights that follow the noise (docs/explanation/fits).

    Parameters
    ----------
    fit
        What `fit_g2` returned: needs rate(bin), rate_err(bin), success(bin) and the coordinate q.
    exponent
        ``free``, or the value to hold n at (2 for diffusion).
    rate
        Name of the rate: ``rate`` or ``rate_slow``.
    q_range
        Least and largest q, 1/angstrom, both included.
    exclude
        Bins (values of the coordinate ``bin``) to leave out.

    Returns
    -------
    Dispersion
        Coefficient, exponent, errors, and the bins that were left out with the reason.

    Raises
    ------
    OptionError
        If `fit` has no such rate or no q, or an option can't be used.
    FitError
        If fewer bins are left than the power law has parameters; the message names those left out.
    """
    if exponent != "free" and not np.isfinite(exponent):
        raise OptionError("exponent can't be used", got=exponent, expected="'free' or a finite number")
    bins = usable_rates(fit, rate, q_range, exclude)
    parameters = 2 if exponent == "free" else 1
    if len(np.unique(bins.q)) < parameters:
        raise FitError(
            "too few bins for a power law",
            got=f"{len(np.unique(bins.q))} different q",
            expected=f"at least {parameters}",
            hint="; ".join(f"bin {out.bin}: {out.reason}" for out in bins.left_out) or None,
        )
    return _line(bins, exponent)


@dataclass(frozen=True)
class Rates:
    """q (1/angstrom), rate and error (1/s) of the bins that can be used, their labels, and the other bins.

    `dof` are the degrees of freedom of the errors, inf where nothing is said of them.
    """

    q: Floats
    rate: Floats
    error: Floats
    dof: Floats
    used: tuple[int, ...]
    left_out: tuple[LeftOut, ...]


def usable_rates(fit: xr.Dataset, rate: str, q_range: tuple[float, float] | None, exclude: Collection[int]) -> Rates:
    """Return the rates of the bins with a fit, a q inside `q_range` and an error; the others with the reason.

    Raises
    ------
    OptionError
        If `fit` has no such rate or no q, or bins to exclude do not exist.
    """
    if "q_exponent" in fit:
        raise OptionError(
            "the rates of a global fit follow a power law already", hint="Its power law is global_dispersion(fit)."
        )
    missing = [name for name in (rate, f"{rate}_err", "success", "q") if name not in fit]
    if missing:
        raise OptionError("this is no fit of g2", got=f"no {', '.join(missing)}", expected="what fit_g2 returns")
    reasons = _reasons(fit, rate, q_range, exclude)
    good = np.array([reason is None for reason in reasons])
    bins = [int(label) for label in fit["bin"].to_numpy()]
    left_out = tuple(LeftOut(label, reason) for label, reason in zip(bins, reasons, strict=True) if reason is not None)
    q, value, error = (fit[name].to_numpy().astype(float)[good] for name in ("q", rate, f"{rate}_err"))
    used = tuple(label for label, keep in zip(bins, good, strict=True) if keep)
    dof = fit["error_dof"].to_numpy().astype(float)[good] if "error_dof" in fit else np.full(len(q), np.inf)
    return Rates(q, value, error, dof, used, left_out)


def _line(bins: Rates, exponent: float | Literal["free"]) -> Dispersion:
    x, y, error = np.log(bins.q), np.log(bins.rate), bins.error / student(bins.dof) / bins.rate
    middle = float(np.average(x, weights=error**-2))
    free = exponent == "free"
    design = np.column_stack([np.ones(len(x)), x - middle])[:, : 1 + free]
    line = fit_linear(design, y if free else y - exponent * (x - middle), error, bins.dof)
    slope = float(line.values[1]) if free else float(exponent)
    # Where level and slope are not correlated.
    shift = -float(line.covariance[0, 1] / line.covariance[1, 1]) if free else 0.0
    pivot, level = middle + shift, float(line.values[0]) + slope * shift
    log_D = level - slope * pivot
    return Dispersion(
        D=float(np.exp(log_D)),
        D_err=float(np.exp(log_D)) * line.error(np.array([1.0, -middle])[: 1 + free]),
        exponent=slope,
        exponent_err=line.error(np.array([0.0, 1.0])) if free else 0.0,
        q_pivot=float(np.exp(pivot)),
        rate_pivot=float(np.exp(level)),
        rate_pivot_err=float(np.exp(level)) * line.error(np.array([1.0, shift])[: 1 + free]),
        chi2=line.chi2,
        dof=len(x) - 1 - free,
        used=bins.used,
        left_out=bins.left_out,
    )


def _reasons(
    fit: xr.Dataset, rate: str, q_range: tuple[float, float] | None, exclude: Collection[int]
) -> list[str | None]:
    """Say for each bin why it is left out; None where it takes part."""
    low, high = q_range or (0.0, np.inf)
    unknown = sorted(set(exclude) - set(fit["bin"].to_numpy().tolist()))
    if unknown:
        raise OptionError("no such bins", where="exclude", got=unknown, expected="values of the coordinate bin")
    bins = fit["bin"].to_numpy()
    positions, errors = fit["q"].to_numpy().astype(float), fit[f"{rate}_err"].to_numpy().astype(float)
    success = fit["success"].to_numpy().astype(bool)
    status = fit["status"].to_numpy() if "status" in fit else np.full(len(bins), "status unknown")
    reasons: list[str | None] = []
    for label, q, error, fitted, said in zip(bins, positions, errors, success, status, strict=True):
        if int(label) in exclude:
            reason = "excluded by hand"
        elif not fitted:
            reason = f"no fit ({said})"
        elif not (np.isfinite(q) and q > 0):
            reason = f"q is {q:g}"
        elif not low <= q <= high:
            reason = f"q = {q:.4g} outside {low:g}..{high:g}"
        elif not (np.isfinite(error) and error > 0):
            reason = "the rate has no error"
        else:
            reasons.append(None)
            continue
        reasons.append(reason)
    return reasons
