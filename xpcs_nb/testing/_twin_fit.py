"""The dynamics of a measured result, as far as its photons tell them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.analysis import fit_g2, multitau_dataset

__all__ = ["coincidences", "frames_alike", "frames_summed", "measured_dynamics"]

#: A contrast outside of this is none that a detector could see.
BETA_RANGE = (1e-3, 1.0)


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
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return contrast, decay time of g2 - 1 (s), and where a fit gave them, of every dynamic bin.

    The errors that results hold of g2 are far too small where photons are rare, and a fit with them fails. So g2 is
    weighted by the number of photon pairs instead, with the scale of the errors from the scatter of neighbouring
    delays. Bins without a fit take values interpolated in log q between those with one (the nearest beyond the ends);
    if there is none, the photons tell no dynamics and the contrast is 0.
    """
    data = multitau_dataset(tree).load()
    n_bins = data.sizes["bin"]
    pairs = coincidences(mean, labels, data["delay_frames"].to_numpy(), n_frames, n_bins)
    data["g2_err"] = (("delay", "bin"), _errors(data["g2"].transpose("delay", "bin").to_numpy(), pairs))
    fit = fit_g2(data.drop_vars([name for name in ("g2_cov",) if name in data]))
    good = fit["success"].to_numpy().astype(bool) & (fit["contrast"].to_numpy() <= BETA_RANGE[1])
    if not good.any():
        return np.zeros(n_bins), np.full(n_bins, float(data["delay"][-1])), good
    log_q = np.log(data["q"].to_numpy())
    order = np.argsort(log_q[good])
    at = log_q[good][order]
    beta, tau = (
        np.exp(np.interp(log_q, at, np.log(values[good][order])))
        for values in (fit["contrast"].to_numpy(), 1 / (2 * fit["rate"].to_numpy()))
    )
    # bins may share a q (another phi): a fit of their own wins
    beta[good], tau[good] = fit["contrast"].to_numpy()[good], 1 / (2 * fit["rate"].to_numpy()[good])
    return np.clip(beta, *BETA_RANGE), tau, good


def _errors(g2: NDArray[np.float64], pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return errors of g2 that go with photon pairs and have the scatter of neighbouring delays; NaN where unknown."""
    err = np.full(pairs.shape, np.nan)
    err[pairs > 0] = 1 / np.sqrt(pairs[pairs > 0])
    step = np.abs(np.diff(g2, axis=0)) / np.hypot(err[1:], err[:-1])
    for bin_ in range(g2.shape[1]):
        known = step[np.isfinite(step[:, bin_]), bin_]
        err[:, bin_] *= 1.4826 * np.median(known) if len(known) else np.nan
    return err
