"""Two-time maps from event lists: work in proportion to pairs of photons, kept inside the cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.kernels._jit import entry
from xpcs_nb.kernels._twotime_diagonals import DiagonalSums, add_diagonals

__all__ = ["BinEvents", "EventPairs", "bin_events", "smoothing_factors"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

#: Size of the band of rows that is filled before the next. Measured at 1000 frames, 0.05 counts: 256 KiB to 1 MiB are
#: equal within the noise, 64 KiB takes longer.
BAND_BYTES = 512 * 1024
#: Cells with more terms, on average, are added in float64; single precision is faster, but loses digits there. Those of
#: the diagonal have many more, and are always added in float64.
SINGLE_TERMS = 64


@dataclass(frozen=True)
class BinEvents:
    """Events of one dynamic bin, pixel after pixel, smoothed and normalised: C2 is the sum of products of weights.

    Attributes
    ----------
    start
        Events ``start[k]:start[k+1]`` belong to the k-th pixel of the bin, shape (P + 1,), int64.
    frame, weight
        Of each event, uint32 and float32.
    square
        Sum of the squared weights of each frame, shape (N,), float64: the diagonal of the map.
    n_frames
        Length of the series.
    """

    start: Ints
    frame: NDArray[np.uint32]
    weight: NDArray[np.float32]
    square: Floats
    n_frames: int

    @property
    def n_pairs(self) -> int:
        """Products to be added: those of each pixel's events with itself and all later ones."""
        n = np.diff(self.start)
        return int((n * (n + 1) // 2).sum())


@entry
def _sum_groups(indptr: Any, frame: Any, value: Any, rows: Any, group: Any, sums: Any) -> None:
    for k in range(rows.size):
        line = sums[group[k]]
        for e in range(indptr[rows[k]], indptr[rows[k] + 1]):
            line[np.uint32(frame[e])] += value[e]


@entry
def _weigh(
    indptr: Any,
    frame: Any,
    value: Any,
    rows: Any,
    group: Any,
    factor: Any,
    start: Any,
    out: Any,
    weight: Any,
    square: Any,
) -> None:
    for k in range(rows.size):
        line = factor[group[k]]
        at = start[k]
        first = indptr[rows[k]]
        for e in range(indptr[rows[k] + 1] - first):
            t = np.uint32(frame[first + e])
            out[at + e] = t
            w = np.float32(value[first + e] * line[t])
            weight[at + e] = w
            square[t] += np.float64(w) * np.float64(w)


def bin_events(
    indptr: Ints,
    frame: NDArray[np.int32],
    value: NDArray[np.float32],
    rows: Ints,
    group: Ints,
    group_size: Ints,
    n_frames: int,
) -> BinEvents:
    """Gather the events of one dynamic bin, and divide them by the mean of their smoothing bin in each frame.

    Parameters
    ----------
    indptr, frame, value
        Events by pixel (`PixelEvents`).
    rows
        The bin's pixels, as rows of `indptr`, shape (P,).
    group
        The smoothing bin of each of them, from 0, shape (P,).
    group_size
        Pixels of each smoothing bin, shape (G,).
    n_frames
        Length of the series.
    """
    sums = np.zeros((len(group_size), n_frames))
    _sum_groups(indptr, frame, value, rows, group, sums)
    start = np.concatenate([[0], np.cumsum(indptr[rows + 1] - indptr[rows])])
    out, weight = np.empty(start[-1], np.uint32), np.empty(start[-1], np.float32)
    square = np.zeros(n_frames)
    _weigh(indptr, frame, value, rows, group, smoothing_factors(sums, group_size), start, out, weight, square)
    return BinEvents(start, out, weight, square, n_frames)


def smoothing_factors(sums: Floats, group_size: Ints) -> Floats:
    r"""Return what a pixel's counts are multiplied with, so that C2 is the plain sum of products over the pixels.

    A pixel of smoothing bin `s` has :math:`A(t) = I(t) / \bar I_s(t)`, and
    :math:`C_2(t_1, t_2) = P \sum_p A(t_1) A(t_2) / [\sum_p A(t_1) \sum_p A(t_2)]`; means and sums that are 0 count
    as 1. The factor is :math:`\sqrt P / (\bar I_s(t) \sum_p A(t))`.

    Parameters
    ----------
    sums
        Counts of each smoothing bin in each frame, shape (G, N).
    group_size
        Pixels of each smoothing bin, shape (G,).

    Returns
    -------
    Factor of each smoothing bin in each frame, shape (G, N), float64.
    """
    mean = sums / group_size[:, None]
    mean[mean <= 0] = 1
    total = (sums / mean).sum(axis=0)
    total[total <= 0] = 1
    return np.asarray(np.sqrt(group_size.sum()) / (mean * total))


@entry
def _count_runs(start: Any, frame: Any, shift: Any, band: Any) -> None:
    """Cut each pixel's events into runs inside one band of frames; `band` receives where each band's runs begin."""
    for k in range(start.size - 1):
        before = -1
        for e in range(start[k], start[k + 1]):
            here = np.int64(frame[e]) >> shift
            if here != before:
                band[here + 1] += 1
                before = here
    for here in range(band.size - 1):
        band[here + 1] += band[here]


@entry
def _list_runs(start: Any, frame: Any, shift: Any, place: Any, runs: Any) -> None:
    """List the runs band by band; `place` is where those of each band begin, and is moved on."""
    for k in range(start.size - 1):
        e = start[k]
        end = start[k + 1]
        while e < end:
            here = np.int64(frame[e]) >> shift
            run = runs[place[here]]
            place[here] += 1
            run[0] = e
            while e < end and np.int64(frame[e]) >> shift == here:
                e += 1
            run[1] = e
            run[2] = end


@entry
def _fill_bands(
    frame: Any,
    weight: Any,
    square: Any,
    runs: Any,
    band: Any,
    shift: Any,
    todo: Any,
    c2: Any,
    rows: Any,
    total: Any,
    segment: Any,
) -> None:
    n = c2.shape[0]
    for here in todo:
        begin = here << shift
        end = min(n, (here + 1) << shift)
        for r in range(band[here], band[here + 1]):
            stop = np.uint64(runs[r, 2])
            for e in range(np.uint64(runs[r, 0]), np.uint64(runs[r, 1])):
                w = weight[e]
                row = rows[frame[e] - np.uint32(begin)]
                for later in range(e + np.uint64(1), stop):
                    row[frame[later]] += w * weight[later]
        for t in range(begin, end):
            c2[t, :t] = 0
            c2[t, t] = square[t]
            for later in range(t + 1, n):
                c2[t, later] = rows[t - begin, later]
                rows[t - begin, later] = 0
        add_diagonals(c2, begin, end, total, segment)


class EventPairs:
    """The map of one bin, made of pairs of events, in bands of rows that threads may fill independently.

    Parameters
    ----------
    events
        Of one bin.

    Attributes
    ----------
    n_bands
        Bands of rows of the map.
    """

    def __init__(self, events: BinEvents) -> None:
        n = events.n_frames
        self._dtype = np.dtype(np.float32 if 2 * events.n_pairs <= SINGLE_TERMS * n**2 else np.float64)
        # a power of two, so that the band of a frame is a shift
        rows = BAND_BYTES // (self._dtype.itemsize * n)
        self._shift = max(0, min(rows.bit_length(), (n - 1).bit_length()) - 1)
        self.n_bands = ((n - 1) >> self._shift) + 1
        self._events = events
        self._band = np.zeros(self.n_bands + 1, np.int64)
        _count_runs(events.start, events.frame, self._shift, self._band)
        self._runs: Ints = np.empty((self._band[-1], 3), np.int64)
        _list_runs(events.start, events.frame, self._shift, self._band.copy(), self._runs)

    def fill(self, bands: range, c2: NDArray[np.float32]) -> DiagonalSums:
        """Overwrite the rows of `bands` in the map `c2`, shape (N, N), and return their sums along the diagonals."""
        events = self._events
        sums = DiagonalSums(events.n_frames)
        rows = np.zeros((1 << self._shift, events.n_frames), self._dtype)
        _fill_bands(
            events.frame,
            events.weight,
            events.square,
            self._runs,
            self._band,
            self._shift,
            np.asarray(bands, dtype=np.int64),
            c2,
            rows,
            sums.total,
            sums.segment,
        )
        return sums
