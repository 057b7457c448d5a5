"""Two-time maps of bright data: the frames are read in windows, the pixels of a few bins kept as a matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import FrameRange, FrameSource, PixelLabels, TwotimeMap
from xpcs_nb.errors import CorruptDataError
from xpcs_nb.kernels import add_products, collect_pixels, finish_map, scale_pixels, smoothing_factors, sum_pixels
from xpcs_nb.reduction._twotime_plan import BinPixels, available_memory

__all__ = ["maps_from_frames"]

#: Frames are read in windows of so many bytes.
WINDOW_BYTES = 64 << 20

#: The pixels of as many bins as fit in this, or in half of the memory that is available, are taken in one pass.
PIXELS_BYTES = 2 << 30

#: Frames that a thread scales before it takes the next.
ROWS_AT_ONCE = 64

type Floats = NDArray[np.float64]
type Progress = Callable[[int], None]


@dataclass(frozen=True)
class _Piece:
    """Some or all pixels of a bin: as many as are held at once."""

    bin: BinPixels
    start: int
    stop: int

    @property
    def is_first(self) -> bool:
        return self.start == 0

    @property
    def is_last(self) -> bool:
        return self.stop == len(self.bin.rows)

    @property
    def group(self) -> NDArray[np.int64]:
        return self.bin.group[self.start : self.stop]

    @property
    def rows(self) -> NDArray[np.int64]:
        return self.bin.rows[self.start : self.stop]

    def __len__(self) -> int:
        return self.stop - self.start


def maps_from_frames(
    source: FrameSource,
    labels: PixelLabels,
    frames: FrameRange,
    bins: list[BinPixels],
    threads: int,
    progress: Progress | None,
) -> Iterator[TwotimeMap]:
    """Yield the maps of `bins` in their order; the frames are read as often as memory needs it."""
    n = frames.n_frames
    passes = _passes(bins, max(1, _pixels_bytes() // (_stored_dtype(source, frames).itemsize * n)))
    largest = max(len(piece) for pieces in passes for piece in pieces)
    with ThreadPoolExecutor(threads, thread_name_prefix="xpcs_nb") as pool:
        reader = _Reader(source, labels, frames, pool, progress)
        sums = reader.group_sums(
            [piece.bin for pieces in passes for piece in pieces if piece.is_first and not piece.is_last]
        )
        c2, scaled = np.empty((0, 0), dtype=np.float32), np.empty(n * largest, dtype=np.float32)
        for pieces in passes:
            matrices = reader.pixels(pieces)
            for piece in pieces:
                if piece.is_first:
                    c2 = np.empty((n, n), dtype=np.float32)
                a = scaled[: n * len(piece)].reshape(n, len(piece))
                # taken off the list, so that its memory is free before the next map is made
                _scale(piece, matrices.pop(0), sums.get(piece.bin.label), a, pool)
                add_products(a, c2, fresh=piece.is_first)
                if piece.is_last:
                    g2, segments = finish_map(c2).g2()
                    yield TwotimeMap(bin=piece.bin.label, c2=c2, g2=g2, g2_segments=segments)


def _scale(
    piece: _Piece, values: NDArray[Any], sums: Floats | None, out: NDArray[np.float32], pool: ThreadPoolExecutor
) -> None:
    """Smooth and normalise the values of a piece; `sums` are those of its bin, where the piece is not all of it."""

    def work(start: int) -> None:
        at = slice(start, start + ROWS_AT_ONCE)
        counts = np.zeros((len(values[at]), len(piece.bin.group_size))) if sums is None else sums[at]
        if sums is None:
            sum_pixels(values[at], piece.group, counts)
        factor = smoothing_factors(counts.T, piece.bin.group_size).T
        scale_pixels(values[at], piece.group, np.ascontiguousarray(factor), out[at])

    # a list, so that an error of a thread is raised here
    list(pool.map(work, range(0, len(values), ROWS_AT_ONCE)))


def _stored_dtype(source: FrameSource, frames: FrameRange) -> np.dtype[Any]:
    """Return the type in which counts are kept: that of the file where it is small and they are not averaged."""
    small = source.dtype.kind == "u" and source.dtype.itemsize <= 2
    return source.dtype.newbyteorder("=") if small and frames.avg == 1 else np.dtype(np.float32)


def _pixels_bytes() -> int:
    available = available_memory()
    return PIXELS_BYTES if available is None else min(PIXELS_BYTES, available // 2)


def _passes(bins: list[BinPixels], room: int) -> list[list[_Piece]]:
    """Share out the bins over passes of at most `room` pixels each; a bin that is larger is cut."""
    passes: list[list[_Piece]] = [[]]
    left = room
    for bin_ in bins:
        n = len(bin_.rows)
        if n > left and left < room:
            passes.append([])
            left = room
        for start in range(0, n, room):
            if left == 0:
                passes.append([])
                left = room
            piece = _Piece(bin_, start, min(start + room, n))
            passes[-1].append(piece)
            left -= len(piece)
    return passes


class _Reader:
    """Passes over the frames; the first one reports its progress."""

    def __init__(
        self,
        source: FrameSource,
        labels: PixelLabels,
        frames: FrameRange,
        pool: ThreadPoolExecutor,
        progress: Progress | None,
    ) -> None:
        self._source = source
        self._labels = labels
        self._frames = frames
        self._pool = pool
        self._progress = progress

    def group_sums(self, bins: list[BinPixels]) -> dict[int, Floats]:
        """Return the counts of each smoothing bin in each frame, shape (N, G), of each of the `bins`, by label."""
        sums = {bin_.label: np.zeros((self._frames.n_frames, len(bin_.group_size))) for bin_ in bins}

        def work(window: NDArray[Any], at: slice, bin_: BinPixels) -> None:
            values = np.empty((at.stop - at.start, len(bin_.rows)), dtype=np.float32)
            self._collect(window, at, bin_.rows, values)
            sum_pixels(values, bin_.group, sums[bin_.label][at])

        if bins:
            self._each_window(work, bins)
        return sums

    def pixels(self, pieces: list[_Piece]) -> list[NDArray[Any]]:
        """Return the values of each piece, shape (N, P)."""
        kind = _stored_dtype(self._source, self._frames)
        matrices = [np.empty((self._frames.n_frames, len(piece)), dtype=kind) for piece in pieces]

        def work(window: NDArray[Any], at: slice, number: int) -> None:
            self._collect(window, at, pieces[number].rows, matrices[number][at])

        self._each_window(work, range(len(pieces)))
        return matrices

    def _each_window[Part](self, work: Callable[[NDArray[Any], slice, Part], None], parts: Iterable[Part]) -> None:
        """Do `work` for each part on each window of frames, while the next window is being read."""
        frames, parts = self._frames, list(parts)
        row_bytes = self._source.shape[0] * self._source.shape[1] * self._source.dtype.itemsize * frames.avg
        step, raw = max(1, WINDOW_BYTES // row_bytes), frames.stride * frames.avg
        pending: list[Future[None]] = []
        for start in range(0, frames.n_frames, step):
            at = slice(start, min(start + step, frames.n_frames))
            window = self._source.frames(frames.begin + raw * start, frames.begin + raw * at.stop, frames.stride)
            for future in pending:
                future.result()
            if self._progress is not None:
                self._progress(at.stop - start)
            flat = np.ascontiguousarray(window.reshape(len(window), -1), dtype=window.dtype.newbyteorder("="))
            pending = [self._pool.submit(work, flat, at, part) for part in parts]
        for future in pending:
            future.result()
        self._progress = None

    def _collect(self, window: NDArray[Any], at: slice, rows: NDArray[np.int64], out: NDArray[Any]) -> None:
        frames = self._frames
        bad = collect_pixels(window, self._labels.pixel[rows], frames.avg, out)
        if bad >= 0:
            raise CorruptDataError(
                "a used pixel holds a count that is negative or no number",
                path=self._source.path,
                where=f"frame {frames.begin + frames.stride * (at.start * frames.avg + bad)}",
                hint="Mask the pixel, or leave out the frame with begin_frame..end_frame.",
            )
