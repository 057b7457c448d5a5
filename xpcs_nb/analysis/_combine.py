"""The mean of repeats, with errors that are right for few and for many of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.analysis._agreement import Repeats
from xpcs_nb.errors import OptionError

__all__ = ["Combined", "MeanErrors", "MeanWeights", "combine"]

type Floats = NDArray[np.float64]

#: Repeats from which on their own scatter is the best error: the noise of fewer is in the weights of fits, too.
ENOUGH = 100

#: ``equal``: each repeat counts the same. ``errors``: by the inverse square of its error, one number a repeat and bin.
MeanWeights = Literal["equal", "errors"]
#: ``scatter``: of the repeats about their mean. ``scaled``: the repeats' own errors, times what the scatter asks for.
MeanErrors = Literal["auto", "scatter", "scaled"]


@dataclass(frozen=True)
class Combined:
    """Mean of repeats.

    Attributes
    ----------
    g2, err
        Shape (T, D).
    cov
        Covariance between delays, shape (D, T, T); None where it is not known.
    weights
        Of each kept repeat in each bin, summing to 1 over the repeats, shape (K, D).
    scale
        Variance between the repeats over what their own errors make expect, shape (D,); NaN for one repeat.
    dof
        Degrees of freedom of the errors, shape (D,); inf where they are taken as known.
    estimator
        What the error is.
    samples
        Repeats that `cov` was estimated from; None where it is that of the repeats themselves.
    """

    g2: Floats
    err: Floats
    cov: Floats | None
    weights: Floats
    scale: Floats
    dof: Floats
    estimator: str
    samples: int | None


def combine(
    repeats: Repeats,
    kept: list[int],
    usable: NDArray[np.bool_],
    *,
    weights: MeanWeights = "equal",
    errors: MeanErrors = "auto",
    dof: Floats | None = None,
) -> Combined:
    r"""Average the `kept` repeats: :math:`\bar g = \sum_i w_i g_i`.

    A weight is one number for a repeat and bin, not one a point: a point that came out too low has too small an
    error, and would pull the mean down. Errors by ``scatter``, with :math:`\sum_i w_i = 1` and n repeats, are
    :math:`\mathrm{cov} = \sum_i w_i (g_i - \bar g)(g_i - \bar g)^T / (n - 1)`. Few repeats say little about the
    scatter of each point: ``scaled`` takes the repeats' own errors for how it depends on the delay, and one factor a
    bin, the mean over all usable points of scatter over error, for how large it is. ``auto`` is ``scaled`` below 100
    repeats.

    Errors by scatter have n - 1 degrees of freedom. The factor of a bin has more, :math:`(n - 1) T^2 / \sum_{ij}
    r_{ij}^2` for T points with correlations r (as many points as are independent of each other, each with n - 1), and
    the repeats' own errors those of all their blocks; the errors have :math:`1/\nu = 1/\nu_1 + 1/\nu_2` of both.

    Parameters
    ----------
    repeats, kept
        g2 with errors, and which of them count.
    usable
        Points that tell the scatter, shape (T, D).
    weights, errors
        See `MeanWeights` and `MeanErrors`.
    dof
        Degrees of freedom of the errors of one repeat, shape (D,); None where they are known.

    Raises
    ------
    OptionError
        If nothing is left to average, or an option does not exist.
    """
    _check(kept, weights, errors)
    share = _shares(repeats, kept, usable, weights)
    g2 = _mean(repeats, kept, share)
    scatter = _scatter(repeats, kept, share, g2)
    own = _own(repeats, kept, share)
    scale = _scale(scatter, own, usable)
    if errors == "scatter" or (errors == "auto" and len(kept) >= ENOUGH):
        samples: int | None = len(kept)
        variance, estimator = scatter, f"scatter of {len(kept)} repeats"
        cov: Floats | None = _scatter_cov(repeats, kept, share, g2)
        freedom = np.full(len(scale), len(kept) - 1.0)
    else:
        # One repeat says nothing about its scatter.
        factor, samples = np.where(np.isfinite(scale), scale, 1.0), None
        variance, estimator = own * factor, f"errors of {len(kept)} repeats, scaled to their scatter"
        own_cov = _own_cov(repeats, kept, share)
        cov = None if own_cov is None else own_cov * factor[:, None, None]
        with np.errstate(divide="ignore"):
            freedom = 1 / (_rarity(own_cov, usable, len(kept)) + (0.0 if dof is None else 1 / (len(kept) * dof)))
    return Combined(g2, np.sqrt(variance), cov, share, scale, freedom, estimator, samples)


def _check(kept: list[int], weights: str, errors: str) -> None:
    if not kept:
        raise OptionError("no repeat is left to average", expected="at least one")
    for name, value, known in (("weights", weights, MeanWeights), ("errors", errors, MeanErrors)):
        if value not in get_args(known):
            raise OptionError(f"no such {name}", where=name, got=repr(value), expected=" or ".join(get_args(known)))
    if errors == "scatter" and len(kept) < 2:
        raise OptionError(
            "one repeat has no scatter", where="errors", got=f"{len(kept)} repeat", expected="two or more"
        )


def _shares(repeats: Repeats, kept: list[int], usable: NDArray[np.bool_], weights: str) -> Floats:
    shares = np.ones((len(kept), usable.shape[1]))
    if weights == "errors":
        for place, repeat in enumerate(kept):
            err = repeats.err(repeat)
            good = usable & np.isfinite(err) & (err > 0)
            inverse = np.divide(1.0, err**2, out=np.zeros_like(err), where=good)
            shares[place] = inverse.sum(axis=0) / np.maximum(good.sum(axis=0), 1)
        shares[:, ~(shares > 0).any(axis=0)] = 1.0
    share: Floats = shares / shares.sum(axis=0)
    return share


def _mean(repeats: Repeats, kept: list[int], share: Floats) -> Floats:
    """Return the mean over the repeats that have the point; NaN where none has."""
    total: Floats = np.zeros(1)
    weight: Floats = np.zeros(1)
    for place, repeat in enumerate(kept):
        g2 = repeats.g2(repeat)
        there = np.isfinite(g2)
        total = total + np.where(there, share[place] * g2, 0.0)
        weight = weight + there * share[place]
    mean: Floats = np.divide(total, weight, out=np.full(total.shape, np.nan), where=weight > 0)
    return mean


def _deviation(repeats: Repeats, repeat: int, mean: Floats) -> Floats:
    return np.nan_to_num(repeats.g2(repeat) - mean, nan=0.0)


def _scatter(repeats: Repeats, kept: list[int], share: Floats, mean: Floats) -> Floats:
    """Return the variance of the mean from the scatter of the repeats, (T, D); NaN for one."""
    if len(kept) < 2:
        return np.full(mean.shape, np.nan)
    total = np.zeros(mean.shape)
    for place, repeat in enumerate(kept):
        total += share[place] * _deviation(repeats, repeat, mean) ** 2
    variance: Floats = np.where(np.isfinite(mean), total / (len(kept) - 1), np.nan)
    return variance


def _scatter_cov(repeats: Repeats, kept: list[int], share: Floats, mean: Floats) -> Floats:
    total = np.zeros((mean.shape[1], mean.shape[0], mean.shape[0]))
    for place, repeat in enumerate(kept):
        away = (np.sqrt(share[place]) * _deviation(repeats, repeat, mean)).T
        total += away[:, :, None] * away[:, None, :]
    total[np.isnan(mean).all(axis=0)] = np.nan
    covariance: Floats = total / (len(kept) - 1)
    return covariance


def _own(repeats: Repeats, kept: list[int], share: Floats) -> Floats:
    """Return the variance of the mean from the repeats' own errors, (T, D)."""
    variance: Floats = np.zeros(1)
    for place, repeat in enumerate(kept):
        variance = variance + share[place] ** 2 * repeats.err(repeat) ** 2
    return variance


