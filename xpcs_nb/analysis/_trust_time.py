"""Checks of what must not change during the series."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.analysis._trust_beam import trends
from xpcs_nb.analysis._trust_evidence import Evidence, Parts
from xpcs_nb.analysis._trust_report import Check
from xpcs_nb.analysis._trust_rules import Unknown, percent, rule

__all__ = ["dose", "stationarity"]

type Floats = NDArray[np.float64]

#: Standard errors that a change must have, with the few stretches behind them.
SURE = 4.0
#: The same as a probability, for variances.
SURE_NORMAL = 3.3


def dose(evidence: Evidence) -> Check:
    """Fit lines to I(q) in stretches of time, each divided by its mean over all bins."""
    bins = evidence.static_bins
    if evidence.segments is None:
        raise Unknown("the result has no I(q) of stretches of time")
    segments = evidence.segments
    # the last stretch of some files is cut short, or empty
    lit = np.nansum(segments, axis=1) > 0
    segments = segments[lit]
    if len(segments) < 4:
        raise Unknown(f"{len(segments)} stretches of time with counts are too few to see a change")
    n = len(evidence.bins)
    weight = bins.pixels.astype(np.float64)
    per_bin = np.stack([bins.mean_over(part, n, weight) for part in segments])
    total = np.nansum(segments * weight, axis=1) / weight.sum()
    mean = (per_bin / total[:, None]).mean(axis=0)
    change, error = trends(per_bin / total[:, None] / np.where(mean > 0, mean, np.nan))
    sure = np.abs(change) > SURE * error
    return rule("dose").of_bins(
        np.where(sure, np.abs(change), np.where(np.isfinite(change), 0, np.nan)),
        lambda worst, count: (
            "the shape of I(q) stays the same"
            if worst <= 0
            else f"I(q) relative to the mean changes steadily by up to {percent(worst)}, over 1 % {count}"
        ),
        lack="no bin has counts in the stretches of time",
    )


def stationarity(evidence: Evidence) -> Check:
    """Compare g2 of stretches of time: at the first delays, and where it has half decayed."""
    parts = evidence.parts
    if parts is None:
        raise Unknown(
            "there is neither a two-time map nor g2 of parts of the series (correlate with type=both or"
            " num_partial_g2); intensity_drift and dose look at the intensity"
        )
    n_parts = parts.g2.shape[1]
    if n_parts < 3 or not len(parts.frames):
        raise Unknown(f"{n_parts} stretches of {len(parts.frames)} delays are too few to compare")
    found = [_differences(values) for values in _probes(parts)]
    worst = np.fmax.reduce([share for share, _ in found])
    sure = any(z > SURE_NORMAL for _, z in found)
    values = np.full(len(evidence.bins), np.nan)
    values[parts.place] = worst if sure else np.where(np.isfinite(worst), 0.0, np.nan)
    said = f"{n_parts} stretches ({parts.source})"
    return rule("stationarity").of_bins(
        values,
        lambda most, count: (
            f"{said} agree within their noise"
            if not sure
            else f"{said} differ by up to {percent(most)} of the contrast, over 5 % {count}"
        ),
        lack="no bin shows a contrast in the stretches of time",
    )


def _probes(parts: Parts) -> list[Floats]:
    """Return g2 - 1 over its contrast at two places of the curves, shape (K, B) each."""
    g2 = parts.g2
    n = len(g2)
    first = slice(0, min(3, n))
    start = g2[first].mean(axis=(0, 1)) - 1
    floor = g2[-max(1, n // 5) :].mean(axis=(0, 1)) - 1
    mean = g2.mean(axis=1) - 1
    with np.errstate(invalid="ignore"):
        seen = np.where(start > 5 * g2[first].mean(axis=0).std(axis=0) / np.sqrt(g2.shape[1]), start, np.nan)
        below = mean < (start + np.maximum(floor, 0)) / 2
    probes = [(g2[first].mean(axis=0) - 1) / seen]
    half = np.where(below.any(axis=0), below.argmax(axis=0), -1)
    columns = np.flatnonzero((half > 2) & (half < n - 1))
    if len(columns):
        middle = np.full(probes[0].shape, np.nan)
        for column in columns:
            at = half[column]
            around = slice(max(0, at - max(1, at // 4)), at + max(1, at // 4) + 1)
            middle[:, column] = (g2[around, :, column].mean(axis=0) - 1) / seen[column]
        probes.append(middle)
    return probes


def _differences(values: Floats) -> tuple[Floats, float]:
    """Return the largest distance from the mean of each bin, and how many sigma the stretches differ.

    With three bins or more, what the stretches have in common over the bins is compared with the rest (analysis of
    variance), otherwise the steady change with the scatter about it.
    """
    share = np.abs(values - values.mean(axis=0)).max(axis=0)
    good = np.isfinite(share)
    known = values[:, good]
    k, b = known.shape
    if b == 0:
        return share, 0.0
    change, error = trends(known)
    if b < 3:
        trend = np.abs(change) / np.where(error > 0, error, np.inf)
        # with 3 degrees of freedom, 12 errors are as rare as 3.3 sigma
        return share, float(SURE_NORMAL * trend.max() / 12)
    rows = known.mean(axis=1) - known.mean()
    left = known - known.mean(axis=0) - rows[:, None]
    between = b * float((rows**2).sum()) / (k - 1)
    within = float((left**2).sum()) / ((k - 1) * (b - 1))
    return share, _normal(between / within if within > 0 else 0.0, k - 1, (k - 1) * (b - 1))


def _normal(ratio: float, above: int, below: int) -> float:
    """Turn a ratio of variances into sigma (E. Paulson, Ann. Math. Stat. 13, 233 (1942))."""
    root = ratio ** (1 / 3)
    a, b = 2 / (9 * above), 2 / (9 * below)
    return float(((1 - b) * root - (1 - a)) / np.sqrt(b * root**2 + a))
