"""What each check of the trust report means, from which number on it speaks, and what helps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.analysis._trust_report import GRAVITY, Check, Verdict

__all__ = ["RULES", "Rule", "Unknown", "rule"]

#: A verdict needs this share of the bins; if fewer are as bad, there is a note.
SHARE_OF_BINS = 0.1
#: Digits of the numbers of single bins.
DIGITS = 4


class Unknown(Exception):  # noqa: N818 - a message to the report, never seen by users
    """A check lacks what it needs; the message says what."""


@dataclass(frozen=True)
class Rule:
    """Thresholds and texts of one check; see `Check`."""

    name: str
    title: str
    note: float | None
    warning: float | None
    bad: float | None
    meaning: str
    remedy: str
    unit: str = "1"
    falling: bool = False

    def of(self, value: float, message: str, *, least: Verdict = "ok") -> Check:
        """Judge one number; `least` is the mildest verdict there can be.

        Raises
        ------
        Unknown
            If it is not finite.
        """
        if not np.isfinite(value):
            raise Unknown(message)
        return self._check(float(value), message, lambda check: _graver(check.level(float(value)), least), ())

    def of_bins(
        self, values: ArrayLike, message: Callable[[float, str], str], *, least: Verdict = "ok", lack: str
    ) -> Check:
        """Judge the numbers of all dynamic bins, NaN where there is none.

        Parameters
        ----------
        values
            Shape (D,).
        message
            Made of the worst number and of how many bins are beyond the first threshold.
        least
            The mildest verdict there can be.
        lack
            Why all bins are NaN, should they be.

        Raises
        ------
        Unknown
            If no number is finite.
        """
        numbers = np.asarray(values, dtype=np.float64)
        known = numbers[np.isfinite(numbers)]
        if not len(known):
            raise Unknown(lack)
        worst = float(known.min() if self.falling else known.max())
        listed = tuple(_rounded(value) for value in numbers.tolist())

        def verdict(check: Check) -> Verdict:
            levels = sorted((GRAVITY.index(check.level(value)) for value in known.tolist()), reverse=True)
            shared = GRAVITY[levels[int(np.ceil(SHARE_OF_BINS * len(levels))) - 1]]
            alone: Verdict = "note" if levels[0] >= GRAVITY.index("warning") else "ok"
            return _graver(_graver(shared, alone), least)

        first = next(limit for limit in (self.note, self.warning, self.bad) if limit is not None)
        beyond = int(np.count_nonzero(known < first if self.falling else known > first))
        return self._check(worst, message(worst, _of_bins(beyond, len(known))), verdict, listed)

    def nothing(self, message: str) -> Check:
        """Return an ``ok`` without a number: what the check is about does not occur in this result."""
        return self._check(None, message, lambda _: "ok", ())

    def unknown(self, reason: str) -> Check:
        """Return a check that could not be made."""
        return self._check(None, reason, lambda _: "unknown", ())

    def _check(
        self,
        value: float | None,
        message: str,
        verdict: Callable[[Check], Verdict],
        values: tuple[float | None, ...],
    ) -> Check:
        def make(found: Verdict) -> Check:
            return Check(
                name=self.name,
                title=self.title,
                verdict=found,
                message=message,
                value=_rounded(value),
                unit=self.unit,
                note=self.note,
                warning=self.warning,
                bad=self.bad,
                falling=self.falling,
                meaning=self.meaning,
                remedy=self.remedy,
                values=values,
            )

        return make(verdict(make("unknown")))


def rule(name: str) -> Rule:
    """Return the rule of a check."""
    return RULES[name]


def percent(value: float) -> str:
    """Write a share in percent, with as many digits as make sense."""
    return f"{100 * value:.2g} %" if abs(value) < 0.1 else f"{100 * value:.0f} %"


def worst_level(values: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Return `values` with those below `least` standard errors (first axis: value, error) as 0."""
    value, error = values
    return np.where(np.abs(value) > least * error, np.abs(value), np.where(np.isfinite(value), 0.0, np.nan))


def _graver(one: Verdict, other: Verdict) -> Verdict:
    return max(one, other, key=GRAVITY.index)


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(f"{value:.{DIGITS}g}")


def _of_bins(count: int, total: int) -> str:
    return "in no bin" if count == 0 else f"in {count} of {total} bins"


#: Shifts of g2 are told as shares of the contrast: at 5 % they are as large as the errors of most published fits.
BIAS = (0.01, 0.05, 0.2)

