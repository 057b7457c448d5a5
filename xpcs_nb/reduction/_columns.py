"""Multi-tau of bitshuffle-LZ4 series, column by column of pixels: whole frames are never made."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import PixelLabels
from xpcs_nb.errors import CorruptDataError
from xpcs_nb.kernels import (
    advance_slab,
    close_pixels,
    correlate_column,
    pixel_buffers,
    take_photons,
    take_slab,
    window_buffers,
)
from xpcs_nb.reduction import _chunks
from xpcs_nb.reduction._chunks import SCAN_SHARE, ChunkScan, Column, Told, chunk_windows, columns
from xpcs_nb.reduction._events import pixel_ranks
from xpcs_nb.reduction._spans import SpanReader
from xpcs_nb.reduction._sums import Accumulator, Job
from xpcs_nb.reduction._threads import share_out

__all__ = ["ColumnSums", "correlate_columns"]

type Ints = NDArray[np.int64]
type Floats = NDArray[np.float64]

#: Events that a thread sorts at a time, 8 bytes each.
SORT_EVENTS = 1 << 20
#: Frames of a dense block that are decoded at a time.
SLAB_FRAMES = 512


@dataclass(frozen=True)
class ColumnSums:
    """Sums over all columns: by thread, and raw counts by pixel of the detector and by stretch of time and bin."""

    parts: list[Accumulator]
    pixel_counts: Floats
    segments: Floats


@dataclass(frozen=True)
class _Tables:
    """What all threads read, and the counts by pixel, of which each column writes its own part."""

    labels: PixelLabels
    weight: Floats
    slot_of: NDArray[np.int32]
    segment_of: NDArray[np.int32]
    static_of: NDArray[np.int32]
    rank: NDArray[np.int32]
    pixel_counts: Floats

    def ranks(self, first: int, last: int) -> tuple[int, NDArray[np.int32]]:
        """Return the number of used pixels before `first`, and the places of pixels first..last among those behind."""
        before = int(np.searchsorted(self.labels.pixel, first))
        return before, np.maximum(self.rank[first:last] - np.int32(before), np.int32(-1))


class _Worker:
    """One thread: its buffers and sums."""

    def __init__(self, found: ChunkScan, tables: _Tables, job: Job, reader: SpanReader) -> None:
        self.found, self.tables, self.job, self.reader = found, tables, job, reader
        self.sums = job.accumulator()
        self.segments = np.zeros((int(tables.segment_of[-1]) + 1, job.labels.n_static))
        self.pointers = np.zeros(len(found.files.raw) + 1, dtype=np.int64)
        self.packed = np.empty(0, dtype=np.uint32)
        self.frame = np.empty(0, dtype=np.int32)
        self.value = np.empty(0, dtype=np.float32)
        self.slab = np.empty((0, 0), dtype=np.float32)
        self.buffers = found.buffers()

    def take(self, column: Column) -> None:
        """Decode a column and correlate it."""
        if column.dense:
            self._take_dense(column)
        else:
            self._correlate(column, self._list_photons(column))

    def _read(self, column: Column, window: tuple[int, int]) -> tuple[Ints, Ints]:
        starts = self.found.starts[slice(*window)]
        begin = starts[:, column.strips[0]].astype(np.int64)
        return self.reader.read(window[0], begin, starts[:, column.strips[1]] - begin)

    def _list_photons(self, column: Column) -> Ints:
        """Fill `packed` and `pointers`; return the events of each pixel of the column."""
        found, tables = self.found, self.tables
        if column.events > len(self.packed):
            self.packed = np.empty(column.events, dtype=np.uint32)
        first, last = column.pixels(found)
        n_events = np.zeros(last - first, dtype=np.int64)
        size = found.starts[:, column.strips[1]].astype(np.int64) - found.starts[:, column.strips[0]]
        for window in chunk_windows(size, _chunks.READ_BYTES):
            begin, end = self._read(column, window)
            bad = take_photons(
                self.reader.buffer, begin, end, found.elements, found.block_elements, found.item,
                column.strips[0] * found.strip, column.blocks, column.words, found.good,
                tables.segment_of[tables.slot_of[slice(*window)]], tables.static_of[first:last],
                self.packed, self.pointers, window[0], tables.pixel_counts[first:last], n_events, self.segments,
                *self.buffers,
            )  # fmt: skip
            if bad >= 0:
                raise found.files.error(window[0] + bad)
        return n_events

    def _correlate(self, column: Column, n_events: Ints) -> None:
        job, tables = self.job, self.tables
        room = max(min(SORT_EVENTS, int(n_events.sum())), int(n_events.max()))
        if room > len(self.frame):
            self.frame = np.empty(room, dtype=np.int32)
            self.value = np.empty(room, dtype=np.float32)
        before, rank = tables.ranks(*column.pixels(self.found))
        plan = job.plan
        bad = correlate_column(
            self.packed, self.pointers, tables.slot_of, rank, n_events, self.frame, self.value, tables.weight, before,
            job.cell_of, job.dynamic_of, plan.n_frames, plan.levels, plan.n_pairs,
            self.sums.cells, self.sums.pixels, job.per_pixel,
            np.empty(len(rank), dtype=np.int64), np.empty(len(rank) + 1, dtype=np.int64),
            *pixel_buffers(int(n_events.max()), int(plan.n_frames[0]), len(plan)),
        )  # fmt: skip
        if bad >= 0:
            raise CorruptDataError("events are not in time order", path=self.found.files.paths[0])

    def _take_dense(self, column: Column) -> None:
        """Decode a block in windows of time, and carry its pixels from one to the next."""
        tables, job, plan = self.tables, self.job, self.job.plan
        first, last = column.pixels(self.found)
        before, rank = tables.ranks(first, last)
        n_used = int(np.count_nonzero(rank >= 0))
        carried = (
            np.zeros(n_used),
            np.zeros((n_used, len(plan)), dtype=np.float32),
            np.zeros((n_used, len(plan.levels), 8), dtype=np.float32),
            np.zeros((n_used, len(plan.levels), 8), dtype=np.float32),
        )
        for slots in self._slab_windows(column):
            self._fill_slab(column, slots)
            advance_slab(
                self.slab, job.frames.avg, rank, tables.weight[slice(*slots)], slots[0], plan.levels,
                tables.static_of[first:last], tables.segment_of[slice(*slots)], self.segments,
                tables.pixel_counts[first:last], *carried, *window_buffers(slots[1] - slots[0]),
            )  # fmt: skip
            for run in np.flatnonzero(plan.n_frames == slots[1]):
                close_pixels(
                    0, n_used, before, int(run), *carried, job.cell_of, job.dynamic_of, plan.n_frames, plan.levels,
                    plan.n_pairs, self.sums.cells, self.sums.pixels, job.per_pixel, np.empty((3, len(plan))),
                )  # fmt: skip

    def _slab_windows(self, column: Column) -> Iterator[tuple[int, int]]:
        """Cut the correlated frames into windows; every prefix that is reported ends one."""
        starts, frames = self.found.starts, self.job.frames
        size = (starts[:, column.strips[1]].astype(np.int64) - starts[:, column.strips[0]]).max()
        most = min(SLAB_FRAMES, _chunks.READ_BYTES // max(1, int(size)))
        edges = {0, *self.job.plan.n_frames.tolist(), *range(0, frames.n_frames, max(1, most // frames.avg))}
        return itertools.pairwise(sorted(edges))

    def _fill_slab(self, column: Column, slots: tuple[int, int]) -> None:
        found, avg = self.found, self.job.frames.avg
        window = (slots[0] * avg, slots[1] * avg)
        if window[1] - window[0] > self.slab.shape[1]:
            # Rows that are no power of two apart fall into different lines of the cache.
            width = max(SLAB_FRAMES, window[1] - window[0]) + 16
            self.slab = np.zeros((64 * found.good.shape[1], width), dtype=np.float32)
        begin, end = self._read(column, window)
        bad = take_slab(
            self.reader.buffer, begin, end, found.elements, found.block_elements, found.item,
            column.strips[0] * found.strip, column.blocks[0], found.good, self.slab,
            np.empty(64, dtype=np.uint64), *self.buffers,
        )  # fmt: skip
        if bad >= 0:
            raise found.files.error(window[0] + bad)


def correlate_columns(
    found: ChunkScan, job: Job, weight: Floats, segment_of: NDArray[np.int32], threads: int, told: Told
) -> ColumnSums:
    """Correlate all columns.

    `weight` is the factor of each correlated frame, and includes 1 / avg; `segment_of` is its stretch of time.
    """
    labels = job.labels
    static_of = np.full(found.elements, -1, dtype=np.int32)
    static_of[labels.pixel] = labels.static
    slot_of = np.repeat(np.arange(job.frames.n_frames, dtype=np.int32), job.frames.avg)
    tables = _Tables(labels, weight, slot_of, segment_of, static_of, pixel_ranks(labels), np.zeros(found.elements))
    todo = columns(found)
    total = sum(column.events for column in todo)
    with ExitStack() as open_files:
        workers = share_out(
            todo,
            lambda: _Worker(found, tables, job, open_files.enter_context(SpanReader(found.files, _chunks.READ_BYTES))),
            lambda worker, column: worker.take(column),
            threads,
            lambda column: told.add((1 - SCAN_SHARE) * column.events / total),
        )
    if not todo:
        told.add(1 - SCAN_SHARE)
    segments = np.sum([worker.segments for worker in workers], axis=0)
    return ColumnSums([worker.sums for worker in workers], tables.pixel_counts, segments)
