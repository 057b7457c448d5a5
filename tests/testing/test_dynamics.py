"""Simulated photons have the statistics that are claimed for them."""

import numpy as np
import pytest

from xpcs_nb.errors import OptionError
from xpcs_nb.testing import add_events, ar1_frames, dim_events, renewal_events

PIXELS, FRAMES = 4000, 200


def dense(mean, tau, beta, seed, pixels=PIXELS, n_frames=FRAMES):
    pixel, frame, count = renewal_events(np.full(pixels, mean), tau, beta, n_frames, np.random.default_rng(seed))
    frames = np.zeros((pixels, n_frames))
    frames[pixel, frame] = count
    return frames


def assert_close(values, expected, sigmas=4.0):
    """The mean of independent values is the expected one within their standard errors."""
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert abs(values.mean() - expected) < sigmas * error, (values.mean(), expected, error)


@pytest.mark.parametrize(("mean", "seed"), [(0.02, 1), (0.7, 2), (6.0, 3)])
@pytest.mark.parametrize(("tau", "beta"), [(0.3, 0.5), (3.0, 0.25), (40.0, 1.0), (500.0, 0.1), (np.inf, 0.4)])
def test_g2_is_exact_at_low_and_high_count_rates(mean, seed, tau, beta):
    frames = dense(mean, tau, beta, seed)
    assert_close(frames.mean(axis=1), mean)
    for delay in (1, 4, 20):
        products = (frames[:, delay:] * frames[:, :-delay]).mean(axis=1) / mean**2
        assert_close(products, 1 + beta * np.exp(-delay / tau))


