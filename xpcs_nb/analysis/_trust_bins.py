"""Checks of the partition and of the pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.analysis._trust_evidence import Evidence, PixelMeans
from xpcs_nb.analysis._trust_report import Check
from xpcs_nb.analysis._trust_rules import Unknown, percent, rule

__all__ = ["dead_pixels", "empty_bins", "few_pixels", "gradient", "hot_pixels", "partition", "q_spread"]

type Floats = NDArray[np.float64]

#: Above this share of the contrast in the mean over the series, speckle and uneven bins can't be told apart.
STATIC = 0.3


def partition(evidence: Evidence) -> Check:
    """Look for bins and pixels that contradict each other."""
    if evidence.faults is None:
        raise Unknown("the result does not hold the maps of static and dynamic bins")
    return rule("partition").of(len(evidence.faults), "; ".join(evidence.faults) or "bins and mask fit together")


def empty_bins(evidence: Evidence) -> Check:
    """Count dynamic bins without a g2."""
    if evidence.curves is None:
        raise Unknown("the result has no multi-tau g2")
    empty = ~evidence.curves.lit
    said = f"{np.count_nonzero(empty)} of {len(empty)} dynamic bins have no g2"
    if evidence.static is not None:
        without = int(np.count_nonzero(evidence.static.pixels == 0))
        said += f"; {without} of {len(evidence.static.pixels)} static bins have no used pixel"
    labels = ", ".join(map(str, evidence.bins[empty][:5]))
    more = ", ..." if np.count_nonzero(empty) > 5 else ""
    return rule("empty_bins").of(float(empty.mean()), said + (f" (bins {labels}{more})" if labels else ""))


def few_pixels(evidence: Evidence) -> Check:
    r"""Estimate the contrast that few pixels and few photons a static bin take.

    Measured is :math:`1 + \beta' = (1+\beta)/(1 + \beta w/n + 1/C)` with `n` pixels and `C` photons a static bin and
    the share `w` of the contrast that is left in the mean over the series; the contrast is corrected by that first.
    """
    bins, n_dynamic = evidence.static_bins, len(evidence.bins)
    measured, kept, guess = _contrast_or_most(evidence)
    owner = np.maximum(bins.owner, 0)
    filled = (bins.pixels > 0) & (bins.owner >= 0)
    speckles = np.where(filled, 1 / np.maximum(bins.pixels, 1), np.nan)
    shot = np.zeros(len(speckles))
    if bins.mean is not None and evidence.intensity is not None:
        # repeats are averaged after each was normalised by its own photons
        photons = bins.mean * bins.pixels * evidence.frames * evidence.raw_frames
        np.divide(1, photons, out=shot, where=photons > 0)
    few, dark = (bins.mean_over(np.where(filled, part, np.nan), n_dynamic) for part in (speckles, shot))
    beta = measured
    if not guess.startswith(" (no"):
        room = 1 - (1 + measured) * kept * few
        beta = np.where(room > 0, np.minimum((measured + (1 + measured) * dark) / np.maximum(room, 1e-9), 1), 1)
    excess = (beta * kept)[owner] * speckles + shot
    loss = 1 - ((1 + beta[owner]) / (1 + excess) - 1) / beta[owner]
    least = int(bins.pixels[filled].min()) if filled.any() else 0
    return rule("few_pixels").of_bins(
        bins.mean_over(loss, n_dynamic),
        lambda worst, count: (
            f"{percent(worst)} of the contrast is lost in the worst bin, over 1 % {count};"
            f" the smallest static bin has {least} pixels{guess}"
        ),
        lack="no static bin has a used pixel",
    )


def _contrast_or_most(evidence: Evidence) -> tuple[Floats, Floats, str]:
    """Return contrast and persistence as measured, or the worst case."""
    n = len(evidence.bins)
    try:
        beta = evidence.contrast
    except Unknown:
        return np.ones(n), np.ones(n), " (no contrast was measured: taken as 1 and static)"
    try:
        return beta, np.where(np.isfinite(evidence.persistence), evidence.persistence, 1.0), ""
    except Unknown:
        return beta, np.ones(n), " (taken as static)"


def q_spread(evidence: Evidence) -> Check:
    """Return the spread of q squared over the static bins of each dynamic bin."""
    bins = evidence.static_bins
    if bins.q is None:
        raise Unknown("the bins are not bins of q")
    weight = bins.pixels.astype(np.float64)
    square = bins.q**2
    mean = bins.mean_over(square, len(evidence.bins), weight)
    variance = bins.mean_over(square**2, len(evidence.bins), weight) - mean**2
    spread = np.sqrt(np.maximum(variance, 0)) / np.where(mean > 0, mean, np.nan)
    return rule("q_spread").of_bins(
        spread,
        lambda worst, count: f"q² spreads by up to {percent(worst)} inside a dynamic bin, beyond 30 % {count}",
        lack="the static bins have no q",
    )


def _pixels(evidence: Evidence) -> tuple[PixelMeans, Floats, Floats]:
    """Return the survey of the pixels, mean counts of static bins, and the contrast of the bin of each."""
    bins = evidence.static_bins
    if evidence.pixels is None or bins.mean is None:
        raise Unknown("the result has no mean scattering of each pixel")
    return evidence.pixels, bins.mean, evidence.contrast[np.maximum(bins.owner, 0)]


def dead_pixels(evidence: Evidence) -> Check:
    """Compare the pixels without a count with what a negative binomial distribution expects."""
    pixels, mean, beta = _pixels(evidence)
    bins = evidence.static_bins
    counts = np.nan_to_num(mean) * pixels.frames
    expected = bins.pixels * np.exp(-np.log1p(counts * beta) / beta)
    owner = np.maximum(bins.owner, 0)
    here = bins.owner >= 0
    n = len(evidence.bins)
    dead, likely = (
        np.bincount(owner[here], values[here], minlength=n) for values in (pixels.zeros.astype(float), expected)
    )
    surplus = dead - likely > 5 * np.sqrt(likely + 1)
    share = np.divide(
        np.maximum(pixels.zeros - expected, 0), bins.pixels, out=np.zeros(len(mean)), where=bins.pixels > 0
    )
    lift = bins.mean_over(np.where(share < 1, share, np.nan), n) / evidence.contrast
    lift = np.where(surplus, lift, np.where(np.isfinite(lift), 0, np.nan))
    total = int(np.maximum(dead - likely, 0)[surplus].sum())
    said = f"{total} used pixels never count where photons were expected" if total else "no more than chance explains"
    return rule("dead_pixels").of_bins(
        lift, lambda worst, _: said + (f"; they lift g2 by {percent(worst)} of the contrast" if worst > 0 else ""),
        least="note" if total else "ok", lack="no static bin has a used pixel",
    )  # fmt: skip


def hot_pixels(evidence: Evidence) -> Check:
    """Return what the hot pixels add to the baseline."""
    pixels, mean, _ = _pixels(evidence)
    bins = evidence.static_bins
    count = bins.pixels - pixels.hot
    cold = np.divide(mean * bins.pixels - pixels.hot_sum, count, out=np.zeros(len(mean)), where=count > 0)
    whole = mean * bins.pixels
    square = np.divide(
        (count * cold**2 + pixels.hot_square) * bins.pixels,
        whole**2,
        out=np.full(len(mean), np.nan),
        where=(whole > 0) & np.isfinite(whole),
    )
    lift = bins.mean_over(
        np.where(pixels.hot > 0, square - 1, np.where(np.isfinite(square), 0, np.nan)), len(evidence.bins)
    )
    total = int(pixels.hot.sum())
    said = f"{total} used pixels are brighter than speckle can be" if total else "none is brighter than speckle can be"
    return rule("hot_pixels").of_bins(
        lift / evidence.contrast,
        lambda worst, _: said + (f"; they lift g2 by {percent(worst)} of the contrast" if worst > 0 else ""),
        least="note" if total else "ok",
        lack="no static bin has counts",
    )


def gradient(evidence: Evidence) -> Check:
    """Return the variance of the mean counts inside static bins beyond that of photons and speckle."""
    pixels, mean, _ = _pixels(evidence)
    bins = evidence.static_bins
    lit = (mean > 0) & (bins.pixels > 1)
    safe = np.where(lit, mean, 1.0)
    variance = (pixels.square / safe**2 - 1) * bins.pixels / np.maximum(bins.pixels - 1, 1)
    shot = 1 / (safe * pixels.frames)
    n = len(evidence.bins)
    found = bins.mean_over(np.where(lit, variance - shot, np.nan), n)
    spread = bins.mean_over(np.where(lit, (variance - shot) ** 2, np.nan), n) - found**2
    filled = np.bincount(bins.owner[lit & (bins.owner >= 0)], minlength=n)
    speckle = evidence.contrast * evidence.persistence / evidence.repeats
    error = np.sqrt(np.maximum(spread, 0) / np.maximum(filled - 1, 1))
    lift = (found - speckle) / evidence.contrast
    real = lift * evidence.contrast > 3 * error + 0.5 * speckle
    lift = np.where(real, lift, np.where(np.isfinite(lift), 0, np.nan))
    lift = np.where(evidence.persistence > STATIC, np.nan, lift)
    return rule("gradient").of_bins(
        lift,
        lambda worst, count: (
            "static bins are as even as photons and speckle allow"
            if worst <= 0
            else f"uneven static bins lift g2 by {percent(worst)} of the contrast in the worst bin, over 1 % {count}"
        ),
        lack="the speckle does not change enough during the series to be told from uneven bins",
    )
