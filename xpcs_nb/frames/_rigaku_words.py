"""One Rigaku file: 64-bit words, each some photons of a pixel in a frame, in frame order.

Little-endian; bits 0-11 count, 16-36 pixel, 40-63 frame.
"""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.errors import CorruptDataError

__all__ = ["MODULE_OFFSET", "RigakuWords"]

WORD_BYTES = 8
PIXEL_SHIFT, PIXEL_BITS = 16, 0x1FFFFF
FRAME_SHIFT = 40
COUNT_BITS = 0xFFF
#: Some modules number their pixels from here.
MODULE_OFFSET = 1024 * 1024

type Columns = tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint16]]


class RigakuWords:
    """The events of one file.

    Attributes
    ----------
    path, n_events
        The file and how many events it holds.
    last_frame
        Frame of the last event; -1 for a file without events.
    pixel_offset
        Added by the detector to every pixel number: 0 or `MODULE_OFFSET`.

    Raises
    ------
    CorruptDataError
        If the length is no multiple of a word.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        size = path.stat().st_size
        self.n_events, rest = divmod(size, WORD_BYTES)
        if rest:
            last = f", after frame {self._frame_at(self.n_events - 1)}" if self.n_events else ""
            raise CorruptDataError(
                f"the file ends within an event{last}",
                path=path,
                got=f"{size} bytes",
                expected=f"a multiple of {WORD_BYTES} bytes",
                hint="Copy the file again.",
            )
        self.last_frame = self._frame_at(self.n_events - 1) if self.n_events else -1
        first = int(self._words(0, 1)[0] >> PIXEL_SHIFT) & PIXEL_BITS if self.n_events else 0
        self.pixel_offset = MODULE_OFFSET if first >= MODULE_OFFSET else 0

    def _words(self, low: int, high: int) -> NDArray[np.uint64]:
        words = np.fromfile(self.path, dtype="<u8", count=high - low, offset=low * WORD_BYTES)
        if len(words) != high - low:
            raise CorruptDataError(
                "the file became shorter while it was read", path=self.path, got=f"{len(words)} events",
                expected=f"{high - low} events",
            )  # fmt: skip
        return words

    def _frame_at(self, index: int) -> int:
        return int(self._words(index, index + 1)[0] >> FRAME_SHIFT)

    def first_event(self, frame: int) -> int:
        """Return the index of the first event of `frame` or later, by a few reads of single events."""
        if frame <= 0:
            return 0
        if frame > self.last_frame:
            return self.n_events
        return bisect_left(range(self.n_events), frame, key=self._frame_at)

    def read(self, start: int, stop: int, n_pixels: int) -> Columns:
        """Return pixel, frame and count of the events of frames ``start:stop``.

        Raises
        ------
        CorruptDataError
            If frames are not in order or a pixel is not below `n_pixels`; it names the event.
        """
        low, high = self.first_event(start), self.first_event(stop)
        words = self._words(low, max(low, high))
        frame = (words >> FRAME_SHIFT).astype(np.uint32)
        # The shifted word loses its upper half (part of the frame number) in the conversion, and the mask the rest.
        pixel = (words >> PIXEL_SHIFT).astype(np.uint32)
        pixel &= PIXEL_BITS
        count = words.astype(np.uint16)
        count &= COUNT_BITS
        self._check_order(frame, low, start, stop)
        pixel -= np.uint32(self.pixel_offset)
        # Below the offset the unsigned difference wraps to a number larger than any detector.
        if pixel.size and pixel.max() >= n_pixels:
            bad = int(np.argmax(pixel >= n_pixels))
            raise CorruptDataError(
                "a pixel lies outside the detector",
                path=self.path,
                where=f"frame {frame[bad]}, event {low + bad}",
                got=int(words[bad] >> PIXEL_SHIFT) & PIXEL_BITS,
                expected=f"{self.pixel_offset}..{self.pixel_offset + n_pixels - 1}",
                hint="Give the size of the detector with shape=(rows, columns), if it is another.",
            )
        if not count.all():
            kept = count != 0
            return pixel[kept], frame[kept], count[kept]
        return pixel, frame, count

    def _check_order(self, frame: NDArray[np.uint32], low: int, start: int, stop: int) -> None:
        if not frame.size:
            return
        falls = frame[1:] < frame[:-1]
        if not falls.any() and frame[0] >= start and frame[-1] < stop:
            return
        bad = int(np.argmax(falls)) + 1 if falls.any() else 0
        raise CorruptDataError(
            "events are not in the order of their frames",
            path=self.path,
            where=f"frame {frame[bad]}, event {low + bad}",
            got=f"frame {frame[bad]} after frame {frame[bad - 1]}" if bad else f"frame {frame[bad]}",
            expected="frame numbers that never fall",
            hint="The file is damaged, or is no Rigaku file.",
        )
