"""Cutting a detector into static and dynamic bins of q and phi."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import Geometry, QMapArrays
from xpcs_nb.errors import QMapError
from xpcs_nb.qmap._bins import EDGE_TOLERANCE, AxisBins, BinRequest, Scale, axis_bins, digitize
from xpcs_nb.qmap._qmap import QMap

__all__ = ["partition"]

#: Pixels worked on at a time: the temporaries stay in the processor's cache.
BLOCK = 1 << 17


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
    if not used.any():
        raise QMapError("the mask leaves no pixel to use", got=f"0 of {used.size} pixels")
    q_map, phi_map = geometry.q_phi(shape)
    q_bins = axis_bins("q", q, *_q_ends(q_map, used, q_range, scale), scale)
    phi_bins, start, turn = _phi_bins(phi_map, used, phi, phi_range, phi_offset)
    if start is not None:
        # what rounding puts just below the start belongs to it, and not 360 degrees further
        phi_map = start - EDGE_TOLERANCE + np.mod(phi_map - start + EDGE_TOLERANCE, 360.0)
    elif turn:
        phi_map = _wrapped(phi_map + turn)
    labels = _labels(q_map, phi_map, used, q_bins, phi_bins)
    return QMap(
        QMapArrays(
            mask=labels.static > 0,
            blemish=good,
            dynamic_roi_map=labels.dynamic,
            static_roi_map=labels.static,
            dynamic_v_list=(q_bins.dynamic_centers, _wrapped(phi_bins.dynamic_centers - turn)),
            static_v_list=(q_bins.static_centers, _wrapped(phi_bins.static_centers - turn)),
            dynamic_index_mapping=labels.dynamic_index,
            static_index_mapping=labels.static_index,
            attrs=_attrs(geometry, source_file),
            beam_center_x=geometry.beam_center_x,
            beam_center_y=geometry.beam_center_y,
            detector_distance=geometry.detector_distance,
            pixel_size=geometry.pixel_size,
            energy=geometry.energy,
        )
    )


def _image(name: str, values: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.bool_]:
    values = np.asarray(values)
    if values.shape != tuple(shape):
        raise QMapError(f"the {name} has another shape than the frames", got=values.shape, expected=tuple(shape))
    return values.astype(bool)


def _attrs(geometry: Geometry, source_file: str) -> dict[str, Any]:
    swing = {name: getattr(geometry, name) for name in ("swing_horizontal", "swing_vertical")}
    return {"source_file": source_file} | {name: angle for name, angle in swing.items() if angle}


def _wrapped(phi: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return angles as -180 < phi <= 180."""
    return 180.0 - np.mod(180.0 - phi, 360.0)


def _ends(name: str, ends: tuple[float, float], lowest: float, widest: float) -> tuple[float, float]:
    low, high = (float(end) for end in ends)
    limit = f", not more than {widest:g} apart" if np.isfinite(widest) else ""
    if not (np.isfinite([low, high]).all() and lowest <= low < high <= low + widest):
        raise QMapError(
            f"the range of {name} can't be used",
            got=f"{low} to {high}",
            expected="two finite numbers, the lower first" + limit,
        )
    return low, high


def _q_ends(
    q_map: NDArray[np.float64], used: NDArray[np.bool_], ends: tuple[float, float] | None, scale: Scale
) -> tuple[float, float]:
    if ends is not None:
        return _ends("q", ends, 0.0, np.inf)
    # the pixel of the direct beam has no place on a logarithmic scale
    low = float(np.min(q_map, where=used & (q_map > 0) if scale == "log" else used, initial=np.inf))
    return low, float(np.max(q_map, where=used, initial=0.0))


def _phi_bins(
    phi_map: NDArray[np.float64],
    used: NDArray[np.bool_],
    request: BinRequest,
    ends: tuple[float, float] | None,
    offset: float,
) -> tuple[AxisBins, float | None, float]:
    """Return the bins of phi, the angle at which they start where that was given, and the turn before the cut."""
    given = not isinstance(request[0], int | np.integer)
    if (given or ends is not None) and offset:
        raise QMapError("an offset of phi goes with automatic bins only", got=f"phi_offset={offset}")
    if given:
        bins = axis_bins("phi", request, 0.0, 0.0, "linear")
        _ends("phi", (bins.static_edges[0], bins.static_edges[-1]), -np.inf, 360.0)
        return bins, float(bins.static_edges[0]), 0.0
    if ends is not None:
        low, high = _ends("phi", ends, -np.inf, 360.0)
        return axis_bins("phi", request, low, high, "linear"), low, 0.0
    turned = _wrapped(phi_map + offset) if offset else phi_map
    low, high = (
        float(np.min(turned, where=used, initial=np.inf)),
        float(np.max(turned, where=used, initial=-np.inf)),
    )
    return axis_bins("phi", request, low, high, "linear"), None, float(offset)


@dataclass(frozen=True)
class _Labels:
    static: NDArray[np.int32]
    dynamic: NDArray[np.int32]
    static_index: NDArray[np.int64]
    dynamic_index: NDArray[np.int64]


def _labels(
    q_map: NDArray[np.float64], phi_map: NDArray[np.float64], used: NDArray[np.bool_], q: AxisBins, phi: AxisBins
) -> _Labels:
    """Return numbers for the bins that have pixels, and give every pixel its numbers."""
    n_q, n_phi = len(q.static_centers), len(phi.static_centers)
    flat = np.empty(used.size, dtype=np.int32)  # 0 = outside, else 1 + flat index of the static bin
    counts = np.zeros(n_q * n_phi + 1, dtype=np.int64)
    flat_q, flat_phi, flat_used = q_map.ravel(), phi_map.ravel(), used.ravel()
    for begin in range(0, used.size, BLOCK):
        part = slice(begin, begin + BLOCK)
        i_q, i_phi = digitize(flat_q[part], q), digitize(flat_phi[part], phi)
        index = i_q * np.int32(n_phi) + i_phi + np.int32(1)
        index[(i_q < 0) | (i_phi < 0) | ~flat_used[part]] = 0
        flat[part] = index
        counts += np.bincount(index, minlength=len(counts))
    static_index = np.flatnonzero(counts[1:])
    if len(static_index) == 0:
        raise QMapError(
            "no used pixel lies in a bin",
            got=f"bins of q from {q.static_edges[0]:.4g} to {q.static_edges[-1]:.4g} 1/angstrom"
            f" and phi from {phi.static_edges[0]:.4g} to {phi.static_edges[-1]:.4g} degrees",
            expected=f"q among {np.min(q_map, where=used, initial=np.inf):.4g}"
            f" to {np.max(q_map, where=used, initial=0.0):.4g} 1/angstrom",
        )
    i_q, i_phi = np.divmod(static_index, n_phi)
    owner = q.static_to_dynamic[i_q] * len(phi.dynamic_centers) + phi.static_to_dynamic[i_phi]
    dynamic_index, dynamic_label = np.unique(owner, return_inverse=True)
    to_static, to_dynamic = np.zeros((2, len(counts)), dtype=np.int32)
    to_static[static_index + 1] = np.arange(1, len(static_index) + 1)
    to_dynamic[static_index + 1] = dynamic_label + 1
    return _Labels(
        to_static[flat].reshape(used.shape), to_dynamic[flat].reshape(used.shape), static_index, dynamic_index
    )
