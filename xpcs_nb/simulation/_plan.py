"""Which frame time, series length and repeats give a wanted error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.core import Geometry
from xpcs_nb.errors import OptionError
from xpcs_nb.simulation._noise import rate_error
from xpcs_nb.simulation._setup import QMapLike, Relaxation, Setup

__all__ = ["Plan", "plan"]

type Floats = NDArray[np.float64]

#: Frame times that are looked at, in units of the shortest and the longest decay time of g2; and series lengths.
FRAME_TIMES = (0.02, 0.5)
N_FRAMES = tuple(1 << level for level in range(8, 18))
#: Relative error of one series above which its fits fail too often for repeats to help.
LARGEST_ERROR = 0.3
#: Jackknife blocks below which the loss by uncertain weights is taken as that of so many.
LEAST_BLOCKS = 6


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The measurement that takes the least time, and all that were looked at.

    Attributes
    ----------
    frame_time, n_frames, repeats
        s, frames of a series, series (each on a fresh spot).
    error, error_one
        Relative error of D that is predicted: of all repeats together, and of one series.
    exposure, total_time
        s of beam on one spot, and s of all repeats.
    dose
        On one spot, in the units of `dose_limit`; NaN where no dose rate is given.
    table
        By ``frame_time`` and ``n_frames``: ``error_one``, ``repeats``, ``exposure``, ``dose``, ``total_time``,
        ``allowed``. Combinations that tell nothing have an infinite error and are not allowed.
    """

    frame_time: float
    n_frames: int
    repeats: int
    error: float
    error_one: float
    exposure: float
    total_time: float
    dose: float
    table: xr.Dataset = field(repr=False)

    def __str__(self) -> str:
        dose = "" if np.isnan(self.dose) else f", dose {self.dose:.4g} a spot"
        return "\n".join(
            [
                f"{self.repeats} x {self.n_frames} frames of {self.frame_time:.4g} s",
                f"  {self.exposure:.4g} s of beam a spot{dose}; {self.total_time:.4g} s in all",
                f"  error of D {self.error:.2%} (one series: {self.error_one:.2%})",
            ]
        )


def plan(
    geometry: Geometry | None,
    qmap: QMapLike,
    flux: float | None,
    dynamics: Relaxation,
    *,
    error: float = 0.05,
    frame_time: float | Sequence[float] | None = None,
    n_frames: int | Sequence[int] | None = None,
    min_frame_time: float = 0.0,
    dose_rate: float | None = None,
    dose_limit: float | None = None,
    overhead: float = 0.0,
    speckle_area: float = 1.0,
    intensity: ArrayLike | None = None,
) -> Plan:
    r"""Say which exposure and repeats give a wanted relative error of D, by formula.

    The noise of g2 is that of `g2_covariance` (shot noise, finite number of speckles, and what both do together);
    it is carried over to the rate of each bin as `fit_g2` does, with free baseline and contrast, and to D as
    `fit_dispersion` does with the exponent held: :math:`\sigma_D^{-2} = \sum_b \sigma_b^{-2}` for relative errors.
    Repeats on fresh spots lower the error as :math:`1/\sqrt{n}`. At few counts the error of g2 goes as
    :math:`1/(\bar k \sqrt{N P})`, so that half the flux takes four times the frames. A simulation (`recover`) finds the
    predicted error within some 20 %; it also finds biases, which the formula does not know. That the weights of the
    bins are uncertain, since errors rest on the B jackknife blocks of a bin, is allowed for by (B - 1)/(B - 3) in the
    variance (B at least 6: smaller bins are planned too optimistically).

    A bin counts as measured if the series is 10 decay times long and less than 4 of them pass in a frame.

    Parameters
    ----------
    geometry, qmap, flux, intensity
        The set-up, as for `simulate`; flux is counts a pixel and second.
    dynamics
        What is expected.
    error
        Wanted relative error of D, all repeats together.
    frame_time, n_frames
        Values to choose from; None looks at frame times of 0.02 of the fastest to 0.5 of the slowest decay time, and at
        256 to 131072 frames.
    min_frame_time
        Of the detector, s.
    dose_rate, dose_limit
        Dose a second of beam, and what a spot stands before it is damaged, in the same units.
    overhead
        s between two repeats.
    speckle_area
        Pixels that a speckle covers; 1 where pixels are larger than speckles.

    Returns
    -------
    Plan
        The allowed combination that takes the least time in all.

    Raises
    ------
    OptionError
        If an option can't be used, or no combination is allowed; the message says what would be.
    QMapError
        If the qmap has no bins or no geometry.
    """
    if not (0 < error < 1 and speckle_area >= 1 and overhead >= 0 and min_frame_time >= 0):
        raise OptionError(
            "no such plan",
            got=f"error={error}, speckle_area={speckle_area}, overhead={overhead}, min_frame_time={min_frame_time}",
            expected="0 < error < 1, speckle_area >= 1, times >= 0",
        )
    longest = _longest(dose_rate, dose_limit)
    setup = Setup.of(geometry, qmap, flux, intensity)
    rates = dynamics.at(setup.q)
    steps = _steps(frame_time, rates, min_frame_time)
    lengths = _lengths(n_frames)
    bins = setup.bins()
    one = np.array([[_error(t, n, rates, dynamics.beta, bins, speckle_area) for n in lengths] for t in steps])
    exposure = steps[:, None] * lengths
    usable = one <= LARGEST_ERROR
    repeats = np.where(usable, np.ceil((np.where(usable, one, 1.0) / error) ** 2), np.inf)
    allowed = usable & (exposure <= longest)
    total = repeats * (exposure + overhead)
    table = _table(steps, lengths, (one, repeats, exposure, exposure * (dose_rate or np.nan), total), allowed)
    if not allowed.any():
        raise OptionError("nothing that was looked at gives this error", **_reason(one, exposure, longest))
    best = np.unravel_index(int(np.argmin(np.where(allowed, total, np.inf))), total.shape)
    return Plan(
        frame_time=float(steps[best[0]]),
        n_frames=int(lengths[best[1]]),
        repeats=int(repeats[best]),
        error=float(one[best] / np.sqrt(repeats[best])),
        error_one=float(one[best]),
        exposure=float(exposure[best]),
        total_time=float(total[best]),
        dose=float(exposure[best] * (dose_rate or np.nan)),
        table=table,
    )


