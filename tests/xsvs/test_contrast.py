"""Contrast where the answer is known."""

import numpy as np
import pytest
from scipy.stats import nbinom

import xpcs_nb as xnb
from xpcs_nb.analysis import contrast_from_counts
from xpcs_nb.core import PhotonCounts
from xpcs_nb.errors import CorruptDataError, OptionError, QMapError
from xpcs_nb.frames import open_frames
from xpcs_nb.qmap import pixel_labels
from xpcs_nb.reduction import count_photons


def counts_of(histogram, mean_counts, n_pixels):
    histogram = np.asarray(histogram, dtype=np.int64)[None]
    return PhotonCounts(
        1, 1, histogram, np.asarray(mean_counts)[None], np.asarray(n_pixels)[None], np.zeros(1, np.int64)
    )


@pytest.mark.parametrize("kbar", [0.01, 0.2, 3.0, 80.0])
@pytest.mark.parametrize("beta", [0.0, 0.25, 1.0])
def test_the_exact_distribution_gives_the_exact_contrast(kbar, beta):
    """A histogram of 1e12 samples in exact proportions; kbar = 0.2 is where the low-count form fails."""
    k = np.arange(4000)
    share = (
        nbinom.pmf(k, 1 / beta, 1 / (1 + kbar * beta))
        if beta
        else np.exp(k * np.log(kbar) - kbar - np.array([np.sum(np.log(np.arange(1, n + 1))) for n in k]))
    )
    samples = np.rint(1e12 * share).astype(np.int64)
    photons, n = int((k * samples).sum()), int(samples.sum())
    found = contrast_from_counts(counts_of(samples[None], [photons], [n]), np.zeros(1, np.int64), 1)
    assert found.contrast[0] == pytest.approx(beta, abs=1e-4)
    assert found.moment[0] == pytest.approx(beta, abs=1e-4)


def test_the_low_count_form_fails_where_ours_does_not():
    share = nbinom.pmf(np.arange(30), 4, 1 / (1 + 0.2 * 0.25))
    assert 2 * share[2] / 0.2**2 - 1 == pytest.approx(-0.07, abs=0.01)
    samples = np.rint(1e10 * share).astype(np.int64)
    n = int(samples.sum())
    found = contrast_from_counts(
        counts_of(samples[None], [int((np.arange(30) * samples).sum())], [n]), np.zeros(1, np.int64), 1
    )
    assert found.contrast[0] == pytest.approx(0.25, abs=1e-3)


@pytest.mark.parametrize(("mean", "beta"), [(0.02, 0.3), (0.2, 0.25), (4.0, 0.25), (0.3, 0.0)])
def test_static_speckle_keeps_its_contrast_at_every_exposure(photons, qmap, mean, beta):
    data = xnb.xsvs(photons(mean, beta, np.inf, 64), qmap, frame_time=0.01)
    # a static bin of n pixels shows (1 + beta) / (1 + beta / n) - 1
    n = np.bincount(qmap.arrays.static_roi_map.ravel())[1:].min()
    ok = (data.status == "ok").to_numpy()
    assert ok[2:].all()
    pulls = ((data.contrast - ((1 + beta) / (1 + beta / n) - 1)) / data.contrast_err).to_numpy()[ok]
    assert np.abs(pulls).max() < 4.5
    np.testing.assert_allclose(data.kbar[:, 0], mean * data.exposure_frames, rtol=0.1)
    assert data.exposure.to_numpy().tolist() == [0.01, 0.02, 0.04, 0.08, 0.16]


def test_a_gradient_inside_the_bin_is_no_contrast(photons, qmap):
    gradient = np.linspace(0.1, 1.9, 48)[None, :] * 0.5
    data = xnb.xsvs(photons(gradient, 0.0, np.inf, 200), qmap, frame_time=1.0)
    assert (np.abs(data.contrast) < 0.1).all()
    whole = qmap.arrays.dynamic_roi_map
    image = np.broadcast_to(gradient, (48, 48))
    spread = image[whole == 1].var() / image[whole == 1].mean() ** 2
    assert spread > 2 * float(data.contrast[0, 0])


