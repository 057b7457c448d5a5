"""Which model describes g2: information criteria, F-tests, and whether any of them does."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import fdtrc

from xpcs_nb.analysis._fit import fit_g2
from xpcs_nb.analysis._known_models import ModelName
from xpcs_nb.analysis._models import Model
from xpcs_nb.errors import OptionError

__all__ = ["compare_models"]

type Floats = NDArray[np.float64]

#: A model is not accepted where a right one would have such a chi2 in any of the bins less often than this (3 sigma).
LEAST_P_VALUE = 0.0027


def compare_models(
    data: xr.Dataset | xr.DataTree,
    models: Sequence[ModelName | Model | Callable[..., Any]] = ("single", "stretched", "double"),
    *,
    fixed: Mapping[str, Any] | None = None,
    **options: Any,
) -> xr.Dataset:
    r"""Fit several models and compare them, bin by bin and over all bins.

    With N points, k free parameters and chi2 from known errors,

    - ``aic``: :math:`\chi^2 + 2k`, Akaike's criterion: the smaller, the better the model is expected to describe new
      data. Where points are correlated and ``g2_cov`` says how, k is the number of parameters that the noise can make
      use of (Takeuchi's correction, ``penalty`` of `fit_g2`): correlated noise looks like structure, and 2k would
      favour whatever model has room for it;
    - ``bic``: :math:`\chi^2 + k \ln N`, Schwarz's criterion: stricter, for the question which of them is true;
    - ``weight``: :math:`\propto e^{-\Delta \mathrm{AIC}/2}`, normalised over the models;
    - ``f_test``: the chance that a model lowers chi2 by so much against the first one although the first is right,
      from :math:`F = (\Delta\chi^2 / \Delta k) / (\chi^2 / \nu)`; it does not need the scale of the errors, but it
      holds for nested models (``single`` in ``stretched``, ``double``, ``cumulant``) and uncorrelated points only.

    A model whose fit of a bin failed is no candidate there.

    Parameters
    ----------
    data
        As in `fit_g2`.
    models
        Names, models or functions, the simplest first.
    fixed
        Values to hold, by parameter; a model that lacks the parameter goes without.
    **options
        Of `fit_g2`, for all models: ``use``, ``min_pairs``, ``delay_range``, ``significance``, ``weights``.

    Returns
    -------
    xarray.Dataset
        By ``model`` and ``bin``: ``chi2``, ``dof``, ``k``, ``aic``, ``bic``, ``weight``, ``f_test``, ``p_value``
        (see `fit_g2`), ``success``, ``status``; ``best(bin)`` by aic (empty where no model could be fitted) and
        ``adequate(bin)``, whether the best one has a chi2 that a right model would have. Over the bins that all models
        could fit (but for those that failed in most): ``total_chi2``, ``total_aic``, ``total_bic``, ``total_f_test``
        by ``model``, ``n_common``, and
        attribute ``best``.

    Raises
    ------
    OptionError
        If fewer than two models are given, or an option can't be used.

    Warns
    -----
    UserWarning
        If no model describes a bin: chi2 is larger than right models would have, in any of the bins, in 0.27 % of
        cases.
    """
    if len(models) < 2:
        raise OptionError("there is nothing to compare", where="models", got=len(models), expected="two or more")
    fits = [_fit(data, model, fixed or {}, options) for model in models]
    names = [str(fit.attrs["model"]) for fit in fits]
    if len(set(names)) < len(names):
        raise OptionError("a model is given twice", where="models", got=", ".join(names))
    parts = ("chi2", "dof", "penalty", "p_value", "success", "status", "n_used")
    stacked = xr.concat([fit[list(parts)] for fit in fits], dim=xr.Variable("model", names), join="override")
    found = _criteria(stacked)
    found = _totals(found)
    _warn(found)
    return found


def _fit(
    data: xr.Dataset | xr.DataTree, model: Any, fixed: Mapping[str, Any], options: Mapping[str, Any]
) -> xr.Dataset:
    from xpcs_nb.analysis._known_models import model_of, remember

    known = remember(model_of(model))
    held = {name: value for name, value in fixed.items() if name in known.names}
    return fit_g2(data, model=known, fixed=held, **options)


def _criteria(found: xr.Dataset) -> xr.Dataset:
    good = found["success"]
    k = (found["n_used"] - found["dof"]).where(good)
    chi2 = found["chi2"].where(good)
    aic = chi2 + 2 * found["penalty"]
    bic = chi2 + k * np.log(found["n_used"].where(good))
    least = aic.min("model")
    weight: xr.DataArray = np.exp(-(aic - least) / 2)  # type: ignore[assignment]  # numpy's function of an array of xarray
    found = found.assign(
        chi2=chi2.assign_attrs(found["chi2"].attrs),
        k=k.assign_attrs(units="1", long_name="free parameters"),
        aic=aic.assign_attrs(units="1", long_name="Akaike's criterion"),
        bic=bic.assign_attrs(units="1", long_name="Schwarz's criterion"),
        weight=(weight / weight.sum("model")).assign_attrs(units="1", long_name="Akaike weight"),
        f_test=_f_test(chi2, k, found["dof"]).assign_attrs(units="1", long_name="chance against the first model"),
    )
    some = good.any("model")
    place = aic.fillna(np.inf).argmin("model").to_numpy()
    names = found["model"].to_numpy()
    best = xr.DataArray(np.where(some, names[place], ""), dims="bin", attrs={"long_name": "model of the least AIC"})
    chance = found["p_value"].where(good).to_numpy()[place, np.arange(len(place))]
    adequate = xr.DataArray(
        some.to_numpy() & ~(chance < LEAST_P_VALUE / len(place)),
        dims="bin",
        attrs={"long_name": "the best model describes the bin"},
    )
    return found.assign(best=best, adequate=adequate)


def _f_test(chi2: xr.DataArray, k: xr.DataArray, dof: xr.DataArray) -> xr.DataArray:
    """Return the chance of the drop of chi2 against the first model; NaN where there are not more parameters."""
    first = {"model": 0}
    more = k - k.isel(first)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (chi2.isel(first) - chi2) / more / (chi2 / dof)
        chance = xr.apply_ufunc(fdtrc, more.where(more > 0), dof, np.maximum(ratio, 0.0))
    result: xr.DataArray = chance.where(more > 0).transpose("model", "bin")
    return result


def _totals(found: xr.Dataset) -> xr.Dataset:
    """Sum over the bins that all models could fit: only there they describe the same points.

    A model that fails in most bins, as two modes do where there is one, has no total, and no say in which bins.
    """
    some = found["success"].any("model")
    often = found["success"].sum("bin") > some.sum() / 2
    common = (found["success"] | ~often).all("model") & some
    sums = {name: found[name].where(common).sum("bin").where(often) for name in ("chi2", "aic", "k", "dof")}
    points = float(found["n_used"].isel(model=0).where(common).sum())
    bic = sums["chi2"] + sums["k"] * np.log(max(points, 1.0))
    found = found.assign(
        total_chi2=sums["chi2"].assign_attrs(units="1", long_name="chi squared of the common bins"),
        total_aic=sums["aic"].assign_attrs(units="1", long_name="Akaike's criterion of the common bins"),
        total_bic=bic.assign_attrs(units="1", long_name="Schwarz's criterion of the common bins"),
        total_f_test=_f_test(*(sums[name].expand_dims("bin") for name in ("chi2", "k", "dof")))
        .isel(bin=0)
        .assign_attrs(units="1", long_name="chance against the first model, common bins"),
        n_common=int(common.sum()),
    )
    least = int(np.argmin(sums["aic"].fillna(np.inf).to_numpy()))
    best = str(found["model"].to_numpy()[least]) if bool(common.any()) else ""
    return found.assign_attrs(best=best)


def _warn(found: xr.Dataset) -> None:
    bad = found["bin"].to_numpy()[~found["adequate"].to_numpy() & (found["best"].to_numpy() != "")]
    if not len(bad):
        return
    ratio = float((found["chi2"] / found["dof"]).min("model").sel(bin=bad).median())
    shown = ", ".join(map(str, bad[:10])) + (", ..." if len(bad) > 10 else "")
    warnings.warn(
        f"no model describes {len(bad)} of {found.sizes['bin']} bins ({shown}): the least chi2/dof is {ratio:.3g} in"
        " the median. Look at the residuals (plot_residuals) before using any of these fits.",
        stacklevel=3,
    )
