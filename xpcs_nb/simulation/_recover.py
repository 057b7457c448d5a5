"""Injection and recovery: what a measurement would have found, had the dynamics been known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.analysis import fit_dispersion, fit_g2, g2_from_sums
from xpcs_nb.core import DelayGrid, EventList, FrameRange, Geometry
from xpcs_nb.errors import FitError, OptionError
from xpcs_nb.frames import open_frames
from xpcs_nb.reduction import reduce_multitau
from xpcs_nb.simulation._setup import QMapLike, Relaxation, Setup, require_series

__all__ = ["recover"]

type Progress = Callable[[int, int], None]
type Floats = NDArray[np.float64]


def recover(
    geometry: Geometry | None,
    qmap: QMapLike,
    flux: float | None,
    dynamics: Relaxation,
    *,
    D: Sequence[float] | None = None,
    n_frames: int = 1000,
    frame_time: float | None = None,
    repeats: int = 10,
    intensity: ArrayLike | None = None,
    normalize_frame: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Simulate a set-up with known D, many times, and reduce and fit each series as a measurement.

    It answers which D could be seen, with which error, and how biased: g2 by the multi-tau estimator with jackknife
    errors, single exponentials for each bin (`fit_g2`), and :math:`\Gamma = D q^n` with the exponent held
    (`fit_dispersion`). Nothing is written to disk.

    Parameters
    ----------
    geometry, qmap, flux, intensity
        The set-up, as for `simulate`.
    dynamics
        Contrast and exponent; its D is injected where `D` is not given.
    D
        Values to inject, angstrom^n/s.
    n_frames, frame_time
        Of one series.
    repeats
        Series for each D.
    normalize_frame
        As in `correlate`.
    seed
        Of the random numbers.
    progress
        Called with (series done, series in all).

    Returns
    -------
    xarray.Dataset
        By ``D`` and ``repeat``: ``D_fit``, ``D_err``, ``status`` (``ok``, or why there is none; values are NaN then);
        and by ``bin`` too: ``rate``, ``rate_err``. By ``D``: ``seen`` (fraction of repeats with a fit), ``bias``
        (mean of D_fit / D - 1) with ``bias_err``, ``scatter`` (standard deviation of D_fit / D), ``reported``
        (median of D_err / D), ``coverage`` (fraction of abs(D_fit - D) < D_err). With fewer than 2 fits these are NaN.

    Raises
    ------
    OptionError
        If an option can't be used.
    QMapError
        If the qmap has no bins or no geometry.
    """
    values = [dynamics.D] if D is None else list(D)
    if repeats < 1 or not values or any(value is None or not value > 0 for value in values):
        raise OptionError(
            "nothing to inject", got=f"D={D}, repeats={repeats}", expected="positive D, 1 or more repeats"
        )
    setup = Setup.of(geometry, qmap, flux, intensity)
    frame_time = setup.frame_time if frame_time is None else frame_time
    if frame_time is None:
        raise OptionError("frame_time is not known", hint="Give frame_time, in s, or a result.")
    require_series(n_frames, frame_time)
    shape = (len(values), repeats)
    found, error = np.full(shape, np.nan), np.full(shape, np.nan)
    rates = np.full((2, *shape, len(setup.q)), np.nan)
    status = np.full(shape, "ok", dtype=object)
    streams = np.random.default_rng(seed).spawn(len(values) * repeats)
    for number, rng in enumerate(streams):
        place = divmod(number, repeats)
        injected = replace(dynamics, D=values[place[0]], rate=None)
        events = setup.events(injected, n_frames, frame_time, rng, all_pixels=False)
        fit = fit_g2(_g2(setup, events, frame_time, normalize_frame=normalize_frame))
        rates[0][place], rates[1][place] = fit["rate"].to_numpy(), fit["rate_err"].to_numpy()
        try:
            law = fit_dispersion(fit, exponent=dynamics.exponent)
            found[place], error[place] = law.D, law.D_err
        except FitError as reason:
            status[place] = str(reason)
        if progress is not None:
            progress(number + 1, len(streams))
    return _dataset(setup, np.array(values, dtype=np.float64), (found, error, rates, status.astype(str)), dynamics)


