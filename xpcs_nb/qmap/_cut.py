"""Labels of all pixels from bins along two maps."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.errors import QMapError
from xpcs_nb.qmap._bins import EDGE_TOLERANCE, AxisBins, BinRequest, Scale, axis_bins, digitize

__all__ = ["AxisCut", "Labels", "cut_axis", "label_pixels", "wrapped"]

type Floats = NDArray[np.float64]

#: Pixels worked on at a time: the temporaries stay in the processor's cache.
BLOCK = 1 << 16
THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class AxisCut:
    """Bins along one map, ready to be applied.

    Attributes
    ----------
    name
        Of the map.
    values
        The map.
    change
        What is done to values before they are compared with the bins; None for nothing.
    bins
        Edges and owners, in changed values.
    dynamic_centers, static_centers
        In values as they are.
    """

    name: str
    values: Floats
    change: Callable[[Floats], Floats] | None
    bins: AxisBins
    dynamic_centers: Floats
    static_centers: Floats


@dataclass(frozen=True)
class Labels:
    """Labels of the pixels, from 1, and the flat index of each label's bin, from 0."""

    static: NDArray[np.int32]
    dynamic: NDArray[np.int32]
    static_index: NDArray[np.int64]
    dynamic_index: NDArray[np.int64]


def wrapped(phi: Floats) -> Floats:
    """Return angles as -180 < phi <= 180."""
    return 180.0 - np.mod(180.0 - phi, 360.0)


def cut_axis(
    name: str,
    values: Floats,
    used: NDArray[np.bool_],
    request: BinRequest,
    *,
    scale: Scale = "linear",
    ends: tuple[float, float] | None = None,
    offset: float = 0.0,
    symmetry: int = 1,
) -> AxisCut:
    """Return the bins along a map; ends that are not given are those of the used pixels.

    Raises
    ------
    QMapError
        If the request can't be met.
    """
    given = not isinstance(request[0], int | np.integer)
    if (given or ends is not None) and (offset or symmetry != 1):
        raise QMapError(f"an offset of {name} goes with automatic bins only", got=f"{name}_offset={offset}")
    if name == "phi" and (given or ends is not None):
        return _phi_from(values, request, ends)
    if name == "phi" and (offset or symmetry > 1):
        return _turned_phi(values, used, request, offset, symmetry)
    if given:
        low, high = 0.0, 0.0
    elif ends is not None:
        low, high = _checked(name, ends, 0.0 if name == "q" else -np.inf, np.inf)
    else:
        low, high = _extent(values, used, None, positive=scale == "log")
    bins = axis_bins(name, request, low, high, scale)
    return AxisCut(name, values, None, bins, bins.dynamic_centers, bins.static_centers)


def _checked(name: str, ends: tuple[float, float], lowest: float, widest: float) -> tuple[float, float]:
    low, high = (float(end) for end in ends)
    limit = f", not more than {widest:g} apart" if np.isfinite(widest) else ""
    if not (np.isfinite([low, high]).all() and lowest <= low < high <= low + widest):
        raise QMapError(
            f"the range of {name} can't be used",
            got=f"{low} to {high}",
            expected="two finite numbers, the lower first" + limit,
        )
    return low, high


def _extent(
    values: Floats, used: NDArray[np.bool_], change: Callable[[Floats], Floats] | None, *, positive: bool = False
) -> tuple[float, float]:
    """Return the least and the greatest changed value of the used pixels."""
    flat, flat_used = values.ravel(), used.ravel()

    def of(part: slice) -> tuple[float, float]:
        block = flat[part] if change is None else change(flat[part])
        # the pixel of the direct beam has no place on a logarithmic scale
        where = flat_used[part] & (block > 0) if positive else flat_used[part]
        return float(np.min(block, where=where, initial=np.inf)), float(np.max(block, where=where, initial=-np.inf))

    lows, highs = zip(*_blocks(of, flat.size), strict=True)
    low, high = min(lows), max(highs)
    if low > high:
        raise QMapError("no used pixel has a place on a logarithmic scale", expected="positive values")
    return low, high


def _blocks[Out](work: Callable[[slice], Out], size: int) -> list[Out]:
    """Return what `work` gives for each block of pixels, a few at a time (numpy lets go of the interpreter)."""
    parts = [slice(begin, min(begin + BLOCK, size)) for begin in range(0, size, BLOCK)]
    if len(parts) == 1:
        return [work(parts[0])]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, parts))


