"""Multi-tau of dense frames, in windows of time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import FrameSource
from xpcs_nb.errors import CorruptDataError
from xpcs_nb.kernels import TOGETHER, advance_pixels, close_pixels, sum_frames, window_buffers
from xpcs_nb.reduction._events import Progress
from xpcs_nb.reduction._sums import Accumulator, Job
from xpcs_nb.reduction._threads import share_out

__all__ = ["WindowSums", "correlate_windows", "is_dense"]

type Floats = NDArray[np.float64]

#: Bytes of decoded frames in memory.
WINDOW_BYTES = 192 << 20
#: Frames are looked at for their occupancy, and this share of pixels with counts makes them dense.
LOOK_BYTES = 16 << 20
DENSE_SHARE = 0.03
#: Events in memory cost so much each, and together at most so much.
EVENT_BYTES = 20
MOST_EVENT_BYTES = 1 << 30
PIECES = 8


@dataclass(frozen=True)
class WindowSums:
    """Sums of all windows: by thread, and raw counts by pixel of the detector, correlated frame, stretch and bin."""

    parts: list[Accumulator]
    pixel_counts: Floats
    frame_counts: Floats
    segments: Floats


def is_dense(source: FrameSource, job: Job) -> bool:
    """Look at the first frames: whether they hold too many counts to be handled as events."""
    if source.is_sparse:
        return False
    rows, columns = source.shape
    frames = job.frames
    few = max(1, LOOK_BYTES // (rows * columns * source.dtype.itemsize))
    sample = source.frames(frames.begin, min(frames.begin + few, frames.end))
    counted = np.count_nonzero(sample) / len(sample)
    events = counted * (frames.end - frames.begin)
    return bool(counted > DENSE_SHARE * rows * columns or events * EVENT_BYTES > MOST_EVENT_BYTES)


class _Pass:
    """One pass over the windows: what the used pixels carry from one to the next, and the sums."""

    def __init__(
        self, source: FrameSource, job: Job, segment_of: NDArray[np.int32], threads: int, *, normalize: bool
    ) -> None:
        self.source, self.job, self.threads, self.normalize = source, job, threads, normalize
        self.segment_of = segment_of
        n_pixels, levels = len(job.labels.pixel), len(job.plan.levels)
        self.carried = (
            np.zeros(n_pixels),
            np.zeros((n_pixels, len(job.plan)), dtype=np.float32),
            np.zeros((n_pixels, levels, 8), dtype=np.float32),
            np.zeros((n_pixels, levels, 8), dtype=np.float32),
        )
        self.used = np.zeros(job.labels.shape[0] * job.labels.shape[1], dtype=np.float32)
        self.used[job.labels.pixel] = 1
        self.parts = [job.accumulator() for _ in range(threads)]
        self.segments = np.zeros((threads, int(segment_of[-1]) + 1, job.labels.n_static))
        self.pixel_counts = np.zeros(len(self.used))
        self.frame_counts = np.zeros(job.frames.n_frames)
        self.pieces = _pieces(n_pixels, PIECES * threads)

    def _share_out(self, work: Callable[[int, tuple[int, int]], None]) -> None:
        """Do `work` on all pieces of the used pixels; its first argument is the number of the thread."""
        numbers = itertools.count()
        share_out(self.pieces, lambda: next(numbers), work, self.threads)

    def take(self, first: int, last: int) -> None:
        """Read and correlate the correlated frames ``first:last``."""
        frames, labels = self.job.frames, self.job.labels
        start, stop = (frames.begin + frames.stride * frames.avg * slot for slot in (first, last))
        raw = self.source.frames(start, stop, frames.stride)
        window = np.ascontiguousarray(raw).reshape(len(raw), -1)
        counts = self._sum(window, first, last - first)
        self.frame_counts[first:last] = counts
        weight = np.full(len(counts), 1 / frames.avg)
        if self.normalize:
            weight = np.divide(len(labels.pixel), counts, out=np.zeros(len(counts)), where=counts > 0)

        def advance(slot: int, piece: tuple[int, int]) -> None:
            advance_pixels(
                window, frames.avg, *piece, labels.pixel, weight, first, self.job.plan.levels, labels.static,
                self.segment_of[first:last], self.segments[slot], *self.carried,
                np.empty((TOGETHER, last - first), dtype=np.float32), *window_buffers(last - first),
            )  # fmt: skip

        self._share_out(advance)

    def _sum(self, window: NDArray[Any], first: int, n_slots: int) -> Floats:
        """Add up a window by pixel; return its counts by correlated frame."""
        frames = self.job.frames

        def add(partial: Floats, piece: tuple[int, int]) -> None:
            bad = sum_frames(window, *piece, frames.avg, self.used, self.pixel_counts, partial)
            if bad >= 0:
                raise CorruptDataError(
                    "a frame holds what can't be counts",
                    path=self.source.path,
                    where=f"frame {frames.begin + frames.stride * (frames.avg * first + bad)}",
                    got="NaN, infinite or negative values",
                    expected="counts, 0 or more",
                )

        pieces = _pieces(len(self.used), PIECES * self.threads)
        counts: Floats = np.sum(share_out(pieces, lambda: np.zeros(n_slots), add, self.threads), axis=0)
        return counts

    def close(self, run: int) -> None:
        """Add what the pixels carry to the sums of a run; they carry on."""
        job, plan = self.job, self.job.plan

        def close(slot: int, piece: tuple[int, int]) -> None:
            part = self.parts[slot]
            close_pixels(
                *piece, 0, run, *self.carried, job.cell_of, job.dynamic_of, plan.n_frames, plan.levels, plan.n_pairs,
                part.cells, part.pixels, job.per_pixel, np.empty((3, len(plan))),
            )  # fmt: skip

        self._share_out(close)


def correlate_windows(
    source: FrameSource,
    job: Job,
    *,
    normalize: bool,
    segment_of: NDArray[np.int32],
    threads: int,
    progress: Progress | None,
) -> WindowSums:
    """Correlate a series from its dense frames, each read once."""
    run = _Pass(source, job, segment_of, threads, normalize=normalize)
    for first, last in _edges(source, job):
        run.take(first, last)
        for prefix in np.flatnonzero(job.plan.n_frames == last):
            run.close(int(prefix))
        if progress is not None:
            progress(last - first)
    return WindowSums(run.parts, run.pixel_counts, run.frame_counts, run.segments.sum(axis=0))


def _edges(source: FrameSource, job: Job) -> list[tuple[int, int]]:
    """Cut the correlated frames into windows; every prefix that is reported ends one."""
    frame_bytes = source.shape[0] * source.shape[1] * source.dtype.itemsize * job.frames.avg
    step = max(1, WINDOW_BYTES // frame_bytes)
    edges = {0, *job.plan.n_frames.tolist(), *range(0, job.frames.n_frames, step)}
    return list(itertools.pairwise(sorted(edges)))


def _pieces(n: int, parts: int) -> list[tuple[int, int]]:
    edges = sorted({n * i // parts for i in range(parts + 1)})
    return list(itertools.pairwise(edges))
