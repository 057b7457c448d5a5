"""Fits of measured light scattering: another instrument, the same physics, and a published answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from tests.analysis._alv import read_alv
from xpcs_nb.analysis import DiffusionLimit, average_g2, extrapolate_diffusion, fit_dispersion, fit_g2, size
from xpcs_nb.errors import OptionError

pytestmark = pytest.mark.realdata

#: Published by the authors of the data: diffusion coefficient extrapolated to q = 0 (second-order cumulants by
#: ISO 13321), m**2 / s, its error, and the hydrodynamic radius, m.
PUBLISHED, PUBLISHED_ERR = 3.463e-12, 0.039e-12
RADIUS = 61.52e-9
#: The first channel of the correlator, 100 ns, holds the dead time of the counters.
DELAYS = (1.5e-7, 10.0)


@pytest.fixture(scope="module")
def series(measured: Path) -> list[list[xr.Dataset]]:
    """Three runs at angles 26 to 138 degrees, and three at 34 to 146 degrees; the folder does not tell them apart."""
    folder = measured / "dls-bam" / "mw002-03"
    return [
        with_errors([read_alv(path) for path in sorted(folder.glob(f"*03000{number}_000?.ASC"))]) for number in (0, 1)
    ]


def with_errors(runs: list[xr.Dataset]) -> list[xr.Dataset]:
    """Give runs the scatter between them, as variances averaged over 9 neighbouring delays: 3 runs alone say little."""
    variance = np.stack([run.g2 for run in runs]).var(axis=0, ddof=1)
    pooled = np.stack([variance[max(0, k - 4) : k + 5].mean(axis=0) for k in range(len(variance))])
    return [run.assign(g2_err=(("delay", "bin"), np.sqrt(pooled))) for run in runs]


def rates(series: list[list[xr.Dataset]], model: str, delays: tuple[float, float] = DELAYS) -> xr.Dataset:
    fits = [fit_g2(average_g2(runs), model=model, delay_range=delays) for runs in series]
    names = ["rate", "rate_err", "success", "status", *(["polydispersity"] if model == "cumulant" else [])]
    parts = [fit[names].assign_coords(bin=fit.bin + 8 * number) for number, fit in enumerate(fits)]
    return xr.concat(parts, dim="bin")


def limit(series: list[list[xr.Dataset]], model: str, delays: tuple[float, float] = DELAYS) -> DiffusionLimit:
    return extrapolate_diffusion(rates(series, model, delays))


def test_diffusion_and_size_of_measured_spheres_are_the_published_ones(series):
    found = limit(series, "cumulant")
    assert len(found.used) == 16
    assert abs(found.D_m2_per_s - PUBLISHED) < PUBLISHED_ERR
    assert found.D_err_m2_per_s == pytest.approx(0.04e-12, rel=0.1, abs=0)
    run = series[0][0]
    radius = size(found, temperature=run.temperature, viscosity=run.viscosity)
    assert abs(radius.radius - RADIUS) < radius.radius_err
    assert radius.radius_err < 0.8e-9


@pytest.mark.parametrize("shortest", [4e-7, 1e-6, 2e-6])
def test_the_answer_does_not_hang_on_the_shortest_delay(series, shortest):
    found = limit(series, "cumulant", (shortest, 10.0))
    assert abs(found.D_m2_per_s - PUBLISHED) < np.hypot(PUBLISHED_ERR, found.D_err_m2_per_s)


def test_polydispersity_is_the_published_one(series):
    index = rates(series, "cumulant")["polydispersity"]
    assert float(index.mean()) == pytest.approx(0.0799, abs=0.015)


def test_a_single_exponential_is_too_slow_for_spheres_of_several_sizes(series):
    found = limit(series, "single")
    assert found.D_m2_per_s < PUBLISHED - PUBLISHED_ERR


def test_the_apparent_diffusion_falls_with_q_so_that_no_power_law_gives_the_limit(series):
    fit = rates(series, "cumulant")
    assert fit_dispersion(fit).exponent < 2
    assert fit_dispersion(fit, exponent=2).D_m2_per_s < PUBLISHED - PUBLISHED_ERR
    found = extrapolate_diffusion(fit)
    assert found.slope + 2 * found.slope_err < 0


def test_runs_at_other_angles_are_not_averaged(series):
    with pytest.raises(OptionError, match=r"repeat 4 can't be averaged with 1: got q\[0\] = 0.000773"):
        average_g2([*series[0], *series[1]])
