"""Two-time correlation in cells that widen with the lag: from a full map, or as kept by a log two-time run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.core import LogGrid
from xpcs_nb.errors import OptionError

__all__ = ["Averages", "Cells", "cells_of", "log_cells"]

type Floats = NDArray[np.float64]


def log_cells(c2: NDArray[np.floating]) -> Floats:
    """Average a full two-time map in the cells of `LogGrid`, as a log two-time run gives them.

    Parameters
    ----------
    c2
        Map whose upper triangle is filled, shape (N, N).

    Returns
    -------
    Shape (M,), float64.

    Raises
    ------
    OptionError
        If the map is not square, or has fewer than two frames.
    """
    if c2.ndim != 2 or c2.shape[0] != c2.shape[1]:
        raise OptionError("a two-time map is square", where="c2", got=f"shape {c2.shape}", expected="(N, N)")
    grid = LogGrid(len(c2))
    cells, level, mean = np.empty(len(grid)), 0, c2
    for delay in range(len(grid.delays)):
        if grid.delays.level[delay] > level:
            n = len(mean) // 2
            mean = np.asarray(mean[: 2 * n, : 2 * n].reshape(n, 2, n, 2).mean(axis=(1, 3), dtype=np.float64))
            level += 1
        # blocks across the diagonal hold the empty triangle; no cell uses them
        cells[grid.start[delay] : grid.start[delay + 1]] = np.diagonal(mean, int(grid.delays.channel[delay]))
    return cells


@dataclass(frozen=True)
class Averages:
    """Means of cells with errors; T delays.

    Attributes
    ----------
    g2, err
        Shape (T,); NaN where no cell was taken, or too few stretches to have an error.
    cov
        Covariance between delays, shape (T, T).
    n_cells
        Cells behind each, shape (T,).
    dof
        Degrees of freedom of the errors.
    """

    g2: Floats
    err: Floats
    cov: Floats
    n_cells: NDArray[np.int64]
    dof: float


#: Most that stretches may have in common with their neighbours: speckle that lives longer is out of reach.
MOST_SHARED = 3.0
#: Stretches of time that an error must rest on.
LEAST_BLOCKS = 4


@dataclass(frozen=True)
class Cells:
    """Two-time correlation of one bin.

    Attributes
    ----------
    c2
        Shape (M,).
    grid
        Where the cells lie.
    step
        Time between two frames, s.
    """

    c2: Floats
    grid: LogGrid
    step: float

    def average(self, taken: NDArray[np.bool_], blocks: int) -> Averages:
        r"""Average cells at each delay; errors are a delete-one-block jackknife over stretches of age.

        With :math:`g_{-b}(k)` the mean without the cells whose age lies in stretch `b`, and `B` stretches that hold
        cells of both delays, :math:`\mathrm{cov} = \frac{B-1}{B} f \sum_b (g_{-b} - \bar g)(g_{-b} - \bar g)^T`.

        Speckle that outlives the end of a stretch is in the next one, too: :math:`f = 1 + 2r + 2/B`, at least 1, with r
        the correlation of neighbouring stretches, the mean over all delays with cells in every stretch (independent
        ones have :math:`r = -1/B`, since their mean is taken off). Speckle that outlives whole stretches makes errors
        too small all the same.

        Parameters
        ----------
        taken
            Cells that take part, shape (M,).
        blocks
            Stretches of equal length.
        """
        grid = self.grid
        n_delays = len(grid.delays)
        place, values, age = grid.delay[taken], self.c2[taken], grid.age[taken]
        low, high = (float(age.min()), float(age.max())) if len(age) else (0.0, 1.0)
        block = np.minimum(((age - low) / max(high - low, 1e-9) * blocks).astype(np.int64), blocks - 1)
        cell = block * n_delays + place
        count = np.bincount(cell, minlength=blocks * n_delays).reshape(blocks, n_delays)
        total = np.bincount(cell, values, minlength=blocks * n_delays).reshape(blocks, n_delays)
        n_cells, whole = count.sum(axis=0), total.sum(axis=0)
        g2 = np.divide(whole, n_cells, out=np.full(n_delays, np.nan), where=n_cells > 0)
        left = n_cells - count
        without = np.divide(whole - total, left, out=np.tile(g2, (blocks, 1)), where=left > 0)
        there = count > 0
        # a stretch without cells of a delay is none of its blocks
        number = there.sum(axis=0)
        mean = np.divide((without * there).sum(axis=0), number, out=np.zeros(n_delays), where=number > 0)
        spread = np.where(there, without - mean, 0)
        shared = np.minimum(number[:, None], number)
        overlap = _overlap(spread[:, number == blocks])
        scale = overlap * (shared - 1) / np.maximum(shared, 1)
        cov = np.where(shared >= LEAST_BLOCKS, scale * (spread.T @ spread), np.nan)
        return Averages(g2, np.sqrt(np.diagonal(cov)).copy(), cov, n_cells, (blocks - 1) / overlap)


def _overlap(spread: Floats) -> float:
    """Return how much larger the variance of a sum over stretches is than had they nothing in common."""
    blocks = len(spread)
    square = (spread**2).sum(axis=0)
    lit = square > 0
    if not lit.any():
        return 1.0
    neighbours = (spread[1:] * spread[:-1]).sum(axis=0)[lit] / square[lit]
    return float(np.clip(1 + 2 * neighbours.mean() + 2 / blocks, 1.0, MOST_SHARED))


def cells_of(data: xr.Dataset | xr.DataTree, label: int) -> Cells:
    """Return the cells of one bin, of the full map where the result has it, else of the log two-time correlation.

    Raises
    ------
    OptionError
        If there is no two-time correlation, or not of this bin.
    """
    node = twotime_node(data)
    labels = node["bin"].to_numpy().tolist()
    if label not in labels:
        raise OptionError("there is no two-time correlation of this bin", where="bin", got=label, expected=labels)
    c2 = node["c2"].isel(bin=labels.index(label)).to_numpy().astype(np.float64)
    if "cell" in node.dims:
        return Cells(c2, LogGrid(int(node.attrs["n_frames"])), float(node.attrs["step"]))
    return Cells(log_cells(c2), LogGrid(len(c2)), time_step(node))


def twotime_node(data: xr.Dataset | xr.DataTree) -> xr.Dataset:
    """Return the dataset with two-time correlations: full maps before log ones.

    Raises
    ------
    OptionError
        If there is none.
    """
    if isinstance(data, xr.DataTree):
        names = [name for name in ("twotime", "twotime_log") if name in data.children and "c2" in data[name]]
        data = (data[names[0]] if names else data).to_dataset()
    if "c2" not in data or "bin" not in data["c2"].dims:
        raise OptionError(
            "there is no two-time correlation",
            got=f"variables {', '.join(map(str, data.data_vars)) or 'none'}",
            expected="c2 (bin, t1, t2) or c2 (bin, cell)",
            hint="Correlate with type='twotime', 'both' or 'twotime-log'.",
        )
    return data


def time_step(node: xr.Dataset) -> float:
    """Return the time between two frames of full maps, s."""
    time = node["t1"].to_numpy()
    return float(time[1] - time[0]) if len(time) > 1 else 1.0
