"""What speckle visibility needs of a series: how often each number of photons was counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["PhotonCounts"]

type Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PhotonCounts:
    """Photons a pixel counts in an exposure of `frames` frames; D dynamic and S static bins, B jackknife blocks.

    Attributes
    ----------
    frames, n_windows
        Frames that are added up, and how many such sums the series has.
    histogram
        Sums with k = 0, 1, ... photons over the pixels and windows of each block, shape (D, B, K).
    counts, n_pixels
        Photons of all windows, and pixels, of each (static bin, block) cell, shape (S, B).
    window_counts
        Photons of each window over all used pixels, shape (n_windows,).
    """

    frames: int
    n_windows: int
    histogram: Ints
    counts: Ints
    n_pixels: Ints
    window_counts: Ints
