"""Bitshuffle-LZ4 chunks, decoded block by block to bit planes.

A block of n elements becomes planes of n bits, kept as uint64 words: bit i of word w of plane b is bit b of element
``64 w + i``. Sums and the search for photons work on the planes, and cost little where these are empty.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.kernels._bits import clear_bytes_64, copy_bytes_16, count_ones
from xpcs_nb.kernels._jit import entry, inner

__all__ = [
    "HEADER_BYTES",
    "big_endian_32",
    "block_buffers",
    "first_block",
    "live_planes",
    "load_block",
    "scan_chunks",
]

#: Bytes in front of the first block of a chunk: uncompressed bytes (8), bytes a block (4).
HEADER_BYTES = 12
#: Room behind source and target, for copies of 16 and 64 bytes at a time.
SLACK = 64

type Array = NDArray[Any]


def block_buffers(item: int, words: int, block_elements: int) -> tuple[Array, Array, Array]:
    """Return scratch for a kernel that decodes blocks: planes (8 * item, words), their bytes, the bytes of a block."""
    room = np.zeros(8 * item * words + SLACK // 8, np.uint64)
    planes = room[: 8 * item * words].reshape(8 * item, words)
    return planes, room.view(np.uint8), np.empty(block_elements * item + SLACK, np.uint8)


@inner
def big_endian_32(data: Array, at: int) -> Any:
    """Read a big-endian uint32."""
    return (
        (np.int64(data[at]) << 24) | (np.int64(data[at + 1]) << 16) | (np.int64(data[at + 2]) << 8)
        | np.int64(data[at + 3])
    )  # fmt: skip


@inner
def copy_match(target: Array, at: Any, offset: Any, length: Any) -> None:
    """Repeat `length` bytes that lie `offset` before `at`; there is room for SLACK bytes more."""
    if offset == 1 and target[at - 1] == 0:
        for i in range(0, length, 64):
            clear_bytes_64(target, at + i)
        return
    if offset < 16:
        # Repeat byte by byte until whole copies of 16 bytes no longer overlap.
        step = offset * ((15 + offset) // offset)
        for i in range(at, at + min(step, length)):
            target[i] = target[i - offset]
        at += step
        length -= step
        offset = step
    for i in range(0, length, 16):
        copy_bytes_16(target, at + i, target, at - offset + i)


@inner
def decode_lz4(data: Array, begin: Any, end: int, target: Array, size: int) -> bool:
    """Decode the LZ4 block ``data[begin:end]`` to exactly `size` bytes; False if it is not such a block.

    `data` must have SLACK bytes behind `end`, and `target` behind `size`.
    """
    at: Any = 0
    while begin < end:
        token = np.int64(data[begin])
        begin += 1
        length = token >> 4
        if length == 15:
            while True:
                if begin >= end:
                    return False
                more = np.int64(data[begin])
                begin += 1
                length += more
                if more != 255:
                    break
        if begin + length > end or at + length > size:
            return False
        for i in range(0, length, 16):
            copy_bytes_16(target, at + i, data, begin + i)
        at += length
        begin += length
        if begin == end:
            return bool(at == size)
        if begin + 2 > end:
            return False
        offset = np.int64(data[begin]) | (np.int64(data[begin + 1]) << 8)
        begin += 2
        length = (token & 15) + 4
        if length == 19:
            while True:
                if begin >= end:
                    return False
                more = np.int64(data[begin])
                begin += 1
                length += more
                if more != 255:
                    break
        if offset == 0 or offset > at or at + length > size:
            return False
        copy_match(target, at, offset, length)
        at += length
    return False


@inner
def first_block(data: Array, begin: Any, end: Any, elements: int, block_elements: int, item: int) -> Any:
    """Return the place behind the header of the chunk ``data[begin:end]``, -1 if that is not of such a frame."""
    if end - begin < HEADER_BYTES or big_endian_32(data, begin) != 0:
        return -1
    if big_endian_32(data, begin + 4) != elements * item or big_endian_32(data, begin + 8) != block_elements * item:
        return -1
    return begin + HEADER_BYTES


@inner
def load_block(
    data: Array, at: int, end: int, elements: int, item: int, planes: Array, planes_bytes: Array, spare: Array
) -> int:
    """Decode the block at `at` (its size, then its LZ4 data) to `planes`; return the place behind it, -1 if corrupt.

    Elements that are no multiple of 8 are the end of a frame; the last ones of those follow the LZ4 data as they are.
    """
    shuffled = elements // 8 * 8
    words = planes.shape[1]
    whole = shuffled == elements and elements == 64 * words
    if shuffled > 0:
        if at + 4 > end:
            return -1
        size = big_endian_32(data, at)
        at += 4
        if at + size > end:
            return -1
        if not decode_lz4(data, at, at + size, planes_bytes if whole else spare, shuffled * item):
            return -1
        at += size
    if whole:
        return at
    planes[:, :] = 0
    row = shuffled // 8
    for plane in range(8 * item):
        for i in range(row):
            planes_bytes[plane * words * 8 + i] = spare[plane * row + i]
    for element in range(shuffled, elements):
        if at + item > end:
            return -1
        bit = np.uint64(1) << np.uint64(element & 63)
        for plane in range(8 * item):
            if (data[at + plane // 8] >> (plane & 7)) & 1:
                planes[plane, element >> 6] |= bit
        at += item
    return at


@inner
def top_plane(planes: Array) -> int:
    """Return the number of planes up to the last that is not empty."""
    for plane in range(planes.shape[0] - 1, -1, -1):
        together = np.uint64(0)
        for w in range(planes.shape[1]):
            together |= planes[plane, w]
        if together != 0:
            return plane + 1
    return 0


@inner
def mark_dead(planes: Array) -> None:
    """Empty the elements with all bits set: that is how detectors mark pixels that saw nothing."""
    for w in range(planes.shape[1]):
        dead = planes[0, w]
        for plane in range(1, planes.shape[0]):
            dead &= planes[plane, w]
        if dead != 0:
            for plane in range(planes.shape[0]):
                planes[plane, w] &= ~dead


@inner
def live_planes(planes: Array, item: int) -> Any:
    """Return `top_plane`, with the dead pixels of elements of `item` bytes emptied."""
    top = top_plane(planes)
    if top == 8 * item:
        mark_dead(planes)
    return top


@entry
def scan_chunks(
    data: Array,
    begin: Array,
    end: Array,
    elements: int,
    block_elements: int,
    item: int,
    used: Array,
    good: Array,
    strip: int,
    sums: Array,
    starts: Array,
    found: Array,
    photons: Array,
    planes: Array,
    planes_bytes: Array,
    spare: Array,
) -> int:
    """Check every block of some frames, add up their counts, and note where their blocks begin.

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
    sums
        Receives the counts of each frame over used pixels.
    starts
        Receives the places of the strips from the beginning of the chunk, and the end, shape (frames, strips + 1).
    found, photons
        Good pixels with counts, and their counts, by block; added to.
    planes, planes_bytes, spare
        Scratch: `block_buffers`.

    Returns
    -------
    int
        -1, or the first frame that is corrupt.
    """
    words = used.shape[1]
    blocks = used.shape[0]
    for t in range(len(begin)):
        at = first_block(data, begin[t], end[t], elements, block_elements, item)
        if at < 0:
            return t
        total = 0
        for block in range(blocks):
            if block % strip == 0:
                starts[t, block // strip] = at - begin[t]
            at = load_block(
                data, at, end[t], min(block_elements, elements - block * block_elements), item, planes, planes_bytes,
                spare,
            )  # fmt: skip
            if at < 0:
                return t
            top = live_planes(planes, item)
            for plane in range(top):
                ones = ones_good = 0
                for w in range(words):
                    ones += count_ones(planes[plane, w] & used[block, w])
                    ones_good += count_ones(planes[plane, w] & good[block, w])
                total += ones << plane
                photons[block] += ones_good << plane
            for w in range(words):
                together = planes[0, w]
                for plane in range(1, top):
                    together |= planes[plane, w]
                found[block] += count_ones(together & good[block, w])
        if at != end[t]:
            return t
        starts[t, starts.shape[1] - 1] = at - begin[t]
        sums[t] = total
    return -1
