"""A processed twin against what it was made with, and against the measurement."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import chi2

from xpcs_nb.analysis import multitau_dataset, usable_delays
from xpcs_nb.errors import OptionError
from xpcs_nb.qmap import QMap
from xpcs_nb.results import open_result
from xpcs_nb.simulation._measurement import Measurement, Truth
from xpcs_nb.simulation._twin_fit import coincidences, decay, frames_alike, scatter_errors

__all__ = ["Pulls", "TwinReport", "compare_twin"]

#: Photon pairs below which a point of g2 is so far from normally distributed that pulls mean nothing.
LEAST_PAIRS = 30.0


@dataclass(frozen=True)
class Pulls:
    """Differences in units of their errors.

    Attributes
    ----------
    mean, std
        Mean and standard deviation; 0 and 1 for calibrated errors. Points of one curve are correlated.
    within
        Fraction within one error; 0.683 for calibrated errors.
    n
        Number of points; NaN above when 0.
    """

    mean: float
    std: float
    within: float
    n: int

    @classmethod
    def of(cls, difference: NDArray[np.float64], error: NDArray[np.float64]) -> Pulls:
        """Return the pulls of the finite differences with a positive error."""
        usable = np.isfinite(difference) & np.isfinite(error) & (error > 0)
        pulls = difference[usable] / error[usable]
        if not len(pulls):
            return cls(np.nan, np.nan, np.nan, 0)
        return cls(float(pulls.mean()), float(pulls.std()), float((np.abs(pulls) < 1).mean()), len(pulls))

    def __str__(self) -> str:
        if not self.n:
            return "no point with enough photons"
        return f"mean {self.mean:+.2f}, std {self.std:.2f}, {self.within:.0%} within 1 error ({self.n} points)"


@dataclass(frozen=True)
class TwinReport:
    """How far a processed twin agrees with what is known.

    Attributes
    ----------
    saxs_chi2, saxs_dof, saxs_p
        SAXS-1D of the twin against the measured mean counts it was made with, and the probability of a larger chi2;
        the variance is that of Poisson counts of speckles.
    saxs_ratio
        Photons of the twin in all static bins over those expected.
    g2_known
        g2 of the twin minus its own known curve, over the twin's error.
    g2_measured
        g2 of the twin minus that measured, over both errors. That of the measurement is the one in its file or, where
        larger, what the scatter of neighbouring delays tells: files hold errors far too small where photons are rare.
    worst_bin, worst_rms
        Label of the dynamic bin (of those with 5 points or more) that is furthest from the measurement, and the root
        mean square of its pulls; 0 and NaN if there is none. A few bins with a signal are lost among many without.
    """

    saxs_chi2: float
    saxs_dof: int
    saxs_p: float
    saxs_ratio: float
    g2_known: Pulls
    g2_measured: Pulls
    worst_bin: int
    worst_rms: float

    def __str__(self) -> str:
        return "\n".join(
            [
                f"SAXS-1D, twin against measured   chi2/dof {self.saxs_chi2 / max(self.saxs_dof, 1):.3f}"
                f" ({self.saxs_dof} static bins), p = {self.saxs_p:.3f}; photons {self.saxs_ratio:.5f} of expected",
                f"g2, twin against known curve     {self.g2_known}",
                f"g2, twin against measured        {self.g2_measured}",
                f"  furthest from it: bin {self.worst_bin}, rms {self.worst_rms:.2f}",
            ]
        )


def compare_twin(measurement: Measurement, tree: xr.DataTree, like: str | PathLike[str]) -> TwinReport:
    """Compare a processed twin with its truth and with the measurement.

    Points of g2 that count fewer than 30 photon pairs are left out: they are far from normally distributed.

    Parameters
    ----------
    measurement
        The twin (or any simulated measurement).
    tree
        Its result, processed with the whole series and without frame averaging.
    like
        Result file of the measurement.

    Raises
    ------
    OptionError
        If the results have other bins, or one lacks g2, errors, scattering or the number of frames.
    MissingFileError, FileFormatError, MissingKeyError, CorruptDataError
        If `like` is no result.
    """
    if "saxs" not in tree.children or "time" not in tree["saxs"].sizes:
        raise OptionError("the twin's result can't be used", expected="scattering and intensity of each frame")
    n_frames = int(tree["saxs"].sizes["time"])
    qmap = QMap.from_file(measurement.qmap)
    statistic, dof, ratio = _saxs(measurement.truth, tree, qmap, n_frames)
    twin = multitau_dataset(tree).load()
    if twin.sizes["bin"] != len(measurement.truth.q):
        raise OptionError("the twin's result has other bins", got=twin.sizes["bin"], expected=len(measurement.truth.q))
    delay_frames = twin["delay_frames"].to_numpy()
    mean = np.where(qmap.arrays.mask, measurement.truth.scattering_2d, 0)
    pairs = coincidences(mean, qmap.arrays.dynamic_roi_map, delay_frames, n_frames, twin.sizes["bin"])
    used = usable_delays(twin).to_numpy() & (pairs >= LEAST_PAIRS)
    g2, error = (twin[name].transpose("delay", "bin").to_numpy() for name in ("g2", "g2_err"))
    known = known_g2(measurement.truth, twin["delay"].to_numpy(), delay_frames) * _baseline(mean, qmap, n_frames)
    difference, both = _against(Path(like), delay_frames, np.where(used, g2, np.nan), error, pairs)
    worst_bin, worst_rms = _worst(difference, both)
    return TwinReport(
        saxs_chi2=statistic,
        saxs_dof=dof,
        saxs_p=float(chi2.sf(statistic, dof)),
        saxs_ratio=ratio,
        g2_known=Pulls.of((g2 - known)[used], error[used]),
        g2_measured=Pulls.of(difference, both),
        worst_bin=worst_bin,
        worst_rms=worst_rms,
    )


def known_g2(truth: Truth, delay: NDArray[np.float64], delay_frames: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the expected multi-tau g2, shape (delays, bins), with the sums of frames at later levels."""
    contrast, tau = truth.decays()
    step = delay[0] / delay_frames[0]
    return np.asarray(1 + (contrast * decay(tau / step, delay_frames)).sum(axis=1), dtype=np.float64)


