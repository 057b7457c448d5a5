"""Many small bounded least-squares problems at once: Levenberg and Marquardt's method, one step of all at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Minimum", "minimise"]

type Floats = NDArray[np.float64]
type Bools = NDArray[np.bool_]

#: Takes parameters (d, F) and which of the problems they are of (d,); gives the weighted residuals (d, T) and their
#: derivatives (d, F, T).
type Residuals = Callable[[Floats, NDArray[np.int64]], tuple[Floats, Floats]]

#: A fit from a good start takes 5 to 20.
MAX_STEPS = 200
#: A step that would lower chi2 by less than this share of it is not worth taking: it is some millionths of the
#: parameters' errors.
LEAST_GAIN = 1e-12
#: Damping at which steps are lost in rounding.
MOST_DAMPING = 1e12


@dataclass(frozen=True)
class Minimum:
    """Where the problems ended, in the order they were given.

    Attributes
    ----------
    values
        Parameters, shape (D, F).
    slopes
        Derivatives of the weighted residuals, shape (D, F, T).
    chi2
        Sum of squares, shape (D,).
    converged
        Shape (D,).
    """

    values: Floats
    slopes: Floats
    chi2: Floats
    converged: Bools


def minimise(residuals: Residuals, start: Floats, low: Floats, high: Floats) -> Minimum:
    """Minimise the sums of squares of D problems of the same form, each from its row of `start` (D, F).

    Steps are scaled by the derivatives, so that units don't matter, and cut at the bounds `low` and `high` (D, F); a
    parameter that is pressed against its bound stays there until the sum of squares falls away from it.
    """
    values = np.clip(start, low, high)
    residual, slopes = residuals(values, np.arange(len(values)))
    chi2 = np.einsum("dt,dt->d", residual, residual)
    found = Minimum(values, slopes, chi2, np.zeros(len(values), dtype=bool))
    rows = np.arange(len(values))
    damping = np.full(len(values), 1e-3)
    for _ in range(MAX_STEPS):
        step, gain = _step(values, residual, slopes, low[rows], high[rows], damping)
        # Where all damping is in vain, rounding is all that is left to gain.
        ended = (gain <= LEAST_GAIN * np.maximum(chi2, 1e-9)) | (damping > MOST_DAMPING)
        if ended.any():
            done = rows[ended]
            found.values[done], found.slopes[done], found.chi2[done] = values[ended], slopes[ended], chi2[ended]
            found.converged[done] = True
            left = ~ended
            rows, values, residual, slopes = rows[left], values[left], residual[left], slopes[left]
            chi2, damping, step = chi2[left], damping[left], step[left]
            if not len(rows):
                return found
        trial = np.clip(values + step, low[rows], high[rows])
        new_residual, new_slopes = residuals(trial, rows)
        new_chi2 = np.einsum("dt,dt->d", new_residual, new_residual)
        better = new_chi2 < chi2
        damping = np.where(better, np.maximum(damping / 10, 1e-9), damping * 10)
        if better.all():
            values, residual, slopes, chi2 = trial, new_residual, new_slopes, new_chi2
        else:
            values[better], residual[better], chi2[better] = trial[better], new_residual[better], new_chi2[better]
            slopes[better] = new_slopes[better]
    found.values[rows], found.slopes[rows], found.chi2[rows] = values, slopes, chi2
    return found


def _step(
    values: Floats, residual: Floats, slopes: Floats, low: Floats, high: Floats, damping: Floats
) -> tuple[Floats, Floats]:
    """Return the damped step (d, F) and what it would lower the sum of squares by (d,), were the problem linear."""
    gradient = (slopes @ residual[:, :, None])[:, :, 0]
    normal = slopes @ slopes.transpose(0, 2, 1)
    diagonal = np.einsum("dff->df", normal)
    pinned = ((values <= low) & (gradient > 0)) | ((values >= high) & (gradient < 0)) | ~(diagonal > 0)
    scale = np.sqrt(np.where(pinned, 1.0, diagonal))
    normal /= scale[:, :, None] * scale[:, None, :]
    if pinned.any():
        normal *= ~(pinned[:, :, None] | pinned[:, None, :])
    np.einsum("dff->df", normal)[:] = 1.0 + damping[:, None]
    gradient = np.where(pinned, 0.0, gradient / scale)
    step = -np.linalg.solve(normal, gradient[:, :, None])[:, :, 0]
    return step / scale, -np.einsum("df,df->d", step, gradient)
