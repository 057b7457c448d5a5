"""What the writers of raw files share: frames and photons in either form, in frame order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import EventList
from xpcs_nb.errors import OptionError
from xpcs_nb.frames import open_frames

__all__ = ["Frames", "as_events", "blocks", "by_frame", "describe", "pack_events"]

#: A series to be written: an array (frames, rows, columns) or a list of photons.
type Frames = NDArray[Any] | EventList

#: Dense frames that are made at a time.
BLOCK_BYTES = 32 * 2**20


def describe(frames: Frames, dtype: Any = None) -> tuple[tuple[int, int, int], np.dtype[Any]]:
    """Return (frames, rows, columns) of a series and the type it is to be stored in."""
    if isinstance(frames, EventList):
        kind = np.dtype(np.uint16 if dtype is None else dtype)
        largest = int(frames.count.max(initial=0))
        # All bits set means a dead pixel, so the largest value of the type is no count.
        if kind.kind in "ui" and largest >= np.iinfo(kind).max:
            raise OptionError("the counts do not fit", got=f"{largest} photons in {kind}", expected="a wider dtype")
        return (frames.n_frames, *frames.shape), kind
    if frames.ndim != 3:
        raise OptionError("an array of frames has three axes", got=frames.shape, expected="(frames, rows, columns)")
    n, rows, columns = frames.shape
    return (n, rows, columns), frames.dtype if dtype is None else np.dtype(dtype)


def as_events(frames: Frames) -> EventList:
    """Return the photons of a series in frame order."""
    if isinstance(frames, EventList):
        return by_frame(frames)
    with open_frames(frames) as source:
        return source.events(0, source.n_frames)


def by_frame(events: EventList) -> EventList:
    """Return an event list in frame order.

    Raises
    ------
    OptionError
        If the list is not in frame order and its numbers do not fit 24 + 24 + 16 bits.
    """
    if (events.frame[1:] >= events.frame[:-1]).all():
        return events
    largest = int(events.count.max())
    n_pixels = events.shape[0] * events.shape[1]
    if max(events.n_frames, n_pixels) > 2**24 or largest >= 2**16:
        raise OptionError(
            "an event list of this size must be in frame order to be written",
            got=f"{events.n_frames} frames, {n_pixels} pixels, up to {largest} photons",
            expected="at most 2**24 frames and pixels and 65535 photons",
        )
    # One sort of packed words is several times faster than a sort of indices that then moves three columns about.
    words = pack_events(events.pixel, events.frame, events.count)
    words.sort()
    pixel = (words >> np.uint64(16)).astype(np.uint32)
    pixel &= 0xFFFFFF
    frame = (words >> np.uint64(40)).astype(np.uint32)
    return EventList(pixel, frame, words.astype(np.uint16), events.n_frames, events.shape)


def pack_events(pixel: NDArray[Any], frame: NDArray[Any], count: NDArray[Any]) -> NDArray[np.uint64]:
    """Pack events as Rigaku detectors do: count from bit 0, pixel from bit 16, frame from bit 40."""
    words = frame.astype("<u8") << np.uint64(40)
    words |= pixel.astype("<u8") << np.uint64(16)
    words |= count.astype("<u8")
    return words


def blocks(frames: Frames, dtype: np.dtype[Any], multiple: int = 1) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield (first frame, dense frames) one after another; an array that was yielded is used again for the next.

    Parameters
    ----------
    frames, dtype
        The series, and the type of the dense frames.
    multiple
        Each block but the last holds a multiple of this number of frames.
    """
    (n_frames, rows, columns), _ = describe(frames, dtype)
    step = max(1, BLOCK_BYTES // (rows * columns * dtype.itemsize * multiple)) * multiple
    if not isinstance(frames, EventList):
        for start in range(0, n_frames, step):
            yield start, frames[start : start + step].astype(dtype, copy=False)
        return
    photons = by_frame(frames)
    edges = np.searchsorted(photons.frame, np.arange(0, n_frames + step, step))
    buffer = np.empty((min(step, n_frames), rows, columns), dtype=dtype)
    for number, start in enumerate(range(0, n_frames, step)):
        block = buffer[: min(step, n_frames - start)]
        block[:] = 0
        part = slice(edges[number], edges[number + 1])
        flat = (photons.frame[part].astype(np.int64) - start) * (rows * columns) + photons.pixel[part]
        np.add.at(block.reshape(-1), flat, photons.count[part].astype(dtype))
        yield start, block
