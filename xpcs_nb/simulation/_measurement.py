"""A simulated measurement: raw file, metadata and qmap as a beamline leaves them, and the truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.core import EventList, Geometry
from xpcs_nb.errors import OptionError
from xpcs_nb.frames._rigaku import GAP, MODULE_SHAPE, SHAPE_3M
from xpcs_nb.qmap import QMap, partition
from xpcs_nb.simulation._dynamics import dim_events, renewal_events
from xpcs_nb.simulation._metadata import write_metadata
from xpcs_nb.simulation._raw_hdf5 import write_hdf5
from xpcs_nb.simulation._raw_imm import write_imm
from xpcs_nb.simulation._raw_rigaku import write_rigaku3m, write_rigaku500k

__all__ = ["Measurement", "RawFormat", "Truth", "module_gaps", "simulate_measurement", "write_measurement"]

RawFormat = Literal["hdf5", "imm", "rigaku500k", "rigaku3m"]
WRITERS: dict[str, tuple[str, Any]] = {
    "hdf5": (".h5", write_hdf5),
    "imm": (".imm", write_imm),
    "rigaku500k": (".bin", write_rigaku500k),
    "rigaku3m": (".bin.000", write_rigaku3m),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    r"""What a simulated measurement was made with: :math:`g_2 = 1 + \beta \sum_j w_j e^{-t/\tau_j}` in each bin.

    Attributes
    ----------
    D
        Diffusion coefficient, angstrom^exponent / s, of :math:`\Gamma = 1/(2\tau) = D q^n`; NaN in twins.
    exponent
        n; NaN in twins.
    beta
        Contrast of each dynamic bin, shape (n_dynamic,).
    tau
        Decay time of g2 - 1 of each dynamic bin, s, shape (n_dynamic,); the mean one where they are spread.
    q
        Centre of each dynamic bin, 1/angstrom, shape (n_dynamic,).
    scattering_2d
        Mean counts a frame of each pixel, shape (rows, columns).
    spread
        In twins: weights w and decay times (s) of the decays that make g2, each of shape (decays, n_dynamic), weights
        summing to 1; None where each bin has one decay.
    fitted
        In twins: True where the bin's own fit gave beta and tau, shape (n_dynamic,); None in other simulations.
    """

    D: float
    exponent: float
    beta: NDArray[np.float64]
    tau: NDArray[np.float64]
    q: NDArray[np.float64]
    scattering_2d: NDArray[np.float64] = field(repr=False)
    spread: tuple[NDArray[np.float64], NDArray[np.float64]] | None = field(default=None, repr=False)
    fitted: NDArray[np.bool_] | None = None

    def decays(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return contrast and decay time (s) of each decay, shapes (decays, n_dynamic)."""
        if self.spread is None:
            return self.beta[None], self.tau[None]
        weight, tau = self.spread
        return self.beta * weight, tau

    def g2(self, delay: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return g2 at delays (s), shape (delays, n_dynamic)."""
        contrast, tau = self.decays()
        time = np.asarray(delay, np.float64)[:, None, None]
        return np.asarray(1 + (contrast * np.exp(-time / tau)).sum(axis=1), dtype=np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Measurement:
    """Files of a simulated measurement, and the truth about it."""

    raw: Path
    metadata: Path
    qmap: Path
    truth: Truth


def simulate_measurement(
    folder: str | PathLike[str],
    *,
    shape: tuple[int, int] = (256, 256),
    n_frames: int = 1000,
    frame_time: float = 0.1,
    mean_counts: float = 0.5,
    D: float = 9000.0,
    beta: float = 0.25,
    n_dynamic: int = 8,
    n_static: int = 80,
    geometry: Geometry | None = None,
    flux: ArrayLike | None = None,
    raw_format: RawFormat = "hdf5",
    name: str = "A001_brownian",
    seed: int = 0,
) -> Measurement:
    r"""Simulate Brownian motion and write ``<name>.h5``, ``<name>_metadata.hdf`` and ``<name>_qmap.hdf``.

    Every pixel of a dynamic bin has the decay time :math:`\tau = 1/(2 D q^2)` of the bin's centre, so g2 of a bin is
    exactly one exponential; pixels outside of the bins have that of their own q. The mean falls as 1/q over the
    detector. See `renewal_events` for the statistics; pixels are independent speckles. A static bin of few pixels
    biases g2 by :math:`(1 + \beta)/(1 + \beta/n)` where speckles stand still: the defaults have n > 150.

    Parameters
    ----------
    folder
        Where to write; it is made.
    shape, n_frames, frame_time
        (rows, columns), frames, s.
    mean_counts
        Mean counts a frame of the used pixels.
    D
        angstrom^2/s. The default makes :math:`\Gamma` x frame time about 0.02 to 0.3 over the default bins.
    beta
        Contrast.
    n_dynamic, n_static
        Numbers of bins in q, the latter a multiple of the former.
    geometry
        Of the detector; None puts the beam near the first pixel and the detector where q does not depend on `shape`.
    flux
        Relative flux of each frame, shape (n_frames,); `mean_counts` is the mean over the series all the same. It
        multiplies g2 without frame normalisation as `dim_events` says. None for a steady beam.
    raw_format
        Format of the raw file.
    name, seed
        Start of the file names; seed of the random numbers.

    Raises
    ------
    OptionError
        If a number makes no sense, or the format can't hold frames of `shape`.
    QMapError
        If the bins do not fit the detector.
    """
    if not (n_frames >= 2 and frame_time > 0 and mean_counts > 0 and D > 0 and beta >= 0):
        raise OptionError(
            "no such measurement",
            got=f"n_frames={n_frames}, frame_time={frame_time}, mean_counts={mean_counts}, D={D}, beta={beta}",
            expected="at least 2 frames and positive values (beta: or 0)",
        )
    geometry = geometry or _default_geometry(shape)
    live = ~module_gaps(shape) if raw_format == "rigaku3m" else np.ones(shape, dtype=bool)
    qmap, lit = _bins(geometry, shape, live, (n_dynamic, n_static))
    q_map = geometry.q_phi(shape)[0]
    q = qmap.arrays.bin_centers("dynamic")[0]
    mean = np.zeros(shape)
    mean[lit] = 1 / q_map[lit]
    mean *= mean_counts / mean[qmap.arrays.mask].mean()
    label = qmap.arrays.dynamic_roi_map
    q_pixel = np.where(label > 0, q[label - 1], np.maximum(q_map, q_map[lit].min()))
    rng = np.random.default_rng(seed)
    decay = 1 / (2 * D * q_pixel.ravel() ** 2 * frame_time)
    if flux is None:
        photons = renewal_events(mean.ravel(), decay, beta, n_frames, rng)
    else:
        brightest = _brightest(flux, n_frames)
        photons = dim_events(renewal_events(mean.ravel() * brightest, decay, beta, n_frames, rng), flux, rng)
    truth = Truth(D=D, exponent=2.0, beta=np.full(len(q), float(beta)), tau=1 / (2 * D * q**2), q=q, scattering_2d=mean)
    events = EventList(*photons, n_frames, shape)
    return write_measurement(Path(folder), name, events, qmap, truth, frame_time=frame_time, raw_format=raw_format)


def write_measurement(
    folder: Path,
    name: str,
    events: EventList,
    qmap: QMap,
    truth: Truth,
    *,
    frame_time: float,
    raw_format: RawFormat,
    geometry: Geometry | None = None,
) -> Measurement:
    """Write raw file, metadata and qmap of a series; the geometry is that of the qmap where none is given."""
    if raw_format not in WRITERS:
        raise OptionError("no such raw format", got=repr(raw_format), expected=" or ".join(WRITERS))
    suffix, write = WRITERS[raw_format]
    folder.mkdir(parents=True, exist_ok=True)
    geometry = geometry or qmap.geometry
    return Measurement(
        raw=write(folder / f"{name}{suffix}", events),
        metadata=write_metadata(
            folder / f"{name}_metadata.hdf",
            frame_time=frame_time,
            energy=geometry.energy,
            distance=geometry.detector_distance,
            pixel_size=geometry.pixel_size,
            beam_center=(geometry.beam_center_x, geometry.beam_center_y),
        ),
        qmap=qmap.save(folder / f"{name}_qmap.hdf", overwrite=True),
        truth=truth,
    )


def _brightest(flux: ArrayLike, n_frames: int) -> float:
    """Return the largest flux over the mean."""
    relative = np.asarray(flux, dtype=np.float64)
    if relative.shape != (n_frames,) or not (np.isfinite(relative) & (relative >= 0)).all() or not relative.any():
        raise OptionError("flux can't be used", got=relative.shape, expected=f"({n_frames},), finite, >= 0, not all 0")
    return float(relative.max() / relative.mean())


def module_gaps(shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return True in the gaps between the modules of a Rigaku 3M.

    Raises
    ------
    OptionError
        If frames of a Rigaku 3M have another shape.
    """
    if tuple(shape) != SHAPE_3M:
        raise OptionError("not the frame of a Rigaku 3M", got=shape, expected=SHAPE_3M)
    row, column = (
        np.arange(n) % (module + gap) >= module for n, module, gap in zip(shape, MODULE_SHAPE, GAP, strict=True)
    )
    gaps: NDArray[np.bool_] = row[:, None] | column[None, :]
    return gaps


def _default_geometry(shape: tuple[int, int]) -> Geometry:
    """Return a geometry with the beam near the first pixel and the same q at the far side for every shape."""
    rows, columns = shape
    return Geometry(
        energy=10.0,
        detector_distance=5.0 * max(shape) / 256,
        pixel_size=75e-6,
        beam_center_x=0.02 * columns,
        beam_center_y=0.02 * rows,
    )


def _bins(
    geometry: Geometry, shape: tuple[int, int], live: NDArray[np.bool_], bins: tuple[int, int]
) -> tuple[QMap, NDArray[np.bool_]]:
    """Return the partition, from 1/4 of the q at the far end of an edge, and the pixels outside the beam stop."""
    q_map = geometry.q_phi(shape)[0]
    far = min(max(q_map[0, -1], q_map[-1, 0]), q_map.max())
    lit = live & (q_map > max(0.1 * far, q_map.min()))
    low = max(0.25 * far, float(q_map[lit].min()))
    qmap = partition(geometry, shape, lit, q=bins, q_range=(low, 0.97 * float(far)))
    return qmap, lit
