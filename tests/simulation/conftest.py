"""A small set-up of one's own."""

from __future__ import annotations

import numpy as np
import pytest

from xpcs_nb.core import Geometry
from xpcs_nb.qmap import partition

SHAPE = (40, 40)
GEOMETRY = Geometry(energy=10, detector_distance=5, pixel_size=75e-6, beam_center_x=-60, beam_center_y=20)
#: Decay time of g2 at the middle of the detector, frames of 0.1 s, for D_MIDDLE.
TAU = 6.0


@pytest.fixture(scope="session")
def qmap():
    return partition(GEOMETRY, SHAPE, np.ones(SHAPE, dtype=bool), q=(3, 6))


@pytest.fixture(scope="session")
def tall_qmap():
    """Bins that are cut into as many jackknife blocks as those of a real detector, of few pixels all the same."""
    geometry = Geometry(energy=10, detector_distance=5, pixel_size=75e-6, beam_center_x=-400, beam_center_y=240)
    return partition(geometry, (480, 24), np.ones((480, 24), dtype=bool), q=(3, 6))


@pytest.fixture(scope="session")
def D_middle(qmap):
    q = qmap.arrays.bin_centers("dynamic")[0][1]
    return float(1 / (2 * q**2 * TAU * 0.1))
