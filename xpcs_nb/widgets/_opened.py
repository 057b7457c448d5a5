"""What an editor may be opened on."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import FrameSource, Geometry, Metadata
from xpcs_nb.errors import FileFormatError, MissingKeyError, OptionError, XpcsError
from xpcs_nb.frames import open_frames
from xpcs_nb.hdf5 import is_result
from xpcs_nb.qmap import QMap

__all__ = ["Opened", "mean_of", "open_source"]


@dataclass(frozen=True)
class Opened:
    """A qmap with what it came from.

    Attributes
    ----------
    qmap
        To be edited, with an image where there is one.
    path
        The result or raw file; None for qmaps and arrays.
    frames
        The raw frames, where there are any.
    """

    qmap: QMap
    path: Path | None = None
    frames: FrameSource | None = None


def open_source(
    source: Any, metadata: Metadata | Geometry | str | PathLike[str] | None = None, *, max_frames: int = 1000
) -> Opened:
    """Open a result (tree or file), raw frames (source, array or file), or a qmap (object or file).

    Raises
    ------
    OptionError
        If it is none of these, or the metadata give no geometry.
    MissingFileError, MissingKeyError, FileFormatError, CorruptDataError, QMapError
        If a file can't be read.
    """
    if isinstance(source, QMap):
        return Opened(source)
    if isinstance(source, str | PathLike):
        return _open_path(Path(source), metadata, max_frames)
    path = getattr(source, "attrs", {}).get("path")
    if path:
        return Opened(QMap.from_result(path), Path(path))
    if isinstance(source, np.ndarray):
        return Opened(QMap.from_frames(source, metadata), frames=open_frames(source) if source.ndim == 3 else None)
    if hasattr(source, "n_frames") and hasattr(source, "frames"):
        return _open_raw(source, metadata, max_frames)
    raise OptionError(
        "this can't be edited",
        got=type(source).__name__,
        expected="a result, raw frames, a qmap, or the path of one of them",
    )


def _open_path(path: Path, metadata: Any, max_frames: int) -> Opened:
    if is_result(path):
        return Opened(QMap.from_result(path), path)
    try:
        return Opened(QMap.from_file(path))
    except (MissingKeyError, FileFormatError) as no_qmap:
        try:
            frames = open_frames(path)
        except XpcsError as no_frames:
            no_frames.add_note(f"Nor is it a qmap: {no_qmap}")
            raise
    return _open_raw(frames, metadata, max_frames)


def _open_raw(frames: FrameSource, metadata: Any, max_frames: int) -> Opened:
    return Opened(QMap.from_frames(frames, metadata, max_frames=max_frames), frames.path, frames)


def mean_of(frames: FrameSource, first: int, count: int) -> NDArray[Any]:
    """Return the mean of `count` frames from `first` on, as many as there are."""
    stop = min(first + max(count, 1), frames.n_frames)
    first = min(first, stop - 1)
    if stop - first == 1:
        return np.asarray(frames.frames(first, stop)[0])
    total, step = np.zeros(frames.shape), 64
    for begin in range(first, stop, step):
        total += frames.frames(begin, min(begin + step, stop)).sum(axis=0, dtype=np.float64)
    mean: NDArray[np.float32] = (total / (stop - first)).astype(np.float32)
    return mean
