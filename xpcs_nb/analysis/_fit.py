"""Fit models to g2, bin by bin, with errors and a verdict for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.analysis._few_samples import error_dof, smooth_errors
from xpcs_nb.analysis._fit_dataset import fit_dataset
from xpcs_nb.analysis._fit_limits import Bounds, Fixed, freedom_of
from xpcs_nb.analysis._known_models import ModelName, model_of, remember
from xpcs_nb.analysis._models import Model, evaluate
from xpcs_nb.analysis._points import (
    MIN_PAIRS,
    Uncertainty,
    multitau_dataset,
    usable_delays,
)
from xpcs_nb.analysis._shrink import whitening
from xpcs_nb.analysis._solve import Curves, solve
from xpcs_nb.errors import OptionError

__all__ = ["Weights", "curves_of", "fit_g2", "fitted_curve"]

type Floats = NDArray[np.float64]

#: ``errors``: points weigh 1/sigma. ``covariance``: by the inverse of their covariance, shrunk.
Weights = Literal["errors", "covariance"]


def fit_g2(
    data: xr.Dataset | xr.DataTree,
    *,
    model: ModelName | Model | Callable[..., Any] = "single",
    bounds: Bounds | None = None,
    fixed: Fixed | None = None,
    use: Uncertainty = "g2_err",
    weights: Weights = "errors",
    min_pairs: int = MIN_PAIRS,
    delay_range: tuple[float, float] | None = None,
    significance: float = 3.0,
) -> xr.Dataset:
    r"""Fit g2 of every bin by weighted least squares, all bins at once.

    The convention is that of g2, not of the field correlation: with :math:`b` the baseline, :math:`\beta` the
    contrast, :math:`\Gamma` the rate and :math:`\gamma` the exponent,

    - ``single``: :math:`g_2 = b + \beta \exp[-2 \Gamma \tau]`
    - ``stretched`` (compressed where :math:`\gamma > 1`): :math:`g_2 = b + \beta \exp[-2 (\Gamma \tau)^\gamma]`
    - ``double``: :math:`g_2 = b + \beta [f e^{-\Gamma \tau} + (1-f) e^{-\Gamma_s \tau}]^2`
    - ``double_stretched``: the same with :math:`(\Gamma \tau)^\gamma` and :math:`(\Gamma_s \tau)^{\gamma_s}`
    - ``cumulant``: :math:`g_2 = b + \beta e^{-2 \Gamma \tau} (1 + p\, \Gamma^2 \tau^2 / 2)^2`, a narrow
      distribution of rates with mean :math:`\Gamma` and variance :math:`p\, \Gamma^2` (B. J. Frisken, Appl. Opt. 40,
      4087 (2001), doi 10.1364/AO.40.004087); p is the polydispersity index of light scattering
    - a function of your own, ``function(delay, first, second, ...)``, or a `Model.from_function`

    so that Brownian motion has :math:`\Gamma = D q^2`. Programs that fit :math:`\exp(-\tau/\tau_c)` to g2 have
    :math:`\tau_c = 1/(2\Gamma)`.

    Errors are absolute: they are not rescaled to make chi2 equal to its degrees of freedom. The points of one g2
    curve are correlated. Where the dataset has ``g2_cov``, that covariance is carried over to the errors of the
    parameters (:math:`A C A^T` with A the influence of each point), which makes them honest for correlated points
    too, with any weights. By default it makes no weights, because a covariance estimated from a few dozen blocks has
    no useful inverse (docs/explanation/fits). Nor do the errors of single points, where they rest on few blocks or
    repeats (``g2_dof``): weights are made of a smooth curve of them against delay, and the errors of the parameters
    include Student's factor, so that 68 % of intervals hold the truth. Attribute ``errors`` says which was done.

    A bin fails, and then has no parameters and no curve, when it has too few points, when the iteration does not
    converge, when a parameter ends at its bound, when the points do not tell parameters apart, when a constant fits as
    well at the 3-sigma level (contrast not significant), or when the contrast is below `significance` errors (as where
    a decay is cut off by the longest delay: hold the baseline then).

    Parameters
    ----------
    data
        Multi-tau dataset with g2(delay, bin), its node, or a whole result.
    model
        One of the names above, a `Model`, or a function.
    bounds
        Lower and upper bound by parameter. Rates are bound to 0.01/longest .. 5/shortest usable delay of the bin,
        exponents to 0.1 .. 3, the contrast to positive values, the polydispersity to -0.5 .. 1, unless given.
    fixed
        Values to hold, by parameter: a number, or one for each bin.
    use
        Uncertainty that makes the weights: ``g2_err`` or ``g2_err_pixels`` (then ``g2_cov`` is not used).
    weights
        ``errors``: 1/sigma. ``covariance``: the inverse of ``g2_cov``, whose correlations are shrunk towards 0 by as
        much as their noise asks for; for covariances of at least 200 samples (attribute ``samples`` of ``g2_cov``).
    min_pairs, delay_range
        See `usable_delays`.
    significance
        Least contrast, in units of its error.

    Returns
    -------
    xarray.Dataset
        For each parameter ``name(bin)`` and ``name_err(bin)`` (rates in 1/s; 0 error where held);
        ``covariance(bin, parameter, parameter2)``, ``error_dof`` (degrees of freedom of the errors, inf where they are
        known), ``chi2``, ``dof``, ``p_value`` (chance of a larger chi2, were the
        model right), ``penalty`` (see `compare_models`), ``n_used`` and ``n_excluded`` points, ``success``,
        ``status`` (``ok`` or the reason), ``used(delay, bin)`` and ``fitted(delay, bin)``.

    Raises
    ------
    OptionError
        If the dataset or an option can't be used; a bin that can't be fitted is no error.
    """
    model = remember(model_of(model))
    data = multitau_dataset(data)
    used = usable_delays(data, use=use, min_pairs=min_pairs, delay_range=delay_range)
    curves = curves_of(data, used, use, weights)
    freedom = freedom_of(model, bounds or {}, fixed or {}, curves.delay, curves.used, significance)
    outcome = solve(model, curves, freedom)
    attrs = {
        "model": model.name,
        "formula": model.formula,
        "weights": f"1/{use}" if curves.whitening is None else "inverse of the shrunk g2_cov",
        "errors": f"from {use}" if curves.covariance is None else "from g2_cov",
        "min_pairs": min_pairs,
    }
    return fit_dataset(data, model, used, outcome, freedom).assign_attrs(attrs)


def fitted_curve(fit: xr.Dataset, delay: ArrayLike, *, model: Model | Callable[..., Any] | None = None) -> xr.DataArray:
    """Evaluate the fits of all bins at other delays than the measured ones.

    Parameters
    ----------
    fit
        What `fit_g2` or `fit_global` returned.
    delay
        Delays, s, shape (T,), positive.
    model
        The model of a function of your own, where the fit was made in another session.

    Returns
    -------
    xarray.DataArray
        g2 (delay, bin); NaN for bins without a fit.

    Raises
    ------
    OptionError
        If `fit` does not say which model it is of, or that is not known here.
    """
    known = model_of(fit.attrs.get("model", "") if model is None else model)
    if any(name not in fit for name in known.names):
        raise OptionError("this is no fit of g2", got=fit.attrs.get("model"), expected="what fit_g2 returns")
    delay = np.asarray(delay, dtype=float)
    values = np.stack([fit[name].to_numpy() for name in known.names], axis=-1)
    curve = evaluate(known, delay, values).T
    about = {"units": "1", "long_name": "fitted g2"}
    coords = {"delay": ("delay", delay, {"units": "s"})} | {
        name: coord for name, coord in fit.coords.items() if coord.dims == ("bin",)
    }
    return xr.DataArray(curve, dims=("delay", "bin"), coords=coords, name="fitted", attrs=about)


def curves_of(data: xr.Dataset, used: xr.DataArray, use: Uncertainty, weights: Weights) -> Curves:
    """Return g2 of all bins as plain arrays.

    Raises
    ------
    OptionError
        If the points are to be weighted by a covariance that is not there, or not well known.
    """
    if weights not in {"errors", "covariance"}:
        raise OptionError("no such weights", where="weights", got=repr(weights), expected="'errors' or 'covariance'")
    points = used.to_numpy().T
    g2, sigma = (data[name].transpose("bin", "delay").to_numpy().astype(float) for name in ("g2", use))
    g2, sigma = np.where(points, g2, 1.0), np.where(points, sigma, 1.0)
    delay = data["delay"].to_numpy().astype(float)
    # Delay 0 is never used, and has no logarithm.
    delay = np.where(delay > 0, delay, delay[delay > 0].min(initial=1.0))
    covariance, white, dof = None, None, None
    if use == "g2_err":
        dof = error_dof(data)
        if "g2_cov" in data:
            covariance = data["g2_cov"].transpose("bin", "delay", ...).to_numpy().astype(float)
    if weights == "covariance":
        if covariance is None:
            raise OptionError("there is no covariance to weight with", where="weights", expected="g2_cov beside g2_err")
        white = whitening(covariance, sigma, points, _samples(data["g2_cov"]))
    elif covariance is not None and dof is not None:
        sigma = smooth_errors(sigma, np.log(delay), points, dof)
    return Curves(delay, g2, sigma, points, covariance, white, dof)


def _samples(covariance: xr.DataArray) -> int:
    samples = covariance.attrs.get("samples")
    if samples is None:
        raise OptionError(
            "g2_cov does not say from how many samples it was estimated",
            where="weights",
            expected="attribute 'samples', the number of blocks or repeats",
            hint='Set data["g2_cov"].attrs["samples"], or use weights="errors".',
        )
    return int(samples)
