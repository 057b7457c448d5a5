"""Single images in HDF5 files: masks, and the mean scattering of results."""

from __future__ import annotations

from os import PathLike
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  # registers the compression filters of the field
import numpy as np
from numpy.typing import NDArray

from xpcs_nb.errors import CorruptDataError, FileFormatError, MissingKeyError
from xpcs_nb.hdf5._scalars import has_key, open_file

__all__ = ["read_image", "read_result_image"]

#: Mean scattering in results of each layout.
MEAN_SCATTERING = ("/xpcs/temporal_mean/scattering_2d", "/exchange/pixelSum", "/entry/SAXS_2D/data/I")


def read_image(path: str | PathLike[str], key: str | None) -> NDArray[Any]:
    """Return a dataset of an HDF5 file without axes of length one.

    Parameters
    ----------
    path
        The file.
    key
        The dataset; None takes the only image that there is.

    Raises
    ------
    MissingKeyError
        If it is not there, or several are and none is named.
    CorruptDataError
        If it can't be decoded.
    """
    with open_file(path) as file:
        images = _images(file)
        if key is None and len(images) == 1:
            key = images[0]
        if key is None or not has_key(file, key):
            raise MissingKeyError(
                "there is no such image" if key else "it is not clear which image is meant",
                path=path,
                where=key,
                got=f"images {', '.join(images[:8]) or 'none'}",
            )
        try:
            return np.squeeze(np.asarray(file[key][()]))
        except OSError as error:
            raise CorruptDataError("an image can't be read", path=path, where=key, got=str(error)) from error


def _images(file: h5py.File) -> list[str]:
    found: list[str] = []

    def look(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and sum(size > 1 for size in item.shape) == 2:
            found.append(f"/{name}")

    file.visititems(look)
    return found


def read_result_image(path: str | PathLike[str]) -> NDArray[Any] | None:
    """Return the mean scattering of a result, shape (rows, columns); None where the file has none.

    Raises
    ------
    FileFormatError
        If it is not an image.
    """
    with open_file(path) as file:
        key = next((key for key in MEAN_SCATTERING if has_key(file, key)), None)
    if key is None:
        return None
    image = read_image(path, key)
    if image.ndim != 2:
        raise FileFormatError("the mean scattering is not an image", path=path, where=key, got=image.shape)
    return image