def _longest(dose_rate: float | None, dose_limit: float | None) -> float:
    """Return how long a spot may be exposed, s."""
    for name, value in (("dose_rate", dose_rate), ("dose_limit", dose_limit)):
        if value is not None and not 0 < value < np.inf:
            raise OptionError(f"{name} can't be used", got=value, expected="a positive number")
    if dose_limit is None:
        return np.inf
    if dose_rate is None:
        raise OptionError("a dose limit needs the dose rate", hint="Give dose_rate, dose a second of beam.")
    return dose_limit / dose_rate


def _steps(frame_time: float | Sequence[float] | None, rates: Floats, least: float) -> Floats:
    if frame_time is None:
        moving = rates[rates > 0]
        if not len(moving):
            raise OptionError("nothing moves", got="a rate of 0 in every bin")
        low, high = FRAME_TIMES[0] / (2 * moving.max()), FRAME_TIMES[1] / (2 * moving.min())
        steps = np.geomspace(low, high, max(int(np.ceil(np.log2(high / low))) + 1, 2))
        steps = np.append(steps[steps >= least], least) if least > low else steps
        return np.unique(steps)
    steps = np.unique(np.atleast_1d(np.asarray(frame_time, dtype=np.float64)))
    if not len(steps) or not ((steps > 0) & np.isfinite(steps)).all() or steps.min() < least:
        raise OptionError("frame_time can't be used", got=frame_time, expected=f"s, positive and at least {least:g}")
    return steps


def _lengths(n_frames: int | Sequence[int] | None) -> NDArray[np.int64]:
    lengths = np.unique(np.atleast_1d(np.asarray(N_FRAMES if n_frames is None else n_frames, dtype=np.int64)))
    if not len(lengths) or lengths.min() < 16:
        raise OptionError("n_frames can't be used", got=n_frames, expected="16 frames or more")
    return lengths


def _error(
    step: float,
    n_frames: int,
    rates: Floats,
    beta: float,
    bins: tuple[NDArray[np.int64], NDArray[np.int64], Floats],
    area: float,
) -> float:
    """Return the relative error of D from one series."""
    weight = 0.0
    for rate, pixels, blocks, light in zip(rates, *bins, strict=True):
        if rate > 0:
            one = rate_error(int(n_frames), 1 / (2 * rate * step), beta, light * step, float(pixels), speckle_area=area)
            weight += one**-2.0 / _lost_by_weights(int(blocks))
    return float(weight**-0.5) if weight > 0 else np.inf


def _lost_by_weights(blocks: int) -> float:
    """Return how much larger the variance of a mean is whose weights are 1/s^2 with s^2 estimated from blocks.

    It is 1 + 2/(B - 3), half of what `fit_dispersion` adds to its errors; the other half says that they were too small.
    """
    b = max(blocks, LEAST_BLOCKS)
    return (b - 1) / (b - 3)


def _reason(one: Floats, exposure: Floats, longest: float) -> dict[str, str]:
    """Say what is in the way."""
    within = exposure <= longest
    if not within.any():
        return {
            "got": f"at most {longest:.3g} s of beam a spot",
            "expected": f"{exposure.min():.3g} s, the shortest series",
        }
    best = float(one[within].min())
    if not np.isfinite(best):
        return {"got": "no bin whose decay fits in a series", "hint": "Look at other frame times or longer series."}
    return {
        "got": f"at best {best:.0%} from one series within the limits",
        "expected": f"{LARGEST_ERROR:.0%} or less, so that its fits converge",
        "hint": "Allow more dose, more flux, longer series or wider bins.",
    }


def _table(
    steps: Floats, lengths: NDArray[np.int64], values: tuple[Floats, ...], allowed: NDArray[np.bool_]
) -> xr.Dataset:
    grid = ("frame_time", "n_frames")
    names = ("error_one", "repeats", "exposure", "dose", "total_time")
    units = ("1", "1", "s", "as dose_limit", "s")
    texts = ("relative error of D from one series", "series", "beam on one spot", "dose on one spot", "all repeats")
    data = {
        name: (grid, value, {"units": unit, "long_name": text})
        for name, value, unit, text in zip(names, values, units, texts, strict=True)
    }
    return xr.Dataset(
        data | {"allowed": (grid, allowed, {"units": "1", "long_name": "measurable within the limits"})},
        coords={
            "frame_time": ("frame_time", steps, {"units": "s", "long_name": "start to start of two frames"}),
            "n_frames": ("n_frames", lengths, {"units": "1", "long_name": "frames of a series"}),
        },
    )
