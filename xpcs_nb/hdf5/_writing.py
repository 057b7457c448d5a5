"""HDF5 files that appear whole or not at all, also when the disk is full."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import override

import h5py

from xpcs_nb.hdf5._atomic import atomic_file

__all__ = ["atomic_hdf5"]

#: Blocks that could not be written are kept up to this size: HDF5 reads its own small blocks again, but not data.
LARGEST_KEPT = 1 << 20
#: Bytes after which the disk is to begin.
SEND_EVERY = 16 << 20


@contextmanager
def atomic_hdf5(
    path: Path, *, overwrite: bool = False, libver: str | None = None
) -> Iterator[tuple[h5py.File, Callable[[], None]]]:
    """Give a new HDF5 file that takes its name `path` on leaving without error, and a check of it so far.

    The check raises what went wrong while writing; without calling it, that is raised on leaving. Long work between
    two writes calls it, so as not to go on for a file that can't be written.

    Parameters
    ----------
    path
        Final name.
    overwrite
        Replace a file of that name.
    libver
        Oldest HDF5 format version to write, as of `h5py.File`; None takes the one that most readers know.

    Raises
    ------
    ResultExistsError, WriteError
        As `atomic_file`.
    """
    with atomic_file(path, overwrite=overwrite) as part, _Sink(part) as sink:
        with h5py.File(sink, "w", libver=libver) as file:
            yield file, sink.check
        sink.check()


class _Sink(io.RawIOBase):
    """A file that never tells HDF5 of a failed write, but keeps the error.

    HDF5 can't close a file whose last blocks it failed to write: the handle stays, h5py raises a RuntimeError, and
    the library crashes the process when it tries again at exit.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        self._position = 0
        self._size = 0
        self._unsent = 0
        self._unwritten: list[tuple[int, bytes]] = []
        self._error: OSError | KeyboardInterrupt | None = None

    def check(self) -> None:
        """Raise the first error of a write, if there was one."""
        if self._error is not None:
            raise self._error

    @override
    def write(self, data: memoryview, /) -> int:  # type: ignore[override]
        size = len(data)
        if self._error is None:
            try:
                self._write_all(data)
            except (OSError, KeyboardInterrupt) as error:
                self._error = error
        if self._error is not None and size <= LARGEST_KEPT:
            self._unwritten.append((self._position, bytes(data)))
        self._position += size
        self._size = max(self._size, self._position)
        return size

    def _write_all(self, data: memoryview) -> None:
        done = 0
        while done < len(data):
            done += os.pwrite(self._descriptor, data[done:], self._position + done)
        self._unsent += done
        if self._unsent >= SEND_EVERY and hasattr(os, "posix_fadvise"):
            # Linux begins to write what it is told to forget: the disk works beside us, not at the fsync in the end.
            os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            self._unsent = 0

    @override
    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        begin, size = self._position, len(buffer)
        found = os.pread(self._descriptor, size, begin)
        buffer[:] = found + bytes(size - len(found))
        for offset, block in self._unwritten:
            first, last = max(offset, begin), min(offset + len(block), begin + size)
            if first < last:
                buffer[first - begin : last - begin] = block[first - offset : last - offset]
        self._position += size
        return size

    @override
    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = start + offset
        return self._position

    @override
    def tell(self) -> int:
        return self._position

    @override
    def truncate(self, size: int | None = None, /) -> int:
        self._size = self._position if size is None else size
        if self._error is None:
            try:
                os.ftruncate(self._descriptor, self._size)
            except OSError as error:
                self._error = error
        return self._size

    @override
    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self._descriptor)
