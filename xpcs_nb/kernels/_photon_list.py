"""Photons of bitshuffle-LZ4 series: listed as the chunks are decoded, then sorted by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.kernels._bits import count_ones, lowest_one
from xpcs_nb.kernels._bitshuffle import first_block, live_planes, load_block
from xpcs_nb.kernels._columns import value_at
from xpcs_nb.kernels._jit import entry, inner

__all__ = ["LISTED_PIXELS", "close_gaps", "count_photons", "list_photons", "place_photons"]

type Array = NDArray[Any]

#: An entry of the list is the pixel (low bits) and its count; a count that does not fit is the entry behind it.
_PIXEL_BITS = 25
_COUNT_FOLLOWS = (1 << 7) - 1
#: Pixels of a frame that an entry can tell apart.
LISTED_PIXELS = 1 << _PIXEL_BITS
#: Entries that the pixels of one word can take.
_WORD_ENTRIES = 128


@entry
def list_photons(
    data: Array,
    begin: Array,
    end: Array,
    elements: int,
    block_elements: int,
    item: int,
    used: Array,
    good: Array,
    strip: int,
    listed: Array,
    where: Array,
    sums: Array,
    planes: Array,
    planes_bytes: Array,
    spare: Array,
) -> int:
    """Decode some frames and list the photons of their good pixels, frame by frame and in the order of the pixels.

    Parameters
    ----------
    data
        Bytes that hold the chunks, with SLACK bytes behind them.
    begin, end
        Place of each frame's chunk in `data`.
    elements, block_elements, item
        Pixels of a frame and of a block; bytes a pixel.
    used, good
        Bits of used and of good pixels, shape (blocks, words), uint64.
    strip
        Blocks between two noted places.
    listed
        Receives the photons, uint32.
    where
        Receives the places in `listed` where the strips of each frame begin, and its end, shape (frames, strips + 1).
    sums
        Receives the counts of each frame over used pixels.
    planes, planes_bytes, spare
        Scratch: `block_buffers`.

    Returns
    -------
    int
        -1; or the first frame that is corrupt; or -2 - t, if `listed` has no room for frame t.
    """
    blocks, words = used.shape
    filled = 0
    for t in range(len(begin)):
        at = first_block(data, begin[t], end[t], elements, block_elements, item)
        if at < 0:
            return t
        total = 0
        for block in range(blocks):
            if block % strip == 0:
                where[t, block // strip] = filled
            at = load_block(
                data, at, end[t], min(block_elements, elements - block * block_elements), item, planes, planes_bytes,
                spare,
            )  # fmt: skip
            if at < 0:
                return t
            top = live_planes(planes, item)
            for plane in range(top):
                ones = 0
                for w in range(words):
                    ones += count_ones(planes[plane, w] & used[block, w])
                total += ones << plane
            for w in range(words):
                if filled + _WORD_ENTRIES > len(listed):
                    return -2 - t
                more = np.uint64(0)
                for plane in range(1, top):
                    more |= planes[plane, w]
                left = (planes[0, w] | more) & good[block, w]
                while left != 0:
                    bit = lowest_one(left)
                    left &= left - np.uint64(1)
                    value = 1
                    if (more >> np.uint64(bit)) & np.uint64(1):
                        value = value_at(planes, top, w, bit)
                    pixel = block * block_elements + 64 * w + bit
                    if value < _COUNT_FOLLOWS:
                        listed[filled] = pixel | (value << _PIXEL_BITS)
                    else:
                        listed[filled] = pixel | (_COUNT_FOLLOWS << _PIXEL_BITS)
                        filled += 1
                        listed[filled] = value
                    filled += 1
        if at != end[t]:
            return t
        where[t, where.shape[1] - 1] = filled
        sums[t] = total
    return -1


@inner
def listed_photons(listed: Array, e: Any) -> Any:
    """Return pixel and count of the entry at `e`, and the place behind it."""
    pixel = listed[e] & np.uint32(LISTED_PIXELS - 1)
    count = listed[e] >> np.uint32(_PIXEL_BITS)
    if count == _COUNT_FOLLOWS:
        e += 1
        count = listed[e]
    return pixel, count, e + 1


@entry
def count_photons(listed: Array, where: Array, strips: tuple[int, int], n_events: Array, counts: Array) -> None:
    """Add the photons that `list_photons` found in `strips` to the events and the counts of each pixel of the frame."""
    for t in range(where.shape[0]):
        e = np.int64(where[t, strips[0]])
        end = np.int64(where[t, strips[1]])
        while e < end:
            pixel, count, e = listed_photons(listed, e)
            n_events[pixel] += 1
            counts[pixel] += count


@entry
def place_photons(
    listed: Array,
    where: Array,
    strips: tuple[int, int],
    slot_of: Array,
    scale: Any,
    first: Array,
    place: Array,
    frame: Array,
    value: Array,
) -> None:
    """Write the photons of `strips` behind those of earlier frames, and join those of a pixel in a correlated frame.

    Parameters
    ----------
    listed, where
        Photons of some frames (`list_photons`).
    slot_of
        Correlated frame of each of these frames.
    scale
        Value of one photon, float32.
    first
        Place of the first event of each pixel of the frame, -1 where the pixel is not used.
    place
        Place of each pixel's next event; moved on.
    frame, value
        Receive the events.
    """
    for t in range(where.shape[0]):
        slot = slot_of[t]
        e = np.int64(where[t, strips[0]])
        end = np.int64(where[t, strips[1]])
        while e < end:
            pixel, count, e = listed_photons(listed, e)
            at = place[pixel]
            if at < 0:
                continue
            if at > first[pixel] and frame[at - 1] == slot:
                value[at - 1] += np.float32(count) * scale
            else:
                frame[at] = slot
                value[at] = np.float32(count) * scale
                place[pixel] = at + 1


@entry
def close_gaps(first: Array, size: Array, frame: Array, value: Array) -> None:
    """Move the `size` events of each pixel, which begin at `first`, to follow those of the pixel before."""
    n = 0
    for p in range(len(size)):
        for e in range(first[p], first[p] + size[p]):
            frame[n] = frame[e]
            value[n] = value[e]
            n += 1
