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
        Shape (T, 3, K), float32.
    begin, end
        Delays to do.
    row, cell, dynamic
        Of each pixel: its place in the last axis of `kept`, its cell, its dynamic bin; shape (P,), int32.
    cells
        Sums, shape (T, C, 3), float64; added to.
    pixel_g2
        Sums of G / (IP IF), 0 where that is not defined, and of its square, shape (T, D, 2), float64; added to.
    """
    for delay in range(begin, end):
        lines = kept[delay]
        sums = cells[delay]
        spread = pixel_g2[delay]
        for p in range(len(row)):
            at = np.uint64(row[p])
            G = np.float64(lines[0, at])
            IP = np.float64(lines[1, at])
            IF = np.float64(lines[2, at])
            here = sums[np.uint64(cell[p])]
            here[0] += G
            here[1] += IP
            here[2] += IF
            below = IP * IF
            if below > 0:
                g2 = G / below
                there = spread[np.uint64(dynamic[p])]
                there[0] += g2
                there[1] += g2 * g2
