"""g2 from two-time correlations, of the whole series or at several ages, with errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr

from xpcs_nb.analysis._twotime_cells import Averages, Cells, cells_of, twotime_node
from xpcs_nb.errors import OptionError

__all__ = ["AgeConvention", "g2_at_ages", "g2_of_twotime"]

#: ``mean``: age is (t1 + t2) / 2; ``start``: age is t1.
AgeConvention = Literal["mean", "start"]

#: Stretches of age that errors of the whole series rest on.
BLOCKS = 20
#: The same of one age, which covers less.
BLOCKS_OF_AGE = 8


def g2_of_twotime(
    data: xr.Dataset | xr.DataTree, *, bins: Sequence[int] | None = None, blocks: int = BLOCKS
) -> xr.Dataset:
    r"""Average two-time correlations over age: g2 with errors and covariance, ready for `fit_g2`.

    .. math:: g_2(\tau) = \langle C_2(t, t + \tau) \rangle_t

    at the delays of multi-tau, in groups of frames that widen with the delay (`LogGrid`). The diagonal, which holds
    shot noise, takes no part. Errors are a jackknife over stretches of age, which allows for what neighbouring
    stretches have in common: right where a stretch (the series over `blocks`) lasts some decay times, too small where
    speckle outlives it.

    Parameters
    ----------
    data
        Result, its node ``twotime`` or ``twotime_log``, or the dataset.
    bins
        Labels; all that there are, if None.
    blocks
        Stretches of age.

    Returns
    -------
    xarray.Dataset
        ``g2``, ``g2_err`` (delay, bin), ``g2_cov`` (bin, delay, delay2), ``g2_dof`` (bin); coordinates
        delay (s), delay_frames, n_pairs, bin and those of the bins.

    Raises
    ------
    OptionError
        If there is no two-time correlation, or not of a bin.
    """
    if blocks < 4:
        raise OptionError("too few stretches for an error", where="blocks", got=blocks, expected="4 or more")
    node = twotime_node(data)
    labels = node["bin"].to_numpy().tolist() if bins is None else list(bins)
    found = []
    for label in labels:
        cells = cells_of(node, label)
        found.append(cells.average(np.ones(len(cells.c2), dtype=bool), blocks))
    places = [node["bin"].to_numpy().tolist().index(label) for label in labels]
    coords: dict[str, Any] = {
        name: ("bin", node[name].to_numpy()[places], node[name].attrs)
        for name in ("q", "phi")
        if name in node.coords and node[name].dims == ("bin",)
    }
    return _dataset(cells, found, {"bin": ("bin", labels, {"long_name": "label of the bin", "units": "1"})} | coords)


def g2_at_ages(
    data: xr.Dataset | xr.DataTree,
    bin: int,
    ages: Sequence[float] | int = 5,
    *,
    width: float | None = None,
    convention: AgeConvention = "mean",
    blocks: int = BLOCKS_OF_AGE,
) -> xr.Dataset:
    r"""Cut the two-time correlation of a bin at several ages; `fit_g2` of the answer gives tau against age.

    ``mean`` cuts at right angles to the diagonal (age is the mean of the two times), ``start`` along rows (age is the
    earlier time); O. Bikondoa, J. Appl. Cryst. 50, 357 (2017), doi 10.1107/S1600576717000577, compares them. In
    equilibrium both are g2; in an ageing system their shapes differ.

    Parameters
    ----------
    data
        Result, its node ``twotime`` or ``twotime_log``, or the dataset.
    bin
        Label.
    ages
        Ages, s, or how many, evenly spread.
    width
        Cells within ``age - width/2 .. age + width/2`` are averaged, s; by default the ages touch. At long lags,
        whose cells are wider, those that reach into it.
    convention
        ``mean`` or ``start``.
    blocks
        Stretches of age inside `width` that errors rest on.

    Returns
    -------
    xarray.Dataset
        As `g2_of_twotime`, with the coordinate ``age`` (s) of each ``bin``, which are numbered from 1.

    Raises
    ------
    OptionError
        If there is no two-time correlation of this bin, or an option can't be used.
    """
    if convention not in get_args(AgeConvention):
        raise OptionError("no such convention of age", got=repr(convention), expected="'mean' or 'start'")
    cells = cells_of(data, bin)
    duration = cells.grid.n_frames * cells.step
    if isinstance(ages, int):
        if ages < 1:
            raise OptionError("no age is asked for", where="ages", got=ages, expected="1 or more")
        centers = (np.arange(ages) + 0.5) * duration / ages
    else:
        centers = np.asarray(ages, dtype=np.float64)
    if not len(centers) or (centers < 0).any() or (centers > duration).any():
        raise OptionError("ages lie outside the series", got=centers.tolist(), expected=f"0 to {duration:g} s")
    wide = duration / max(len(centers), 2) if width is None else float(width)
    if not wide > 0:
        raise OptionError("the width of an age can't be used", where="width", got=width, expected="more than 0 s")
    at = cells.grid.age if convention == "mean" else cells.grid.t1
    reach = np.maximum(wide / cells.step, cells.grid.size) / 2
    found = [cells.average(np.abs(at - center / cells.step) <= reach, blocks) for center in centers]
    about = {"units": "s", "long_name": "age (t1 + t2) / 2" if convention == "mean" else "age t1"}
    coords: dict[str, Any] = {
        "bin": ("bin", np.arange(1, len(centers) + 1), {"units": "1"}),
        "age": ("bin", centers, about),
    }
    return _dataset(cells, found, coords).assign_attrs(bin=bin, convention=convention, width=wide)


def _dataset(cells: Cells, found: list[Averages], coords: dict[str, Any]) -> xr.Dataset:
    delays = cells.grid.delays
    about = {"units": "1", "long_name": "g2 from two-time correlation"}
    wrong = {"units": "1", "long_name": "standard error of g2", "estimator": "jackknife over stretches of age"}
    dataset = xr.Dataset(
        {
            "g2": (("delay", "bin"), np.stack([each.g2 for each in found], axis=1), about),
            "g2_err": (("delay", "bin"), np.stack([each.err for each in found], axis=1), wrong),
            "g2_cov": (("bin", "delay", "delay2"), np.stack([each.cov for each in found]), {"units": "1"}),
            "g2_dof": (
                "bin",
                [each.dof for each in found],
                {"units": "1", "long_name": "degrees of freedom of g2_err"},
            ),
            "n_cells": (("delay", "bin"), np.stack([each.n_cells for each in found], axis=1), {"units": "1"}),
        },
        {
            "delay": ("delay", delays.frames * cells.step, {"units": "s", "long_name": "delay"}),
            "delay_frames": ("delay", delays.frames, {"units": "frames"}),
            "n_pairs": ("delay", delays.n_pairs, {"units": "1", "long_name": "pairs of frames behind the delay"}),
        },
    )
    return dataset.assign_coords(coords)