_TABLE = (
    Rule(
        "partition",
        "Partition",
        None,
        None,
        0,
        "Static bins that lie in several dynamic bins, or pixels with one label only, mix what is to be told apart.",
        "Make the partition anew from the same mask (`xpcs-nb qmap check` names the bins).",
        "faults",
    ),
    Rule(
        "empty_bins",
        "Bins without data",
        0,
        0.1,
        0.5,
        "Dynamic bins without used pixels or without photons have no g2.",
        "Widen the bins or the q range, or check mask and blemish.",
    ),
    Rule(
        "few_pixels",
        "Pixels per static bin",
        *BIAS,
        "The mean of few speckles follows them: of static speckle g2 is (1+β)/(1+β/n) instead of 1+β, and a static bin"
        " with few photons adds 1/photons. The value is the share of the contrast that is lost.",
        "Use fewer static bins: at least some 100 pixels each, and some 100 photons over the series.",
    ),
    Rule(
        "q_spread",
        "Width of the bins in q",
        0.3,
        0.5,
        1.0,
        "Decay rates that go with q² spread inside a wide bin; fits then give an exponent below 1. The value is the"
        " relative standard deviation of q² in the bin.",
        "Use more dynamic bins in q.",
    ),
    Rule(
        "dead_pixels",
        "Dead pixels",
        *BIAS,
        "Used pixels that never count lift g2 by their share of the static bin, at all delays. The value is the lift as"
        " a share of the contrast.",
        "Put them into the mask or the blemish (QMap edits: outliers, range).",
    ),
    Rule(
        "hot_pixels",
        "Hot pixels",
        *BIAS,
        "Pixels far brighter than speckle allows lift the baseline by the square of their share. The value is the lift"
        " as a share of the contrast.",
        "Mask them (QMap edits: outliers); look for parasitic scattering.",
    ),
    Rule(
        "gradient",
        "Uneven static bins",
        *BIAS,
        "Mean intensity that varies inside static bins (gradient, streak, edge of the beam stop) lifts the baseline by"
        " CV². The value is the lift beyond photon noise and speckle, as a share of the contrast.",
        "Use smaller static bins, or mask the streak.",
    ),
    Rule(
        "counts",
        "Photon statistics",
        30,
        10,
        3,
        "What the photons allow: g2 - 1 over the noise of chance coincidences, at the delay where that is best.",
        "Measure longer or repeat and average; use wider bins; average frames where the dynamics is slow.",
        falling=True,
    ),
    Rule(
        "signal",
        "Contrast over its error",
        10,
        5,
        3,
        "Contrast over its error bar at the first delays (or later ones, if clearer); below 3 nothing was measured.",
        "Measure longer or repeat and average; use wider bins.",
        falling=True,
    ),
    Rule(
        "frame_normalisation",
        "Photons per frame for normalising",
        20,
        5,
        1,
        "Each frame is divided by its mean over the used pixels. With few photons that mean is noise and spreads into"
        " g2; frames without photons are lost.",
        "Correlate with normalize_frame=False, or average frames.",
        "counts/frame",
        falling=True,
    ),
    Rule(
        "beam",
        "Beam fluctuations",
        *BIAS,
        "Fluctuations of the beam that all pixels share lift g2 unless frames are normalised. The value is the lift at"
        " the first delay as a share of the contrast.",
        "Correlate with normalize_frame=True.",
    ),
    Rule(
        "lost_frames",
        "Odd frames",
        0,
        0.01,
        0.1,
        "Frames whose intensity is far from the others (beam lost, shutter, detector). The value is their share.",
        "Leave them out with begin_frame and end_frame, or measure again.",
    ),
    Rule(
        "intensity_drift",
        "Intensity drift",
        0.05,
        0.2,
        0.5,
        "Change of the mean intensity from the begin of the series to its end: beam, sample or alignment changed.",
        "Cut the series with begin_frame and end_frame; compare the pieces.",
    ),
    Rule(
        "dose",
        "Change of I(q) with dose",
        0.01,
        0.05,
        0.2,
        "Shape of I(q), normalised in each stretch of time, that changes steadily: the structure changes, as by beam"
        " damage or settling.",
        "Attenuate, move the sample, or use the first part of the series only.",
    ),
    Rule(
        "stationarity",
        "Stationarity",
        0.05,
        0.1,
        0.3,
        "g2 of parts of the series differ by more than noise: one curve for the whole series mixes them. The value is"
        " the largest difference from the mean, as a share of the contrast.",
        "Use the two-time map: cuts at several ages instead of one g2.",
    ),
    Rule(
        "few_pairs",
        "Delays with few pairs",
        0.1,
        0.25,
        0.5,
        "The last delays average over fewer than 4 pairs of frames; they are drawn but take no part in fits. The value"
        " is their share of all delays.",
        "Measure more frames if these delays matter.",
    ),
    Rule(
        "time_window",
        "Decay inside the delays",
        0,
        0.5,
        None,
        "Where g2 has half decayed before the second delay or has not levelled off at the last ones, contrast and"
        " decay time depend on the model. The value is the share of such bins.",
        "Shorter or longer frames, more of them, or another q range.",
    ),
    Rule(
        "baseline",
        "Baseline",
        0.02,
        0.1,
        0.5,
        "g2 ends at 1 where all is forgotten. The value is the distance of the last delays from 1, as a share of the"
        " contrast.",
        "Leave the baseline free in fits; look at drift, gradients and static parts (windows, beam stop).",
    ),
    Rule(
        "contrast",
        "Contrast within its limits",
        None,
        0,
        0.1,
        "Speckle has a contrast of 0 to 1. The value is the share of bins beyond that by more than 3 errors: detector"
        " artefacts, charge sharing, over-normalised bins.",
        "Check blemish, gain and normalisation; raise the number of pixels per static bin.",
    ),
    Rule(
        "first_delay",
        "First delay",
        0.05,
        0.2,
        0.5,
        "The first delay deviates from what the next three promise: afterglow, charge left over, or a fast decay. The"
        " value is the deviation as a share of the contrast.",
        "Leave the first delay out of fits (delay_range) if it is the detector's.",
    ),
    Rule(
        "errors",
        "Error bars",
        1.5,
        2,
        4,
        "Scatter of g2 between neighbouring delays over what the errors allow; above 1 errors are too small.",
        "Correlate with this package for jackknife errors; average repeats.",
    ),
)

RULES: dict[str, Rule] = {each.name: each for each in _TABLE}
