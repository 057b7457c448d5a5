"""What a global fit found, as a dataset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.analysis._dispersion import Dispersion, LeftOut
from xpcs_nb.analysis._models import Model, evaluate
from xpcs_nb.errors import FitError, OptionError

__all__ = ["GlobalOutcome", "global_dataset", "global_dispersion"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GlobalOutcome:
    """A global fit of M curves; rates as logarithms.

    Attributes
    ----------
    status
        ``ok`` or why the whole fit failed.
    theta, covariance, held
        Parameters of each curve (M, P), their covariance (M, P, P), and which were held (M, P).
    chi2, n_used
        Of each curve, shape (M,).
    dof
        Of all.
    law, law_covariance
        Log rates at the pivot, then the exponent if it was free.
    exponent
        The exponent where it was held.
    pivot
        Logarithm of the q that the log rates are for.
    repeat, bin
        Places of the curves, shape (M,).
    reasons
        For each repeat and bin ``ok``, or why it takes no part.
    """

    status: str
    theta: Floats
    covariance: Floats
    held: NDArray[np.bool_]
    chi2: Floats
    n_used: NDArray[np.int64]
    dof: int
    law: Floats
    law_covariance: Floats
    exponent: float | None
    pivot: float
    repeat: NDArray[np.int64]
    bin: NDArray[np.int64]
    reasons: list[list[str]]


def global_dataset(
    datasets: list[xr.Dataset], model: Model, outcome: GlobalOutcome, used: list[xr.DataArray]
) -> xr.Dataset:
    """Return values, errors and verdicts by repeat and bin, and the power law; see `fit_global`."""
    good = outcome.status == "ok"
    shape = (len(datasets), datasets[0].sizes["bin"])
    scale = np.where(model.rates, np.exp(outcome.theta), 1.0)
    values = np.where(model.rates, np.exp(outcome.theta), outcome.theta)
    spread = outcome.covariance * scale[:, :, None] * scale[:, None, :]
    with np.errstate(invalid="ignore"):
        error = np.where(outcome.held, 0.0, np.sqrt(np.diagonal(spread, axis1=1, axis2=2)))
    names = list(model.names)
    coords = {name: coord for name, coord in datasets[0].coords.items() if set(coord.dims) <= {"delay", "bin"}}
    result = xr.Dataset(coords=coords | {"parameter": names, "parameter2": names})
    grid = ("repeat", "bin")

    def placed(curves: Floats) -> Floats:
        full = np.full((*shape, *curves.shape[1:]), np.nan)
        if good:
            full[outcome.repeat, outcome.bin] = curves
        return full

    for column, parameter in enumerate(model.parameters):
        about = {"units": parameter.unit, "long_name": parameter.long_name}
        result[parameter.name] = (grid, placed(values[:, column]), about)
        about = {"units": parameter.unit, "long_name": f"standard error of the {parameter.long_name}"}
        result[f"{parameter.name}_err"] = (grid, placed(error[:, column]), about)
    text = {"long_name": "covariance of the parameters", "units": "product of the parameters' units"}
    result["covariance"] = ((*grid, "parameter", "parameter2"), placed(spread), text)
    taken = np.zeros(shape, dtype=bool)
    taken[outcome.repeat, outcome.bin] = good
    status = np.array(outcome.reasons, dtype=object)
    status[outcome.repeat, outcome.bin] = outcome.status
    points = np.stack([each.transpose("delay", "bin").to_numpy() for each in used])
    for name, column_values, long_name in (
        ("chi2", placed(outcome.chi2), "chi squared"),
        # Each curve's share of what is left after all parameters: chi2 / dof is then about 1 for a good curve.
        ("dof", placed(outcome.n_used * (outcome.dof / outcome.n_used.sum())), "share of the degrees of freedom"),
        ("n_used", points.sum(axis=1), "points that were fitted"),
        ("n_excluded", (~points).sum(axis=1), "points that were left out"),
        ("success", taken, "the fit can be used"),
        ("status", status.astype(str), "ok, or why there is no fit"),
    ):
        result[name] = (grid, column_values, {"units": "1", "long_name": long_name})
    result["used"] = (("repeat", "delay", "bin"), points, used[0].attrs)
    delay = datasets[0]["delay"].to_numpy().astype(float)
    curve = evaluate(model, np.where(delay > 0, delay, np.nan), values)
    fitted = placed(curve).transpose(0, 2, 1)
    result["fitted"] = (("repeat", "delay", "bin"), fitted, {"units": "1", "long_name": "fitted g2"})
    result = _with_law(result, outcome, good, second="rate_slow" in names)
    return result.isel(repeat=0) if len(datasets) == 1 else result.assign_coords(repeat=np.arange(1, shape[0] + 1))


def _with_law(result: xr.Dataset, outcome: GlobalOutcome, good: bool, *, second: bool) -> xr.Dataset:
    n_rates = 2 if second else 1
    free = outcome.exponent is None
    exponent = float(outcome.law[n_rates]) if free else float(outcome.exponent or 0.0)
    variance = outcome.law_covariance
    exponent_err = float(np.sqrt(variance[n_rates, n_rates])) if free else 0.0
    scalars: dict[str, tuple[float, str, str]] = {
        "q_exponent": (exponent, "1", "exponent of q"),
        "q_exponent_err": (exponent_err, "1", "standard error of the exponent of q"),
        "global_chi2": (float(outcome.chi2.sum()), "1", "chi squared of all curves"),
        "global_dof": (float(outcome.dof), "1", "degrees of freedom of all curves"),
    }
    for place, name in enumerate(("D", "D_slow")[:n_rates]):
        log_D = outcome.law[place] - exponent * outcome.pivot
        spread = variance[place, place]
        if free:
            spread += outcome.pivot**2 * variance[n_rates, n_rates] - 2 * outcome.pivot * variance[place, n_rates]
        scalars[name] = (float(np.exp(log_D)), "angstrom**n/s", "coefficient of rate = D q**n")
        scalars[f"{name}_err"] = (float(np.exp(log_D) * np.sqrt(spread)), "angstrom**n/s", f"standard error of {name}")
    # Where the rate does not depend on what the exponent is.
    shift = -float(variance[0, n_rates] / variance[n_rates, n_rates]) if free else 0.0
    level = outcome.law[0] + exponent * shift
    spread = variance[0, 0] + (shift * variance[0, n_rates] if free else 0.0)
    scalars["q_pivot"] = (float(np.exp(outcome.pivot + shift)), "1/angstrom", "q where the rate is known best")
    scalars["rate_pivot"] = (float(np.exp(level)), "1/s", "rate at q_pivot")
    scalars["rate_pivot_err"] = (float(np.exp(level) * np.sqrt(spread)), "1/s", "standard error of the rate at q_pivot")
    for name, (value, unit, words) in scalars.items():
        result[name] = ((), value if good else np.nan, {"units": unit, "long_name": words})
    return result


def global_dispersion(fit: xr.Dataset) -> Dispersion:
    """Return the power law of a global fit, for `size` and `plot_dispersion`.

    Raises
    ------
    OptionError
        If `fit` is not what `fit_global` returned.
    FitError
        If the fit failed.
    """
    if "q_exponent" not in fit:
        raise OptionError("this is no global fit", got=fit.attrs.get("model"), expected="what fit_global returns")
    success = fit["success"].to_numpy().reshape(-1, fit.sizes["bin"])
    if not success.any():
        raise FitError("the global fit failed", got=str(np.unique(fit["status"].to_numpy())[0]))
    labels = fit["bin"].to_numpy()
    status = fit["status"].to_numpy().reshape(-1, fit.sizes["bin"])
    any_repeat = success.any(axis=0)
    left_out = tuple(LeftOut(int(labels[bin_]), str(status[0, bin_])) for bin_ in np.flatnonzero(~any_repeat))
    value = {
        name: float(fit[name])
        for name in ("D", "D_err", "q_pivot", "rate_pivot", "rate_pivot_err", "q_exponent", "q_exponent_err")
    }
    return Dispersion(
        D=value["D"],
        D_err=value["D_err"],
        exponent=value["q_exponent"],
        exponent_err=value["q_exponent_err"],
        q_pivot=value["q_pivot"],
        rate_pivot=value["rate_pivot"],
        rate_pivot_err=value["rate_pivot_err"],
        chi2=float(fit["global_chi2"]),
        dof=int(fit["global_dof"]),
        used=tuple(int(label) for label in labels[any_repeat]),
        left_out=left_out,
    )
