"""Least squares of many curves that have some parameters in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Common", "Joint", "minimise_jointly"]

type Floats = NDArray[np.float64]

#: Takes common (S,) and own (M, L) parameters; gives weighted residuals (M, T) and their derivatives (M, S, T) and
#: (M, L, T).
type JointResiduals = Callable[[Floats, Floats], tuple[Floats, Floats, Floats]]

MAX_STEPS = 200
LEAST_GAIN = 1e-12
MOST_DAMPING = 1e12
#: Directions whose square weighs less than this can't be told from rounding.
SINGULAR = 1e-13


@dataclass(frozen=True)
class Common:
    """Values or bounds of the common parameters (S,), and of those of each curve (M, L)."""

    shared: Floats
    own: Floats


@dataclass(frozen=True)
class Joint:
    """Where the iteration ended.

    Attributes
    ----------
    values
        Parameters.
    residual, shared_slopes, own_slopes
        Weighted residuals (M, T) and derivatives (M, S, T), (M, L, T).
    converged
        Whether there was nothing left to gain.
    """

    values: Common
    residual: Floats
    shared_slopes: Floats
    own_slopes: Floats
    converged: bool

    @property
    def chi2(self) -> Floats:
        """Sum of squares of each curve, shape (M,)."""
        squares: Floats = np.einsum("mt,mt->m", self.residual, self.residual)
        return squares

    def spread(self, noise: Floats | None) -> tuple[Floats, Floats, Floats]:
        r"""Return the covariance of the common (S, S) and own (M, L, L) parameters, and between them (M, L, S).

        With the derivatives :math:`J`, a residual moves the common parameters by
        :math:`A = H^{-1} (J_s - H_{sl} H_{ll}^{-1} J_l)`, H being the Schur complement, and those of its own curve
        by :math:`H_{ll}^{-1} (J_l - H_{ls} A)`; `noise` (M, T, T) is the covariance of the weighted residuals within
        a curve (None: 1). NaN where some combination of parameters has no effect.
        """
        normal = _Normal.of(self.residual, self.shared_slopes, self.own_slopes)
        if not normal.regular():
            n_curves, n_own, n_shared = self.own_slopes.shape[0], self.own_slopes.shape[1], len(normal.shared)
            shapes = ((n_shared, n_shared), (n_curves, n_own, n_own), (n_curves, n_own, n_shared))
            return np.full(shapes[0], np.nan), np.full(shapes[1], np.nan), np.full(shapes[2], np.nan)
        mix = np.linalg.solve(normal.own, normal.mixed.transpose(0, 2, 1))
        direct = np.linalg.solve(normal.own, self.own_slopes)
        schur = normal.shared - np.einsum("msl,mlr->sr", normal.mixed, mix)
        moves = np.linalg.solve(schur, self.shared_slopes - normal.mixed @ direct)
        noisy = moves if noise is None else moves @ noise
        parts = noisy @ moves.transpose(0, 2, 1)
        shared = parts.sum(axis=0)
        own_moves = direct - mix @ moves
        others = shared - parts
        own_noisy = own_moves if noise is None else own_moves @ noise
        own = own_noisy @ own_moves.transpose(0, 2, 1) + mix @ others @ mix.transpose(0, 2, 1)
        between = own_noisy @ moves.transpose(0, 2, 1) - mix @ others
        return shared, own, between


@dataclass(frozen=True)
class _Normal:
    """Blocks of the normal equations: (S, S), (M, S, L), (M, L, L), and gradients (S,), (M, L)."""

    shared: Floats
    mixed: Floats
    own: Floats
    shared_gradient: Floats
    own_gradient: Floats

    @classmethod
    def of(cls, residual: Floats, shared_slopes: Floats, own_slopes: Floats) -> _Normal:
        return cls(
            np.einsum("mst,mrt->sr", shared_slopes, shared_slopes),
            shared_slopes @ own_slopes.transpose(0, 2, 1),
            own_slopes @ own_slopes.transpose(0, 2, 1),
            np.einsum("mst,mt->s", shared_slopes, residual),
            np.einsum("mlt,mt->ml", own_slopes, residual),
        )

    def regular(self) -> bool:
        """Whether every combination of parameters has an effect."""
        size = np.sqrt(np.einsum("mll->ml", self.own))
        if not (size > 0).all() or not (np.diagonal(self.shared) > 0).all():
            return False
        own = self.own / (size[:, :, None] * size[:, None, :])
        if own.shape[1] and not np.all(np.linalg.eigvalsh(own)[:, 0] > SINGULAR):
            return False
        mix = np.linalg.solve(self.own, self.mixed.transpose(0, 2, 1))
        schur = self.shared - np.einsum("msl,mlr->sr", self.mixed, mix)
        scale = np.sqrt(np.diagonal(self.shared))
        return bool(np.linalg.eigvalsh(schur / np.outer(scale, scale))[0] > SINGULAR)

    def pinned(self, values: Common, low: Common, high: Common) -> _Normal:
        """Return the equations without the parameters that are pressed against a bound, or have no effect."""
        still = []
        for value, lower, upper, gradient, diagonal in (
            (values.shared, low.shared, high.shared, self.shared_gradient, np.diagonal(self.shared)),
            (values.own, low.own, high.own, self.own_gradient, np.einsum("mll->ml", self.own)),
        ):
            still.append(((value <= lower) & (gradient > 0)) | ((value >= upper) & (gradient < 0)) | ~(diagonal > 0))
        shared, own = (~each for each in still)
        return _Normal(
            self.shared * np.outer(shared, shared) + np.diag(still[0].astype(float)),
            self.mixed * (shared[None, :, None] & own[:, None, :]),
            self.own * (own[:, :, None] & own[:, None, :]) + still[1][:, :, None] * np.eye(own.shape[1]),
            self.shared_gradient * shared,
            self.own_gradient * own,
        )

    def step(self, damping: float) -> tuple[Common, float]:
        """Return the damped step, and what it would lower the sum of squares by, were the problem linear."""
        shared = self.shared + damping * np.diag(np.diagonal(self.shared))
        own = self.own + damping * np.einsum("mll->ml", self.own)[:, :, None] * np.eye(self.own.shape[1])
        mix = np.linalg.solve(own, self.mixed.transpose(0, 2, 1))
        direct = np.linalg.solve(own, self.own_gradient[:, :, None])[:, :, 0]
        schur = shared - np.einsum("msl,mlr->sr", self.mixed, mix)
        right = self.shared_gradient - np.einsum("msl,ml->s", self.mixed, direct)
        move = -np.linalg.solve(schur, right)
        own_move = -(direct + mix @ move)
        gain = -float(move @ self.shared_gradient) - float(np.sum(own_move * self.own_gradient))
        return Common(move, own_move), gain


def minimise_jointly(residuals: JointResiduals, start: Common, low: Common, high: Common) -> Joint:
    """Minimise the sum of squares of M curves with S common and L own parameters each.

    The own parameters are eliminated curve by curve (Schur complement), so that the work grows with the number of
    curves, not with its cube.
    """
    values = _clipped(start, low, high)
    found = residuals(values.shared, values.own)
    chi2, damping = float(np.sum(found[0] ** 2)), 1e-3
    for _ in range(MAX_STEPS):
        step, gain = _Normal.of(*found).pinned(values, low, high).step(damping)
        if gain <= LEAST_GAIN * max(chi2, 1e-9) or damping > MOST_DAMPING:
            return Joint(values, *found, converged=True)
        trial = _clipped(Common(values.shared + step.shared, values.own + step.own), low, high)
        new = residuals(trial.shared, trial.own)
        new_chi2 = float(np.sum(new[0] ** 2))
        if new_chi2 < chi2:
            values, found, chi2, damping = trial, new, new_chi2, max(damping / 10, 1e-9)
        else:
            damping *= 10
    return Joint(values, *found, converged=False)


def _clipped(values: Common, low: Common, high: Common) -> Common:
    return Common(np.clip(values.shared, low.shared, high.shared), np.clip(values.own, low.own, high.own))
