"""Bounds and held values of fits, checked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.analysis._freedom import Freedom
from xpcs_nb.analysis._models import Model
from xpcs_nb.errors import OptionError

__all__ = ["Bounds", "Fixed", "freedom_of"]

type Floats = NDArray[np.float64]
type Bounds = Mapping[str, tuple[float, float]]
type Fixed = Mapping[str, ArrayLike]


def freedom_of(
    model: Model, bounds: Bounds, fixed: Fixed, delay: Floats, used: NDArray[np.bool_], significance: float
) -> Freedom:
    """Return bounds and held values for the curves whose `used` points (D, T) lie at `delay` (T,).

    Raises
    ------
    OptionError
        If a bound or a value can't be used, or nothing is left to fit.
    """
    low, high = np.broadcast_to(_limits(model, bounds)[:, None, :], (2, len(used), len(model.parameters))).copy()
    shortest = np.where(used, delay, np.inf).min(axis=1, initial=np.inf)
    longest = np.where(used, delay, 0.0).max(axis=1, initial=0.0)
    # Curves without points are not fitted.
    shortest, longest = np.where(longest > 0, shortest, 1.0), np.where(longest > 0, longest, 1.0)
    low = np.where(np.isnan(low), np.log(0.01 / longest)[:, None], low)
    high = np.where(np.isnan(high), np.log(5.0 / shortest)[:, None], high)
    return Freedom(low, high, _held(model, fixed, len(used)), significance)


def _limits(model: Model, bounds: Bounds) -> Floats:
    """Return lower and upper bounds, shape (2, P), rates as logarithms; NaN where they follow from the delays."""
    _known(model, bounds, "bounds")
    rows = []
    for parameter in model.parameters:
        low, high = bounds.get(parameter.name, parameter.bounds or (np.nan, np.nan))
        if low >= high or (parameter.is_rate and low < 0):
            raise OptionError(
                f"bounds of {parameter.name} can't be used",
                where="bounds",
                got=(low, high),
                expected="lower < upper" + (", both positive" if parameter.is_rate else ""),
            )
        with np.errstate(divide="ignore"):
            rows.append(np.log([low, high]) if parameter.is_rate else np.array([low, high], dtype=float))
    return np.array(rows).T


def _held(model: Model, fixed: Fixed, n_bins: int) -> Floats:
    """Return held values, shape (D, P), rates as logarithms; NaN for free parameters."""
    _known(model, fixed, "fixed")
    held = np.full((n_bins, len(model.parameters)), np.nan)
    for column, parameter in enumerate(model.parameters):
        if parameter.name not in fixed:
            continue
        values = np.asarray(fixed[parameter.name], dtype=float)
        if (
            values.shape not in {(), (n_bins,)}
            or not np.isfinite(values).all()
            or (parameter.is_rate and values.min() <= 0)
        ):
            raise OptionError(
                f"{parameter.name} can't be held at this value",
                where="fixed",
                got=fixed[parameter.name],
                expected=f"a finite {'positive ' * parameter.is_rate}number, or one for each of {n_bins} bins",
            )
        held[:, column] = np.log(values) if parameter.is_rate else values
    if not np.isnan(held).any(axis=1).all():
        raise OptionError("nothing is left to fit", where="fixed", got=", ".join(fixed), expected="a free parameter")
    return held


def _known(model: Model, names: Mapping[str, object], where: str) -> None:
    unknown = [name for name in names if name not in model.names]
    if unknown:
        raise OptionError(
            f"model {model.name!r} has no such parameter",
            where=where,
            got=", ".join(unknown),
            expected=", ".join(model.names),
        )
