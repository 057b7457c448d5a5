"""Multi-tau of dense frames in windows of time; what a pixel carries on does not grow with the series.

A pixel carries, for each level, its last and its first 8 samples (`recent` and `head`, shape (P, L, 8), float32), the
products so far (`products`, (P, T), float32), and its sum (`total`, (P,), float64).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.kernels._jit import entry, inner
from xpcs_nb.kernels._pixel import finish_pixel, four_products

__all__ = ["REACH", "TOGETHER", "advance_pixel", "advance_pixels", "close_pixels", "sum_frames", "window_buffers"]

#: Samples that a delay can reach back; pixels that are gathered from the frames together.
REACH = 8
TOGETHER = 16
#: Sums are float32 from level to level: a difference below this share of the total is rounding.
NOTHING = 2e-6

type Array = NDArray[Any]


def window_buffers(n: int) -> tuple[Array, Array]:
    """Return the scratch arrays of `advance_pixel` for windows of n samples."""
    return np.zeros(n + 2 * REACH, np.float32), np.zeros(n + 2 * REACH, np.float32)


@entry
def sum_frames(window: Array, begin: int, end: int, avg: int, used: Array, total: Array, sums: Array) -> int:
    """Add up pixels ``begin:end`` of the frames (n, pixels) by pixel and, over `used` ones, by mean of `avg` frames.

    Returns -1, or the first frame that holds what can't be counts (NaN, infinite, negative).
    """
    for t in range(window.shape[0]):
        frame_sum = 0.0
        bad = False
        for p in range(begin, end):
            value = np.float64(window[t, p])
            bad |= not (value >= 0.0 and value < np.inf)
            total[p] += value
            frame_sum += value * used[p]
        if bad:
            return t
        sums[t // avg] += frame_sum
    return -1


@inner
def advance_pixel(
    x: Array, other: Array, n: int, seen: int, levels: Array, products: Array, recent: Array, head: Array
) -> None:
    """Take n new samples, which lie in x behind the first REACH; `seen` came before."""
    for level in range(len(levels)):
        if n == 0:
            return
        for i in range(REACH):
            x[i] = recent[level, i]
        low, high, first = levels[level, 0], levels[level, 1], levels[level, 2]
        for channel in range(low, high + 1, 4):
            # Of four delays, the longest reaches back furthest: it comes first.
            sums = four_products(x[REACH:], x[REACH - channel - 3 :], n)
            for i in range(min(4, high + 1 - channel)):
                products[first + channel - low + i] += sums[3 - i]
        for i in range(seen, min(seen + n, REACH)):
            head[level, i] = x[REACH + i - seen]
        for i in range(REACH):
            recent[level, i] = x[n + i]
        # The last of an odd number of samples waits for its partner: it is the most recent one.
        odd = seen & 1
        pairs = (n + odd) // 2
        for i in range(pairs):
            other[REACH + i] = x[REACH - odd + 2 * i] + x[REACH - odd + 2 * i + 1]
        x, other = other, x
        n = pairs
        seen >>= 1


@entry
def advance_pixels(
    window: Array,
    avg: int,
    begin: int,
    end: int,
    pixel: Array,
    weight: Array,
    seen: int,
    levels: Array,
    static_of: Array,
    segment_of: Array,
    segments: Array,
    total: Array,
    products: Array,
    recent: Array,
    head: Array,
    gathered: Array,
    x: Array,
    other: Array,
) -> None:
    """Take a window of frames (n * avg, pixels) into the used pixels begin..end.

    `weight` and `segment_of` are of the window's correlated frames (means of `avg`; the weight includes 1 / avg);
    `segments` (K, S) receives raw counts. `gathered` is scratch, (TOGETHER, n), float32; so are `x` and `other`:
    `window_buffers`.
    """
    n = len(weight)
    for start in range(begin, end, TOGETHER):
        stop = min(start + TOGETHER, end)
        gathered[:] = 0
        for t in range(window.shape[0]):
            for p in range(start, stop):
                gathered[p - start, t // avg] += np.float32(window[t, pixel[p]])
        for p in range(start, stop):
            added: Any = 0.0
            for t in range(n):
                segments[segment_of[t], static_of[p]] += gathered[p - start, t]
                value = np.float32(gathered[p - start, t] * weight[t])
                x[REACH + t] = value
                added += value
            total[p] += added
            advance_pixel(x, other, n, seen, levels, products[p], recent[p], head[p])


@entry
def close_pixels(
    begin: int,
    end: int,
    first_pixel: int,
    run: int,
    total: Array,
    products: Array,
    recent: Array,
    head: Array,
    cell_of: Array,
    dynamic_of: Array,
    n_frames: Array,
    levels: Array,
    n_pairs: Array,
    cells: Array,
    pixel_sums: Array,
    per_pixel: Array,
    out: Array,
) -> None:
    """Add what used pixels begin..end carry after ``n_frames[run]`` frames to the sums of that run.

    What belongs to all used pixels (`cell_of`, `dynamic_of`, `per_pixel`) is looked up at ``first_pixel + p``.
    `out` is scratch, (3, T), float64.
    """
    for p in range(begin, end):
        out[:] = 0
        rest = total[p]
        for level in range(len(levels)):
            n = n_frames[run] >> level
            low = levels[level, 0]
            high = min(levels[level, 1], n - 1)
            if high < low:
                break
            before = behind = 0.0
            for channel in range(1, high + 1):
                before += head[p, level, channel - 1]
                behind += recent[p, level, REACH - channel]
                if channel >= low:
                    d = levels[level, 2] + channel - low
                    out[0, d] = products[p, d]
                    out[1, d] = rest - behind if rest - behind > NOTHING * total[p] else 0.0
                    out[2, d] = rest - before if rest - before > NOTHING * total[p] else 0.0
            if n & 1:
                rest -= recent[p, level, REACH - 1]
        finish_pixel(
            out, n_pairs[run], cells[run, cell_of[first_pixel + p]], pixel_sums[run, dynamic_of[first_pixel + p]]
        )
        if run == 0 and per_pixel.shape[2] > 0:
            for d in range(out.shape[1]):
                for row in range(3):
                    per_pixel[d, row, first_pixel + p] = out[row, d]
