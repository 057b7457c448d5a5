"""Averages of repeats: errors that cover the truth, outliers that are found, and weights that do not bias."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xpcs_nb.analysis import average_g2, fit_g2
from xpcs_nb.errors import OptionError


def repeats_of(make_g2, n, *, n_bins=40, claimed=1.0, seed=0, rho=0.0, with_cov=False):
    """Repeats of one truth; `claimed` times the true error is what they say."""
    exact = make_g2(np.full(n_bins, 8.0), noise=0)
    sigma = exact.g2_err.to_numpy()
    rng = np.random.default_rng(seed)
    index = np.arange(len(sigma))
    correlation = rho ** abs(index[:, None] - index)
    root = np.linalg.cholesky(correlation)
    found = []
    for _ in range(n):
        noise = sigma * (root @ rng.normal(size=sigma.shape))
        one = exact.assign(g2=exact.g2 + noise, g2_err=exact.g2_err * claimed)
        if with_cov:
            cov = correlation * sigma.T[:, :, None] * sigma.T[:, None, :] * claimed**2
            one = one.assign(g2_cov=(("bin", "delay", "delay2"), cov))
        found.append(one)
    return exact, found


def covered(mean: xr.Dataset, exact: xr.Dataset) -> float:
    return float((abs(mean.g2 - exact.g2) < mean.g2_err).mean())


class TestErrors:
    @pytest.mark.parametrize("claimed", [0.3, 1.0, 2.0])
    @pytest.mark.parametrize("n", [3, 6, 20])
    def test_errors_cover_the_truth_in_68_percent_of_points_whatever_the_repeats_claim(self, make_g2, n, claimed):
        exact, repeats = repeats_of(make_g2, n, claimed=claimed, seed=n)
        assert 0.63 < covered(quietly(repeats), exact) < 0.73

    @pytest.mark.parametrize("n", [6, 12])
    def test_parameters_of_fits_to_an_average_are_covered_too(self, make_g2, n):
        _, repeats = repeats_of(make_g2, n, n_bins=600, rho=0.8, with_cov=True, seed=n)
        mean = average_g2(repeats)
        assert "g2_cov" in mean
        fit = fit_g2(mean)
        for name, truth in {"rate": 8.0, "contrast": 0.2, "baseline": 1.0}.items():
            assert 0.63 < float((abs(fit[name] - truth) < fit[f"{name}_err"]).mean()) < 0.73, name

    def test_the_scale_says_how_much_the_repeats_scatter_beyond_their_errors(self, make_g2):
        _, repeats = repeats_of(make_g2, 5, claimed=0.5)
        with pytest.warns(UserWarning, match=r"5 repeats differ by more than their errors: .* is [34]"):
            mean = average_g2(repeats)
        assert float(mean.scale.mean()) == pytest.approx(4, rel=0.1)

    def test_one_repeat_is_its_own_average(self, make_g2):
        _, repeats = repeats_of(make_g2, 1)
        mean = average_g2(repeats)
        np.testing.assert_allclose(mean.g2, repeats[0].g2)
        np.testing.assert_allclose(mean.g2_err, repeats[0].g2_err)

    def test_better_repeats_count_more_on_request(self, make_g2):
        exact, repeats = repeats_of(make_g2, 2)
        noisy = repeats[1].assign(g2=exact.g2 + 3 * (repeats[1].g2 - exact.g2), g2_err=3 * repeats[1].g2_err)
        plain, weighted = (average_g2([repeats[0], noisy], weights=how) for how in ("equal", "errors"))
        np.testing.assert_allclose(weighted.g2, 0.9 * repeats[0].g2 + 0.1 * noisy.g2)
        assert float(abs(weighted.g2 - exact.g2).mean()) < 0.7 * float(abs(plain.g2 - exact.g2).mean())

    def test_weights_by_errors_that_follow_the_value_do_not_pull_the_mean_down(self, make_g2):
        exact, repeats = repeats_of(make_g2, 40)
        loud = [one.assign(g2=exact.g2 + 20 * (one.g2 - exact.g2)) for one in repeats]
        # As where the error is that of counts: the lower g2 came out, the smaller its error.
        loud = [one.assign(g2_err=0.02 * abs(one.g2) ** 4) for one in loud]
        mean = average_g2(loud, weights="errors", outliers=False)
        assert float((mean.g2 - exact.g2).mean()) == pytest.approx(0, abs=5e-4)


def quietly(repeats: list[xr.Dataset]) -> xr.Dataset:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return average_g2(repeats)


class TestOutliers:
    def test_good_repeats_are_kept(self, make_g2):
        for seed in range(5):
            _, repeats = repeats_of(make_g2, 12, seed=seed)
            assert average_g2(repeats).repeat_kept.all()

    def test_bad_ones_are_found_even_where_a_third_is_bad(self, make_g2):
        exact, repeats = repeats_of(make_g2, 12)
        for number in (1, 4, 5, 9):
            repeats[number] = repeats[number].assign(g2=1 + 1.1 * (repeats[number].g2 - 1))
        mean = average_g2(repeats)
        assert list(np.flatnonzero(~mean.repeat_kept)) == [1, 4, 5, 9]
        assert "chi2 against the other repeats" in str(mean.repeat_reason[4].item())
        assert 0.6 < covered(mean, exact) < 0.76

    def test_a_common_scale_of_the_errors_does_not_matter(self, make_g2):
        _, repeats = repeats_of(make_g2, 8, claimed=0.1)
        repeats[2] = repeats[2].assign(g2=1 + 1.1 * (repeats[2].g2 - 1))
        assert list(np.flatnonzero(~quietly(repeats).repeat_kept)) == [2]

    def test_of_two_repeats_none_is_left_out(self, make_g2):
        _, repeats = repeats_of(make_g2, 2)
        repeats[1] = repeats[1].assign(g2=repeats[1].g2 + 0.1)
        assert quietly(repeats).repeat_kept.all()

    def test_a_baseline_outside_the_range_is_named(self, make_g2):
        _, repeats = repeats_of(make_g2, 4)
        repeats[0] = repeats[0].assign(g2=repeats[0].g2 + 0.05)
        mean = average_g2(repeats, baseline=(0.98, 1.02), outliers=False, names=["a", "b", "c", "d"])
        assert mean.repeat_reason.values.tolist() == ["baseline 1.05 outside 0.98..1.02", "", "", ""]
        assert list(mean.repeat) == ["a", "b", "c", "d"]

    @pytest.mark.filterwarnings("ignore:6 repeats differ")
    def test_a_limit_of_ones_own(self, make_g2):
        _, repeats = repeats_of(make_g2, 6)
        repeats[3] = repeats[3].assign(g2=1 + 1.03 * (repeats[3].g2 - 1))
        chi2 = average_g2(repeats, outliers=False).repeat_chi2
        assert int(np.argmax(chi2.to_numpy())) == 3
        assert chi2[3] > 1.25
        assert list(np.flatnonzero(~average_g2(repeats, max_chi2=1.25).repeat_kept)) == [3]

    def test_copies_and_empty_bins_are_no_trouble(self, make_g2):
        _, repeats = repeats_of(make_g2, 4)
        assert average_g2([repeats[0]] * 4).repeat_kept.all()
        empty = [one.assign(g2=one.g2.where(one.bin != 2)) for one in repeats]
        mean = average_g2(empty)
        assert mean.repeat_kept.all()
        assert mean.g2.sel(bin=2).isnull().all()
        assert mean.g2.sel(bin=3).notnull().all()

    def test_points_of_few_pairs_have_no_say(self, make_g2):
        _, repeats = repeats_of(make_g2, 6)
        repeats[3].g2[-1] = 1e3
        assert average_g2(repeats).repeat_kept.all()


class TestRefused:
    def test_other_delays_are_named(self, make_g2):
        with pytest.raises(OptionError, match=r"repeat 2 can't be averaged with 1: got delay\[0\] = 0.002 s"):
            average_g2([make_g2(np.full(2, 8.0)), make_g2(np.full(2, 8.0), frame_time=2e-3)])

    def test_other_numbers_of_bins_are_named(self, make_g2):
        with pytest.raises(OptionError, match=r"3 values of bin instead of 2"):
            average_g2([make_g2(np.full(2, 8.0)), make_g2(np.full(3, 8.0))])

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"weights": "best"}, "no such weights"),
            ({"errors": "none"}, "no such errors"),
            ({"max_chi2": 0.0}, "max_chi2"),
            ({"baseline": (2.0, 1.0)}, "least < largest"),
            ({"baseline": (3.0, 4.0)}, "no repeat is left"),
            ({"baseline_bins": [9]}, "no such bins"),
            ({"baseline_window": 0}, "a baseline needs a delay"),
            ({"names": ["a"]}, "a name each"),
        ],
    )
    def test_bad_options(self, make_g2, options, words):
        _, repeats = repeats_of(make_g2, 3, n_bins=2)
        with pytest.raises(OptionError, match=words):
            average_g2(repeats, **options)

    def test_nothing_and_no_errors(self, make_g2):
        with pytest.raises(OptionError, match="nothing to average"):
            average_g2([])
        with pytest.raises(OptionError, match="no such uncertainty"):
            average_g2([make_g2(np.full(2, 8.0)).drop_vars("g2_err")])
