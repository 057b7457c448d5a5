"""Log two-time correlation from event lists: each photon meets those within eight groups, level by level."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.kernels._jit import entry
from xpcs_nb.kernels._twotime import BinEvents

__all__ = ["log_cells_of_events"]

type Ints = NDArray[np.int64]


@entry
def _add_pixels(
    start: Any,
    frame: Any,
    weight: Any,
    n_frames: Any,
    first: Any,
    least: Any,
    cells_of: Any,
    when: Any,
    what: Any,
    out: Any,
) -> None:
    """Add the products of all pixels to the cells; `when` and `what` are scratch for one pixel."""
    for k in range(start.size - 1):
        begin = start[k]
        n = start[k + 1] - begin
        for e in range(n):
            when[e] = np.int64(frame[begin + e])
            what[e] = np.float64(weight[begin + e])
        for level in range(least.size):
            groups = n_frames >> level
            while n > 0 and when[n - 1] >= groups:
                n -= 1
            low = least[level]
            high = low + first[level + 1] - first[level]
            for i in range(n):
                for j in range(i + 1, n):
                    channel = when[j] - when[i]
                    if channel >= high:
                        break
                    if channel >= low:
                        out[cells_of[first[level] + channel - low] + when[i]] += what[i] * what[j]
            kept = 0
            for e in range(n):
                group = when[e] >> 1
                if kept > 0 and when[kept - 1] == group:
                    what[kept - 1] += what[e]
                else:
                    when[kept] = group
                    what[kept] = what[e]
                    kept += 1
            n = kept


def log_cells_of_events(events: BinEvents, channel: Ints, level: Ints, start: Ints) -> NDArray[np.float64]:
    r"""Return the cells of one bin's log two-time correlation.

    With :math:`W_p(T)` the sum of a pixel's weights in group `T` of :math:`2^l` frames, a cell is
    :math:`\sum_p W_p(T) W_p(T + c) / 4^l`: exactly the mean of the full map over the same frames.

    Parameters
    ----------
    events
        Of the bin; C2 is the sum of products of their weights.
    channel, level
        Of each delay (`LogGrid.delays`), shape (T,).
    start
        First cell of each delay, and their number, shape (T + 1,).

    Returns
    -------
    Shape (M,), float64.
    """
    n_levels = int(level[-1]) + 1
    first = np.searchsorted(level, np.arange(n_levels + 1)).astype(np.int64)
    least = channel[first[:-1]]
    most = int(np.diff(events.start).max(initial=0))
    out = np.zeros(int(start[-1]))
    _add_pixels(
        events.start,
        events.frame,
        events.weight,
        events.n_frames,
        first,
        np.ascontiguousarray(least),
        np.ascontiguousarray(start),
        np.empty(max(most, 1), np.int64),
        np.empty(max(most, 1)),
        out,
    )
    return out / np.repeat(4.0**level, np.diff(start))
