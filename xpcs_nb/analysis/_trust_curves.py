"""Checks of the shape of g2 and of its errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.analysis._limits import MIN_PAIRS
from xpcs_nb.analysis._trust_evidence import Curves, Evidence
from xpcs_nb.analysis._trust_report import Check
from xpcs_nb.analysis._trust_rules import Unknown, percent, rule

__all__ = ["baseline", "contrast", "errors", "few_pairs", "first_delay", "signal", "time_window"]

type Floats = NDArray[np.float64]

#: Delays that one test of the errors looks at.
RUN = 4


def signal(evidence: Evidence) -> Check:
    """Return the contrast over its error."""
    curves = evidence.g2
    if not np.isfinite(curves.errors).any():
        raise Unknown("the result has neither error bars nor the counts to estimate them")
    top, error = curves.top
    return rule("signal").of_bins(
        top / error,
        lambda worst, count: f"the contrast is {worst:.3g} errors in the worst bin, below 10 {count}",
        lack="no bin has an error",
    )


def contrast(evidence: Evidence) -> Check:
    """Count bins whose contrast can't be one."""
    curves = evidence.g2
    size = min(3, len(curves.values))
    error = np.nan_to_num(curves.errors[:size]).max(axis=0)
    start = curves.start[curves.lit]
    beyond = (start > 1 + 3 * error[curves.lit]) | (start < -3 * error[curves.lit])
    said = f"contrast at the first delays from {start.min():.3g} to {start.max():.3g}"
    count = int(np.count_nonzero(beyond))
    return rule("contrast").of(count / len(start), said + (f"; {count} bins are beyond 0 to 1" if count else ""))


def few_pairs(evidence: Evidence) -> Check:
    """Count delays that rest on few pairs."""
    curves = evidence.curves
    if curves is None:
        raise Unknown("the result has no multi-tau g2")
    if curves.n_pairs is None:
        raise Unknown("the result does not say how many pairs of frames its delays rest on")
    few = int(np.count_nonzero(curves.n_pairs < MIN_PAIRS))
    said = f"{few} of {len(curves.frames)} delays rest on fewer than {MIN_PAIRS} pairs of frames; fits leave them out"
    return rule("few_pairs").of(few / len(curves.frames), said if few else "all delays rest on enough pairs")


def time_window(evidence: Evidence) -> Check:
    """Look where the curves have half decayed, and whether they have ended."""
    curves = evidence.g2
    amplitude, seen = _amplitude(curves)
    if not seen.any():
        raise Unknown("no bin shows a decay beyond its error")
    first = curves.values[0] - curves.tail[0]
    half = curves.tail[0] + np.where(first > 5 * np.nan_to_num(curves.errors[0]), first, amplitude) / 2
    crossed = np.argmax(curves.values < half, axis=0)
    fast = seen & (crossed <= 1)
    slow = seen & ~curves.levelled
    total = int(np.count_nonzero(seen))
    said = f"{int(slow.sum())} bins still decay at the last delays, {int(fast.sum())} have decayed at the first"
    silent = int(np.count_nonzero(curves.lit & ~seen))
    said += f" (of {total}; {silent} show no decay)" if silent else f" (of {total})"
    return rule("time_window").of(float((fast | slow).sum()) / total, said)


