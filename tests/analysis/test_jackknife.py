"""g2 from sums over pixels: the estimator, and what stands where nothing can be known."""

import numpy as np
import pytest

from xpcs_nb.analysis import g2_from_sums
from xpcs_nb.core import MultitauSums


def _sums(G, IP, IF, static, block, n_static, n_blocks, n_dynamic, dynamic):
    """Add per-pixel arrays (P, T) up as a kernel would."""
    shape = (n_static, n_blocks, G.shape[1])
    cells = [np.zeros(shape) for _ in range(3)]
    for cell, values in zip(cells, (G, IP, IF), strict=True):
        np.add.at(cell, (static, block), values)
    count = np.zeros((n_static, n_blocks), dtype=np.int64)
    np.add.at(count, (static, block), 1)
    pixel_g2 = np.divide(G, IP * IF, out=np.zeros_like(G), where=IP * IF > 0)
    first, second = np.zeros((n_dynamic, G.shape[1])), np.zeros((n_dynamic, G.shape[1]))
    np.add.at(first, dynamic, pixel_g2)
    np.add.at(second, dynamic, pixel_g2**2)
    return MultitauSums(*cells, count, first, second)


@pytest.fixture
def pixels():
    rng = np.random.default_rng(1)
    n, T = 600, 5
    static = np.repeat([0, 1, 2], 200)
    dynamic = np.array([0, 0, 1])[static]
    block = np.tile(np.arange(10), 60)
    IP, IF = rng.uniform(1, 2, (2, n, T))
    G = 1.3 * IP * IF * rng.normal(1, 0.05, (n, T))
    return G, IP, IF, static, dynamic, block


def test_g2_is_the_mean_over_static_bins_of_the_symmetric_ratio(pixels):
    G, IP, IF, static, dynamic, block = pixels
    estimate = g2_from_sums(_sums(G, IP, IF, static, block, 3, 10, 2, dynamic), np.array([0, 0, 1]), 2)
    ratio = [G[static == s].mean(0) / (IP[static == s].mean(0) * IF[static == s].mean(0)) for s in range(3)]
    np.testing.assert_allclose(estimate.g2[:, 0], (ratio[0] + ratio[1]) / 2, rtol=1e-13)
    np.testing.assert_allclose(estimate.g2[:, 1], ratio[2], rtol=1e-13)


def test_covariance_is_that_of_leaving_blocks_out(pixels):
    G, IP, IF, static, dynamic, block = pixels
    estimate = g2_from_sums(_sums(G, IP, IF, static, block, 3, 10, 2, dynamic), np.array([0, 0, 1]), 2)
    left_out = []
    for b in range(10):
        use = (static == 2) & (block != b)
        left_out.append(G[use].mean(0) / (IP[use].mean(0) * IF[use].mean(0)))
    expected = np.cov(np.array(left_out).T, bias=True) * 9
    np.testing.assert_allclose(estimate.cov[1], expected, rtol=1e-9)
    np.testing.assert_allclose(estimate.err[:, 1], np.sqrt(np.diag(expected)), rtol=1e-9)
    np.testing.assert_array_equal(estimate.n_blocks, [10, 10])


def test_pixel_scatter_is_the_error_that_the_field_draws(pixels):
    G, IP, IF, static, dynamic, block = pixels
    estimate = g2_from_sums(_sums(G, IP, IF, static, block, 3, 10, 2, dynamic), np.array([0, 0, 1]), 2)
    each = (G / (IP * IF))[dynamic == 0]
    np.testing.assert_allclose(estimate.err_pixels[:, 0], each.std(0, ddof=1) / np.sqrt(len(each)), rtol=1e-9)


def test_a_bin_without_pixels_is_unknown_not_zero(pixels):
    G, IP, IF, static, dynamic, block = pixels
    estimate = g2_from_sums(_sums(G, IP, IF, static, block, 4, 10, 3, dynamic), np.array([0, 0, 1, -1]), 3)
    assert np.isnan(estimate.g2[:, 2]).all()
    assert np.isnan(estimate.err[:, 2]).all()
    assert np.isnan(estimate.err_pixels[:, 2]).all()


def test_a_static_bin_without_photons_does_not_pull_g2_towards_zero(pixels):
    G, IP, IF, static, dynamic, block = pixels
    dark = static == 1
    for part in (G, IP, IF):
        part[dark] = 0
    estimate = g2_from_sums(_sums(G, IP, IF, static, block, 3, 10, 2, dynamic), np.array([0, 0, 1]), 2)
    lit = static == 0
    np.testing.assert_allclose(estimate.g2[:, 0], G[lit].mean(0) / (IP[lit].mean(0) * IF[lit].mean(0)))


def test_one_block_gives_no_error(pixels):
    G, IP, IF, static, dynamic, block = pixels
    estimate = g2_from_sums(_sums(G, IP, IF, static, block * 0, 3, 1, 2, dynamic), np.array([0, 0, 1]), 2)
    assert np.isfinite(estimate.g2).all()
    assert np.isnan(estimate.err).all()
