"""Photons with a known contrast."""

from __future__ import annotations

import numpy as np
import pytest

from xpcs_nb.core import EventList, Geometry
from xpcs_nb.qmap import partition
from xpcs_nb.testing import renewal_events

SHAPE = (48, 48)
GEOMETRY = Geometry(energy=10, detector_distance=5, pixel_size=75e-6, beam_center_x=-20, beam_center_y=24)


@pytest.fixture(scope="session")
def qmap():
    return partition(GEOMETRY, SHAPE, np.ones(SHAPE, dtype=bool), q=(2, 8))


@pytest.fixture
def photons():
    """An event list; `mean` may be an image."""

    def make(mean, beta, tau, n_frames, seed=0):
        rng = np.random.default_rng(seed)
        image = np.broadcast_to(np.asarray(mean, dtype=float), SHAPE).ravel()
        return EventList(*renewal_events(image, tau, beta, n_frames, rng), n_frames, SHAPE)

    return make


@pytest.fixture
def dense():
    def frames(events):
        image = np.zeros((events.n_frames, *events.shape), dtype=np.uint16)
        image.reshape(events.n_frames, -1)[events.frame, events.pixel] = events.count
        return image

    return frames
