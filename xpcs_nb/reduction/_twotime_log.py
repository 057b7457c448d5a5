"""Log two-time correlation of a series: the memory of a few frames, whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import FrameRange, FrameSource, LogGrid, LogTwotimeMap, PixelEvents, PixelLabels, Smooth
from xpcs_nb.errors import CorruptDataError
from xpcs_nb.kernels import (
    bin_events,
    collect_pixels,
    log_cells_of_events,
    scale_pixels,
    smoothing_factors,
    sum_pixels,
)
from xpcs_nb.reduction._multitau import check
from xpcs_nb.reduction._threads import n_threads
from xpcs_nb.reduction._twotime_chunks import photons_of_bins
from xpcs_nb.reduction._twotime_plan import BinPixels, choose_bins, event_occupancy

__all__ = ["log_twotime_maps"]

type Floats = NDArray[np.float32]
type Progress = Callable[[int], None]

#: Share of cells (pixel, frame) with photons up to which the photons are listed; beyond, frames take less memory.
FEW = 0.1
#: Frames that are multiplied with each other at once; the reach of a level, 8, is little beside it.
ROWS = 64
#: Pixels that are multiplied at once: single precision loses digits in longer sums.
PIXELS_AT_ONCE = 16384


def log_twotime_maps(
    source: FrameSource,
    labels: PixelLabels,
    frames: FrameRange,
    *,
    bins: Sequence[int] | None = None,
    smooth: Smooth = "sqmap",
    threads: int = 0,
    progress: Progress | None = None,
) -> Iterator[LogTwotimeMap]:
    r"""Correlate frames in pairs of groups that widen with the lag, for each dynamic bin.

    Each cell of `LogGrid` holds the mean of :math:`C_2(t_1, t_2)` (see `twotime_maps`) over its frames, exactly: about
    12 N numbers a bin instead of :math:`N^2`. Photons are listed where they are few; else frames are read once, in
    windows.

    Parameters
    ----------
    source, labels, frames, bins, smooth, threads, progress
        As for `twotime_maps`.

    Returns
    -------
    Iterator of LogTwotimeMap
        In rising order of the labels.

    Raises
    ------
    OptionError, QMapError, CorruptDataError
        As `twotime_maps`.
    """
    check(source, labels, np.ones(labels.shape, dtype=bool))
    chosen = choose_bins(labels, bins, smooth)
    grid = LogGrid(frames.n_frames)
    return _maps(source, labels, frames, chosen, grid, n_threads(threads), progress)


def _maps(
    source: FrameSource,
    labels: PixelLabels,
    frames: FrameRange,
    bins: list[BinPixels],
    grid: LogGrid,
    threads: int,
    progress: Progress | None,
) -> Iterator[LogTwotimeMap]:
    few = source.is_sparse or max(event_occupancy(source, labels, frames, bins)) <= FEW
    make = _from_events if few else _from_frames
    yield from make(source, labels, frames, bins, grid, threads, progress)


def _from_events(
    source: FrameSource,
    labels: PixelLabels,
    frames: FrameRange,
    bins: list[BinPixels],
    grid: LogGrid,
    threads: int,
    progress: Progress | None,
) -> Iterator[LogTwotimeMap]:
    events, moved = photons_of_bins(source, labels, frames, bins, threads, progress)
    with ThreadPoolExecutor(threads, thread_name_prefix="xpcs_nb") as pool:
        for begin in range(0, len(moved), threads):
            yield from pool.map(lambda bin_: _one_of_events(events, bin_, grid), moved[begin : begin + threads])


def _one_of_events(events: PixelEvents, bin_: BinPixels, grid: LogGrid) -> LogTwotimeMap:
    found = bin_events(
        events.indptr, events.frame, events.value, bin_.rows, bin_.group, bin_.group_size, events.n_frames
    )
    cells = log_cells_of_events(found, grid.delays.channel.copy(), grid.delays.level.copy(), grid.start)
    return LogTwotimeMap(bin=bin_.label, c2=cells)


def _from_frames(
    source: FrameSource,
    labels: PixelLabels,
    frames: FrameRange,
    bins: list[BinPixels],
    grid: LogGrid,
    threads: int,
    progress: Progress | None,
) -> Iterator[LogTwotimeMap]:
    streams = [_Stream(bin_, grid) for bin_ in bins]
    raw = frames.stride * frames.avg
    with ThreadPoolExecutor(threads, thread_name_prefix="xpcs_nb") as pool:
        for begin in range(0, frames.n_frames, ROWS):
            end = min(begin + ROWS, frames.n_frames)
            window = source.frames(frames.begin + raw * begin, frames.begin + raw * end, frames.stride)
            flat = np.ascontiguousarray(window.reshape(len(window), -1), dtype=window.dtype.newbyteorder("="))
            take = partial(_Stream.take, window=flat, pixel=labels.pixel, avg=frames.avg)
            bad = max(pool.map(take, streams), default=-1)
            if bad >= 0:
                raise CorruptDataError(
                    "a used pixel holds a count that is negative or no number",
                    path=source.path,
                    where=f"frame {frames.begin + frames.stride * (begin * frames.avg + bad)}",
                    hint="Mask the pixel, or leave out the frame with begin_frame..end_frame.",
                )
            if progress is not None:
                progress(end - begin)
    for stream in streams:
        yield stream.finish()


class _Stream:
    """One bin, frame by frame: at each level the last groups that later ones still meet.

    Parameters
    ----------
    bin_
        Its pixels.
    grid
        Its cells.
    """

    def __init__(self, bin_: BinPixels, grid: LogGrid) -> None:
        self._bin = bin_
        self._grid = grid
        self._cells = np.zeros(len(grid))
        nothing = np.empty((0, len(bin_.rows)), np.float32)
        n_levels = grid.delays.n_levels
        self._tail = [nothing] * n_levels
        self._single = [nothing] * n_levels
        self._seen = [0] * n_levels

    def take(self, window: NDArray[np.generic], pixel: NDArray[np.int64], avg: int) -> int:
        """Add the frames of a window, (M * avg, pixels of a frame); return -1, or a frame that can't be counts."""
        bin_ = self._bin
        values = np.empty((len(window) // avg, len(bin_.rows)), np.float32)
        bad = collect_pixels(window, pixel[bin_.rows], avg, values)
        if bad < 0:
            counts = np.zeros((len(values), len(bin_.group_size)))
            sum_pixels(values, bin_.group, counts)
            factor = np.ascontiguousarray(smoothing_factors(counts.T, bin_.group_size).T)
            scaled = np.empty_like(values)
            scale_pixels(values, bin_.group, factor, scaled)
            self._advance(0, scaled)
        return int(bad)

    def _advance(self, level: int, rows: Floats) -> None:
        """Multiply new groups of a level with those before them, and pass pairs of them to the next level."""
        if level == len(self._tail) or not len(rows):
            return
        tail = self._tail[level]
        both = np.concatenate([tail, rows])
        base = self._seen[level] - len(tail)
        products = np.zeros((len(both), len(both)))
        for first in range(0, both.shape[1], PIXELS_AT_ONCE):
            part = both[:, first : first + PIXELS_AT_ONCE]
            products += part @ part.T
        delays, start = self._grid.delays, self._grid.start
        for delay in np.flatnonzero(delays.level == level):
            channel = int(delays.channel[delay])
            begin = max(0, len(tail) - channel)
            found = np.diagonal(products, channel)[begin:]
            at = start[delay] + base + begin
            self._cells[at : at + len(found)] = found
        self._seen[level] += len(rows)
        reach = int(delays.channel[delays.level == level].max())
        self._tail[level] = both[max(0, len(both) - reach) :].copy()
        waiting = np.concatenate([self._single[level], rows])
        even = len(waiting) // 2 * 2
        self._single[level] = waiting[even:].copy()
        self._advance(level + 1, waiting[:even:2] + waiting[1:even:2])

    def finish(self) -> LogTwotimeMap:
        """Return the cells."""
        return LogTwotimeMap(bin=self._bin.label, c2=self._cells / 4.0 ** self._grid.delays.level[self._grid.delay])
