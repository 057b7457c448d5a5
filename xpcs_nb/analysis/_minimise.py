"""Many small bounded least-squares problems at once: Levenberg and Marquardt's method, one step of all at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Minimum", "minimise", "solved"]

type Floats = NDArray[np.float64]
type Bools = NDArray[np.bool_]

#: Takes parameters (d, F) and which of the problems they are of (d,); gives the derivatives of the weighted residuals
#: and, as the last row, these themselves, (d, F + 1, T).
type Residuals = Callable[[Floats, NDArray[np.int64]], Floats]

#: A fit from a good start takes 4 to 20.
MAX_STEPS = 200
#: A step that would lower chi2 by less than this share of it is the last: it is some 1e-4 of the parameters' errors,
#: and what remains after it is of second order.
LEAST_GAIN = 1e-8
#: Damping at which steps are lost in rounding.
MOST_DAMPING = 1e12


@dataclass(frozen=True)
class Minimum:
    """Where the problems ended, in the order they were given.

    Attributes
    ----------
    values
        Parameters, shape (D, F).
    normal
        Products of the derivatives of the weighted residuals, shape (D, F, F).
    chi2
        Sum of squares, shape (D,).
    converged
        Shape (D,).
    """

    values: Floats
    normal: Floats
    chi2: Floats
    converged: Bools


def minimise(residuals: Residuals, start: Floats, low: Floats, high: Floats) -> Minimum:
    """Minimise the sums of squares of D problems of the same form, each from its row of `start` (D, F).

    Steps are scaled by the derivatives, so that units don't matter, and cut at the bounds `low` and `high` (D, F); a
    parameter that is pressed against its bound stays there until the sum of squares falls away from it.
    """
    values = np.clip(start, low, high)
    rows = np.arange(len(values))
    products = _products(residuals(values, rows))
    found = Minimum(
        values.copy(), products[:, :-1, :-1].copy(), products[:, -1, -1].copy(), np.zeros(len(values), dtype=bool)
    )
    damping = np.full(len(values), 1e-3)
    for _ in range(MAX_STEPS):
        chi2 = products[:, -1, -1]
        step, gain = _step(values, products, low, high, damping)
        trial = np.minimum(np.maximum(values + step, low), high)
        # Where all damping is in vain, rounding is all that is left to gain.
        ended = (gain <= LEAST_GAIN * np.maximum(chi2, 1e-9)) | (damping > MOST_DAMPING)
        if ended.any():
            done = rows[ended]
            found.values[done], found.normal[done] = trial[ended], products[ended, :-1, :-1]
            found.chi2[done] = np.maximum(chi2[ended] - gain[ended], 0.0)
            found.converged[done] = True
            left = ~ended
            rows, values, trial, low, high = rows[left], values[left], trial[left], low[left], high[left]
            products, damping = products[left], damping[left]
            if not len(rows):
                return found
        new = _products(residuals(trial, rows))
        better = new[:, -1, -1] < products[:, -1, -1]
        damping = np.where(better, np.maximum(damping / 10, 1e-9), damping * 10)
        values[better], products[better] = trial[better], new[better]
    found.values[rows], found.normal[rows], found.chi2[rows] = values, products[:, :-1, :-1], products[:, -1, -1]
    return found


def _products(system: Floats) -> Floats:
    """Return the products of all derivatives and residuals with each other, (d, F + 1, F + 1)."""
    products: Floats = system @ system.transpose(0, 2, 1)
    return products


def _step(values: Floats, products: Floats, low: Floats, high: Floats, damping: Floats) -> tuple[Floats, Floats]:
    """Return the damped step (d, F) and what it would lower the sum of squares by (d,), were the problem linear.

    `products` are those of the derivatives and residuals, (d, F + 1, F + 1). Inside, problems run along the last axis,
    so that each operation is one over all of them.
    """
    n = values.shape[1]
    system = np.array(products[:, :n].transpose(1, 2, 0), order="C")
    gradient, diagonal = system[:, n], np.einsum("ffd->fd", system[:, :n])
    pinned = ((values <= low).T & (gradient > 0)) | ((values >= high).T & (gradient < 0)) | ~(diagonal > 0)
    scale = 1 / np.sqrt(np.where(pinned, 1.0, diagonal))
    system[:, :n] *= scale
    system *= scale[:, None]
    if pinned.any():
        system *= ~pinned[:, None]
        system[:, :n] *= ~pinned
    np.einsum("ffd->fd", system[:, :n])[:] = 1.0 + damping
    scaled = system[:, n].copy()
    step = -solved(system)[:, 0]
    return (step * scale).T, -np.einsum("fd,fd->d", step, scaled)


def solved(system: Floats) -> Floats:
    """Solve many positive definite systems at once, by elimination without a search for pivots, which they don't need.

    Parameters
    ----------
    system
        Matrices and right sides side by side, shape (F, F + R, d). It is used up: the diagonal holds the pivots.

    Returns
    -------
    numpy.ndarray
        Shape (F, R, d); not finite where a matrix is singular.
    """
    n = len(system)
    found = system[:, n:]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for j in range(n - 1):
            share = system[j + 1 :, j] / system[j, j]
            system[j + 1 :, j + 1 :] -= share[:, None] * system[j, j + 1 :]
        for j in reversed(range(n)):
            found[j] /= system[j, j]
            found[:j] -= system[:j, j, None] * found[j]
    return found
