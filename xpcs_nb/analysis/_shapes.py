"""How g2 falls from 1 to 0: the built-in shapes, their derivatives, and where to look for them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.analysis._parameters import (
    EXPONENT,
    EXPONENT_SLOW,
    FRACTION,
    POLYDISPERSITY,
    RATE,
    RATE_SLOW,
    Parameter,
)

__all__ = ["SHAPES", "Candidates", "Shape"]

type Floats = NDArray[np.float64]
type Shape = Callable[[Floats, Floats], tuple[Floats, Floats]]
type Candidates = Callable[[Floats], Floats]


def _stretched(delay: Floats, theta: Floats) -> tuple[Floats, Floats]:
    exponent = theta[..., 1:2]
    phase, log_phase = _phase(delay, theta[..., :1], exponent)
    phase *= -2
    shape = np.exp(phase)
    phase *= shape
    slopes = np.empty((*shape.shape[:-1], 2, shape.shape[-1]))
    np.multiply(phase, exponent, out=slopes[..., 0, :])
    np.multiply(phase, log_phase, out=slopes[..., 1, :])
    return shape, slopes


def _phase(delay: Floats, log_rate: Floats, exponent: Floats) -> tuple[Floats, Floats]:
    """Return (rate delay)**exponent and the logarithm of its base, which its derivative by the exponent needs."""
    log_phase = np.log(delay) + log_rate
    power = exponent * log_phase
    # exp(-x) is 0 long before the limit, which only keeps powers of absurd trial values finite.
    np.minimum(power, 7.0, out=power)
    return np.exp(power, out=power), log_phase


def _single(delay: Floats, theta: Floats) -> tuple[Floats, Floats]:
    phase = delay * np.exp(theta[..., :1])
    shape = np.exp(-2 * phase)
    return shape, (-2 * phase * shape)[..., None, :]


def _cumulant(delay: Floats, theta: Floats) -> tuple[Floats, Floats]:
    phase, width = delay * np.exp(np.minimum(theta[..., :1], 300.0)), theta[..., 1:2]
    phase = np.minimum(phase, 350.0)
    decay, square = np.exp(-2 * phase), phase**2
    moment = 1 + width * square / 2
    shape = decay * moment**2
    return shape, np.stack([2 * decay * moment * (width * square - phase * moment), decay * moment * square], axis=-2)


def _double(delay: Floats, theta: Floats) -> tuple[Floats, Floats]:
    fast, slow = delay * np.exp(theta[..., :1]), delay * np.exp(theta[..., 1:2])
    fraction = theta[..., 2:3]
    field_fast, field_slow = np.exp(-fast), np.exp(-slow)
    field = fraction * field_fast + (1 - fraction) * field_slow
    slopes = [-fraction * fast * field_fast, -(1 - fraction) * slow * field_slow, field_fast - field_slow]
    return field**2, 2 * field[..., None, :] * np.stack(slopes, axis=-2)


def _double_stretched(delay: Floats, theta: Floats) -> tuple[Floats, Floats]:
    fast, log_fast = _phase(delay, theta[..., :1], theta[..., 3:4])
    slow, log_slow = _phase(delay, theta[..., 1:2], theta[..., 4:5])
    fraction = theta[..., 2:3]
    field_fast, field_slow = np.exp(-fast), np.exp(-slow)
    weighted_fast, weighted_slow = fraction * field_fast, (1 - fraction) * field_slow
    field = weighted_fast + weighted_slow
    slopes = [
        -weighted_fast * fast * theta[..., 3:4],
        -weighted_slow * slow * theta[..., 4:5],
        field_fast - field_slow,
        -weighted_fast * fast * log_fast,
        -weighted_slow * slow * log_slow,
    ]
    return field**2, 2 * field[..., None, :] * np.stack(slopes, axis=-2)


def product(*axes: Floats) -> Floats:
    """Return all combinations of values, one axis a parameter, shape (C, P)."""
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=-1)


def _double_candidates(log_rates: Floats) -> Floats:
    theta = product(log_rates[::2], log_rates[::2], np.array([0.2, 0.5, 0.8]))
    return theta[theta[:, 0] > theta[:, 1]]


def _double_stretched_candidates(log_rates: Floats) -> Floats:
    theta = _double_candidates(log_rates)
    pairs = product(np.array([0.6, 1.0, 1.5]), np.array([0.6, 1.0, 1.5]))
    return np.concatenate([np.column_stack([theta, np.broadcast_to(pair, (len(theta), 2))]) for pair in pairs])


SHAPES: dict[str, tuple[str, tuple[Parameter, ...], Shape, Candidates]] = {
    "single": (
        "g2 = baseline + contrast * exp(-2 rate delay)",
        (RATE,),
        _single,
        lambda log_rates: log_rates[:, None],
    ),
    "stretched": (
        "g2 = baseline + contrast * exp(-2 (rate delay)**exponent)",
        (RATE, EXPONENT),
        _stretched,
        lambda log_rates: product(log_rates[::2], np.array([0.4, 0.7, 1.0, 1.5, 2.0])),
    ),
    "cumulant": (
        "g2 = baseline + contrast * exp(-2 rate delay) (1 + polydispersity (rate delay)**2 / 2)**2",
        (RATE, POLYDISPERSITY),
        _cumulant,
        lambda log_rates: product(log_rates, np.array([0.0, 0.2])),
    ),
    "double": (
        "g2 = baseline + contrast * (fraction exp(-rate delay) + (1 - fraction) exp(-rate_slow delay))**2",
        (RATE, RATE_SLOW, FRACTION),
        _double,
        _double_candidates,
    ),
    "double_stretched": (
        "g2 = baseline + contrast * (fraction exp(-(rate delay)**exponent)"
        " + (1 - fraction) exp(-(rate_slow delay)**exponent_slow))**2",
        (RATE, RATE_SLOW, FRACTION, EXPONENT, EXPONENT_SLOW),
        _double_stretched,
        _double_stretched_candidates,
    ),
}
