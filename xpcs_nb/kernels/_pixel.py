"""The multi-tau estimator of one pixel: over its events while they are few, over a dense array once they are not.

`out` receives, for each delay, the plain sums over its pairs: of ``x[t] x[t+c]`` (row 0), of ``x[t]`` (row 1, IP) and
of ``x[t+c]`` (row 2, IF), where x are the sums of 2**level frames. A row of `levels` is (first channel, last channel,
index of the first delay) of one level.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.kernels._jit import inner

__all__ = ["DENSE_FROM", "LEAST_EVENTS", "PADDING", "dense_levels", "finish_pixel", "four_products", "sparse_levels"]

#: A level turns dense when more than one in so many of its slots holds counts, and there are some events at all.
DENSE_FROM = 24
LEAST_EVENTS = 8
#: Zeros kept behind a dense series, so that every delay can run over its full length.
PADDING = 16
#: Products are summed in float32 over so many samples, then in float64.
STRETCH = 512

type Array = NDArray[Any]


@inner
def four_products(early: Array, late: Array, n: int) -> tuple[float, float, float, float]:
    """Sum ``early[t] late[t+i]`` for i = 0..3 over t < n."""
    sums0 = sums1 = sums2 = sums3 = 0.0
    part0: Any
    part1: Any
    part2: Any
    part3: Any
    for start in range(0, n, STRETCH):
        stop = min(start + STRETCH, n)
        # Slices that all begin at 0 are what the compiler turns into vector instructions (18 times faster here).
        now = early[start:stop]
        late0, late1 = late[start:stop], late[start + 1 : stop + 1]
        late2, late3 = late[start + 2 : stop + 2], late[start + 3 : stop + 3]
        part0 = part1 = part2 = part3 = np.float32(0)
        for t in range(stop - start):
            part0 += now[t] * late0[t]
            part1 += now[t] * late1[t]
            part2 += now[t] * late2[t]
            part3 += now[t] * late3[t]
        sums0 += part0
        sums1 += part1
        sums2 += part2
        sums3 += part3
    return sums0, sums1, sums2, sums3


@inner
def total_of(x: Array, n: int) -> float:
    """Sum the first n samples, in float64: IP and IF are small differences from it at the longest delays."""
    total = 0.0
    for t in range(n):
        total += x[t]
    return total


@inner
def dense_levels(x: Array, other: Array, n: int, level: int, n_frames: int, levels: Array, out: Array) -> None:
    """Fill `out` from `level` on; x[:n] is the series at that level, zeros behind it; both arrays are overwritten."""
    last_level = len(levels)
    while level < last_level:
        n = n_frames >> level
        low = levels[level, 0]
        high = min(levels[level, 1], n - 1)
        first = levels[level, 2]
        if high < low:
            return
        for i in range(n, n + PADDING):
            x[i] = 0
        total = total_of(x, n)
        for channel in range(low, high + 1, 4):
            sums = four_products(x, x[channel:], n)
            for i in range(min(4, high + 1 - channel)):
                out[0, first + channel - low + i] = sums[i]
        head = tail = 0.0
        for channel in range(1, high + 1):
            head += x[channel - 1]
            tail += x[n - channel]
            if channel >= low:
                out[1, first + channel - low] = total - tail
                out[2, first + channel - low] = total - head
        for i in range(n >> 1):
            other[i] = x[2 * i] + x[2 * i + 1]
        x, other = other, x
        level += 1


@inner
def sparse_levels(
    t: Array, x: Array, m: int, n_frames: int, levels: Array, dense: Array, spare: Array, out: Array
) -> None:
    """Fill `out` from m events (rising slots t, values x; both overwritten); hand over where they stop being sparse."""
    total = 0.0
    for i in range(m):
        total += x[i]
    for level in range(len(levels)):
        n = n_frames >> level
        low = levels[level, 0]
        high = min(levels[level, 1], n - 1)
        first = levels[level, 2] - low
        if high < low:
            return
        while m > 0 and t[m - 1] >= n:
            m -= 1
            total -= x[m]
        if m > LEAST_EVENTS and m * DENSE_FROM > n:
            dense[:n] = 0
            for i in range(m):
                dense[t[i]] = x[i]
            dense_levels(dense, spare, n, level, n_frames, levels, out)
            return
        for channel in range(low, high + 1):
            out[1, first + channel] = total
            out[2, first + channel] = total
        i = 0
        while i < m and t[i] < high:
            for channel in range(max(low, t[i] + 1), high + 1):
                out[2, first + channel] -= x[i]
            i += 1
        i = m - 1
        while i >= 0 and t[i] >= n - high:
            for channel in range(max(low, n - t[i]), high + 1):
                out[1, first + channel] -= x[i]
            i -= 1
        kept = 0
        for i in range(m):
            slot = t[i]
            value = x[i]
            j = i + 1
            while j < m and t[j] - slot <= high:
                if t[j] - slot >= low:
                    out[0, first + t[j] - slot] += value * x[j]
                j += 1
            # Entries below `kept` are of the next level already; those from i on are still of this one.
            if kept > 0 and t[kept - 1] == slot >> 1:
                x[kept - 1] += value
            else:
                t[kept] = slot >> 1
                x[kept] = value
                kept += 1
        m = kept


@inner
def finish_pixel(out: Array, n_pairs: Array, cell: Array, pixel_sums: Array) -> None:
    """Add a pixel's sums to its cell, and its g2 and its square to its dynamic bin; clear `out` where it is spent."""
    for row in range(3):
        for d in range(out.shape[1]):
            cell[row, d] += out[row, d]
    for d in range(out.shape[1]):
        below = out[1, d] * out[2, d]
        g2 = out[0, d] * n_pairs[d] / below if out[0, d] > 0 and below > 0 else 0.0
        pixel_sums[0, d] += g2
        pixel_sums[1, d] += g2 * g2
