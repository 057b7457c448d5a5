"""Least squares of many g2 curves at once: a start from a grid, a bounded refinement, and a verdict for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from xpcs_nb.analysis._few_samples import student
from xpcs_nb.analysis._freedom import Freedom
from xpcs_nb.analysis._minimise import minimise, solved
from xpcs_nb.analysis._models import CHUNK, Model
from xpcs_nb.analysis._verdict import Verdicts

__all__ = ["Curves", "Outcome", "solve"]

type Floats = NDArray[np.float64]
type Bools = NDArray[np.bool_]

#: A parameter of whose effect on the points less than this (squared) is its own can't be told from rounding.
SINGULAR = 1e-13


@dataclass(frozen=True)
class Curves:
    """The points of all bins.

    Attributes
    ----------
    delay
        s, shape (T,).
    g2, sigma
        Shape (D, T); finite, also where a point is not used.
    used
        Which points count, shape (D, T).
    covariance
        Of the points, to carry over to the parameters, shape (D, T, T); None where sigma is all that is known.
    whitening
        What makes the used points uncorrelated and of variance 1, shape (D, T, T); None to weight them by 1/sigma.
    dof
        Degrees of freedom of the covariance, shape (D,); None where sigma or covariance are known.
    """

    delay: Floats
    g2: Floats
    sigma: Floats
    used: Bools
    covariance: Floats | None = None
    whitening: Floats | None = None
    dof: Floats | None = None

    def take(self, rows: slice | NDArray[np.int64]) -> Curves:
        """Return some of the curves."""
        covariance = None if self.covariance is None else self.covariance[rows]
        whitening = None if self.whitening is None else self.whitening[rows]
        dof = None if self.dof is None else self.dof[rows]
        return Curves(self.delay, self.g2[rows], self.sigma[rows], self.used[rows], covariance, whitening, dof)

    @property
    def weight(self) -> Floats:
        """1/sigma, and 0 for points that are not used, shape (D, T)."""
        return np.where(self.used, 1 / np.where(self.used, self.sigma, 1.0), 0.0)


@dataclass(frozen=True)
class Outcome:
    """What became of all curves; parameters (rates as logarithms) are NaN where `status` is not ``ok``.

    Attributes
    ----------
    status
        ``ok`` or the reason, one a curve.
    values, covariance
        Shapes (D, P), (D, P, P).
    chi2, dof
        Shape (D,); also of fits that failed after they were tried.
    penalty
        Parameters that the noise can make use of, shape (D,): by so much it lowers chi2. Their number where points
        are not correlated, more where they are.
    p_value
        Chance that a right model has this chi2 or a larger one, shape (D,).
    error_dof
        Degrees of freedom of the errors, shape (D,); None where they are known.
    """

    status: list[str]
    values: Floats
    covariance: Floats
    chi2: Floats
    dof: NDArray[np.int64]
    penalty: Floats
    p_value: Floats
    error_dof: Floats | None


def solve(model: Model, curves: Curves, freedom: Freedom) -> Outcome:
    """Fit all curves and judge each."""
    n_curves, n_parameters = freedom.fixed.shape
    n_free = int(freedom.free.sum())
    n_used = curves.used.sum(axis=1)
    outcome = Outcome(
        [f"too few points: {used} for {n_free} free parameters" for used in n_used],
        np.full((n_curves, n_parameters), np.nan),
        np.full((n_curves, n_parameters, n_parameters), np.nan),
        np.full(n_curves, np.nan),
        np.maximum(n_used - n_free, 0),
        np.full(n_curves, np.nan),
        np.full(n_curves, np.nan),
        curves.dof,
    )
    enough = n_used > n_free
    holes = enough & _incomplete(curves)
    for row in np.flatnonzero(holes):
        outcome.status[row] = "g2_cov is incomplete"
    for rows in _chunks(np.flatnonzero(enough & ~holes)):
        _solve_chunk(model, curves.take(rows), freedom.take(rows), outcome, rows)
    return outcome


def _chunks(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for first in range(0, len(rows), CHUNK):
        yield rows[first : first + CHUNK]


def _incomplete(curves: Curves) -> Bools:
    if curves.covariance is None:
        return np.zeros(len(curves.g2), dtype=bool)
    finite = np.isfinite(curves.covariance)
    if finite.all():
        return np.zeros(len(curves.g2), dtype=bool)
    both: Bools = curves.used[:, :, None] & curves.used[:, None, :]
    holes: Bools = (both & ~finite).any(axis=(1, 2))
    return holes


def _solve_chunk(model: Model, curves: Curves, freedom: Freedom, outcome: Outcome, rows: NDArray[np.int64]) -> None:
    free, weight = freedom.free, curves.weight
    whitening = curves.whitening

    def full(moving: Floats, some: NDArray[np.int64]) -> Floats:
        theta = freedom.fixed[some]
        theta[:, free] = moving
        return theta

    def residuals(moving: Floats, some: NDArray[np.int64]) -> Floats:
        system = model.system(curves.delay, full(moving, some))
        if not free.all():
            system = system[:, np.append(free, True)]
        system[:, -1] -= curves.g2[some]
        if whitening is not None:
            return system @ whitening[some].transpose(0, 2, 1)
        system *= weight[some, None, :]
        return system

    begin = model.starts(curves.delay, curves.g2, weight**2, freedom)
    found = minimise(residuals, _inside(begin, freedom)[:, free], freedom.low[:, free], freedom.high[:, free])
    inverse = _inverse(found.normal)
    if curves.covariance is None:
        spread = inverse
        penalty = np.full(len(rows), float(free.sum()))
        p_value = np.asarray(chdtrc(outcome.dof[rows], found.chi2), dtype=np.float64)
    else:
        slopes = residuals(found.values, np.arange(len(rows)))[:, :-1]
        spread, penalty, p_value = _carried_over(curves, slopes, inverse, found.chi2)
    if curves.dof is not None:
        spread = spread * student(curves.dof)[:, None, None] ** 2
    judge = Verdicts(model, freedom, found.values, spread, found.chi2, outcome.dof[rows])
    status = judge.status(found.converged, curves.g2, weight)
    good = np.array([one is None for one in status])
    for row, one in zip(rows, status, strict=True):
        outcome.status[row] = one or "ok"
    outcome.chi2[rows], outcome.penalty[rows], outcome.p_value[rows] = found.chi2, penalty, p_value
    theta = full(found.values, np.arange(len(rows)))
    outcome.values[rows[good]] = theta[good]
    outcome.covariance[np.ix_(rows[good], free, free)] = spread[good]


def _inside(begin: Floats, freedom: Freedom) -> Floats:
    """Start a little inside the bounds, where every parameter has an effect."""
    width = freedom.high - freedom.low
    margin = np.where(np.isfinite(width), 1e-3 * width, 1e-9)
    return np.clip(begin, freedom.low + margin, freedom.high - margin)


def _inverse(normal: Floats) -> Floats:
    """Return the inverse of the normal equations, (D, F, F); NaN where parameters can't be told apart."""
    n = normal.shape[1]
    size = np.sqrt(np.einsum("dff->df", normal))
    lit = np.isfinite(size).all(axis=1) & (size > 0).all(axis=1)
    scale = np.where(lit[:, None], size, 1.0)
    system = np.empty((n, 2 * n, len(normal)))
    system[:, :n] = (normal / (scale[:, :, None] * scale[:, None, :])).transpose(1, 2, 0)
    system[:, n:] = np.eye(n)[:, :, None]
    found = solved(system)
    # What is left of the unit length of each parameter's derivatives beside those of the ones before it.
    own = np.einsum("ffd->fd", system[:, :n]).min(axis=0)
    inverse: Floats = found.transpose(2, 0, 1) / (scale[:, :, None] * scale[:, None, :])
    inverse[~lit | ~(own > SINGULAR)] = np.nan
    return inverse


