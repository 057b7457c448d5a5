"""Unions and cuts of single bins, on top of any partition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import QMapArrays
from xpcs_nb.errors import QMapError
from xpcs_nb.qmap._edits import MergeBins, SplitBin

__all__ = ["cell_of_label", "change_bins"]

type Cell = tuple[int, int]
type Floats = NDArray[np.float64]


@dataclass
class _Bins:
    """Labels being changed; `cells` are the places of label 1, 2, ... in the grid of `axes`."""

    labels: NDArray[np.int32]
    axes: tuple[list[float], list[float]]
    cells: list[Cell]

    @classmethod
    def of(cls, arrays: QMapArrays, kind: str) -> _Bins:
        first, second = (axis.tolist() for axis in getattr(arrays, f"{kind}_v_list"))
        index = getattr(arrays, f"{kind}_index_mapping")
        cells = [divmod(int(place), max(len(second), 1)) for place in index]
        return cls(getattr(arrays, f"{kind}_roi_map").copy(), (first, second), cells)

    def new_cell(self, centers: tuple[float, float]) -> Cell:
        """Add a row and a column to the grid, for a bin that has its own place."""
        for axis, center in zip(self.axes, centers, strict=True):
            axis.append(center)
        return len(self.axes[0]) - 1, len(self.axes[1]) - 1

    def centers(self, label: int) -> tuple[float, float]:
        row, column = self.cells[label - 1]
        return self.axes[0][row], self.axes[1][column]

    def fields(self, kind: str) -> dict[str, object]:
        """Return the entries of `QMapArrays`, labels without gaps."""
        present = np.flatnonzero(np.bincount(self.labels.ravel(), minlength=len(self.cells) + 1)[1:])
        number = np.zeros(len(self.cells) + 1, dtype=np.int32)
        number[present + 1] = np.arange(1, len(present) + 1)
        columns = len(self.axes[1])
        index = [self.cells[label][0] * columns + self.cells[label][1] for label in present]
        return {
            f"{kind}_roi_map": number[self.labels],
            f"{kind}_v_list": (np.array(self.axes[0]), np.array(self.axes[1])),
            f"{kind}_index_mapping": np.array(index, dtype=np.int64),
        }


def cell_of_label(arrays: QMapArrays, label: int) -> Cell:
    """Return the place of a dynamic bin in the grid, which stays when labels change.

    Raises
    ------
    QMapError
        If there is no such label.
    """
    index = arrays.dynamic_index_mapping
    if not 1 <= label <= len(index):
        raise QMapError("there is no such dynamic bin", got=label, expected=f"1 to {len(index)}")
    row, column = divmod(int(index[label - 1]), len(arrays.dynamic_v_list[1]))
    return row, column


def change_bins(
    arrays: QMapArrays, changes: Sequence[MergeBins | SplitBin], values_of: Callable[[str], Floats]
) -> QMapArrays:
    """Return arrays with bins made one or cut; `values_of` gives a map by name.

    Every static bin stays in one dynamic bin: a cut cuts both.

    Raises
    ------
    QMapError
        If a change names a place outside of the grid.
    """
    if not changes:
        return arrays
    dynamic, static = _Bins.of(arrays, "dynamic"), _Bins.of(arrays, "static")
    for change in changes:
        if isinstance(change, MergeBins):
            _merge(dynamic, change, arrays.map_names)
        else:
            name = arrays.map_names[change.axis]
            _split(dynamic, static, change, name, values_of(name))
    return replace(arrays, **dynamic.fields("dynamic"), **static.fields("static"))  # type: ignore[arg-type]


def _label(bins: _Bins, cell: Cell) -> int | None:
    """Return the label at a place of the grid; None where the bin has no pixels."""
    if not all(0 <= place < len(axis) for place, axis in zip(cell, bins.axes, strict=True)):
        sizes = " x ".join(str(len(axis)) for axis in bins.axes)
        raise QMapError("there is no such bin", got=f"place {cell}", expected=f"a place in the {sizes} grid of bins")
    return bins.cells.index(cell) + 1 if cell in bins.cells else None


def _merge(bins: _Bins, change: MergeBins, names: tuple[str, str]) -> None:
    found = [_label(bins, cell) for cell in change.cells]
    labels = [label for label in found if label is not None]
    if len(labels) < 2:
        return
    count = np.bincount(bins.labels.ravel(), minlength=len(bins.cells) + 1)[labels].astype(float)
    centers = [
        _mean(np.array(values), count, circular=name == "phi")
        for name, values in zip(names, zip(*(bins.centers(label) for label in labels), strict=True), strict=True)
    ]
    number = np.arange(len(bins.cells) + 1, dtype=np.int32)
    number[labels] = labels[0]
    bins.labels = number[bins.labels]
    bins.cells[labels[0] - 1] = bins.new_cell((centers[0], centers[1]))
    for label in labels[1:]:
        bins.cells[label - 1] = (-1, -1)  # without pixels now; `fields` drops it


def _mean(values: Floats, weights: Floats, *, circular: bool) -> float:
    """Return the mean; of angles that point everywhere, the first."""
    if not circular:
        return float(np.average(values, weights=weights))
    direction = np.average(np.exp(1j * np.radians(values)), weights=weights)
    return float(np.degrees(np.angle(direction))) if abs(direction) > 1e-6 else float(values[0])


def _split(dynamic: _Bins, static: _Bins, change: SplitBin, name: str, values: Floats) -> None:
    label = _label(dynamic, change.cell)
    if label is None:
        return
    pixel = np.flatnonzero(dynamic.labels == label)
    own = values.ravel()[pixel]
    center = dynamic.centers(label)[change.axis]
    if name == "phi":
        own = (own - center + 180.0) % 360.0 - 180.0 + center
    low, high = float(own.min()), float(own.max())
    if not low < high:
        raise QMapError(f"the bin can't be cut along {name}", got=f"all of its pixels have {name} {low:g}")
    part = np.minimum(((own - low) * (change.number / (high - low))).astype(np.int64), change.number - 1)
    middles = low + (np.arange(change.number) + 0.5) * (high - low) / change.number
    for bins in (dynamic, static):
        flat = bins.labels.ravel()
        owners = flat[pixel]
        for old in np.unique(owners).tolist():
            mine = owners == old
            for piece in np.unique(part[mine]).tolist() if len(np.unique(part[mine])) > 1 or bins is dynamic else []:
                centers = list(bins.centers(old))
                centers[change.axis] = float(middles[piece])
                bins.cells.append(bins.new_cell((centers[0], centers[1])))
                flat[pixel[mine & (part == piece)]] = len(bins.cells)
        bins.labels = flat.reshape(bins.labels.shape)
