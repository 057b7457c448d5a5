"""Open raw data of any known format."""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import EventList, FrameSource
from xpcs_nb.errors import CorruptDataError, FileFormatError, MissingExtraError, MissingFileError, OptionError
from xpcs_nb.frames._hdf5 import Hdf5Source
from xpcs_nb.frames._imm import looks_like_imm, open_imm
from xpcs_nb.frames._memory import ArraySource, EventSource
from xpcs_nb.frames._rigaku import Rigaku3mSource, Rigaku500kSource, is_rigaku3m_name

__all__ = ["open_frames"]

TIMEPIX = re.compile(r"\.tpx(\.\d{3})?$")
#: What a file of this name is expected to be.
EXPECTED = dict.fromkeys([".h5", ".hdf", ".hdf5"], "HDF5, or IMM") | {".nxs": "HDF5", ".imm": "IMM"}


def open_frames(
    path_or_array: str | PathLike[str] | NDArray[Any] | EventList,
    *,
    dataset: str | None = None,
    shape: tuple[int, int] | None = None,
) -> FrameSource:
    """Open raw data as a sequence of frames; nothing but headers is read.

    The format is told from the content first (HDF5, IMM), then from the name (Rigaku, Timepix4).

    Parameters
    ----------
    path_or_array
        A raw file: HDF5 (frames in one dataset, Eiger master file, virtual dataset), APS IMM (dense or sparse, of
        any name), Rigaku 500k (``.bin``), Rigaku 3M (one of ``.bin.000`` to ``.bin.005``). Or an array
        (frames, rows, columns), or an event list.
    dataset
        Place of the frames in an HDF5 file, where it is none of the usual ones.
    shape
        (rows, columns), used where the file does not tell it (Rigaku ``.bin``; 512 x 1024 when not given).

    Returns
    -------
    FrameSource
        To be closed, or used in a ``with`` statement.

    Raises
    ------
    MissingFileError
        If the file, or one that belongs to it, is not there.
    MissingKeyError
        If an HDF5 file holds no frames at the usual places or at `dataset`.
    FileFormatError
        If the file is of no known format, or not of the one its name says.
    CorruptDataError
        If the file is empty, truncated or damaged, as far as can be told without reading the frames.
    MissingExtraError
        For Timepix4 files.
    OptionError
        If `dataset` is given for a format that has no use for it, or an array is no series of frames.

    Notes
    -----
    Dead pixels are False in `blemish` and 0 in the frames. They are: unsigned pixels with all bits set in the first or
    last frame (in the Lambda 2M, uint16 of 1813 x 1558, also a full 12-bit counter, 4095); pixels that are negative or
    not finite in the first frame; those of an Eiger master file's ``pixel_mask``; the gaps of the Rigaku 3M. All
    bits set in between is 0 there, with a warning; negative or non-finite values later are errors.
    The Rigaku formats know no number of frames: a series ends with its last photon.
    """
    if isinstance(path_or_array, EventList | np.ndarray):
        _refuse("dataset", dataset, "raw data in memory")
        return EventSource(path_or_array) if isinstance(path_or_array, EventList) else ArraySource(path_or_array)
    path = Path(path_or_array)
    if not path.exists():
        raise MissingFileError("the raw file does not exist", path=path)
    if not path.is_file():
        raise FileFormatError("not a file", path=path, expected="the raw file itself, or the first of its files")
    return _open_file(path, dataset, shape)


def _open_file(path: Path, dataset: str | None, shape: tuple[int, int] | None) -> FrameSource:
    if h5py.is_hdf5(path):
        return Hdf5Source(path, dataset)
    _refuse("dataset", dataset, "files that are not HDF5")
    if is_rigaku3m_name(path):
        return Rigaku3mSource(path)
    if path.stat().st_size == 0:
        raise CorruptDataError("the file is empty", path=path, hint="Copy it again, or wait until it is written.")
    if looks_like_imm(path):
        return open_imm(path)
    if path.suffix == ".bin":
        return Rigaku500kSource(path, shape)
    if TIMEPIX.search(path.name):
        raise MissingExtraError(
            "Timepix4 files are read by the package timepix_dataset, which is on no package registry",
            path=path,
            hint="Have the beamline bin the events into frames and write them as HDF5.",
        )
    raise FileFormatError(
        "not a raw format that is known here",
        path=path,
        got=f"a file that begins with {_first_bytes(path)!r}",
        expected=EXPECTED.get(path.suffix, "HDF5, IMM, .bin (Rigaku 500k) or .bin.000 (Rigaku 3M)"),
    )


def _refuse(name: str, value: object, what: str) -> None:
    if value is not None:
        raise OptionError(f"{name} has no meaning for {what}", got=f"{name}={value!r}")


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)
