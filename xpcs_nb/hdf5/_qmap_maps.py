"""Masks and label maps as files hold them, made bool and int32."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from xpcs_nb.errors import CorruptDataError, FileFormatError
from xpcs_nb.hdf5._scalars import missing_key, read_values

__all__ = ["label_map", "mask_of", "squeezed"]


def squeezed(group: h5py.Group, key: str) -> NDArray[Any]:
    """Return dataset `key` without axes of length one.

    Raises
    ------
    MissingKeyError
        If it is not there.
    CorruptDataError
        If it can't be decoded.
    """
    try:
        return np.squeeze(np.asarray(read_values(group, key)))
    except KeyError:
        raise missing_key(group, key) from None
    except OSError as error:
        raise CorruptDataError(
            "an array can't be read", path=group.file.filename, where=f"{group.name}/{key}", got=str(error)
        ) from error


def label_map(group: h5py.Group, key: str) -> NDArray[np.int32]:
    """Return the labels in dataset `key`, shape (rows, columns).

    Raises
    ------
    FileFormatError
        If it is not an image.
    CorruptDataError
        If a label is NaN, no integer, or does not fit into 31 bits.
    """
    stored = squeezed(group, key)
    if stored.ndim != 2 or stored.dtype.kind not in "iufb":
        raise FileFormatError(
            "a label map can't be used",
            path=group.file.filename,
            where=f"{group.name}/{key}",
            got=f"{stored.dtype} of shape {stored.shape}",
            expected="numbers of shape (rows, columns)",
        )
    if stored.dtype.kind == "b" or (stored.dtype.kind in "iu" and stored.dtype.itemsize <= 2):
        return stored.astype(np.int32)
    limit = np.iinfo(np.int32).max
    wrong = ~((stored >= -limit) & (stored <= limit))
    if stored.dtype.kind == "f":
        wrong |= stored != np.trunc(stored)
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        raise CorruptDataError(
            f"{np.count_nonzero(wrong)} labels can't be used",
            path=group.file.filename,
            where=f"{group.name}/{key}[{row}, {column}]",
            got=stored[row, column],
            expected="integers from 0",
        )
    return stored.astype(np.int32)


def mask_of(stored: NDArray[Any], labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return a stored mask as bool, True = used, turning one with 1 = bad where that is sure.

    It is sure when there are labels and none of them lies on a pixel of the mask.
    """
    mask = stored > 0
    labelled = labels > 0
    if mask.shape == labelled.shape and labelled.any() and mask.any() and not (mask & labelled).any():
        return ~mask
    return mask
