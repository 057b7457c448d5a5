"""Sums over bins of what a multi-tau pass has kept of each pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.kernels._jit import entry

__all__ = ["rebin_pixels"]

type Array = NDArray[Any]


@entry
def rebin_pixels(
    kept: Array, begin: int, end: int, row: Array, cell: Array, dynamic: Array, cells: Array, pixel_g2: Array
) -> None:
    """Add up G, IP and IF of some pixels by cell, and their g2 and its square by dynamic bin.

    Parameters
    ----------
    kept
        G of all T delays, then IP, then IF, shape (K, 3 T), float32.
    begin, end
        Pixels to do, of P.
    row, cell, dynamic
        Of each pixel: its place in `kept`, its cell, its dynamic bin; shape (P,), int32.
    cells
        Sums, shape (C, 3 T), float64; added to.
    pixel_g2
        Sums of G / (IP IF), 0 where that is not defined, then of its square, shape (D, 2 T), float64; added to. Not
        made where it is empty.
    """
    n_delays = cells.shape[1] // 3
    for p in range(begin, end):
        line = kept[np.uint64(row[p])]
        sums = cells[np.uint64(cell[p])]
        # One loop over all three: the processor adds several delays at a time.
        for t in range(3 * n_delays):
            sums[t] += line[t]
        if pixel_g2.shape[0] > 0:
            spread = pixel_g2[np.uint64(dynamic[p])]
            first = spread[:n_delays]
            second = spread[n_delays : 2 * n_delays]
            G = line[:n_delays]
            IP = line[n_delays : 2 * n_delays]
            IF = line[2 * n_delays : 3 * n_delays]
            for t in range(n_delays):
                below = np.float64(IP[t]) * np.float64(IF[t])
                g2 = np.float64(G[t]) / below if below > 0 else 0.0
                first[t] += g2
                second[t] += g2 * g2
