"""Dynamics that come in bursts: time-resolved correlation, and its variance without that of noise."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.analysis._twotime_cells import time_step, twotime_node
from xpcs_nb.core import LogGrid
from xpcs_nb.errors import OptionError

__all__ = ["chi4", "trc"]

type Floats = NDArray[np.float64]

#: Lags of which the correlation is followed in time, where none are named.
LAGS = 5
#: Stretches of time that the error of a variance rests on.
BLOCKS = 10


def trc(data: xr.Dataset | xr.DataTree, bin: int, lags: Sequence[float] | None = None) -> xr.DataArray:
    r"""Follow the correlation at some lags through time (time-resolved correlation).

    .. math:: c_I(t, \tau) = C_2(t, t + \tau) - 1

    A. Duri et al., Phys. Rev. E 72, 051401 (2005).

    Parameters
    ----------
    data
        Result, its node ``twotime`` or ``twotime_log``, or the dataset. The log one has means over the groups of frames
        of its cells, which smooth fast changes at long lags.
    bin
        Label.
    lags
        s; the nearest there are. By default five, evenly spread on a logarithmic axis.

    Returns
    -------
    xarray.DataArray
        (lag, time), time being that of the earlier frame, s; NaN where the later one would lie behind the end.

    Raises
    ------
    OptionError
        If there is no two-time correlation of this bin, or a lag is not positive.
    """
    node = twotime_node(data)
    labels = node["bin"].to_numpy().tolist()
    if bin not in labels:
        raise OptionError("there is no two-time correlation of this bin", where="bin", got=bin, expected=labels)
    c2 = node["c2"].isel(bin=labels.index(bin)).to_numpy()
    n, step = (len(c2), time_step(node)) if c2.ndim == 2 else (int(node.attrs["n_frames"]), float(node.attrs["step"]))
    grid = LogGrid(n)
    wanted = _places(grid, step, lags)
    values = np.stack([_diagonal(c2, grid, place) for place in wanted]) - 1
    return xr.DataArray(
        values,
        dims=("lag", "time"),
        coords={
            "lag": ("lag", grid.delays.frames[wanted] * step, {"units": "s", "long_name": "lag"}),
            "time": ("time", np.arange(n) * step, {"units": "s", "long_name": "time of the earlier frame"}),
        },
        name="c_I",
        attrs={"units": "1", "long_name": "time-resolved correlation C2 - 1"},
    )


def _places(grid: LogGrid, step: float, lags: Sequence[float] | None) -> NDArray[np.int64]:
    delays = grid.delays.frames * step
    if lags is None:
        return np.unique(np.linspace(0, len(delays) * 0.8, LAGS).astype(np.int64))
    asked = np.asarray(list(lags), dtype=np.float64)
    if not len(asked) or not (asked > 0).all():
        raise OptionError("lags can't be used", got=asked.tolist(), expected="positive, s")
    return np.unique(np.abs(np.log(delays[:, None] / asked)).argmin(axis=0))


def _diagonal(c2: NDArray[np.floating], grid: LogGrid, place: int) -> Floats:
    """Return C2 at one delay against the earlier frame, NaN behind the end; cells repeat for their frames."""
    found = np.full(grid.n_frames, np.nan)
    lag = int(grid.delays.frames[place])
    if c2.ndim == 2:
        found[: grid.n_frames - lag] = np.diagonal(c2, lag)
    else:
        cells = np.repeat(c2[grid.start[place] : grid.start[place + 1]], 1 << int(grid.delays.level[place]))
        found[: len(cells)] = cells
    return found


def chi4(
    data: xr.Dataset | xr.DataTree, bins: Sequence[int], lags: Sequence[float] | None = None, *, blocks: int = BLOCKS
) -> xr.Dataset:
    r"""Return how much the correlation varies in time, as measured and without noise.

    .. math::

        \sigma^2(\tau) = \big\langle \mathrm{var}_t\, c_b(t, \tau) \big\rangle_b, \qquad
        \chi(\tau) = \big\langle \mathrm{cov}_t [c_b(t, \tau), c_{b'}(t, \tau)] \big\rangle_{b \ne b'}, \qquad
        c_b = c_{I,b} / \beta_b

    over bins `b` that see the same dynamics on different pixels (the same q at different phi), each divided by its
    contrast. Noise of finitely many speckles and photons is that of each bin alone, so it is in :math:`\sigma^2` and
    not in :math:`\chi`: the limit of infinitely many speckles, which A. Duri et al., Phys. Rev. E 72, 051401 (2005),
    reach by extrapolating in their number. :math:`\chi` is proportional to the dynamical susceptibility
    :math:`\chi_4`.

    Parameters
    ----------
    data
        Result, its node ``twotime`` or ``twotime_log``, or the dataset.
    bins
        Labels of bins with the same dynamics. With one bin there is no ``chi``.
    lags
        As for `trc`; by default all delays of multi-tau up to half of the series.
    blocks
        Stretches of time of the jackknife that errors come from.

    Returns
    -------
    xarray.Dataset
        ``variance``, ``chi``, ``chi_err`` (lag), and ``mean`` (lag), the mean of c_b; dimensionless.

    Raises
    ------
    OptionError
        If no bin is given, there is no two-time correlation of one, or one has no contrast.
    """
    if not len(bins):
        raise OptionError("no bin is given", where="bins", expected="labels of bins with the same dynamics")
    node = twotime_node(data)
    if lags is None:
        n = int(node.attrs["n_frames"]) if "cell" in node.dims else node.sizes["t1"]
        step = float(node.attrs["step"]) if "cell" in node.dims else time_step(node)
        frames = LogGrid(n).delays.frames
        lags = (frames[frames <= max(n // 2, 1)] * step).tolist()
    curves = [trc(node, label, lags) for label in bins]
    first = [float(np.nanmean(trc(node, label, [1e-30])[0])) for label in bins]
    if min(first) <= 0:
        raise OptionError("a bin has no contrast", where="bins", got=bins[int(np.argmin(first))])
    values = np.stack([curve.to_numpy() / contrast for curve, contrast in zip(curves, first, strict=True)])
    results = [_moments(values[:, row], blocks) for row in range(values.shape[1])]
    names = ("mean", "variance", "chi", "chi_err") if len(bins) > 1 else ("mean", "variance")
    about = {
        "mean": "mean correlation over the contrast",
        "variance": "variance in time of the correlation over the contrast, with noise",
        "chi": "the same without noise: covariance between bins",
        "chi_err": "standard error of chi, by a jackknife over stretches of time",
    }
    variables = {
        name: ("lag", [found[name] for found in results], {"units": "1", "long_name": about[name]}) for name in names
    }
    return xr.Dataset(variables, {"lag": curves[0]["lag"]}, {"bins": list(bins)})


def _moments(values: Floats, blocks: int) -> dict[str, float]:
    """Return moments of the curves of several bins at one lag, shape (B, N), NaN behind the end."""
    known = values[:, np.isfinite(values).all(axis=0)]
    b, n = known.shape
    whole = _variances(known)
    found = {"mean": float(known.mean()), "variance": whole[0], "chi": whole[1], "chi_err": float("nan")}
    cuts = np.linspace(0, n, blocks + 1).astype(int)
    if b > 1 and n >= 4 * blocks:
        parts = [np.delete(known, np.s_[begin:end], axis=1) for begin, end in pairwise(cuts)]
        without = np.array([_variances(part)[1] for part in parts])
        found["chi_err"] = float(np.sqrt((blocks - 1) / blocks * ((without - without.mean()) ** 2).sum()))
    return found


def _variances(values: Floats) -> tuple[float, float]:
    """Return the mean variance of the rows, and the mean covariance between them."""
    off = values - values.mean(axis=1, keepdims=True)
    products = off @ off.T / max(values.shape[1] - 1, 1)
    b = len(values)
    own = float(np.trace(products)) / b
    return own, float(products.sum() - np.trace(products)) / (b * (b - 1)) if b > 1 else float("nan")
