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
    passes = _passes(bins, max(1, _pixels_bytes() // (4 * n)))
    with ThreadPoolExecutor(threads, thread_name_prefix="xpcs_nb") as pool:
        reader = _Reader(source, labels, frames, pool, progress)
        sums = reader.group_sums(
            [piece.bin for pieces in passes for piece in pieces if piece.is_first and not piece.is_last]
        )
        c2 = np.empty((0, 0), dtype=np.float32)
        for pieces in passes:
            matrices = reader.scaled_pixels(pieces, sums)
            for piece in pieces:
                if piece.is_first:
                    c2 = np.empty((n, n), dtype=np.float32)
                # taken off the list, so that its memory is free before the next map is made
                add_products(matrices.pop(0), c2, fresh=piece.is_first)
                if piece.is_last:
                    g2, segments = finish_map(c2).g2()
                    yield TwotimeMap(bin=piece.bin.label, c2=c2, g2=g2, g2_segments=segments)


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

    def scaled_pixels(self, pieces: list[_Piece], sums: dict[int, Floats]) -> list[NDArray[np.float32]]:
        """Return the smoothed and normalised values of each piece, shape (N, P)."""
        matrices = [np.empty((self._frames.n_frames, len(piece)), dtype=np.float32) for piece in pieces]

        def work(window: NDArray[Any], at: slice, number: int) -> None:
            piece, values = pieces[number], matrices[number][at]
            self._collect(window, at, piece.rows, values)
            if piece.bin.label in sums:
                counts = sums[piece.bin.label][at]
            else:
                counts = np.zeros((len(values), len(piece.bin.group_size)))
                sum_pixels(values, piece.group, counts)
            factor = smoothing_factors(counts.T, piece.bin.group_size).T
            scale_pixels(values, piece.group, np.ascontiguousarray(factor))

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
            flat = np.ascontiguousarray(window.reshape(len(window), -1))
            pending = [self._pool.submit(work, flat, at, part) for part in parts]
        for future in pending:
            future.result()
        self._progress = None

    def _collect(self, window: NDArray[Any], at: slice, rows: NDArray[np.int64], out: NDArray[np.float32]) -> None:
        frames = self._frames
        bad = collect_pixels(window, self._labels.pixel[rows], frames.avg, out)
        if bad >= 0:
            raise CorruptDataError(
                "a used pixel holds a count that is negative or no number",
                path=self._source.path,
                where=f"frame {frames.begin + frames.stride * (at.start * frames.avg + bad)}",
                hint="Mask the pixel, or leave out the frame with begin_frame..end_frame.",
            )