def test_errors_hold_the_truth_in_68_percent(photons, qmap):
    """Also where one window after the other sees the same speckles, which the photon error does not know."""
    pulls, naive = [], []
    for seed in range(40):
        data = xnb.xsvs(photons(3.0, 0.25, 40.0, 64, seed), qmap, exposures=[1, 2], frame_time=1.0)
        truth = 0.25 * xnb.analysis.visibility([[1], [2]], 1 / 80, frame_time=1.0, count_time=0)
        pulls.append((data.contrast - truth) / data.contrast_err)
        naive.append((data.contrast - truth) / data.contrast_err_photons)
    assert 0.61 < np.mean(np.abs(pulls) < 1) < 0.75
    assert np.std(naive) > 1.3


def test_dense_frames_events_and_stretches_give_the_same(photons, qmap, dense, monkeypatch):
    events = photons(0.4, 0.25, 5.0, 100)
    labels = pixel_labels(qmap.arrays)
    exposures = [1, 2, 4, 8, 16, 32, 64]
    with open_frames(events) as source:
        whole = count_photons(source, labels, exposures, begin=3)
    monkeypatch.setattr("xpcs_nb.reduction._photons.CHUNK_EVENTS", 1 << 13)
    with open_frames(dense(events)) as source:
        pieces = count_photons(source, labels, exposures, begin=3)
    frames = dense(events)[3:].reshape(97, -1)[:, labels.pixel].astype(int)
    for one, other in zip(whole, pieces, strict=True):
        n = 97 // one.frames
        sums = frames[: n * one.frames].reshape(n, one.frames, -1).sum(axis=1)
        group = labels.dynamic * labels.n_blocks + labels.block
        depth = sums.max() + 1
        expected = np.bincount(
            (group * depth + sums).ravel(), minlength=one.histogram.shape[0] * one.histogram.shape[1] * depth
        )
        for got in (one, other):
            np.testing.assert_array_equal(got.histogram[..., :depth].ravel(), expected)
            assert not got.histogram[..., depth:].any()
            np.testing.assert_array_equal(got.window_counts, sums.sum(axis=1))
            assert got.counts.sum() == sums.sum()


def test_beam_fluctuations_are_told(photons, qmap):
    steady = photons(0.5, 0.0, np.inf, 200)
    flux = 1 + 0.3 * np.sin(np.arange(200))
    from xpcs_nb.testing import dim_events

    rng = np.random.default_rng(3)
    dimmed = dim_events((steady.pixel, steady.frame, steady.count), flux, rng)
    data = xnb.xsvs(type(steady)(*dimmed, 200, steady.shape), qmap, exposures=[1], frame_time=1.0)
    assert float(data.beam_variance[0]) == pytest.approx(flux.var() / flux.mean() ** 2, rel=0.1)
    assert float(xnb.xsvs(steady, qmap, exposures=[1], frame_time=1.0).beam_variance[0]) < 0.002


def test_too_few_photons_are_no_contrast(photons, qmap):
    data = xnb.xsvs(photons(1e-4, 0.25, 10.0, 64), qmap, frame_time=1.0)
    assert data.contrast.isnull().all()
    assert "too few photons" in str(data.status[0, 0].item())
    assert data.modes.isnull().all()


@pytest.mark.parametrize(
    "options",
    [
        {"exposures": [3]},
        {"exposures": [128]},
        {"exposures": []},
        {"frame_time": -1.0},
        {"count_time": 2.0},
        {"begin_frame": 70},
    ],
)
def test_what_makes_no_sense_is_refused(photons, qmap, options):
    with pytest.raises(OptionError):
        xnb.xsvs(photons(0.1, 0.2, 5.0, 64), qmap, **{"frame_time": 1.0} | options)


def test_what_does_not_fit_together_is_refused(photons, qmap):
    with pytest.raises(OptionError, match="time"):
        xnb.xsvs(photons(0.1, 0.2, 5.0, 64), qmap)
    with pytest.raises(QMapError):
        xnb.xsvs(np.zeros((10, 20, 20), np.uint16), qmap, frame_time=1.0)
    with pytest.raises(CorruptDataError):
        xnb.xsvs(np.full((4, 48, 48), 0.5), qmap, frame_time=1.0, exposures=[1])
