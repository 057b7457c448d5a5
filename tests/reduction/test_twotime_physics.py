"""Two-time maps of series whose correlation is known, and those of another correlator."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from xpcs_nb.core import FrameRange, PixelLabels
from xpcs_nb.reduction import twotime_maps

SHAPE, N_BINS = (80, 160), 16  # 800 pixels a bin


def strips():
    """Dynamic bins that are also static bins, as strips of the detector."""
    n = SHAPE[0] * SHAPE[1]
    bin_ = np.arange(n) * N_BINS // n
    return PixelLabels(np.arange(n), bin_, bin_, np.zeros_like(bin_), np.arange(N_BINS), N_BINS, N_BINS, 1, SHAPE)


def g2_of(array_source, counts):
    """Mean over the bins of g2 and of C2, each with its error."""
    maps = list(twotime_maps(array_source(counts), strips(), FrameRange(0, len(counts))))
    return [
        (values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(N_BINS))
        for values in (np.array([each.g2 for each in maps]), np.array([each.c2 for each in maps]))
    ]


def correlated_field(n, a, modes, rng):
    """Intensity of `modes` independent Gaussian fields, each correlated by `a` from frame to frame; mean 1."""
    size = (2 * modes, *SHAPE)
    field = rng.normal(size=size)
    for _ in range(n):
        yield (field**2).mean(axis=0)
        field = a * field + np.sqrt(1 - a**2) * rng.normal(size=size)


@pytest.mark.parametrize("mean", [0.05, 2.0])
def test_a_field_that_forgets_at_a_known_rate_has_its_g2(array_source, mean):
    rng = np.random.default_rng(11)
    a, modes, n = 0.9, 2, 60
    counts = np.array([rng.poisson(mean * image) for image in correlated_field(n, a, modes, rng)]).astype(np.uint16)
    (g2, error), _ = g2_of(array_source, counts)
    lag = np.arange(1, 40)
    truth = 1 + a ** (2 * lag) / modes
    # dividing by the mean over n pixels, itself uncertain, biases by the order of beta / n
    assert np.all(abs(g2[lag] - truth) < 4.5 * error[lag] + 1 / modes / 800)
    assert np.all(error[lag] < 0.05)


@pytest.mark.parametrize("mean", [0.05, 2.0])
def test_frames_without_memory_have_one_off_the_diagonal_and_shot_noise_on_it(array_source, mean):
    rng = np.random.default_rng(12)
    n = 50
    flux = rng.uniform(0.5, 1.5, size=(n, 1, 1))  # a beam that fluctuates makes no correlation
    counts = rng.poisson(mean * flux * np.linspace(0.9, 1.1, SHAPE[0])[:, None], size=(n, *SHAPE)).astype(np.uint16)
    (g2, error), (c2, c2_error) = g2_of(array_source, counts)
    assert np.all(abs(g2[1:-5] - 1) < 4.5 * error[1:-5] + 1e-3)
    above = np.triu_indices(n, 1)
    assert np.mean(abs(c2[above] - 1) < 2.13 * c2_error[above]) == pytest.approx(0.95, abs=0.02)  # t of 15, 95 %
    assert g2[0] == pytest.approx(1 + np.mean(1 / (mean * flux)), rel=0.05)


@pytest.mark.boost
@pytest.mark.parametrize("smooth", ["sqmap", "dqmap"])
@pytest.mark.parametrize("mean", [0.1, 3.0])
def test_the_maps_are_those_of_boost_corr(array_source, make_labels, mean, smooth):
    torch = pytest.importorskip("torch")
    boost = pytest.importorskip("boost_corr.twotime")
    shape, n = (20, 30), 63
    labels = make_labels(shape, n_static=9, n_dynamic=3)
    counts = np.random.default_rng(2).poisson(mean, size=(n, *shape)).astype(np.uint16)
    counts[7] = 0
    order = np.lexsort((labels.static, labels.dynamic))
    slices = {}
    for name in ("static", "dynamic"):
        own = getattr(labels, name)[order]
        edges = np.concatenate([[0], np.flatnonzero(np.diff(own)) + 1, [len(own)]])
        slices[name] = [slice(*pair) for pair in itertools.pairwise(edges)]
    info = {"dq_idx": [1, 2, 3], "dq_slc": slices["dynamic"], "sq_idx": [], "sq_slc": slices["static"]}
    correlator = boost.TwotimeCorrelator(info, n, det_size=(1, len(order)))
    correlator.process(torch.from_numpy(counts.reshape(n, -1)[:, labels.pixel[order]].astype(np.float32)))
    correlator.post_processing(smooth_method=smooth)
    *maps, rest = correlator.get_twotime_generator()
    ours = list(twotime_maps(array_source(counts), labels, FrameRange(0, n), smooth=smooth))
    assert len(maps) == len(ours) == 3
    for index, (theirs, our) in enumerate(zip(maps, ours, strict=True)):
        np.testing.assert_allclose(our.c2, theirs[f"correlation_map/c2_{index + 1:05d}"], rtol=1e-5)
        np.testing.assert_allclose(our.g2, rest["c2_g2"][:, index], rtol=1e-5)
        np.testing.assert_allclose(our.g2_segments, rest["c2_g2_segments"][:, :, index], rtol=1e-5)
