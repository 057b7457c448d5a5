"""Pixels that stand out from others of the same ring, or of the same box; pixels that are like one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.errors import QMapError
from xpcs_nb.qmap._bins import axis_bins, digitize
from xpcs_nb.qmap._edits import Outliers, Similar

__all__ = ["OutlierCurve", "find_outliers", "find_similar", "outlier_curve"]

type Mask = NDArray[np.bool_]
type Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OutlierCurve:
    """What pixels are compared with, for each ring or box that has some.

    Attributes
    ----------
    position
        Mean q of the ring's pixels in 1/angstrom, or the number of the box, shape (N,).
    reference
        Median (``mad``), or mean of what lies between the percentiles.
    low, high
        Limits: pixels at or beyond them leave; infinite where most values are the same, so that none can.
    least, most, mean
        Of all used pixels there.
    out_position, out_counts
        Of the pixels that leave, shape (M,).
    """

    position: Floats
    reference: Floats
    low: Floats
    high: Floats
    least: Floats
    most: Floats
    mean: Floats
    out_position: Floats
    out_counts: Floats


def find_outliers(edit: Outliers, image: NDArray[np.generic], used: Mask, q_map: Floats | None) -> Mask:
    """Return the pixels of `used` that stand out; `q_map` is needed for rings only."""
    found = np.zeros(used.size, dtype=bool)
    for pixel, values in _groups(edit, image, used, q_map):
        reference, reach = _reach(edit, values)
        found[pixel] = np.abs(values - reference) >= reach
    return found.reshape(used.shape)


def outlier_curve(edit: Outliers, image: NDArray[np.generic], used: Mask, q_map: Floats | None) -> OutlierCurve:
    """Return what `find_outliers` compares with, and what it finds."""
    rows, out = [], [np.empty((2, 0))]
    for number, (pixel, values) in enumerate(_groups(edit, image, used, q_map)):
        position = float(number if q_map is None else q_map.ravel()[pixel].mean())
        reference, reach = _reach(edit, values)
        gone = values[np.abs(values - reference) >= reach]
        limits = (reference, reference - reach, reference + reach)
        rows.append((position, *limits, values.min(), values.max(), values.mean()))
        out.append(np.stack([np.full(len(gone), position), gone]))
    return OutlierCurve(*np.array(rows, dtype=np.float64).reshape(-1, 7).T, *np.concatenate(out, axis=1))


def _groups(
    edit: Outliers, image: NDArray[np.generic], used: Mask, q_map: Floats | None
) -> Iterator[tuple[NDArray[np.intp], Floats]]:
    """Yield the pixels (flat) of each ring or box, with their counts."""
    groups = _boxes(edit, used.shape) if q_map is None else _rings(edit, q_map, used)
    pixel = np.flatnonzero(used & np.isfinite(image) & (groups >= 0))
    group = groups.ravel()[pixel]
    if len(pixel) == 0:
        return
    order = np.argsort(group, kind="stable")
    pixel, group = pixel[order], group[order]
    values = image.ravel()[pixel].astype(np.float64)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    for begin, end in zip(starts, [*starts[1:], len(group)], strict=True):
        yield pixel[begin:end], values[begin:end]


def find_similar(edit: Similar, image: NDArray[np.generic]) -> Mask:
    """Return the pixels near one that have about its counts.

    Raises
    ------
    QMapError
        If the pixel is off the image, or has no finite counts.
    """
    rows, columns = image.shape
    if not (edit.x < columns and edit.y < rows):
        raise QMapError(
            "the pixel is off the image", got=f"x {edit.x}, y {edit.y}", expected=f"below {columns}, {rows}"
        )
    at = float(image[edit.y, edit.x])
    if not np.isfinite(at):
        raise QMapError("the pixel has no counts that others could be like", got=at)
    reach = int(min(edit.radius, rows + columns))
    top, left = max(edit.y - reach, 0), max(edit.x - reach, 0)
    box = np.s_[top : edit.y + reach + 1, left : edit.x + reach + 1]
    y, x = np.ogrid[:rows, :columns]
    near = (x[:, box[1]] - edit.x) ** 2 + (y[box[0]] - edit.y) ** 2 <= edit.radius**2
    like = near & (np.abs(image[box].astype(np.float64) - at) <= edit.variation * abs(at))
    found = np.zeros(image.shape, dtype=bool)
    found[box] = _hanging_together(like, edit.y - top, edit.x - left) if edit.connected else like
    return found


def _hanging_together(like: Mask, y: int, x: int) -> Mask:
    """Return the part of `like` that is connected with a pixel, by sides or corners."""
    from scipy import ndimage  # takes as long to load as the rest of this package

    parts, _ = ndimage.label(like, structure=np.ones((3, 3)))
    return np.asarray(parts == parts[y, x])


def _rings(edit: Outliers, q_map: Floats, used: Mask) -> NDArray[np.int32]:
    q = q_map[used]
    if q.size == 0 or not q.max() - q.min() > 1e-9 * q.max():
        return np.zeros(used.shape, dtype=np.int32)  # all of them are one ring
    bins = axis_bins("q", (edit.rings, edit.rings), float(q.min()), float(q.max()), "linear")
    return digitize(q_map, bins)


def _boxes(edit: Outliers, shape: tuple[int, ...]) -> NDArray[np.int32]:
    row, column = (np.arange(size) // edit.box_size for size in shape)
    boxes: NDArray[np.int32] = (row[:, None] * (column[-1] + 1) + column[None, :]).astype(np.int32)
    return boxes


def _reach(edit: Outliers, values: Floats) -> tuple[float, float]:
    """Return what values are compared with, and how far they may be from it."""
    if edit.method == "mad":
        reference = float(np.median(values))
        spread = float(np.median(np.abs(values - reference)))
    else:
        low, high = np.percentile(values, edit.percentiles)
        middle = values[(values >= low) & (values <= high)] if low < high else values
        reference, spread = float(middle.mean()), float(middle.std())
    # where most values are the same there is no measure of what is far
    return reference, edit.cutoff * spread if spread > 0 else np.inf
