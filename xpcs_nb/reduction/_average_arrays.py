"""Means over results of what is not g2: scattering, sums of each pixel, two-time maps; one array at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.core import QMapArrays, ScatteringArrays, TwotimeMap, UnnormalizedArrays
from xpcs_nb.errors import OptionError
from xpcs_nb.results import open_result

__all__ = ["Means", "mean_arrays"]

type Floats = NDArray[np.float64]
type Told = Callable[[int], None]
#: Makes a counter of a stage, given its name and how much there is to do.
type Stages = Callable[[str, int], Callable[[int], None]]

SCATTERING = ("scattering_2d", "scattering_1d", "scattering_1d_segments", "intensity")
TWOTIME = ("g2", "g2_segments")


@dataclass(frozen=True)
class Means:
    """Means of the results. Sums of pixels and maps are made while they are written; None where not all have them."""

    scattering: ScatteringArrays
    sums: UnnormalizedArrays | None
    twotime: Iterator[TwotimeMap] | None


def mean_arrays(paths: Sequence[Path], qmap: QMapArrays, stage: Stages, *, sums: bool, twotime: bool) -> Means:
    """Go through all results once, adding up what is small, and noting where what is large lies in the files.

    Raises
    ------
    OptionError
        If a result has I(q) of other static bins, segments of another scale, or maps of other bins or lengths, than
        the first one.
    """
    told = stage("average", len(paths))
    totals: dict[str, Floats] = {}
    kept_sums: list[xr.Variable] = []
    maps: list[xr.Variable] = []
    first: xr.Dataset | None = None
    bins: tuple[int, ...] = ()
    for path in paths:
        tree = open_result(path)
        saxs = tree["saxs"].to_dataset()
        first = saxs if first is None else first
        _same_bins(first, saxs, path, paths[0])
        _add(totals, saxs, SCATTERING, "")
        multitau = tree["multitau"].to_dataset()
        if sums and "G2IPIF" in multitau:
            kept_sums.append(multitau["G2IPIF"].variable)
        if twotime and "twotime" in tree.children:
            data = tree["twotime"].to_dataset()
            its = tuple(data["bin"].to_numpy().tolist())
            bins = bins or its
            _same_maps(maps, bins, its, data["c2"].variable, path, paths[0])
            maps.append(data["c2"].variable)
            _add(totals, data, TWOTIME, "twotime ")
        told(1)
    if first is None:
        raise OptionError("there is nothing to average", where="paths")
    means = {name: total / len(paths) for name, total in totals.items()}
    complete = [len(found) == len(paths) for found in (kept_sums, maps)]
    return Means(
        _scattering(means, first, len(qmap.static_index_mapping)),
        _mean_sums(kept_sums, qmap, stage) if complete[0] else None,
        _mean_maps(maps, bins, means, stage("two-time maps", len(bins))) if complete[1] else None,
    )


def _add(totals: dict[str, Floats], data: xr.Dataset, names: Sequence[str], prefix: str) -> None:
    for name in names:
        values = np.asarray(data[name].to_numpy(), dtype=np.float64)
        totals[prefix + name] = totals[prefix + name] + values if prefix + name in totals else values


def _scattering(means: dict[str, Floats], first: xr.Dataset, n_static: int) -> ScatteringArrays:
    place = first["static_bin"].to_numpy() - 1
    return ScatteringArrays(
        scattering_2d=means["scattering_2d"],
        scattering_1d=_spread(means["scattering_1d"], place, n_static),
        scattering_1d_segments=np.stack([_spread(one, place, n_static) for one in means["scattering_1d_segments"]]),
        intensity_vs_time=means["intensity"],
        segments_scale=str(first["scattering_1d_segments"].attrs.get("scale", "mean")),
    )


def _same_bins(first: xr.Dataset, other: xr.Dataset, path: Path, first_path: Path) -> None:
    """Refuse I(q) that does not add up. Blocks of another number or scale come from another program."""

    def described(saxs: xr.Dataset) -> str:
        segments = saxs["scattering_1d_segments"]
        return f"{saxs.sizes['static_bin']} static bins, {len(segments)} segments ({segments.attrs.get('scale')})"

    if described(first) != described(other) or (first["static_bin"] != other["static_bin"]).any():
        raise OptionError(
            "the scattering of this result can't be averaged with that of the first one",
            path=path,
            got=described(other),
            expected=f"{described(first)}, as in {first_path}",
        )


def _spread(values: Floats, place: NDArray[np.int64], n_static: int) -> Floats:
    """Return one value a label: files of neighbours leave out the bins without pixels."""
    full = np.full(n_static, np.nan)
    full[place] = values
    return full


def _same_maps(
    maps: list[xr.Variable],
    bins: tuple[int, ...],
    its: tuple[int, ...],
    c2: xr.Variable,
    path: Path,
    first_path: Path,
) -> None:
    if its != bins or (maps and c2.shape != maps[0].shape):
        raise OptionError(
            "the two-time maps of this result can't be averaged with those of the first one",
            path=path,
            got=f"bins {its}, {c2.shape[-1]} frames",
            expected=f"bins {bins}, {(maps[0] if maps else c2).shape[-1]} frames, as in {first_path}",
        )


def _mean_sums(parts: list[xr.Variable], qmap: QMapArrays, stage: Stages) -> UnnormalizedArrays:
    shape = (qmap.mask.shape[0], qmap.mask.shape[1])
    pixel = np.flatnonzero(qmap.dynamic_roi_map.ravel() > 0).astype(np.int64)
    n_delays = parts[0].shape[0]
    return UnnormalizedArrays(_Sums(parts, pixel, n_delays, stage("sums of pixels", n_delays)), pixel, shape)


@dataclass(frozen=True)
class _Sums(Sequence[NDArray[np.float32]]):
    """Mean sums (3, P) of one delay after the other: three frames are in memory, whatever the number of results."""

    parts: list[xr.Variable]
    pixel: NDArray[np.int64]
    n_delays: int
    told: Told

    def __len__(self) -> int:
        return self.n_delays

    @overload
    def __getitem__(self, delay: int) -> NDArray[np.float32]: ...
    @overload
    def __getitem__(self, delay: slice) -> Sequence[NDArray[np.float32]]: ...
    def __getitem__(self, delay: int | slice) -> NDArray[np.float32] | Sequence[NDArray[np.float32]]:
        if isinstance(delay, slice):
            return [self[number] for number in range(*delay.indices(self.n_delays))]
        total = np.zeros((3, len(self.pixel)))
        for part in self.parts:
            total += np.asarray(part[delay].to_numpy()).reshape(3, -1)[:, self.pixel]
        self.told(1)
        return (total / len(self.parts)).astype(np.float32)


def _mean_maps(
    parts: list[xr.Variable], bins: tuple[int, ...], means: dict[str, Floats], told: Told
) -> Iterator[TwotimeMap]:
    """Make the mean map of one bin after the other."""
    for place, label in enumerate(bins):
        total: Floats = np.zeros(parts[0].shape[1:])
        for part in parts:
            total += np.triu(part[place].to_numpy())
        told(1)
        yield TwotimeMap(
            bin=label,
            c2=(total / len(parts)).astype(np.float32),
            g2=means["twotime g2"][:, place],
            g2_segments=means["twotime g2_segments"][:, :, place],
        )
