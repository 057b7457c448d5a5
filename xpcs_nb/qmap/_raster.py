"""Which pixels a drawn shape covers.

A pixel is in a shape if its centre is, or lies on the border; pixel centres are at integers. Parts off the frame are
cut away. Polygons follow the even-odd rule, as `skimage.draw.polygon` does; that one takes seconds for a polygon
across a detector of 4 Mpixel, the scan lines here a few ms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.qmap._cache import BoundedCache
from xpcs_nb.qmap._edits import Brush, Circle, Ellipse, Line, Pixels, Polygon, Rectangle, ShapeEdit

__all__ = ["Box", "Raster", "rasterize"]

type Floats = NDArray[np.floating[Any]]
type Box = tuple[slice, slice]

#: Rows times corners looked at in one go.
CHUNK = 1 << 21
#: What rounding moves a point by, pixels: a border through pixel centres stays where it is.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Raster:
    """The pixels of a shape within the smallest box on the frame that holds it.

    Attributes
    ----------
    box
        Rows and columns.
    inside
        Bool, of the shape of the box.
    """

    box: Box
    inside: NDArray[np.bool_]


_CACHE: BoundedCache[tuple[Box, tuple[int, ...], bytes]] = BoundedCache(32 << 20)


def rasterize(edit: ShapeEdit, shape: tuple[int, int]) -> Raster:
    """Return the pixels of a shape on a frame of `shape`; what was asked for lately is remembered."""
    key = (edit.model_copy(update={"mode": "exclude"}), shape)
    known = _CACHE.get(key)
    if known is not None:
        box, size, packed = known
        bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8), count=size[0] * size[1])
        return Raster(box, bits.view(bool).reshape(size))
    raster = _DRAW[type(edit)](edit, shape)
    packed = np.packbits(raster.inside).tobytes()
    _CACHE.put(key, (raster.box, raster.inside.shape, packed), len(packed))
    return raster


def _box(x0: float, x1: float, y0: float, y1: float, shape: tuple[int, int]) -> Box:
    """Return the part of the frame between two columns and two rows."""

    def clip(low: float, high: float, size: int) -> slice:
        begin = int(np.ceil(min(max(low, 0.0), size)))
        return slice(begin, max(begin, int(np.floor(min(max(high, -1.0), size - 1))) + 1))

    return clip(y0, y1, shape[0]), clip(x0, x1, shape[1])


def _relative(box: Box, x: float, y: float) -> tuple[Floats, Floats]:
    """Return x and y of the pixels of a box from a point, broadcastable."""
    rows, columns = np.arange(box[0].start, box[0].stop), np.arange(box[1].start, box[1].stop)
    return (columns - x)[None, :], (rows - y)[:, None]


def _turned(dx: Floats, dy: Floats, angle: float) -> tuple[Floats, Floats]:
    """Return coordinates along axes that are turned by `angle` degrees; exact at multiples of 90."""
    quarter, rest = divmod(angle, 90.0)
    if rest == 0:
        return [(dx, dy), (dy, -dx), (-dx, -dy), (-dy, dx)][int(quarter) % 4]
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return dx * cosine + dy * sine, dy * cosine - dx * sine


def _rectangle(edit: Rectangle, shape: tuple[int, int]) -> Raster:
    half_width, half_height = edit.width / 2, edit.height / 2
    reach_x, reach_y = _turned(np.array([half_width, half_width]), np.array([half_height, -half_height]), edit.angle)
    dx, dy = float(np.abs(reach_x).max()), float(np.abs(reach_y).max())
    box = _box(edit.x - dx, edit.x + dx, edit.y - dy, edit.y + dy, shape)
    along, across = _turned(*_relative(box, edit.x, edit.y), edit.angle)
    inside = (np.abs(along) <= half_width + ROUNDING) & (np.abs(across) <= half_height + ROUNDING)
    return Raster(box, inside)


def _circle(edit: Circle, shape: tuple[int, int]) -> Raster:
    return _ellipse(Ellipse(x=edit.x, y=edit.y, a=edit.radius, b=edit.radius), shape)


def _ellipse(edit: Ellipse, shape: tuple[int, int]) -> Raster:
    cosine, sine = np.cos(np.radians(edit.angle)), np.sin(np.radians(edit.angle))
    dx, dy = float(np.hypot(edit.a * cosine, edit.b * sine)), float(np.hypot(edit.a * sine, edit.b * cosine))
    box = _box(edit.x - dx, edit.x + dx, edit.y - dy, edit.y + dy, shape)
    along, across = _turned(*_relative(box, edit.x, edit.y), edit.angle)
    return Raster(box, (along / edit.a) ** 2 + (across / edit.b) ** 2 <= 1 + ROUNDING)


def _line(edit: Line, shape: tuple[int, int]) -> Raster:
    dx, dy = edit.x1 - edit.x0, edit.y1 - edit.y0
    return _rectangle(
        Rectangle(
            x=(edit.x0 + edit.x1) / 2,
            y=(edit.y0 + edit.y1) / 2,
            width=float(np.hypot(dx, dy)),
            height=edit.width,
            angle=float(np.degrees(np.arctan2(dy, dx))),
        ),
        shape,
    )


def _brush(edit: Brush, shape: tuple[int, int]) -> Raster:
    points = np.array(edit.points, dtype=float)
    (x0, y0), (x1, y1) = points.min(axis=0) - edit.radius, points.max(axis=0) + edit.radius
    box = _box(x0, x1, y0, y1, shape)
    inside = np.zeros((box[0].stop - box[0].start, box[1].stop - box[1].start), dtype=bool)
    ends = points[1:] if len(points) > 1 else points
    for (ax, ay), (bx, by) in zip(points, ends, strict=False):
        reach = edit.radius
        part = _box(min(ax, bx) - reach, max(ax, bx) + reach, min(ay, by) - reach, max(ay, by) + reach, shape)
        dx, dy = _relative(part, ax, ay)
        ux, uy = bx - ax, by - ay
        length2 = ux * ux + uy * uy
        along = np.clip((dx * ux + dy * uy) / length2, 0.0, 1.0) if length2 > ROUNDING**2 else np.zeros((1, 1))
        near = (dx - along * ux) ** 2 + (dy - along * uy) ** 2 <= reach * reach + ROUNDING
        rows, columns = (
            slice(own.start - whole.start, own.stop - whole.start) for own, whole in zip(part, box, strict=True)
        )
        inside[rows, columns] |= near
    return Raster(box, inside)


def _pixels(edit: Pixels, shape: tuple[int, int]) -> Raster:
    points = np.array(edit.points, dtype=np.int64).reshape(-1, 2)
    points = points[((points >= 0) & (points < np.array(shape)[::-1])).all(axis=1)]
    if len(points) == 0:
        return Raster((slice(0, 0), slice(0, 0)), np.zeros((0, 0), dtype=bool))
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    inside = np.zeros((y1 - y0 + 1, x1 - x0 + 1), dtype=bool)
    inside[points[:, 1] - y0, points[:, 0] - x0] = True
    return Raster((slice(int(y0), int(y1) + 1), slice(int(x0), int(x1) + 1)), inside)


def _polygon(edit: Polygon, shape: tuple[int, int]) -> Raster:
    points = np.array(edit.points, dtype=float)
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    box = _box(x0, x1, y0, y1, shape)
    rows, first = np.arange(box[0].start, box[0].stop), box[1].start
    inside = np.zeros((len(rows), box[1].stop - first), dtype=bool)
    begin, end = points, np.roll(points, -1, axis=0)
    step = max(1, CHUNK // len(points))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        for row, left, right in _spans(begin, end, part):
            inside[row - box[0].start, max(left - first, 0) : max(right - first + 1, 0)] = True
    for (ax, ay), (bx, by) in zip(begin, end, strict=True):  # borders along a row, which no scan line crosses
        if ay == by and box[0].start <= ay < box[0].stop and ay == round(ay):
            left, right = int(np.ceil(min(ax, bx))), int(np.floor(max(ax, bx)))
            inside[int(ay) - box[0].start, max(left - first, 0) : max(right - first + 1, 0)] = True
    _set_corners(points, box, inside)
    return Raster(box, inside)


def _spans(begin: Floats, end: Floats, rows: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Return (row, first column, last column) of what lies between the crossings of each row, two by two."""
    low, high = np.minimum(begin[:, 1], end[:, 1]), np.maximum(begin[:, 1], end[:, 1])
    row, edge = np.nonzero((low <= rows[:, None]) & (rows[:, None] < high))
    (ax, ay), (bx, by) = begin[edge].T, end[edge].T
    crossing = ax + (rows[row] - ay) / (by - ay) * (bx - ax)
    order = np.lexsort((crossing, row))
    line, crossing = rows[row[order]], crossing[order]
    left = np.ceil(crossing[0::2] - ROUNDING).astype(np.int64)
    right = np.floor(crossing[1::2] + ROUNDING).astype(np.int64)
    return list(zip(line[0::2].tolist(), left.tolist(), right.tolist(), strict=True))


def _set_corners(points: Floats, box: Box, inside: NDArray[np.bool_]) -> None:
    """Set the corners that are pixel centres: a scan line through the lowest corner finds nothing to cross."""
    whole = points[(points == np.round(points)).all(axis=1)].astype(np.int64)
    rows, columns = whole[:, 1] - box[0].start, whole[:, 0] - box[1].start
    on = (rows >= 0) & (rows < inside.shape[0]) & (columns >= 0) & (columns < inside.shape[1])
    inside[rows[on], columns[on]] = True


_DRAW: dict[type[ShapeEdit], Callable[..., Raster]] = {
    Rectangle: _rectangle,
    Circle: _circle,
    Ellipse: _ellipse,
    Line: _line,
    Brush: _brush,
    Pixels: _pixels,
    Polygon: _polygon,
}
