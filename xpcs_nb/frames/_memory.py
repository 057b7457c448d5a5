"""Series that are in memory already."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import EventList
from xpcs_nb.errors import OptionError
from xpcs_nb.frames._dense import DenseSource
from xpcs_nb.frames._sparse import SparseSource

__all__ = ["ArraySource", "EventSource"]


class ArraySource(DenseSource):
    """A numpy array (frames, rows, columns) as a frame source; the array is not changed."""

    def __init__(self, array: NDArray[Any]) -> None:
        if array.ndim != 3:
            raise OptionError("an array of frames has three axes", got=array.shape, expected="(frames, rows, columns)")
        if array.dtype == np.bool_:
            array = array.view(np.uint8)
        super().__init__(
            path=None, format="array", shape=(array.shape[1], array.shape[2]), n_frames=len(array), dtype=array.dtype
        )
        self._array = array

    def _read(self, start: int, stop: int, step: int) -> NDArray[Any]:
        return np.array(self._array[start:stop:step], dtype=self.dtype)


class EventSource(SparseSource):
    """An event list as a frame source."""

    def __init__(self, events: EventList) -> None:
        n = len(events.pixel)
        if not n == len(events.frame) == len(events.count):
            raise OptionError(
                "the columns of an event list have the same length",
                got=f"{n} pixels, {len(events.frame)} frames, {len(events.count)} counts",
            )
        super().__init__(
            path=None, format="array", shape=events.shape, n_frames=events.n_frames, dtype=events.count.dtype
        )
        if n and (int(events.pixel.max()) >= self.shape[0] * self.shape[1] or int(events.frame.max()) >= self.n_frames):
            raise OptionError(
                "an event lies outside the series",
                got=f"largest pixel {events.pixel.max()}, last frame {events.frame.max()}",
                expected=f"pixel < {self.shape[0] * self.shape[1]}, frame < {self.n_frames}",
            )
        if n and int(events.count.min()) < 1:
            raise OptionError("an event holds no photon", got=events.count.min(), expected="count >= 1")
        self._events = events

    def events(self, start: int, stop: int) -> EventList:
        """Return the photons of frames ``start:stop``; the list itself when all are asked for."""
        self._check_range(start, stop)
        if (start, stop) == (0, self.n_frames):
            return self._events
        of = self._events
        keep = (of.frame >= start) & (of.frame < stop)
        return EventList(of.pixel[keep], of.frame[keep], of.count[keep], of.n_frames, of.shape)
