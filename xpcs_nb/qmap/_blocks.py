"""Jackknife blocks: patches of neighbouring pixels that cut across the static bins of a dynamic bin.

No sort: every pixel gets the number of a narrow slice (of azimuth, or of position), slices are counted, and the
counts say which slices make up a block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import QMapArrays

__all__ = ["Bins", "cut_into_blocks"]

type Ints = NDArray[np.int64]
type Floats = NDArray[np.float64]

#: Slices of a full circle or of the detector's diagonal; a power of two, fewer where there are very many bins.
MOST_SLICES = 4096
FEWEST_SLICES = 256
MOST_COUNTS = 1 << 23
#: Wider slices by which it is seen which part of a ring has pixels.
COARSE = 256
#: With fewer blocks the error of the error bar exceeds a quarter of it.
ENOUGH_BLOCKS = 8
#: Narrowest blocks made for the sake of enough of them, in terms of the width asked for.
NARROWEST = 0.4
#: Rows of the detector worked on at a time, in pixels.
CHUNK = 1 << 17


@dataclass(frozen=True)
class Bins:
    """The used pixels and their bins, all from 0; `owner` is the dynamic bin of each static one, or -1."""

    pixel: Ints
    static: Ints
    dynamic: Ints
    owner: Ints
    n_dynamic: int


@dataclass(frozen=True)
class _Rows:
    """Sets of pixels that are cut each on its own; those of a dynamic bin follow each other.

    `of_static` is the row of each static bin, `owner` the dynamic bin of each row.
    """

    of_static: Ints
    owner: Ints


def cut_into_blocks(arrays: QMapArrays, bins: Bins, n_blocks: int, width: float) -> Ints:
    """Return the block of each pixel within its dynamic bin, from 0."""
    if n_blocks == 1:
        return np.zeros_like(bins.dynamic)
    center = _center(arrays)
    rows = _whole_rows(bins)
    n_slices = _n_slices(len(rows.owner))
    if center is None:
        return _blocks(bins, rows, _stripes(arrays, bins, n_slices), n_blocks, width)
    column, row = center
    slices = _azimuth_slices(arrays.mask.shape, row, column, n_slices).ravel()[bins.pixel]
    ring = _Slices(slices, _slice_angles(n_slices), _radii(arrays, bins, row, column), circular=True)
    fine = _phi_rows(arrays, bins)
    if len(fine.owner) > len(rows.owner) and len(fine.owner) * n_slices <= MOST_COUNTS:
        rows = _merge_short_rows(bins, fine, rows, ring, width)
    return _blocks(bins, rows, ring, n_blocks, width)


@dataclass(frozen=True)
class _Slices:
    """Slice of each pixel; size of each slice (an angle, or pixels); factor to pixels by static bin.

    `coarse` is the number of wider slices by which the reach of a row is judged.
    """

    of_pixel: NDArray[np.int32]
    size: Floats
    scale: Floats
    circular: bool
    coarse: int = COARSE


def _n_slices(n_rows: int) -> int:
    number = MOST_SLICES
    while number > FEWEST_SLICES and n_rows * number > MOST_COUNTS:
        number //= 2
    return number


def _center(arrays: QMapArrays) -> tuple[float, float] | None:
    """Return (column, row) about which phi is counted; None if unknown, or if the axes are not q and phi."""
    center = (arrays.beam_center_x, arrays.beam_center_y)
    if arrays.map_names != ("q", "phi") or not np.isfinite(center).all():
        return None
    swing = np.radians([float(arrays.attrs.get(f"swing_{name}", 0.0)) for name in ("horizontal", "vertical")])
    if not swing.any():
        return center
    reach = arrays.detector_distance / arrays.pixel_size
    return (
        center[0] + reach * float(np.tan(swing[0]) / np.cos(swing[1])),
        center[1] + reach * float(np.tan(swing[1])),
    )


def _whole_rows(bins: Bins) -> _Rows:
    """Return one row a dynamic bin."""
    return _Rows(bins.owner, np.arange(bins.n_dynamic))


def _phi_rows(arrays: QMapArrays, bins: Bins) -> _Rows:
    """Return one row for each dynamic bin and each cut in phi that its static bins make."""
    listed = np.resize(arrays.static_index_mapping, len(bins.owner)) if len(arrays.static_index_mapping) else bins.owner
    n_phi = max(len(arrays.static_v_list[1]), 1)
    key = np.where(bins.owner >= 0, bins.owner * n_phi + listed % n_phi, -1)
    keys, row = np.unique(key, return_inverse=True)
    first = int(keys[0] < 0)  # -1 stands for static bins without pixels
    return _Rows(row - first, keys[first:] // n_phi)


def _azimuth_slices(shape: tuple[int, ...], row: float, column: float, n_slices: int) -> NDArray[np.int32]:
    """Return the slice of the full circle that each pixel lies in.

    Slices are equal in the 'diamond angle' dy / (|dx| + |dy|), which rises with the azimuth and costs no arctangent.
    """
    slices = np.empty(shape, dtype=np.int32)
    dx = (np.arange(shape[1]) - column).astype(np.float32)[None, :]
    step = max(1, CHUNK // shape[1])
    for begin in range(0, shape[0], step):
        part = slice(begin, min(begin + step, shape[0]))
        dy = (np.arange(part.start, part.stop) - row).astype(np.float32)[:, None]
        diamond = dy / np.maximum(np.abs(dx) + np.abs(dy), np.float32(1e-6))
        np.copyto(diamond, np.float32(2) - diamond, where=dx < 0)
        diamond += np.float32(1)
        diamond *= np.float32(n_slices / 4)
        np.minimum(diamond, np.float32(n_slices - 1), out=diamond)
        slices[part] = diamond
    return slices


def _slice_angles(n_slices: int) -> Floats:
    """Return the angle of each slice of the diamond, radians."""
    diamond = np.linspace(-1, 3, n_slices + 1)
    left = diamond > 1
    y = np.where(left, 2 - diamond, diamond)
    x = np.where(left, -1, 1) * (1 - np.abs(y))
    return np.diff(np.unwrap(np.arctan2(y, x)))


def _radii(arrays: QMapArrays, bins: Bins, row: float, column: float) -> Floats:
    """Return the distance of each static bin from the beam, pixels, taken at one of its pixels."""
    sample = np.zeros(len(bins.owner), dtype=np.int64)
    sample[bins.static] = bins.pixel
    rows, columns = np.divmod(sample, arrays.mask.shape[1])
    return np.hypot(rows - row, columns - column)


def _stripes(arrays: QMapArrays, bins: Bins, n_slices: int) -> _Slices:
    """Return slices across the direction in which the static bins of each dynamic bin change least."""
    rows, columns = (part.astype(np.float64) for part in np.divmod(bins.pixel, arrays.mask.shape[1]))
    direction = _directions(bins, rows, columns)
    corners = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]]) * np.array(arrays.mask.shape)[:, None]
    ends = direction @ corners
    low, span = ends.min(axis=1), float(np.ptp(ends, axis=1).max())
    position = rows * direction[bins.dynamic, 0] + columns * direction[bins.dynamic, 1] - low[bins.dynamic]
    slices = np.clip(position * (n_slices / span), 0, n_slices - 1).astype(np.int32)
    size = np.full(n_slices, span / n_slices)
    # at least 2 pixels wide, so that none is empty for lying between two pixels
    coarse = 1 << min(COARSE.bit_length() - 1, max(int(np.log2(span / 2)), 0))
    return _Slices(slices, size, np.ones(len(bins.owner)), circular=False, coarse=coarse)


def _directions(bins: Bins, rows: Floats, columns: Floats) -> Floats:
    """Return a unit vector (row, column) for each dynamic bin, shape (D, 2).

    Along it the ratio of the variance between the centres of the static bins to the variance of the pixels is least;
    a bin of one static bin is cut across its longest extent.
    """
    known = bins.owner >= 0
    counts = np.bincount(bins.static, minlength=len(bins.owner))[known].astype(float)
    owner = bins.owner[known]

    def of_static(values: Floats) -> Floats:
        return np.bincount(bins.static, weights=values, minlength=len(bins.owner))[known]

    def of_dynamic(values: Floats) -> Floats:
        return np.bincount(owner, weights=values, minlength=bins.n_dynamic)

    total = np.maximum(of_dynamic(counts), 1)
    sums = [of_static(rows), of_static(columns)]
    means = [of_dynamic(value) / total for value in sums]
    spread, between = np.zeros((2, bins.n_dynamic, 2, 2))
    points = (rows, columns)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        product = means[i] * means[j]
        spread[:, i, j] = spread[:, j, i] = of_dynamic(of_static(points[i] * points[j])) / total - product
        between[:, i, j] = between[:, j, i] = of_dynamic(sums[i] * sums[j] / counts) / total - product
    pixel = np.eye(2) / 12  # the variance of a single pixel
    spread += pixel
    size = np.trace(spread, axis1=1, axis2=2)[:, None, None]
    inverse = np.linalg.inv(np.linalg.cholesky(spread))
    _, vectors = np.linalg.eigh(inverse @ (between + 1e-3 * size * np.eye(2)) @ inverse.transpose(0, 2, 1))
    direction = np.einsum("dji,dj->di", inverse, vectors[:, :, 0])
    return np.asarray(direction / np.linalg.norm(direction, axis=1, keepdims=True))


def _counts(bins: Bins, rows: _Rows, slices: _Slices) -> tuple[Ints, Ints]:
    """Return the cell (row and slice) of each pixel, and the pixels of each cell, shape (rows, slices)."""
    n_slices = len(slices.size)
    cell = (rows.of_static * n_slices)[bins.static]
    cell += slices.of_pixel
    counts = np.bincount(cell, minlength=len(rows.owner) * n_slices)
    return cell, counts.reshape(len(rows.owner), n_slices)


def _lengths(bins: Bins, rows: _Rows, slices: _Slices, counts: Ints) -> Floats:
    """Return how far each row reaches along the direction in which it is cut, pixels."""
    coarse = counts.reshape(len(counts), slices.coarse, -1).any(axis=2)
    extent = coarse @ slices.size.reshape(slices.coarse, -1).sum(axis=1)
    known = bins.owner >= 0
    weight = np.bincount(rows.of_static[known], minlength=len(rows.owner))
    scale = np.bincount(rows.of_static[known], weights=slices.scale[known], minlength=len(rows.owner))
    return np.asarray(extent * scale / np.maximum(weight, 1))


def _n_blocks(length: Floats, width: float) -> Ints:
    """Return the number of blocks that fit into a length."""
    number = np.floor(length / width)
    return np.maximum(number, np.minimum(ENOUGH_BLOCKS, np.floor(length / (NARROWEST * width)))).astype(np.int64)


def _merge_short_rows(bins: Bins, fine: _Rows, whole: _Rows, slices: _Slices, width: float) -> _Rows:
    """Return the rows of `fine` for those dynamic bins in which they leave enough blocks, else those of `whole`."""
    _, counts = _counts(bins, fine, slices)
    length = np.bincount(fine.owner, _lengths(bins, fine, slices, counts), minlength=bins.n_dynamic)
    parts = np.bincount(fine.owner, minlength=bins.n_dynamic)
    keep = _n_blocks(length / np.maximum(parts, 1), width) >= ENOUGH_BLOCKS
    key = np.where(keep[fine.owner], np.arange(len(fine.owner)), -1 - fine.owner)
    # rows of a dynamic bin follow each other: a new row begins where the key changes
    row = np.cumsum(np.diff(key, prepend=key[0] - 1 if len(key) else 0) != 0) - 1
    of_static = np.where(bins.owner >= 0, row[fine.of_static], -1)
    owner = fine.owner[np.searchsorted(row, np.arange(row[-1] + 1))]
    return _Rows(of_static, owner) if keep.any() else whole


def _blocks(bins: Bins, rows: _Rows, slices: _Slices, n_blocks: int, width: float) -> Ints:
    """Return the block of each pixel."""
    cell, counts = _counts(bins, rows, slices)
    parts = np.maximum(np.bincount(rows.owner, minlength=bins.n_dynamic), 1)
    length = np.bincount(rows.owner, _lengths(bins, rows, slices, counts), minlength=bins.n_dynamic) / parts
    number = np.clip(_n_blocks(length, width), min(2, n_blocks), n_blocks)[rows.owner]
    total = counts.sum(axis=1)
    before = np.cumsum(counts, axis=1) - counts
    if slices.circular:
        start = _after_largest_gap(counts)
        before -= before[np.arange(len(counts)), start][:, None]
        before %= np.maximum(total, 1)[:, None]
    middle = before + counts / 2
    table = (middle * (number / np.maximum(total, 1))[:, None]).astype(np.int64)
    return _without_gaps(table, counts, rows.owner, bins.n_dynamic, n_blocks).ravel()[cell]


def _after_largest_gap(counts: Ints) -> Ints:
    """Return the slice of each row that follows the longest run of empty ones, going round."""
    n_slices = counts.shape[1]
    start = np.zeros(len(counts), dtype=np.int64)
    row, column = np.nonzero(counts)
    first = np.flatnonzero(np.diff(row, prepend=-1))
    if len(first) == 0:
        return start
    previous = np.roll(column, 1)
    last = np.append(first[1:], len(row)) - 1
    previous[first] = column[last] - n_slices
    gap = column - previous
    longest = np.repeat(np.maximum.reduceat(gap, first), np.diff(np.append(first, len(row))))
    candidates = np.flatnonzero(gap == longest)[::-1]
    start[row[candidates]] = column[candidates]  # the first of equals is written last
    return start


def _without_gaps(table: Ints, counts: Ints, owner: Ints, n_dynamic: int, n_blocks: int) -> Ints:
    """Return `table` with the blocks of each dynamic bin numbered anew so that none is empty."""
    row, column = np.nonzero(counts)
    present = np.zeros((n_dynamic, n_blocks), dtype=bool)
    present[owner[row], table[row, column]] = True
    rank = np.maximum(np.cumsum(present, axis=1) - 1, 0)
    return np.asarray(rank[owner[:, None], np.minimum(table, n_blocks - 1)])
