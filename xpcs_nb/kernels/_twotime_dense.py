"""Two-time maps of bright data: pixels as a matrix, the map as its product with itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.kernels._jit import entry
from xpcs_nb.kernels._twotime import BinEvents
from xpcs_nb.kernels._twotime_diagonals import DiagonalSums, finish_rows

__all__ = ["add_products", "collect_pixels", "events_map", "finish_map", "scale_pixels", "sum_pixels"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

#: Pixels that are multiplied at once: more would lose digits in single precision and take memory for no gain.
PIXELS_AT_ONCE = 16384


@entry
def collect_pixels(frames: Any, pixel: Any, avg: Any, out: Any) -> Any:
    """Average runs of `avg` frames at some pixels.

    Parameters
    ----------
    frames
        Shape (M * avg, pixels of a frame).
    pixel
        Pixels to take, shape (P,), int64.
    avg
        Frames averaged into one.
    out
        Receives the means, shape (M, P), float32; or the type of `frames`, where `avg` is 1.

    Returns
    -------
    -1, or the first row of `frames` that holds a negative value or NaN at one of the pixels.
    """
    bad = -1
    scale = np.float32(1) / np.float32(avg)
    for m in range(out.shape[0]):
        row = out[m]
        row[:] = 0
        for j in range(m * avg, (m + 1) * avg):
            frame = frames[j]
            fine = True
            for p in range(pixel.size):
                value = frame[np.uint64(pixel[p])]
                # a comparison that NaN fails too
                fine &= value >= 0
                row[p] += value
            if not fine and bad < 0:
                bad = j
        if avg > 1:
            for p in range(pixel.size):
                row[p] *= scale
    return bad


@entry
def sum_pixels(a: Any, group: Any, sums: Any) -> None:
    """Add the columns of `a`, shape (N, P), to the sums of their groups, shape (N, G)."""
    for t in range(a.shape[0]):
        row = sums[t]
        for p in range(group.size):
            row[group[p]] += a[t, p]


@entry
def scale_pixels(a: Any, group: Any, factor: Any, out: Any) -> None:
    """Write `a`, shape (N, P), times the factor of each row's frame and column's group, shape (N, G), to `out`."""
    for t in range(a.shape[0]):
        row = factor[t]
        for p in range(group.size):
            out[t, p] = a[t, p] * row[group[p]]


@entry
def _spread(start: Any, frame: Any, weight: Any, first: Any, out: Any) -> None:
    for k in range(out.shape[0]):
        out[k] = 0
        for e in range(start[first + k], start[first + k + 1]):
            out[k, frame[e]] = weight[e]


def add_products(a: NDArray[np.float32], c2: NDArray[np.float32], *, fresh: bool) -> None:
    """Add ``a @ a.T`` to a map, or write it there if the map is `fresh`.

    Parameters
    ----------
    a
        Scaled values of some pixels, shape (N, P), float32.
    c2
        The map, shape (N, N), float32; both triangles are written.
    fresh
        Whether what `c2` holds is to be overwritten.
    """
    for first in range(0, a.shape[1], PIXELS_AT_ONCE):
        part = a[:, first : first + PIXELS_AT_ONCE]
        # numpy notices the product of a matrix with its own transpose and does half of the work
        if fresh:
            np.matmul(part, part.T, out=c2)
        else:
            c2 += part @ part.T
        fresh = False


def events_map(events: BinEvents, c2: NDArray[np.float32]) -> None:
    """Write the map of one bin into `c2`, shape (N, N), by spreading its events into a matrix."""
    n_pixels = len(events.start) - 1
    a = np.empty((min(n_pixels, PIXELS_AT_ONCE), events.n_frames), np.float32)
    for first in range(0, n_pixels, PIXELS_AT_ONCE):
        part = a[: min(PIXELS_AT_ONCE, n_pixels - first)]
        _spread(events.start, events.frame, events.weight, first, part)
        add_products(part.T, c2, fresh=first == 0)


def finish_map(c2: NDArray[np.float32]) -> DiagonalSums:
    """Clear the lower triangle of a map in place, and return the sums along its diagonals."""
    sums = DiagonalSums(len(c2))
    finish_rows(c2, 0, len(c2), sums.total, sums.segment)
    return sums
