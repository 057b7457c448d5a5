"""What the checks of the trust report look at, as plain arrays: made of a result, or of a reduction's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.analysis._limits import MIN_PAIRS
from xpcs_nb.analysis._trust_rules import Unknown
from xpcs_nb.core import LogGrid

__all__ = ["Curves", "Evidence", "Parts", "PixelMeans", "StaticBins"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

#: Delays at the begin of g2 whose mean stands for its start.
FIRST = 3
#: Stretches of time of a log two-time correlation.
STRETCHES = 5
#: Errors that a contrast must have to be taken for one.
CLEAR = 5.0


@dataclass(frozen=True, kw_only=True)
class Curves:
    """g2 of the dynamic bins.

    Attributes
    ----------
    frames
        Delays in frames, shape (T,).
    g2, err
        Shape (T, D); `err` may be None.
    n_pairs
        Pairs behind each delay, shape (T,); None where the result does not say.
    cov
        Covariance between delays, shape (D, T, T), or None.
    estimator
        How the errors were made, or None.
    noise
        Photon noise of g2 at a delay of one frame, shape (D,), or None.
    """

    frames: Floats
    g2: Floats
    err: Floats | None = None
    n_pairs: Ints | None = None
    cov: Floats | None = None
    estimator: str | None = None
    noise: Floats | None = None

    @cached_property
    def usable(self) -> NDArray[np.bool_]:
        """Delays that rest on enough pairs, shape (T,)."""
        good = self.frames > 0
        return good if self.n_pairs is None else good & (self.n_pairs >= MIN_PAIRS)

    @cached_property
    def lit(self) -> NDArray[np.bool_]:
        """Bins that have a g2, shape (D,): boost_corr writes 0 where there is none."""
        known: NDArray[np.bool_] = np.isfinite(self.g2[self.usable]) & (self.g2[self.usable] != 0)
        return known.any(axis=0)

    @cached_property
    def values(self) -> Floats:
        """g2 at usable delays, NaN in bins without, shape (U, D)."""
        return np.where(self.lit, self.g2[self.usable], np.nan)

    @cached_property
    def reported(self) -> Floats:
        """Errors at usable delays as the result has them, NaN where there is none, shape (U, D)."""
        if self.err is None:
            return np.full_like(self.values, np.nan)
        err = self.err[self.usable]
        return np.where(np.isfinite(err) & (err > 0), err, np.nan)

    @cached_property
    def errors(self) -> Floats:
        """Errors at usable delays, at least the photon noise: the field's errors are 0 where no pair was counted."""
        if self.noise is None:
            return self.reported
        # delays of level l join 2^l frames
        summed = 2 ** np.floor(np.log2(np.maximum(self.frames[self.usable] / 5, 1)))
        noise = self.noise / np.sqrt(summed)[:, None]
        # where less than a pair is expected, a single one looks like a large contrast
        return np.asarray(np.fmax(self.reported, noise * (1 + noise)))

    @cached_property
    def start(self) -> Floats:
        """Contrast as g2 - 1 of the first delays, shape (D,)."""
        found: Floats = self.values[: min(FIRST, len(self.values))].mean(axis=0) - 1
        return found

    @cached_property
    def top(self) -> tuple[Floats, Floats]:
        """Contrast and its error, shape (D,): of the first delays, or, where it is lost in noise, of clearer ones."""
        size = min(FIRST, len(self.values))
        total = np.cumsum(np.concatenate([np.zeros((1, self.values.shape[1])), self.values]), axis=0)
        means = (total[size:] - total[:-size]) / size - 1
        errors = np.stack([self.errors[row : row + len(means)] for row in range(size)]).max(axis=0)
        clear = np.where(np.isfinite(errors), means / errors, 0.0)
        best = np.where(clear[0] > CLEAR, 0, clear.argmax(axis=0))
        columns = np.arange(means.shape[1])
        best = np.where(clear[best, columns] > CLEAR, best, 0)
        return means[best, columns], errors[best, columns]

    @cached_property
    def tail(self) -> tuple[Floats, Floats, Floats]:
        """Mean of g2 at the last delays, its error (of one delay: they are correlated), and the change before them."""
        n = len(self.values)
        size = max(1, min(max(4, n // 6), n // 2))
        last, before = self.values[n - size :], self.values[max(0, n - 2 * size) : n - size]
        mean = last.mean(axis=0)
        change = before.mean(axis=0) - mean if len(before) else np.full_like(mean, np.nan)
        return mean, np.nan_to_num(self.errors[n - size :]).max(axis=0), change

    @cached_property
    def levelled(self) -> NDArray[np.bool_]:
        """Bins whose g2 no longer changes at the last delays, shape (D,)."""
        _, error, change = self.tail
        return np.abs(change) < np.maximum(3 * error, 0.05 * np.abs(self.top[0]))


@dataclass(frozen=True, kw_only=True)
class StaticBins:
    """The static bins.

    Attributes
    ----------
    pixels
        Used pixels, shape (S,).
    owner
        Place of the dynamic bin in `Evidence.bins`, -1 for bins without pixels, shape (S,).
    q
        Shape (S,), or None.
    mean
        Counts a pixel and raw frame, shape (S,), or None.
    """

    pixels: Ints
    owner: Ints
    q: Floats | None = None
    mean: Floats | None = None

    def mean_over(self, values: Floats, n_dynamic: int, weights: Floats | None = None) -> Floats:
        """Return the mean of static bins' values in each dynamic bin, NaN where there is none, shape (D,)."""
        good = (self.owner >= 0) & np.isfinite(values)
        weight = np.ones(len(values)) if weights is None else weights
        total = np.bincount(self.owner[good], (weight * values)[good], minlength=n_dynamic)
        count = np.bincount(self.owner[good], weight[good], minlength=n_dynamic)
        return np.asarray(np.divide(total, count, out=np.full(n_dynamic, np.nan), where=count > 0))


@dataclass(frozen=True, kw_only=True)
class PixelMeans:
    """Sums over the used pixels of each static bin, shape (S,), of what their mean counts show.

    Attributes
    ----------
    frames
        Raw frames that the mean counts are a mean of.
    square
        Mean square of the pixels' mean counts a frame.
    zeros
        Pixels without a count.
    hot
        Pixels brighter than speckle allows.
    hot_sum, hot_square
        Sum and sum of squares of their mean counts a frame.
    """

    frames: float
    square: Floats
    zeros: Ints
    hot: Ints
    hot_sum: Floats
    hot_square: Floats

    @classmethod
    def of(cls, counts: NDArray[Any], static: Ints, bins: StaticBins, frames: float) -> PixelMeans:
        r"""Survey the used pixels.

        The counts of a pixel with fully developed speckle (:math:`\beta = 1`, all other speckle is more even) that
        does not change are geometrically distributed, :math:`P(c \ge k) = (m / (1 + m))^k` with mean `m`. Hot are the
        pixels with more than the limit that among all pixels one would pass with a probability of 1 %.

        Parameters
        ----------
        counts
            Mean counts a frame, shape (P,).
        static
            Static bin of each pixel, shape (P,).
        bins
            Of these pixels.
        frames
            Raw frames that `counts` is the mean of.
        """
        n = len(bins.pixels)
        values = np.asarray(counts)
        pixels = np.maximum(bins.pixels, 1)
        total = np.bincount(static, values, minlength=n) if bins.mean is None else np.nan_to_num(bins.mean) * pixels
        square = np.bincount(static, values * values, minlength=n) / pixels
        zeros = np.bincount(static[values == 0], minlength=n)
        # a first sieve that most pixels do not pass; the limit proper takes the pixel out of the mean
        suspects = np.flatnonzero(values > (3 * total / pixels).astype(values.dtype)[static])
        where, count = static[suspects], values[suspects].astype(np.float64)
        rest = (total[where] - count) / np.maximum(pixels[where] - 1, 1) * frames
        limit = (np.log(max(len(values), 1)) + 4.6) / np.log1p(1 / np.maximum(rest, 1e-300))
        hot = (count * frames > limit) & (count * frames >= 4) & (bins.pixels[where] > 1)
        where, count = where[hot], count[hot]
        return cls(
            frames=frames,
            square=square,
            zeros=zeros,
            hot=np.bincount(where, minlength=n),
            hot_sum=np.bincount(where, count, minlength=n),
            hot_square=np.bincount(where, count * count, minlength=n),
        )


@dataclass(frozen=True, kw_only=True)
class Parts:
    """g2 of stretches of the series.

    Attributes
    ----------
    source
        ``two-time map``, ``log two-time`` or ``partial g2``.
    frames
        Delays in frames, shape (L,), without 0.
    g2
        Shape (L, K, B): delays, stretches, bins.
    place
        Place of each bin in `Evidence.bins`, shape (B,).
    """

    source: str
    frames: Floats
    g2: Floats
    place: Ints

    @classmethod
    def of_partial(cls, frames: Floats, g2: Floats, ends: NDArray[Any]) -> Parts | None:
        """Turn g2 of the first `ends` frames, shape (P, T, D), into g2 of the stretches between them.

        At delays that are short against a stretch, g2 of a whole is the mean of those of its parts by their lengths.
        """
        lengths = np.diff(ends, prepend=0)
        if not (lengths > 0).all():
            return None
        short = frames <= lengths.min() / 4
        total = g2[:, short] * ends[:, None, None]
        pieces = np.diff(total, axis=0, prepend=np.zeros_like(total[:1])) / lengths[:, None, None]
        place = np.arange(g2.shape[2], dtype=np.int64)
        return cls(source="partial g2", frames=frames[short], g2=pieces.transpose(1, 0, 2), place=place)

    @classmethod
    def of_log(cls, c2: NDArray[Any], grid: LogGrid, place: Ints) -> Parts:
        """Average the cells of log two-time correlations, shape (B, M), in stretches of the earlier time.

        Delays that are short against a stretch are taken.
        """
        delays = grid.delays
        short = np.flatnonzero(delays.frames <= max(grid.n_frames // (4 * STRETCHES), 1))
        g2 = np.empty((len(short), STRETCHES, len(c2)))
        for row, delay in enumerate(short):
            cells = np.asarray(c2[:, grid.start[delay] : grid.start[delay + 1]], dtype=np.float64)
            cuts = np.linspace(0, cells.shape[1], STRETCHES + 1).astype(int)
            for part, (begin, end) in enumerate(pairwise(cuts)):
                g2[row, part] = cells[:, begin:end].mean(axis=1) if end > begin else np.nan
        return cls(source="log two-time", frames=delays.frames[short].astype(np.float64), g2=g2, place=place)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A result as the checks see it; None for what it does not have.

    Attributes
    ----------
    bins
        Labels of the dynamic bins, shape (D,).
    curves, static, pixels, parts
        See the classes.
    q
        Of the dynamic bins, shape (D,).
    faults
        What is wrong with the partition, one sentence each.
    intensity
        Mean counts a pixel of each correlated frame, shape (N,).
    segments
        I(q) in stretches of time, shape (K, S).
    normalized
        Whether frames were normalised.
    raw_frames
        Raw frames averaged into a correlated one.
    repeats
        Series that the result is the average of.
    """

    bins: Ints
    curves: Curves | None = None
    static: StaticBins | None = None
    pixels: PixelMeans | None = None
    parts: Parts | None = None
    q: Floats | None = None
    faults: tuple[str, ...] | None = None
    intensity: Floats | None = None
    segments: Floats | None = None
    normalized: bool | None = None
    raw_frames: int = 1
    repeats: int = 1

    @cached_property
    def g2(self) -> Curves:
        """The curves, with the photon noise where it can be known.

        Raises
        ------
        Unknown
            If there are none.
        """
        if self.curves is None or not self.curves.usable.any():
            raise Unknown("the result has no multi-tau g2 at delays with enough pairs")
        if not self.curves.lit.any():
            raise Unknown("no bin has a g2")
        return replace(self.curves, noise=self.photon_noise)

    @cached_property
    def photon_noise(self) -> Floats | None:
        r"""Error that chance coincidences give g2 at a delay of one frame, shape (D,).

        :math:`\frac{1}{|d|} \big(\sum_{s \in d} 1 / (n_s \bar I_s^2 N)\big)^{1/2}` over the static bins with photons.
        """
        if self.static is None or self.static.mean is None or self.intensity is None:
            return None
        bins, mean, n = self.static, self.static.mean, len(self.bins)
        lit = (bins.owner >= 0) & (mean > 0) & (bins.pixels > 0)
        owner, counts = bins.owner[lit], mean[lit] * self.raw_frames
        pairs = len(self.intensity) * self.repeats
        variance = np.bincount(owner, 1 / (bins.pixels[lit] * counts**2 * pairs), minlength=n)
        number = np.bincount(owner, minlength=n)
        return np.asarray(np.divide(np.sqrt(variance), number, out=np.full(n, np.nan), where=number > 0))

    @property
    def static_bins(self) -> StaticBins:
        """The static bins; `Unknown` without."""
        if self.static is None:
            raise Unknown("the result does not say which pixels are in which static bin")
        return self.static

    @property
    def frames(self) -> int:
        """Correlated frames; `Unknown` without."""
        if self.intensity is None:
            raise Unknown("the result has no intensity of the frames, and so not their number")
        return len(self.intensity)

    @cached_property
    def contrast(self) -> Floats:
        """Contrast of each bin; the median of the others where it is below 3 errors, shape (D,).

        Raises
        ------
        Unknown
            If no bin shows one.
        """
        found, error = self.g2.top
        seen = np.isfinite(found) & (found > 3 * np.nan_to_num(error)) & (found > 1e-6)
        if not seen.any():
            raise Unknown("no bin shows a contrast beyond its error")
        return np.minimum(np.where(seen, found, np.median(found[seen])), 1.0)

    @cached_property
    def persistence(self) -> Floats:
        r"""Share of the contrast that the mean over the series keeps, shape (D,): 1 of static speckle.

        :math:`w = \frac{2}{N\beta}\sum_k (1 - k/N)(g_2(k) - 1) + 1/N`.
        """
        n, curves = self.frames, self.g2
        k = curves.frames[curves.usable] / n
        inside = k < 1
        knots = np.concatenate([[0.0], k[inside], [1.0]])
        kept = np.clip((curves.values[inside] - 1) / self.contrast, 0, 1)
        if not len(kept):
            return np.ones(len(self.bins))
        heights = np.concatenate([kept[:1], kept, kept[-1:]]) * (1 - knots)[:, None]
        area = (np.diff(knots)[:, None] * (heights[1:] + heights[:-1])).sum(axis=0)
        return np.asarray(np.clip(area, 1 / n, 1))
