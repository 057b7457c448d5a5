"""A whole result with everything that can be drawn, made from formulas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from xpcs_nb.core import DelayGrid

SHAPE = (60, 80)
N_FRAMES = 400
FRAME_TIME = 0.01


def make_result(n_bins: int = 9, n_phi: int = 1, seed: int = 0) -> xr.DataTree:
    rng = np.random.default_rng(seed)
    return xr.DataTree.from_dict(
        {
            "/multitau": multitau(n_bins, n_phi, rng),
            "/saxs": saxs(rng),
            "/twotime": twotime(rng),
            "/qmap": qmap(),
        }
    )


def multitau(n_bins: int, n_phi: int, rng: np.random.Generator) -> xr.Dataset:
    grid = DelayGrid(N_FRAMES)
    q = np.repeat(np.linspace(0.004, 0.03, n_bins // n_phi), n_phi)
    phi = np.tile(np.linspace(0, 90, n_phi), n_bins // n_phi)
    delay = grid.frames * FRAME_TIME
    err = np.broadcast_to(0.003 * np.sqrt(1 + 20 / grid.n_pairs)[:, None], (len(grid), n_bins)).copy()
    err[-1] = 0
    g2 = 1 + 0.18 * np.exp(-2 * delay[:, None] * 8e3 * q**2) + err * rng.normal(size=err.shape)
    g2[-1] = 1.4
    return xr.Dataset(
        {
            "g2": (("delay", "bin"), g2, {"units": "1", "long_name": "g2"}),
            "g2_err": (("delay", "bin"), err, {"units": "1", "long_name": "error of g2"}),
        },
        coords={
            "delay": ("delay", delay, {"units": "s"}),
            "n_pairs": ("delay", grid.n_pairs),
            "bin": np.arange(1, n_bins + 1),
            "q": ("bin", q, {"units": "1/angstrom"}),
            "phi": ("bin", phi, {"units": "degree"}),
        },
    )


def radius() -> np.ndarray:
    y, x = np.indices(SHAPE)
    return np.hypot(y - 20, x - 30)


def saxs(rng: np.random.Generator) -> xr.Dataset:
    image = rng.poisson(4000 / (1 + radius() ** 2)) / 100.0
    q = np.geomspace(0.003, 0.04, 40)
    one = 1e-7 * q**-3.0
    drift = 1 + 0.02 * np.linspace(-1, 1, 10)[:, None] * (q / q.max())
    unit = {"units": "counts/pixel/frame"}
    return xr.Dataset(
        {
            "scattering_2d": (("y", "x"), image, unit),
            "scattering_1d": ("static_bin", one, unit),
            "scattering_1d_segments": (("segment", "static_bin"), one * drift, unit),
            "intensity": ("time", rng.poisson(1000, N_FRAMES) / 1000.0, unit),
        },
        coords={
            "q": ("static_bin", q, {"units": "1/angstrom"}),
            "phi": ("static_bin", np.zeros(40), {"units": "degree"}),
            "time": ("time", np.arange(N_FRAMES) * FRAME_TIME, {"units": "s"}),
        },
    )


def twotime(rng: np.random.Generator, n_frames: int = 120) -> xr.Dataset:
    time = np.arange(n_frames) * FRAME_TIME
    lag = abs(time[:, None] - time)
    age = (time[:, None] + time) / 2
    maps = [1 + 0.2 * np.exp(-2 * rate * lag / (1 + age)) + 0.01 * rng.normal(size=lag.shape) for rate in (5.0, 20.0)]
    maps = [(one + one.T) / 2 + 5 * np.eye(n_frames) for one in maps]
    g2 = np.array([[np.diagonal(one, k).mean() for one in maps] for k in range(n_frames)])
    return xr.Dataset(
        {
            "c2": (("bin", "t1", "t2"), np.array(maps), {"units": "1"}),
            "g2": (("delay", "bin"), g2, {"units": "1"}),
        },
        coords={
            "t1": ("t1", time, {"units": "s"}),
            "t2": ("t2", time, {"units": "s"}),
            "delay": ("delay", time, {"units": "s"}),
            "bin": [2, 5],
            "q": ("bin", [0.007, 0.02], {"units": "1/angstrom"}),
        },
    )


def qmap() -> xr.Dataset:
    mask = radius() > 4
    mask[:, 50:53] = False
    labels = np.where(mask, 1 + (radius() // 12), 0).astype(int)
    return xr.Dataset(
        {
            "mask": (("y", "x"), mask),
            "blemish": (("y", "x"), mask),
            "dynamic_roi_map": (("y", "x"), labels),
            "static_roi_map": (("y", "x"), labels),
        }
    )


@pytest.fixture
def result() -> xr.DataTree:
    return make_result()


@pytest.fixture
def result_of() -> Callable[..., xr.DataTree]:
    return make_result
