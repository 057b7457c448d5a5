"""The arrays of a qmap: made from a request, or from a file's with another mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import Geometry, QMapArrays
from xpcs_nb.errors import QMapError
from xpcs_nb.qmap._cut import AxisCut, cut_axis, label_pixels
from xpcs_nb.qmap._maps import ellipse_maps, ellipse_of_mask, find_map, map_unit
from xpcs_nb.qmap._request import PartitionRequest

__all__ = [
    "GEOMETRY",
    "cut_arrays",
    "geometry_attrs",
    "geometry_of",
    "make_partition",
    "require_pixels",
    "without_bins",
]

type Mask = NDArray[np.bool_]

#: Parts of the geometry that a qmap file has entries for, and those it holds as attributes where they are not 0.
GEOMETRY = ("energy", "detector_distance", "pixel_size", "beam_center_x", "beam_center_y")
IN_ATTRS = ("swing_horizontal", "swing_vertical", "incident_angle", "orientation")


def geometry_of(arrays: QMapArrays) -> Geometry:
    """Return the geometry that arrays were made for.

    Raises
    ------
    QMapError
        If they don't say it (those of older files don't).
    """
    values = {name: float(getattr(arrays, name)) for name in GEOMETRY}
    unknown = [name for name, value in values.items() if np.isnan(value)]
    if unknown:
        raise QMapError(
            f"the qmap does not say its geometry: no {', '.join(unknown)}",
            where=arrays.attrs.get("source_file"),
            hint="Take the geometry from the metadata of the measurement.",
        )
    return Geometry(**values, **{name: float(arrays.attrs[name]) for name in IN_ATTRS if name in arrays.attrs})


def geometry_attrs(geometry: Geometry | None) -> dict[str, Any]:
    """Return what of a geometry goes into the attributes of a qmap."""
    values = {name: getattr(geometry, name, None) for name in IN_ATTRS}
    return {name: value for name, value in values.items() if value or (name == "incident_angle" and value is not None)}


def require_pixels(used: Mask) -> None:
    """Refuse a mask without pixels."""
    if not used.any():
        raise QMapError("the mask leaves no pixel to use", got=f"0 of {used.size} pixels")


def make_partition(
    geometry: Geometry | None, used: Mask, blemish: Mask, request: PartitionRequest, attrs: dict[str, Any]
) -> QMapArrays:
    """Return the arrays that a request gives on some pixels.

    Raises
    ------
    QMapError
        If there are no pixels, or the request can't be met.
    """
    require_pixels(used)
    shape = (used.shape[0], used.shape[1])
    own = {}
    if request.ellipse is not None:
        own = ellipse_maps(ellipse_of_mask(used) if request.ellipse == "mask" else request.ellipse, shape)
    cuts = [
        cut_axis(
            axis.map,
            own[axis.map] if axis.map in own else find_map(axis.map, geometry, shape),
            used,
            axis.request,
            scale=axis.scale,
            ends=axis.range,
            offset=axis.offset,
            symmetry=axis.symmetry,
        )
        for axis in request.axes
    ]
    return cut_arrays(geometry, used, blemish, (cuts[0], cuts[1]), attrs)


def cut_arrays(
    geometry: Geometry | None, used: Mask, blemish: Mask, axes: tuple[AxisCut, AxisCut], attrs: dict[str, Any]
) -> QMapArrays:
    """Return the arrays that two cut maps give; pixels in no bin leave the mask."""
    labels = label_pixels(used, *axes)
    known = {} if geometry is None else {name: getattr(geometry, name) for name in GEOMETRY}
    return QMapArrays(
        mask=labels.static > 0,
        blemish=blemish,
        dynamic_roi_map=labels.dynamic,
        static_roi_map=labels.static,
        dynamic_v_list=(axes[0].dynamic_centers, axes[1].dynamic_centers),
        static_v_list=(axes[0].static_centers, axes[1].static_centers),
        dynamic_index_mapping=labels.dynamic_index,
        static_index_mapping=labels.static_index,
        map_names=(axes[0].name, axes[1].name),
        map_units=(map_unit(axes[0].name, geometry), map_unit(axes[1].name, geometry)),
        attrs=attrs | geometry_attrs(geometry),
        **known,
    )


def without_bins(mask: Mask, blemish: Mask, geometry: Geometry | None, attrs: dict[str, Any]) -> QMapArrays:
    """Return arrays that have a mask and no bins yet."""
    nothing = np.zeros(mask.shape, dtype=np.int32)
    no_centers, no_index = (np.zeros(0), np.zeros(0)), np.zeros(0, dtype=np.int64)
    known = {} if geometry is None else {name: getattr(geometry, name) for name in GEOMETRY}
    return QMapArrays(
        mask=mask,
        blemish=blemish,
        dynamic_roi_map=nothing,
        static_roi_map=nothing.copy(),
        dynamic_v_list=no_centers,
        static_v_list=no_centers,
        dynamic_index_mapping=no_index,
        static_index_mapping=no_index.copy(),
        attrs=attrs | geometry_attrs(geometry),
        **known,
    )
