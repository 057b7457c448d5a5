"""What a fit found, as a dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.analysis._freedom import Freedom
from xpcs_nb.analysis._models import Model, evaluate
from xpcs_nb.analysis._solve import Outcome

__all__ = ["fit_dataset"]

type Floats = NDArray[np.float64]

PER_BIN = {
    "chi2": "chi squared",
    "dof": "degrees of freedom",
    "p_value": "chance of a larger chi2, were the model right",
    "penalty": "parameters that noise can make use of",
    "error_dof": "degrees of freedom of the errors; inf where they are known",
    "n_used": "points that were fitted",
    "n_excluded": "points that were left out",
    "success": "the fit can be used",
    "status": "ok, or why there is no fit",
}


def fit_dataset(data: xr.Dataset, model: Model, used: xr.DataArray, outcome: Outcome, freedom: Freedom) -> xr.Dataset:
    """Return values, errors and verdicts by bin; see `fit_g2`."""
    success = np.array([status == "ok" for status in outcome.status], dtype=bool)
    values, spread = _natural(model, outcome)
    error = np.sqrt(np.diagonal(spread, axis1=1, axis2=2))
    error = np.where(success[:, None] & ~np.isnan(freedom.fixed), 0.0, error)
    coords = {name: data.coords[name] for name in data.coords if name != "delay2"}
    names = list(model.names)
    # Made in one go: each assignment to a dataset costs as much as some ten fits.
    variables: dict[str, Any] = {}
    for column, parameter in enumerate(model.parameters):
        about = {"units": parameter.unit, "long_name": parameter.long_name}
        variables[parameter.name] = ("bin", values[:, column], about)
        about = {"units": parameter.unit, "long_name": f"standard error of the {parameter.long_name}"}
        variables[f"{parameter.name}_err"] = ("bin", error[:, column], about)
    variables["covariance"] = (
        ("bin", "parameter", "parameter2"),
        spread,
        {"long_name": "covariance of the parameters", "units": "product of the parameters' units"},
    )
    n_used = used.to_numpy().sum(axis=0)
    columns = {
        "chi2": outcome.chi2,
        "dof": outcome.dof,
        "p_value": outcome.p_value,
        "penalty": outcome.penalty,
        "error_dof": np.full(len(success), np.inf) if outcome.error_dof is None else outcome.error_dof,
        "n_used": n_used,
        "n_excluded": len(used) - n_used,
        "success": success,
        "status": np.array(outcome.status, dtype=str),
    }
    for name, long_name in PER_BIN.items():
        variables[name] = ("bin", columns[name], {"units": "1", "long_name": long_name})
    variables["used"] = used
    curve = evaluate(model, _positive(data["delay"].to_numpy()), np.where(success[:, None], values, np.nan))
    variables["fitted"] = (("delay", "bin"), curve.T, {"units": "1", "long_name": "fitted g2"})
    return xr.Dataset(variables, coords | {"parameter": names, "parameter2": names})


def _natural(model: Model, outcome: Outcome) -> tuple[Floats, Floats]:
    """Return values and covariance with rates in 1/s."""
    values = outcome.values.copy()
    values[:, model.rates] = np.exp(values[:, model.rates])
    scale = np.ones_like(values)
    scale[:, model.rates] = values[:, model.rates]
    return values, outcome.covariance * scale[:, :, None] * scale[:, None, :]


def _positive(delay: NDArray[np.floating]) -> Floats:
    """Return delays with NaN for 0, at which no model is evaluated."""
    return np.where(delay > 0, delay, np.nan).astype(float)