def _phi_from(values: Floats, request: BinRequest, ends: tuple[float, float] | None) -> AxisCut:
    """Return bins of phi from a given angle on, which may pass 180 degrees."""
    if ends is not None:
        ends = _checked("phi", ends, -np.inf, 360.0)
        bins = axis_bins("phi", request, *ends, "linear")
    else:
        bins = axis_bins("phi", request, 0.0, 0.0, "linear")
        _checked("phi", (bins.static_edges[0], bins.static_edges[-1]), -np.inf, 360.0)
    # what rounding puts just below the start belongs to it, and not 360 degrees further
    start = float(bins.static_edges[0]) - EDGE_TOLERANCE
    centers = wrapped(bins.dynamic_centers), wrapped(bins.static_centers)
    return AxisCut("phi", values, lambda phi: start + np.mod(phi - start, 360.0), bins, *centers)


def _turned_phi(values: Floats, used: NDArray[np.bool_], request: BinRequest, offset: float, symmetry: int) -> AxisCut:
    """Return bins of phi + `offset`, with the circle folded `symmetry` times."""
    fold = 360.0 / symmetry

    def change(phi: Floats) -> Floats:
        if symmetry == 1:
            return wrapped(phi + offset)
        return np.mod(phi + (offset + 180.0 + EDGE_TOLERANCE), fold) - EDGE_TOLERANCE

    bins = axis_bins("phi", request, *_extent(values, used, change), "linear")
    # the centres of folded bins are those of the first fold that begins at 0
    turn = offset if symmetry == 1 else offset + 180.0
    centers = [part - turn for part in (bins.dynamic_centers, bins.static_centers)]
    if symmetry > 1:
        centers = [np.mod(part + offset, fold) - offset for part in centers]
    return AxisCut("phi", values, change, bins, wrapped(centers[0]), wrapped(centers[1]))


def label_pixels(used: NDArray[np.bool_], first: AxisCut, second: AxisCut) -> Labels:
    """Return numbers for the bins that have pixels, and give every pixel its numbers.

    Raises
    ------
    QMapError
        If no used pixel lies in a bin.
    """
    n_second = np.int32(len(second.static_centers))
    flat = np.empty(used.size, dtype=np.int32)  # 0 = outside, else 1 + flat index of the static bin
    values, flat_used = (first.values.ravel(), second.values.ravel()), used.ravel()

    def index(part: slice) -> None:
        i, j = (
            digitize(source[part] if axis.change is None else axis.change(source[part]), axis.bins)
            for source, axis in zip(values, (first, second), strict=True)
        )
        outside = (i < 0) | (j < 0) | ~flat_used[part]
        i *= n_second
        i += j
        i += 1
        i[outside] = 0
        flat[part] = i

    _blocks(index, used.size)
    n_bins = len(first.static_centers) * int(n_second)
    static_index = np.flatnonzero(np.bincount(flat, minlength=n_bins + 1)[1:])
    if len(static_index) == 0:
        raise _nothing_inside(used, first, second)
    i, j = np.divmod(static_index, int(n_second))
    owner = first.bins.static_to_dynamic[i] * len(second.dynamic_centers) + second.bins.static_to_dynamic[j]
    dynamic_index, dynamic_label = np.unique(owner, return_inverse=True)
    to_static, to_dynamic = np.zeros((2, n_bins + 1), dtype=np.int32)
    to_static[static_index + 1] = np.arange(1, len(static_index) + 1)
    to_dynamic[static_index + 1] = dynamic_label + 1
    static, dynamic = np.empty_like(flat), np.empty_like(flat)

    def label(part: slice) -> None:
        np.take(to_static, flat[part], out=static[part])
        np.take(to_dynamic, flat[part], out=dynamic[part])

    _blocks(label, used.size)
    return Labels(static.reshape(used.shape), dynamic.reshape(used.shape), static_index, dynamic_index)


def _nothing_inside(used: NDArray[np.bool_], *axes: AxisCut) -> QMapError:
    said = [f"{axis.name} from {axis.bins.static_edges[0]:.4g} to {axis.bins.static_edges[-1]:.4g}" for axis in axes]
    there = [
        f"{axis.name} from {np.min(axis.values, where=used, initial=np.inf):.4g}"
        f" to {np.max(axis.values, where=used, initial=-np.inf):.4g}"
        for axis in axes
    ]
    return QMapError(
        "no used pixel lies in a bin",
        got="bins of " + " and ".join(said),
        expected=f"used pixels have {', '.join(there)}",
    )
