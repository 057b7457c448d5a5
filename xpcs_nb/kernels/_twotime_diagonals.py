"""Averages of a two-time map along its diagonals."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.kernels._jit import entry, inner

__all__ = ["N_SEGMENTS", "DiagonalSums", "add_diagonals", "finish_rows", "g2_from_twotime"]

type Floats = NDArray[np.float64]

#: Stretches of time of which the map's g2 is given apart, as in the APS files.
N_SEGMENTS = 5


class DiagonalSums:
    """Sums along the diagonals of a map of `n` frames, filled by rows, to which several threads may contribute.

    Attributes
    ----------
    total
        Sums over the whole map, shape (n,).
    segment
        Sums inside each stretch of ``n // 5`` frames, shape (5, n // 5).
    """

    def __init__(self, n: int) -> None:
        self.total: Floats = np.zeros(n)
        self.segment: Floats = np.zeros((N_SEGMENTS, n // N_SEGMENTS))

    def __iadd__(self, other: DiagonalSums) -> Self:
        self.total += other.total
        self.segment += other.segment
        return self

    def g2(self) -> tuple[Floats, Floats]:
        """Return the means: g2 of shape (n,), and that of the stretches, shape (n // 5, 5)."""
        n, length = len(self.total), self.segment.shape[1]
        return self.total / np.arange(n, 0, -1), np.ascontiguousarray((self.segment / np.arange(length, 0, -1)).T)


@inner
def add_diagonals(c2: Any, begin: Any, end: Any, total: Any, segment: Any) -> None:
    """Add rows begin..end-1 of a map to its sums along the diagonals."""
    n = c2.shape[0]
    length = segment.shape[1]
    for t in range(begin, end):
        row = c2[t, t:]
        for k in range(n - t):
            total[k] += row[k]
        if length > 0 and t // length < segment.shape[0]:
            part = segment[t // length]
            for k in range((t // length + 1) * length - t):
                part[k] += row[k]


@entry
def finish_rows(c2: Any, begin: Any, end: Any, total: Any, segment: Any) -> None:
    """Clear what lies below the diagonal in rows begin..end-1, and add the rows to the sums along the diagonals."""
    for t in range(begin, end):
        c2[t, :t] = 0
    add_diagonals(c2, begin, end, total, segment)


@entry
def _sum_map(c2: Any, total: Any, segment: Any) -> None:
    add_diagonals(c2, 0, c2.shape[0], total, segment)


def g2_from_twotime(c2: NDArray[np.floating[Any]]) -> tuple[Floats, Floats]:
    r"""Average a two-time map along its diagonals.

    :math:`g_2(k) = \langle C_2(t, t+k) \rangle_t`, over the whole series and over 5 stretches of N // 5 frames
    (pairs that lie inside the stretch). ``g2[0]`` is the mean of the diagonal, which holds shot noise.

    Parameters
    ----------
    c2
        Map whose upper triangle is filled, shape (N, N); the lower one is not looked at.

    Returns
    -------
    g2, shape (N,), and that of the stretches, shape (N // 5, 5), float64.
    """
    sums = DiagonalSums(len(c2))
    _sum_map(c2, sums.total, sums.segment)
    return sums.g2()
