"""Open an HDF5 file, and name a part of one."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

import h5py

from xpcs_nb.errors import CorruptDataError, MissingFileError

__all__ = ["Stretch", "open_hdf5"]

#: What HDF5 says when another process holds the file's lock (EAGAIN).
HELD_BY_A_WRITER = f"errno = {errno.EAGAIN}"


@dataclass(frozen=True)
class Stretch:
    """Frames ``first..first + n_frames - 1`` of one dataset, shown as the next frames of the series."""

    path: Path
    dataset: str
    first: int
    n_frames: int


def open_hdf5(path: Path) -> h5py.File:
    """Open a file for reading, with locks where the file system has them.

    Raises
    ------
    MissingFileError
        If it is not there.
    CorruptDataError
        If HDF5 can't open it: truncated, damaged, or still being written.
    """
    if not path.is_file():
        raise MissingFileError("the file does not exist", path=path)
    try:
        return _open_with_or_without_locks(path)
    except OSError as error:
        text = str(error)
        if "truncated" in text:
            hint = "The file is shorter than it says: copy it again, or wait until it is completely written."
        elif "already open for" in text or HELD_BY_A_WRITER in text:
            hint = "It is still being written; if its writer has stopped without closing it, h5clear -s repairs it."
        else:
            hint = "Copy the file again, or check it with h5debug."
        raise CorruptDataError("HDF5 can't open the file", path=path, got=text, hint=hint) from error


def _open_with_or_without_locks(path: Path) -> h5py.File:
    # HDF5 refuses to open a file twice in one process with different settings of the locks, so the first try has the
    # default ones, as a file that is open in the user's notebook has. Some network file systems can't lock at all.
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if "lock" not in str(error) or HELD_BY_A_WRITER in str(error):
            raise
        return h5py.File(path, "r", locking=False)
