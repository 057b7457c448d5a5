"""Least squares of one g2 curve: a start from a grid, a bounded refinement, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import chdtri

from xpcs_nb.analysis._models import Model

__all__ = ["Curve", "Freedom", "Outcome", "solve", "starts"]

type Floats = NDArray[np.float64]

#: Chance that pure noise passes for a decay (3 sigma).
FALSE_ALARM = 0.0027

#: A fit from a good start takes 5 to 20.
MAX_EVALUATIONS = 200

#: Directions of the parameters' space that weigh less than this can't be told from rounding.
SINGULAR = 1e-7


@dataclass(frozen=True)
class Curve:
    """The usable points of one bin.

    Attributes
    ----------
    delay, g2, sigma
        Shape (T,).
    covariance
        Of the points, shape (T, T), to carry over to the parameters; None where sigma is all that is known.
    """

    delay: Floats
    g2: Floats
    sigma: Floats
    covariance: Floats | None = None


@dataclass(frozen=True)
class Freedom:
    """Which parameters may move and how far; rates as natural logarithms. All of shape (P,).

    Attributes
    ----------
    low, high
        Bounds.
    fixed
        Values of the parameters that are held; NaN for the free ones.
    significance
        Least ratio of the contrast to its error.
    """

    low: Floats
    high: Floats
    fixed: Floats
    significance: float

    @property
    def free(self) -> NDArray[np.bool_]:
        """Which parameters are free."""
        return np.isnan(self.fixed)


@dataclass(frozen=True)
class Outcome:
    """Parameters (rates as logarithms) with their covariance, or why there are none (then `status` is not ``ok``)."""

    status: str
    values: Floats
    covariance: Floats
    chi2: float = np.nan
    dof: int = 0


def starts(model: Model, delay: Floats, g2: Floats, weight: Floats, freedom: Freedom) -> Floats:
    """Return the best point of a grid over the shape parameters, with baseline and contrast solved exactly.

    Parameters
    ----------
    model
        The model; its grid is evaluated for all bins at once.
    delay
        Shape (T,).
    g2, weight
        Shape (D, T); weight 0 leaves a point out (its g2 must be finite all the same).
    freedom
        Of one bin; held parameters keep their values.

    Returns
    -------
    numpy.ndarray
        Shape (D, P).
    """
    rates = np.linspace(np.log(0.1 / delay.max()), np.log(2.0 / delay.min()), 40)
    theta = model.candidates(rates)
    held = freedom.fixed[2:]
    theta = np.where(np.isnan(held), np.clip(theta, freedom.low[2:], freedom.high[2:]), held)
    shape, _ = model.shape(delay, theta)
    w, wg = weight.sum(1)[:, None], (weight * g2).sum(1)[:, None]
    ws, wss, wgs = weight @ shape.T, weight @ (shape**2).T, (weight * g2) @ shape.T
    baseline, contrast = _linear(w, wg, ws, wss, wgs, freedom)
    misfit = baseline * (baseline * w - 2 * wg) + contrast * (contrast * wss - 2 * wgs) + 2 * baseline * contrast * ws
    best = np.argmin(misfit, axis=1)
    row = np.arange(len(g2))
    return np.column_stack([baseline[row, best], contrast[row, best], theta[best]])


def _linear(w: Floats, wg: Floats, ws: Floats, wss: Floats, wgs: Floats, freedom: Freedom) -> tuple[Floats, Floats]:
    """Solve for baseline and contrast of every bin and candidate, inside their bounds."""
    held_baseline, held_contrast = freedom.fixed[:2]
    with np.errstate(divide="ignore", invalid="ignore"):
        if not np.isnan(held_contrast):
            contrast = np.full_like(ws, held_contrast)
        elif not np.isnan(held_baseline):
            contrast = (wgs - held_baseline * ws) / wss
        else:
            contrast = (w * wgs - ws * wg) / (w * wss - ws**2)
        # A candidate without any decay among the points says nothing about the contrast.
        contrast = np.clip(np.nan_to_num(contrast, nan=0.0, posinf=0.0, neginf=0.0), freedom.low[1], freedom.high[1])
        baseline = np.nan_to_num((wg - contrast * ws) / w, nan=1.0)
    if not np.isnan(held_baseline):
        return np.full_like(ws, held_baseline), contrast
    return np.clip(baseline, freedom.low[0], freedom.high[0]), contrast


def solve(model: Model, curve: Curve, start: Floats, freedom: Freedom) -> Outcome:
    """Fit one curve from `start` (P,) and judge the result."""
    free = freedom.free
    failed = np.full(len(free), np.nan), np.full((len(free), len(free)), np.nan)
    dof = len(curve.g2) - int(free.sum())
    if dof < 1:
        return Outcome(f"too few points: {len(curve.g2)} for {int(free.sum())} free parameters", *failed)

    def full(moving: Floats) -> Floats:
        values = freedom.fixed.copy()
        values[free] = moving
        return values

    def residual(moving: Floats) -> Floats:
        values = full(moving)
        shape, _ = model.shape(curve.delay, values[2:])
        weighted: Floats = (values[0] + values[1] * shape - curve.g2) / curve.sigma
        return weighted

    def jacobian(moving: Floats) -> Floats:
        values = full(moving)
        shape, slopes = model.shape(curve.delay, values[2:])
        columns = np.column_stack([np.ones_like(shape), shape, values[1] * slopes.T])
        weighted: Floats = columns[:, free] / curve.sigma[:, None]
        return weighted

    low, high = freedom.low[free], freedom.high[free]
    margin = np.where(np.isfinite(high - low), 1e-3 * (high - low), 1e-9)
    inside = np.clip(start[free], low + margin, high - margin)
    found = least_squares(
        residual,
        inside,
        jac=jacobian,
        bounds=(low, high),
        x_scale="jac",
        ftol=1e-10,
        xtol=1e-10,
        gtol=1e-10,
        max_nfev=MAX_EVALUATIONS,
    )
    chi2 = 2 * float(found.cost)
    moving, slopes = np.asarray(found.x, dtype=float), np.asarray(found.jac, dtype=float)
    # Without a decay the iteration may well wander off: then that is the reason to give.
    status = _no_decay(curve, freedom, chi2, dof)
    if status is None and not found.success:
        status = f"not converged after {found.nfev} evaluations"
    status = status or _at_bound(model, moving, freedom)
    if status is None:
        spread = _spread(slopes, curve)
        status = _undetermined(model, moving, spread, freedom)
        if status is None and spread is not None:
            covariance = np.full((len(free), len(free)), np.nan)
            covariance[np.ix_(free, free)] = spread
            return Outcome("ok", full(moving), covariance, chi2, dof)
    return Outcome(status or "not determined", *failed, chi2, dof)


def _no_decay(curve: Curve, freedom: Freedom, chi2: float, dof: int) -> str | None:
    """Say so where a constant describes the points about as well as the model does."""
    if not np.isnan(freedom.fixed[1]):
        return None
    one, g2 = 1 / curve.sigma, curve.g2 / curve.sigma
    free_baseline = bool(np.isnan(freedom.fixed[0]))
    level = float(one @ g2 / (one @ one)) if free_baseline else float(freedom.fixed[0])
    flat = float(np.sum((g2 - level * one) ** 2))
    more = int(freedom.free.sum()) - free_baseline
    if flat - chi2 >= chdtri(more, FALSE_ALARM) * max(1.0, chi2 / dof):
        return None
    return f"contrast not significant: a constant fits as well (chi2 {flat:.4g}, model {chi2:.4g})"


def _at_bound(model: Model, moving: Floats, freedom: Freedom) -> str | None:
    free = np.flatnonzero(freedom.free)
    for value, index in zip(moving, free, strict=True):
        low, high = freedom.low[index], freedom.high[index]
        width = high - low if np.isfinite(high - low) else max(abs(value), 1.0)
        for name, bound in (("lower", low), ("upper", high)):
            if abs(value - bound) <= 1e-4 * width:
                parameter = model.parameters[index]
                shown = np.exp(bound) if parameter.is_rate else bound
                unit = "" if parameter.unit == "1" else f" {parameter.unit}"
                return f"{parameter.name} at its {name} bound {shown:.4g}{unit}"
    return None


def _spread(slopes: Floats, curve: Curve) -> Floats | None:
    """Return the covariance of the free parameters, or None where some combination of them has no effect."""
    size = np.linalg.norm(slopes, axis=0)
    if not np.all(size > 0):
        return None
    left, singular, right = np.linalg.svd(slopes / size, full_matrices=False)
    if singular[-1] < SINGULAR * singular[0]:
        return None
    influence = (right.T / singular) @ left.T / size[:, None]
    if curve.covariance is None:
        return influence @ influence.T
    influence = influence / curve.sigma
    spread: Floats = influence @ curve.covariance @ influence.T
    return spread


def _undetermined(model: Model, moving: Floats, spread: Floats | None, freedom: Freedom) -> str | None:
    """Name what the points do not determine."""
    if spread is None:
        return "parameters can't be told apart by these points"
    error = dict(zip(np.flatnonzero(freedom.free), np.sqrt(np.diagonal(spread)), strict=True))
    value = dict(zip(np.flatnonzero(freedom.free), moving, strict=True))
    if 1 in value and not value[1] >= freedom.significance * error[1]:
        return f"contrast not determined: {value[1]:.3g} ± {error[1]:.2g}"
    return _same_rates(model, moving, spread, freedom)


def _same_rates(model: Model, moving: Floats, spread: Floats, freedom: Freedom) -> str | None:
    """Say so where two modes are not two: the logarithm of the ratio of their rates is 0 within errors."""
    rates = np.array([parameter.is_rate for parameter in model.parameters])
    if rates.sum() < 2:
        return None
    values = freedom.fixed.copy()
    values[freedom.free] = moving
    fast, slow = values[rates]
    direction = np.zeros(len(rates))
    direction[np.flatnonzero(rates)] = 1.0, -1.0
    direction = direction[freedom.free]
    if fast - slow > freedom.significance * np.sqrt(direction @ spread @ direction):
        return None
    return f"the two rates can't be told apart: {np.exp(fast):.3g} and {np.exp(slow):.3g} 1/s"
