"""Stokes and Einstein, and the limit of diffusion at q = 0."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xpcs_nb.analysis import extrapolate_diffusion, size
from xpcs_nb.errors import FitError, OptionError


def rates(q, apparent, relative, rng=None):
    noise = 0 if rng is None else rng.normal(size=len(q))
    rate = apparent * q**2 * (1 + relative * noise)
    return xr.Dataset(
        {"rate": ("bin", rate), "rate_err": ("bin", relative * rate), "success": ("bin", np.ones(len(q), bool))},
        coords={"q": ("bin", q), "bin": np.arange(1, len(q) + 1)},
    )


def test_the_radius_of_a_known_case():
    # k T / (6 pi eta D) for water at 25 °C and 4.9e-12 m2/s, by hand
    found = size((4.9e-12, 0.1e-12), temperature=298.15, viscosity=0.89e-3)
    assert found.radius == pytest.approx(5.007e-8, rel=1e-3)
    assert found.radius_err == pytest.approx(found.radius * 0.1 / 4.9)
    assert "50.08 ± 1 nm" in str(found)


def test_errors_of_temperature_and_viscosity_add_in_squares():
    found = size((1e-12, 0.03e-12), temperature=300, temperature_err=6, viscosity=1e-3, viscosity_err=0.06e-3)
    assert found.radius_err / found.radius == pytest.approx(0.07)


def test_the_width_follows_from_the_polydispersity():
    found = size((1e-12, 0.0), temperature=300, viscosity=1e-3, polydispersity=(0.04, 0.004))
    assert found.width == pytest.approx(0.2 * found.radius)
    assert found.width_err == pytest.approx(0.05 * found.width)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperature": -1}, "temperature"),
        ({"viscosity": 0}, "viscosity"),
        ({"viscosity_err": -1}, "viscosity_err"),
        ({"polydispersity": (-0.01, 0.02)}, "no width"),
    ],
)
def test_bad_values_are_refused(options, words):
    with pytest.raises(OptionError, match=words):
        size((1e-12, 0.0), **({"temperature": 300, "viscosity": 1e-3} | options))


def test_an_exact_line_gives_its_limit():
    q = np.linspace(0.001, 0.02, 8)
    found = extrapolate_diffusion(rates(q, 3e4 * (1 + 400 * q**2), 0.01))
    assert found.D == pytest.approx(3e4)
    assert found.slope == pytest.approx(1.2e7)
    assert found.scatter == 0


@pytest.mark.parametrize(("noise", "extra"), [(0.02, 0.0), (0.002, 0.03)])
def test_errors_cover_the_limit_also_where_bins_scatter_by_more_than_their_errors(noise, extra):
    rng = np.random.default_rng(0)
    q, hits, n = np.linspace(0.001, 0.02, 12), 0, 400
    for _ in range(n):
        apparent = 3e4 * (1 - 300 * q**2) * (1 + extra * rng.normal(size=len(q)))
        found = extrapolate_diffusion(rates(q, apparent, noise, rng))
        hits += abs(found.D - 3e4) < found.D_err
    assert 0.60 < hits / n < 0.76


def test_two_bins_make_no_limit():
    with pytest.raises(FitError, match="2 different q"):
        extrapolate_diffusion(rates(np.array([0.01, 0.02]), 3e4, 0.01))
