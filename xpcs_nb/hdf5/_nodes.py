"""Nodes that every layout makes in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import DelayGrid
from xpcs_nb.hdf5._content import Array, Stored

__all__ = ["Axes", "delay_coords", "image", "intensity", "label_coords", "segments_of", "stored"]

UNITLESS = "1"
COUNTS = "counts/pixel/frame"

#: Frames up to which the intensity of each is read when a result is opened.
LONG = 8192


@dataclass(frozen=True)
class Axes:
    """The two coordinates of the labels of one kind of bin: names, units, and a value for each label."""

    names: tuple[str, str]
    units: tuple[str, str]
    values: tuple[NDArray[np.float64], NDArray[np.float64]]

    def take(self, index: NDArray[np.int64]) -> Axes:
        """Return the coordinates of some of the labels; NaN for labels that the lists do not reach."""
        inside = index < len(self.values[0])
        first, second = (
            np.where(inside, values[np.where(inside, index, 0)], np.nan) if len(values) else np.full(len(index), np.nan)
            for values in self.values
        )
        return Axes(self.names, self.units, (first, second))


def label_coords(dim: str, labels: NDArray[np.int64], axes: Axes) -> dict[str, Array]:
    """Return the coordinates of a dimension of bins: the label, and the two coordinates of each."""
    names = axes.names if axes.names[0] != axes.names[1] else (axes.names[0], f"{axes.names[1]}_2")
    coords = {dim: Array((dim,), labels, UNITLESS, f"label of the {dim.replace('_', ' ')}")}
    for name, unit, values in zip(names, axes.units, axes.take(labels - 1).values, strict=True):
        coords[name] = Array((dim,), values, unit, f"{name} of the bin")
    return coords


def delay_coords(frames: NDArray[np.int64], step: float, n_frames: int | None) -> dict[str, Array]:
    """Return delay in seconds, in frames, and the pairs behind each (where the number of frames is known)."""
    coords = {
        "delay": Array(("delay",), frames * step, "s", "delay"),
        "delay_frames": Array(("delay",), frames, "frames", "delay in correlated frames"),
    }
    pairs = None if n_frames is None or n_frames < 2 else _pairs(frames, n_frames)
    if pairs is not None:
        coords["n_pairs"] = Array(("delay",), pairs, UNITLESS, "pairs of frames behind the delay")
    return coords


def _pairs(frames: NDArray[np.int64], n_frames: int) -> NDArray[np.int64] | None:
    """Pairs of the APS delay grid, or None when `frames` is another grid."""
    grid_frames, pairs = _grid(n_frames)
    same = len(grid_frames) >= len(frames) and np.array_equal(grid_frames[: len(frames)], frames)
    return pairs[: len(frames)].copy() if same else None


@lru_cache(16)
def _grid(n_frames: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    grid = DelayGrid(n_frames)
    return grid.frames, grid.n_pairs


def image(dataset: h5py.Dataset, *, as_bool: bool = False) -> Stored:
    """Return a (rows, columns) array that stays in the file; a leading axis of length 1 is dropped."""
    extra = dataset.ndim - 2
    dtype = np.dtype(bool) if as_bool else dataset.dtype
    return Stored(dataset.name, dataset.shape[extra:], dtype, lead=0 if extra else None, as_bool=as_bool)


def stored(file: h5py.File, place: str) -> Stored:
    """Return an array that stays in the file as it is."""
    # Behind a link to another file, the dataset's own name is the one it has there.
    dataset = h5py.h5d.open(file.id, place.encode())
    return Stored(place, dataset.shape, dataset.dtype)


def intensity(dataset: h5py.Dataset, step: float) -> tuple[Array, dict[str, Array]]:
    """Return intensity against time, and the time coordinate; the dataset is (2, N) or (N,). A long one stays there."""
    n, lead = int(dataset.shape[-1]), -1 if dataset.ndim == 2 else None
    counts: NDArray[Any] | Stored = Stored(dataset.name, (n,), dataset.dtype, lead)
    if n <= LONG:
        counts = np.asarray(dataset[()] if lead is None else dataset[lead])
    time = Array(("time",), times(n, step), "s", "start of the frame")
    return Array(("time",), counts, COUNTS, "mean intensity over the used pixels"), {"time": time}


@lru_cache(8)
def times(n: int, step: float) -> NDArray[np.float64]:
    """Return when `n` frames begin, s: the same read-only array for all results of one series."""
    found = np.arange(n, dtype=np.float64) * step
    found.flags.writeable = False
    return found


def segments_of(values: NDArray[Any], scale: str) -> Array:
    """Return I(q) in stretches of time, shape (K, S), with the scale its numbers are on."""
    return Array(("segment", "static_bin"), values, COUNTS, "mean intensity of a stretch of time", {"scale": scale})
