"""Checks of the photons and of the beam."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from xpcs_nb.analysis._trust_evidence import Evidence
from xpcs_nb.analysis._trust_report import Check
from xpcs_nb.analysis._trust_rules import Unknown, percent, rule

__all__ = ["beam", "counts", "frame_normalisation", "intensity_drift", "lost_frames"]

#: Photons of a frame from which on a frame that stays far below is odd.
BRIGHT = 30.0
#: Frames that medians are taken of; more would take time and tell no more.
SAMPLE = 10_000
#: Stretches of time whose means show a drift.
BLOCKS = 10


def counts(evidence: Evidence) -> Check:
    """Return g2 - 1 over its photon noise at the delay where that is largest."""
    noise = evidence.photon_noise
    if noise is None or evidence.static_bins.mean is None:
        raise Unknown("the result has no mean scattering of the static bins, or no number of frames")
    curves = evidence.g2
    floor = curves.errors if curves.err is None else replace(curves, err=None).errors
    height = np.clip(curves.values - 1, 0, evidence.contrast)
    per_frame = evidence.static_bins.mean_over(evidence.static_bins.mean, len(evidence.bins)) * evidence.raw_frames
    lit = per_frame[per_frame > 0]
    if not len(lit):
        raise Unknown("no bin has counts")
    return rule("counts").of_bins(
        np.where(np.isfinite(noise), np.nan_to_num(height / floor).max(axis=0), np.nan),
        lambda worst, count: (
            f"at the best delay g2 - 1 is {worst:.3g} times the photon noise in the worst bin, below"
            f" 30 {count}; {lit.min():.2g} to {lit.max():.2g} counts a pixel and frame"
        ),
        lack="no bin has counts",
    )


def _photons(evidence: Evidence) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Photons of each correlated frame on the used pixels."""
    if evidence.intensity is None:
        raise Unknown("the result has no intensity of the frames")
    if not np.isfinite(evidence.intensity).all() or evidence.intensity.mean() <= 0:
        raise Unknown("the intensity of the frames is not finite, or 0")
    pixels = int(evidence.static_bins.pixels.sum())
    return np.asarray(evidence.intensity * (pixels * evidence.raw_frames), dtype=np.float64)


def frame_normalisation(evidence: Evidence) -> Check:
    """Look for frames that are normalised by few photons."""
    if evidence.normalized is False:
        return rule("frame_normalisation").nothing("frames were not normalised")
    photons = _photons(evidence)
    empty = int(np.count_nonzero(photons <= 0))
    said = f"{photons.mean():.3g} photons a frame" + (f"; {empty} frames have none" if empty else "")
    check = rule("frame_normalisation").of(float(photons.mean()), said, least="note" if empty else "ok")
    if evidence.normalized is None and check.verdict != "ok":
        raise Unknown(f"the result does not say whether frames were normalised; {said}")
    return check


def beam(evidence: Evidence) -> Check:
    """Return what fluctuations common to all pixels add to g2 at the first delay, free of photon noise."""
    if evidence.intensity is None:
        raise Unknown("the result has no intensity of the frames")
    values = evidence.intensity
    if len(values) < 10 or not np.isfinite(values).all() or values.mean() <= 0:
        raise Unknown("the intensity of the frames can't be judged: too few frames, or not finite, or 0")
    off = values / values.mean() - 1
    lift = float((off[1:] * off[:-1]).mean())
    error = float(off.var()) / np.sqrt(len(values))
    lift = lift if lift > 4 * error else 0.0
    share = lift / float(np.median(evidence.contrast))
    said = f"common fluctuations of {percent(np.sqrt(lift))} (rms)" if lift else "no fluctuation beyond photon noise"
    if evidence.normalized:
        return rule("beam").nothing(f"{said}; frames were normalised, which takes them out")
    check = rule("beam").of(share, f"{said}; they lift g2 by {percent(share)} of the contrast")
    if evidence.normalized is None and check.verdict != "ok":
        raise Unknown(f"{said}; the result does not say whether frames were normalised")
    return check


def lost_frames(evidence: Evidence) -> Check:
    """Count the frames whose intensity is far from that of the others."""
    photons = _photons(evidence)
    middle = float(np.median(photons[:: max(1, len(photons) // SAMPLE)]))
    if middle < BRIGHT:
        raise Unknown(f"with {middle:.2g} photons a frame, odd frames can't be told from chance")
    # spread about the neighbours: a drift is not an odd frame
    step = np.abs(np.diff(photons))[:: max(1, len(photons) // SAMPLE)]
    spread = 1.4826 * float(np.median(step)) / np.sqrt(2)
    limit = max(8 * max(spread, np.sqrt(middle)), 0.05 * middle)
    trend = np.interp(np.arange(len(photons)), *_medians(photons))
    odd = np.flatnonzero(np.abs(photons - trend) > limit)
    said = f"{len(odd)} of {len(photons)} frames are far from their neighbours"
    said += f" (frames {', '.join(map(str, odd[:5].tolist()))}{', ...' if len(odd) > 5 else ''})" if len(odd) else ""
    return rule("lost_frames").of(len(odd) / len(photons), said)


def _medians(
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Return centres and medians of stretches of the series."""
    cuts = np.linspace(0, len(values), min(BLOCKS, len(values)) + 1).astype(int)
    middles = np.array(
        [np.median(values[begin : end : max(1, len(values) // SAMPLE)]) for begin, end in pairwise(cuts)]
    )
    return (cuts[1:] + cuts[:-1] - 1) / 2, middles


def intensity_drift(evidence: Evidence) -> Check:
    """Fit a line to the mean intensity of ten stretches of time."""
    if evidence.intensity is None:
        raise Unknown("the result has no intensity of the frames")
    values = evidence.intensity
    if len(values) < 2 * BLOCKS or not np.isfinite(values).all() or values.mean() <= 0:
        raise Unknown("the intensity of the frames can't be judged: too few frames, or not finite, or 0")
    size = len(values) // BLOCKS
    means = values[: size * BLOCKS].reshape(BLOCKS, size).mean(axis=1) / values.mean()
    change, error = trends(means[:, None])
    drift = abs(float(change[0]))
    if drift < 3 * float(error[0]):
        return rule("intensity_drift").of(0.0, f"no steady change; stretches differ by {percent(means.std())} (rms)")
    return rule("intensity_drift").of(
        drift, f"the intensity {'falls' if change[0] < 0 else 'rises'} by {percent(drift)} during the series"
    )


def trends(
    values: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Fit lines along the first axis; return the change from begin to end, and its error from the scatter about it."""
    n = len(values)
    time = (np.arange(n) - (n - 1) / 2) / n
    slope = (time[:, None] * values).sum(axis=0) / (time**2).sum()
    left = values - values.mean(axis=0) - time[:, None] * slope
    return slope, np.sqrt((left**2).sum(axis=0) / (n - 2) / (time**2).sum())
