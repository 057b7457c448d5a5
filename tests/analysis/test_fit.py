"""Fits of g2 find what was put in, with honest errors, and say why when they can't."""

from __future__ import annotations

import time

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from xpcs_nb.analysis import MODELS, fit_g2, usable_delays
from xpcs_nb.errors import OptionError


def double_mode(ds: xr.Dataset, fast: float, slow: float, fraction: float, seed: int = 0) -> xr.Dataset:
    delay = ds.delay.to_numpy()[:, None]
    field = fraction * np.exp(-fast * delay) + (1 - fraction) * np.exp(-slow * delay)
    noise = ds.g2_err * np.random.default_rng(seed).normal(size=ds.g2.shape)
    return ds.assign(g2=noise + 1 + 0.3 * field**2)


def coverage(fit: xr.Dataset, name: str, truth: float) -> float:
    return float((abs(fit[name] - truth) < fit[f"{name}_err"]).mean())


class TestTruth:
    @pytest.mark.parametrize("model", ["single", "stretched"])
    def test_exact_curve_gives_exact_parameters(self, make_g2, model):
        rates = np.array([1.0, 3.0, 10.0, 40.0])
        fit = fit_g2(make_g2(rates, noise=0, n_frames=20000), model=model)
        assert fit.success.all()
        np.testing.assert_allclose(fit.rate, rates, rtol=1e-6)
        np.testing.assert_allclose(fit.contrast, 0.2, rtol=1e-6)
        np.testing.assert_allclose(fit.baseline, 1, rtol=1e-6)

    def test_exact_double_decay_gives_both_modes(self, make_g2):
        exact = make_g2(np.ones(2), noise=0, sigma=1e-4, n_frames=50000)
        ds = double_mode(exact.assign(g2_err=exact.g2_err * 0), 50.0, 1.0, 0.6).assign(g2_err=exact.g2_err)
        fit = fit_g2(ds, model="double")
        assert list(fit.status.values) == ["ok", "ok"]
        np.testing.assert_allclose(fit.rate, 50, rtol=1e-5)
        np.testing.assert_allclose(fit.rate_slow, 1, rtol=1e-5)
        np.testing.assert_allclose(fit.fraction, 0.6, rtol=1e-5)

    @given(
        rate=st.floats(0.8, 60),
        exponent=st.floats(0.5, 1.9),
        contrast=st.floats(0.02, 1),
        baseline=st.floats(0.9, 1.2),
    )
    @settings(max_examples=40, deadline=None)
    def test_any_visible_stretched_decay_is_found(self, rate, exponent, contrast, baseline):
        ds = noiseless(rate, exponent, contrast, baseline)
        fit = fit_g2(ds, model="stretched").isel(bin=0)
        assert fit.status == "ok"
        np.testing.assert_allclose([fit.rate, fit.exponent], [rate, exponent], rtol=1e-4)
        np.testing.assert_allclose([fit.contrast, fit.baseline], [contrast, baseline], rtol=1e-4)

    def test_convention_is_two_gamma_tau(self, make_g2):
        fit = fit_g2(make_g2(5.0, noise=0, n_frames=20000)).isel(bin=0)
        at_one_rate_time = float(fit.baseline + fit.contrast * np.exp(-2))
        assert float(np.interp(1 / 5.0, fit.delay, fit.fitted)) == pytest.approx(at_one_rate_time, rel=1e-3)

    def test_slopes_of_models_are_derivatives(self):
        delay = np.geomspace(1e-3, 1, 7)
        thetas = {"single": [1.3], "stretched": [1.3, 0.7], "double": [2.0, 0.5, 0.3]}
        for name, theta in thetas.items():
            theta = np.array(theta)
            _, slopes = MODELS[name].shape(delay, theta)
            for i in range(len(theta)):
                step = np.eye(len(theta))[i] * 1e-6
                numeric = (
                    MODELS[name].shape(delay, theta + step)[0] - MODELS[name].shape(delay, theta - step)[0]
                ) / 2e-6
                np.testing.assert_allclose(slopes[i], numeric, atol=1e-8, err_msg=f"{name} {i}")


def noiseless(rate: float, exponent: float, contrast: float, baseline: float) -> xr.Dataset:
    delay = np.geomspace(1e-3, 20, 60)
    g2 = baseline + contrast * np.exp(-2 * (rate * delay) ** exponent)
    return xr.Dataset(
        {"g2": (("delay", "bin"), g2[:, None]), "g2_err": (("delay", "bin"), np.full((60, 1), 1e-5))},
        coords={"delay": delay, "bin": [1]},
    )


