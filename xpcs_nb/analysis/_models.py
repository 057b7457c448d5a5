"""Models of g2, all linear in baseline and contrast, with their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["MODELS", "Model", "Parameter", "evaluate"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a model.

    Attributes
    ----------
    name, unit, long_name
        As they appear in datasets.
    bounds
        Where a fit may look unless told otherwise; None for rates, whose bounds follow from the delays.
    """

    name: str
    unit: str
    long_name: str
    bounds: tuple[float, float] | None

    @property
    def is_rate(self) -> bool:
        """Rates are fitted as logarithms: they are positive and span decades."""
        return self.bounds is None


BASELINE = Parameter("baseline", "1", "baseline of g2", (-np.inf, np.inf))
CONTRAST = Parameter("contrast", "1", "speckle contrast", (0.0, np.inf))
RATE = Parameter("rate", "1/s", "relaxation rate", None)
EXPONENT = Parameter("exponent", "1", "stretching exponent", (0.1, 3.0))
RATE_SLOW = Parameter("rate_slow", "1/s", "relaxation rate of the slow mode", None)
FRACTION = Parameter("fraction", "1", "share of the fast mode", (0.0, 1.0))


@dataclass(frozen=True)
class Model:
    r"""A model :math:`g_2(\tau) = b + \beta\, s(\tau; \theta)`.

    Attributes
    ----------
    name, formula
        How it is called, and what it says.
    shape_parameters
        The parameters :math:`\theta`; baseline and contrast come before them.
    shape
        Takes delays (T,) in s and :math:`\theta` (..., P), rates as natural logarithms; gives s (..., T) and
        its derivatives (..., P, T).
    candidates
        Takes a grid of logarithmic rates (K,); gives :math:`\theta` (C, P) to start fits from.
    """

    name: str
    formula: str
    shape_parameters: tuple[Parameter, ...]
    shape: Callable[[Floats, Floats], tuple[Floats, Floats]]
    candidates: Callable[[Floats], Floats]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters, in the order of the fit."""
        return (BASELINE, CONTRAST, *self.shape_parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters."""
        return tuple(parameter.name for parameter in self.parameters)


def _stretched(delay: Floats, theta: Floats) -> tuple[Floats, Floats]:
    log_rate, exponent = theta[..., :1], theta[..., 1:2]
    log_phase = np.log(delay) + log_rate
    # exp(-2 x) is 0 long before the clip, which only keeps powers of absurd trial values finite.
    phase = np.exp(np.clip(exponent * log_phase, -700.0, 7.0))
    shape = np.exp(-2 * phase)
    slope = -2 * phase * shape
    return shape, np.stack([slope * exponent, slope * log_phase], axis=-2)


def _single(delay: Floats, theta: Floats) -> tuple[Floats, Floats]:
    phase = delay * np.exp(theta[..., :1])
    shape = np.exp(-2 * phase)
    return shape, (-2 * phase * shape)[..., None, :]


def _double(delay: Floats, theta: Floats) -> tuple[Floats, Floats]:
    fast, slow = delay * np.exp(theta[..., :1]), delay * np.exp(theta[..., 1:2])
    fraction = theta[..., 2:3]
    field_fast, field_slow = np.exp(-fast), np.exp(-slow)
    field = fraction * field_fast + (1 - fraction) * field_slow
    slopes = [-fraction * fast * field_fast, -(1 - fraction) * slow * field_slow, field_fast - field_slow]
    return field**2, 2 * field[..., None, :] * np.stack(slopes, axis=-2)


def _product(*axes: Floats) -> Floats:
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=-1)


def _double_candidates(log_rates: Floats) -> Floats:
    theta = _product(log_rates[::2], log_rates[::2], np.array([0.2, 0.5, 0.8]))
    return theta[theta[:, 0] > theta[:, 1]]


MODELS = {
    model.name: model
    for model in (
        Model(
            "single",
            "g2 = baseline + contrast * exp(-2 rate delay)",
            (RATE,),
            _single,
            lambda log_rates: log_rates[:, None],
        ),
        Model(
            "stretched",
            "g2 = baseline + contrast * exp(-2 (rate delay)**exponent)",
            (RATE, EXPONENT),
            _stretched,
            lambda log_rates: _product(log_rates, np.array([0.4, 0.7, 1.0, 1.5, 2.0])),
        ),
        Model(
            "double",
            "g2 = baseline + contrast * (fraction exp(-rate delay) + (1 - fraction) exp(-rate_slow delay))**2",
            (RATE, RATE_SLOW, FRACTION),
            _double,
            _double_candidates,
        ),
    )
}


def evaluate(model: Model, delay: Floats, values: Floats) -> Floats:
    """Return g2 at `delay` (T,) for parameter `values` (..., P) in the order of `Model.names`, rates in 1/s."""
    theta = np.array(values[..., 2:], dtype=float)
    for column, parameter in enumerate(model.shape_parameters):
        if parameter.is_rate:
            theta[..., column] = np.log(theta[..., column])
    shape, _ = model.shape(delay, theta)
    curve: Floats = values[..., :1] + values[..., 1:2] * shape
    return curve
