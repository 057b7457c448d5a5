"""The dynamics of a measured result, as far as its photons tell them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import nnls

from xpcs_nb.analysis import fit_g2, multitau_dataset, usable_delays

__all__ = ["Dynamics", "coincidences", "decay", "frames_alike", "frames_summed", "measured_dynamics", "scatter_errors"]

#: A contrast outside of this is none that a detector could see.
BETA_RANGE = (1e-3, 1.0)
#: One decay makes way for several where that lowers chi2 by more: each has a weight and a time.
WORTH_SPREADING = 20.0
#: Decay times a factor of ten, when several are fitted; and the logarithm of the first (frames): faster ones rest on
#: two or three delays, which are the noisiest.
TIMES_PER_DECADE = 2
FASTEST = 0.5
#: Longest of them, as a part of the longest delay: slower decays can't be told from the baseline.
SLOWEST = 0.4


@dataclass(frozen=True)
class Dynamics:
    """Contrast, (mean) decay time (s), weights and times of the decays, and whether a fit gave them; see `Truth`."""

    beta: NDArray[np.float64]
    tau: NDArray[np.float64]
    spread: tuple[NDArray[np.float64], NDArray[np.float64]]
    fitted: NDArray[np.bool_]


def frames_summed(delay_frames: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many frames are summed at each delay of the usual grid: 1 to 8 frames, then 5..8 * 2^level."""
    return 2 ** np.ceil(np.log2(np.maximum(delay_frames / 8, 1))).astype(np.int64)


