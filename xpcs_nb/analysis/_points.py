"""Which points of g2 a fit may use, and with which weight."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import xarray as xr

from xpcs_nb.analysis._limits import MIN_PAIRS
from xpcs_nb.errors import OptionError

__all__ = ["MIN_PAIRS", "Uncertainty", "multitau_dataset", "usable_delays"]

#: Where g2 gets its weights from.
Uncertainty = Literal["g2_err", "g2_err_pixels"]


def multitau_dataset(data: xr.Dataset | xr.DataTree) -> xr.Dataset:
    """Return the multi-tau dataset of a result, of its ``multitau`` node, or as given.

    Raises
    ------
    OptionError
        If there is no g2(delay, bin) in it.
    """
    if isinstance(data, xr.DataTree):
        node = data["multitau"] if "multitau" in data.children else data
        data = node.to_dataset()
    if "g2" not in data or set(data["g2"].dims) != {"delay", "bin"} or "delay" not in data.coords:
        raise OptionError(
            "this is no multi-tau dataset",
            got=f"variables {', '.join(map(str, data.data_vars)) or 'none'}",
            expected="g2(delay, bin) with a coordinate delay in s",
            hint='Pass result["multitau"].',
        )
    return data


def usable_delays(
    data: xr.Dataset | xr.DataTree,
    *,
    use: Uncertainty = "g2_err",
    min_pairs: int = MIN_PAIRS,
    delay_range: tuple[float, float] | None = None,
) -> xr.DataArray:
    """Tell which points of g2 can be trusted in a fit.

    Left out are delays that average over fewer than `min_pairs` pairs of frames (where the result says how many),
    delays of 0 (shot noise) or outside `delay_range`, and points whose g2 or error is missing or whose error is 0.

    Parameters
    ----------
    data
        Multi-tau dataset, its node, or a whole result.
    use
        Variable that holds the uncertainty.
    min_pairs
        Least number of pairs.
    delay_range
        Shortest and longest delay, s, both included.

    Returns
    -------
    xarray.DataArray
        bool (delay, bin).

    Raises
    ------
    OptionError
        If the dataset has no such uncertainty.
    """
    data = multitau_dataset(data)
    if use not in get_args(Uncertainty) or use not in data:
        have = [name for name in get_args(Uncertainty) if name in data]
        raise OptionError("no such uncertainty", where="use", got=repr(use), expected=" or ".join(have) or "g2_err")
    # Plain arrays: lining up coordinates that are the same takes longer than all the rest.
    g2, err = (data.variables[name].transpose("delay", "bin").to_numpy() for name in ("g2", use))
    delay = data.variables["delay"].to_numpy()
    row = delay > 0
    if "n_pairs" in data.coords:
        row &= ~(data.variables["n_pairs"].to_numpy() < min_pairs)
    if delay_range is not None:
        row &= (delay >= delay_range[0]) & (delay <= delay_range[1])
    good = np.isfinite(g2) & (err > 0) & (err < np.inf) & row[:, None]
    attrs = {"long_name": "point can be used in a fit", "units": "1"}
    return xr.Dataset({"used": xr.Variable(("delay", "bin"), good, attrs)}, data["g2"].coords)["used"]