def _g2(setup: Setup, events: EventList, frame_time: float, *, normalize_frame: bool) -> xr.Dataset:
    """Reduce a series in memory to the dataset that fits take."""
    labels = setup.labels
    with open_frames(events) as source:
        sums, _, _ = reduce_multitau(
            source,
            labels,
            FrameRange(0, events.n_frames),
            blemish=np.ones(labels.shape, dtype=bool),
            normalize_frame=normalize_frame,
        )
    estimate, grid = g2_from_sums(sums, labels.static_to_dynamic, labels.n_dynamic), DelayGrid(events.n_frames)
    return xr.Dataset(
        {
            "g2": (("delay", "bin"), estimate.g2),
            "g2_err": (("delay", "bin"), estimate.err),
            "g2_cov": (("bin", "delay", "delay2"), estimate.cov),
            "g2_dof": ("bin", estimate.dof),
        },
        coords={
            "delay": ("delay", grid.frames * frame_time, {"units": "s"}),
            "n_pairs": ("delay", grid.n_pairs),
            "bin": np.arange(1, labels.n_dynamic + 1),
            "q": ("bin", setup.q, {"units": "1/angstrom"}),
        },
    )


def _dataset(
    setup: Setup, D: Floats, found: tuple[Floats, Floats, Floats, NDArray[np.str_]], dynamics: Relaxation
) -> xr.Dataset:
    D_fit, D_err, rates, status = found
    unit = f"angstrom^{dynamics.exponent:g}/s"
    grid = ("D", "repeat")
    ratio = D_fit / D[:, None]
    fitted = np.isfinite(ratio)
    n = fitted.sum(axis=1)
    mean, scatter, reported, coverage = np.full((4, len(D)), np.nan)
    for row in np.flatnonzero(n >= 2):
        kept = ratio[row, fitted[row]]
        own = (D_err[row] / D[row])[fitted[row]]
        mean[row], scatter[row], reported[row] = kept.mean(), kept.std(ddof=1), np.median(own)
        coverage[row] = np.mean(np.abs(kept - 1) < own)
    bias_err = np.divide(scatter, np.sqrt(n), out=np.full(len(D), np.nan), where=n >= 2)

    def about(text: str, units: str = "1") -> dict[str, str]:
        return {"units": units, "long_name": text}

    return xr.Dataset(
        {
            "D_fit": (grid, D_fit, about("recovered coefficient", unit)),
            "D_err": (grid, D_err, about("reported error of the coefficient", unit)),
            "status": (grid, status, about("ok, or why there is no coefficient")),
            "rate": ((*grid, "bin"), rates[0], about("recovered relaxation rate", "1/s")),
            "rate_err": ((*grid, "bin"), rates[1], about("reported error of the relaxation rate", "1/s")),
            "seen": ("D", n / ratio.shape[1], about("fraction of repeats with a fit")),
            "bias": ("D", mean - 1, about("mean of recovered over injected, less 1")),
            "bias_err": ("D", bias_err, about("standard error of the bias")),
            "scatter": ("D", scatter, about("standard deviation of recovered over injected")),
            "reported": ("D", reported, about("median of reported error over injected")),
            "coverage": ("D", coverage, about("fraction within one reported error")),
        },
        coords={
            "D": ("D", D, about("injected coefficient", unit)),
            "repeat": np.arange(ratio.shape[1]),
            "bin": np.arange(1, len(setup.q) + 1),
            "q": ("bin", setup.q, about("centre of the bin", "1/angstrom")),
        },
        attrs={"exponent": dynamics.exponent, "beta": dynamics.beta},
    )
