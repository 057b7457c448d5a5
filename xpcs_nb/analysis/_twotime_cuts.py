"""One-time correlations from a two-time map, in both conventions of age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.errors import OptionError

__all__ = ["TwotimeCut", "cut_at_age", "cut_from_start"]


@dataclass(frozen=True)
class TwotimeCut:
    """A cut through a two-time map.

    Attributes
    ----------
    lag
        ``t2 - t1`` in frames, shape (K,), int64, rising; lags at which the map does not hold all cells of the
        average are left out.
    g2
        Mean of the map at each lag, shape (K,); that at lag 0 holds shot noise.
    n_values
        Cells of the map that each value averages over, shape (K,), int64.
    """

    lag: NDArray[np.int64]
    g2: NDArray[np.float64]
    n_values: NDArray[np.int64]


def cut_at_age(c2: NDArray[np.floating[Any]], age: float, *, width: float = 1.0) -> TwotimeCut:
    r"""Cut a map at right angles to its diagonal: age is the mean of the two times.

    .. math:: g_2(t_a, \tau) = C_2(t_a - \tau/2,\ t_a + \tau/2), \qquad t_a = (t_1 + t_2) / 2, \ \tau = t_2 - t_1

    The two times lie on both sides of the age, so that an age near the ends of the series has few
    lags. In an ageing system its shape differs from that of `cut_from_start`; O. Bikondoa, J. Appl. Cryst. 50, 357
    (2017), doi 10.1107/S1600576717000577, compares the two.

    Parameters
    ----------
    c2
        Map whose upper triangle is filled, shape (N, N).
    age
        In frames, 0 to N - 1; may be a fraction.
    width
        Ages ``age - width / 2`` to ``age + width / 2`` (both included) are averaged. At a width of 0 a whole age has
        even lags only, an age of a half odd ones; a width of 1 or more has all.

    Raises
    ------
    OptionError
        If the map is not square, the age lies outside it, or the width is negative.
    """
    first, last = age_range(_length(c2), age, width)
    return _cut(c2, list(zip(first.tolist(), last.tolist(), strict=True)))


def cut_from_start(c2: NDArray[np.floating[Any]], start: int, *, width: int = 1) -> TwotimeCut:
    r"""Cut a map along a row: age is the earlier of the two times.

    .. math:: g_2(t_1, \tau) = C_2(t_1,\ t_1 + \tau)

    It follows how the speckle of frame `t_1` is lost: each cut has one beginning and reaches to the end of the series
    (the other convention of doi 10.1107/S1600576717000577; see `cut_at_age`).

    Parameters
    ----------
    c2
        Map whose upper triangle is filled, shape (N, N).
    start
        Frame `t_1`, 0 to N - 1.
    width
        Cuts that are averaged: those that begin at ``start..start + width - 1``.

    Raises
    ------
    OptionError
        If the map is not square, or the frames lie outside it.
    """
    n = _length(c2)
    _within("start", start, 0, n - 1)
    _within("width", width, 1, n - start)
    return _cut(c2, [(start, start + width - 1)] * (n - start))


def age_range(n: int, age: float, width: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, for each lag, the first and the last earlier time whose cell has this age, shape (N,) each.

    Raises
    ------
    OptionError
        If the age lies outside a map of `n` frames, or the width is negative.
    """
    _within("age", age, 0, n - 1)
    _within("width", width, 0, 2 * n)
    half_lag = np.arange(n) / 2
    first, last = np.ceil(age - width / 2 - half_lag), np.floor(age + width / 2 - half_lag)
    return first.astype(np.int64), last.astype(np.int64)


def _cut(c2: NDArray[np.floating[Any]], ranges: list[tuple[int, int]]) -> TwotimeCut:
    """Average, at each lag, the cells whose earlier time lies in the range (both ends included)."""
    n = len(c2)
    lags, means, sizes = [], [], []
    for lag, (first, last) in enumerate(ranges):
        # a part of the range would be the mean at another age
        if 0 <= first <= last < n - lag:
            cells = np.diagonal(c2, lag)[first : last + 1]
            lags.append(lag)
            means.append(float(cells.mean(dtype=np.float64)))
            sizes.append(cells.size)
    return TwotimeCut(np.array(lags, np.int64), np.array(means, np.float64), np.array(sizes, np.int64))


def _length(c2: NDArray[np.floating[Any]]) -> int:
    if c2.ndim != 2 or c2.shape[0] != c2.shape[1] or not c2.size:
        raise OptionError("a two-time map is square", where="c2", got=f"shape {c2.shape}", expected="(N, N)")
    return len(c2)


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise OptionError(f"{name} lies outside the map", got=value, expected=f"{least} to {most} frames")
