"""The right model is found, and none is praised where none describes the data."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from xpcs_nb.analysis import compare_models
from xpcs_nb.errors import OptionError


def test_the_simple_model_is_kept_where_it_is_true(make_g2):
    found = compare_models(make_g2(np.full(200, 8.0)), ["single", "stretched"])
    assert found.attrs["best"] == "single"
    # AIC takes one more parameter than needed with probability 0.157.
    assert 0.78 < float((found.best == "single").mean()) < 0.90
    assert float(found.total_bic.sel(model="single")) < float(found.total_bic.sel(model="stretched"))
    f_test = found.f_test.sel(model="stretched")
    assert float((f_test < 0.05).mean()) == pytest.approx(0.05, abs=0.045)
    np.testing.assert_allclose(found.weight.sum("model"), 1)


def test_the_stretched_one_is_found_where_it_is_true(make_g2):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = compare_models(make_g2(np.full(20, 8.0), exponent=0.7), ["single", "stretched", "double"])
    assert found.attrs["best"] == "stretched"
    assert float(found.total_f_test.sel(model="stretched")) < 1e-6
    assert found.adequate.mean() > 0.9


def test_where_none_is_right_it_says_so(make_g2):
    data = make_g2(np.full(4, 8.0), sigma=1e-4)
    wave = 0.01 * np.sin(4 * np.log(data.delay))
    with pytest.warns(UserWarning, match=r"no model describes 4 of 4 bins .* chi2/dof"):
        found = compare_models(data.assign(g2=data.g2 + wave), ["single", "stretched"])
    assert not found.adequate.any()


def test_bins_without_any_fit_have_no_best_model(make_g2):
    data = make_g2(np.full(3, 8.0))
    data.g2[:, 1] = np.nan
    found = compare_models(data, ["single", "stretched"])
    assert found.best.values[1] == ""
    assert not found.adequate.values[1]
    assert int(found.n_common) == 2


def test_correlated_noise_does_not_favour_the_richer_model(make_g2):
    data = make_g2(np.full(200, 8.0), noise=0)
    sigma = data.g2_err.to_numpy()[:, 0]
    index = np.arange(len(sigma))
    cov = np.outer(sigma, sigma) * 0.9 ** abs(index[:, None] - index)
    noise = np.random.default_rng(0).multivariate_normal(np.zeros(len(sigma)), cov, size=200).T
    blind = data.assign(g2=data.g2 + noise)
    known = blind.assign(g2_cov=(("bin", "delay", "delay2"), np.broadcast_to(cov, (200, *cov.shape))))
    chosen = [float((compare_models(one, ["single", "stretched"]).best == "single").mean()) for one in (blind, known)]
    assert chosen[1] > 0.78 > chosen[0]


@pytest.mark.parametrize(
    ("models", "words"), [(["single"], "nothing to compare"), (["single", "single"], "twice"), (["a", "b"], "no such")]
)
def test_bad_models_are_refused(make_g2, models, words):
    with pytest.raises(OptionError, match=words):
        compare_models(make_g2(np.full(2, 8.0)), models)
