"""Sources that store whole frames: dead pixels, impossible values, and the search for photons."""

from __future__ import annotations

import warnings
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import EventList
from xpcs_nb.errors import CorruptDataError, FileFormatError
from xpcs_nb.frames._source import BATCH_BYTES, SourceBase, place_of

__all__ = ["DenseSource"]

#: Frame of the Lambda 2M, whose 12-bit counters are stored as uint16.
LAMBDA_2M = (1813, 1558)
LAMBDA_2M_FULL = 4095


class DenseSource(SourceBase):
    """Frames stored as arrays. Subclasses give `_read`.

    Dead pixels
        An unsigned pixel whose bits are all ones holds no count: the Eiger marks gaps and dead pixels so. In the
        Lambda 2M (uint16, 1813 x 1558) a full 12-bit counter, 4095, is no count either. Pixels that are so in the
        first or in the last frame are dead for the whole series, as are pixels that are negative or not finite in
        the first frame of a signed or floating-point series. They are False in `blemish` and 0 in every frame. An
        unsigned pixel that holds all ones only in between is 0 in those frames, and a warning names it, once a source.
    Impossible values
        A frame without any live pixel, and negative or non-finite values in live pixels, are errors.
    """

    def __init__(self, *, dtype: np.dtype[Any], dead: NDArray[np.bool_] | None = None, **description: Any) -> None:
        super().__init__(dtype=dtype.newbyteorder("="), **description)
        if dtype.kind not in "uif":
            raise FileFormatError(
                "frames are not numbers", path=self.path, got=dtype, expected="an integer or floating-point type"
            )
        self._marked_dead = dead
        self._warned = False

    def _read(self, start: int, stop: int, step: int) -> NDArray[Any]:
        """Return the frames as stored, in an array of their own, native byte order."""
        raise NotImplementedError

    @property
    def _frames_a_chunk(self) -> int:
        """Frames that are decoded together; batches are multiples of it."""
        return 1

    @cached_property
    def _dead_values(self) -> tuple[int, ...]:
        if self.dtype.kind != "u":
            return ()
        full = int(np.iinfo(self.dtype).max)
        return (LAMBDA_2M_FULL, full) if self.shape == LAMBDA_2M and full == 65535 else (full,)

    @cached_property
    def _dead(self) -> NDArray[np.int64]:
        """Flat indices of the dead pixels."""
        first = self._read(0, 1, 1)[0]
        if self.dtype.kind == "u":
            dead = np.isin(first, self._dead_values)
        else:
            dead = ~((first >= 0) & np.isfinite(first))
        last = 0
        if self.dtype.kind == "u" and self.n_frames > 1 and not dead.all():
            last = self.n_frames - 1
            dead |= np.isin(self._read(last, last + 1, 1)[0], self._dead_values)
        if self._marked_dead is not None:
            dead |= self._marked_dead
        if dead.all():
            raise CorruptDataError(
                "no pixel of the frame is alive",
                path=self.path,
                where=f"frame {last}",
                hint="The detector marks lost frames and dead pixels with all bits set, or with negative values.",
            )
        return np.flatnonzero(dead)

    @property
    def blemish(self) -> NDArray[np.bool_] | None:
        """True where a pixel is good, shape `shape`; None when the file marks no pixel as dead."""
        if not self._dead.size:
            return None
        good = np.ones(self.shape[0] * self.shape[1], dtype=np.bool_)
        good[self._dead] = False
        return good.reshape(self.shape)

    def frames(self, start: int, stop: int, step: int = 1) -> NDArray[Any]:
        """Return frames ``start:stop:step``, shape (n, rows, columns); dead pixels are 0.

        Raises
        ------
        CorruptDataError
            If a frame can't be decoded, or a live pixel is negative or not finite; it names the frame.
        """
        self._check_range(start, stop, step)
        block = self._read(start, stop, step)
        if not block.size:
            return block
        if self._dead.size:
            block.reshape(len(block), -1)[:, self._dead] = 0
        if self.dtype.kind == "u":
            self._clear_late_dead(block, start, step)
        else:
            self._refuse_impossible(block, start, step)
        return block

    def _clear_late_dead(self, block: NDArray[Any], start: int, step: int) -> None:
        # The maximum is a fast pass; the masks are made only in the rare case that it finds something.
        if block.max() < min(self._dead_values):
            return
        late = np.isin(block, self._dead_values)
        if not late.any():
            return
        per_frame = late.reshape(len(block), -1).sum(axis=1)
        live = self.shape[0] * self.shape[1] - self._dead.size
        if (per_frame == live).any():
            lost = start + step * int(np.argmax(per_frame == live))
            raise CorruptDataError(
                "the detector marks the whole frame as lost",
                path=self.path,
                where=f"frame {lost}",
                got=f"{self._dead_values[-1]} in every pixel",
                hint="Process the frames before or after it (begin_frame, end_frame).",
            )
        if not self._warned:
            frame, pixel = divmod(int(np.argmax(late)), self.shape[0] * self.shape[1])
            warnings.warn(
                f"{self.path or 'array'}, {place_of(start + step * frame, pixel, self.shape)}: holds no count, "
                "though it does in the first and the last frame. It is 0 there, as are all such pixels: mask them out.",
                stacklevel=4,
            )
            self._warned = True
        block[late] = 0

    def _refuse_impossible(self, block: NDArray[Any], start: int, step: int) -> None:
        # A minimum that is NaN compares as False, so one comparison finds NaN and negative values.
        if block.min() >= 0 and (self.dtype.kind == "i" or np.isfinite(block.max())):
            return
        bad = ~(block >= 0) if self.dtype.kind == "i" else ~((block >= 0) & np.isfinite(block))
        self._fail_at(bad, block, start, step, "a live pixel holds no possible count", "a finite number >= 0")

    def _fail_at(
        self, bad: NDArray[np.bool_], block: NDArray[Any], start: int, step: int, problem: str, expected: str
    ) -> None:
        flat = int(np.argmax(bad))
        frame, pixel = divmod(flat, self.shape[0] * self.shape[1])
        raise CorruptDataError(
            problem,
            path=self.path,
            where=place_of(start + step * frame, pixel, self.shape),
            got=block.reshape(-1)[flat],
            expected=expected,
        )

    def events(self, start: int, stop: int) -> EventList:
        """Return the photons of frames ``start:stop``, frame by frame, pixels rising within a frame.

        Raises
        ------
        CorruptDataError
            As `frames`, and when a pixel holds a non-integer or too large a value; it names frame and pixel.
        """
        self._check_range(start, stop)
        narrow = self.dtype.kind != "f" and self.dtype.itemsize <= 2
        wide: np.dtype[np.unsignedinteger[Any]] = np.dtype(np.uint16 if narrow else np.uint32)
        n_pixels = self.shape[0] * self.shape[1]
        pixels: list[NDArray[np.uint32]] = [np.empty(0, np.uint32)]
        frames: list[NDArray[np.uint32]] = [np.empty(0, np.uint32)]
        counts: list[NDArray[np.unsignedinteger[Any]]] = [np.empty(0, wide)]
        for low, high in self._batches(start, stop):
            block = self.frames(low, high)
            self._refuse_uncountable(block, low, wide)
            flat = np.flatnonzero(block != 0)
            frame, pixel = np.divmod(flat, n_pixels)
            pixels.append(pixel.astype(np.uint32))
            frames.append((frame + low).astype(np.uint32))
            counts.append(block.reshape(-1)[flat].astype(wide))
        return EventList(
            np.concatenate(pixels), np.concatenate(frames), np.concatenate(counts), self.n_frames, self.shape
        )

    def _batches(self, start: int, stop: int) -> list[tuple[int, int]]:
        depth = self._frames_a_chunk
        frame_bytes = self.shape[0] * self.shape[1] * self.dtype.itemsize
        batch = max(1, BATCH_BYTES // (frame_bytes * depth)) * depth
        edges = [start, *range((start // batch + 1) * batch, stop, batch), stop]
        return [(low, high) for low, high in pairwise(edges) if high > low]

    def _refuse_uncountable(self, block: NDArray[Any], start: int, wide: np.dtype[np.unsignedinteger[Any]]) -> None:
        largest = int(np.iinfo(wide).max)
        if self.dtype.kind == "f":
            bad = (block != np.rint(block)) | (block > largest)
        elif self.dtype.itemsize > 4:
            bad = block > largest
        else:
            return
        if bad.any():
            self._fail_at(bad, block, start, 1, "a pixel holds no number of photons", f"an integer in 0..{largest}")
