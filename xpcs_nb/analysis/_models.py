"""Models of g2: what a fit needs to know of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import override

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.analysis._freedom import Freedom
from xpcs_nb.analysis._parameters import BASELINE, CONTRAST, Parameter
from xpcs_nb.analysis._shapes import SHAPES, Candidates, Shape
from xpcs_nb.analysis._starts import best_of_grid

__all__ = ["CHUNK", "MODELS", "Model", "ShapeModel", "evaluate"]

type Floats = NDArray[np.float64]

#: Curves that are worked on at a time: their arrays stay in the cache of a core, and calls for few curves are few.
CHUNK = 1024


@dataclass(frozen=True)
class Model(ABC):
    """A model of g2.

    Attributes
    ----------
    name, formula
        How it is called, and what it says.
    parameters
        In the order of the fit.
    """

    name: str
    formula: str
    parameters: tuple[Parameter, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters."""
        return tuple(parameter.name for parameter in self.parameters)

    @cached_property
    def rates(self) -> NDArray[np.bool_]:
        """Which parameters are rates, and so fitted as logarithms, shape (P,)."""
        return np.array([parameter.is_rate for parameter in self.parameters])

    def column(self, name: str) -> int | None:
        """Return the place of a parameter; None where the model has none of this name."""
        return self.names.index(name) if name in self.names else None

    @abstractmethod
    def curve(self, delay: Floats, theta: Floats) -> tuple[Floats, Floats]:
        """Return g2 (D, T) and its derivatives (D, P, T) for parameters `theta` (D, P), rates as logarithms."""

    def values(self, delay: Floats, theta: Floats) -> Floats:
        """Return g2 alone, (D, T)."""
        return self.curve(delay, theta)[0]

    def system(self, delay: Floats, theta: Floats) -> Floats:
        """Return both in one array, derivatives first, (D, P + 1, T)."""
        value, slopes = self.curve(delay, theta)
        return np.concatenate([slopes, value[:, None]], axis=1)

    @abstractmethod
    def starts(self, delay: Floats, g2: Floats, weight: Floats, freedom: Freedom) -> Floats:
        """Return where to start, (D, P), for curves g2 (D, T) with weights 1/sigma**2 (0 leaves a point out)."""

    @staticmethod
    def from_function(
        function: Callable[..., Floats],
        *,
        name: str | None = None,
        start: Mapping[str, float] | None = None,
        bounds: Mapping[str, tuple[float, float]] | None = None,
        units: Mapping[str, str] | None = None,
        rates: tuple[str, ...] = ("rate", "rate_slow"),
    ) -> Model:
        """Make a model of a function of your own: ``function(delay, first, second, ...)`` that returns g2.

        Derivatives are numerical. A function made of numpy's elementwise operations is evaluated for all bins at
        once (its parameters are then columns of shape (D, 1)); any other one is called bin by bin.

        Parameters
        ----------
        function
            Takes delays (s), shape (T,), and the parameters as further arguments; their names are those of the fit.
        name
            How it is called in results; by default the name of the function.
        start
            Where to start, by parameter. Rates need none: a grid of rates is tried. Nor do ``baseline`` and
            ``contrast``, which are read off the curve; any other parameter starts at 1, or inside its bounds.
        bounds
            Lower and upper bound, by parameter; ``contrast`` is positive unless given. Those of rates follow from
            the delays.
        units
            Units by parameter, for the labels; rates are in 1/s.
        rates
            Parameters that are positive and span decades: they are fitted as logarithms.

        Returns
        -------
        Model
            To be passed as ``fit_g2(..., model=...)``.

        Raises
        ------
        OptionError
            If the parameters can't be read from the function, or `start`, `bounds` or `units` name others.
        """
        from xpcs_nb.analysis._function_model import function_model

        return function_model(function, name, start or {}, bounds or {}, units or {}, rates)


@dataclass(frozen=True)
class ShapeModel(Model):
    r"""A model :math:`g_2(\tau) = b + \beta\, s(\tau; \theta)`: baseline and contrast come first.

    Attributes
    ----------
    shape
        Takes delays (T,) in s and :math:`\theta` (..., P), rates as natural logarithms; gives s (..., T) and
        its derivatives (..., P, T).
    candidates
        Takes a grid of logarithmic rates (K,); gives :math:`\theta` (C, P) to start fits from.
    """

    shape: Shape = field(repr=False)
    candidates: Candidates = field(repr=False)

    @override
    def curve(self, delay: Floats, theta: Floats) -> tuple[Floats, Floats]:
        system = self.system(delay, theta)
        return system[:, -1], system[:, :-1]

    @override
    def values(self, delay: Floats, theta: Floats) -> Floats:
        shape, _ = self.shape(delay, theta[:, 2:])
        return theta[:, :1] + theta[:, 1:2] * shape

    @override
    def system(self, delay: Floats, theta: Floats) -> Floats:
        shape, slopes = self.shape(delay, theta[:, 2:])
        system = np.empty((len(theta), theta.shape[1] + 1, len(delay)))
        system[:, 0] = 1.0
        system[:, 1] = shape
        np.multiply(theta[:, 1, None, None], slopes, out=system[:, 2:-1])
        np.multiply(theta[:, 1:2], shape, out=system[:, -1])
        system[:, -1] += theta[:, :1]
        return system

    @override
    def starts(self, delay: Floats, g2: Floats, weight: Floats, freedom: Freedom) -> Floats:
        return best_of_grid(self.shape, self.candidates, delay, g2, weight, freedom)


MODELS = {
    name: ShapeModel(name, formula, (BASELINE, CONTRAST, *parameters), shape, candidates)
    for name, (formula, parameters, shape, candidates) in SHAPES.items()
}


def evaluate(model: Model, delay: Floats, values: Floats) -> Floats:
    """Return g2 at `delay` (T,) for parameter `values` (D, P) in the order of `Model.names`, rates in 1/s."""
    theta = np.array(values, dtype=float)
    theta[:, model.rates] = np.log(theta[:, model.rates])
    parts = [theta[first : first + CHUNK] for first in range(0, len(theta), CHUNK)]
    return np.concatenate([model.values(delay, part) for part in parts]) if parts else np.empty((0, len(delay)))
