"""g2 of the whole path where theory gives the answer."""

import numpy as np
import pytest

from xpcs_nb.analysis import g2_from_sums
from xpcs_nb.core import DelayGrid, FrameRange, PixelLabels
from xpcs_nb.frames import open_frames
from xpcs_nb.reduction import reduce_multitau
from xpcs_nb.testing import ar1_frames

SIDE = 60


def labels_of(static, n_blocks=20):
    """All pixels of a SIDE x SIDE frame in one dynamic bin; `static` gives the static bin of each."""
    pixel = np.arange(SIDE * SIDE)
    zero = np.zeros(len(pixel), dtype=np.int64)
    n_static = int(static.max()) + 1
    owner = np.zeros(n_static, dtype=np.int64)
    return PixelLabels(
        pixel, static.astype(np.int64), zero, pixel % n_blocks, owner, n_static, 1, n_blocks, (SIDE, SIDE)
    )


def g2_of(frames, static, *, normalize=False):
    frames = frames.reshape(-1, SIDE, SIDE).astype(np.uint16)
    labels = labels_of(static)
    with open_frames(frames) as source:
        sums, _, _ = reduce_multitau(
            source,
            labels,
            FrameRange(0, len(frames)),
            blemish=np.ones((SIDE, SIDE), dtype=bool),
            normalize_frame=normalize,
        )
    found = g2_from_sums(sums, labels.static_to_dynamic, 1)
    return found.g2[:, 0], found.err[:, 0]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


ONE_BIN = np.zeros(SIDE * SIDE, dtype=np.int64)


@pytest.mark.parametrize("counts", [0.02, 3.0])
def test_uncorrelated_noise_is_one_at_every_delay(rng, counts):
    g2, err = g2_of(rng.poisson(counts, (400, SIDE * SIDE)), ONE_BIN)
    pairs = DelayGrid(400).n_pairs >= 8
    assert np.abs((g2 - 1) / err)[pairs].max() < 4.5


@pytest.mark.parametrize(
    ("beta", "n", "expected"), [(1, 5, 1.667), (1, 20, 1.905), (0.25, 5, 1.1905), (0.25, 100, 1.2469)]
)
def test_static_speckle_in_small_bins_shows_less_than_one_plus_beta(rng, beta, n, expected):
    assert (1 + beta) / (1 + beta / n) == pytest.approx(expected, abs=5e-4)
    intensity = rng.gamma(1 / beta, beta, SIDE * SIDE) * 20
    g2, err = g2_of(rng.poisson(intensity, (60, SIDE * SIDE)), np.arange(SIDE * SIDE) // n)
    # One realisation of static speckle: its scatter is that over bins, which the blocks see.
    assert abs(g2[0] - expected) < max(4 * err[0], 0.02)


def test_an_ar1_field_decays_as_the_square_of_its_correlation(rng):
    a, modes, n = 0.95, 2, 1200
    frames = ar1_frames((SIDE, SIDE), n, a, modes, 1.0, rng)
    g2, err = g2_of(frames, ONE_BIN)
    grid = DelayGrid(n)
    for k in (1, 2, 4, 8):
        assert abs(g2[k - 1] - (1 + 0.5 * a ** (2 * k))) < 4 * err[k - 1] + 1e-3
    # At higher levels a delay averages over the frames that were summed.
    level1 = int(np.flatnonzero(grid.frames == 12)[0])
    m = 1 << int(grid.level[level1])
    i = np.arange(m)
    truth = 1 + 0.5 / m**2 * (a ** (2 * np.abs(12 + i[:, None] - i))).sum()
    assert abs(g2[level1] - truth) < 4 * err[level1] + 1e-3


def test_static_bins_take_out_an_intensity_gradient(rng):
    mean = np.linspace(0.2, 2.0, SIDE * SIDE)
    frames = rng.poisson(mean, (300, SIDE * SIDE))
    variation = mean.var() / mean.mean() ** 2
    without, err = g2_of(frames, ONE_BIN)
    assert abs(without[0] - (1 + variation)) < 0.01
    fine, fine_err = g2_of(frames, np.arange(SIDE * SIDE) * 50 // (SIDE * SIDE))
    assert abs(fine[0] - 1) < 4 * fine_err[0]
    assert max(err[0], fine_err[0]) < 0.1 * variation


def test_frame_normalisation_takes_out_a_fluctuating_beam(rng):
    beam = 1 + 0.07 * np.repeat(rng.normal(size=40), 10)
    frames = rng.poisson(0.5 * beam[:, None], (400, SIDE * SIDE))
    raw, _ = g2_of(frames, ONE_BIN)
    normalised, err = g2_of(frames, ONE_BIN, normalize=True)
    assert raw[0] > 1 + 0.6 * beam.var()
    assert abs(normalised[0] - 1) < 4 * err[0] + 5e-4
