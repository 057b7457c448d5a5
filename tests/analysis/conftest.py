"""Synthetic g2 with known parameters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from xpcs_nb.core import DelayGrid

type MakeG2 = Callable[..., xr.Dataset]


@pytest.fixture
def make_g2() -> MakeG2:
    return synthetic_g2


def synthetic_g2(
    rate: np.ndarray | float,
    *,
    exponent: float = 1.0,
    contrast: np.ndarray | float = 0.2,
    baseline: float = 1.0,
    sigma: float = 1e-3,
    noise: float = 1.0,
    q: np.ndarray | None = None,
    n_frames: int = 2000,
    frame_time: float = 1e-3,
    seed: int = 0,
) -> xr.Dataset:
    """g2 = baseline + contrast exp[-2 (rate delay)**exponent] with Gaussian noise of the stated errors."""
    grid = DelayGrid(n_frames)
    delay = grid.frames * frame_time
    rate = np.atleast_1d(np.asarray(rate, dtype=float))
    q = np.linspace(0.005, 0.03, len(rate)) if q is None else q
    err = np.broadcast_to(sigma * np.sqrt(1 + 20 / grid.n_pairs)[:, None], (len(grid), len(rate))).copy()
    truth = baseline + contrast * np.exp(-2 * (delay[:, None] * rate) ** exponent)
    g2 = truth + noise * err * np.random.default_rng(seed).normal(size=truth.shape)
    return xr.Dataset(
        {"g2": (("delay", "bin"), g2, {"units": "1"}), "g2_err": (("delay", "bin"), err, {"units": "1"})},
        coords={
            "delay": ("delay", delay, {"units": "s"}),
            "n_pairs": ("delay", grid.n_pairs),
            "bin": np.arange(1, len(rate) + 1),
            "q": ("bin", q, {"units": "1/angstrom"}),
            "phi": ("bin", np.zeros(len(rate)), {"units": "degree"}),
        },
    )
