"""Blocks of bitshuffle-LZ4 series with many counts: values by pixel and time, correlated window by window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.kernels._bitshuffle import big_endian_32, live_planes, load_block
from xpcs_nb.kernels._jit import entry, inner
from xpcs_nb.kernels._stream import REACH, advance_pixel

__all__ = ["advance_slab", "take_slab"]

type Array = NDArray[Any]


@inner
def spread_word(planes: Array, top: int, word: int, wanted: Any, values: Array) -> None:
    """Put together the 64 values of a word, 0 where their bit in `wanted` is not set."""
    values[:] = 0
    for plane in range(top):
        bits = planes[plane, word] & wanted
        for i in range(64):
            values[i] |= ((bits >> np.uint64(i)) & np.uint64(1)) << np.uint64(plane)


@entry
def take_slab(
    data: Array,
    begin: Array,
    end: Array,
    elements: int,
    block_elements: int,
    item: int,
    first_block: int,
    block: int,
    good: Array,
    slab: Array,
    values: Array,
    planes: Array,
    planes_bytes: Array,
    spare: Array,
) -> int:
    """Decode one block of some frames to `slab` (pixels, frames), float32; pixels that are not good become 0.

    `values` is scratch, 64 uint64; the other arguments and the answer are those of `take_photons`.
    """
    words = good.shape[1]
    n = min(block_elements, elements - block * block_elements)
    for t in range(len(begin)):
        at = begin[t]
        for _block in range(first_block, block):
            if at + 4 > end[t]:
                return t
            at += 4 + big_endian_32(data, at)
        if load_block(data, at, end[t], n, item, planes, planes_bytes, spare) < 0:
            return t
        top = live_planes(planes, item)
        for w in range(words):
            spread_word(planes, top, w, good[block, w], values)
            for i in range(min(64, n - 64 * w)):
                slab[64 * w + i, t] = values[i]
    return -1


@entry
def advance_slab(
    slab: Array,
    avg: int,
    rank: Array,
    weight: Array,
    seen: int,
    levels: Array,
    static_of: Array,
    segment_of: Array,
    segments: Array,
    counts: Array,
    total: Array,
    products: Array,
    recent: Array,
    head: Array,
    x: Array,
    other: Array,
) -> None:
    """Take a window of a slab into its used pixels (see `advance_pixels`).

    Parameters
    ----------
    slab
        Raw values, shape (pixels, n * avg or more), n being the length of `weight`.
    rank, static_of, counts
        By pixel of the slab: place among the used ones of the slab or less than 0; static bin; counts, added to.
    weight, segment_of
        By correlated frame of the window; the weight includes 1 / avg.
    x, other
        Scratch: `window_buffers`.
    """
    n = len(weight)
    for pixel in range(len(rank)):
        place = rank[pixel]
        counted: Any = 0.0
        weighted: Any = 0.0
        for t in range(n):
            value: Any = 0.0
            for i in range(t * avg, t * avg + avg):
                value += slab[pixel, i]
            counted += value
            if place >= 0:
                segments[segment_of[t], static_of[pixel]] += value
                sample = np.float32(value * weight[t])
                x[REACH + t] = sample
                weighted += sample
        counts[pixel] += counted
        if place >= 0:
            total[place] += weighted
            advance_pixel(x, other, n, seen, levels, products[place], recent[place], head[place])
