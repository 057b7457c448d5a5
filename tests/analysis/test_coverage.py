"""Stated errors are true where they rest on few blocks or repeats: 68 % of the intervals hold the truth."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr

from xpcs_nb.analysis import average_g2, fit_dispersion, fit_g2, fit_global, student
from xpcs_nb.core import DelayGrid

D, RATE = 3e4, 8.0
Q = np.sqrt(RATE * np.geomspace(0.6, 1.8, 6) / D)


def jackknifed(n_sets: int, blocks: int, *, rho: float = 0.6, sigma: float = 3e-3, seed: int = 0) -> xr.Dataset:
    """Curves of Brownian motion, 6 bins a set, whose covariance is estimated from few blocks as that of a result is."""
    rng = np.random.default_rng(seed)
    grid = DelayGrid(1000)
    delay, n_bins = grid.frames * 2e-3, n_sets * len(Q)
    q = np.tile(Q, n_sets)
    err = sigma * np.sqrt(1 + 20 / grid.n_pairs) * (0.4 + np.exp(-RATE * delay))
    index = np.arange(len(delay))
    root = err[:, None] * np.linalg.cholesky(rho ** abs(index[:, None] - index))
    parts = np.sqrt(blocks) * rng.normal(size=(n_bins, blocks, len(delay))) @ root.T
    away = parts - parts.mean(axis=1, keepdims=True)
    covariance = away.transpose(0, 2, 1) @ away / (blocks * (blocks - 1))
    g2 = 1 + 0.2 * np.exp(-2 * D * q**2 * delay[:, None]) + parts.mean(axis=1).T
    return xr.Dataset(
        {
            "g2": (("delay", "bin"), g2),
            "g2_err": (("delay", "bin"), np.sqrt(np.einsum("dtt->td", covariance))),
            "g2_cov": (("bin", "delay", "delay2"), covariance),
            "g2_dof": ("bin", np.full(n_bins, blocks - 1.0)),
        },
        coords={
            "delay": ("delay", delay),
            "n_pairs": ("delay", grid.n_pairs),
            "bin": np.arange(1, n_bins + 1),
            "q": ("bin", q),
        },
    )


def covered(fit: xr.Dataset) -> dict[str, float]:
    truth = {"rate": D * fit.q**2, "contrast": 0.2, "baseline": 1.0}
    return {name: float((abs(fit[name] - value) < fit[f"{name}_err"]).mean()) for name, value in truth.items()}


def sets_of(data: xr.Dataset) -> list[xr.Dataset]:
    n = len(Q)
    labels = np.arange(1, n + 1)
    return [data.isel(bin=slice(at, at + n)).assign_coords(bin=labels) for at in range(0, data.sizes["bin"], n)]


@pytest.mark.parametrize("blocks", [8, 15])
def test_few_blocks_make_true_errors_of_rates_and_of_D(blocks):
    fit = fit_g2(jackknifed(300, blocks, seed=blocks))
    assert fit.success.all()
    for name, inside in covered(fit).items():
        assert 0.63 < inside < 0.73, name
    hits = []
    for one in sets_of(fit):
        held, free = fit_dispersion(one, exponent=2), fit_dispersion(one)
        hits.append(
            (
                abs(held.D - D) < held.D_err,
                abs(free.exponent - 2) < free.exponent_err,
                abs(free.rate_pivot - D * free.q_pivot**2) < free.rate_pivot_err,
            )
        )
    inside = np.mean(hits, axis=0)
    assert (inside > 0.63).all(), inside
    assert (inside < 0.74).all(), inside


def test_errors_that_take_few_blocks_for_many_are_too_small():
    """What the allowance is for: the same curves, and nothing said of the blocks."""
    fit = fit_g2(jackknifed(200, 8, seed=8).drop_vars("g2_dof"))
    assert covered(fit)["rate"] < 0.6
    held = [fit_dispersion(one, exponent=2) for one in sets_of(fit)]
    assert np.mean([abs(one.D - D) < one.D_err for one in held]) < 0.5


def test_weights_that_do_not_follow_their_noise_make_better_rates():
    data = jackknifed(200, 8, rho=0.0, seed=3)
    smooth, raw = fit_g2(data), fit_g2(data.drop_vars("g2_dof"))
    scatter = [float(np.log(fit.rate / (D * fit.q**2)).std()) for fit in (smooth, raw)]
    assert scatter[0] < 0.93 * scatter[1]


def test_a_global_fit_to_few_blocks_has_true_errors():
    hits = []
    for one in sets_of(jackknifed(70, 10, seed=5)):
        fit = fit_global(one)
        hits.append(abs(float(fit.q_exponent) - 2) < float(fit.q_exponent_err))
        truth = D * float(fit.q_pivot) ** 2
        hits.append(abs(float(fit.rate_pivot) - truth) < float(fit.rate_pivot_err))
    assert 0.6 < np.mean(hits) < 0.77


@pytest.mark.parametrize("errors", ["scatter", "scaled"])
@pytest.mark.parametrize("claimed", [0.5, 1.0])
def test_fits_to_an_average_of_four_repeats_have_true_errors(errors, claimed):
    repeats = [jackknifed(200, 12, rho=0.9, seed=10 + number) for number in range(4)]
    told = [one.assign(g2_err=claimed * one.g2_err, g2_cov=claimed**2 * one.g2_cov) for one in repeats]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        mean = average_g2(told, errors=errors, outliers=False)
    if errors == "scatter":
        assert (mean.g2_dof == 3).all()
    else:
        assert ((mean.g2_dof > 3) & (mean.g2_dof < 44)).all()
    exact = 1 + 0.2 * np.exp(-2 * D * mean.q**2 * mean.delay)
    within = abs(mean.g2 - exact) < mean.g2_err * student(mean.g2_dof.to_numpy())
    assert 0.63 < float(within.mean()) < 0.73
    for name, inside in covered(fit_g2(mean)).items():
        assert 0.63 < inside < 0.73, name


def test_students_factor_is_that_of_the_tables():
    np.testing.assert_allclose(student([1, 3, 10, np.inf]), [1.8373, 1.1969, 1.0526, 1.0], atol=1e-3)
