"""Whether repeats of a measurement agree, and which of them do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.errors import OptionError

__all__ = ["Agreement", "Rejection", "Repeats", "agreement"]

type Floats = NDArray[np.float64]

#: Robust standard deviations of the logarithm of chi2 beyond which a repeat is an outlier, ...
OUTLIER = 5.0
#: ... and the least ratio to the median: what is twice as far off as usual does little harm.
LEAST_RATIO = 2.0


class Repeats(Protocol):
    """g2 of repeats, looked at one after the other; each may be read from a file when it is asked for."""

    def __len__(self) -> int: ...

    def g2(self, repeat: int) -> Floats:
        """g2, shape (T, D)."""

    def err(self, repeat: int) -> Floats:
        """Its error, shape (T, D)."""

    def cov(self, repeat: int) -> Floats | None:
        """Its covariance between delays, shape (D, T, T), where it is known."""


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """When a repeat is left out of an average.

    Attributes
    ----------
    outliers
        Leave out repeats whose chi2 against the others is exceptional.
    max_chi2
        Largest chi2 (a point, against the mean of the others); None for a limit that follows from the repeats:
        `OUTLIER` robust standard deviations of the logarithm, and at least twice the median.
    baseline
        Least and largest mean of g2 over the last `window` delays of `bins`; None for any.
    window
        Delays at the end that make the baseline.
    bins
        Places of the bins that make the baseline, from 0; None for all.
    """

    outliers: bool = True
    max_chi2: float | None = None
    baseline: tuple[float, float] | None = None
    window: int = 3
    bins: Sequence[int] | None = None

    def __post_init__(self) -> None:
        if self.max_chi2 is not None and not self.max_chi2 > 0:
            raise OptionError("this limit can't be used", where="max_chi2", got=self.max_chi2, expected="above 0")
        if self.window < 1:
            raise OptionError("a baseline needs a delay", where="window", got=self.window, expected="1 or more")
        if self.baseline is not None and not self.baseline[0] < self.baseline[1]:
            raise OptionError("no such range", where="baseline", got=self.baseline, expected="least < largest")


@dataclass(frozen=True)
class Agreement:
    """How R repeats agree.

    Attributes
    ----------
    chi2
        Mean squared difference to the mean of the other kept repeats in units of its variance, shape (R,): 1 where
        the errors are right and nothing changed.
    baseline
        Mean of g2 over the last delays, shape (R,).
    left_out
        Reason by repeat.
    """

    chi2: Floats
    baseline: Floats
    left_out: dict[int, str]

    @property
    def kept(self) -> list[int]:
        """Repeats that are averaged."""
        return [repeat for repeat in range(len(self.chi2)) if repeat not in self.left_out]


def agreement(repeats: Repeats, usable: NDArray[np.bool_], rejection: Rejection) -> Agreement:
    """Compare each repeat with the mean of the others, and leave out those that do not fit.

    Outliers are taken out from the worst on, and the rest compared anew each time, since an outlier makes all others
    look bad; never more than half of the repeats. Of two repeats nothing tells which is the bad one.

    Parameters
    ----------
    repeats
        g2 and its errors. A common scale of the errors, by bin, does not matter for what is left out.
    usable
        Points to compare, shape (T, D).
    rejection
        When to leave a repeat out.
    """
    number = len(repeats)
    baselines = np.array([_baseline(repeats.g2(repeat), rejection) for repeat in range(number)])
    left_out = _bad_baselines(baselines, rejection)
    while True:
        kept = [repeat for repeat in range(number) if repeat not in left_out]
        by_bin = _chi2(repeats, kept, usable)
        chi2 = _mean_of_bins(by_bin)
        worst = _outliers(by_bin, kept, rejection)
        room = (number + 1) // 2 - (number - len(kept))
        if len(kept) < 3 or not worst or room < 1:
            return Agreement(chi2, baselines, dict(sorted(left_out.items())))
        # Of many the worst tenth goes at once, so that hundreds of repeats take few rounds.
        for repeat, reason in worst[: max(1, min(room, len(worst) // 10))]:
            left_out[repeat] = reason


def _baseline(g2: Floats, rejection: Rejection) -> float:
    bins = slice(None) if rejection.bins is None else list(rejection.bins)
    end = g2[-rejection.window :, bins]
    return float(np.nanmean(end)) if np.isfinite(end).any() else float("nan")


def _bad_baselines(baselines: Floats, rejection: Rejection) -> dict[int, str]:
    if rejection.baseline is None:
        return {}
    low, high = rejection.baseline
    return {
        repeat: f"baseline {value:.4g} outside {low:g}..{high:g}"
        for repeat, value in enumerate(baselines)
        if not low <= value <= high
    }


def _chi2(repeats: Repeats, kept: list[int], usable: NDArray[np.bool_]) -> Floats:
    """Return chi2 a point of each repeat (also of those left out) against the mean of the other kept ones, (R, D)."""
    total, variance, count = (np.zeros(usable.shape) for _ in range(3))
    for repeat in kept:
        g2, square = _points(repeats, repeat, usable)
        there = np.isfinite(g2)
        total += np.where(there, g2, 0.0)
        variance += np.where(there, square, 0.0)
        count += there
    chi2 = np.full((len(repeats), usable.shape[1]), np.nan)
    members = set(kept)
    for repeat in range(len(repeats)):
        g2, square = _points(repeats, repeat, usable)
        there = np.isfinite(g2)
        inside = there * (repeat in members)
        others = count - inside
        comparable = there & (others > 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (total - np.where(inside, g2, 0.0)) / others
            spread = square + (variance - np.where(inside, square, 0.0)) / others**2
            ratio = np.where(comparable, (g2 - mean) ** 2 / spread, 0.0)
            chi2[repeat] = ratio.sum(axis=0) / comparable.sum(axis=0)
    return chi2


def _mean_of_bins(values: Floats) -> Floats:
    """Return the mean over the bins that have a value, shape (R,); NaN where none has."""
    there = np.isfinite(values)
    total, count = np.where(there, values, 0.0).sum(axis=1), there.sum(axis=1)
    mean: Floats = np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
    return mean


def _points(repeats: Repeats, repeat: int, usable: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    g2, err = repeats.g2(repeat), repeats.err(repeat)
    good = usable & np.isfinite(g2) & np.isfinite(err) & (err > 0)
    return np.where(good, g2, np.nan), np.where(good, err, np.nan) ** 2


def _outliers(by_bin: Floats, kept: list[int], rejection: Rejection) -> list[tuple[int, str]]:
    """Return the kept repeats that are outliers with the reason, the worst first."""
    if not rejection.outliers or len(kept) < 3:
        return []
    chi2 = by_bin[kept]
    # Errors of some programs are off by a factor: what counts is how a repeat compares with the others.
    usual = np.array(
        [np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else 0.0 for column in chi2.T]
    )
    relative = _mean_of_bins(np.divide(chi2, usual, out=np.full(chi2.shape, np.nan), where=usual > 0))
    absolute = _mean_of_bins(chi2)
    if not np.isfinite(relative).all() or not (relative > 0).all():
        # Copies of one file agree exactly; nothing is known of repeats without usable points.
        return []
    if rejection.max_chi2 is not None:
        value, limit = absolute, rejection.max_chi2
    else:
        middle = float(np.median(relative))
        spread = 1.4826 * float(np.median(np.abs(np.log(relative / middle))))
        value, limit = relative / middle, max(LEAST_RATIO, float(np.exp(OUTLIER * spread)))
    scale = "" if rejection.max_chi2 is not None else " times the median"
    order = [place for place in np.argsort(-value) if value[place] > limit]
    return [
        (kept[place], f"chi2 against the other repeats {value[place]:.3g}{scale}, limit {limit:.3g}") for place in order
    ]
