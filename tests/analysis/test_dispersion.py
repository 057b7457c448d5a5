"""The q dependence of rates: D and exponent come back, and bins that are left out are named."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from xpcs_nb.analysis import fit_dispersion, fit_g2
from xpcs_nb.errors import FitError, OptionError


def rates(q: np.ndarray, rate: np.ndarray, err: np.ndarray) -> xr.Dataset:
    return xr.Dataset(
        {"rate": ("bin", rate), "rate_err": ("bin", err), "success": ("bin", np.ones(len(q), bool))},
        coords={"q": ("bin", q), "bin": np.arange(1, len(q) + 1)},
    )


@given(log_D=st.floats(-2, 12), exponent=st.floats(0.5, 4))
@settings(max_examples=30, deadline=None)
def test_an_exact_power_law_is_found(log_D, exponent):
    q = np.geomspace(1e-3, 0.1, 8)
    rate = 10**log_D * q**exponent
    found = fit_dispersion(rates(q, rate, 0.01 * rate))
    assert found.D == pytest.approx(10**log_D, rel=1e-6)
    assert found.exponent == pytest.approx(exponent, rel=1e-6)
    np.testing.assert_allclose(found.rate(q), rate, rtol=1e-6)


def test_brownian_motion_gives_D_and_the_exponent_two(make_g2):
    q = np.linspace(0.005, 0.03, 20)
    fit = fit_g2(make_g2(3e4 * q**2, q=q, sigma=5e-4))
    free, held = fit_dispersion(fit), fit_dispersion(fit, exponent=2)
    assert held.D == pytest.approx(3e4, rel=0.01)
    assert abs(held.D - 3e4) < 3 * held.D_err
    assert free.exponent == pytest.approx(2, abs=0.02)
    assert held.D_m2_per_s == pytest.approx(3e-16, rel=0.01, abs=0)
    assert held.D_err_m2_per_s == pytest.approx(held.D_err * 1e-20, abs=0)


def test_errors_cover_the_truth_in_68_percent_of_cases():
    rng = np.random.default_rng(0)
    q = np.geomspace(5e-3, 0.05, 12)
    truth, hits = 3e4 * q**2, np.zeros(3)
    relative = rng.uniform(0.01, 0.1, len(q))
    for _ in range(600):
        rate = truth * (1 + relative * rng.normal(size=len(q)))
        free = fit_dispersion(rates(q, rate, relative * rate))
        held = fit_dispersion(rates(q, rate, relative * rate), exponent=2)
        hits += (
            abs(free.D - 3e4) < free.D_err,
            abs(free.exponent - 2) < free.exponent_err,
            abs(held.D - 3e4) < held.D_err,
        )
    assert (hits / 600 > 0.63).all()
    assert (hits / 600 < 0.73).all()


def test_a_precise_bin_outweighs_imprecise_ones():
    q = np.array([0.01, 0.02, 0.03])
    found = fit_dispersion(rates(q, np.array([1.0, 40.0, 90.0]), np.array([1e-4, 20.0, 45.0])), exponent=2)
    assert found.D == pytest.approx(1e4, rel=1e-3)


def test_left_out_bins_are_named_with_the_reason(make_g2):
    q = np.linspace(0.005, 0.03, 6)
    ds = make_g2(3e4 * q**2, q=q)
    ds.g2[:, 2] = np.nan
    ds.q[4] = np.nan
    found = fit_dispersion(fit_g2(ds), q_range=(0.0, 0.029), exclude=[1])
    assert {out.bin: out.reason for out in found.left_out} == {
        1: "excluded by hand",
        3: "no fit (too few points: 0 for 3 free parameters)",
        5: "q is nan",
        6: "q = 0.03 outside 0..0.029",
    }
    assert found.used == (2, 4)
    assert "bin 3 left out: no fit" in str(found)


def test_too_few_bins_are_an_error_that_says_why(make_g2):
    fit = fit_g2(make_g2(np.array([5.0, 9.0])))
    with pytest.raises(FitError, match=r"too few bins.*bin 2: excluded by hand"):
        fit_dispersion(fit, exclude=[2])


def test_bins_at_one_q_do_not_make_a_power_law(make_g2):
    fit = fit_g2(make_g2(np.array([5.0, 5.0, 5.0]), q=np.full(3, 0.01)))
    with pytest.raises(FitError, match="1 different q"):
        fit_dispersion(fit)
    assert fit_dispersion(fit, exponent=2).dof == 2


def test_a_free_exponent_gives_no_diffusion_coefficient():
    q = np.array([0.01, 0.02, 0.03])
    with pytest.raises(FitError, match="no diffusion coefficient"):
        _ = fit_dispersion(rates(q, 1e4 * q**2, q)).D_m2_per_s


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rate": "rate_slow"}, "rate_slow"),
        ({"exponent": float("nan")}, "exponent"),
        ({"exclude": [9]}, "no such bins"),
    ],
)
def test_bad_options_are_refused(options, words):
    q = np.array([0.01, 0.02, 0.03])
    with pytest.raises(OptionError, match=words):
        fit_dispersion(rates(q, q, q), **options)
