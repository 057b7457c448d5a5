"""One fit of all bins and repeats: D and n with errors that cover the truth."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.constants import Boltzmann

from xpcs_nb.analysis import fit_dispersion, fit_g2, fit_global, fitted_curve, global_dispersion, size
from xpcs_nb.errors import FitError, OptionError

Q = np.linspace(0.005, 0.03, 10)


def diffusing(make_g2, seed=0, sigma=2e-3, **options) -> xr.Dataset:
    return make_g2(3e4 * Q**2, q=Q, sigma=sigma, seed=seed, **options)


class TestTruth:
    @pytest.mark.parametrize("options", [{}, {"shared": ["contrast"]}, {"shared": ["contrast", "baseline"]}])
    def test_exact_curves_give_exact_laws(self, make_g2, options):
        fit = fit_global(diffusing(make_g2, noise=0), **options)
        assert fit.success.all()
        assert float(fit.D) == pytest.approx(3e4, rel=1e-5)
        assert float(fit.q_exponent) == pytest.approx(2, rel=1e-6)
        np.testing.assert_allclose(fit.rate, 3e4 * Q**2, rtol=1e-5)
        np.testing.assert_allclose(fit.contrast, 0.2, rtol=1e-5)

    def test_stretched_and_double(self, make_g2):
        stretched = fit_global(diffusing(make_g2, noise=0, exponent=0.8), model="stretched", q_exponent=2)
        assert float(stretched.D) == pytest.approx(3e4, rel=1e-5)
        np.testing.assert_allclose(stretched.exponent, 0.8, rtol=1e-5)
        ds = diffusing(make_g2, noise=0, sigma=1e-4, n_frames=20000)
        fast, slow = (ds.delay.to_numpy()[:, None] * scale * Q**2 for scale in (3e5, 5e3))
        field = 0.6 * np.exp(-fast) + 0.4 * np.exp(-slow)
        double = fit_global(ds.assign(g2=(("delay", "bin"), 1 + 0.2 * field**2)), model="double")
        assert float(double.D) == pytest.approx(3e5, rel=1e-4)
        assert float(double.D_slow) == pytest.approx(5e3, rel=1e-4)

    def test_errors_are_the_scatter_of_many_fits(self, make_g2):
        fits = [fit_global(diffusing(make_g2, seed=seed), q_exponent=2) for seed in range(40)]
        assert spread([(float(fit.D) - 3e4) / float(fit.D_err) for fit in fits])
        fits = [fit_global(diffusing(make_g2, seed=seed)) for seed in range(40)]
        assert spread([(float(fit.q_exponent) - 2) / float(fit.q_exponent_err) for fit in fits])

    def test_correlated_noise_is_carried_over(self, make_g2):
        rng = np.random.default_rng(1)
        exact = diffusing(make_g2, noise=0)
        sigma = exact.g2_err.to_numpy()[:, 0]
        index = np.arange(len(sigma))
        cov = np.outer(sigma, sigma) * 0.85 ** abs(index[:, None] - index)
        stack = (("bin", "delay", "delay2"), np.broadcast_to(cov, (len(Q), *cov.shape)))
        ratios = []
        for _ in range(40):
            noise = rng.multivariate_normal(np.zeros(len(sigma)), cov, size=len(Q)).T
            fit = fit_global(exact.assign(g2=exact.g2 + noise, g2_cov=stack), q_exponent=2)
            ratios.append((float(fit.D) - 3e4) / float(fit.D_err))
        assert fit.attrs["errors"] == "from g2_cov"
        assert spread(ratios)


def spread(ratios: list[float]) -> bool:
    """Whether deviations over errors have the standard deviation 1, within three errors of that of 40."""
    return 0.66 < float(np.sqrt(np.mean(np.square(ratios)))) < 1.34


class TestUse:
    def test_repeats_are_fitted_together_and_tell_more(self, make_g2):
        one = fit_global(diffusing(make_g2))
        four = fit_global([diffusing(make_g2, seed=seed) for seed in range(4)])
        assert dict(four.sizes)["repeat"] == 4
        assert float(four.q_exponent_err) == pytest.approx(float(one.q_exponent_err) / 2, rel=0.1)
        np.testing.assert_array_equal(four.isel(repeat=2).rate, four.isel(repeat=0).rate)
        curves = fitted_curve(four.isel(repeat=1), four.delay)
        np.testing.assert_allclose(curves, four.isel(repeat=1).fitted)

    def test_it_agrees_with_the_two_steps(self, make_g2):
        ds = diffusing(make_g2)
        steps, together = fit_dispersion(fit_g2(ds)), global_dispersion(fit_global(ds))
        assert abs(steps.exponent - together.exponent) < together.exponent_err
        assert together.exponent_err == pytest.approx(steps.exponent_err, rel=0.1)
        assert together.rate_pivot_err == pytest.approx(steps.rate_pivot_err, rel=0.1)

    def test_shared_contrast_and_baseline_make_it_more_precise(self, make_g2):
        ds = diffusing(make_g2)
        loose, tight = fit_global(ds), fit_global(ds, shared=["contrast", "baseline"])
        assert float(tight.q_exponent_err) < 0.7 * float(loose.q_exponent_err)
        assert len(np.unique(tight.contrast)) == 1

    def test_size_follows(self, make_g2):
        fit = fit_global(diffusing(make_g2), q_exponent=2)
        found = size(global_dispersion(fit), temperature=298.15, viscosity=0.89e-3)
        expected = Boltzmann * 298.15 / (6 * np.pi * 0.89e-3 * 3e4 * 1e-20)  # 3e4 square angstrom a second
        assert found.radius == pytest.approx(expected, rel=0.02)

    def test_a_bin_without_decay_takes_no_part_and_says_why(self, make_g2):
        ds = diffusing(make_g2)
        ds.g2[:, 4] = np.nan
        fit = fit_global(ds, exclude=[1], q_range=(0, 0.029))
        reasons = fit.status.to_numpy()
        assert reasons[0] == "excluded by hand"
        assert reasons[4].startswith("too few points")
        assert "outside 0..0.029" in reasons[9]
        assert fit.fitted.isel(bin=4).isnull().all()
        assert fit.success.sum() == 7
        assert {out.bin for out in global_dispersion(fit).left_out} == {1, 5, 10}

    def test_everything_has_units_and_a_name(self, make_g2):
        for name, variable in fit_global(diffusing(make_g2)).data_vars.items():
            assert variable.attrs.get("units"), name
            assert variable.attrs.get("long_name"), name


class TestRefused:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"shared": ["speed"]}, "speed"),
            ({"shared": ["contrast"], "own": ["contrast"]}, "shared or own"),
            ({"fixed": {"rate": 3.0}}, "power law"),
            ({"q_exponent": float("inf")}, "q_exponent"),
            ({"exclude": [99]}, "no such bins"),
            ({"model": lambda delay, baseline, contrast: baseline + contrast * delay}, "no rate"),
        ],
    )
    def test_bad_options(self, make_g2, options, words):
        with pytest.raises(OptionError, match=words):
            fit_global(diffusing(make_g2), **options)

    def test_too_few_bins(self, make_g2):
        with pytest.raises(FitError, match="1 different q"):
            fit_global(diffusing(make_g2), q_range=(0.0, 0.006))

    def test_other_bins_and_no_q(self, make_g2):
        with pytest.raises(OptionError, match="repeat 2 can't be fitted"):
            fit_global([diffusing(make_g2), make_g2(np.ones(3))])
        with pytest.raises(OptionError, match="no q"):
            fit_global(diffusing(make_g2).drop_vars("q"))
        with pytest.raises(OptionError, match="nothing to fit"):
            fit_global([])

    def test_its_rates_are_not_fitted_again_as_if_independent(self, make_g2):
        with pytest.raises(OptionError, match="global_dispersion"):
            fit_dispersion(fit_global(diffusing(make_g2)))
        with pytest.raises(OptionError, match="no global fit"):
            global_dispersion(fit_g2(diffusing(make_g2)))
