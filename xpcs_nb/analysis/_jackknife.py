"""g2 of every dynamic bin, with errors that come from the spread between blocks of pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import MultitauSums

__all__ = ["G2Estimate", "blocks_dof", "g2_from_sums"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True)
class G2Estimate:
    """g2 with its uncertainty; T delays, D dynamic bins. A bin without pixels or photons is NaN.

    Attributes
    ----------
    g2, err
        Value and block-jackknife error, shape (T, D).
    cov
        Covariance between delays, shape (D, T, T); its diagonal is ``err**2``.
    err_pixels
        Standard deviation over pixels of the per-pixel g2, over sqrt(pixels), shape (T, D); None where the sums for
        it were not made.
    n_blocks
        Blocks that the error of each bin rests on, shape (D,); below 2 there is no error (NaN).
    """

    g2: Floats
    err: Floats
    cov: Floats
    err_pixels: Floats | None
    n_blocks: NDArray[np.int64]

    @property
    def dof(self) -> Floats:
        """Degrees of freedom of the errors, shape (D,); NaN where there is none."""
        return blocks_dof(self.n_blocks)


def blocks_dof(n_blocks: NDArray[np.int64]) -> Floats:
    """Return the degrees of freedom of errors by blocks: one less than there are; NaN for fewer than 2."""
    dof: Floats = np.where(n_blocks > 1, n_blocks - 1.0, np.nan)
    return dof


def g2_from_sums(sums: MultitauSums, static_to_dynamic: NDArray[np.int64], n_dynamic: int) -> G2Estimate:
    r"""Normalise symmetrically in static bins, average them to dynamic bins, and jackknife over blocks.

    With :math:`\langle\cdot\rangle_s` the mean over the pixels of static bin `s`,

    .. math:: g_2(d) = \frac{1}{|d|} \sum_{s \in d} \frac{\langle G\rangle_s}{\langle IP\rangle_s \langle IF\rangle_s}

    over the static bins with photons. The blocks of a dynamic bin are patches of neighbouring pixels that cut across
    all its static bins; with :math:`g_{-b}` the estimate without block `b` and `B` blocks,

    .. math:: \mathrm{cov} = \frac{B-1}{B} \sum_b (g_{-b} - \bar g)(g_{-b} - \bar g)^T .

    So the real change of g2 with q between the static bins does not count as noise, and neighbouring pixels that
    share a speckle stay together (docs/explanation/errors).

    Parameters
    ----------
    sums
        Sums over pixels in (static bin, block) cells.
    static_to_dynamic
        Dynamic bin of each static bin, from 0; -1 for none, shape (S,).
    n_dynamic
        Number of dynamic bins.
    """
    n_delays = sums.G.shape[-1]
    g2 = np.full((n_delays, n_dynamic), np.nan)
    cov = np.full((n_dynamic, n_delays, n_delays), np.nan)
    n_blocks = np.zeros(n_dynamic, dtype=np.int64)
    for d in range(n_dynamic):
        rows = np.flatnonzero(static_to_dynamic == d)
        if len(rows) == 0:
            continue
        cells = [part[rows] for part in (sums.G, sums.IP, sums.IF)]
        pixels = sums.n_pixels[rows]
        blocks = np.flatnonzero(pixels.sum(axis=0))
        totals = [cell.sum(axis=1) for cell in cells]
        g2[:, d] = _mean_of_bins(pixels.sum(axis=1)[:, None], *totals)
        n_blocks[d] = len(blocks)
        if len(blocks) < 2:
            continue
        without = [total[:, None] - cell[:, blocks] for total, cell in zip(totals, cells, strict=True)]
        left = (pixels.sum(axis=1)[:, None] - pixels[:, blocks])[:, :, None]
        spread = _mean_of_bins(left, *without)
        spread -= spread.mean(axis=0)
        cov[d] = (len(blocks) - 1) / len(blocks) * spread.T @ spread
    err = np.sqrt(np.diagonal(cov, axis1=1, axis2=2)).T.copy()
    return G2Estimate(g2, err, cov, _pixel_scatter(sums, static_to_dynamic, n_dynamic), n_blocks)


def _mean_of_bins(n_pixels: NDArray[np.int64], G: Floats, IP: Floats, IF: Floats) -> Floats:
    """Mean over static bins (axis 0) of n G / (IP IF); bins without photons are left out, not taken as 0."""
    denominator = IP * IF
    lit = denominator > 0
    ratio = np.divide(n_pixels * G, denominator, out=np.zeros_like(G), where=lit)
    n_lit = lit.sum(axis=0)
    mean: Floats = np.divide(ratio.sum(axis=0), n_lit, out=np.full(ratio.shape[1:], np.nan), where=n_lit > 0)
    return mean


def _pixel_scatter(sums: MultitauSums, static_to_dynamic: NDArray[np.int64], n_dynamic: int) -> Floats | None:
    if len(sums.pixel_g2_sum) == 0:
        return None
    filled = static_to_dynamic >= 0
    n = np.bincount(static_to_dynamic[filled], sums.n_pixels.sum(axis=1)[filled], minlength=n_dynamic)[:, None]
    enough = n > 1
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (sums.pixel_g2_square - sums.pixel_g2_sum**2 / n) / (n - 1)
    # Rounding can leave a variance of -1e-16 where all pixels agree.
    scatter = np.sqrt(np.maximum(variance, 0) / np.maximum(n, 1))
    scatter[~enough[:, 0]] = np.nan
    by_delay: Floats = scatter.T
    return by_delay
