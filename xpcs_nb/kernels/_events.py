"""Event lists: sorting by pixel, and the multi-tau sums of the pixels that have events."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.kernels._jit import entry, inner
from xpcs_nb.kernels._pixel import PADDING, finish_pixel, sparse_levels

__all__ = [
    "correlate_events",
    "correlate_pixels",
    "count_events",
    "pixel_buffers",
    "place_events",
    "segment_events",
]

type Array = NDArray[Any]


@entry
def count_events(
    pixel: Array, frame: Array, count: Array, slot_of: Array, rank: Array, total: Array, n_events: Array, sums: Array
) -> int:
    """Count the events of each used pixel, and add up counts by pixel and by frame.

    Parameters
    ----------
    pixel, frame, count
        Events of the raw frames; `frame` counts from the first of them.
    slot_of
        Correlated frame of each raw frame, -1 where it is skipped.
    rank
        Place of each pixel of the detector among the used ones, -1 where it is not used.
    total
        Counts of each pixel of the detector, added to.
    n_events
        Events of each used pixel, added to.
    sums
        Counts of each correlated frame over the used pixels, added to.

    Returns
    -------
    int
        -1, or the place of the first event that lies outside the frames or the detector.
    """
    for e in range(len(pixel)):
        if pixel[e] >= len(rank) or frame[e] >= len(slot_of):
            return e
        slot = slot_of[frame[e]]
        if slot < 0:
            continue
        where = np.int64(pixel[e])
        total[where] += count[e]
        place = rank[where]
        if place >= 0:
            n_events[place] += 1
            sums[slot] += count[e]
    return -1


@entry
def place_events(
    pixel: Array,
    frame: Array,
    count: Array,
    slot_of: Array,
    rank: Array,
    share: float,
    next_place: Array,
    out_frame: Array,
    out_value: Array,
) -> None:
    """Put the events of used pixels where `next_place` of their pixel points, and advance it."""
    for e in range(len(pixel)):
        slot = slot_of[frame[e]]
        place = rank[np.int64(pixel[e])]
        if slot >= 0 and place >= 0:
            where = next_place[place]
            out_frame[where] = slot
            out_value[where] = count[e] * share
            next_place[place] = where + 1


def pixel_buffers(most: int, n_frames: int, n_delays: int) -> tuple[Array, Array, Array, Array, Array]:
    """Return the scratch arrays of `correlate_pixels` for pixels of at most `most` events."""
    return (
        np.empty(most, np.int64),
        np.empty(most, np.float64),
        np.empty(n_frames + PADDING, np.float32),
        np.empty(n_frames // 2 + PADDING, np.float32),
        np.empty((3, n_delays), np.float64),
    )


@inner
def correlate_pixels(
    begin: int,
    end: int,
    indptr: Array,
    frame: Array,
    value: Array,
    weight: Array,
    first_pixel: int,
    cell_of: Array,
    dynamic_of: Array,
    n_frames: Array,
    levels: Array,
    n_pairs: Array,
    cells: Array,
    pixel_sums: Array,
    per_pixel: Array,
    slots: Array,
    values: Array,
    dense: Array,
    other: Array,
    out: Array,
) -> int:
    """Correlate used pixels begin..end; return -1, or a pixel whose events are not in time order.

    Arrays by used pixel (`cell_of`, `dynamic_of`, `per_pixel`) are looked up at ``first_pixel + p``.

    `cells` (R, C, 3, T) and `pixel_sums` (R, D, 2, T) are added to; `per_pixel` (T, 3, P) is set unless it is empty.
    The last five are scratch: `pixel_buffers`.
    """
    for p in range(begin, end):
        if indptr[p] == indptr[p + 1]:
            continue
        cell = cell_of[first_pixel + p]
        dynamic = dynamic_of[first_pixel + p]
        for run in range(len(n_frames)):
            m = 0
            for e in range(indptr[p], indptr[p + 1]):
                slot = np.int64(frame[e])
                if slot >= n_frames[run]:
                    break
                if m > 0 and slots[m - 1] == slot:
                    values[m - 1] += value[e] * weight[slot]
                    continue
                if m > 0 and slots[m - 1] > slot:
                    return p
                slots[m] = slot
                values[m] = value[e] * weight[slot]
                m += 1
            if m == 0:
                continue
            out[:] = 0
            sparse_levels(slots, values, m, n_frames[run], levels, dense, other, out)
            finish_pixel(out, n_pairs[run], cells[run, cell], pixel_sums[run, dynamic])
            if run == 0 and per_pixel.shape[2] > 0:
                for d in range(out.shape[1]):
                    for row in range(3):
                        per_pixel[d, row, first_pixel + p] = out[row, d]
    return -1


@entry
def correlate_events(
    begin: int,
    end: int,
    indptr: Array,
    frame: Array,
    value: Array,
    weight: Array,
    cell_of: Array,
    dynamic_of: Array,
    n_frames: Array,
    levels: Array,
    n_pairs: Array,
    cells: Array,
    pixel_sums: Array,
    per_pixel: Array,
    slots: Array,
    values: Array,
    dense: Array,
    other: Array,
    out: Array,
) -> Any:
    """Correlate the used pixels begin..end from their sorted events (see `correlate_pixels`)."""
    return correlate_pixels(
        begin, end, indptr, frame, value, weight, 0, cell_of, dynamic_of, n_frames, levels, n_pairs, cells, pixel_sums,
        per_pixel, slots, values, dense, other, out,
    )  # fmt: skip


@entry
def segment_events(
    indptr: Array, frame: Array, value: Array, static_of: Array, segment_of: Array, counts: Array
) -> None:
    """Add up the values of the used pixels' events by stretch of time and static bin, `counts` (K, S)."""
    for p in range(len(indptr) - 1):
        for e in range(indptr[p], indptr[p + 1]):
            counts[segment_of[frame[e]], static_of[p]] += value[e]