def _carried_over(curves: Curves, slopes: Floats, inverse: Floats, chi2: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the covariance of the parameters that follows from that of the points; and see `_expected`."""
    white = curves.whitening if curves.whitening is not None else _diagonal(curves.weight)
    noise = white @ _clean(curves) @ white.transpose(0, 2, 1)
    influence = inverse @ slopes
    return influence @ noise @ influence.transpose(0, 2, 1), *_expected(slopes, influence, noise, chi2)


def _clean(curves: Curves) -> Floats:
    """Return the covariance with 0 for points that are not used."""
    if curves.covariance is None:
        raise AssertionError("there is no covariance")
    both = curves.used[:, :, None] & curves.used[:, None, :]
    return np.where(both, curves.covariance, 0.0)


def _expected(slopes: Floats, influence: Floats, noise: Floats, chi2: Floats) -> tuple[Floats, Floats]:
    """Return what noise takes off chi2, and the chance of a larger chi2 than the one found, were the model right.

    Where weighted points have the covariance `noise` (D, T, T), chi2 is a weighted sum of chi squares of one degree of
    freedom. It is taken for a multiple of a chi square with the same mean and variance (Satterthwaite's approximation).
    """
    fitted = slopes.transpose(0, 2, 1) @ influence
    penalty = np.einsum("dij,dji->d", fitted, noise)
    left = np.eye(noise.shape[-1]) - fitted
    noise = left @ noise @ left.transpose(0, 2, 1)
    mean, half_variance = np.einsum("dii->d", noise), np.einsum("dij,dij->d", noise, noise)
    with np.errstate(invalid="ignore", divide="ignore"):
        chance = chdtrc(mean**2 / half_variance, chi2 * mean / half_variance)
    return np.asarray(penalty, dtype=np.float64), np.asarray(chance, dtype=np.float64)


def _diagonal(weight: Floats) -> Floats:
    return weight[:, :, None] * np.eye(weight.shape[1])
