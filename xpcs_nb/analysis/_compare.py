"""Two results of g2 side by side: which bins belong together, and how far they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.analysis._points import multitau_dataset
from xpcs_nb.errors import OptionError

__all__ = ["Match", "compare_table"]

type Floats = NDArray[np.float64]
#: How bins of two results are paired.
Match = Literal["position", "label"]

#: Delays that differ by less, relatively, are the same.
SAME_DELAY = 1e-4
#: Coordinates of bins that go round, with their full turn.
TURN = {"phi": 360.0}
UNITS = {"q": "1/angstrom", "phi": "degree"}


def compare_table(
    old: xr.Dataset | xr.DataTree,
    new: xr.Dataset | xr.DataTree,
    *,
    match: Match = "position",
    tolerance: float = 0.25,
) -> xr.Dataset:
    r"""Pair the bins of two results, and give the difference of g2 in units of its error.

    With :math:`\sigma` the stated errors,

    .. math:: z = \frac{g_2^{new} - g_2^{old}}{\sqrt{\sigma_{new}^2 + \sigma_{old}^2}} .

    This is right for two independent measurements. **Results of the same frames share their noise**: for pixels that
    both use, the same fluctuation is in both, so that the difference scatters less than the denominator says, and
    :math:`|z|` is a lower bound; 0 for the same bins. Where the new bin is a part of the old one and both are averages
    of independent pixels, the variance of the difference is :math:`\sigma_{new}^2 - \sigma_{old}^2`. Nothing
    of this is corrected for; attribute ``noise`` says which case it is. Neighbouring delays are correlated too,
    so the mean of :math:`z^2` is no chi squared with that many degrees of freedom.

    Parameters
    ----------
    old, new
        Multi-tau datasets, their nodes, or whole results.
    match
        ``position``: two bins belong together if each is the other's nearest in q and phi (in whatever coordinates the
        bins have), and they are near enough. ``label``: if they have the same label.
    tolerance
        How far apart they may be in each coordinate, in distances between neighbouring bins.

    Returns
    -------
    xarray.Dataset
        By ``pair``: ``old_bin``, ``new_bin``, for each coordinate ``q``, ``q_new`` and so on,
        ``rms_z``, ``max_z`` (largest :math:`|z|`) and ``n_points``. By (delay, pair), for the delays that both have:
        ``g2_old``, ``g2_new``, ``err_old``, ``err_new``, ``difference``, ``error``, ``z``; NaN where either has no
        value or no error. ``unmatched_old``, ``unmatched_new`` hold the labels of bins without a partner and
        ``why_old``, ``why_new`` the reasons. Attributes ``old``, ``new``, ``noise`` (``shared``, ``independent`` or
        ``unknown``), ``delays_only_old``, ``delays_only_new``.

    Raises
    ------
    OptionError
        If one of them has no g2 or no errors, no delay or no bin is common to both, or bins can't be told by position.
    """
    if match not in {"position", "label"}:
        raise OptionError("no such match", where="match", got=repr(match), expected="'position' or 'label'")
    if not tolerance > 0:
        raise OptionError("no bins could ever match", where="tolerance", got=tolerance, expected="a positive number")
    sides = _Side.of(old, "old"), _Side.of(new, "new")
    pairs = _pairs(*sides, match, tolerance)
    delays = _common_delays(*sides)
    table = _differences(sides, pairs, delays)
    for side, apart in zip(sides, (pairs.reasons_old, pairs.reasons_new), strict=True):
        labels = [int(side.labels[number]) for number in apart]
        table[f"unmatched_{side.name}"] = (f"only_{side.name}", np.array(labels, dtype=np.int64), {"units": "1"})
        table[f"why_{side.name}"] = (f"only_{side.name}", np.array(list(apart.values()), dtype=object))
    table.attrs = {
        **{side.name: side.title for side in sides},
        "match": match,
        "noise": _noise(*sides),
        **{f"delays_only_{side.name}": len(side.delay) - delays.shape[1] for side in sides},
    }
    return table


@dataclass(frozen=True)
class _Side:
    """One of the two, as plain arrays: g2 and err (T, D); coordinates of the bins by name."""

    name: str
    title: str
    origin: dict[str, str]
    labels: NDArray[np.int64]
    delay: Floats
    g2: Floats
    err: Floats
    place: dict[str, Floats]

    @classmethod
    def of(cls, data: xr.Dataset | xr.DataTree, name: str) -> _Side:
        try:
            dataset = multitau_dataset(data)
        except OptionError as error:
            raise error.with_place(where=f"the {name} result") from None
        if "g2_err" not in dataset:
            raise OptionError("g2 has no errors", where=f"the {name} result", expected="g2_err")
        about = data.root.attrs if isinstance(data, xr.DataTree) else data.attrs
        place = {
            str(key): np.asarray(values, dtype=float)
            for key, values in dataset.coords.items()
            if values.dims == ("bin",) and key != "bin" and np.issubdtype(values.dtype, np.number)
        }
        return cls(
            name,
            str(about.get("name", name)),
            _origin(data),
            dataset["bin"].to_numpy().astype(np.int64),
            dataset["delay"].to_numpy().astype(float),
            dataset["g2"].transpose("delay", "bin").to_numpy().astype(float),
            dataset["g2_err"].transpose("delay", "bin").to_numpy().astype(float),
            {key: values for key, values in place.items() if np.isfinite(values).any()},
        )


@dataclass(frozen=True)
class _Pairs:
    """Numbers of the bins that belong together, and why others have no partner, by their number."""

    old: NDArray[np.int64]
    new: NDArray[np.int64]
    reasons_old: dict[int, str]
    reasons_new: dict[int, str]


def _pairs(old: _Side, new: _Side, match: Match, tolerance: float) -> _Pairs:
    if match == "label":
        _, first, second = np.intersect1d(old.labels, new.labels, return_indices=True)
        why = dict.fromkeys
        pairs = _Pairs(
            first,
            second,
            why(np.setdiff1d(np.arange(len(old.labels)), first).tolist(), "no bin of this label"),
            why(np.setdiff1d(np.arange(len(new.labels)), second).tolist(), "no bin of this label"),
        )
    else:
        pairs = _nearest(old, new, tolerance)
    if len(pairs.old) == 0:
        raise OptionError(
            "the results have no bin in common",
            where=f"{old.title} and {new.title}",
            got=f"{_span(old)} and {_span(new)}",
            expected="bins at the same " + " and ".join(old.place) if match == "position" else "the same labels",
            hint="A larger tolerance pairs bins that are further apart.",
        )
    return pairs


def _nearest(old: _Side, new: _Side, tolerance: float) -> _Pairs:
    axes = [name for name in old.place if name in new.place]
    if not axes:
        raise OptionError(
            "the bins can't be told by their position",
            got=f"{', '.join(old.place) or 'no position'} and {', '.join(new.place) or 'no position'}",
            expected="q and phi of the bins in both results",
            hint="match='label' pairs bins of the same label.",
        )
    distance: Floats = np.array([_apart(old.place[name], new.place[name], TURN.get(name)) for name in axes]).max(axis=0)
    to_new, to_old = distance.argmin(axis=1), distance.argmin(axis=0)
    mutual = to_old[to_new] == np.arange(len(to_new))
    near = distance[np.arange(len(to_new)), to_new] <= tolerance
    first = np.flatnonzero(mutual & near)
    second = to_new[first]
    reasons = (
        _reasons(old, new, np.setdiff1d(np.arange(len(to_new)), first), to_new, distance, tolerance, axes),
        _reasons(new, old, np.setdiff1d(np.arange(len(to_old)), second), to_old, distance.T, tolerance, axes),
    )
    return _Pairs(first, second, *reasons)


def _apart(old: Floats, new: Floats, turn: float | None) -> Floats:
    """Return how far bins are apart along one coordinate, in steps between bins, shape (D, E); infinite if unknown."""
    apart = np.abs(old[:, None] - new[None, :])
    if turn is not None:
        apart = np.minimum(apart % turn, turn - apart % turn)
    unknown = np.isnan(old)[:, None] & np.isnan(new)[None, :]
    apart = np.where(unknown, 0.0, np.where(np.isnan(apart), np.inf, apart))
    step = min(_step(old, turn), _step(new, turn))
    return np.asarray(apart / step)


def _step(values: Floats, turn: float | None) -> float:
    """Return the usual distance between neighbouring bins."""
    levels = np.unique(values[np.isfinite(values)])
    gaps = np.diff(levels)
    gaps = gaps[gaps > 1e-6 * np.abs(levels).max()]
    if len(gaps):
        return float(np.median(gaps))
    # A single bin: as wide as the circle, or as far from 0.
    return turn or float(np.abs(levels).max()) or 1.0


def _reasons(
    side: _Side,
    other: _Side,
    alone: NDArray[np.int64],
    nearest: NDArray[np.int64],
    distance: Floats,
    tolerance: float,
    axes: list[str],
) -> dict[int, str]:
    said = {}
    for number in alone.tolist():
        partner = int(nearest[number])
        where = ", ".join(f"{name} = {other.place[name][partner]:.4g} {UNITS.get(name, '')}".strip() for name in axes)
        if distance[number, partner] <= tolerance:
            said[number] = f"bin {other.labels[partner]} ({where}) is nearer to another bin"
        else:
            said[number] = f"the nearest, bin {other.labels[partner]} ({where}), is too far"
    return said


def _span(side: _Side) -> str:
    parts = [
        f"{name} from {np.nanmin(values):.4g} to {np.nanmax(values):.4g} {UNITS.get(name, '')}".strip()
        for name, values in side.place.items()
    ]
    return f"{side.name}: {', '.join(parts) or 'bins ' + ', '.join(map(str, side.labels))}"


def _common_delays(old: _Side, new: _Side) -> NDArray[np.int64]:
    """Return the numbers of the delays that both have, shape (2, T)."""
    nearest = np.abs(old.delay[:, None] - new.delay[None, :]).argmin(axis=1)
    same = np.abs(new.delay[nearest] - old.delay) <= SAME_DELAY * old.delay
    if not same.any():
        spans = [f"{side.name}: {side.delay.min():.4g} to {side.delay.max():.4g} s" for side in (old, new)]
        raise OptionError(
            "the results have no delay in common",
            where=f"{old.title} and {new.title}",
            got=" and ".join(spans),
            expected="the same time between frames, stride_frame and avg_frame",
        )
    return np.array([np.flatnonzero(same), nearest[same]])


def _differences(sides: tuple[_Side, _Side], pairs: _Pairs, delays: NDArray[np.int64]) -> xr.Dataset:
    old, new = sides
    at = [np.ix_(delays[0], pairs.old), np.ix_(delays[1], pairs.new)]
    g2 = [side.g2[where] for side, where in zip(sides, at, strict=True)]
    err = [np.where(side.err[where] > 0, side.err[where], np.nan) for side, where in zip(sides, at, strict=True)]
    difference, error = g2[1] - g2[0], np.hypot(*err)
    z = difference / error
    known = np.isfinite(z)
    n_points = known.sum(axis=0)
    square = np.where(known, z, 0.0) ** 2
    rms = np.sqrt(np.divide(square.sum(axis=0), n_points, out=np.full(len(n_points), np.nan), where=n_points > 0))
    largest = np.where(n_points > 0, np.sqrt(square.max(axis=0)), np.nan)
    by_pair, both = ("pair",), ("delay", "pair")
    one = {"units": "1"}
    table = xr.Dataset(
        {
            "old_bin": (by_pair, old.labels[pairs.old], one),
            "new_bin": (by_pair, new.labels[pairs.new], one),
            "n_points": (by_pair, n_points, one | {"long_name": "delays at which both have a value and an error"}),
            "rms_z": (by_pair, rms, one | {"long_name": "root mean square of z over the delays"}),
            "max_z": (by_pair, largest, one | {"long_name": "largest |z|"}),
            "g2_old": (both, g2[0], one),
            "g2_new": (both, g2[1], one),
            "err_old": (both, err[0], one),
            "err_new": (both, err[1], one),
            "difference": (both, difference, one | {"long_name": "new - old"}),
            "error": (both, error, one | {"long_name": "combined error, as of independent results"}),
            "z": (both, z, one | {"long_name": "difference in combined errors"}),
        },
        {"delay": ("delay", old.delay[delays[0]], {"units": "s", "long_name": "delay"})},
    )
    for name, values in old.place.items():
        table = table.assign_coords({name: ("pair", values[pairs.old], {"units": UNITS.get(name, "1")})})
        if name in new.place:
            table[f"{name}_new"] = ("pair", new.place[name][pairs.new], {"units": UNITS.get(name, "1")})
    return table


def _origin(data: xr.Dataset | xr.DataTree) -> dict[str, str]:
    """Return what tells the frames of a result from others: the raw file, its size, and when they were taken."""
    if not isinstance(data, xr.DataTree):
        return {"raw": str(data.attrs["raw"])} if data.attrs.get("raw") else {}
    root = data.root
    inputs = root["provenance"].attrs.get("inputs") if "provenance" in root.children else None
    found = {
        "raw": root.attrs.get("raw"),
        "size": inputs[0].get("size") if inputs else None,
        "start": root["metadata"].attrs.get("/entry/start_time") if "metadata" in root.children else None,
    }
    return {name: str(value) for name, value in found.items() if value}


def _noise(old: _Side, new: _Side) -> str:
    """Tell whether both are of the same frames: a flow processes a copy, so that another path says nothing."""
    same = {name: old.origin[name] == new.origin[name] for name in old.origin if name in new.origin}
    if same.get("raw"):
        return "shared"
    if not all(same.get(name, True) for name in ("start", "size")):
        return "independent"
    return "shared" if same.get("start") else "unknown"
