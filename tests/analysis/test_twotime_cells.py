"""g2 and ageing from two-time correlations, and bursts: against cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xpcs_nb.analysis import chi4, fit_g2, g2_at_ages, g2_of_twotime, log_cells, trc
from xpcs_nb.core import LogGrid
from xpcs_nb.errors import OptionError

STEP = 0.01


def renewal_map(n, pixels, survival, rng, *, together=False):
    """C2 of pixels whose intensity (beta = 1) is redrawn between frames with probability 1 - survival[t]."""
    values = np.empty((n, pixels))
    values[0] = rng.exponential(size=pixels)
    for t in range(1, n):
        kept = rng.random() < survival[t] if together else rng.random(pixels) < survival[t]
        values[t] = np.where(kept, values[t - 1], rng.exponential(size=pixels))
    values /= values.mean(axis=1, keepdims=True)
    return np.triu(values @ values.T / pixels)


def dataset(*maps, log=False):
    n = len(maps[0])
    bins = ("bin", np.arange(1, len(maps) + 1))
    if log:
        grid = LogGrid(n)
        cells = np.stack([log_cells(each) for each in maps])
        coords = {"bin": bins, "lag": ("cell", grid.lag * STEP), "age": ("cell", grid.age * STEP)}
        return xr.Dataset({"c2": (("bin", "cell"), cells)}, coords, {"n_frames": n, "step": STEP})
    time = np.arange(n) * STEP
    coords = {"bin": bins, "t1": ("t1", time), "t2": ("t2", time)}
    return xr.Dataset({"c2": (("bin", "t1", "t2"), np.stack(maps))}, coords)


def exact_map(n, function):
    t1, t2 = np.mgrid[:n, :n]
    return np.triu(function(np.minimum(t1, t2), np.maximum(t1, t2)))


@pytest.mark.parametrize("n", [2, 5, 31, 200])
def test_cells_of_a_map_are_its_means(n):
    full = np.triu(np.random.default_rng(0).normal(1, 0.1, (n, n)))
    grid, cells = LogGrid(n), log_cells(full)
    for delay in range(len(grid.delays)):
        size, channel = 1 << int(grid.delays.level[delay]), int(grid.delays.channel[delay])
        for group in {0, int(grid.delays.n_pairs[delay]) - 1}:
            rows = slice(group * size, (group + 1) * size)
            columns = slice((group + channel) * size, (group + channel + 1) * size)
            assert cells[grid.start[delay] + group] == pytest.approx(full[rows, columns].mean())


def test_g2_does_not_see_the_diagonal():
    full = exact_map(100, lambda a, b: 1 + 0.3 * np.exp(-(b - a) / 10) + 50.0 * (a == b))
    g2 = g2_of_twotime(dataset(full))["g2"].isel(bin=0).to_numpy()
    np.testing.assert_allclose(g2[:8], 1 + 0.3 * np.exp(-np.arange(1, 9) / 10))


@pytest.mark.parametrize("tau", [0.5, 4.0, 8.0])
def test_errors_cover_the_truth_as_often_as_they_should(tau):
    """Also where speckle of one stretch of time reaches into the next: stretches are 20 frames long."""
    rng, n, repeats = np.random.default_rng(3), 400, 220
    survival = np.full(n, np.exp(-1 / tau))
    found = g2_of_twotime(dataset(*(renewal_map(n, 80, survival, rng) for _ in range(repeats)), log=True))
    wanted = found.isel(delay=found["delay_frames"].to_numpy() <= max(5 * tau, 10))
    inside = abs(wanted["g2"] - wanted["g2"].mean("bin")) < wanted["g2_err"]
    assert 0.63 < float(inside.mean()) < 0.73
    if tau > 1:
        fit = fit_g2(found)
        for name in ("rate", "contrast"):
            assert 0.6 < float((abs(fit[name] - fit[name].mean()) < fit[f"{name}_err"]).mean()) < 0.76, name


def test_full_maps_and_log_cells_have_the_same_errors():
    full = renewal_map(200, 80, np.full(200, np.exp(-1 / 4.0)), np.random.default_rng(4))
    one, other = (g2_of_twotime(dataset(full, log=log)) for log in (False, True))
    xr.testing.assert_allclose(one["g2_err"], other["g2_err"])
    assert 4 < float(one["g2_dof"][0]) <= 19


def test_stationary_dynamics_have_one_decay_time_at_all_ages():
    rng, tau = np.random.default_rng(5), 6.0
    found = g2_at_ages(dataset(renewal_map(500, 400, np.full(500, np.exp(-1 / tau)), rng)), 1, 4)
    fit = fit_g2(found)
    assert bool(fit["success"].all())
    decay = 1 / (2 * fit["rate"]) / STEP
    assert (abs(decay - tau) < 4 * fit["rate_err"] / fit["rate"] * decay).all()
    np.testing.assert_allclose(decay, tau, rtol=0.3)
    np.testing.assert_allclose(fit["age"], np.array([0.125, 0.375, 0.625, 0.875]) * 5.0)


@pytest.mark.parametrize("log", [False, True])
def test_simple_ageing_follows_its_formula_in_both_conventions(log):
    mu, t0, n = 1.5, 20.0, 600
    full = exact_map(n, lambda a, b: 1 + 0.4 * ((a + t0) / (b + t0)) ** mu)
    data = dataset(full, log=log)
    ages = np.array([100, 200, 300.0])
    start = g2_at_ages(data, 1, ages * STEP, width=STEP, convention="start")
    k = start["delay_frames"].to_numpy()
    near = k <= 8
    expected = 1 + 0.4 * ((ages + t0) / (ages + k[near, None] + t0)) ** mu
    np.testing.assert_allclose(start["g2"].to_numpy()[near], expected, atol=2e-3)
    mean = g2_at_ages(data, 1, ages * STEP, width=STEP, convention="mean")
    expected = 1 + 0.4 * ((ages - k[near, None] / 2 + t0) / (ages + k[near, None] / 2 + t0)) ** mu
    np.testing.assert_allclose(mean["g2"].to_numpy()[near], expected, atol=2e-3)


def test_the_decay_time_grows_with_age_as_put_in():
    rng, n = np.random.default_rng(7), 1200
    tau = np.where(np.arange(n) < n // 2, 4.0, 16.0)
    found = g2_at_ages(dataset(renewal_map(n, 500, np.exp(-1 / tau), rng)), 1, [3.0, 9.0], width=4.0)
    fit = fit_g2(found)
    assert bool(fit["success"].all())
    np.testing.assert_allclose(1 / (2 * fit["rate"]) / STEP, [4, 16], rtol=0.25)


def test_bursts_show_in_chi_and_noise_does_not():
    rng, n, rate = np.random.default_rng(11), 1500, 1 / 12
    shared = rng.random(n) < rate
    maps = [renewal_map(n, 300, ~shared, np.random.default_rng(seed), together=True) for seed in range(4)]
    lags = np.array([1, 4, 8]) * STEP
    found = chi4(dataset(*maps), [1, 2, 3, 4], lags.tolist())
    for row, lag in enumerate((1, 4, 8)):
        quiet = np.array([not shared[t + 1 : t + 1 + lag].any() for t in range(n - lag)], dtype=float)
        # contrast is measured at the first lag, where some have changed already
        first = np.array([not shared[t + 1] for t in range(n - 1)], dtype=float).mean()
        expected = quiet.var() / first**2
        assert float(found["chi"][row]) == pytest.approx(expected, rel=0.1)
        assert abs(float(found["chi"][row]) - expected) < 4 * float(found["chi_err"][row])
    independent = [renewal_map(n, 300, np.full(n, 1 - rate), np.random.default_rng(seed)) for seed in range(4)]
    still = chi4(dataset(*independent), [1, 2, 3, 4], lags.tolist())
    assert (abs(still["chi"]) < 4 * still["chi_err"]).all()
    assert (still["variance"] > 5 * abs(still["chi"])).all()
    assert "chi" not in chi4(dataset(maps[0]), [1], lags.tolist())


def test_a_jump_is_seen_when_it_happens():
    full = exact_map(100, lambda a, b: 1 + 0.5 * ((a < 60) == (b < 60)))
    curve = trc(dataset(full), 1, [5 * STEP]).isel(lag=0).to_numpy()
    np.testing.assert_allclose(curve[:55], 0.5)
    np.testing.assert_allclose(curve[55:60], 0)
    np.testing.assert_allclose(curve[60:95], 0.5)
    assert np.isnan(curve[95:]).all()


def test_log_cells_follow_time_in_their_own_steps():
    full = exact_map(200, lambda a, b: 1 + a / 200)
    exactly, cells = (trc(dataset(full, log=log), 1, [20 * STEP]).isel(lag=0).to_numpy() for log in (False, True))
    both = np.isfinite(exactly) & np.isfinite(cells)
    assert both.sum() > 150
    assert np.nanmax(np.abs(exactly - cells)[both]) <= 2 / 200


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda d: g2_at_ages(d, 9), "no two-time correlation of this bin"),
        (lambda d: g2_at_ages(d, 1, [99.0]), "outside the series"),
        (lambda d: g2_at_ages(d, 1, 0), "no age"),
        (lambda d: g2_at_ages(d, 1, width=0.0), "width"),
        (lambda d: g2_at_ages(d, 1, convention="other"), "convention"),
        (lambda d: g2_of_twotime(d, blocks=1), "stretches"),
        (lambda d: g2_of_twotime(xr.Dataset()), "no two-time correlation"),
        (lambda d: trc(d, 1, [-1.0]), "lags"),
        (lambda d: trc(d, 7), "of this bin"),
        (lambda d: chi4(d, []), "no bin"),
    ],
)
def test_what_can_not_be_is_refused(call, match):
    with pytest.raises(OptionError, match=match):
        call(dataset(exact_map(50, lambda a, b: 1.0 + 0 * a)))
