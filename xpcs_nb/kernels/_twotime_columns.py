"""Photons of a column of a bitshuffle-LZ4 series, sorted by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpcs_nb.kernels._columns import PIXEL_BITS
from xpcs_nb.kernels._jit import entry

__all__ = ["sort_photons"]


@entry
def sort_photons(
    packed: Any,
    pointers: Any,
    slot_of: Any,
    scale: Any,
    n_events: Any,
    size: Any,
    frame: Any,
    value: Any,
    start: Any,
    place: Any,
) -> Any:
    """Sort photons by pixel, and join those of one pixel in one correlated frame.

    Parameters
    ----------
    packed, pointers
        Photons frame by frame (`take_photons`).
    slot_of
        Correlated frame of each frame.
    scale
        Value of one photon.
    n_events
        Entries of each pixel of the column in `packed`.
    size
        Receives the events of each pixel.
    frame, value
        Receive the events, pixel after pixel without gaps.
    start, place
        Scratch, int64, one longer than `n_events`.

    Returns
    -------
    Number of events.
    """
    start[0] = 0
    for p in range(n_events.size):
        place[p] = start[p]
        start[p + 1] = start[p] + n_events[p]
    for t in range(pointers.size - 1):
        slot = slot_of[t]
        for e in range(pointers[t], pointers[t + 1]):
            pixel = packed[e] & np.uint32((1 << PIXEL_BITS) - 1)
            counted = np.float32(packed[e] >> np.uint32(PIXEL_BITS)) * scale
            at = place[pixel]
            if at > start[pixel] and frame[at - 1] == slot:
                value[at - 1] += counted
            else:
                frame[at] = slot
                value[at] = counted
                place[pixel] = at + 1
    n = 0
    for p in range(n_events.size):
        size[p] = place[p] - start[p]
        for e in range(start[p], place[p]):
            frame[n] = frame[e]
            value[n] = value[e]
            n += 1
    return n
