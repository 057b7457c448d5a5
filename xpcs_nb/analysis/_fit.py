"""Fit models to g2, bin by bin, with errors and a verdict for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.analysis._models import MODELS, Model, evaluate
from xpcs_nb.analysis._points import (
    MIN_PAIRS,
    Uncertainty,
    multitau_dataset,
    usable_delays,
)
from xpcs_nb.analysis._solve import Curve, Freedom, Outcome, solve, starts
from xpcs_nb.errors import OptionError

__all__ = ["ModelName", "fit_g2", "fitted_curve"]

type Floats = NDArray[np.float64]
type Bounds = Mapping[str, tuple[float, float]]
type Fixed = Mapping[str, ArrayLike]

ModelName = Literal["single", "stretched", "double"]


def fit_g2(
    data: xr.Dataset | xr.DataTree,
    *,
    model: ModelName = "single",
    bounds: Bounds | None = None,
    fixed: Fixed | None = None,
    use: Uncertainty = "g2_err",
    min_pairs: int = MIN_PAIRS,
    delay_range: tuple[float, float] | None = None,
    significance: float = 3.0,
) -> xr.Dataset:
    r"""Fit g2 of every bin by weighted least squares.

    The convention is that of g2, not of the field correlation: with :math:`b` the baseline, :math:`\beta` the
    contrast, :math:`\Gamma` the rate and :math:`\gamma` the exponent,

    - ``single``: :math:`g_2 = b + \beta \exp[-2 \Gamma \tau]`
    - ``stretched``: :math:`g_2 = b + \beta \exp[-2 (\Gamma \tau)^\gamma]`
    - ``double``: :math:`g_2 = b + \beta [f e^{-\Gamma \tau} + (1-f) e^{-\Gamma_s \tau}]^2`

    so that Brownian motion has :math:`\Gamma = D q^2`. Programs that fit :math:`\exp(-\tau/\tau_c)` to g2 have
    :math:`\tau_c = 1/(2\Gamma)`.

    Weights are :math:`1/\sigma` and errors are absolute: they are not rescaled to make chi2 equal to its degrees
    of freedom. The points of one g2 curve are correlated. Where the dataset has ``g2_cov``, that covariance is
    carried over to the errors of the parameters (:math:`A C A^T` with A the influence of each point), which makes
    them honest for correlated points too; it makes no weights, because a covariance estimated from a few dozen
    blocks has no useful inverse. Attribute ``errors`` says which was done.

    A bin fails, and then has no parameters and no curve, when it has too few points, when the iteration does not
    converge, when a parameter ends at its bound, when the points do not tell parameters apart, when a constant fits as
    well at the 3-sigma level (contrast not significant), or when the contrast is below `significance` errors (as where
    a decay is cut off by the longest delay: hold the baseline then).

    Parameters
    ----------
    data
        Multi-tau dataset with g2(delay, bin), its node, or a whole result.
    model
        ``single``, ``stretched`` or ``double``.
    bounds
        Lower and upper bound by parameter. Rates are bound to 0.01/longest .. 5/shortest usable delay of the bin,
        the exponent to 0.1 .. 3, the contrast to positive values, unless given.
    fixed
        Values to hold, by parameter: a number, or one for each bin.
    use
        Uncertainty that makes the weights: ``g2_err`` or ``g2_err_pixels`` (then ``g2_cov`` is not used).
    min_pairs, delay_range
        See `usable_delays`.
    significance
        Least contrast, in units of its error.

    Returns
    -------
    xarray.Dataset
        For each parameter ``name(bin)`` and ``name_err(bin)`` (rates in 1/s; 0 error where held);
        ``covariance(bin, parameter, parameter2)``, ``chi2``, ``dof``, ``n_used`` and ``n_excluded`` points,
        ``success``, ``status`` (``ok`` or the reason), ``used(delay, bin)`` and ``fitted(delay, bin)``.

    Raises
    ------
    OptionError
        If the dataset or an option can't be used; a bin that can't be fitted is no error.
    """
    if model not in MODELS:
        raise OptionError("no such model", where="model", got=repr(model), expected=" or ".join(get_args(ModelName)))
    data = multitau_dataset(data)
    used = usable_delays(data, use=use, min_pairs=min_pairs, delay_range=delay_range)
    problem = _Problem.of(data, MODELS[model], used.to_numpy(), use)
    limits = _limits(problem.model, bounds or {})
    held = _held(problem.model, fixed or {}, data.sizes["bin"])
    outcomes = problem.fit(limits, held, significance)
    attrs = {
        "model": model,
        "formula": MODELS[model].formula,
        "weights": f"1/{use}",
        "errors": f"from {use}" if problem.covariance is None else "from g2_cov",
        "min_pairs": min_pairs,
    }
    return _dataset(data, problem.model, used, outcomes, held).assign_attrs(attrs)


def fitted_curve(fit: xr.Dataset, delay: ArrayLike) -> xr.DataArray:
    """Evaluate the fits of all bins at other delays than the measured ones.

    Parameters
    ----------
    fit
        What `fit_g2` returned.
    delay
        Delays, s, shape (T,), positive.

    Returns
    -------
    xarray.DataArray
        g2 (delay, bin); NaN for bins without a fit.

    Raises
    ------
    OptionError
        If `fit` does not say which model it is of.
    """
    model = MODELS.get(fit.attrs.get("model", ""))
    if model is None or any(name not in fit for name in model.names):
        raise OptionError("this is no fit of g2", got=fit.attrs.get("model"), expected="what fit_g2 returns")
    delay = np.asarray(delay, dtype=float)
    values = np.stack([fit[name].to_numpy() for name in model.names], axis=-1)
    curve = evaluate(model, delay, values).T
    about = {"units": "1", "long_name": "fitted g2"}
    coords = {"delay": ("delay", delay, {"units": "s"})} | {
        name: coord for name, coord in fit.coords.items() if coord.dims == ("bin",)
    }
    return xr.DataArray(curve, dims=("delay", "bin"), coords=coords, name="fitted", attrs=about)


@dataclass(frozen=True)
class _Problem:
    """g2 of all bins as plain arrays: g2, sigma, used of shape (D, T), covariance (D, T, T) or None."""

    model: Model
    delay: Floats
    g2: Floats
    sigma: Floats
    used: NDArray[np.bool_]
    covariance: Floats | None

    @classmethod
    def of(cls, data: xr.Dataset, model: Model, used: NDArray[np.bool_], use: Uncertainty) -> _Problem:
        covariance = None
        if use == "g2_err" and "g2_cov" in data:
            covariance = data["g2_cov"].transpose("bin", "delay", ...).to_numpy().astype(float)
        g2 = data["g2"].transpose("bin", "delay").to_numpy().astype(float)
        sigma = data[use].transpose("bin", "delay").to_numpy().astype(float)
        return cls(model, data["delay"].to_numpy().astype(float), g2, sigma, used.T, covariance)

    def fit(self, limits: Floats, held: Floats, significance: float) -> list[Outcome]:
        if not self.used.any():
            return [self._outcome(bin_, np.empty(0), limits, held, significance) for bin_ in range(len(self.g2))]
        weight = np.where(self.used, np.where(self.used, self.sigma, 1.0) ** -2.0, 0.0)
        g2 = np.where(self.used, self.g2, 1.0)
        begin = np.empty((len(g2), len(self.model.parameters)))
        same = bool(np.all((held == held[:1]) | np.isnan(held) & np.isnan(held[:1])))
        some = self.used.any(axis=0)
        for group in [slice(None)] if same else [slice(bin_, bin_ + 1) for bin_ in range(len(g2))]:
            freedom = self._freedom(self.delay[some], limits, held[group][0], significance)
            begin[group] = starts(self.model, self.delay[some], g2[group, some], weight[group, some], freedom)
        return [self._outcome(bin_, begin[bin_], limits, held, significance) for bin_ in range(len(g2))]

    def _outcome(self, bin_: int, start: Floats, limits: Floats, held: Floats, significance: float) -> Outcome:
        used = self.used[bin_]
        delay = self.delay[used]
        freedom = self._freedom(delay, limits, held[bin_], significance)
        covariance = None if self.covariance is None else self.covariance[bin_][np.ix_(used, used)]
        if covariance is not None and not np.isfinite(covariance).all():
            nothing = np.full(len(held[bin_]), np.nan)
            return Outcome("g2_cov is incomplete", nothing, np.full((len(nothing), len(nothing)), np.nan))
        curve = Curve(delay, self.g2[bin_, used], self.sigma[bin_, used], covariance)
        return solve(self.model, curve, start, freedom)

    def _freedom(self, delay: Floats, limits: Floats, held: Floats, significance: float) -> Freedom:
        low, high = limits.copy()
        if len(delay):
            low = np.where(np.isnan(low), np.log(0.01 / delay.max()), low)
            high = np.where(np.isnan(high), np.log(5.0 / delay.min()), high)
        return Freedom(low, high, held, significance)


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


def _dataset(
    data: xr.Dataset, model: Model, used: xr.DataArray, outcomes: Sequence[Outcome], held: Floats
) -> xr.Dataset:
    values = np.array([outcome.values for outcome in outcomes])
    spread = np.array([outcome.covariance for outcome in outcomes])
    success = np.array([outcome.status == "ok" for outcome in outcomes])
    rates = [column for column, parameter in enumerate(model.parameters) if parameter.is_rate]
    values[:, rates] = np.exp(values[:, rates])
    scale = np.ones_like(values)
    scale[:, rates] = values[:, rates]
    spread = spread * scale[:, :, None] * scale[:, None, :]
    error = np.sqrt(np.diagonal(spread, axis1=1, axis2=2))
    error = np.where(success[:, None] & ~np.isnan(held), 0.0, error)

    coords = {name: data.coords[name] for name in data.coords if name != "delay2"}
    names = list(model.names)
    result = xr.Dataset(coords=coords | {"parameter": names, "parameter2": names})
    for column, parameter in enumerate(model.parameters):
        about = {"units": parameter.unit, "long_name": parameter.long_name}
        result[parameter.name] = ("bin", values[:, column], about)
        about = {"units": parameter.unit, "long_name": f"standard error of the {parameter.long_name}"}
        result[f"{parameter.name}_err"] = ("bin", error[:, column], about)
    result["covariance"] = (
        ("bin", "parameter", "parameter2"),
        spread,
        {"long_name": "covariance of the parameters", "units": "product of the parameters' units"},
    )
    n_used = used.to_numpy().sum(axis=0)
    result["chi2"] = ("bin", [o.chi2 for o in outcomes], {"units": "1", "long_name": "chi squared"})
    result["dof"] = ("bin", [o.dof for o in outcomes], {"units": "1", "long_name": "degrees of freedom"})
    result["n_used"] = ("bin", n_used, {"units": "1", "long_name": "points that were fitted"})
    result["n_excluded"] = ("bin", len(used) - n_used, {"units": "1", "long_name": "points that were left out"})
    result["success"] = ("bin", success, {"units": "1", "long_name": "the fit can be used"})
    result["status"] = ("bin", [o.status for o in outcomes], {"units": "1", "long_name": "ok, or why there is no fit"})
    result["used"] = used
    curve = evaluate(model, data["delay"].to_numpy().astype(float), np.where(success[:, None], values, np.nan))
    result["fitted"] = (("delay", "bin"), curve.T, {"units": "1", "long_name": "fitted g2"})
    return result
