"""Columns of bitshuffle-LZ4 series: the photons of a few blocks of pixels over all frames, and their correlation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.kernels._bits import lowest_one
from xpcs_nb.kernels._bitshuffle import big_endian_32, live_planes, load_block
from xpcs_nb.kernels._events import correlate_pixels
from xpcs_nb.kernels._jit import entry, inner

__all__ = ["correlate_column", "take_photons"]

type Array = NDArray[Any]

#: Photons are packed as pixel in the column (low bits) and count; larger counts are split.
PIXEL_BITS = 20
MOST_COUNTS = (1 << 12) - 1


@inner
def value_at(planes: Array, top: int, word: int, bit: int) -> Any:
    """Put together the value of one element from its bits."""
    value: Any = 0
    for plane in range(top):
        value |= np.int64((planes[plane, word] >> np.uint64(bit)) & np.uint64(1)) << plane
    return value


@entry
def take_photons(
    data: Array,
    begin: Array,
    end: Array,
    elements: int,
    block_elements: int,
    item: int,
    first_block: int,
    blocks: tuple[int, int],
    words: tuple[int, int],
    good: Array,
    segment_of: Array,
    static_of: Array,
    packed: Array,
    pointers: Array,
    frame: int,
    counts: Array,
    n_events: Array,
    segments: Array,
    planes: Array,
    planes_bytes: Array,
    spare: Array,
) -> int:
    """Decode a column and list its photons, frame by frame.

    Parameters
    ----------
    data, begin, end
        Bytes of block `first_block` and on, by frame.
    blocks, words
        Blocks ``blocks[0]:blocks[1]`` and, of each, the words ``words[0]:words[1]`` make the column.
    good
        Bits of good pixels, shape (blocks of the frame, words).
    segment_of
        Stretch of time of each of these frames.
    static_of
        Static bin of each pixel of the column, -1 where it is not used.
    packed, pointers
        Receive the photons, and for each frame (from `frame` on) their end.
    counts, n_events
        Counts and events of each pixel of the column, added to.
    segments
        Counts by stretch and static bin, added to.
    planes, planes_bytes, spare
        Scratch: `block_buffers`.

    Returns
    -------
    int
        -1, or the first frame (of these) that is corrupt.
    """
    filled = pointers[frame]
    for t in range(len(begin)):
        at = begin[t]
        for _block in range(first_block, blocks[0]):
            if at + 4 > end[t]:
                return t
            at += 4 + big_endian_32(data, at)
        for block in range(blocks[0], blocks[1]):
            n = min(block_elements, elements - block * block_elements)
            at = load_block(data, at, end[t], n, item, planes, planes_bytes, spare)
            if at < 0:
                return t
            top = live_planes(planes, item)
            offset = (block - blocks[0]) * block_elements - 64 * words[0]
            for w in range(words[0], words[1]):
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
                    pixel = offset + 64 * w + bit
                    counts[pixel] += value
                    static = static_of[pixel]
                    if static < 0:
                        continue
                    segments[segment_of[t], static] += value
                    while value > 0:
                        if filled >= len(packed):
                            return t
                        part = min(value, MOST_COUNTS)
                        packed[filled] = pixel | (part << PIXEL_BITS)
                        n_events[pixel] += 1
                        filled += 1
                        value -= part
        pointers[frame + t + 1] = filled
    return -1


@entry
def correlate_column(
    packed: Array,
    pointers: Array,
    slot_of: Array,
    rank: Array,
    n_events: Array,
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
    place: Array,
    indptr: Array,
    slots: Array,
    values: Array,
    dense: Array,
    other: Array,
    out: Array,
) -> Any:
    """Sort a column's photons by pixel, as many pixels at a time as fit `frame` and `value`, and correlate them.

    `rank` is the place of each pixel of the column among the column's used ones, less than 0 where it is not used;
    `weight` has one factor a correlated frame; `place` and `indptr` are scratch, int64, of the length of `rank` and one
    longer. The rest, and the answer, is that of `correlate_pixels`.
    """
    first = 0
    before = first_pixel
    while first < len(rank):
        room = len(frame)
        last = first
        while last < len(rank) and (last == first or n_events[last] <= room):
            room -= n_events[last]
            last += 1
        used = begin_pixels(rank, n_events, first, last, place, indptr)
        for t in range(len(pointers) - 1):
            for e in range(pointers[t], pointers[t + 1]):
                pixel = packed[e] & ((1 << PIXEL_BITS) - 1)
                if first <= pixel < last:
                    where = place[pixel]
                    place[pixel] = where + 1
                    frame[where] = slot_of[t]
                    value[where] = packed[e] >> PIXEL_BITS
        bad = correlate_pixels(
            0, used, indptr, frame, value, weight, before, cell_of, dynamic_of, n_frames, levels, n_pairs, cells,
            pixel_sums, per_pixel, slots, values, dense, other, out,
        )  # fmt: skip
        if bad >= 0:
            return before + bad
        before += used
        first = last
    return -1


@inner
def begin_pixels(rank: Array, n_events: Array, first: int, last: int, place: Array, indptr: Array) -> Any:
    """Set `indptr` and `place` to where the events of each used pixel of first..last begin, and return how many."""
    indptr[0] = 0
    p = 0
    for pixel in range(first, last):
        if rank[pixel] >= 0:
            place[pixel] = indptr[p]
            indptr[p + 1] = indptr[p] + n_events[pixel]
            p += 1
    return p
