"""A two-time map at the resolution of a screen says what the whole map says."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xpcs_nb.analysis import TwotimeCutSpec, cut_at_age, cut_from_start, twotime_overview
from xpcs_nb.analysis import _twotime_overview as module
from xpcs_nb.errors import OptionError


def make_map(n: int, seed: int = 0) -> np.ndarray:
    c2 = np.random.default_rng(seed).normal(1.2, 0.1, (n, n)).astype(np.float32)
    return np.triu(c2) + np.triu(c2, 1).T


def labelled(c2: np.ndarray) -> xr.DataArray:
    return xr.DataArray(c2, dims=("t1", "t2"))


def block_mean(c2: np.ndarray, factor: int) -> np.ndarray:
    """The plain way: every block on its own, in float64."""
    n = len(c2) // factor
    cut = c2.astype(float).copy()
    np.fill_diagonal(cut, np.nan)
    return np.array(
        [
            [np.nanmean(cut[i * factor : (i + 1) * factor, j * factor : (j + 1) * factor]) for j in range(n)]
            for i in range(n)
        ]
    )


@pytest.mark.parametrize(("n", "size"), [(60, 20), (61, 20), (64, 10), (100, 33)])
@pytest.mark.parametrize("tile", [200, 10**6])
def test_blocks_are_means_without_the_diagonal(n, size, tile, monkeypatch):
    monkeypatch.setattr(module, "TILE", tile)
    c2 = make_map(n)
    found = twotime_overview(labelled(c2), size)
    assert len(found.c2) <= size
    np.testing.assert_allclose(found.c2, block_mean(c2, found.factor), rtol=1e-5)


def test_a_map_that_fits_is_kept_but_for_its_diagonal():
    c2 = make_map(12)
    found = twotime_overview(labelled(c2), 20)
    assert found.factor == 1
    assert np.isnan(found.c2.diagonal()).all()
    off = ~np.eye(12, dtype=bool)
    np.testing.assert_array_equal(found.c2[off], c2[off])


def test_the_upper_triangle_is_enough():
    c2 = make_map(40)
    np.testing.assert_array_equal(twotime_overview(labelled(np.triu(c2)), 10).c2, twotime_overview(labelled(c2), 10).c2)


def test_cells_that_are_not_finite_take_no_part():
    c2 = make_map(40)
    c2[:8, 20:] = np.nan
    c2[20:, :8] = np.nan
    c2[9, 30] = c2[30, 9] = np.inf
    found = twotime_overview(labelled(c2), 10).c2
    assert np.isnan(found[0, 5:]).all()
    block = c2[8:12, 28:32].astype(float)
    np.testing.assert_allclose(found[2, 7], block[np.isfinite(block)].mean(), rtol=1e-5)


@pytest.mark.parametrize(("age", "width"), [(0, 1), (17, 0), (17.5, 0), (31.5, 4), (30, 2.5), (59, 3)])
def test_cuts_at_an_age_are_exact(age, width, monkeypatch):
    monkeypatch.setattr(module, "TILE", 300)
    c2 = make_map(60)
    (found,) = twotime_overview(labelled(c2), 20, [TwotimeCutSpec(age, width)]).cuts
    wanted = cut_at_age(c2, age, width=width)
    np.testing.assert_array_equal(found.lag, wanted.lag)
    np.testing.assert_array_equal(found.n_values, wanted.n_values)
    np.testing.assert_allclose(found.g2, wanted.g2, rtol=1e-12)


@pytest.mark.parametrize(("start", "width"), [(0, 1), (23, 5), (59, 1)])
def test_cuts_from_a_frame_are_exact(start, width, monkeypatch):
    monkeypatch.setattr(module, "TILE", 300)
    c2 = make_map(60)
    (found,) = twotime_overview(labelled(c2), 20, [TwotimeCutSpec(start, width, "start")]).cuts
    wanted = cut_from_start(c2, start, width=width)
    np.testing.assert_array_equal(found.lag, wanted.lag)
    np.testing.assert_allclose(found.g2, wanted.g2, rtol=1e-12)


@pytest.mark.parametrize(
    ("c2", "size", "cuts", "match"),
    [
        (np.ones((3, 4)), 5, [], r"square.*\(3, 4\)"),
        (np.ones((0, 0)), 5, [], "square"),
        (np.ones((4, 4)), 0, [], "needs rows"),
        (np.ones((4, 4)), 5, [TwotimeCutSpec(9)], "age lies outside"),
        (np.ones((4, 4)), 5, [TwotimeCutSpec(9, 1, "start")], "outside the map"),
        (np.ones((4, 4)), 5, [TwotimeCutSpec(1, 1, "middle")], "no such cut"),
    ],
)
def test_what_cannot_be_done_is_an_error(c2, size, cuts, match):
    with pytest.raises(OptionError, match=match):
        twotime_overview(labelled(c2), size, cuts)
