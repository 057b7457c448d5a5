"""What noise g2 will have: by formula, so that an experiment can be planned without simulating it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import DelayGrid
from xpcs_nb.simulation._twin_fit import frames_summed

__all__ = ["g2_covariance", "rate_error"]

type Floats = NDArray[np.float64]

#: A series shorter than this many decay times (of g2), or a decay by this many of them in one frame, tells nothing.
LEAST_DECAYS = 10.0
MOST_DECAYS_A_FRAME = 4.0
#: As in fits: delays of fewer pairs are not used.
MIN_PAIRS = 4


def g2_covariance(
    n_frames: int, decay: float, beta: float, kbar: float, n_pixels: float, *, speckle_area: float = 1.0
) -> Floats:
    r"""Return the covariance of g2 between the multi-tau delays of one bin, shape (T, T).

    To first order in the noise, symmetrically normalised :math:`g_2(\tau) - 1` fluctuates as the mean of
    :math:`\delta(t)\delta(t+\tau)` less :math:`2 c_\tau \bar\delta`, with :math:`\delta = k/\bar k - 1` and
    :math:`c_\tau = \beta e^{-\tau}` (times are in units of the decay time :math:`\tau_c` of g2 - 1, in frames). With
    the cumulants of Gamma distributed intensities, :math:`\kappa_2 = \beta e^{-|s|}`, :math:`\kappa_3 = 2\beta^2` and
    :math:`\kappa_4 = 6\beta^3` times the decay over the longest of the times between, and those of Poisson counts, the
    sums over all pairs of times are (`N` frames, `P` pixels, :math:`\delta` the difference, :math:`\Sigma` the sum and
    `+` the longer of two delays, `d` :math:`\delta` in frames, `m` frames summed at the delay)

    .. math::
        N P\, \mathrm{cov} &= \frac{g_2}{m \bar k^2} [\tau_1 = \tau_2]
        + \frac{2\beta}{\bar k} \left[ e^{-\delta} + e^{-\Sigma} + 2\beta (e^{-\tau_+} + e^{-\Sigma}) \right] \\
        &+ A \beta^2 \left[ (d + S_2) e^{-\delta} + (\Sigma_f + S_2) e^{-\Sigma}
        + 6\beta (d + S_1) e^{-\tau_+} \right] - 2 c_1 K_2 - 2 c_2 K_1 + 4 c_1 c_2 V , \\
        K_i &= 2 A \beta^2 (\tau_{i,f} + S_1) e^{-\tau_i} + \frac{2\beta}{\bar k} (1 + 2\beta) e^{-\tau_i}, \qquad
        V = A \beta S_1 + \frac{1}{\bar k} ,

    :math:`S_1 = \coth(1/2\tau_c)`, :math:`S_2 = \coth(1/\tau_c)`, the index `f` meaning frames. The first term is the
    shot noise: alone it gives the well-known :math:`(g_2 - 1)/\sigma = \beta e^{-\tau} \bar k \sqrt{N P m / g_2}`,
    linear in the counts and as the root of pixels and frames. The third is what speckles cost: their number,
    :math:`N P / (A \tau_c)`, is finite. `A` is the area of a speckle in pixels (1 where pixels are larger).

    Parameters
    ----------
    n_frames
        Length of the series.
    decay
        :math:`\tau_c = 1 / (2\Gamma t_f)`, frames.
    beta, kbar
        Contrast of a pixel, and its mean counts a frame.
    n_pixels
        Pixels of the bin.
    speckle_area
        A.
    """
    grid = DelayGrid(n_frames)
    delay, summed = grid.frames.astype(np.float64), frames_summed(grid.frames)
    tau = delay / decay
    one, two = 1 / np.tanh(0.5 / decay), 1 / np.tanh(1 / decay)
    apart, together = np.abs(delay[:, None] - delay), delay[:, None] + delay
    e_apart, e_together = np.exp(-apart / decay), np.exp(-together / decay)
    e_longer = np.exp(-np.maximum(tau[:, None], tau))
    left = beta * np.exp(-tau)
    shot = np.diag((1 + left) / (summed * kbar**2))
    mixed = 2 * beta / kbar * (e_apart + e_together + 2 * beta * (e_longer + e_together))
    speckle = (apart + two) * e_apart + (together + two) * e_together + 6 * beta * (apart + one) * e_longer
    lean = 2 * speckle_area * beta**2 * (delay + one) * np.exp(-tau) + 2 * beta / kbar * (1 + 2 * beta) * np.exp(-tau)
    mean = speckle_area * beta * one + 1 / kbar
    total = shot + mixed + speckle_area * beta**2 * speckle
    total += -2 * left[:, None] * lean - 2 * lean[:, None] * left + 4 * left[:, None] * left * mean
    pairs = n_frames - np.maximum(delay[:, None], delay)
    return np.asarray(total / (pairs * n_pixels), dtype=np.float64)


def rate_error(
    n_frames: int, decay: float, beta: float, kbar: float, n_pixels: float, *, speckle_area: float = 1.0
) -> float:
    """Return the relative error of the rate of a bin, fitted with free baseline and contrast; inf where it can't be.

    Weights are those of `fit_g2`, and the covariance is carried over to the parameters as it does.
    """
    if not (LEAST_DECAYS * decay <= n_frames and decay * MOST_DECAYS_A_FRAME >= 1 and kbar > 0 and n_pixels > 0):
        return np.inf
    grid = DelayGrid(n_frames)
    used = grid.n_pairs >= MIN_PAIRS
    covariance = g2_covariance(n_frames, decay, beta, kbar, n_pixels, speckle_area=speckle_area)[np.ix_(used, used)]
    tau = grid.frames[used] / decay
    shape = np.exp(-tau)
    jacobian = np.column_stack([np.ones_like(tau), shape, -beta * tau * shape])
    weighted = jacobian.T / np.diagonal(covariance)
    influence = np.linalg.solve(weighted @ jacobian, weighted)
    return float(np.sqrt((influence @ covariance @ influence.T)[2, 2]))
