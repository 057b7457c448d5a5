"""A small qmap with an image, and an editor on it."""

from __future__ import annotations

import numpy as np
import pytest

from xpcs_nb.core import Geometry
from xpcs_nb.qmap import QMap
from xpcs_nb.widgets import QMapEditor

SHAPE = (60, 80)
GEOMETRY = Geometry(energy=10.0, detector_distance=4.0, pixel_size=75e-6, beam_center_x=31.3, beam_center_y=22.8)


@pytest.fixture
def start() -> QMap:
    image = np.random.default_rng(0).poisson(2000 / (1 + 3e5 * GEOMETRY.q_phi(SHAPE)[0] ** 2)).astype(np.float32)
    return QMap.from_geometry(GEOMETRY, SHAPE, image=image)


@pytest.fixture
def editor(start: QMap) -> QMapEditor:
    return QMapEditor(start)
