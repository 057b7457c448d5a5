"""APS IMM files: a 1024-byte header before each frame, dense or sparse."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import EventList
from xpcs_nb.errors import CorruptDataError, FileFormatError
from xpcs_nb.frames._dense import DenseSource
from xpcs_nb.frames._source import BATCH_BYTES
from xpcs_nb.frames._sparse import SparseSource

__all__ = ["ImmDenseSource", "ImmSparseSource", "looks_like_imm", "open_imm"]

HEADER_BYTES = 1024
#: Start of the header up to dlen: mode, compression, date, prefix, number, suffix, 13 integers (of which the ninth to
#: eleventh are rows, columns and bytes a pixel), elapsed, preset, topup, inject, dlen.
START = struct.Struct("<ii32s16si16s13iddiiI")
SPARSE = 6
#: Bytes a value in the payload: uint16 counts, or int32 pixel and int16 count.
DENSE_BYTES, SPARSE_BYTES = 2, 6
LARGEST_SIDE = 2**16


@dataclass(frozen=True)
class _Header:
    is_sparse: bool
    rows: int
    columns: int
    bytes_a_pixel: int
    length: int

    @classmethod
    def parse(cls, data: bytes) -> _Header:
        fields = START.unpack_from(data)
        return cls(fields[1] == SPARSE, fields[14], fields[15], fields[16], fields[23])

    @property
    def payload_bytes(self) -> int:
        return self.length * (SPARSE_BYTES if self.is_sparse else DENSE_BYTES)

    @property
    def is_possible(self) -> bool:
        pixels = self.rows * self.columns
        fits = self.length <= pixels if self.is_sparse else self.length == pixels
        return 0 < self.rows < LARGEST_SIDE and 0 < self.columns < LARGEST_SIDE and fits


def looks_like_imm(path: Path) -> bool:
    """Tell from its first header whether a file is an IMM file."""
    with path.open("rb") as file:
        data = file.read(START.size)
    return len(data) == START.size and _Header.parse(data).is_possible


def open_imm(path: Path) -> ImmDenseSource | ImmSparseSource:
    """Open an IMM file; the size of the detector and the form of the frames are in its first header.

    Raises
    ------
    CorruptDataError
        If a header contradicts the first, or the file ends within a frame; it names the frame.
    """
    header, table = _read_headers(path)
    if header.is_sparse:
        return ImmSparseSource(path, header, table)
    if header.bytes_a_pixel not in (0, DENSE_BYTES):
        raise FileFormatError(
            "dense IMM frames of this depth are not known",
            path=path,
            got=f"{header.bytes_a_pixel} bytes a pixel",
            expected=f"{DENSE_BYTES} bytes a pixel",
        )
    return ImmDenseSource(path, header, table)


def _read_headers(path: Path) -> tuple[_Header, NDArray[np.int64]]:
    """Return the first header, and for each frame where its payload begins and how many values it has, (N, 2)."""
    rows: list[tuple[int, int]] = []
    size = path.stat().st_size
    position = 0
    first: _Header | None = None
    # Without a buffer: of each kilobyte of header, and of the payload behind it, only 156 bytes are wanted.
    with path.open("rb", buffering=0) as file:
        while position < size:
            file.seek(position)
            data = file.read(START.size)
            header = _Header.parse(data) if len(data) == START.size else None
            first = first or header
            if header is None or first is None or position + HEADER_BYTES + header.payload_bytes > size:
                raise CorruptDataError(
                    "the file ends within a frame",
                    path=path,
                    where=f"frame {len(rows)}",
                    got=f"{size} bytes",
                    hint="Copy the file again; the frames before can be processed if the file is cut at "
                    f"{position} bytes.",
                )
            _check_header(header, first, path, len(rows))
            rows.append((position + HEADER_BYTES, header.length))
            position += HEADER_BYTES + header.payload_bytes
    if first is None:
        raise CorruptDataError("the file is empty", path=path)
    return first, np.array(rows, dtype=np.int64)


def _check_header(header: _Header, first: _Header, path: Path, frame: int) -> None:
    same = (header.is_sparse, header.rows, header.columns) == (first.is_sparse, first.rows, first.columns)
    if not same or not header.is_possible:
        raise CorruptDataError(
            "the header of the frame is damaged",
            path=path,
            where=f"frame {frame}",
            got=f"{header.rows} x {header.columns}, {header.length} values, {_form(header)}",
            expected=f"{first.rows} x {first.columns}, at most {first.rows * first.columns} values, {_form(first)}",
        )


def _form(header: _Header) -> str:
    return "sparse" if header.is_sparse else "dense"


class ImmDenseSource(DenseSource):
    """Frames of uint16 counts."""

    def __init__(self, path: Path, header: _Header, table: NDArray[np.int64]) -> None:
        super().__init__(
            path=path,
            format="imm",
            shape=(header.rows, header.columns),
            n_frames=len(table),
            dtype=np.dtype(np.uint16),
            files=(path,),
        )
        self._imm = path
        self._table = table

    def _read(self, start: int, stop: int, step: int) -> NDArray[Any]:
        block = np.empty((len(range(start, stop, step)), *self.shape), dtype=np.uint16)
        with self._imm.open("rb", buffering=0) as file:
            for index, frame in enumerate(range(start, stop, step)):
                position, length = self._table[frame]
                file.seek(position)
                data = np.frombuffer(_read_exactly(file, 2 * int(length), self._imm, frame), "<u2")
                block[index] = data.reshape(self.shape)
        return block


class ImmSparseSource(SparseSource):
    """Frames of (pixel, count) pairs."""

    def __init__(self, path: Path, header: _Header, table: NDArray[np.int64]) -> None:
        super().__init__(
            path=path,
            format="imm",
            shape=(header.rows, header.columns),
            n_frames=len(table),
            dtype=np.dtype(np.uint16),
            files=(path,),
        )
        self._imm = path
        self._table = table
        self._edges = np.concatenate([[0], np.cumsum(table[:, 1])])

    def events(self, start: int, stop: int) -> EventList:
        """Return the photons of frames ``start:stop``, frame by frame.

        Raises
        ------
        CorruptDataError
            If a pixel lies outside the detector or a count is negative; it names the frame.
        """
        self._check_range(start, stop)
        edges = self._edges[start : stop + 1] - self._edges[start]
        pixel = np.empty(edges[-1], dtype=np.int32)
        count = np.empty(edges[-1], dtype=np.int16)
        with self._imm.open("rb", buffering=0) as file:
            for low, high in self._batches(start, stop):
                self._decode(file, low, high, pixel[edges[low - start] :], count[edges[low - start] :])
        frame = np.repeat(np.arange(start, stop, dtype=np.uint32), self._table[start:stop, 1])
        self._refuse_impossible(pixel, count, frame)
        if not count.all():
            kept = count != 0
            pixel, count, frame = pixel[kept], count[kept], frame[kept]
        return EventList(pixel.view(np.uint32), frame, count.view(np.uint16), self.n_frames, self.shape)

    def _batches(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Cut ``start:stop`` into stretches of the file that are read at once."""
        low = start
        while low < stop:
            reach = int(np.searchsorted(self._table[:, 0], self._table[low, 0] + BATCH_BYTES))
            high = min(max(reach, low + 1), stop)
            yield low, high
            low = high

    def _decode(self, file: Any, low: int, high: int, pixel: NDArray[np.int32], count: NDArray[np.int16]) -> None:
        begin = int(self._table[low, 0])
        file.seek(begin)
        last, length = self._table[high - 1]
        data = _read_exactly(file, int(last + SPARSE_BYTES * length) - begin, self._imm, low)
        done = 0
        for position, length in (self._table[low:high] - [begin, 0]).tolist():
            end = done + length
            pixel[done:end] = np.frombuffer(data, "<i4", length, position)
            count[done:end] = np.frombuffer(data, "<i2", length, position + 4 * length)
            done = end

    def _refuse_impossible(self, pixel: NDArray[np.int32], count: NDArray[np.int16], frame: NDArray[np.uint32]) -> None:
        n_pixels = self.shape[0] * self.shape[1]
        # Seen as unsigned, a negative index is larger than any detector.
        if pixel.size == 0 or (pixel.view(np.uint32).max() < n_pixels and count.min() >= 0):
            return
        bad = int(np.argmax((pixel.view(np.uint32) >= n_pixels) | (count < 0)))
        raise CorruptDataError(
            "an event is impossible",
            path=self.path,
            where=f"frame {frame[bad]}",
            got=f"pixel {pixel[bad]}, count {count[bad]}",
            expected=f"pixel in 0..{n_pixels - 1}, count >= 0",
        )


def _read_exactly(file: Any, length: int, path: Path, frame: int) -> bytes:
    data: bytes = file.read(length)
    if len(data) != length:
        raise CorruptDataError(
            "the file became shorter while it was read",
            path=path,
            where=f"frame {frame}",
            got=f"{len(data)} bytes",
            expected=f"{length} bytes",
        )
    return data
