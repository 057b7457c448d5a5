"""Speckle contrast from photon statistics: the negative binomial distribution, by maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import PhotonCounts

__all__ = ["ContrastEstimate", "contrast_from_counts"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

#: Pairs of photons in one pixel that plain Poisson noise would have made; with fewer there is no estimate.
LEAST_PAIRS = 10.0
#: Below this, the logarithm in the likelihood is taken as a series.
SMALL = 1e-2
TERMS = 10


@dataclass(frozen=True)
class ContrastEstimate:
    """Contrast of each dynamic bin at one exposure; D bins, B blocks. NaN where `status` is not ``ok``.

    Attributes
    ----------
    contrast, moment
        Maximum likelihood, and from the second moment, shape (D,).
    fisher_err
        Error if all pixels and windows were independent, shape (D,).
    replicas, moment_replicas
        Both estimates without each block, shape (D, B); NaN for blocks the bin does not have.
    kbar
        Mean photons a pixel and window, shape (D,).
    status
        ``ok`` or why there is no estimate, length D.
    """

    contrast: Floats
    moment: Floats
    fisher_err: Floats
    replicas: Floats
    moment_replicas: Floats
    kbar: Floats
    status: tuple[str, ...]


def contrast_from_counts(counts: PhotonCounts, static_to_dynamic: Ints, n_dynamic: int) -> ContrastEstimate:
    r"""Estimate the contrast :math:`\beta = 1/M` of each dynamic bin.

    Photons of a pixel whose mean is :math:`\mu` are negative binomial,

    .. math::
        \ln P(k) = \sum_{j=0}^{k-1} \ln(1 + j\beta) - \ln k! + k \ln\mu - (k + 1/\beta) \ln(1 + \beta\mu),

    written so that it goes on through :math:`\beta = 0` (Poisson) to slightly negative values: where there is no
    contrast the estimate scatters about 0 rather than sticking to it. :math:`\mu` is the mean of the pixel's static
    bin, so that an intensity gradient inside the dynamic bin is no contrast. With :math:`N_s` sums of mean
    :math:`\mu_s` in static bin `s`, and :math:`T_j` sums of more than `j` photons, :math:`\beta` solves

    .. math::
        \sum_{j \ge 1} \frac{j\, T_j}{1 + j\beta}
        + \sum_s N_s \left[\frac{\ln(1 + \beta\mu_s)}{\beta^2} - \frac{\mu_s}{\beta}\right] = 0 .

    At :math:`\beta \to 0` this is :math:`\sum k(k-1) = \sum N_s \mu_s^2`; no low-count approximation is made. The
    second moment gives :math:`\beta = \sum k(k-1) / \sum_s N_s \mu_s^2 - 1`, which holds for any distribution of the
    intensity but is less precise where counts are many. Both lose :math:`\beta - (1+\beta)/(1+\beta/n) + 1` where a
    static bin has only `n` independent speckles (docs/explanation/estimators). Replicas leave out one block of pixels
    at a time, with means of their own.

    Parameters
    ----------
    counts
        Photon statistics at one exposure.
    static_to_dynamic
        Dynamic bin of each static bin, from 0; -1 for none, shape (S,).
    n_dynamic
        Number of dynamic bins.
    """
    n_blocks = counts.counts.shape[1]
    contrast, moment, fisher, kbar = np.full((4, n_dynamic), np.nan)
    replicas, moment_replicas = np.full((2, n_dynamic, n_blocks), np.nan)
    status = []
    for d in range(n_dynamic):
        rows = static_to_dynamic == d
        blocks = np.flatnonzero(counts.n_pixels[rows].sum(axis=0))
        if not len(blocks):
            status.append("no pixels")
            continue
        problem = _Problem.of(counts, d, rows, blocks)
        kbar[d] = problem.photons[0].sum() / problem.samples[0].sum()
        if problem.poisson_pairs()[0] < LEAST_PAIRS:
            status.append("too few photons: hardly any pixel counts two")
            continue
        solved, slope = problem.solve()
        contrast[d], fisher[d] = solved[0], (-slope[0]) ** -0.5
        moments = problem.moments()
        moment[d], moment_replicas[d, blocks], replicas[d, blocks] = moments[0], moments[1:], solved[1:]
        status.append("ok" if np.isfinite(solved[0]) else "no pixel counted two photons")
    return ContrastEstimate(contrast, moment, fisher, replicas, moment_replicas, kbar, tuple(status))


@dataclass(frozen=True)
class _Problem:
    """Likelihoods to solve, R of them: the whole bin first, then without each block.

    Attributes
    ----------
    tails
        T_j for j = 1, 2, ..., shape (R, J).
    photons, samples
        Of each static bin, shape (R, S).
    """

    tails: Floats
    photons: Floats
    samples: Floats

    @classmethod
    def of(cls, counts: PhotonCounts, d: int, rows: NDArray[np.bool_], blocks: Ints) -> _Problem:
        histogram = counts.histogram[d][blocks]
        tails = np.cumsum(histogram[:, ::-1], axis=1)[:, ::-1][:, 2:]
        tails = tails[:, : int(np.count_nonzero(tails.sum(axis=0)))]
        photons = counts.counts[rows][:, blocks].T
        samples = counts.n_pixels[rows][:, blocks].T * counts.n_windows
        lit = photons.sum(axis=0) > 0
        parts = []
        for part in (tails, photons[:, lit], samples[:, lit]):
            total = part.sum(axis=0)
            without = total - part if len(blocks) > 1 else np.empty((0, len(total)))
            parts.append(np.concatenate([total[None], without]).astype(np.float64))
        if len(blocks) == 1:
            parts = [np.concatenate([part, np.full_like(part, np.nan)]) for part in parts]
        return cls(*parts)

    @property
    def mu(self) -> Floats:
        """Mean of each static bin; 0 where a replica has none of its pixels."""
        mean: Floats = np.divide(self.photons, self.samples, out=np.zeros_like(self.photons), where=self.samples > 0)
        return mean

    def moments(self) -> Floats:
        """Return the contrast by the second moment."""
        order = np.arange(1, self.tails.shape[1] + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            moment: Floats = (self.tails * order).sum(axis=1) / self.poisson_pairs() - 1
        return moment

    def poisson_pairs(self) -> Floats:
        """Return the pairs of photons in one pixel that there would be without contrast."""
        pairs: Floats = (self.samples * self.mu**2).sum(axis=1) / 2
        return pairs

    def score(self, beta: Floats) -> tuple[Floats, Floats]:
        """Return the derivative of the log-likelihood and its slope."""
        order = np.arange(1, self.tails.shape[1] + 1)
        share = order / (1 + beta[:, None] * order)
        mu = self.mu
        value, slope = _log_part(beta[:, None] * mu)
        first = (self.tails * share).sum(axis=1) + (self.samples * mu**2 * value).sum(axis=1)
        return first, -(self.tails * share**2).sum(axis=1) + (self.samples * mu**3 * slope).sum(axis=1)

    def solve(self) -> tuple[Floats, Floats]:
        """Return the roots of the scores and the slopes there, by Newton's method between bounds that close in."""
        n = len(self.tails)
        good = np.isfinite(self.photons).all(axis=1) & (self.tails.sum(axis=1) > 0)
        if not good.any():
            return np.full(n, np.nan), np.full(n, np.nan)
        part = _Problem(self.tails[good], self.photons[good], self.samples[good])
        last = part.tails.shape[1] - np.argmax(part.tails[:, ::-1] > 0, axis=1)
        low = -(1 - 1e-9) / np.maximum(last, part.mu.max(axis=1))
        high = np.full(len(low), 10.0)
        while (unbracketed := part.score(high)[0] > 0).any():
            high[unbracketed] *= 10
        beta = np.clip(part.moments(), 0.5 * low, 0.5 * high)
        for _ in range(200):
            value, slope = part.score(beta)
            low, high = np.where(value > 0, beta, low), np.where(value > 0, high, beta)
            with np.errstate(divide="ignore", invalid="ignore"):
                newton = beta - value / slope
            inside = (newton > low) & (newton < high)
            after = np.where(inside, newton, (low + high) / 2)
            step, beta = np.abs(after - beta), after
            if (step <= 1e-12 * (1 + np.abs(beta))).all():
                break
        roots, slopes = np.full((2, n), np.nan)
        roots[good], slopes[good] = beta, part.score(beta)[1]
        return roots, slopes


def _log_part(x: Floats) -> tuple[Floats, Floats]:
    """Return (ln(1 + x) - x) / x^2 and its derivative."""
    small = np.abs(x) < SMALL
    safe = np.where(small, 1.0, x)
    value = (np.log1p(safe) - safe) / safe**2
    slope = -1 / (safe * (1 + safe)) - 2 * value / safe
    powers = [(-1.0) ** (n + 1) / (n + 2) for n in range(TERMS)]
    series, derivative = (np.zeros_like(x) for _ in range(2))
    for n in reversed(range(TERMS)):
        series = series * x + powers[n]
        if n:
            derivative = derivative * x + n * powers[n]
    return np.where(small, series, value), np.where(small, derivative, slope)