@pytest.mark.parametrize("frame", [0, 1, FRAMES // 2, FRAMES - 1])
def test_counts_of_every_frame_are_negative_binomial(frame):
    mean, beta = 0.8, 0.5
    counts = dense(mean, 20.0, beta, 4, pixels=30_000, n_frames=FRAMES)[:, frame]
    assert_close(counts, mean)
    assert_close(counts * (counts - 1), mean**2 * (1 + beta))
    # third factorial moment of a negative binomial
    assert_close(counts * (counts - 1) * (counts - 2), mean**3 * (1 + beta) * (1 + 2 * beta))


def test_no_contrast_is_poisson_noise():
    frames = dense(1.5, 10.0, 0.0, 5)
    assert_close(frames.ravel() * (frames.ravel() - 1), 1.5**2)
    assert_close((frames[:, 1:] * frames[:, :-1]).mean(axis=1), 1.5**2)


def test_static_speckle_has_the_g2_of_few_pixels_per_static_bin():
    n, beta, mean = 20, 0.5, 3.0
    bins = dense(mean, np.inf, beta, 6, pixels=20 * n * 50).reshape(-1, n, FRAMES)
    pairs = (bins[:, :, 1:] * bins[:, :, :-1]).mean(axis=(1, 2))
    g2 = pairs / (bins[:, :, 1:].mean(axis=(1, 2)) * bins[:, :, :-1].mean(axis=(1, 2)))
    assert_close(g2, (1 + beta) / (1 + beta / n))


def test_added_series_have_a_gamma_distribution_and_the_sum_of_their_decays():
    mean, beta, rng = 1.5, 0.5, np.random.default_rng(11)
    decays = ((0.7, 2.0), (0.3, 40.0))
    series = [renewal_events(np.full(PIXELS, mean * share), tau, beta / share, FRAMES, rng) for share, tau in decays]
    pixel, frame, count = add_events(series, FRAMES)
    assert (pixel.dtype, frame.dtype, count.dtype) == (np.uint32, np.uint32, np.uint16)
    assert (np.diff(pixel.astype(np.int64) * FRAMES + frame) > 0).all()
    assert count.sum() == sum(part[2].sum() for part in series)
    frames = np.zeros((PIXELS, FRAMES))
    frames[pixel, frame] = count
    for delay in (1, 5, 30):
        products = (frames[:, delay:] * frames[:, :-delay]).mean(axis=1) / mean**2
        assert_close(products, 1 + beta * sum(share * np.exp(-delay / tau) for share, tau in decays))
    counts = frames[:, 50]
    assert_close(counts * (counts - 1), mean**2 * (1 + beta))
    assert_close(counts * (counts - 1) * (counts - 2), mean**3 * (1 + beta) * (1 + 2 * beta))


def test_a_fluctuating_beam_multiplies_g2_by_its_own_correlation():
    mean, beta, tau, rng = 2.0, 0.2, 8.0, np.random.default_rng(12)
    flux = 1 + 0.5 * np.sin(2 * np.pi * np.arange(FRAMES) / 20)
    pixel, frame, count = dim_events(renewal_events(np.full(PIXELS, mean), tau, beta, FRAMES, rng), flux, rng)
    frames = np.zeros((PIXELS, FRAMES))
    frames[pixel, frame] = count
    beam = mean * flux / flux.max()
    for at in (5, 15):
        assert_close(frames[:, at], beam[at])
        assert_close(frames[:, at] * (frames[:, at] - 1), beam[at] ** 2 * (1 + beta))
    for delay in (1, 10):
        products = (frames[:, delay:] * frames[:, :-delay]).mean(axis=1) / (beam[delay:] * beam[:-delay]).mean()
        assert_close(products, 1 + beta * np.exp(-delay / tau))


@pytest.mark.parametrize("flux", [[1.0, 1.0], [-1.0] * FRAMES, [np.nan] * FRAMES, [0.0] * FRAMES])
def test_a_beam_that_makes_no_sense_is_refused(flux):
    rng = np.random.default_rng(13)
    with pytest.raises(OptionError, match="flux"):
        dim_events(renewal_events(np.ones(50), 1.0, 0.1, FRAMES, rng), flux, rng)


def test_events_are_sorted_and_unique_and_pixels_keep_their_own_mean(monkeypatch):
    monkeypatch.setattr("xpcs_nb.simulation._dynamics.CHUNK_PHOTONS", 500)
    mean = np.tile([0.0, 0.001, 0.05, 2.0], 300)
    pixel, frame, count = renewal_events(mean, 5.0, 0.3, 50, np.random.default_rng(7))
    assert (pixel.dtype, frame.dtype, count.dtype) == (np.uint32, np.uint32, np.uint16)
    assert (np.diff(pixel.astype(np.int64) * 50 + frame) > 0).all()
    assert (count > 0).all()
    photons = np.bincount(pixel, count, len(mean)).reshape(-1, 4)
    assert not photons[:, 0].any()
    for column, expected in enumerate(mean[:4]):
        if expected:
            assert_close(photons[:, column], expected * 50)


def test_the_same_seed_gives_the_same_photons():
    first, second = (renewal_events(np.ones(50), 3.0, 0.2, 30, np.random.default_rng(8)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("bad", [{"mean": [-1.0]}, {"mean": [np.nan]}, {"tau": 0.0}, {"beta": -0.1}, {"n_frames": 0}])
def test_what_makes_no_sense_is_refused(bad):
    options = {"mean": [1.0], "tau": 1.0, "beta": 0.1, "n_frames": 5} | bad
    with pytest.raises(OptionError):
        renewal_events(**options, rng=np.random.default_rng(0))


def test_gaussian_fields_have_the_g2_of_their_modes():
    frames = ar1_frames((60, 60), 120, a=0.9, modes=2, mean=2.0, rng=np.random.default_rng(9)).astype(float)
    frames = frames.reshape(120, -1).T
    for delay in (1, 5):
        products = (frames[:, delay:] * frames[:, :-delay]).mean(axis=1) / 4
        assert_close(products, 1 + 0.9 ** (2 * delay) / 2)


def test_wide_speckles_correlate_neighbouring_pixels_and_keep_the_g2_of_a_pixel():
    width, side = 2.0, 64
    frames = ar1_frames((side, side), 150, a=0.7, modes=1, mean=3.0, rng=np.random.default_rng(10), speckle=width)
    frames = frames.astype(float)
    # frames far apart are independent speckle patterns; one value for each is an honest sample
    patterns = frames[::10]
    for distance in (1, 2, 4):
        products = (patterns * np.roll(patterns, distance, axis=2)).mean(axis=(1, 2)) / 9
        assert_close(products, 1 + np.exp(-(distance**2) / (2 * width**2)))
    later = (frames[2::12] * frames[:-2:12][: len(frames[2::12])]).mean(axis=(1, 2)) / 9
    assert_close(later, 1 + 0.7**4)
