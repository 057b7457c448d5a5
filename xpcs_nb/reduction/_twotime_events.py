"""Two-time maps from the photons of each pixel."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import reduce
from operator import iadd

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import FrameRange, FrameSource, PixelEvents, PixelLabels, TwotimeMap
from xpcs_nb.kernels import EventPairs, bin_events, events_map, finish_map
from xpcs_nb.reduction._twotime_chunks import photons_of_bins
from xpcs_nb.reduction._twotime_plan import BinPixels, pairs_are_cheaper

__all__ = ["maps_from_events", "maps_of_photons"]

#: Several maps are made at a time, one a thread, as long as all of them are no larger than this; else the threads
#: share the rows of one map.
MAPS_BYTES = 256 << 20


def maps_from_events(
    source: FrameSource,
    labels: PixelLabels,
    frames: FrameRange,
    bins: list[BinPixels],
    threads: int,
    progress: Callable[[int], None] | None,
) -> Iterator[TwotimeMap]:
    """Yield the maps of `bins` in their order; the photons of all of them are held in memory."""
    events, bins = photons_of_bins(source, labels, frames, bins, threads, progress)
    yield from maps_of_photons(events, bins, threads)


def maps_of_photons(events: PixelEvents, bins: list[BinPixels], threads: int) -> Iterator[TwotimeMap]:
    """Yield the maps of `bins` in their order; their rows are those of `events`."""
    map_bytes = 4 * events.n_frames**2
    pool = ThreadPoolExecutor(threads, thread_name_prefix="xpcs_nb")
    try:
        if len(bins) < threads or (threads + 1) * map_bytes > MAPS_BYTES:
            for bin_ in bins:
                yield _one_map(events, bin_, _empty_map(events), pool, threads)
        else:
            yield from _several_maps(events, bins, pool, threads)
    finally:
        pool.shutdown(cancel_futures=True)


def _several_maps(
    events: PixelEvents, bins: list[BinPixels], pool: ThreadPoolExecutor, threads: int
) -> Iterator[TwotimeMap]:
    waiting: deque[Future[TwotimeMap]] = deque()
    for bin_ in bins:
        waiting.append(pool.submit(_one_map, events, bin_, _empty_map(events)))
        if len(waiting) > threads:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _empty_map(events: PixelEvents) -> NDArray[np.float32]:
    # Taken by the thread that gives it back, so that the allocator can reuse it: measured, maps that worker threads
    # allocate double the time of 36 maps of 1000 frames by touching new memory.
    return np.empty((events.n_frames, events.n_frames), dtype=np.float32)


def _one_map(
    events: PixelEvents,
    bin_: BinPixels,
    c2: NDArray[np.float32],
    pool: ThreadPoolExecutor | None = None,
    threads: int = 1,
) -> TwotimeMap:
    n = events.n_frames
    found = bin_events(events.indptr, events.frame, events.value, bin_.rows, bin_.group, bin_.group_size, n)
    if not pairs_are_cheaper(found.n_pairs, len(found.frame), len(bin_.rows), n):
        events_map(found, c2)
        sums = finish_map(c2)
    else:
        pairs = EventPairs(found)
        if pool is None:
            sums = pairs.fill(range(pairs.n_bands), c2)
        else:
            # interleaved, because rows get shorter towards the end of the triangle
            parts = [range(first, pairs.n_bands, threads) for first in range(threads)]
            sums = reduce(iadd, pool.map(lambda part: pairs.fill(part, c2), parts))
    g2, segments = sums.g2()
    return TwotimeMap(bin=bin_.label, c2=c2, g2=g2, g2_segments=segments)
