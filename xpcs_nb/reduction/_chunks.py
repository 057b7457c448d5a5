"""Multi-tau of bitshuffle-LZ4 series: columns of pixels are decoded straight from the file, never whole frames."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import ChunkTable, FrameRange, PixelLabels
from xpcs_nb.errors import CorruptDataError
from xpcs_nb.kernels import correlate_column, scan_chunks, take_photons
from xpcs_nb.reduction._events import Progress, pixel_ranks
from xpcs_nb.reduction._spans import ChunkFiles, SpanReader
from xpcs_nb.reduction._sums import Accumulator, Job
from xpcs_nb.reduction._threads import share_out

__all__ = ["ChunkScan", "Column", "correlate_chunks", "scan"]

type Ints = NDArray[np.int64]
type Floats = NDArray[np.float64]

#: Compressed bytes that a thread reads at a time.
READ_BYTES = 8 << 20
#: Events of a column that a thread sorts at a time (12 bytes each); the cache holds about so many.
COLUMN_EVENTS = 1 << 20
#: Bytes of the table of block positions.
TABLE_BYTES = 16 << 20
#: Counts that fit an entry of the photon list; pixels that fit a column.
MOST_COUNTS = (1 << 12) - 1
MOST_PIXELS = 1 << 20
#: Share of the work that the scan is, for the progress.
SCAN_SHARE = 0.35


@dataclass(frozen=True)
class ChunkScan:
    """What the first look at every block leaves.

    Attributes
    ----------
    files
        The chunks of the frames taken.
    elements, block_elements, item
        Pixels of a frame and of a block, bytes a pixel.
    used, good
        Bits of the used and of the good pixels, shape (blocks, words), uint64.
    strip
        Blocks between two noted positions.
    starts
        Position of each strip in its chunk, and the end, shape (n, strips + 1), uint32.
    events, counts
        Good pixels with counts, and their counts, by block.
    frame_counts
        Counts of each correlated frame over the used pixels.
    """

    files: ChunkFiles
    elements: int
    block_elements: int
    item: int
    used: NDArray[np.uint64]
    good: NDArray[np.uint64]
    strip: int
    starts: NDArray[np.uint32]
    events: Ints
    counts: Ints
    frame_counts: Floats


@dataclass(frozen=True)
class Column:
    """Some pixels of all frames: words ``words`` of each of the blocks ``blocks``, which lie in the strips `strips`."""

    strips: tuple[int, int]
    blocks: tuple[int, int]
    words: tuple[int, int]
    events: int


class Told:
    """Turns shares of the work into whole frames."""

    def __init__(self, progress: Progress | None, n_frames: int) -> None:
        self._progress, self._n_frames = progress, n_frames
        self._share, self._told = 0.0, 0

    def add(self, share: float) -> None:
        self._share += share
        done = int(self._share * self._n_frames + 1e-6)
        if self._progress is not None and done > self._told:
            self._progress(done - self._told)
            self._told = done


def _bit_words(mask: NDArray[np.bool_], blocks: int, block_elements: int) -> NDArray[np.uint64]:
    padded = np.zeros(blocks * block_elements, dtype=bool)
    padded[: mask.size] = mask.ravel()
    words = -(-block_elements // 64)
    bits = np.zeros((blocks, words * 8), dtype=np.uint8)
    packed = np.packbits(padded.reshape(blocks, block_elements), axis=1, bitorder="little")
    bits[:, : packed.shape[1]] = packed
    return bits.view("<u8").astype(np.uint64)


def scan(
    tables: Sequence[ChunkTable],
    labels: PixelLabels,
    frames: FrameRange,
    blemish: NDArray[np.bool_],
    threads: int,
    told: Told,
) -> ChunkScan:
    """Check every block, add up the counts of each frame, and note where the blocks are."""
    table = tables[0]
    elements = table.shape[0] * table.shape[1]
    blocks = -(-elements // table.block_elements)
    raw = frames.begin + frames.stride * np.arange(frames.n_frames * frames.avg)
    files = ChunkFiles.of(tables, raw)
    used = np.zeros(elements, dtype=bool)
    used[labels.pixel] = True
    strip = -(-blocks // max(1, min(blocks, TABLE_BYTES // (4 * len(raw)))))
    found = ChunkScan(
        files, elements, table.block_elements, table.dtype.itemsize,
        _bit_words(used, blocks, table.block_elements),
        _bit_words(blemish.ravel() | used, blocks, table.block_elements),
        strip, np.zeros((len(raw), -(-blocks // strip) + 1), dtype=np.uint32),
        np.zeros(blocks, dtype=np.int64), np.zeros(blocks, dtype=np.int64), np.zeros(frames.n_frames),
    )  # fmt: skip
    sums = np.zeros(len(raw), dtype=np.int64)
    open_files = ExitStack()

    def work(state: _ScanState, window: tuple[int, int]) -> None:
        first, last = window
        begin, end = state.reader.read(first, np.zeros(last - first, np.int64), files.size[first:last])
        bad = scan_chunks(
            state.reader.buffer, begin, end, elements, found.block_elements, found.item, found.used, found.good, strip,
            sums[first:last], found.starts[first:last], state.events, state.counts,
        )  # fmt: skip
        if bad >= 0:
            raise files.error(first + bad)

    windows = list(_windows(files.size, min(READ_BYTES, int(files.size.sum()) // (4 * threads) + 1)))
    with open_files:
        states = share_out(
            windows,
            lambda: _ScanState(
                open_files.enter_context(SpanReader(files, READ_BYTES)),
                np.zeros(blocks, np.int64),
                np.zeros(blocks, np.int64),
            ),
            work,
            threads,
            lambda window: told.add(SCAN_SHARE * (window[1] - window[0]) / len(raw)),
        )
    for state in states:
        found.events[:] += state.events
        found.counts[:] += state.counts
    found.frame_counts[:] = sums.reshape(frames.n_frames, frames.avg).sum(axis=1)
    return found


@dataclass
class _ScanState:
    reader: SpanReader
    events: Ints
    counts: Ints


def _windows(size: Ints, limit: int) -> Iterator[tuple[int, int]]:
    """Cut frames into stretches of at most `limit` bytes (or one frame)."""
    end = np.cumsum(size)
    first = 0
    while first < len(size):
        before = end[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(end, before + limit, side="right")))
        yield first, last
        first = last


def columns(found: ChunkScan) -> list[Column]:
    """Cut the frame into columns of about COLUMN_EVENTS events; blocks in which nothing was counted are left out."""
    n_blocks, n_words = found.used.shape
    # Counts too large for one entry of the photon list take several.
    events = found.events + found.counts // MOST_COUNTS
    strips = range(found.starts.shape[1] - 1)
    result: list[Column] = []
    for strip in strips:
        first, last = strip * found.strip, min((strip + 1) * found.strip, n_blocks)
        here = int(events[first:last].sum())
        if here == 0:
            continue
        joined = result[-1] if result else None
        if (
            joined is not None
            and joined.blocks[1] == first
            and joined.words == (0, n_words)
            and joined.events + here <= COLUMN_EVENTS
            and (last - joined.blocks[0]) * found.block_elements <= MOST_PIXELS
        ):
            result[-1] = Column(
                (joined.strips[0], strip + 1), (joined.blocks[0], last), joined.words, joined.events + here
            )
        elif here <= COLUMN_EVENTS:
            result.append(Column((strip, strip + 1), (first, last), (0, n_words), here))
        else:
            for block in range(first, last):
                n_here = min(found.block_elements, found.elements - block * found.block_elements)
                result.extend(_cut_block(block, strip, -(-n_here // 64), int(events[block])))
    return result


def _cut_block(block: int, strip: int, n_words: int, events: int) -> list[Column]:
    if events == 0:
        return []
    parts = min(n_words, -(-events // COLUMN_EVENTS))
    edges = [n_words * i // parts for i in range(parts + 1)]
    return [Column((strip, strip + 1), (block, block + 1), (a, b), events) for a, b in itertools.pairwise(edges)]


class _Worker:
    """One thread: its buffers and sums."""

    def __init__(self, found: ChunkScan, job: Job, n_segments: int, reader: SpanReader) -> None:
        self.found, self.job = found, job
        self.sums: Accumulator = job.accumulator()
        self.segments = np.zeros((n_segments, job.labels.n_static))
        self.reader = reader
        self.pointers = np.zeros(len(found.files.raw) + 1, dtype=np.int64)
        self._loaded: tuple[object, ...] = ()
        self._spans: tuple[Ints, Ints] = (self.pointers, self.pointers)
        self._room(0)

    def _room(self, events: int) -> None:
        self.packed = np.empty(events, dtype=np.uint32)
        self.frame = np.empty(events, dtype=np.int32)
        self.value = np.empty(events, dtype=np.float32)

    def load(self, strips: tuple[int, int], window: tuple[int, int]) -> tuple[Ints, Ints]:
        """Read the bytes of some strips of some frames, unless they are the last that were read."""
        if self._loaded != (strips, window):
            begin = self.found.starts[slice(*window), strips[0]].astype(np.int64)
            end = self.found.starts[slice(*window), strips[1]].astype(np.int64)
            self._spans = self.reader.read(window[0], begin, end - begin)
            self._loaded = (strips, window)
        return self._spans

    def take(self, column: Column, context: _Context) -> None:
        """Decode a column and correlate it."""
        found, job = self.found, self.job
        if column.events > len(self.packed):
            self._room(column.events)
        first = column.blocks[0] * found.block_elements + 64 * column.words[0]
        last = min(
            (column.blocks[1] - 1) * found.block_elements + min(64 * column.words[1], found.block_elements),
            found.elements,
        )
        n_events = np.zeros(last - first, dtype=np.int64)
        size = found.starts[:, column.strips[1]].astype(np.int64) - found.starts[:, column.strips[0]]
        for window in _windows(size, READ_BYTES):
            begin, end = self.load(column.strips, window)
            bad = take_photons(
                self.reader.buffer, begin, end, found.elements, found.block_elements, found.item,
                column.strips[0] * found.strip, column.blocks, column.words, found.good,
                context.segment_of[slice(*window)], context.static_of[first:last],
                self.packed, self.pointers, window[0], context.pixel_counts[first:last], n_events, self.segments,
            )  # fmt: skip
            if bad >= 0:
                raise found.files.error(window[0] + bad)
        before = int(np.searchsorted(job.labels.pixel, first))
        rank = np.maximum(context.rank[first:last] - np.int32(before), np.int32(-1))
        plan = job.plan
        bad = correlate_column(
            self.packed, self.pointers, context.slot_of, rank, n_events,
            self.frame, self.value, context.weight, before, job.cell_of, job.dynamic_of,
            plan.n_frames, plan.levels, plan.n_pairs, self.sums.cells, self.sums.pixels, job.per_pixel,
        )  # fmt: skip
        if bad >= 0:
            raise CorruptDataError("events are not in time order", path=found.files.paths[0])


@dataclass(frozen=True)
class _Context:
    """Tables that all threads read, and the counts by pixel, of which each column writes its own part."""

    weight: Floats
    slot_of: NDArray[np.int32]
    segment_of: NDArray[np.int32]
    static_of: NDArray[np.int32]
    rank: NDArray[np.int32]
    pixel_counts: Floats


def correlate_chunks(
    found: ChunkScan, job: Job, weight: Floats, segment_of: NDArray[np.int32], threads: int, told: Told
) -> tuple[list[Accumulator], Floats, Floats]:
    """Correlate all columns; return the threads' sums, counts by pixel of the detector, and counts by stretch and bin.

    `weight` is the factor of each correlated frame, and includes 1 / avg.
    """
    labels = job.labels
    static_of = np.full(found.elements, -1, dtype=np.int32)
    static_of[labels.pixel] = labels.static
    slot_of = np.repeat(np.arange(job.frames.n_frames, dtype=np.int32), job.frames.avg)
    context = _Context(weight, slot_of, segment_of[slot_of], static_of, pixel_ranks(labels), np.zeros(found.elements))
    todo = columns(found)
    n_segments = int(segment_of[-1]) + 1
    total = sum(column.events for column in todo)
    with ExitStack() as open_files:
        workers = share_out(
            todo,
            lambda: _Worker(found, job, n_segments, open_files.enter_context(SpanReader(found.files, READ_BYTES))),
            lambda worker, column: worker.take(column, context),
            threads,
            lambda column: told.add((1 - SCAN_SHARE) * column.events / total),
        )
    if not todo:
        told.add(1 - SCAN_SHARE)
    segments = np.sum([worker.segments for worker in workers], axis=0)
    return [worker.sums for worker in workers], context.pixel_counts, segments
