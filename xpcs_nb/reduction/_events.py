"""From a frame source to the photons of each used pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import EventList, FrameRange, FrameSource, PixelEvents, PixelLabels
from xpcs_nb.errors import CorruptDataError

__all__ = ["Gathered", "gather_events", "pixel_events", "pixel_ranks", "slot_table"]

#: Dense frames are searched for photons in windows of so many bytes.
WINDOW_BYTES = 64 << 20

type Progress = Callable[[int], None]


@dataclass(frozen=True)
class Gathered:
    """Sorted events, and the sums that fall out of sorting them.

    Attributes
    ----------
    events
        Events of the used pixels.
    pixel_counts
        Raw counts of each pixel of the detector over the frames taken, shape (rows * columns,), float64.
    frame_counts
        Raw counts of each correlated frame over the used pixels, shape (N,), float64.
    """

    events: PixelEvents
    pixel_counts: NDArray[np.float64]
    frame_counts: NDArray[np.float64]


def slot_table(frames: FrameRange) -> NDArray[np.int32]:
    """Return the correlated frame of each raw frame ``begin..end-1``, -1 for those that `stride` skips."""
    raw = np.arange(frames.end - frames.begin)
    slot = raw // (frames.stride * frames.avg)
    slot[(raw % frames.stride != 0) | (slot >= frames.n_frames)] = -1
    return slot.astype(np.int32)


def pixel_ranks(labels: PixelLabels) -> NDArray[np.int32]:
    """Return the place of each pixel of the detector among the used ones, -1 where it is not used."""
    rank = np.full(labels.shape[0] * labels.shape[1], -1, dtype=np.int32)
    rank[labels.pixel] = np.arange(len(labels.pixel), dtype=np.int32)
    return rank


def pixel_events(
    source: FrameSource,
    labels: PixelLabels,
    frames: FrameRange,
    *,
    progress: Progress | None = None,
) -> PixelEvents:
    """Return the photons of the used pixels, pixel by pixel and in time order.

    Parameters
    ----------
    source
        The series.
    labels
        The used pixels.
    frames
        Which raw frames, and how they make correlated frames.
    progress
        Told the number of correlated frames that are done since it was last told.

    Returns
    -------
    PixelEvents
        Values are counts / `avg`; 8 bytes an event.

    Raises
    ------
    CorruptDataError
        If an event lies outside the detector or the series, or a frame can't be decoded.
    """
    return gather_events(source, labels, frames, progress=progress).events


def gather_events(
    source: FrameSource, labels: PixelLabels, frames: FrameRange, *, progress: Progress | None = None
) -> Gathered:
    """Sort the events of `source` by used pixel; add up counts by pixel and by frame on the way."""
    from xpcs_nb.kernels import count_events, place_events

    parts = list(_windows(source, frames, progress))
    rank, slots = pixel_ranks(labels), slot_table(frames)
    total = np.zeros(len(rank))
    n_events = np.zeros(len(labels.pixel), dtype=np.int64)
    sums = np.zeros(frames.n_frames)
    for part in parts:
        bad = count_events(part.pixel, part.frame, part.count, slots, rank, total, n_events, sums)
        if bad >= 0:
            raise CorruptDataError(
                "an event lies outside the series",
                path=source.path,
                where=f"frame {int(part.frame[bad].astype(np.int32)) + frames.begin}",
                got=f"pixel {part.pixel[bad]}",
                expected=f"pixels below {len(rank)}, frames below {frames.end}",
            )
    indptr = np.zeros(len(n_events) + 1, dtype=np.int64)
    np.cumsum(n_events, out=indptr[1:])
    frame = np.empty(indptr[-1], dtype=np.int32)
    value = np.empty(indptr[-1], dtype=np.float32)
    place = indptr[:-1].copy()
    for part in parts:
        place_events(part.pixel, part.frame, part.count, slots, rank, 1 / frames.avg, place, frame, value)
    if frames.avg > 1:
        indptr, frame, value = _merged(indptr, frame, value)
    return Gathered(PixelEvents(indptr, frame, value, frames.n_frames), total, sums)


def _merged(
    indptr: NDArray[np.int64], frame: NDArray[np.int32], value: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Add up the events of a pixel that fall in the same correlated frame."""
    if not len(frame):
        return indptr, frame, value
    new = np.ones(len(frame), dtype=bool)
    new[1:] = frame[1:] != frame[:-1]
    new[indptr[:-1][np.diff(indptr) > 0]] = True
    first = np.flatnonzero(new)
    merged = np.zeros(len(indptr), dtype=np.int64)
    merged[1:] = np.cumsum(new)[indptr[1:] - 1]
    merged[indptr == 0] = 0
    return merged, frame[first], np.add.reduceat(value, first)


def _windows(source: FrameSource, frames: FrameRange, progress: Progress | None) -> Iterator[EventList]:
    """Yield the events of the frames asked for; frame numbers count from `begin`."""
    if source.is_sparse:
        step = frames.end - frames.begin
    else:
        frame_bytes = source.shape[0] * source.shape[1] * source.dtype.itemsize
        step = max(1, WINDOW_BYTES // frame_bytes)
    for start in range(frames.begin, frames.end, step):
        stop = min(start + step, frames.end)
        part = source.events(start, stop)
        # Unsigned, so that a frame before `begin` becomes a large number, which the kernels refuse.
        shifted = part.frame - np.uint32(frames.begin) if frames.begin else part.frame
        yield EventList(part.pixel, shifted, part.count, part.n_frames, part.shape)
        if progress is not None:
            done = frames.stride * frames.avg
            progress((stop - frames.begin) // done - (start - frames.begin) // done)
