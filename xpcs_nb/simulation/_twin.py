"""Twins: simulated raw data with the scattering and dynamics of a measurement whose raw data are not at hand."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.core import EventList
from xpcs_nb.errors import OptionError
from xpcs_nb.qmap import QMap
from xpcs_nb.results import open_result
from xpcs_nb.simulation._dynamics import Events, add_events, renewal_events
from xpcs_nb.simulation._measurement import Measurement, RawFormat, Truth, module_gaps, write_measurement
from xpcs_nb.simulation._twin_fit import Dynamics, frames_alike, measured_dynamics

__all__ = ["twin"]

#: Detectors known by their frames.
FORMATS: dict[tuple[int, int], RawFormat] = {(1676, 2100): "rigaku3m", (512, 1024): "rigaku500k"}


def twin(
    result: str | PathLike[str],
    folder: str | PathLike[str],
    *,
    n_frames: int | None = None,
    seed: int = 0,
    flux_scale: float = 1.0,
) -> Measurement:
    r"""Simulate a measurement from its result, and write it in the detector's own raw format.

    The mean counts of the static bins are those of the measured ``scattering_2d``. Within a static bin, pixels keep
    of their differences the part that photon noise and moving speckles do not explain: a pixel that saw two photons
    by chance, simulated with a mean of two photons, would give g2 a baseline of 1 + CV^2 that the measurement did not
    have. In each dynamic bin g2 is :math:`1 + \beta e^{-t/\tau}` with contrast and decay time as fitted to the
    measured g2, or a sum of such decays where one does not fit, or interpolated over q where the fit failed
    (``truth.fitted`` tells); if all fits failed, or outside of the bins, photons are uncorrelated. A drift of beam or
    sample is not copied as such (what it adds to the measured g2 looks like a slow decay), nor are speckles wider
    than a pixel, so the twin is the measurement as it would be under ideal conditions.

    Parameters
    ----------
    result
        Result file with multi-tau g2, scattering_2d and qmap.
    folder
        Where to write raw file (Rigaku by the shape of the frames, HDF5 otherwise), metadata and qmap; it is made.
    n_frames
        Length of the twin; None for that of the measurement.
    seed
        Of the random numbers.
    flux_scale
        Brightness of the twin over that of the measurement.

    Returns
    -------
    Measurement
        Its truth has NaN for D and exponent.

    Raises
    ------
    OptionError
        If the result does not tell its number of frames and `n_frames` is None, or `flux_scale` is not positive.
    MissingFileError, FileFormatError, MissingKeyError, CorruptDataError, QMapError
        If the file is no result, or lacks g2, scattering, qmap or geometry.
    """
    result = Path(result)
    if not 0 < flux_scale < np.inf:
        raise OptionError("flux_scale can't be used", got=flux_scale, expected="a positive number")
    qmap = QMap.from_result(result)
    raw_format = FORMATS.get(qmap.shape, "hdf5")
    with open_result(result) as tree:
        frame_time = float(tree.attrs["frame_time"])
        measured_frames = _measured_frames(tree, n_frames, result)
        mean = _pixel_mean(tree)
        labels = qmap.arrays.dynamic_roi_map
        dynamics = measured_dynamics(tree, mean, labels, measured_frames)
        q = tree["multitau"]["q"].to_numpy().astype(np.float64)
        bins = tree["multitau"]["bin"].to_numpy()
    # labels outside of the result's bins have no dynamics; index 0 stands for them
    slot = np.zeros(int(max(labels.max(), bins.max())) + 1, dtype=np.int64)
    slot[bins] = np.arange(1, len(bins) + 1)
    which = slot[labels.ravel()]
    step = dynamics.spread[1] / frame_time
    excess = dynamics.beta * (dynamics.spread[0] * frames_alike(step, measured_frames)).sum(axis=0)
    static = qmap.arrays.static_roi_map
    mean = _smoothed(mean, static, np.concatenate([[0.0], excess])[which], measured_frames) * flux_scale
    if raw_format == "rigaku3m":
        mean[module_gaps(qmap.shape)] = 0
    n_frames = measured_frames if n_frames is None else n_frames
    photons = _photons(mean, dynamics, frame_time, which, n_frames, np.random.default_rng(seed))
    truth = Truth(
        D=np.nan,
        exponent=np.nan,
        beta=dynamics.beta,
        tau=dynamics.tau,
        q=q,
        scattering_2d=mean,
        spread=dynamics.spread,
        fitted=dynamics.fitted,
    )
    name = f"{result.stem.removesuffix('_results')}_twin"
    events = EventList(*photons, n_frames, qmap.shape)
    return write_measurement(Path(folder), name, events, qmap, truth, frame_time=frame_time, raw_format=raw_format)


def _photons(
    mean: NDArray[np.float64],
    dynamics: Dynamics,
    frame_time: float,
    which: NDArray[np.int64],
    n_frames: int,
    rng: np.random.Generator,
) -> Events:
    """Return the photons; `which` is the place of each pixel's bin from 1, or 0 for uncorrelated photons."""
    series = []
    for number, (weight, tau) in enumerate(zip(*dynamics.spread, strict=True)):
        # the same ratio of mean to modes in each decay: their sum is a Gamma distribution again
        own = np.divide(dynamics.beta, weight, out=np.zeros_like(weight), where=weight > 0)
        # pixels outside of the bins have all their photons in the first series
        share, beta, decay = (
            np.concatenate([[outside], inside])[which]
            for outside, inside in ((float(number == 0), weight), (0.0, own), (1.0, tau / frame_time))
        )
        series.append(renewal_events(mean.ravel() * share, decay, beta, n_frames, rng))
    return series[0] if len(series) == 1 else add_events(series, n_frames)


def _measured_frames(tree: xr.DataTree, n_frames: int | None, path: Path) -> int:
    sizes = tree["saxs"].sizes
    if "time" in sizes:
        return int(sizes["time"])
    if n_frames is None:
        raise OptionError("the result does not tell its number of frames", path=path, hint="Give n_frames.")
    return n_frames


def _pixel_mean(tree: xr.DataTree) -> NDArray[np.float64]:
    mean = tree["saxs"]["scattering_2d"].transpose("y", "x").to_numpy().astype(np.float64)
    mean[~(np.isfinite(mean) & (mean > 0))] = 0
    return mean


def _smoothed(
    mean: NDArray[np.float64], static: NDArray[np.int32], excess: NDArray[np.float64], n_frames: int
) -> NDArray[np.float64]:
    """Return the means with the differences inside static bins that photon noise and moving speckles do not explain."""
    label = static.ravel()
    pixels = np.maximum(np.bincount(label), 1)
    center = np.bincount(label, mean.ravel()) / pixels
    offset = mean.ravel() - center[label]
    variance = np.bincount(label, offset**2) / pixels
    noise = (center + center**2 * np.bincount(label, excess) / pixels) / n_frames
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(variance > noise, 1 - noise / variance, 0.0)
    # the root keeps the variance that is left; the best guess of each pixel (no root) would make it too small
    smooth = np.maximum(center[label] + np.sqrt(own[label]) * offset, 0)
    kept = np.bincount(label, smooth) / pixels
    smooth *= np.divide(center, kept, out=np.zeros_like(kept), where=kept > 0)[label]
    return np.where(static > 0, smooth.reshape(mean.shape), mean)
