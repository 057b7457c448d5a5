"""Photons of each pixel straight from the compressed chunks of a series, without making frames."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import ChunkTable, FrameRange, FrameSource, PixelEvents, PixelLabels
from xpcs_nb.kernels import LISTED_PIXELS, close_gaps, count_photons, list_photons, place_photons
from xpcs_nb.reduction._chunks import READ_BYTES, ChunkLayout, Told
from xpcs_nb.reduction._events import Gathered, Progress, gather_events
from xpcs_nb.reduction._spans import SpanReader
from xpcs_nb.reduction._threads import share_out
from xpcs_nb.reduction._twotime_plan import BinPixels

__all__ = ["gather_photons", "photons_of_bins", "photons_of_used"]

type Ints = NDArray[np.int64]
type Strips = tuple[int, int]

#: Entries of a list of photons; what isn't filled is never touched.
LIST_ENTRIES = 4 << 20
#: A column of pixels is sorted at a time: so many pixels, whose places in the result stay in the cache, or more, if
#: they have no more photons than this.
SORT_PIXELS = 8192
SORT_EVENTS = 1 << 18
#: Share of the work that decoding is, for the progress.
DECODE_SHARE = 0.6


def photons_of_bins(
    source: FrameSource,
    labels: PixelLabels,
    frames: FrameRange,
    bins: Sequence[BinPixels],
    threads: int,
    progress: Progress | None,
) -> tuple[PixelEvents, list[BinPixels]]:
    """Return the photons of the pixels of some bins, and these bins with their rows in that.

    Raises
    ------
    CorruptDataError, MissingFileError
        As `gather_photons`.
    """
    keep = np.sort(np.concatenate([bin_.rows for bin_ in bins]))
    wanted = {name: getattr(labels, name)[keep] for name in ("pixel", "static", "dynamic", "block")}
    events = photons_of_used(source, replace(labels, **wanted), frames, threads, progress)
    return events, [replace(bin_, rows=np.searchsorted(keep, bin_.rows)) for bin_ in bins]


def photons_of_used(
    source: FrameSource, labels: PixelLabels, frames: FrameRange, threads: int, progress: Progress | None
) -> PixelEvents:
    """Return the photons of the used pixels as `pixel_events` does.

    Raises
    ------
    CorruptDataError, MissingFileError
        As `gather_photons`.
    """
    used = np.zeros(labels.shape, dtype=bool)
    used.reshape(-1)[labels.pixel] = True
    return gather_photons(source, labels, frames, used, threads, progress).events


def gather_photons(
    source: FrameSource,
    labels: PixelLabels,
    frames: FrameRange,
    blemish: NDArray[np.bool_],
    threads: int,
    progress: Progress | None,
) -> Gathered:
    """Return what `gather_events` does, from compressed chunks if the series has them.

    Each chunk is decoded once, by one thread, to a list of photons in the order of frames; columns of pixels of these
    lists are then sorted. Only pixels good in `blemish` and used ones are counted.

    Raises
    ------
    CorruptDataError, MissingFileError
        If frames can't be read or decoded; they name the file and the frame.
    """
    tables = source.chunk_tables()
    if tables is None or labels.shape[0] * labels.shape[1] > LISTED_PIXELS:
        return gather_events(source, labels, frames, progress=progress)
    return _gather_chunks(tables, labels, frames, blemish, threads, progress)


def _gather_chunks(
    tables: Sequence[ChunkTable],
    labels: PixelLabels,
    frames: FrameRange,
    blemish: NDArray[np.bool_],
    threads: int,
    progress: Progress | None,
) -> Gathered:
    told = Told(progress, frames.n_frames)
    layout = ChunkLayout.of(tables, labels, frames, blemish)
    sums = np.zeros(len(layout.files.raw), dtype=np.int64)
    lists = _listed(layout, sums, threads, told)
    columns = _columns(layout, lists)
    n_events, counts = np.zeros(layout.elements, dtype=np.int64), np.zeros(layout.elements)

    def count(_: None, strips: Strips) -> None:
        for part in lists:
            count_photons(part.photons, part.where, strips, n_events, counts)

    share_out(columns, lambda: None, count, threads)
    events = _sorted(lists, columns, labels, frames, n_events, threads)
    told.add(1 - DECODE_SHARE)
    return Gathered(events, counts, sums.reshape(frames.n_frames, frames.avg).sum(axis=1).astype(np.float64))


@dataclass(frozen=True)
class _List:
    """Photons of some frames, from the `first` on (of those taken), as `list_photons` leaves them."""

    first: int
    photons: NDArray[np.uint32]
    where: NDArray[np.uint32]


def _listed(layout: ChunkLayout, sums: Ints, threads: int, told: Told) -> list[_List]:
    """Decode all chunks; `sums` receives the counts of each frame."""
    lists: list[_List] = []

    def work(worker: _Decoder, window: tuple[int, int]) -> None:
        lists.extend(worker.lists(*window, sums))

    with ExitStack() as open_files:
        share_out(
            layout.windows(threads),
            lambda: _Decoder(layout, open_files.enter_context(SpanReader(layout.files, READ_BYTES))),
            work,
            threads,
            lambda window: told.add(DECODE_SHARE * (window[1] - window[0]) / len(sums)),
        )
    return sorted(lists, key=lambda part: part.first)


class _Decoder:
    """One thread and its buffers."""

    def __init__(self, layout: ChunkLayout, reader: SpanReader) -> None:
        self._layout, self._reader = layout, reader
        self._buffers = layout.buffers()

    def lists(self, first: int, last: int, sums: Ints) -> Iterator[_List]:
        """Decode frames first..last; a new list is begun where one is full."""
        layout = self._layout
        begin, end = self._reader.read(first, np.zeros(last - first, np.int64), layout.files.size[first:last])
        room = LIST_ENTRIES
        while first < last:
            photons = np.empty(room, dtype=np.uint32)
            where = np.empty((last - first, layout.n_strips + 1), dtype=np.uint32)
            answer = list_photons(
                self._reader.buffer, begin[-len(where):], end[-len(where):], layout.elements, layout.block_elements,
                layout.item, layout.used, layout.good, layout.strip, photons, where, sums[first:last], *self._buffers,
            )  # fmt: skip
            if answer >= 0:
                raise layout.files.error(first + answer)
            done = len(where) if answer == -1 else -2 - answer
            if done:
                yield _List(first, photons[: where[done - 1, -1]], where[:done])
                first += done
            else:
                room *= 2


def _columns(layout: ChunkLayout, lists: list[_List]) -> list[Strips]:
    """Cut the frame into columns of strips that are sorted at a time."""
    n_events = np.zeros(layout.n_strips, dtype=np.int64)
    for part in lists:
        n_events += np.diff(part.where, axis=1).sum(axis=0, dtype=np.int64)
    before = np.concatenate([[0], np.cumsum(n_events)])
    strip_pixels = layout.strip * layout.block_elements
    edges = [0]
    for strip in range(1, layout.n_strips):
        pixels, events = (strip + 1 - edges[-1]) * strip_pixels, before[strip + 1] - before[edges[-1]]
        if pixels > SORT_PIXELS and events > SORT_EVENTS:
            edges.append(strip)
    return list(itertools.pairwise([*edges, layout.n_strips]))


def _sorted(
    lists: list[_List], columns: list[Strips], labels: PixelLabels, frames: FrameRange, n_events: Ints, threads: int
) -> PixelEvents:
    """Sort the listed photons of the used pixels, of which each has `n_events`."""
    indptr = np.zeros(len(labels.pixel) + 1, dtype=np.int64)
    np.cumsum(n_events[labels.pixel], out=indptr[1:])
    first = np.full(len(n_events), -1, dtype=np.int64)
    first[labels.pixel] = indptr[:-1]
    place = first.copy()
    frame, value = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    slot_of = np.repeat(np.arange(frames.n_frames, dtype=np.int32), frames.avg)

    def sort(_: None, strips: Strips) -> None:
        for part in lists:
            slots = slot_of[part.first : part.first + len(part.where)]
            place_photons(
                part.photons, part.where, strips, slots, np.float32(1 / frames.avg), first, place, frame, value
            )

    share_out(columns, lambda: None, sort, threads)
    if frames.avg > 1:
        size = place[labels.pixel] - indptr[:-1]
        close_gaps(indptr, size, frame, value)
        np.cumsum(size, out=indptr[1:])
        frame, value = frame[: indptr[-1]], value[: indptr[-1]]
    return PixelEvents(indptr=indptr, frame=frame, value=value, n_frames=frames.n_frames)
