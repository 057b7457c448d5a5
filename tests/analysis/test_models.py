"""More models: distributions of rates, two stretched modes, functions of one's own; weights by covariance."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

from xpcs_nb.analysis import MODELS, Model, fit_g2, fitted_curve
from xpcs_nb.errors import OptionError


def curve(delay: np.ndarray, g2: np.ndarray, err: float = 1e-3, noise: float = 0.0, n_bins: int = 1) -> xr.Dataset:
    rng = np.random.default_rng(0)
    values = g2[:, None] + noise * err * rng.normal(size=(len(delay), n_bins))
    return xr.Dataset(
        {"g2": (("delay", "bin"), values), "g2_err": (("delay", "bin"), np.full(values.shape, err))},
        coords={"delay": delay, "bin": np.arange(1, n_bins + 1)},
    )


DELAY = np.geomspace(1e-3, 30, 90)


class TestCumulant:
    @pytest.mark.parametrize("width", [0.02, 0.08, 0.15])
    def test_the_mean_rate_of_a_distribution_is_found(self, width):
        s = math.sqrt(math.log(1 + width))
        grid = np.linspace(-7, 7, 1001)
        share = np.exp(-(grid**2) / 2) / np.exp(-(grid**2) / 2).sum()
        field = (share * np.exp(-np.outer(DELAY, 2.0 * np.exp(s * grid - s * s / 2)))).sum(axis=1)
        fit = fit_g2(curve(DELAY, 1 + 0.8 * field**2), model="cumulant").isel(bin=0)
        assert float(fit.rate) == pytest.approx(2.0, rel=3e-3)
        assert float(fit.polydispersity) == pytest.approx(width, rel=0.15)
        single = fit_g2(curve(DELAY, 1 + 0.8 * field**2)).isel(bin=0)
        assert float(single.rate) < 2.0 * (1 - 0.2 * width)

    def test_particles_of_one_size_have_no_width(self, make_g2):
        fit = fit_g2(make_g2(np.full(200, 8.0)), model="cumulant")
        assert fit.success.all()
        assert float(fit.polydispersity.mean()) == pytest.approx(0, abs=0.01)
        assert 0.63 < float((abs(fit.polydispersity) < fit.polydispersity_err).mean()) < 0.73


class TestTwoStretchedModes:
    def test_both_are_found(self):
        field = 0.6 * np.exp(-((50 * DELAY) ** 0.9)) + 0.4 * np.exp(-((0.5 * DELAY) ** 1.3))
        fit = fit_g2(curve(DELAY, 1 + 0.3 * field**2, err=1e-5), model="double_stretched").isel(bin=0)
        assert fit.status == "ok"
        found = [float(fit[name]) for name in ("rate", "rate_slow", "fraction", "exponent", "exponent_slow")]
        np.testing.assert_allclose(found, [50, 0.5, 0.6, 0.9, 1.3], rtol=1e-4)

    def test_with_exponents_held_at_one_it_is_the_double_exponential(self):
        field = 0.6 * np.exp(-50 * DELAY) + 0.4 * np.exp(-0.5 * DELAY)
        ds = curve(DELAY, 1 + 0.3 * field**2, err=1e-4, noise=1)
        held = fit_g2(ds, model="double_stretched", fixed={"exponent": 1.0, "exponent_slow": 1.0})
        plain = fit_g2(ds, model="double")
        for name in plain.coords["parameter"].to_numpy():
            np.testing.assert_allclose(held[name], plain[name], rtol=1e-5)


@pytest.mark.parametrize("name", list(MODELS))
def test_slopes_are_derivatives(name):
    model, theta = MODELS[name], {"rate": 0.5, "rate_slow": -0.5, "exponent": 0.8, "fraction": 0.3}
    start = np.array([[1.02, 0.3] + [theta.get(parameter.name, 1.1) for parameter in model.parameters[2:]]])
    _, slopes = model.curve(DELAY, start)
    for column in range(start.shape[1]):
        step = np.eye(start.shape[1])[column] * 1e-6
        numeric = (model.curve(DELAY, start + step)[0] - model.curve(DELAY, start - step)[0]) / 2e-6
        np.testing.assert_allclose(slopes[0, column], numeric[0], atol=1e-8, err_msg=f"{name} {column}")


def shear(delay, baseline, contrast, rate, exponent):
    return baseline + contrast * np.exp(-2 * (rate * delay) ** exponent)


def one_by_one(delay, baseline, contrast, rate):
    if rate > 1e9:
        raise ValueError("too fast")
    return baseline + contrast * np.array([math.exp(-2 * rate * float(t)) for t in delay])


class TestOwnFunctions:
    def test_a_function_gives_what_the_built_in_model_gives(self, make_g2):
        ds = make_g2(np.linspace(3, 30, 12), exponent=1.2)
        own, built_in = fit_g2(ds, model=shear), fit_g2(ds, model="stretched")
        assert own.success.all()
        for name in ("baseline", "contrast", "rate", "exponent", "rate_err", "exponent_err", "chi2"):
            np.testing.assert_allclose(own[name], built_in[name], rtol=1e-3, err_msg=name)
        assert own.attrs["formula"] == "g2 = shear(delay, baseline, contrast, rate, exponent)"

    def test_a_function_of_plain_numbers_works_too(self, make_g2):
        ds = make_g2(np.array([4.0, 9.0]))
        np.testing.assert_allclose(fit_g2(ds, model=one_by_one).rate, fit_g2(ds).rate, rtol=1e-5)

    def test_starts_bounds_and_units(self):
        def ringing(delay, baseline, contrast, rate, frequency):
            return baseline + contrast * np.exp(-2 * rate * delay) * np.cos(2 * np.pi * frequency * delay)

        delay = np.linspace(1e-3, 3, 200)
        ds = curve(delay, ringing(delay, 1, 0.2, 0.8, 2.5), noise=1, n_bins=3)
        model = Model.from_function(
            ringing, start={"frequency": 2.4}, bounds={"frequency": (1.0, 4.0)}, units={"frequency": "Hz"}
        )
        fit = fit_g2(ds, model=model)
        np.testing.assert_allclose(fit.frequency, 2.5, atol=0.02)
        assert fit.frequency.attrs["units"] == "Hz"
        held = fit_g2(ds, model=model, fixed={"frequency": 2.5})
        assert (held.frequency_err == 0).all()

    def test_its_curve_is_drawn_at_other_delays(self, make_g2):
        fit = fit_g2(make_g2(np.array([4.0, 9.0])), model=shear)
        np.testing.assert_allclose(fitted_curve(fit, fit.delay), fit.fitted)
        other = fit.assign_attrs(model="of another session")
        with pytest.raises(OptionError, match="no such model"):
            fitted_curve(other, fit.delay)
        np.testing.assert_allclose(fitted_curve(other, fit.delay, model=shear), fit.fitted)

    def test_two_functions_of_one_name_are_kept_apart(self, make_g2):
        ds = make_g2(np.array([4.0]))
        first = fit_g2(
            ds, model=lambda delay, baseline, contrast, rate: baseline + contrast * np.exp(-2 * rate * delay)
        )
        second = fit_g2(ds, model=lambda delay, baseline, contrast, rate: baseline + contrast * np.exp(-rate * delay))
        np.testing.assert_allclose(fitted_curve(first, [0.1]), fitted_curve(second, [0.1]), rtol=1e-4)
        assert first.attrs["model"] != second.attrs["model"]

    def test_a_function_that_is_nowhere_finite_fails_with_a_reason(self, make_g2):
        fit = fit_g2(make_g2(np.array([4.0])), model=lambda delay, contrast, rate: delay * rate * np.nan * contrast)
        assert not fit.success.any()
        assert fit.fitted.isnull().all()

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: Model.from_function(lambda delay: delay), "can't be a model"),
            (lambda: Model.from_function(lambda delay, *more: delay), "can't be a model"),
            (lambda: Model.from_function(shear, start={"speed": 1.0}), "speed"),
            (lambda: Model.from_function(shear, bounds={"speed": (0, 1)}), "speed"),
            (lambda: Model.from_function(shear, start={"rate": -1.0}), "above 0"),
            (lambda: Model.from_function(shear, name="single"), "built-in"),
        ],
    )
    def test_bad_functions_are_refused(self, make, words):
        with pytest.raises(OptionError, match=words):
            make()


class TestWeightsByCovariance:
    def correlated(self, make_g2, samples: int, n_bins: int = 400) -> xr.Dataset:
        ds = make_g2(np.full(n_bins, 8.0), noise=0)
        sigma = ds.g2_err.to_numpy()[:, 0]
        index = np.arange(len(sigma))
        true = np.outer(sigma, sigma) * 0.8 ** abs(index[:, None] - index)
        rng = np.random.default_rng(3)
        noise = rng.multivariate_normal(np.zeros(len(sigma)), true, size=n_bins)
        blocks = rng.multivariate_normal(np.zeros(len(sigma)), true, size=(n_bins, samples))
        blocks -= blocks.mean(axis=1, keepdims=True)
        estimate = np.einsum("dbi,dbj->dij", blocks, blocks) / (samples - 1)
        cov = (("bin", "delay", "delay2"), estimate, {"samples": samples})
        return ds.assign(g2=ds.g2 + noise.T, g2_cov=cov)

    def test_errors_are_covered_and_there_is_little_to_gain(self, make_g2):
        ds = self.correlated(make_g2, 200)
        plain, weighted = fit_g2(ds), fit_g2(ds, weights="covariance")
        gain = float(((plain.rate - 8) ** 2).mean() / ((weighted.rate - 8) ** 2).mean())
        assert 0.9 < gain < 1.2
        for fit in (plain, weighted):
            for name, truth in {"rate": 8.0, "contrast": 0.2, "baseline": 1.0}.items():
                assert 0.62 < float((abs(fit[name] - truth) < fit[f"{name}_err"]).mean()) < 0.74, name

    def test_a_covariance_of_few_samples_is_refused(self, make_g2):
        with pytest.raises(OptionError, match="estimated from 12 samples"):
            fit_g2(self.correlated(make_g2, 12, 3), weights="covariance")

    def test_a_covariance_of_unknown_samples_is_refused(self, make_g2):
        ds = self.correlated(make_g2, 30, 3)
        del ds.g2_cov.attrs["samples"]
        with pytest.raises(OptionError, match="from how many samples"):
            fit_g2(ds, weights="covariance")
        with pytest.raises(OptionError, match="no covariance"):
            fit_g2(ds.drop_vars("g2_cov"), weights="covariance")
        with pytest.raises(OptionError, match="no such weights"):
            fit_g2(ds, weights="best")

    def test_chi2_is_judged_by_what_correlated_noise_makes(self, make_g2):
        fit = fit_g2(self.correlated(make_g2, 200))
        assert 0.63 < float((fit.p_value > 0.32).mean()) < 0.76
        assert float(fit.penalty.mean()) > 3.5
        assert float((fit.chi2 + fit.penalty - fit.n_used).mean()) == pytest.approx(0, abs=1.0)


def test_p_values_of_good_fits_are_even(make_g2):
    fit = fit_g2(make_g2(np.full(600, 8.0)))
    assert float((fit.p_value < 0.5).mean()) == pytest.approx(0.5, abs=0.06)
    assert (fit.penalty == 3).all()
