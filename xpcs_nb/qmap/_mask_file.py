"""Masks in files of several formats, made edits that hold their content."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import require
from xpcs_nb.errors import FileFormatError, MissingFileError, QMapError
from xpcs_nb.hdf5 import read_image
from xpcs_nb.qmap._edits import FileMask
from xpcs_nb.qmap._pixels import PixelSet

__all__ = ["file_mask"]

HDF5 = {".h5", ".hdf", ".hdf5", ".nxs"}
TIFF = {".tif", ".tiff"}


def file_mask(
    path: str | PathLike[str], shape: tuple[int, int], *, key: str | None, inverted: bool, blemish: bool
) -> FileMask:
    """Return the edit that takes out what a file masks; pixels of the file that are not 0 are good.

    Raises
    ------
    MissingFileError, MissingKeyError, FileFormatError, CorruptDataError
        If the file can't be read.
    QMapError
        If its image has another shape, or masks everything.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError("there is no such file", path=path)
    image = np.squeeze(_read(path, key))
    if image.shape != shape:
        turned = image.shape == shape[::-1]
        raise QMapError(
            "the mask has another shape than the frames",
            path=path,
            got=image.shape,
            expected=shape,
            hint="Transposing it would fit: check which way round the detector was." if turned else None,
        )
    good = np.asarray(image <= 0 if inverted else image > 0)
    if not good.any():
        raise QMapError("the mask leaves no pixel to use", path=path, hint="Is it inverted (1 = bad)?")
    pixels = PixelSet.of(good)
    source = path.name if key is None else f"{path.name}:{key}"
    return FileMask(source=source, sha256=pixels.digest, good=pixels, blemish=blemish)


def _read(path: Path, key: str | None) -> NDArray[Any]:
    suffix = path.suffix.lower()
    if suffix in HDF5:
        return read_image(path, key)
    if key is not None:
        raise FileFormatError("a key goes with an HDF5 file", path=path, got=repr(key))
    try:
        if suffix in TIFF:
            import tifffile

            return np.asarray(tifffile.imread(path))
        if suffix == ".npy":
            return np.asarray(np.load(path, allow_pickle=False))
        if suffix == ".edf":
            return np.asarray(require("fabio", extra="detectors").open(str(path)).data)
    except (ValueError, OSError, EOFError, IndexError) as error:
        raise FileFormatError("the image can't be read", path=path, got=str(error)) from error
    raise FileFormatError(
        "no mask is read from files of this kind", path=path, got=suffix or "no ending", expected="tiff, edf, npy, h5"
    )
