"""A twin of the user's own set-up: photons with given dynamics, as the beamline would write them."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from xpcs_nb.core import Geometry
from xpcs_nb.errors import OptionError
from xpcs_nb.simulation._measurement import Measurement, RawFormat, Truth, module_gaps, write_measurement
from xpcs_nb.simulation._setup import QMapLike, Relaxation, Setup, require_series

__all__ = ["simulate"]


def simulate(
    geometry: Geometry | None,
    qmap: QMapLike,
    flux: float | None,
    dynamics: Relaxation,
    *,
    folder: str | PathLike[str],
    n_frames: int = 1000,
    frame_time: float | None = None,
    intensity: ArrayLike | None = None,
    raw_format: RawFormat = "hdf5",
    name: str = "simulated",
    seed: int = 0,
) -> Measurement:
    r"""Simulate a measurement with your detector, mask and bins, and write raw file, metadata and qmap.

    Each pixel is an independent speckle whose intensity is Gamma distributed with contrast :math:`\beta` and decays at
    the rate of the pixel's own q; g2 of a pixel is :math:`1 + \beta e^{-2\Gamma\tau}` exactly (see `renewal_events`).
    The intensity is constant within a frame. What the bins, the mask and the light make of it is what a measurement
    would show.

    Parameters
    ----------
    geometry
        Of the detector; None takes the qmap's.
    qmap
        Mask and bins: a `QMap`, a qmap file, or a result (file or tree): then its SAXS-2D is the light.
    flux
        Mean counts a pixel and second over the used pixels; None takes the result's own.
    dynamics
        What is to be seen.
    folder
        Where to write ``<name>.h5`` (or as the format has it), ``<name>_metadata.hdf`` and ``<name>_qmap.hdf``.
    n_frames, frame_time
        Length of the series, and start to start of two frames (s); None takes the result's frame time.
    intensity
        Relative brightness of the pixels, shape (rows, columns). None: that of the result, averaged in static bins so
        that its noise is not simulated as structure; without a result the same everywhere.
    raw_format
        ``hdf5``, ``imm``, ``rigaku500k`` or ``rigaku3m``.
    name, seed
        Beginning of the file names; seed of the random numbers.

    Returns
    -------
    Measurement
        Paths and the truth: contrast and decay time at the centre of each dynamic bin.

    Raises
    ------
    OptionError
        If a number can't be used, or something that is not given is not known.
    QMapError
        If the qmap has no bins, or no geometry and none is given.
    """
    setup = Setup.of(geometry, qmap, flux, intensity)
    frame_time = setup.frame_time if frame_time is None else frame_time
    if frame_time is None:
        raise OptionError("frame_time is not known", hint="Give frame_time, in s, or a result.")
    require_series(n_frames, frame_time)
    if raw_format == "rigaku3m":
        setup.brightness[module_gaps(setup.qmap.shape)] = 0
    events = setup.events(dynamics, n_frames, frame_time, np.random.default_rng(seed), all_pixels=True)
    rate = dynamics.at(setup.q)
    with np.errstate(divide="ignore"):
        tau = 1 / (2 * rate)
    truth = Truth(
        D=np.nan if dynamics.D is None else dynamics.D,
        exponent=np.nan if dynamics.D is None else dynamics.exponent,
        beta=np.full(len(setup.q), dynamics.beta),
        tau=tau,
        q=setup.q,
        scattering_2d=setup.brightness * frame_time,
    )
    return write_measurement(
        Path(folder), name, events, setup.qmap, truth, frame_time=frame_time, raw_format=raw_format,
        geometry=setup.geometry,
    )  # fmt: skip