def _baseline(mean: NDArray[np.float64], qmap: QMap, n_frames: int) -> NDArray[np.float64]:
    r"""Return the factor on g2 of each dynamic bin, from pixels that differ and photons that are few, shape (bins,).

    A static bin has :math:`\langle m^2 \rangle / \langle m \rangle^2` from its pixels; and its `n` photons make at most
    :math:`n (n - 1)` pairs where the normalisation counts :math:`n^2`.
    """
    static, dynamic = (getattr(qmap.arrays, f"{kind}_roi_map").ravel() for kind in ("static", "dynamic"))
    pixels = np.bincount(static)
    first, second = np.bincount(static, mean.ravel()), np.bincount(static, mean.ravel() ** 2)
    owner = np.zeros(len(pixels), dtype=np.int64)
    owner[static] = dynamic
    lit = (first > 0) & (np.arange(len(pixels)) > 0)
    factor = pixels[lit] * second[lit] / first[lit] ** 2 * (1 - 1 / np.maximum(first[lit] * n_frames, 1))
    bins = int(dynamic.max()) + 1
    total, number = np.bincount(owner[lit], factor, bins)[1:], np.bincount(owner[lit], minlength=bins)[1:]
    return np.asarray(total / np.maximum(number, 1), dtype=np.float64)


def _saxs(truth: Truth, tree: xr.DataTree, qmap: QMap, n_frames: int) -> tuple[float, int, float]:
    """Return chi2, degrees of freedom and ratio of photons in the static bins."""
    counts = tree["saxs"]["scattering_2d"].transpose("y", "x").to_numpy().astype(np.float64) * n_frames
    label, dynamic = (getattr(qmap.arrays, f"{kind}_roi_map").ravel() for kind in ("static", "dynamic"))
    expected = truth.scattering_2d.ravel() * n_frames
    contrast, tau = truth.decays()
    alike = frames_alike(tau / float(tree.attrs["frame_time"]), n_frames)
    excess = np.concatenate([[0.0], (contrast * alike).sum(axis=0)])
    slot = np.where(dynamic <= len(truth.q), dynamic, 0)
    variance = expected + expected**2 / n_frames * excess[slot]
    found, wanted, spread = (
        np.bincount(label, np.where(label > 0, values, 0))[1:] for values in (counts.ravel(), expected, variance)
    )
    lit = wanted > 0
    statistic = float(((found - wanted)[lit] ** 2 / spread[lit]).sum())
    return statistic, int(lit.sum()), float(found[lit].sum() / wanted[lit].sum())


def _worst(difference: NDArray[np.float64], error: NDArray[np.float64]) -> tuple[int, float]:
    """Return the label and the rms pull of the bin with the largest, or 0 and NaN."""
    usable = np.isfinite(difference) & np.isfinite(error) & (error > 0)
    points = usable.sum(axis=0)
    square = np.zeros(difference.shape)
    square[usable] = (difference[usable] / error[usable]) ** 2
    rms = np.sqrt(np.divide(square.sum(axis=0), points, out=np.zeros(len(points)), where=points >= 5))
    return (int(rms.argmax()) + 1, float(rms.max())) if (points >= 5).any() else (0, np.nan)


def _against(
    like: Path,
    delay_frames: NDArray[np.int64],
    g2: NDArray[np.float64],
    error: NDArray[np.float64],
    pairs: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return difference from the measured g2 and the error of it, (delays, bins), at the delays that both have."""
    with open_result(like) as measured:
        other = multitau_dataset(measured).load()
    if other.sizes["bin"] != g2.shape[1]:
        raise OptionError("the measurement has other bins", path=like, got=other.sizes["bin"], expected=g2.shape[1])
    usable = usable_delays(other).transpose("delay", "bin").to_numpy()
    _, mine, theirs = np.intersect1d(delay_frames, other["delay_frames"].to_numpy(), return_indices=True)
    other_g2, other_error = (other[name].transpose("delay", "bin").to_numpy()[theirs] for name in ("g2", "g2_err"))
    difference = np.where(usable[theirs], g2[mine] - other_g2, np.nan)
    scatter = scatter_errors(np.where(usable[theirs], other_g2, np.nan), pairs[mine])
    return difference, np.hypot(error[mine], np.fmax(other_error, scatter))
