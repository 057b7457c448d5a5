"""g2 from two-time maps."""

from __future__ import annotations

import numpy as np
import pytest

from xpcs_nb.kernels import g2_from_twotime


@pytest.mark.parametrize("n", [1, 4, 5, 23, 100])
def test_g2_is_the_mean_along_each_diagonal_of_the_map_and_of_its_fifths(n):
    c2 = np.random.default_rng(0).random((n, n), dtype=np.float32)
    g2, segments = g2_from_twotime(np.triu(c2))
    np.testing.assert_allclose(g2, [np.diagonal(c2, k).mean(dtype=float) for k in range(n)])
    part = n // 5
    assert segments.shape == (part, 5)
    for s in range(5):
        own = c2[s * part : (s + 1) * part, s * part : (s + 1) * part]
        np.testing.assert_allclose(segments[:, s], [np.diagonal(own, k).mean(dtype=float) for k in range(part)])


def test_the_lower_triangle_makes_no_difference():
    c2 = np.random.default_rng(0).random((31, 31), dtype=np.float32)
    for half, full in zip(g2_from_twotime(np.triu(c2)), g2_from_twotime(c2), strict=True):
        np.testing.assert_array_equal(half, full)
