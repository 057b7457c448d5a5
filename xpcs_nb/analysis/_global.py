"""One fit of all bins and repeats, whose rates follow a power law of q."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.analysis._arrow import Common, Joint, minimise_jointly
from xpcs_nb.analysis._average import grid_difference
from xpcs_nb.analysis._fit import curves_of, fit_g2
from xpcs_nb.analysis._fit_limits import Bounds, Fixed, freedom_of
from xpcs_nb.analysis._freedom import Freedom
from xpcs_nb.analysis._global_dataset import GlobalOutcome, global_dataset
from xpcs_nb.analysis._known_models import ModelName, model_of, remember
from xpcs_nb.analysis._models import Model
from xpcs_nb.analysis._points import MIN_PAIRS, Uncertainty, multitau_dataset, usable_delays
from xpcs_nb.analysis._solve import Curves
from xpcs_nb.errors import FitError, OptionError

__all__ = ["fit_global"]

type Floats = NDArray[np.float64]

#: Bounds of the exponent of q.
Q_EXPONENT = (-1.0, 6.0)


def fit_global(
    data: xr.Dataset | xr.DataTree | Sequence[xr.Dataset | xr.DataTree],
    *,
    model: ModelName | Model | Callable[..., Any] = "single",
    q_exponent: float | Literal["free"] = "free",
    shared: Collection[str] = (),
    own: Collection[str] = (),
    bounds: Bounds | None = None,
    fixed: Fixed | None = None,
    use: Uncertainty = "g2_err",
    min_pairs: int = MIN_PAIRS,
    delay_range: tuple[float, float] | None = None,
    q_range: tuple[float, float] | None = None,
    exclude: Collection[int] = (),
) -> xr.Dataset:
    r"""Fit g2 of all bins, and of several repeats, together, with :math:`\Gamma = D q^n`.

    Bins in which a decay is barely seen then take part with what they know, and the errors of D and n come from the
    points themselves. Rates of a second mode follow a power law of the same exponent. Baseline and contrast belong to
    each curve, unless they are `shared`; exponents, fractions and what else a model has are common to all curves,
    unless they are each curve's `own`.

    Parameters
    ----------
    data
        Multi-tau dataset, its node, or a result; or several of them (repeats) of the same delays and bins.
    model
        As in `fit_g2`; needs a parameter ``rate``.
    q_exponent
        ``free``, or the value to hold n at (2 for diffusion).
    shared, own
        Names of parameters that are common to all curves although they need not be (``baseline``, ``contrast``), and
        of those that are each curve's own although they could be common (``exponent``, ``fraction``).
    bounds, fixed, use, min_pairs, delay_range
        As in `fit_g2`; rates can't be held.
    q_range, exclude
        As in `fit_dispersion`.

    Returns
    -------
    xarray.Dataset
        As of `fit_g2`, with the dimension ``repeat`` before ``bin`` where there are several; and ``D``, ``D_err``
        (angstrom**n / s; ``D_slow`` of a second mode), ``q_exponent``, ``q_exponent_err``, ``q_pivot``,
        ``rate_pivot``, ``rate_pivot_err``, ``global_chi2``, ``global_dof``. Curves that do not take part have no
        values and say why; where the whole fit fails, all say why. `global_dispersion` makes a `Dispersion` of it.

    Raises
    ------
    OptionError
        If the data or an option can't be used.
    FitError
        If too few curves are left to fit.
    """
    datasets = _datasets(data)
    known = remember(model_of(model))
    roles = _Roles.of(known, q_exponent, shared, own, fixed or {})
    options: dict[str, Any] = {"use": use, "min_pairs": min_pairs, "delay_range": delay_range}
    alone = [
        fit_g2(dataset, model=known, bounds=bounds, fixed=fixed, significance=0, **options) for dataset in datasets
    ]
    problem = _Problem.of(datasets, alone, roles, bounds or {}, fixed or {}, options, q_range, exclude)
    found = minimise_jointly(problem.residuals, problem.start(alone), problem.limits(0), problem.limits(1))
    attrs = {
        "model": known.name,
        "formula": known.formula,
        "dispersion": "rate = D q**q_exponent",
        "weights": f"1/{use}",
        "errors": f"from {use}" if problem.curves.covariance is None else "from g2_cov",
        "shared": ", ".join(roles.shared),
        "min_pairs": min_pairs,
    }
    return global_dataset(datasets, known, problem.outcome(found), [fit["used"] for fit in alone]).assign_attrs(attrs)


def _datasets(data: xr.Dataset | xr.DataTree | Sequence[xr.Dataset | xr.DataTree]) -> list[xr.Dataset]:
    several = [data] if isinstance(data, xr.Dataset | xr.DataTree) else list(data)
    datasets = [multitau_dataset(one) for one in several]
    if not datasets:
        raise OptionError("there is nothing to fit", where="data", got="none", expected="at least one dataset")
    for number, dataset in enumerate(datasets, start=1):
        if "q" not in dataset.coords:
            raise OptionError("the bins have no q", where=f"data, number {number}", expected="the coordinate q")
        difference = grid_difference(datasets[0], dataset)
        if difference is not None:
            raise OptionError(f"repeat {number} can't be fitted with the first one", where="data", got=difference)
    return datasets


@dataclass(frozen=True)
class _Roles:
    """Which parameters of the model are rates, common to all curves, each curve's own, or held."""

    model: Model
    rates: tuple[str, ...]
    shared: tuple[str, ...]
    own: tuple[str, ...]
    exponent: float | None

    @classmethod
    def of(
        cls,
        model: Model,
        q_exponent: float | str,
        shared: Collection[str],
        own: Collection[str],
        fixed: Fixed,
    ) -> _Roles:
        unknown = sorted({*shared, *own} - set(model.names))
        rates = tuple(parameter.name for parameter in model.parameters if parameter.is_rate)
        both = sorted(set(shared) & set(own))
        if unknown or both or not rates:
            raise OptionError(
                "no global fit of this model" if not rates else "these parameters can't be shared or own",
                where=f"model {model.name!r}",
                got=", ".join(unknown or both) or "no rate",
                expected=", ".join(model.names) + ", each shared or own",
            )
        if any(name in {*fixed, *shared, *own} for name in rates):
            raise OptionError(
                "rates follow the power law", got=", ".join(rates), expected="neither fixed, shared nor own"
            )
        if q_exponent != "free" and not np.isfinite(float(q_exponent)):
            raise OptionError("q_exponent can't be used", got=q_exponent, expected="'free' or a finite number")
        rest = [name for name in model.names if name not in rates and name not in fixed]
        mine = tuple(name for name in rest if name in own or (name in {"baseline", "contrast"} and name not in shared))
        common = tuple(name for name in rest if name not in mine)
        return cls(model, rates, common, mine, None if q_exponent == "free" else float(q_exponent))

    def columns(self, names: Sequence[str]) -> list[int]:
        """Return the places of parameters in the model."""
        return [self.model.names.index(name) for name in names]


