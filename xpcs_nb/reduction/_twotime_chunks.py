"""Photons of each pixel straight from the compressed chunks of a series, without making frames."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import ChunkTable, FrameRange, PixelEvents, PixelLabels
from xpcs_nb.kernels import block_buffers, sort_photons, take_photons
from xpcs_nb.reduction._chunks import READ_BYTES, SCAN_SHARE, ChunkScan, Column, Told, chunk_windows, columns, scan
from xpcs_nb.reduction._events import Gathered, Progress, pixel_ranks
from xpcs_nb.reduction._spans import SpanReader
from xpcs_nb.reduction._threads import share_out

__all__ = ["events_from_chunks", "gather_chunks"]

type Ints = NDArray[np.int64]


def events_from_chunks(
    tables: Sequence[ChunkTable], labels: PixelLabels, frames: FrameRange, threads: int, progress: Progress | None
) -> PixelEvents:
    """Return the photons of the used pixels as `pixel_events` does, from columns of compressed blocks.

    Raises
    ------
    CorruptDataError, MissingFileError
        If chunks can't be read or decoded; they name the file and the frame.
    """
    used = np.zeros(labels.shape, dtype=bool)
    used.reshape(-1)[labels.pixel] = True
    return gather_chunks(tables, labels, frames, used, threads, progress).events


def gather_chunks(
    tables: Sequence[ChunkTable],
    labels: PixelLabels,
    frames: FrameRange,
    blemish: NDArray[np.bool_],
    threads: int,
    progress: Progress | None,
) -> Gathered:
    """Return what `gather_events` does, from columns of compressed blocks; only pixels good in `blemish` are counted.

    Raises
    ------
    CorruptDataError, MissingFileError
        If chunks can't be read or decoded; they name the file and the frame.
    """
    told = Told(progress, frames.n_frames)
    found = scan(tables, labels, frames, blemish, threads, told)
    tables_ = _Tables(found, frames, pixel_ranks(labels), np.zeros(found.elements))
    todo = columns(found)
    # every thread writes the entries of the columns that it takes
    sorted_: list[_Sorted | None] = [None] * len(todo)
    total = sum(column.events for column in todo)

    def work(worker: _Worker, number: int) -> None:
        sorted_[number] = worker.take(todo[number])

    with ExitStack() as open_files:
        share_out(
            range(len(todo)),
            lambda: _Worker(tables_, open_files.enter_context(SpanReader(found.files, READ_BYTES))),
            work,
            threads,
            lambda number: told.add((1 - SCAN_SHARE) * todo[number].events / total),
        )
    if not todo:
        told.add(1 - SCAN_SHARE)
    size = np.zeros(found.elements, dtype=np.int64)
    parts = [part for part in sorted_ if part is not None]
    for part in parts:
        size[part.first : part.first + len(part.size)] = part.size
    indptr = np.zeros(len(labels.pixel) + 1, dtype=np.int64)
    np.cumsum(size[labels.pixel], out=indptr[1:])
    frame, value = _joined(parts, threads)
    events = PixelEvents(indptr=indptr, frame=frame, value=value, n_frames=frames.n_frames)
    return Gathered(events, tables_.pixel_counts, found.frame_counts)


def _joined(parts: list[_Sorted], threads: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return frames and values of all parts in a row; the threads copy, as new memory is slow to touch."""
    ends = np.cumsum([len(part.frame) for part in parts], dtype=np.int64)
    total = int(ends[-1]) if parts else 0
    frame, value = np.empty(total, np.int32), np.empty(total, np.float32)

    def copy(_: None, number: int) -> None:
        part = parts[number]
        here = slice(ends[number] - len(part.frame), ends[number])
        frame[here], value[here] = part.frame, part.value

    share_out(range(len(parts)), lambda: None, copy, threads)
    return frame, value


@dataclass(frozen=True)
class _Tables:
    """What all threads read, and the counts by pixel, of which each column writes its own part."""

    found: ChunkScan
    frames: FrameRange
    rank: NDArray[np.int32]
    pixel_counts: NDArray[np.float64]


@dataclass(frozen=True)
class _Sorted:
    """Events of a column: those of each pixel from `first` on."""

    first: int
    size: Ints
    frame: NDArray[np.int32]
    value: NDArray[np.float32]


class _Worker:
    """One thread and its buffers."""

    def __init__(self, tables: _Tables, reader: SpanReader) -> None:
        self._found, self._tables = tables.found, tables
        found, frames = tables.found, tables.frames
        self._reader = reader
        self._scale = np.float32(1 / frames.avg)
        self._slot_of = np.repeat(np.arange(frames.n_frames, dtype=np.int32), frames.avg)
        self._pointers = np.zeros(len(found.files.raw) + 1, dtype=np.int64)
        self._packed = np.empty(0, dtype=np.uint32)
        self._buffers = block_buffers(found.item, found.good.shape[1], found.block_elements)

    def take(self, column: Column) -> _Sorted:
        """Decode a column and sort its photons."""
        found = self._found
        if column.events > len(self._packed):
            self._packed = np.empty(column.events, dtype=np.uint32)
        first, last = column.pixels(found)
        n_events = self._decode(column, first, last)
        frame, value = np.empty(n_events.sum(), np.int32), np.empty(n_events.sum(), np.float32)
        size = np.empty_like(n_events)
        scratch = np.empty((2, len(size) + 1), dtype=np.int64)
        n = sort_photons(
            self._packed, self._pointers, self._slot_of, self._scale, n_events, size, frame, value, *scratch
        )
        return _Sorted(first, size, frame[:n], value[:n])

    def _decode(self, column: Column, first: int, last: int) -> Ints:
        """List the photons of a column frame by frame, and return the entries of each pixel."""
        found = self._found
        n_events, counts = np.zeros(last - first, dtype=np.int64), self._tables.pixel_counts[first:last]
        # One bin and one stretch of time: sums by bin and stretch are made of the sorted photons.
        static, segment = np.minimum(self._tables.rank[first:last], np.int32(0)), np.zeros((1, 1))
        starts = found.starts[:, column.strips[0]].astype(np.int64)
        size = found.starts[:, column.strips[1]].astype(np.int64) - starts
        for at, stop in chunk_windows(size, READ_BYTES):
            begin, end = self._reader.read(at, starts[at:stop], size[at:stop])
            bad = take_photons(
                self._reader.buffer, begin, end, found.elements, found.block_elements, found.item,
                column.strips[0] * found.strip, column.blocks, column.words, found.good,
                np.zeros(len(begin), np.int32), static, self._packed, self._pointers, at, counts, n_events,
                segment, *self._buffers,
            )  # fmt: skip
            if bad >= 0:
                raise found.files.error(at + bad)
        return n_events
