"""The error bars of g2 mean what they say: 68 % of the intervals hold the truth."""

import numpy as np
import pytest

from xpcs_nb.analysis import g2_from_sums
from xpcs_nb.core import DelayGrid, EventList, FrameRange, Geometry
from xpcs_nb.frames import open_frames
from xpcs_nb.qmap import partition, pixel_labels
from xpcs_nb.reduction import reduce_multitau
from xpcs_nb.testing import renewal_events

SHAPE = (72, 72)
FRAMES = 300
REPEATS = 60
BETA = 0.25
TAU = 6.0


@pytest.mark.slow
@pytest.mark.parametrize(("counts", "normalize"), [(0.5, False), (0.02, False), (0.5, True)])
def test_68_percent_intervals_hold_the_truth(counts, normalize):
    geometry = Geometry(energy=10, detector_distance=5, pixel_size=75e-6, beam_center_x=-30, beam_center_y=36)
    qmap = partition(geometry, SHAPE, np.ones(SHAPE, dtype=bool), q=(3, 15))
    labels = pixel_labels(qmap.arrays)
    truth = 1 + BETA * np.exp(-np.arange(1, 9) / TAU)
    rng = np.random.default_rng(12)
    pulls = []
    for _ in range(REPEATS):
        mean = np.full(SHAPE[0] * SHAPE[1], counts)
        pixel, frame, count = renewal_events(mean, np.full(mean.size, TAU), BETA, FRAMES, rng)
        with open_frames(EventList(pixel, frame, count, FRAMES, SHAPE)) as source:
            sums, _, _ = reduce_multitau(
                source, labels, FrameRange(0, FRAMES), blemish=np.ones(SHAPE, dtype=bool), normalize_frame=normalize
            )
        found = g2_from_sums(sums, labels.static_to_dynamic, labels.n_dynamic)
        pulls.append((found.g2[:8] - truth[:, None]) / found.err[:8])
    inside = np.mean(np.abs(pulls) < 1)
    assert len(DelayGrid(FRAMES)) > 8
    assert 0.63 <= inside <= 0.73
