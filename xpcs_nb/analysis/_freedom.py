"""How far the parameters of fits may move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Freedom"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Freedom:
    """Which parameters may move and how far; rates as natural logarithms. All of shape (D, P).

    Attributes
    ----------
    low, high
        Bounds.
    fixed
        Values of the parameters that are held; NaN for the free ones, which are the same for all curves.
    significance
        Least ratio of the contrast to its error.
    """

    low: Floats
    high: Floats
    fixed: Floats
    significance: float

    @property
    def free(self) -> NDArray[np.bool_]:
        """Which parameters are free, shape (P,)."""
        free: NDArray[np.bool_] = np.isnan(self.fixed[0])
        return free

    def take(self, rows: slice | NDArray[np.int64]) -> Freedom:
        """Return those of some of the curves."""
        return Freedom(self.low[rows], self.high[rows], self.fixed[rows], self.significance)