class TestErrors:
    @pytest.mark.parametrize(("model", "exponent"), [("single", 1.0), ("stretched", 0.8)])
    def test_errors_cover_the_truth_in_68_percent_of_fits(self, make_g2, model, exponent):
        fit = fit_g2(make_g2(np.full(1500, 8.0), exponent=exponent, seed=3), model=model)
        assert fit.success.all()
        truth = {"rate": 8.0, "contrast": 0.2, "baseline": 1.0} | ({"exponent": exponent} if model != "single" else {})
        for name, value in truth.items():
            assert 0.63 < coverage(fit, name, value) < 0.73, name

    def test_chi2_is_that_of_its_degrees_of_freedom(self, make_g2):
        fit = fit_g2(make_g2(np.full(400, 8.0), seed=4))
        assert float((fit.chi2 / fit.dof).mean()) == pytest.approx(1, abs=0.03)
        assert (fit.dof == fit.n_used - 3).all()

    def test_correlated_noise_is_carried_over_to_the_errors(self, make_g2):
        correlated, _ = with_correlated_noise(make_g2(np.full(600, 8.0), noise=0), seed=5)
        fit = fit_g2(correlated)
        assert fit.attrs["errors"] == "from g2_cov"
        for name, value in {"rate": 8.0, "contrast": 0.2, "baseline": 1.0}.items():
            assert 0.63 < coverage(fit, name, value) < 0.73, name

    def test_errors_that_ignore_correlation_are_too_small(self, make_g2):
        correlated, _ = with_correlated_noise(make_g2(np.full(600, 8.0), noise=0), seed=5)
        assert coverage(fit_g2(correlated.drop_vars("g2_cov")), "baseline", 1.0) < 0.55

    def test_covariance_estimated_from_30_blocks_serves_as_well(self, make_g2):
        ds, noise_cov = with_correlated_noise(make_g2(np.full(600, 8.0), noise=0), seed=7)
        rng = np.random.default_rng(8)
        blocks = rng.multivariate_normal(np.zeros(len(noise_cov)), noise_cov, size=(600, 30))
        estimate = np.stack([np.cov(one.T) for one in blocks])
        fit = fit_g2(ds.assign(g2_cov=(("bin", "delay", "delay2"), estimate)))
        for name, value in {"rate": 8.0, "contrast": 0.2, "baseline": 1.0}.items():
            assert 0.63 < coverage(fit, name, value) < 0.73, name

    def test_the_old_error_is_used_without_the_covariance(self, make_g2):
        ds, _ = with_correlated_noise(make_g2(np.full(2, 8.0), noise=0), seed=9)
        fit = fit_g2(ds.assign(g2_err_pixels=ds.g2_err / 2), use="g2_err_pixels")
        plain = fit_g2(ds.drop_vars("g2_cov"))
        assert fit.attrs["errors"] == "from g2_err_pixels"
        xr.testing.assert_allclose(fit.rate_err, plain.rate_err / 2)

    def test_error_of_held_parameter_is_zero(self, make_g2):
        fit = fit_g2(make_g2(np.array([8.0, 9.0])), fixed={"baseline": 1.0})
        assert (fit.baseline == 1).all()
        assert (fit.baseline_err == 0).all()
        assert (fit.rate_err > 0).all()


def with_correlated_noise(ds: xr.Dataset, seed: int) -> tuple[xr.Dataset, np.ndarray]:
    sigma = ds.g2_err.to_numpy()[:, 0]
    index = np.arange(len(sigma))
    covariance = np.outer(sigma, sigma) * 0.8 ** abs(index[:, None] - index)
    noise = np.random.default_rng(seed).multivariate_normal(np.zeros(len(sigma)), covariance, size=ds.sizes["bin"])
    stack = np.broadcast_to(covariance, (ds.sizes["bin"], *covariance.shape))
    return ds.assign(g2=ds.g2 + noise.T, g2_cov=(("bin", "delay", "delay2"), stack)), covariance


class TestFailures:
    def assert_failed(self, fit: xr.Dataset, words: str) -> None:
        assert not fit.success.any()
        for status in fit.status.to_numpy():
            assert words in str(status)
        assert fit.fitted.isnull().all()
        assert fit.rate.isnull().all()
        assert fit.rate_err.isnull().all()

    def test_static_sample_has_no_decay(self, make_g2):
        fit = fit_g2(make_g2(np.full(6, 1e-9)), model="stretched")
        self.assert_failed(fit, "contrast not significant")

    def test_pure_noise_rarely_passes_for_a_decay(self, make_g2):
        fit = fit_g2(make_g2(np.full(400, 5.0), contrast=0.0), model="stretched")
        assert float(fit.success.mean()) < 0.01

    def test_exact_constant_has_no_decay(self, make_g2):
        self.assert_failed(fit_g2(make_g2(np.ones(2), contrast=0.0, noise=0)), "contrast not significant")

    def test_parameter_at_its_bound_is_named(self, make_g2):
        fit = fit_g2(make_g2(np.full(3, 5.0), sigma=1e-4), bounds={"rate": (10.0, 100.0)})
        self.assert_failed(fit, "rate at its lower bound 10 1/s")

    def test_too_few_points_are_counted(self, make_g2):
        fit = fit_g2(make_g2(np.full(3, 5.0)), delay_range=(0.0, 3.5e-3))
        self.assert_failed(fit, "too few points: 3 for 3 free parameters")
        assert (fit.n_used == 3).all()

    def test_no_points_at_all(self, make_g2):
        ds = make_g2(np.full(3, 5.0))
        self.assert_failed(fit_g2(ds.assign(g2=ds.g2 * np.nan)), "too few points: 0")

    def test_empty_bin_fails_alone(self, make_g2):
        ds = make_g2(np.full(3, 5.0))
        ds.g2[:, 1] = np.nan
        fit = fit_g2(ds)
        assert list(fit.success.values) == [True, False, True]
        assert fit.fitted.isel(bin=1).isnull().all()
        assert fit.fitted.isel(bin=0).notnull().all()

    def test_hole_in_the_covariance_fails_its_bin_alone(self, make_g2):
        ds, covariance = with_correlated_noise(make_g2(np.full(2, 8.0), noise=0), seed=1)
        holes = np.stack([covariance, covariance])
        holes[1, 2, 3] = np.nan
        fit = fit_g2(ds.assign(g2_cov=(("bin", "delay", "delay2"), holes)))
        assert list(fit.status.values) == ["ok", "g2_cov is incomplete"]

    def test_two_modes_are_not_invented_where_there_is_one(self, make_g2):
        fit = fit_g2(make_g2(np.full(30, 8.0), seed=2), model="double")
        assert float(fit.success.mean()) < 0.2


