"""Open raw data of any known format."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import EventList, FrameSource
from xpcs_nb.errors import FileFormatError, MissingFileError
from xpcs_nb.frames._hdf5 import Hdf5Source
from xpcs_nb.frames._memory import ArraySource, EventSource

__all__ = ["open_frames"]


def open_frames(
    path_or_array: str | PathLike[str] | NDArray[Any] | EventList,
    *,
    dataset: str | None = None,
    shape: tuple[int, int] | None = None,
) -> FrameSource:
    """Open raw data as a sequence of frames."""
    if isinstance(path_or_array, EventList):
        return EventSource(path_or_array)
    if isinstance(path_or_array, np.ndarray):
        return ArraySource(path_or_array)
    path = Path(path_or_array)
    if not path.exists():
        raise MissingFileError("the raw file does not exist", path=path)
    if h5py.is_hdf5(path):
        return Hdf5Source(path, dataset)
    raise FileFormatError("not yet", path=path)
