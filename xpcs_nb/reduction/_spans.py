"""Reading many pieces of files into one buffer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import ChunkTable
from xpcs_nb.errors import CorruptDataError, MissingFileError

__all__ = ["ChunkFiles", "SpanReader"]

type Ints = NDArray[np.int64]
type Bytes = NDArray[np.uint8]

#: Bytes behind the last span that kernels may look at without a check.
SLACK = 64


@dataclass(frozen=True)
class ChunkFiles:
    """The chunks of the raw frames that are taken, over all files of a series.

    Attributes
    ----------
    paths
        The files.
    file, offset, size
        File (as its place in `paths`), position and bytes of each frame's chunk, shape (n,).
    raw
        Number of each frame in the series, for messages.
    """

    paths: tuple[Path, ...]
    file: Ints
    offset: Ints
    size: Ints
    raw: Ints

    @classmethod
    def of(cls, tables: Sequence[ChunkTable], raw: Ints) -> Self:
        """Choose frames `raw` from the tables of a series."""
        lengths = [len(table.offset) for table in tables]
        files = cls(
            paths=tuple(table.path for table in tables),
            file=np.repeat(np.arange(len(tables)), lengths)[raw],
            offset=np.concatenate([table.offset for table in tables]).astype(np.int64)[raw],
            size=np.concatenate([table.size for table in tables]).astype(np.int64)[raw],
            raw=raw,
        )
        files._check()
        return files

    def _check(self) -> None:
        for number, path in enumerate(self.paths):
            if not path.is_file():
                raise MissingFileError("a file of the series is not there", path=path)
            length = path.stat().st_size
            beyond = (self.file == number) & ((self.offset + self.size > length) | (self.size <= 0))
            if beyond.any():
                first = int(np.flatnonzero(beyond)[0])
                raise self.error(first, "the file ends before the frame does, or the frame was never written")

    def error(self, index: int, problem: str = "the frame can't be decoded") -> CorruptDataError:
        """Return the error that frame `index` (of those taken) is corrupt."""
        return CorruptDataError(
            problem,
            path=self.paths[self.file[index]],
            where=f"frame {self.raw[index]}",
            hint="Copy the file again, or leave the frame out with begin_frame and end_frame.",
        )


class SpanReader:
    """Reads spans of chunks into a buffer that is used again and again; one for each thread.

    Parameters
    ----------
    files
        The chunks.
    room
        Bytes of the buffer; grows to what a call needs.
    """

    def __init__(self, files: ChunkFiles, room: int) -> None:
        self._files = files
        self._stack = ExitStack()
        self._handles = [self._stack.enter_context(path.open("rb", buffering=0)) for path in files.paths]
        self.buffer: Bytes = np.empty(room + SLACK, dtype=np.uint8)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def read(self, first: int, begin: Ints, size: Ints) -> tuple[Ints, Ints]:
        """Read bytes ``begin:begin+size`` of the chunks of frames `first` and on; return where they are in `buffer`."""
        end = np.cumsum(size)
        if end[-1] + SLACK > len(self.buffer):
            self.buffer = np.empty(int(end[-1]) + SLACK, dtype=np.uint8)
        view = memoryview(self.buffer)
        last = first + len(begin)
        offset = self._files.offset[first:last] + begin
        file = self._files.file[first:last]
        # Chunks that follow each other in the file are read at once.
        joined = (offset[1:] == offset[:-1] + size[:-1]) & (file[1:] == file[:-1])
        heads = np.concatenate(([0], np.flatnonzero(~joined) + 1))
        tails = np.concatenate((heads[1:], [len(begin)])) - 1
        starts = end - size
        for head, source, at, to, where in zip(
            heads.tolist(), file[heads].tolist(), starts[heads].tolist(), end[tails].tolist(), offset[heads].tolist(),
            strict=True,
        ):  # fmt: skip
            if self._fill(source, view[at:to], where) != to - at:
                raise self._files.error(first + head, "the file ends before the frame does")
        return starts, end

    def _fill(self, source: int, view: memoryview, where: int) -> int:
        handle = self._handles[source]
        done = 0
        while done < len(view):
            if hasattr(os, "preadv"):
                count = os.preadv(handle.fileno(), [view[done:]], where + done)
            else:
                handle.seek(where + done)
                count = handle.readinto(view[done:]) or 0
            if count == 0:
                break
            done += count
        return done