class TestPoints:
    def test_delays_with_few_pairs_zero_or_missing_errors_are_left_out(self, make_g2):
        ds = make_g2(np.full(2, 5.0))
        ds.g2_err[3, 0] = 0
        ds.g2_err[4, 1] = np.nan
        used = usable_delays(ds)
        few = int((ds.n_pairs < 4).sum())
        assert few > 0
        assert not used[3, 0]
        assert used[3, 1]
        assert not used[4, 1]
        fit = fit_g2(ds)
        assert list(fit.n_excluded.values) == [few + 1, few + 1]
        assert (fit.n_used + fit.n_excluded == ds.sizes["delay"]).all()

    def test_an_outlier_that_is_left_out_does_not_matter(self, make_g2):
        ds = make_g2(np.full(2, 5.0))
        before = fit_g2(ds)
        ds.g2[-1] = 1e6
        xr.testing.assert_allclose(before.rate, fit_g2(ds).rate)

    def test_without_numbers_of_pairs_all_points_with_errors_count(self, make_g2):
        ds = make_g2(np.full(2, 5.0)).drop_vars("n_pairs")
        assert usable_delays(ds).all()

    def test_result_and_node_are_taken_like_the_dataset(self, make_g2):
        ds = make_g2(np.full(2, 5.0))
        tree = xr.DataTree.from_dict({"/multitau": ds})
        for data in (tree, tree["multitau"]):
            xr.testing.assert_identical(fit_g2(data), fit_g2(ds))

    def test_order_of_dimensions_does_not_matter(self, make_g2):
        ds = make_g2(np.array([5.0, 9.0]))
        xr.testing.assert_allclose(fit_g2(ds).rate, fit_g2(ds.transpose("bin", "delay")).rate)

    def test_held_values_may_differ_from_bin_to_bin(self, make_g2):
        fit = fit_g2(make_g2(np.array([5.0, 9.0])), fixed={"rate": [5.0, 9.0]})
        assert list(fit.rate.values) == pytest.approx([5.0, 9.0])
        assert fit.success.all()


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"model": "triple"}, "triple"),
            ({"use": "g2_err_pixels"}, "g2_err_pixels"),
            ({"bounds": {"tau": (0, 1)}}, "tau"),
            ({"bounds": {"contrast": (1, 0)}}, "lower < upper"),
            ({"bounds": {"rate": (-1, 1)}}, "positive"),
            ({"fixed": {"rate": -1.0}}, "positive"),
            ({"fixed": {"baseline": [1.0, 1.0, 1.0]}}, "2 bins"),
            ({"fixed": {"baseline": 1.0, "contrast": 0.2, "rate": 1.0}}, "nothing is left to fit"),
        ],
    )
    def test_bad_option_is_refused_by_name(self, make_g2, options, words):
        with pytest.raises(OptionError, match=words):
            fit_g2(make_g2(np.full(2, 5.0)), **options)

    def test_other_datasets_are_refused(self):
        with pytest.raises(OptionError, match="no multi-tau dataset"):
            fit_g2(xr.Dataset({"scattering_1d": ("static_bin", [1.0])}))

    def test_everything_has_units_and_a_name(self, make_g2):
        fit = fit_g2(make_g2(np.full(2, 5.0)), model="double")
        for name, variable in fit.data_vars.items():
            assert variable.attrs.get("units"), name
            assert variable.attrs.get("long_name"), name


def test_36_bins_are_fitted_in_half_a_second(make_g2):
    ds = make_g2(np.linspace(2, 60, 36))
    fit_g2(ds)
    begin = time.process_time()
    fit_g2(ds, model="stretched")
    assert time.process_time() - begin < 0.5
