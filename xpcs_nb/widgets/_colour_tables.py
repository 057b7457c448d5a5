"""Colour maps for the browser."""

from __future__ import annotations

from functools import cache

import numpy as np

__all__ = ["COLOUR_MAPS", "colour_tables"]

#: Names of matplotlib; the perceptually uniform ones first.
COLOUR_MAPS = (
    "viridis",
    "magma",
    "inferno",
    "plasma",
    "cividis",
    "gray",
    "gray_r",
    "hot",
    "cool",
    "jet",
    "turbo",
    "RdBu_r",
    "tab20b",
)


@cache
def colour_tables() -> bytes:
    """Return red, green and blue (uint8) of 256 colours of each of `COLOUR_MAPS`."""
    import matplotlib as mpl

    steps = np.linspace(0, 1, 256)
    return b"".join(
        np.ascontiguousarray(mpl.colormaps[name](steps, bytes=True)[:, :3]).tobytes() for name in COLOUR_MAPS
    )