def _own_cov(repeats: Repeats, kept: list[int], share: Floats) -> Floats | None:
    """Return the covariance of the mean from the repeats' own, (D, T, T); None where a repeat has none."""
    covariance: Floats = np.zeros(1)
    for place, repeat in enumerate(kept):
        one = repeats.cov(repeat)
        if one is None:
            return None
        covariance = covariance + share[place][:, None, None] ** 2 * one
    return covariance


def _scale(scatter: Floats, own: Floats, usable: NDArray[np.bool_]) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = scatter / own
    good = usable & np.isfinite(ratio) & (own > 0)
    total, points = np.where(good, ratio, 0.0).sum(axis=0), good.sum(axis=0)
    scale: Floats = np.divide(total, points, out=np.full(len(total), np.nan), where=points > 0)
    return scale


def _rarity(own_cov: Floats | None, usable: NDArray[np.bool_], n: int) -> Floats:
    """Return one over the degrees of freedom of the scale of each bin, shape (D,); 0 where it is not estimated."""
    if n < 2:
        return np.zeros(usable.shape[1])
    points = usable.sum(axis=0)
    square = points.astype(np.float64)
    if own_cov is not None:
        variance = np.einsum("dtt->dt", own_cov)
        good = usable.T & (variance > 0)
        root = np.where(good, np.sqrt(np.where(good, variance, 1.0)), np.inf)
        square = np.nansum((own_cov / (root[:, :, None] * root[:, None, :])) ** 2, axis=(1, 2))
    rarity: Floats = square / np.maximum(points, 1) ** 2 / (n - 1)
    return rarity
