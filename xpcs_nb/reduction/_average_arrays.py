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
from xpcs_nb.reduction._average_members import dataset_of
from xpcs_nb.results import open_result

__all__ = ["mean_scattering", "mean_sums", "mean_twotime"]

type Floats = NDArray[np.float64]
type Told = Callable[[int], None]


def mean_scattering(paths: Sequence[Path], qmap: QMapArrays, told: Told) -> ScatteringArrays:
    """Return the mean image, I(q), its segments and the mean intensity of each frame, of all results.

    Raises
    ------
    OptionError
        If the results have I(q) of other static bins, or segments of another scale, than the first one.
    """
    names = ("scattering_2d", "scattering_1d", "scattering_1d_segments", "intensity")
    totals: dict[str, Floats] = {}
    first: xr.Dataset | None = None
    for path in paths:
        saxs = dataset_of(path, "saxs")
        first = saxs if first is None else first
        _same_bins(first, saxs, path, paths[0])
        for name in names:
            values = np.asarray(saxs[name].to_numpy(), dtype=np.float64)
            totals[name] = totals[name] + values if name in totals else values
        told(1)
    if first is None:
        raise OptionError("there is nothing to average", where="paths")
    means = {name: total / len(paths) for name, total in totals.items()}
    place = first["static_bin"].to_numpy() - 1
    n_static = len(qmap.static_index_mapping)
    segments = means["scattering_1d_segments"]
    return ScatteringArrays(
        scattering_2d=means["scattering_2d"],
        scattering_1d=_spread(means["scattering_1d"], place, n_static),
        scattering_1d_segments=np.stack([_spread(one, place, n_static) for one in segments]),
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


def mean_sums(paths: Sequence[Path], qmap: QMapArrays, told: Told) -> UnnormalizedArrays | None:
    """Return the mean G, IP and IF of each used pixel, made delay by delay; None if a result has none of them."""
    if any("G2IPIF" not in dataset_of(path, "multitau") for path in paths):
        return None
    shape = (qmap.mask.shape[0], qmap.mask.shape[1])
    pixel = np.flatnonzero(qmap.dynamic_roi_map.ravel() > 0).astype(np.int64)
    n_delays = dataset_of(paths[0], "multitau").sizes["delay"]
    return UnnormalizedArrays(_Sums(list(paths), pixel, n_delays, told), pixel, shape)


@dataclass(frozen=True)
class _Sums(Sequence[NDArray[np.float32]]):
    """Mean sums (3, P) of one delay after the other: three frames are in memory, whatever the number of results."""

    paths: list[Path]
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
        for path in self.paths:
            frames = dataset_of(path, "multitau")["G2IPIF"].isel(delay=delay).to_numpy()
            total += frames.reshape(3, -1)[:, self.pixel]
        self.told(1)
        return (total / len(self.paths)).astype(np.float32)


def mean_twotime(paths: Sequence[Path], told: Told) -> Iterator[TwotimeMap] | None:
    """Return the mean two-time maps, one bin after the other; None if a result has none.

    Raises
    ------
    OptionError
        If the maps are of other bins or of another length than those of the first result.
    """
    trees = (open_result(path) for path in paths)
    described = []
    for tree in trees:
        if "twotime" not in tree.children:
            return None
        c2 = tree["twotime"]["c2"]
        described.append((tuple(c2["bin"].to_numpy().tolist()), c2.sizes["t1"]))
    for path, one in zip(paths, described, strict=True):
        if one != described[0]:
            raise OptionError(
                "the two-time maps of this result can't be averaged with those of the first one",
                path=path,
                got=f"bins {one[0]}, {one[1]} frames",
                expected=f"bins {described[0][0]}, {described[0][1]} frames",
            )
    return _maps(list(paths), described[0][0], told)


def _maps(paths: list[Path], bins: tuple[int, ...], told: Told) -> Iterator[TwotimeMap]:
    for place, label in enumerate(bins):
        c2, g2, segments = (np.zeros(1) for _ in range(3))
        for path in paths:
            one = dataset_of(path, "twotime").isel(bin=place)
            c2 = c2 + np.triu(one["c2"].to_numpy())
            g2 = g2 + one["g2"].to_numpy().astype(np.float64)
            segments = segments + one["g2_segments"].to_numpy().astype(np.float64)
            if place == len(bins) - 1:
                told(1)
        n = len(paths)
        yield TwotimeMap(bin=label, c2=(c2 / n).astype(np.float32), g2=g2 / n, g2_segments=segments / n)