@dataclass(frozen=True)
class _Problem:
    """M curves that take part. Common parameters: log rates at the pivot, the exponent if free, the shared ones."""

    roles: _Roles
    curves: Curves
    freedom: Freedom
    log_q: Floats
    pivot: float
    repeat: NDArray[np.int64]
    bin: NDArray[np.int64]
    reasons: list[list[str]]

    @classmethod
    def of(
        cls,
        datasets: list[xr.Dataset],
        alone: list[xr.Dataset],
        roles: _Roles,
        bounds: Bounds,
        fixed: Fixed,
        options: dict[str, Any],
        q_range: tuple[float, float] | None,
        exclude: Collection[int],
    ) -> _Problem:
        reasons = [_reasons(fit, q_range, exclude) for fit in alone]
        repeat, bin_ = np.nonzero(np.array(reasons) == "ok")
        q = datasets[0]["q"].to_numpy().astype(float)[bin_]
        needed = 1 if roles.exponent is not None else 2
        if len(np.unique(q)) < needed:
            raise FitError(
                "too few bins for a global fit",
                got=f"{len(np.unique(q))} different q",
                expected=f"at least {needed}",
                hint="; ".join(
                    f"bin {label}: {text}"
                    for label, text in zip(alone[0]["bin"].to_numpy(), reasons[0], strict=True)
                    if text != "ok"
                ),
            )
        parts, freedoms = [], []
        for number, dataset in enumerate(datasets):
            used = usable_delays(dataset, **options)
            every = curves_of(dataset, used, options["use"], "errors")
            rows = bin_[repeat == number]
            freedoms.append(freedom_of(roles.model, bounds, fixed, every.delay, every.used, 0.0).take(rows))
            parts.append(every.take(rows))
        log_q = np.log(q)
        return cls(roles, _joined(parts), _free(freedoms), log_q, float(log_q.mean()), repeat, bin_, reasons)

    @property
    def n_rates(self) -> int:
        return len(self.roles.rates)

    @property
    def free_exponent(self) -> bool:
        return self.roles.exponent is None

    def theta(self, shared: Floats, own: Floats) -> Floats:
        """Return all parameters of each curve, shape (M, P)."""
        theta = self.freedom.fixed.copy()
        x = self.log_q - self.pivot
        exponent = shared[self.n_rates] if self.free_exponent else float(self.roles.exponent or 0.0)
        for place, column in enumerate(self.roles.columns(self.roles.rates)):
            theta[:, column] = shared[place] + exponent * x
        theta[:, self.roles.columns(self.roles.shared)] = shared[self.n_rates + self.free_exponent :]
        theta[:, self.roles.columns(self.roles.own)] = own
        return theta

    def residuals(self, shared: Floats, own: Floats) -> tuple[Floats, Floats, Floats]:
        """Return weighted residuals and derivatives; see `minimise_jointly`."""
        weight = self.curves.weight
        value, slopes = self.roles.model.curve(self.curves.delay, self.theta(shared, own))
        slopes = slopes * weight[:, None, :]
        rates = slopes[:, self.roles.columns(self.roles.rates)]
        parts = [rates]
        if self.free_exponent:
            parts.append((rates.sum(axis=1) * (self.log_q - self.pivot)[:, None])[:, None, :])
        parts.append(slopes[:, self.roles.columns(self.roles.shared)])
        return (
            (value - self.curves.g2) * weight,
            np.concatenate(parts, axis=1),
            slopes[:, self.roles.columns(self.roles.own)],
        )

    def limits(self, side: int) -> Common:
        """Return the lower (0) or upper (1) bounds."""
        bound = (self.freedom.low, self.freedom.high)[side]
        # Over all curves: the slowest and the fastest that any of them can tell.
        outer = bound.min(axis=0) if side == 0 else bound.max(axis=0)
        rates = outer[self.roles.columns(self.roles.rates)]
        exponent = [Q_EXPONENT[side]] if self.free_exponent else []
        shared = np.concatenate([rates, exponent, outer[self.roles.columns(self.roles.shared)]])
        return Common(shared, bound[:, self.roles.columns(self.roles.own)])

    def start(self, alone: list[xr.Dataset]) -> Common:
        """Return the parameters that the curves have on their own, brought to one."""
        stacked = {
            name: np.stack([fit[name].to_numpy() for fit in alone])[self.repeat, self.bin]
            for name in self.roles.model.names
        }
        x = self.log_q - self.pivot
        logs = [np.log(stacked[name]) for name in self.roles.rates]
        if self.free_exponent:
            several = len(np.unique(x)) > 1
            exponent = float(np.clip(np.polyfit(x, logs[0], 1)[0], *Q_EXPONENT)) if several else 2.0
        else:
            exponent = float(self.roles.exponent or 0.0)
        levels = [float(np.median(log - exponent * x)) for log in logs]
        common = [float(np.median(stacked[name])) for name in self.roles.shared]
        shared = np.array([*levels, *([exponent] if self.free_exponent else []), *common])
        own = np.stack([stacked[name] for name in self.roles.own], axis=1) if self.roles.own else np.empty((len(x), 0))
        return Common(shared, own)

    def outcome(self, found: Joint) -> GlobalOutcome:
        """Return values, covariances and verdict."""
        noise = None
        if self.curves.covariance is not None:
            weight = self.curves.weight
            both = self.curves.used[:, :, None] & self.curves.used[:, None, :]
            noise = np.where(both, self.curves.covariance, 0.0) * weight[:, :, None] * weight[:, None, :]
        shared, own, between = found.spread(noise)
        to_shared, to_own = self._maps()
        spread = to_shared @ shared @ to_shared.transpose(0, 2, 1) + to_own @ own @ to_own.T
        cross = to_own @ between @ to_shared.transpose(0, 2, 1)
        n_free = len(found.values.shared) + found.values.own.size
        return GlobalOutcome(
            status=self._status(found, shared),
            theta=self.theta(found.values.shared, found.values.own),
            covariance=spread + cross + cross.transpose(0, 2, 1),
            held=~np.isnan(self.freedom.fixed),
            chi2=found.chi2,
            n_used=self.curves.used.sum(axis=1),
            dof=int(self.curves.used.sum()) - n_free,
            law=found.values.shared[: self.n_rates + self.free_exponent],
            law_covariance=shared[: self.n_rates + self.free_exponent, : self.n_rates + self.free_exponent],
            exponent=self.roles.exponent,
            pivot=self.pivot,
            repeat=self.repeat,
            bin=self.bin,
            reasons=self.reasons,
        )

    def _maps(self) -> tuple[Floats, Floats]:
        """Return how the parameters of each curve follow from the common ones (M, P, S), and from its own (P, L)."""
        n_parameters, n_own = len(self.roles.model.names), len(self.roles.own)
        n_shared = self.n_rates + self.free_exponent + len(self.roles.shared)
        to_shared = np.zeros((len(self.log_q), n_parameters, n_shared))
        for place, column in enumerate(self.roles.columns(self.roles.rates)):
            to_shared[:, column, place] = 1.0
            if self.free_exponent:
                to_shared[:, column, self.n_rates] = self.log_q - self.pivot
        for place, column in enumerate(self.roles.columns(self.roles.shared)):
            to_shared[:, column, self.n_rates + self.free_exponent + place] = 1.0
        to_own = np.zeros((n_parameters, n_own))
        to_own[self.roles.columns(self.roles.own), np.arange(n_own)] = 1.0
        return to_shared, to_own

    def _status(self, found: Joint, spread: Floats) -> str:
        if not found.converged:
            return "not converged"
        names = [*self.roles.rates, *(["q_exponent"] if self.free_exponent else []), *self.roles.shared]
        for side, words in ((0, "lower"), (1, "upper")):
            bound = self.limits(side).shared
            at = np.isfinite(bound) & (np.abs(found.values.shared - bound) <= 1e-6 * np.maximum(1.0, np.abs(bound)))
            if at.any():
                return f"{names[int(np.argmax(at))]} at its {words} bound"
        if not np.isfinite(spread).all() or (np.diagonal(spread) < 0).any():
            return "parameters can't be told apart by these points"
        return "ok"


