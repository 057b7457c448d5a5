"""Where a qmap may come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.core import FrameSource, Geometry, Metadata, QMapArrays
from xpcs_nb.errors import OptionError, QMapError
from xpcs_nb.hdf5 import find_metadata, read_metadata, read_qmap, read_result_image
from xpcs_nb.qmap._arrays import without_bins
from xpcs_nb.qmap._detectors import read_poni

__all__ = ["Sources"]

#: Bytes of the frames that are averaged at a time.
CHUNK = 1 << 27


class Sources(ABC):
    """Ways to begin a qmap."""

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> Self:
        """Read a qmap file of any layout, or the qmap inside a result file; with its edits, where the file has them.

        Raises
        ------
        MissingKeyError, CorruptDataError, FileFormatError
            As `xpcs_nb.hdf5.read_qmap`.
        QMapError
            If the file's edits can't be understood.
        """
        return cls._of(read_qmap(path))

    @classmethod
    def from_result(cls, path: str | PathLike[str]) -> Self:
        """Read the qmap that a result file was made with; its mean scattering is the image.

        Raises
        ------
        MissingKeyError, CorruptDataError, FileFormatError
            As `xpcs_nb.hdf5.read_qmap`.
        QMapError
            If the file's edits can't be understood.
        """
        return cls._of(read_qmap(path), read_result_image(path))

    @classmethod
    @abstractmethod
    def _of(cls, arrays: QMapArrays, image: NDArray[Any] | None = None) -> Self:
        """Return the qmap that arrays hold, with their history."""

    @classmethod
    def from_geometry(
        cls,
        geometry: Geometry,
        shape: tuple[int, int],
        *,
        mask: ArrayLike | None = None,
        blemish: ArrayLike | None = None,
        image: ArrayLike | None = None,
        source_file: str = "",
    ) -> Self:
        """Begin a qmap for frames of `shape`; all pixels are used that `mask` and `blemish` don't forbid.

        Raises
        ------
        QMapError
            If an array has another shape.
        """
        masks = [_checked(name, part, shape) for name, part in (("mask", mask), ("blemish", blemish))]
        arrays = without_bins(masks[0], masks[1], geometry, {"source_file": source_file})
        return cls._of(arrays, None if image is None else np.asarray(image))

    @classmethod
    def from_frames(
        cls,
        raw: FrameSource | NDArray[Any],
        metadata: Metadata | Geometry | str | PathLike[str] | None = None,
        *,
        max_frames: int = 1000,
    ) -> Self:
        """Begin a qmap on raw frames; their mean is the image, and their dead pixels are blemishes.

        Parameters
        ----------
        raw
            What `xpcs_nb.open_frames` gives; or frames (n, rows, columns), or their mean (rows, columns).
        metadata
            The metadata of the measurement, or the path of its file; None takes the file beside the raw file. A
            `Geometry` serves as well.
        max_frames
            Most frames to average, taken evenly from the series.

        Raises
        ------
        OptionError
            If the metadata give no geometry (the message names what is missing), or none are given with an array.
        MissingFileError, MissingKeyError, CorruptDataError, FileFormatError
            If the metadata or the frames can't be read.
        """
        image: NDArray[Any]
        if isinstance(raw, np.ndarray):
            if raw.ndim not in {2, 3}:
                raise QMapError("frames can't be used", got=raw.shape, expected="(n, rows, columns)")
            image, blemish, path = raw.mean(axis=0) if raw.ndim == 3 else raw, None, None
        else:
            image, blemish, path = _mean(raw, max_frames), raw.blemish, raw.path
        if metadata is None:
            if path is None:
                raise OptionError("frames without a file need metadata", hint="Give the metadata file or a Geometry.")
            metadata = find_metadata(path)
        shape = (image.shape[0], image.shape[1])
        geometry = _geometry(metadata)
        return cls.from_geometry(geometry, shape, blemish=blemish, image=image, source_file=str(path or ""))

    @classmethod
    def from_poni(cls, path: str | PathLike[str], shape: tuple[int, int] | None = None) -> Self:
        """Begin a qmap with the geometry of a ``.poni`` file (extra `detectors`).

        Parameters
        ----------
        path
            The file.
        shape
            (rows, columns); None takes that of its detector.

        Raises
        ------
        MissingExtraError
            If pyFAI is not installed.
        MissingFileError, FileFormatError
            If the file can't be read.
        QMapError
            If it gives no geometry that can be described here, or no shape.
        """
        geometry, own = read_poni(path)
        if shape is None and own is None:
            raise QMapError("the detector of the file has no shape", path=path, hint="Give the shape of the frames.")
        return cls.from_geometry(geometry, own if shape is None else shape, source_file=str(path))  # type: ignore[arg-type]


def _checked(name: str, mask: ArrayLike | None, shape: tuple[int, int]) -> NDArray[np.bool_]:
    if mask is None:
        return np.ones(shape, dtype=bool)
    values = np.asarray(mask)
    if values.shape != tuple(shape):
        raise QMapError(f"the {name} has another shape than the frames", got=values.shape, expected=tuple(shape))
    return values > 0


def _geometry(metadata: Metadata | Geometry | str | PathLike[str]) -> Geometry:
    if isinstance(metadata, Geometry):
        return metadata
    return Geometry.from_metadata(metadata if isinstance(metadata, Metadata) else read_metadata(metadata))


def _mean(raw: FrameSource, most: int) -> NDArray[np.float32]:
    """Return the mean of at most `most` frames, taken evenly."""
    if most < 1:
        raise OptionError("no frames to average", got=most, expected="1 or more")
    step = -(-raw.n_frames // most)
    total, count = np.zeros(raw.shape), 0
    together = step * max(1, CHUNK // (total.size * raw.dtype.itemsize))
    for begin in range(0, raw.n_frames, together):
        frames = raw.frames(begin, min(begin + together, raw.n_frames), step)
        total += frames.sum(axis=0, dtype=np.float64)
        count += len(frames)
    if count == 0:
        raise QMapError("the series has no frames", path=raw.path)
    return (total / count).astype(np.float32)
