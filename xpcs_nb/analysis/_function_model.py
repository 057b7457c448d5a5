"""Models made of a user's function, with numerical derivatives."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, override

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.analysis._freedom import Freedom
from xpcs_nb.analysis._models import MODELS, Model
from xpcs_nb.analysis._parameters import BASELINE, CONTRAST, EXPONENT, RATE, Parameter
from xpcs_nb.analysis._starts import RATES
from xpcs_nb.errors import OptionError

__all__ = ["FunctionModel", "function_model"]

type Floats = NDArray[np.float64]

#: Share of a parameter that a derivative is taken over: the cube root of the precision, best for central differences.
STEP = 6e-6
KNOWN = {parameter.name: parameter for parameter in (BASELINE, CONTRAST, RATE, EXPONENT)}


@dataclass(frozen=True)
class FunctionModel(Model):
    """A model given as a function of the delays and the parameters, as the user wrote it."""

    function: Callable[..., Any] = field(repr=False)

    @override
    def curve(self, delay: Floats, theta: Floats) -> tuple[Floats, Floats]:
        slopes = np.empty((*theta.shape, len(delay)))
        for column in range(theta.shape[1]):
            step = STEP * np.maximum(np.abs(theta[:, column]), 1e-2)
            above, below = theta.copy(), theta.copy()
            above[:, column] += step
            below[:, column] -= step
            # What rounding leaves of the step
            step = above[:, column] - below[:, column]
            slopes[:, column] = (self.values(delay, above) - self.values(delay, below)) / step[:, None]
        return self.values(delay, theta), slopes

    @override
    def values(self, delay: Floats, theta: Floats) -> Floats:
        real = np.array(theta)
        real[:, self.rates] = np.exp(real[:, self.rates])
        shape = (len(real), len(delay))
        try:
            at_once = np.asarray(self.function(delay, *real.T[:, :, None]), dtype=float)
            if at_once.shape == shape and self._agrees(at_once, delay, real):
                return at_once
        except (TypeError, ValueError):
            # It takes one number a parameter: `if rate > 1`, math.exp.
            at_once = np.empty(0)
        rows = [np.broadcast_to(np.asarray(self.function(delay, *row), dtype=float), shape[1:]) for row in real]
        return np.array(rows).reshape(shape)

    def _agrees(self, at_once: Floats, delay: Floats, real: Floats) -> bool:
        """Whether the function treats each row by itself: tried on the last one."""
        return bool(
            len(real) > 0
            and np.allclose(at_once[-1], self.function(delay, *real[-1]), rtol=1e-12, atol=0, equal_nan=True)
        )

    @override
    def starts(self, delay: Floats, g2: Floats, weight: Floats, freedom: Freedom) -> Floats:
        fixed, low, high = freedom.fixed, freedom.low, freedom.high
        begin = np.column_stack([self._begin(parameter, delay, g2, weight) for parameter in self.parameters])
        begin = np.where(np.isnan(fixed), np.clip(begin, low, high), fixed)
        chosen, best = begin.copy(), self._misfit(delay, g2, weight, begin)
        for rates in self._rate_grid(delay):
            trial = begin.copy()
            trial[:, self.rates] = rates
            trial = np.where(np.isnan(fixed), np.clip(trial, low, high), fixed)
            levelled = np.clip(self._levelled(delay, g2, weight, trial, freedom.free), low, high)
            for one in (trial, np.where(np.isnan(fixed), levelled, fixed)):
                misfit = self._misfit(delay, g2, weight, one)
                better = misfit < best
                chosen[better], best[better] = one[better], misfit[better]
        return chosen

    def _levelled(self, delay: Floats, g2: Floats, weight: Floats, trial: Floats, free: NDArray[np.bool_]) -> Floats:
        """Return `trial` with the best baseline and contrast, for functions that are linear in them (as most are)."""
        columns = [
            column for column in map(self.column, ("baseline", "contrast")) if column is not None and free[column]
        ]
        here = self.values(delay, trial)
        slopes = np.empty((len(trial), len(columns), len(delay)))
        for place, column in enumerate(columns):
            moved = trial.copy()
            moved[:, column] += 1.0
            slopes[:, place] = self.values(delay, moved) - here
        weighted = slopes * weight[:, None, :]
        normal = weighted @ slopes.transpose(0, 2, 1)
        normal += 1e-12 * np.einsum("dll->dl", normal).max(axis=1, initial=1e-300)[:, None, None] * np.eye(len(columns))
        best = trial.copy()
        if len(columns) and np.isfinite(normal).all():
            right = weighted @ (g2 - here)[:, :, None]
            best[:, columns] += np.nan_to_num(np.linalg.solve(normal, right)[:, :, 0])
        return best

    def _misfit(self, delay: Floats, g2: Floats, weight: Floats, theta: Floats) -> Floats:
        squares = (weight * (self.values(delay, theta) - g2) ** 2).sum(axis=1)
        misfit: Floats = np.where(np.isfinite(squares), squares, np.inf)
        return misfit

    def _rate_grid(self, delay: Floats) -> Floats:
        """Return combinations of logarithmic rates, the first the fastest, shape (C, rates)."""
        number = int(self.rates.sum())
        if not number:
            return np.empty((1, 0))
        grid = np.linspace(np.log(0.1 / delay.max()), np.log(2.0 / delay.min()), RATES if number == 1 else 14)
        combinations = np.stack(np.meshgrid(*[grid] * number, indexing="ij"), axis=-1).reshape(-1, number)
        falling: NDArray[np.bool_] = (np.diff(combinations, axis=1) < 0).all(axis=1)
        return combinations[falling]

    @staticmethod
    def _begin(parameter: Parameter, delay: Floats, g2: Floats, weight: Floats) -> Floats:
        if parameter.start is not None:
            return np.full(len(g2), np.log(parameter.start) if parameter.is_rate else parameter.start)
        if parameter.name in {"baseline", "contrast"}:
            return _level(parameter.name, g2, weight)
        if parameter.is_rate:
            return np.full(len(g2), -np.log(np.sqrt(delay.min() * delay.max())))
        low, high = parameter.bounds or (-np.inf, np.inf)
        inside = 1.0 if low < 1.0 < high else (low + high) / 2 if np.isfinite(low + high) else max(low, min(high, 0.0))
        return np.full(len(g2), inside)


def _level(name: str, g2: Floats, weight: Floats) -> Floats:
    """Read baseline and contrast off the ends of the curves: means of the last and first tenth of the used points."""
    levels = np.ones(len(g2))
    for row, (values, used) in enumerate(zip(g2, weight > 0, strict=True)):
        points = values[used]
        tenth = max(len(points) // 10, 1)
        end = float(points[-tenth:].mean()) if len(points) else 1.0
        levels[row] = (
            end if name == "baseline" else max(float(points[:tenth].mean()) - end, 1e-6) if len(points) else 0.1
        )
    return levels


def function_model(
    function: Callable[..., Any],
    name: str | None,
    start: Mapping[str, float],
    bounds: Mapping[str, tuple[float, float]],
    units: Mapping[str, str],
    rates: tuple[str, ...],
) -> FunctionModel:
    """See `Model.from_function`."""
    names = _arguments(function)
    for where, given in (("start", start), ("bounds", bounds), ("units", units)):
        unknown = sorted(set(given) - set(names))
        if unknown:
            raise OptionError(
                "the function has no such parameter", where=where, got=", ".join(unknown), expected=", ".join(names)
            )
    name = name or getattr(function, "__name__", "function").strip("<>")
    if name in MODELS:
        raise OptionError("this is the name of a built-in model", where="name", got=repr(name), expected="another name")
    parameters = tuple(_parameter(each, start, bounds, units, each in rates) for each in names)
    formula = f"g2 = {name}(delay, {', '.join(names)})"
    return FunctionModel(name, formula, parameters, function)


def _parameter(
    name: str,
    start: Mapping[str, float],
    bounds: Mapping[str, tuple[float, float]],
    units: Mapping[str, str],
    is_rate: bool,
) -> Parameter:
    known = KNOWN.get(name)
    limits = bounds.get(name, (known.bounds if known else None) or (None if is_rate else (-np.inf, np.inf)))
    first = start.get(name)
    if first is not None and is_rate and first <= 0:
        raise OptionError("a rate starts above 0", where="start", got=f"{name} = {first}", expected="a positive number")
    unit = units.get(name, "1/s" if is_rate else "1")
    words = known.long_name if known else name.replace("_", " ")
    return replace(Parameter(name, unit, words, limits), is_rate=is_rate, start=first)


def _arguments(function: Callable[..., Any]) -> list[str]:
    """Return the names of the parameters: all arguments but the first."""
    try:
        given = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise OptionError("the parameters can't be read from the function", got=function) from error
    usual = [each for each in given if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}]
    if len(usual) < 2 or len(usual) != len(given):
        raise OptionError(
            "this function can't be a model",
            got=f"arguments {', '.join(map(str, given)) or 'none'}",
            expected="function(delay, first parameter, ...), without * and keywords",
        )
    return [each.name for each in usual[1:]]