def _reasons(fit: xr.Dataset, q_range: tuple[float, float] | None, exclude: Collection[int]) -> list[str]:
    """Say for each bin why it takes no part; ``ok`` where it does."""
    low, high = q_range or (0.0, np.inf)
    unknown = sorted(set(exclude) - set(fit["bin"].to_numpy().tolist()))
    if unknown:
        raise OptionError("no such bins", where="exclude", got=unknown, expected="values of the coordinate bin")
    reasons = []
    for label, q, status in zip(fit["bin"].to_numpy(), fit["q"].to_numpy(), fit["status"].to_numpy(), strict=True):
        if int(label) in exclude:
            reasons.append("excluded by hand")
        elif not (np.isfinite(q) and q > 0):
            reasons.append(f"q is {q:g}")
        elif not low <= q <= high:
            reasons.append(f"q = {q:.4g} outside {low:g}..{high:g}")
        else:
            reasons.append(str(status))
    return reasons


def _joined(parts: list[Curves]) -> Curves:
    covariances = [part.covariance for part in parts if part.covariance is not None]
    return Curves(
        parts[0].delay,
        np.concatenate([part.g2 for part in parts]),
        np.concatenate([part.sigma for part in parts]),
        np.concatenate([part.used for part in parts]),
        np.concatenate(covariances) if len(covariances) == len(parts) else None,
    )


def _free(parts: list[Freedom]) -> Freedom:
    low, high, fixed = (np.concatenate([getattr(part, name) for part in parts]) for name in ("low", "high", "fixed"))
    return Freedom(low, high, fixed, 0.0)
