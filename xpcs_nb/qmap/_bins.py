"""Bins along one axis of a partition: static bins that are cuts of the dynamic ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.errors import QMapError

__all__ = ["EDGE_TOLERANCE", "AxisBins", "BinRequest", "Scale", "axis_bins", "check_request", "digitize"]

type Scale = Literal["linear", "log"]
#: Numbers of dynamic and static bins, or the edges of both.
type BinRequest = tuple[int, int] | tuple[ArrayLike, ArrayLike]

#: Half of the 12th decimal: pixels that mirror each other differ by less, and must fall into the same bin.
EDGE_TOLERANCE = 5e-13
#: An index computed this near to the next, in bins, is looked up.
NEAR = 1e-6
#: Edges of dynamic bins are found among the static ones within this fraction of the smallest bin.
SAME_EDGE = 1e-6


@dataclass(frozen=True)
class AxisBins:
    """Bins along one axis.

    Attributes
    ----------
    static_edges
        Rising, shape (n_static + 1,).
    static_to_dynamic
        Dynamic bin of each static bin, from 0.
    dynamic_centers, static_centers
        Midpoints, or geometric means on a logarithmic scale.
    scale
        How `static_edges` are spaced; None where they were given.
    """

    static_edges: NDArray[np.float64]
    static_to_dynamic: NDArray[np.int64]
    dynamic_centers: NDArray[np.float64]
    static_centers: NDArray[np.float64]
    scale: Scale | None


def axis_bins(name: str, request: BinRequest, low: float, high: float, scale: Scale) -> AxisBins:
    """Return the bins that `request` asks for: numbers of bins between `low` and `high`, or edges.

    Raises
    ------
    QMapError
        If there are no bins, the static ones don't cut the dynamic ones, or edges are not rising.
    """
    numbers = [isinstance(part, int | np.integer) for part in request]
    if len(request) != 2 or numbers[0] != numbers[1]:
        raise QMapError(
            f"the bins along {name} can't be used",
            got=repr(request),
            expected="(number of dynamic bins, number of static bins), or (dynamic edges, static edges)",
        )
    if not numbers[0]:
        return _from_edges(name, np.asarray(request[0], dtype=float), np.asarray(request[1], dtype=float), scale)
    n_dynamic, n_static = int(request[0]), int(request[1])  # type: ignore[arg-type]
    _check_numbers(name, n_dynamic, n_static)
    edges = _spread(name, low, high, n_static, scale)
    cut = n_static // n_dynamic
    return AxisBins(edges, np.arange(n_static) // cut, _centers(edges[::cut], scale), _centers(edges, scale), scale)


def _check_numbers(name: str, n_dynamic: int, n_static: int) -> None:
    if n_dynamic < 1 or n_static < 1:
        raise QMapError(
            f"there are no bins along {name}",
            got=f"{n_dynamic} dynamic and {n_static} static",
            expected="at least 1 of each",
        )
    if n_static % n_dynamic:
        raise QMapError(
            f"static bins along {name} don't cut the dynamic bins evenly",
            got=f"{n_dynamic} dynamic and {n_static} static",
            expected="a number of static bins that is a multiple of the dynamic ones",
            hint=f"Take {-(-n_static // n_dynamic) * n_dynamic} static bins.",
        )


def _spread(name: str, low: float, high: float, number: int, scale: Scale) -> NDArray[np.float64]:
    if scale == "log":
        if low <= 0:
            raise QMapError(
                f"a logarithmic scale along {name} can't begin there", got=low, expected="a positive number"
            )
        edges = np.geomspace(low, high, number + 1)
    else:
        edges = np.linspace(low, high, number + 1)
    if number > 1 and not np.all(np.diff(edges) > 2 * EDGE_TOLERANCE):
        raise QMapError(
            f"the range along {name} is too small to be cut", got=f"{low} to {high} in {number} bins", hint="Widen it."
        )
    return edges


def _from_edges(name: str, dynamic: NDArray[np.float64], static: NDArray[np.float64], scale: Scale) -> AxisBins:
    for kind, edges in (("dynamic", dynamic), ("static", static)):
        if edges.ndim != 1 or len(edges) < 2 or not np.isfinite(edges).all() or not (np.diff(edges) > 0).all():
            raise QMapError(
                f"the {kind} edges along {name} can't be used",
                got=np.array2string(edges, threshold=8),
                expected="at least two finite, rising numbers",
            )
    if scale == "log" and static[0] <= 0:
        raise QMapError(f"edges on a logarithmic scale along {name} must be positive", got=static[0])
    near = np.abs(static[:, None] - dynamic[None, :]).argmin(axis=0)
    tolerance = SAME_EDGE * np.diff(static).min()
    lost = dynamic[np.abs(static[near] - dynamic) > tolerance]
    if len(lost) or near[0] != 0 or near[-1] != len(static) - 1:
        raise QMapError(
            f"the static edges along {name} are no cut of the dynamic edges",
            got=f"dynamic edges {', '.join(map(str, lost[:4]))} not among the static ones"
            if len(lost)
            else f"static edges from {static[0]} to {static[-1]}",
            expected=f"all of the dynamic edges, from {dynamic[0]} to {dynamic[-1]}",
        )
    owner = np.searchsorted(near, np.arange(len(static) - 1), side="right") - 1
    return AxisBins(static, owner, _centers(dynamic, scale), _centers(static, scale), None)


def _centers(edges: NDArray[np.float64] | Sequence[float], scale: Scale) -> NDArray[np.float64]:
    edges = np.asarray(edges)
    return np.sqrt(edges[1:] * edges[:-1]) if scale == "log" else (edges[1:] + edges[:-1]) / 2


def check_request(name: str, request: BinRequest, scale: Scale) -> None:
    """Refuse numbers or edges of bins that no range of values can meet; raises as `axis_bins`."""
    axis_bins(name, request, 1.0, 2.0, scale)


def digitize(values: NDArray[np.float64], bins: AxisBins) -> NDArray[np.int32]:
    """Return the static bin of each value, from 0; -1 outside. A bin has its lower edge, the last has both.

    Where bins are uniform the index is computed, and only what comes near an edge is looked up.
    """
    edges, number = bins.static_edges, len(bins.static_edges) - 1
    if bins.scale is None:
        return _look_up(values, edges)
    if bins.scale == "log":
        start, stop = float(np.log(edges[0])), float(np.log(edges[-1]))
        scaled = np.log(np.maximum(values, edges[0] / 2))
    else:
        start, stop = float(edges[0]), float(edges[-1])
        scaled = values.copy()
    if stop <= start or 4 * EDGE_TOLERANCE > NEAR * float(np.diff(edges).min()):
        return _look_up(values, edges)
    scaled -= start
    scaled *= number / (stop - start)
    np.clip(scaled, -1.0, number + 1.0, out=scaled)
    index: NDArray[np.int32] = scaled.astype(np.int32)
    scaled -= index
    scaled -= 0.5
    np.abs(scaled, out=scaled)
    scaled -= 0.5 - NEAR
    near = (scaled > 0) | (index >= number)  # -1..0 is cut to 0 with a fraction from 0 to -1, which is near too
    index[near] = _look_up(values[near], edges)
    return index


def _look_up(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int32]:
    lower, number = edges - EDGE_TOLERANCE, len(edges) - 1
    index: NDArray[np.int32] = np.searchsorted(lower, values, side="right").astype(np.int32)
    index -= 1
    np.minimum(index, number - 1, out=index)
    index[~(values <= edges[-1] + EDGE_TOLERANCE)] = -1
    return index