def frames_alike(tau: NDArray[np.float64], n_frames: int) -> NDArray[np.float64]:
    r"""Return :math:`\frac1N \sum_{ij} e^{-|i-j|/\tau}`, the frames that count as one; tau in frames.

    The mean of a pixel over N frames has the variance :math:`m/N + \beta m^2 \cdot` this :math:`/ N`.
    """
    a = np.exp(-1 / np.asarray(tau, dtype=np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        alike = (1 + a) / (1 - a) - 2 * a * (1 - a**n_frames) / (n_frames * (1 - a) ** 2)
    return np.where(a < 1 - 1e-9, alike, float(n_frames))


def decay(tau: NDArray[np.float64], delay_frames: NDArray[np.int64]) -> NDArray[np.float64]:
    r"""Return what multi-tau makes of :math:`e^{-k/\tau}`, shape (delays, *tau.shape); tau in frames.

    Sums of `m` frames multiply it by :math:`[\sinh(m/2\tau) / (m \sinh(1/2\tau))]^2`.
    """
    tau = np.asarray(tau, dtype=np.float64)
    m, k = (np.reshape(of, (-1,) + (1,) * tau.ndim) for of in (frames_summed(delay_frames), delay_frames))
    rate = np.maximum(0.5 / tau, 1e-12)
    # written with decaying exponentials: the growth is taken into the decay
    width = (np.expm1(-2 * m * rate) / (m * np.expm1(-2 * rate))) ** 2
    return np.asarray(width * np.exp(-2 * rate * (k - m + 1)), dtype=np.float64)


def coincidences(
    mean: NDArray[np.float64], labels: NDArray[np.int32], delay_frames: NDArray[np.int64], n_frames: int, n_bins: int
) -> NDArray[np.float64]:
    r"""Return the pairs of photons that g2 counts where nothing is correlated, shape (delays, bins).

    :math:`(N - k)\, w \sum_p m_p^2` with frames summed in groups of `w`; g2 then has at best the relative error
    :math:`1/\sqrt{\mathrm{pairs}}`.
    """
    squares = np.bincount(labels.ravel(), (mean**2).ravel(), minlength=n_bins + 1)[1:]
    pairs = np.maximum(n_frames - delay_frames, 0) * frames_summed(delay_frames)
    return np.asarray(pairs[:, None] * squares, dtype=np.float64)


def measured_dynamics(
    tree: xr.DataTree, mean: NDArray[np.float64], labels: NDArray[np.int32], n_frames: int
) -> Dynamics:
    """Return contrast and decay times of g2 - 1 of every dynamic bin.

    The errors that results hold of g2 are far too small where photons are rare, and a fit with them fails. So g2 is
    weighted by the number of photon pairs instead, with the scale of the errors from the scatter of neighbouring
    delays. Where one exponential fits much worse than a sum of them (times on a grid, contrasts by non-negative
    least squares), the sum is taken. Bins without a fit take single decays interpolated in log q between those with
    one (the nearest beyond the ends); if there is none, the photons tell no dynamics and the contrast is 0.
    """
    data = multitau_dataset(tree).load()
    n_bins = data.sizes["bin"]
    pairs = coincidences(mean, labels, data["delay_frames"].to_numpy(), n_frames, n_bins)
    data["g2_err"] = (("delay", "bin"), scatter_errors(data["g2"].transpose("delay", "bin").to_numpy(), pairs))
    fit = fit_g2(data.drop_vars([name for name in ("g2_cov",) if name in data]))
    good = fit["success"].to_numpy().astype(bool) & (fit["contrast"].to_numpy() <= BETA_RANGE[1])
    if not good.any():
        beta, tau = np.zeros(n_bins), np.full(n_bins, float(data["delay"][-1]))
        return Dynamics(beta, tau, (np.ones((1, n_bins)), tau[None]), good)
    log_q = np.log(data["q"].to_numpy())
    order = np.argsort(log_q[good])
    at = log_q[good][order]
    beta, tau = (
        np.exp(np.interp(log_q, at, np.log(values[good][order])))
        for values in (fit["contrast"].to_numpy(), 1 / (2 * fit["rate"].to_numpy()))
    )
    # bins may share a q (another phi): a fit of their own wins
    beta[good], tau[good] = fit["contrast"].to_numpy()[good], 1 / (2 * fit["rate"].to_numpy()[good])
    return _spread(data, np.clip(beta, *BETA_RANGE), tau, good)


def _spread(data: xr.Dataset, beta: NDArray[np.float64], tau: NDArray[np.float64], good: NDArray[np.bool_]) -> Dynamics:
    """Return the dynamics with several decays in the bins where one fits much worse."""
    frames = data["delay_frames"].to_numpy()
    step = float(data["delay"][0]) / frames[0]
    g2, err = (data[name].transpose("delay", "bin").to_numpy().astype(np.float64) for name in ("g2", "g2_err"))
    longest = max(np.log10(SLOWEST * frames[-1]), FASTEST)
    times = np.logspace(FASTEST, longest, int((longest - FASTEST) * TIMES_PER_DECADE) + 1)
    found: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    usable = usable_delays(data).transpose("delay", "bin").to_numpy() & np.isfinite(g2) & np.isfinite(err)
    for bin_ in range(len(beta)):
        weight, taus = np.ones(1), tau[bin_ : bin_ + 1]
        used = usable[:, bin_]
        if good[bin_]:
            points = g2[used, bin_], err[used, bin_], frames[used]
            contrast, chi2 = _decays(*points, times)
            if contrast.sum() <= BETA_RANGE[1] and _decays(*points, taus / step)[1] - chi2 > WORTH_SPREADING:
                beta[bin_] = contrast.sum()
                weight, taus = contrast[contrast > 0] / beta[bin_], times[contrast > 0] * step
                tau[bin_] = weight @ taus
        found.append((weight, taus))
    most = max(len(weight) for weight, _ in found)
    weights, spread = np.zeros((most, len(beta))), np.tile(tau, (most, 1))
    for bin_, (weight, taus) in enumerate(found):
        weights[: len(weight), bin_], spread[: len(taus), bin_] = weight, taus
    return Dynamics(beta, tau, (weights, spread), good)


def _decays(
    g2: NDArray[np.float64], err: NDArray[np.float64], frames: NDArray[np.int64], tau: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Return the contrast of each decay time (frames), relative to the baseline, and chi2 of the fit."""
    columns = np.column_stack([np.ones(len(frames)), decay(tau, frames)]) / err[:, None]
    solution, norm = nnls(columns, g2 / err)
    return solution[1:] / solution[0], float(norm) ** 2


def scatter_errors(g2: NDArray[np.float64], pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return errors of g2 that go with photon pairs and have the scatter of neighbouring delays; NaN where unknown."""
    err = np.full(pairs.shape, np.nan)
    err[pairs > 0] = 1 / np.sqrt(pairs[pairs > 0])
    step = np.abs(np.diff(g2, axis=0)) / np.hypot(err[1:], err[:-1])
    for bin_ in range(g2.shape[1]):
        known = step[np.isfinite(step[:, bin_]), bin_]
        err[:, bin_] *= 1.4826 * np.median(known) if len(known) else np.nan
    return err
