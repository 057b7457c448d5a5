"""Maps that bins and masks are cut along, each computed once for a geometry."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import Geometry
from xpcs_nb.errors import QMapError
from xpcs_nb.qmap._request import EllipseFrame

__all__ = ["ellipse_maps", "ellipse_of_mask", "find_map", "map_unit"]

type Floats = NDArray[np.float64]

UNITS = {"rho": "1", "x": "pixel", "y": "pixel", "phi": "degree"}


@lru_cache(maxsize=4)
def _geometry_map(geometry: Geometry, shape: tuple[int, int], name: str) -> Floats:
    values = geometry.map(name, shape)
    values.flags.writeable = False
    return values


def find_map(name: str, geometry: Geometry | None, shape: tuple[int, int]) -> Floats:
    """Return a map of a frame, read-only; without a geometry there are column and row, ``x`` and ``y``.

    Raises
    ------
    QMapError
        If the map needs a geometry and there is none, or the geometry has no such map.
    """
    if geometry is None:
        if name in {"x", "y"}:
            rows, columns = np.indices(shape, dtype=np.float64)
            return columns if name == "x" else rows
        raise QMapError(
            f"the qmap does not say its geometry, and {name} needs it",
            expected="energy, detector_distance, pixel_size, beam_center_x, beam_center_y",
            hint="Give it with set_geometry.",
        )
    if name not in geometry.map_units:
        raise QMapError("there is no such map", got=repr(name), expected=", ".join(geometry.map_units))
    return _geometry_map(geometry, shape, name)


def map_unit(name: str, geometry: Geometry | None) -> str:
    """Return the unit of a map."""
    return UNITS[name] if geometry is None or name in UNITS else geometry.map_units[name]


def ellipse_of_mask(mask: NDArray[np.bool_]) -> EllipseFrame:
    """Return the ellipse with the first and second moments of the pixels of a mask.

    Raises
    ------
    QMapError
        If the pixels lie on a line.
    """
    per_row, per_column = mask.sum(axis=1).astype(np.float64), mask.sum(axis=0).astype(np.float64)
    total = float(per_row.sum())
    rows, columns = np.arange(mask.shape[0]), np.arange(mask.shape[1])
    y, x = float(rows @ per_row) / total, float(columns @ per_column) / total
    yy = float((rows - y) ** 2 @ per_row) / total
    xx = float((columns - x) ** 2 @ per_column) / total
    xy = float((rows - y) @ (mask @ (columns - x))) / total
    spread = np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    if not xx + yy - spread > 0:
        raise QMapError("the used pixels make no ellipse", got=f"{int(total)} pixels on a line")
    angle = 90.0 - float(np.degrees(np.arctan2(2 * xy, yy - xx))) / 2
    major, minor = 2 * np.sqrt((xx + yy + spread) / 2), 2 * np.sqrt((xx + yy - spread) / 2)
    return EllipseFrame(x=x, y=y, a=float(major), b=float(minor), angle=angle)


def ellipse_maps(frame: EllipseFrame, shape: tuple[int, int]) -> dict[str, Floats]:
    """Return ``rho`` (1 on the ellipse) and ``phi`` (degrees from its first axis, towards rows that rise)."""
    dx = (np.arange(shape[1]) - frame.x)[None, :]
    dy = (np.arange(shape[0]) - frame.y)[:, None]
    cosine, sine = np.cos(np.radians(frame.angle)), np.sin(np.radians(frame.angle))
    along, across = dx * cosine + dy * sine, dy * cosine - dx * sine
    return {"rho": np.hypot(along / frame.a, across / frame.b), "phi": np.degrees(np.arctan2(across, along))}