def _amplitude(curves: Curves) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the height of the decay, and the bins where it is 5 errors or more (of the contrast, without errors)."""
    top, error = curves.top
    amplitude = 1 + top - curves.tail[0]
    error = np.maximum(np.nan_to_num(error), curves.tail[1])
    return amplitude, np.isfinite(amplitude) & (amplitude > np.maximum(5 * error, 0.1 * np.abs(top)))


def baseline(evidence: Evidence) -> Check:
    """Return the distance of the last delays from 1."""
    curves = evidence.g2
    mean, error, _ = curves.tail
    _, seen = _amplitude(curves)
    off = np.abs(mean - 1)
    off = np.where(off > 3 * error, off, 0.0)
    values = np.where(np.isfinite(mean) & seen & curves.levelled, off / evidence.contrast, np.nan)
    level = mean[np.isfinite(values)]
    return rule("baseline").of_bins(
        values,
        lambda worst, count: (
            f"g2 ends between {level.min():.4f} and {level.max():.4f}: at most {percent(worst)} of the"
            f" contrast from 1, beyond 2 % {count}"
        ),
        lack="no g2 decays and has levelled off at the last delays, so that no baseline was measured",
    )


def first_delay(evidence: Evidence) -> Check:
    """Compare the first delay with the parabola through the next three."""
    curves = evidence.g2
    if len(curves.values) < RUN or not np.array_equal(curves.frames[curves.usable][:RUN], [1, 2, 3, 4]):
        raise Unknown("the delays do not begin with 1, 2, 3 and 4 frames")
    g2 = curves.values[:RUN]
    slow = (g2[3] - 1) > 0.3 * (g2[0] - 1)
    weights = np.array([1.0, -3.0, 3.0, -1.0])
    off = weights @ g2
    variance = _variance(curves, curves.errors, np.arange(RUN), weights)
    sure = np.abs(off) > 4 * np.sqrt(np.nan_to_num(variance))
    values = np.where(sure & slow, np.abs(off) / evidence.contrast, np.where(np.isfinite(off) & slow, 0, np.nan))
    return rule("first_delay").of_bins(
        values,
        lambda worst, count: f"the first delay is at most {percent(worst)} of the contrast off, over 5 % {count}",
        lack="g2 decays too fast to tell",
    )


def _variance(curves: Curves, errors: Floats, rows: NDArray[np.int64], weights: Floats) -> Floats:
    """Return the variance of a weighted sum of usable delays, shape (D,); as if independent where there is no cov."""
    if curves.cov is not None and np.isfinite(curves.cov).any():
        chosen = np.flatnonzero(curves.usable)[rows]
        found: Floats = np.einsum("i,dij,j->d", weights, curves.cov[:, chosen][:, :, chosen], weights)
        return np.where(found > 0, found, np.nan)
    return np.asarray((weights[:, None] ** 2 * errors[rows] ** 2).sum(axis=0))


def errors(evidence: Evidence) -> Check:
    r"""Compare third differences of g2 where it is flat with what the errors say.

    A smooth curve has third differences near 0, so that :math:`d^2 / \sigma_d^2` has a median of 0.455.
    """
    curves = evidence.g2
    if curves.err is None:
        raise Unknown("the result has no error bars")
    wanted = int(np.count_nonzero(curves.lit)) * len(curves.values)
    missing = int(np.count_nonzero(~np.isfinite(curves.reported[:, curves.lit])))
    if missing == wanted:
        raise Unknown("all errors are 0 or missing")
    ratios = _ratios(curves)
    least = "ok" if curves.estimator == "block jackknife" else "note"
    said = "" if least == "ok" else f"; they come from {curves.estimator or 'an unknown estimator'}, which takes every"
    said += " pixel for independent" if said else ""
    said += f"; {missing} of {wanted} points have none" if missing else ""
    if len(ratios) < RUN:
        raise Unknown(f"too few points lie on a flat part of g2 to test the errors{said}")
    value = float(np.sqrt(np.median(ratios) / 0.455))
    missing_much = "warning" if missing > 0.05 * wanted else "note" if missing else "ok"
    return rule("errors").of(
        value,
        f"neighbouring delays scatter {value:.2g} times as much as the errors say{said}",
        least=max(least, missing_much, key=("ok", "note", "warning").index),  # type: ignore[arg-type]
    )


def _ratios(curves: Curves) -> Floats:
    """Return squared third differences over their variances, where g2 is flat within 5 % of the contrast."""
    k, g2 = curves.frames[curves.usable], curves.values
    start = curves.start[np.isfinite(curves.start)]
    if len(k) < RUN or not len(start):
        return np.zeros(0)
    size = np.median(np.abs(start))
    found = []
    for first in range(0, len(k) - RUN + 1, 2):
        rows = np.arange(first, first + RUN)
        weights = np.array([1 / np.prod(k[row] - np.delete(k[rows], row - first)) for row in rows])
        weights /= np.abs(weights).max()
        variance = _variance(curves, curves.reported, rows, weights)
        smooth = np.abs(g2[rows[-2:]].mean(axis=0) - g2[rows[:2]].mean(axis=0))
        flat = smooth < np.maximum(0.05 * size, 3 * np.sqrt(np.nan_to_num(variance)))
        found.append(((weights @ g2[rows]) ** 2 / variance)[flat & (variance > 0)])
    values = np.concatenate(found)
    return np.asarray(values[np.isfinite(values)], dtype=np.float64)
