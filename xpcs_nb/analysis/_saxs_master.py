"""One curve from several that overlap in q: exposures, detector distances, samples of a dilution series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.analysis._saxs_curve import axis_of, interpolated, require_alike, scale_between
from xpcs_nb.errors import FitError, OptionError

__all__ = ["master_curve"]

type Floats = NDArray[np.float64]
type Points = tuple[Floats, Floats, Floats]

#: Least number of points in which two curves overlap, to have a factor between them.
LEAST_POINTS = 3


def master_curve(
    curves: Sequence[xr.Dataset],
    *,
    reference: int = 0,
    q_ranges: Sequence[tuple[float, float] | None] | None = None,
    edges: ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> xr.Dataset:
    r"""Bring curves to one scale by the q in which they overlap, and merge them.

    Between two curves that share at least 3 points of q the factor is found by weighted least squares, with both errors
    in the weights; the one with more points there is interpolated at the q of the other. Factors :math:`k_i` of all
    curves solve :math:`\ln k_i - \ln k_j = \ln r_{ij}` over all such pairs, weighted, with :math:`k = 1` for the
    reference; so a curve may overlap with several, or with the reference through others only.

    Parameters
    ----------
    curves
        I(q) in the same units, normalised by the same quantities.
    reference
        Number of the curve that keeps its scale.
    q_ranges
        Least and largest q of each curve to use, 1/angstrom; None takes all of it.
    edges
        Average the merged points (weighted by their errors) in these bins of q; None keeps every point.
    names
        What to call the curves; their numbers, when not given.

    Returns
    -------
    xarray.Dataset
        ``intensity`` and ``intensity_err`` by q, as of one curve, with ``source`` (number of the curve) where points
        are kept; ``scale`` and ``scale_uncertainty`` by ``curve``: the factors and their standard errors, which the
        points of a curve share and ``intensity_err`` does not hold.

    Raises
    ------
    OptionError
        If the curves can't be compared, or an option can't be used.
    FitError
        If a curve does not overlap with the rest.
    """
    if len(curves) < 2 or not 0 <= reference < len(curves):
        raise OptionError(
            "no curves to merge", got=f"{len(curves)} curves, reference {reference}", expected="2 or more"
        )
    ranges = list(q_ranges) if q_ranges is not None else [None] * len(curves)
    labels = list(names) if names is not None else [str(number) for number in range(len(curves))]
    if len(ranges) != len(curves) or len(labels) != len(curves):
        raise OptionError("q_ranges and names go with the curves", got=f"{len(ranges)}, {len(labels)}")
    if axis_of(curves[0]) != "q":
        raise OptionError("curves are merged over q", got="curves by phi")
    for curve in curves[1:]:
        require_alike(curves[reference], curve, "a curve")
    points = [_points(curve, limits) for curve, limits in zip(curves, ranges, strict=True)]
    log_scale, covariance = _scales(points, reference, labels)
    scale = np.exp(log_scale)
    merged = _merged(points, scale)
    first = curves[reference]
    about = {"units": first["intensity"].attrs["units"]}
    result = _kept(merged, about) if edges is None else _averaged(merged, np.asarray(edges, dtype=np.float64), about)
    result["scale_err"] = first["scale_err"]
    result = result.assign_coords(curve=labels)
    result["scale"] = ("curve", scale, {"units": "1", "long_name": "factor that brought the curve to the common scale"})
    error = scale * np.sqrt(np.diagonal(covariance))
    result["scale_uncertainty"] = ("curve", error, {"units": "1", "long_name": "standard error of the factor"})
    steps = [*first.attrs.get("steps", ()), f"merged with {len(curves) - 1} curves"]
    result.attrs = {
        "normalized_by": first.attrs.get("normalized_by", ()),
        "steps": tuple(steps),
        "integrated": "merged",
    }
    return result


def _points(curve: xr.Dataset, limits: tuple[float, float] | None) -> Points:
    q, value, error = (curve[name].to_numpy().astype(np.float64) for name in ("q", "intensity", "intensity_err"))
    low, high = limits or (0.0, np.inf)
    good = np.isfinite(value) & np.isfinite(error) & (error > 0) & (q >= low) & (q <= high)
    if not good.any():
        raise OptionError("a curve has no point in its range", got=f"{low:g}..{high:g} 1/angstrom")
    return q[good], value[good], error[good]


def _ratio(one: Points, other: Points) -> tuple[float, float] | None:
    """Return the log of the factor from `other` to `one`, with its error; None where they do not overlap."""
    low, high = max(one[0][0], other[0][0]), min(one[0][-1], other[0][-1])
    inside = [(curve[0] >= low) & (curve[0] <= high) for curve in (one, other)]
    if min(mask.sum() for mask in inside) < LEAST_POINTS:
        return None
    coarse, fine, sign, here = (
        (one, other, -1, inside[0]) if inside[0].sum() <= inside[1].sum() else (other, one, 1, inside[1])
    )
    q, value, error = (part[here] for part in coarse)
    there, there_error = interpolated(*fine, q)
    factor, factor_error, _ = scale_between(value, error, there, there_error)
    return sign * float(np.log(factor)), factor_error / factor


def _scales(points: Sequence[Points], reference: int, labels: Sequence[str]) -> tuple[Floats, Floats]:
    """Return the logarithms of the factors and their covariance; the reference has 0 in both."""
    n = len(points)
    normal, right = np.zeros((n, n)), np.zeros(n)
    linked = np.eye(n, dtype=bool)
    for i in range(n):
        for j in range(i + 1, n):
            found = _ratio(points[i], points[j])
            if found is None:
                continue
            difference, error = found
            row = np.zeros(n)
            row[i], row[j] = -1.0, 1.0
            normal += np.outer(row, row) / error**2
            right += row * difference / error**2
            linked[i, j] = linked[j, i] = True
    reached = np.linalg.matrix_power(linked.astype(np.int64), n)[reference] > 0
    if not reached.all():
        raise FitError(
            "a curve does not overlap with the rest",
            got=", ".join(label for label, there in zip(labels, reached, strict=True) if not there),
            expected=f"{LEAST_POINTS} or more q in common with another that is linked to the reference",
        )
    free = np.arange(n) != reference
    covariance, value = np.zeros((n, n)), np.zeros(n)
    covariance[np.ix_(free, free)] = np.linalg.inv(normal[np.ix_(free, free)])
    value[free] = covariance[np.ix_(free, free)] @ right[free]
    return value, covariance


def _merged(points: Sequence[Points], scale: Floats) -> tuple[Floats, Floats, Floats, NDArray[np.int64]]:
    source = np.concatenate([np.full(len(curve[0]), number) for number, curve in enumerate(points)])
    q, value, error = (np.concatenate([curve[part] for curve in points]) for part in range(3))
    order = np.argsort(q, kind="stable")
    return q[order], (value * scale[source])[order], (error * scale[source])[order], source[order]


def _kept(merged: tuple[Floats, Floats, Floats, NDArray[np.int64]], about: dict[str, str]) -> xr.Dataset:
    q, value, error, source = merged
    return xr.Dataset(
        {
            "intensity": ("q", value, about | {"long_name": "mean scattering"}),
            "intensity_err": ("q", error, about | {"long_name": "error of the mean scattering"}),
        },
        coords={"q": ("q", q, {"units": "1/angstrom"}), "source": ("q", source, {"units": "1"})},
    )


def _averaged(
    merged: tuple[Floats, Floats, Floats, NDArray[np.int64]], edges: Floats, about: dict[str, str]
) -> xr.Dataset:
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise OptionError("edges can't be used", got=edges, expected="two or more rising numbers")
    q, value, error, _ = merged
    bin_ = np.searchsorted(edges, q, side="right") - 1
    inside = (bin_ >= 0) & (bin_ < len(edges) - 1)
    weight = error[inside] ** -2.0
    sums = [
        np.bincount(bin_[inside], part, len(edges) - 1) for part in (weight, weight * value[inside], weight * q[inside])
    ]
    full = sums[0] > 0
    total, of_value, of_q = (part[full] for part in sums)
    return xr.Dataset(
        {
            "intensity": ("q", of_value / total, about | {"long_name": "mean scattering"}),
            "intensity_err": ("q", total**-0.5, about | {"long_name": "error of the mean scattering"}),
        },
        coords={"q": ("q", of_q / total, {"units": "1/angstrom"})},
    )
