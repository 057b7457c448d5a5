"""Virtual datasets: what their sources give, and whether all of it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from xpcs_nb.errors import CorruptDataError, MissingKeyError
from xpcs_nb.frames._chunks import require_filters, require_written
from xpcs_nb.frames._hdf5_file import Stretch, open_hdf5

__all__ = ["whole_frame_sources"]


def whole_frame_sources(dataset: h5py.Dataset, path: Path) -> list[Stretch]:
    """Return the sources of a virtual dataset when each gives whole frames in order, else an empty list.

    HDF5 itself fills in zeros where a source is missing or short; checking them here turns that into an error.

    Raises
    ------
    MissingFileError, MissingKeyError
        If a source is not there.
    CorruptDataError
        If a source is too short, or the sources do not cover the dataset.
    """
    stretches: list[Stretch] = []
    covered = 0
    whole = True
    values = 0
    for source in sorted(dataset.virtual_sources(), key=lambda one: one.vspace.get_select_bounds()[0]):
        target = path if source.file_name == "." else path.parent / source.file_name
        shape = _source_shape(target, source.dset_name)
        low, high = _taken(source, shape, target)
        begin, end = source.vspace.get_select_bounds()
        points = source.vspace.get_select_npoints()
        values += points
        n_frames = end[0] - begin[0] + 1
        full = points == n_frames * np.prod(dataset.shape[1:])
        same = shape[1:] == dataset.shape[1:] and high[0] - low[0] + 1 == n_frames
        whole = bool(whole and full and same and begin[0] == covered)
        covered = end[0] + 1
        stretches.append(Stretch(target, source.dset_name, int(low[0]), n_frames))
    if values != dataset.size:
        raise CorruptDataError(
            "the sources of the virtual dataset do not cover it",
            path=path,
            where=f"frame {covered}" if whole else dataset.name,
            got=f"{values} values",
            expected=f"{dataset.size} values",
        )
    return stretches if whole else []


def _taken(source: Any, shape: tuple[int, ...], path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last index that is taken along each axis of a source; it must have them all."""
    points = source.vspace.get_select_npoints()
    if source.src_space.get_select_type() == h5py.h5s.SEL_ALL:
        # "All of it" has no bounds of its own until the source is looked at.
        low, high = np.zeros(len(shape), dtype=np.int64), np.array(shape) - 1
        short = np.prod(shape) != points
    else:
        low, high = (np.array(bound) for bound in source.src_space.get_select_bounds())
        short = len(shape) != len(high) or (high >= shape).any()
    if short:
        raise CorruptDataError(
            "a source of the virtual dataset is too short",
            path=path,
            where=source.dset_name,
            got=f"shape {shape}",
            expected=f"{points} values, up to index {tuple(map(int, high))}",
        )
    return low, high


def _source_shape(path: Path, name: str) -> tuple[int, ...]:
    with open_hdf5(path) as file:
        if not isinstance(found := file.get(name), h5py.Dataset):
            raise MissingKeyError("a source of the virtual dataset is missing", path=path, where=name)
        if found.is_virtual:
            whole_frame_sources(found, path)
        require_filters(found, path)
        require_written(found, path)
        shape: tuple[int, ...] = found.shape
        return shape
