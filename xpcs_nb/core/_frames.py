"""What a frame source is: the contract between the readers and the reduction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["ChunkTable", "EventList", "FrameSource"]


@dataclass(frozen=True)
class EventList:
    """Photons of a series; those of one pixel are in frame order.

    Attributes
    ----------
    pixel
        Flat pixel index ``row * n_columns + column``, shape (E,), uint32.
    frame
        Frame number from 0, shape (E,), uint32; never decreasing among the events of one pixel, while different
        pixels (modules of a detector) may follow each other in any order.
    count
        Photons, shape (E,), uint16 or wider, at least 1.
    n_frames, shape
        Length of the series and (rows, columns) of the detector.
    """

    pixel: NDArray[np.uint32]
    frame: NDArray[np.uint32]
    count: NDArray[np.unsignedinteger[Any]]
    n_frames: int
    shape: tuple[int, int]


@dataclass(frozen=True)
class ChunkTable:
    """Where the compressed frames of an HDF5 file lie, for readers that decode them on their own.

    One frame a chunk, filter bitshuffle with LZ4. A chunk is a 12 byte header (uncompressed bytes, big-endian
    uint64; bytes a block, big-endian uint32), then for each block a big-endian uint32 with the compressed size
    and the LZ4 data of ``block_elements`` bit-shuffled elements; a last block that is no multiple of 8 elements
    leaves its tail uncompressed.

    Attributes
    ----------
    path
        The file that holds the chunks (one table a file; a virtual dataset has several).
    offset, size
        Position and length of each frame's chunk in the file, shape (N,), int64, bytes.
    dtype, shape
        Of a frame.
    block_elements
        Elements in each block but the last.
    """

    path: Path
    offset: NDArray[np.int64]
    size: NDArray[np.int64]
    dtype: np.dtype[Any]
    shape: tuple[int, int]
    block_elements: int


class FrameSource(Protocol):
    """A raw data file, or group of files, seen as a sequence of frames. Nothing is read before it is asked for.

    Attributes
    ----------
    path
        The file that names the series; None for arrays in memory.
    format
        Name of the format: ``hdf5``, ``imm``, ``rigaku500k``, ``rigaku3m``, ``array``.
    shape
        (rows, columns).
    n_frames
        Length of the series.
    dtype
        Of the counts.
    is_sparse
        True when the file itself is a list of events; then `events` costs no search for photons.
    blemish
        Pixels the file itself marks as good (True) or dead (False), shape `shape`; None when it marks none.
    """

    @property
    def path(self) -> Path | None: ...
    @property
    def format(self) -> str: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def n_frames(self) -> int: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def is_sparse(self) -> bool: ...
    @property
    def blemish(self) -> NDArray[np.bool_] | None: ...
    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that belongs to the series (for checksums and copies)."""
        ...

    def frames(self, start: int, stop: int, step: int = 1) -> NDArray[Any]:
        """Return frames ``start:stop:step`` as an array (n, rows, columns); dead pixels are 0.

        Raises
        ------
        CorruptDataError
            If a frame can't be decoded; it names the file and the frame.
        """
        ...

    def events(self, start: int, stop: int) -> EventList:
        """Return the photons of frames ``start:stop``; frame numbers stay those of the series.

        Raises
        ------
        CorruptDataError
            As `frames`, and when a dense frame holds NaN, negative or non-integer counts.
        """
        ...

    def chunk_tables(self) -> tuple[ChunkTable, ...] | None:
        """Return the positions of the compressed chunks, or None where frames are stored another way."""
        ...

    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
