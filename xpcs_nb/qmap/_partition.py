"""Cutting a detector into static and dynamic bins of q and phi."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import Geometry
from xpcs_nb.errors import QMapError
from xpcs_nb.qmap._arrays import cut_arrays, require_pixels
from xpcs_nb.qmap._bins import BinRequest, Scale
from xpcs_nb.qmap._cut import cut_axis
from xpcs_nb.qmap._maps import find_map
from xpcs_nb.qmap._qmap import QMap

__all__ = ["partition"]


def partition(
    geometry: Geometry,
    shape: tuple[int, int],
    mask: NDArray[np.bool_],
    *,
    q: BinRequest = (36, 360),
    phi: BinRequest = (1, 1),
    scale: Scale = "linear",
    q_range: tuple[float, float] | None = None,
    phi_range: tuple[float, float] | None = None,
    phi_offset: float = 0.0,
    blemish: NDArray[np.bool_] | None = None,
    source_file: str = "",
) -> QMap:
    r"""Return a partition of a detector in q and phi; every static bin lies in one dynamic bin by construction.

    Bin `i` along an axis holds the pixels with :math:`e_i \le x < e_{i+1}` (the last one its upper edge too). Empty
    combinations get no label, so labels are 1..n; pixels outside of all bins get 0 and leave the mask.

    Parameters
    ----------
    geometry
        Where the detector is.
    shape
        (rows, columns) of a frame.
    mask
        Pixels to use, shape `shape`, bool.
    q, phi
        Numbers of dynamic and static bins, the latter a multiple of the former; or the edges of the dynamic and of
        the static bins (1/angstrom, degrees), the latter containing the former.
    scale
        Spacing in q: ``"linear"`` (centres are midpoints) or ``"log"`` (centres are geometric means).
    q_range, phi_range
        Ends of the bins where `q` or `phi` is numbers; None takes those of the used pixels. A range in phi may
        pass 180 degrees: (170, 190).
    phi_offset
        Added to phi (and wrapped to -180..180) before it is cut: it turns the cuts by that angle backwards. The
        centres of the bins are given in phi as it is.
    blemish
        Good pixels of the detector; None means that all are.
    source_file
        The file the mask was made on, for the record.

    Raises
    ------
    QMapError
        If no pixel is used or in a bin, a number of bins is zero or no multiple, or edges are out of order.
    """
    if scale not in {"linear", "log"}:
        raise QMapError("there is no such scale", got=repr(scale), expected="'linear' or 'log'")
    good = _image("blemish", blemish, shape) if blemish is not None else np.ones(shape, dtype=bool)
    used = _image("mask", mask, shape) & good
    require_pixels(used)
    axes = (
        cut_axis("q", find_map("q", geometry, shape), used, q, scale=scale, ends=q_range),
        cut_axis("phi", find_map("phi", geometry, shape), used, phi, ends=phi_range, offset=phi_offset),
    )
    return QMap(cut_arrays(geometry, used, good, axes, {"source_file": source_file}))


def _image(name: str, values: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.bool_]:
    values = np.asarray(values)
    if values.shape != tuple(shape):
        raise QMapError(f"the {name} has another shape than the frames", got=values.shape, expected=tuple(shape))
    return values.astype(bool)
