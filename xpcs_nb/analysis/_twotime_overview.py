"""A two-time map at the resolution of a screen, and cuts through it, without the whole map in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.analysis._twotime_cuts import TwotimeCut, age_range
from xpcs_nb.errors import OptionError

__all__ = ["TwotimeCutSpec", "TwotimeOverview", "twotime_overview"]

type Floats = NDArray[np.float64]

#: Cells of a map that are in memory at a time, unless the file stores larger pieces (10 MB in float32).
TILE = 2_500_000


@dataclass(frozen=True)
class TwotimeCutSpec:
    """A cut that is asked for: see `cut_at_age` (``age``) and `cut_from_start` (``start``).

    Attributes
    ----------
    at
        Age, or first frame, in frames of the map; may be a fraction for ``age``.
    width
        Frames that are averaged.
    convention
        ``age`` or ``start``.
    """

    at: float
    width: float = 1.0
    convention: Literal["age", "start"] = "age"


@dataclass(frozen=True)
class TwotimeOverview:
    """A two-time map averaged in square blocks, with its cuts.

    Attributes
    ----------
    c2
        Mean over blocks, both triangles, shape (K, K), in the precision of the map. The diagonal of the map holds shot
        noise and takes no part; where a block is the diagonal alone it is NaN.
    factor
        Frames along an edge of a block. The frames after the last whole block are left out.
    cuts
        One for each cut that was asked for, exact: from all cells of the map, not from the blocks.
    """

    c2: NDArray[np.floating[Any]]
    factor: int
    cuts: tuple[TwotimeCut, ...]


def twotime_overview(c2: xr.DataArray, size: int = 900, cuts: Sequence[TwotimeCutSpec] = ()) -> TwotimeOverview:
    """Average a two-time map in square blocks until it has at most `size` rows, reading each cell once.

    The map is read in bands of rows, of which the part from the diagonal on is used: a map of 5000 frames needs
    10 MB at a time. Where the file stores larger pieces (``encoding["preferred_chunks"]``), bands are as high as these.

    Parameters
    ----------
    c2
        One map, dimensions t1 and t2 of equal length; the upper triangle (t2 > t1) is used.
    size
        Largest number of rows of the overview.
    cuts
        Cuts to take on the way.

    Raises
    ------
    OptionError
        If the map is not square or empty, `size` is not positive, or a cut lies outside the map.
    """
    c2 = c2.transpose("t1", "t2")
    n = c2.sizes["t1"]
    if n != c2.sizes["t2"] or not n:
        raise OptionError("a two-time map is square", where="c2", got=f"shape {c2.shape}", expected="(N, N)")
    if size < 1:
        raise OptionError("an overview needs rows", where="size", got=size, expected="1 or more")
    factor = -(-n // size)
    whole = n // factor
    small = np.zeros((whole, whole), dtype=np.result_type(c2.dtype, np.float32))
    collected = [_Cut(n, spec) for spec in cuts]
    for begin, band in _bands(c2, factor):
        for cut in collected:
            cut.add(begin, band)
        rows = min(len(band) // factor, whole - begin // factor)
        if rows > 0:
            first = begin // factor
            small[first : first + rows, first:] = _blocks(band, factor, rows, whole - first)
    small = np.where(np.tri(whole, k=-1, dtype=bool), small.T, small)
    return TwotimeOverview(small, factor, tuple(cut.result() for cut in collected))


def _bands(c2: xr.DataArray, factor: int) -> Iterator[tuple[int, NDArray[Any]]]:
    """Give the first row of each band, and its cells from the diagonal on: column 0 is that of the first row."""
    n = c2.sizes["t1"]
    stored = c2.encoding.get("preferred_chunks", {})
    begin = 0
    while begin < n:
        # Of shorter rows there are more. A piece that reaches over all columns is read whole in any case.
        height = max(TILE // (n - begin), 1, stored.get("t1", 1))
        height = -(-height // factor) * factor
        yield begin, c2.isel(t1=slice(begin, begin + height), t2=slice(begin, None)).to_numpy()
        begin += height


def _blocks(band: NDArray[Any], factor: int, rows: int, columns: int) -> NDArray[np.floating[Any]]:
    """Average blocks of a band; the blocks on the diagonal by what is above it."""
    cells = band[: rows * factor, : columns * factor]
    if factor == 1:
        mean = np.array(cells, dtype=np.result_type(cells.dtype, np.float32))
    else:
        mean = _mean(cells.reshape(rows, factor, columns * factor), factor)
    step = cells.strides
    on_diagonal = np.lib.stride_tricks.as_strided(
        cells, (rows, factor, factor), (factor * (step[0] + step[1]), *step), writeable=False
    )
    above = on_diagonal[(slice(None), *np.triu_indices(factor, 1))]
    np.fill_diagonal(mean[:, :rows], _finite_mean(above.T))
    return mean


def _mean(cells: NDArray[Any], factor: int) -> NDArray[np.floating[Any]]:
    """Average (rows, factor, columns x factor) over blocks; cells that are not finite take no part."""
    summed = cells.sum(axis=1, dtype=np.result_type(cells.dtype, np.float32))
    total = np.sum([summed[:, shift::factor] for shift in range(factor)], axis=0)
    if np.isfinite(total).all():
        return np.asarray(total / total.dtype.type(factor * factor))
    rows, _, columns = cells.shape
    blocks = cells.reshape(rows, factor, columns // factor, factor).transpose(1, 3, 0, 2)
    return _finite_mean(blocks.reshape(factor * factor, rows, columns // factor))


def _finite_mean(values: NDArray[Any]) -> NDArray[np.float64]:
    """Average over the first axis what is finite; NaN where nothing is."""
    good = np.isfinite(values)
    count = good.sum(axis=0)
    total = np.where(good, values, 0.0).sum(axis=0, dtype=np.float64)
    return np.asarray(np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0))


class _Cut:
    """Sums of the cells of one cut, by lag."""

    def __init__(self, n: int, spec: TwotimeCutSpec) -> None:
        self.n, self.spec = n, spec
        self.sum = np.zeros(n)
        self.count = np.zeros(n, dtype=np.int64)
        self.expected = self._cells()

    def _cells(self) -> NDArray[np.int64]:
        """Return how many cells the mean at each lag has, be they in the map or not."""
        if self.spec.convention not in ("age", "start"):
            raise OptionError("no such cut", got=repr(self.spec.convention), expected="'age' or 'start'")
        if self.spec.convention == "age":
            first, last = age_range(self.n, self.spec.at, self.spec.width)
            return np.asarray(np.maximum(last - first + 1, 0))
        start, width = int(self.spec.at), int(self.spec.width)
        if start != self.spec.at or not (0 <= start < self.n and 1 <= width <= self.n - start):
            raise OptionError("the cut lies outside the map", got=f"{self.spec.at} frames", expected=f"0 to {self.n}")
        return np.where(np.arange(self.n) < self.n - start, width, 0)

    def add(self, begin: int, band: NDArray[Any]) -> None:
        """Add the cells of the rows from `begin` on that belong to the cut."""
        at, width = self.spec.at, self.spec.width
        ages = self.spec.convention == "age"
        # Row i has columns 2 at - i +- width, which lie in the map and above its diagonal.
        first = max(begin, int(np.ceil(2 * at - width)) - self.n + 1) if ages else max(begin, int(at))
        last = min(begin + len(band), int(np.floor(at + width / 2)) + 1 if ages else int(at + width))
        if last <= first:
            return
        row = np.arange(first, last)[:, None]
        if ages:
            low = np.ceil(2 * at - width - row).astype(np.int64)
            column = low + np.arange(int(np.floor(2 * width)) + 1)
            inside = (column <= 2 * at + width - row) & (column >= row) & (column < self.n)
        else:
            column = np.broadcast_to(np.arange(begin, self.n), (last - first, self.n - begin))
            inside = column >= row
        rows, columns = np.broadcast_to(row, column.shape)[inside], column[inside]
        lag = columns - rows
        self.sum += np.bincount(lag, band[rows - begin, columns - begin], self.n)
        self.count += np.bincount(lag, minlength=self.n)

    def result(self) -> TwotimeCut:
        """Return the means; lags whose cells are not all in the map are left out."""
        lag = np.flatnonzero((self.count == self.expected) & (self.expected > 0))
        return TwotimeCut(lag, self.sum[lag] / self.count[lag], self.count[lag])
