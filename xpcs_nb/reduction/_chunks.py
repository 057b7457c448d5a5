"""Bitshuffle-LZ4 series: a first look at every block, and how the frame is cut into columns of pixels."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import ChunkTable, FrameRange, PixelLabels
from xpcs_nb.kernels import block_buffers, scan_chunks
from xpcs_nb.reduction._events import Progress
from xpcs_nb.reduction._spans import ChunkFiles, SpanReader
from xpcs_nb.reduction._threads import share_out

__all__ = ["ChunkLayout", "ChunkScan", "Column", "Told", "chunk_windows", "columns", "scan"]

type Ints = NDArray[np.int64]
type Floats = NDArray[np.float64]

#: Compressed bytes that a thread reads at a time.
READ_BYTES = 8 << 20
#: Events of a column that a thread sorts at a time (12 bytes each); the cache holds about so many.
COLUMN_EVENTS = 1 << 20
#: A block with more events is cut; each piece decodes it anew.
MOST_EVENTS = 6 << 20
#: Share of pixels with counts from which on a block is handled as values by pixel and time.
DENSE_SHARE = 0.3
#: Bytes of the table of block positions.
TABLE_BYTES = 32 << 20
#: Counts that fit an entry of the photon list; pixels that fit a column.
MOST_COUNTS = (1 << 12) - 1
MOST_PIXELS = 1 << 20
#: Share of the work that the scan is, for the progress.
SCAN_SHARE = 0.35


@dataclass(frozen=True)
class ChunkLayout:
    """What is known of the blocks before one is decoded.

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
    """

    files: ChunkFiles
    elements: int
    block_elements: int
    item: int
    used: NDArray[np.uint64]
    good: NDArray[np.uint64]
    strip: int

    @classmethod
    def of(
        cls, tables: Sequence[ChunkTable], labels: PixelLabels, frames: FrameRange, blemish: NDArray[np.bool_]
    ) -> ChunkLayout:
        """Find the chunks of `frames` and the bits of the pixels; those that are used are good."""
        table = tables[0]
        elements = table.shape[0] * table.shape[1]
        blocks = -(-elements // table.block_elements)
        raw = frames.begin + frames.stride * np.arange(frames.n_frames * frames.avg)
        used = np.zeros(elements, dtype=bool)
        used[labels.pixel] = True
        return cls(
            files=ChunkFiles.of(tables, raw),
            elements=elements,
            block_elements=table.block_elements,
            item=table.dtype.itemsize,
            used=_bit_words(used, blocks, table.block_elements),
            good=_bit_words(blemish.ravel() | used, blocks, table.block_elements),
            strip=-(-blocks // max(1, min(blocks, TABLE_BYTES // (4 * len(raw))))),
        )

    @property
    def n_strips(self) -> int:
        return -(-len(self.used) // self.strip)

    def buffers(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return scratch of a thread that decodes blocks."""
        return block_buffers(self.item, self.used.shape[1], self.block_elements)

    def windows(self, threads: int) -> list[tuple[int, int]]:
        """Cut the frames into stretches that a thread reads at once, some for each thread."""
        size = self.files.size
        return list(chunk_windows(size, min(READ_BYTES, int(size.sum()) // (4 * threads) + 1)))


@dataclass(frozen=True)
class ChunkScan(ChunkLayout):
    """What the first look at every block leaves.

    Attributes
    ----------
    starts
        Position of each strip in its chunk, and the end, shape (n, strips + 1), uint32.
    events, counts
        Good pixels with counts, and their counts, by block.
    frame_counts
        Counts of each correlated frame over the used pixels.
    """

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
    dense: bool = False

    def pixels(self, found: ChunkScan) -> tuple[int, int]:
        """Return the first pixel of the frame in the column, and one past the last."""
        first = self.blocks[0] * found.block_elements + 64 * self.words[0]
        end_of_words = min(64 * self.words[1], found.block_elements)
        return first, min((self.blocks[1] - 1) * found.block_elements + end_of_words, found.elements)


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
    layout = ChunkLayout.of(tables, labels, frames, blemish)
    files, blocks = layout.files, len(layout.used)
    found = ChunkScan(
        **vars(layout),
        starts=np.zeros((len(files.raw), layout.n_strips + 1), dtype=np.uint32),
        events=np.zeros(blocks, dtype=np.int64),
        counts=np.zeros(blocks, dtype=np.int64),
        frame_counts=np.zeros(frames.n_frames),
    )
    sums = np.zeros(len(files.raw), dtype=np.int64)
    open_files = ExitStack()

    def work(state: _ScanState, window: tuple[int, int]) -> None:
        first, last = window
        begin, end = state.reader.read(first, np.zeros(last - first, np.int64), files.size[first:last])
        bad = scan_chunks(
            state.reader.buffer, begin, end, found.elements, found.block_elements, found.item, found.used, found.good,
            found.strip, sums[first:last], found.starts[first:last], state.events, state.counts, *state.buffers,
        )  # fmt: skip
        if bad >= 0:
            raise files.error(first + bad)

    with open_files:
        states = share_out(
            layout.windows(threads),
            lambda: _ScanState(
                open_files.enter_context(SpanReader(files, READ_BYTES)),
                np.zeros(blocks, np.int64),
                np.zeros(blocks, np.int64),
                layout.buffers(),
            ),
            work,
            threads,
            lambda window: told.add(SCAN_SHARE * (window[1] - window[0]) / len(files.raw)),
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
    buffers: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def chunk_windows(size: Ints, limit: int) -> Iterator[tuple[int, int]]:
    """Cut frames into stretches of at most `limit` bytes (or one frame)."""
    end = np.cumsum(size)
    first = 0
    while first < len(size):
        before = end[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(end, before + limit, side="right")))
        yield first, last
        first = last


def columns(found: ChunkScan) -> list[Column]:
    """Cut the frame into columns of about COLUMN_EVENTS events; blocks in which nothing was counted are left out.

    A block of more than MOST_EVENTS is cut. One with counts in many pixels is a column of its own, and marked.
    """
    n_blocks, n_words = found.used.shape
    # Counts too large for one entry of the photon list take several.
    events = found.events + found.counts // MOST_COUNTS
    is_dense = found.events > DENSE_SHARE * found.block_elements * len(found.files.raw)
    result: list[Column] = []
    for strip in range(found.starts.shape[1] - 1):
        first, last = strip * found.strip, min((strip + 1) * found.strip, n_blocks)
        here = int(events[first:last].sum())
        whole = Column((strip, strip + 1), (first, last), (0, n_words), here)
        if here == 0:
            continue
        if here > COLUMN_EVENTS or is_dense[first:last].any():
            for block in range(first, last):
                result.extend(_cut_block(found, block, strip, int(events[block]), bool(is_dense[block])))
        elif result and _fit(result[-1], whole, found):
            before = result[-1]
            together = before.events + here
            result[-1] = Column((before.strips[0], strip + 1), (before.blocks[0], last), before.words, together)
        else:
            result.append(whole)
    return result


def _fit(before: Column, column: Column, found: ChunkScan) -> bool:
    """Say whether two columns can be one."""
    return (
        before.blocks[1] == column.blocks[0]
        and before.words == column.words
        and before.strips[1] == column.strips[0]
        and not before.dense
        and before.events + column.events <= COLUMN_EVENTS
        and (column.blocks[1] - before.blocks[0]) * found.block_elements <= MOST_PIXELS
    )


def _cut_block(found: ChunkScan, block: int, strip: int, events: int, dense: bool) -> list[Column]:
    if events == 0:
        return []
    n_words = -(-min(found.block_elements, found.elements - block * found.block_elements) // 64)
    parts = 1 if dense else min(n_words, -(-events // MOST_EVENTS))
    edges = [n_words * i // parts for i in range(parts + 1)]
    return [Column((strip, strip + 1), (block, block + 1), pair, events, dense) for pair in itertools.pairwise(edges)]
