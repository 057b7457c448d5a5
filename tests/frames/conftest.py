"""Series that the tests of the readers share."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from xpcs_nb.core import EventList


@pytest.fixture
def counts() -> NDArray[np.uint16]:
    """12 frames of 30 x 50 pixels, one photon in two pixels."""
    return np.random.default_rng(5).poisson(0.5, (12, 30, 50)).astype(np.uint16)


@pytest.fixture
def photons_3m() -> EventList:
    """200 frames of a Rigaku 3M, 10 photons a module and frame, none twice in a pixel and frame."""
    rng = np.random.default_rng(6)
    frame, module, _ = np.indices((200, 6, 10)).reshape(3, -1)
    # One photon at most in each column of a module: no pixel can come twice in a frame.
    column = np.stack([rng.choice(1024, 10, replace=False) for _ in range(200 * 6)]).reshape(-1)
    row = rng.integers(0, 512, frame.size)
    pixel = (row + module // 2 * (512 + 70)) * 2100 + column + module % 2 * (1024 + 52)
    count = rng.integers(1, 5, frame.size)
    return EventList(pixel.astype(np.uint32), frame.astype(np.uint32), count.astype(np.uint16), 200, (1676, 2100))
