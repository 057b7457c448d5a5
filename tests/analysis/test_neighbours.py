"""The same fits by pyXpcsViewer and scikit-beam."""

from __future__ import annotations

import numpy as np
import pytest

from xpcs_nb.analysis import fit_dispersion, fit_g2, fitted_curve


@pytest.mark.judge
@pytest.mark.filterwarnings("ignore")
def test_the_viewer_finds_the_same_single_and_stretched_fits(make_g2):
    fitting = pytest.importorskip("pyxpcsviewer.core.fitting")
    q = np.linspace(0.005, 0.03, 6)
    data = make_g2(3e4 * q**2, q=q, exponent=0.8, n_frames=8000)
    ours = fit_g2(data, model="stretched")
    used = ours["used"].to_numpy()[:, 0]
    g2, err = (data[name].to_numpy()[used] for name in ("g2", "g2_err"))
    # contrast, time, exponent, baseline
    bounds = ([0, 1e-5, 0.2, 0.5], [1, 1e3, 2.0, 1.5])
    start = np.array([0.2, 0.1, 1.0, 1.0])
    _, found = fitting.fit_with_fixed(
        fitting.single_exp_all, data["delay"].to_numpy()[used], g2, err, bounds, [True] * 4, np.ones(2), p0=start
    )
    for column, name in ((0, "contrast"), (2, "exponent"), (3, "baseline")):
        np.testing.assert_allclose(found[:, 0, column], ours[name], rtol=1e-3, err_msg=name)
    np.testing.assert_allclose(1 / found[:, 0, 1], ours.rate, rtol=1e-3)


@pytest.mark.judge
@pytest.mark.filterwarnings("ignore")
def test_the_viewer_finds_the_same_power_law_with_equal_weights(make_g2):
    fitting = pytest.importorskip("pyxpcsviewer.core.fitting")
    q = np.linspace(0.005, 0.03, 8)
    fit = fit_g2(make_g2(3e4 * q**2, q=q))
    equal = fit.assign(rate_err=0.01 * fit.rate)
    slope, level, _, _ = fitting.fit_tau(q, 1 / fit.rate.to_numpy(), 0.01 / fit.rate.to_numpy())
    ours = fit_dispersion(equal)
    assert -float(np.squeeze(slope)) == pytest.approx(ours.exponent, rel=1e-6)
    assert np.exp(-float(np.squeeze(level))) == pytest.approx(ours.D, rel=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_scikit_beam_draws_the_same_curve(make_g2):
    correlation = pytest.importorskip("skbeam.core.correlation")
    fit = fit_g2(make_g2(np.array([8.0])))
    delay = np.geomspace(1e-3, 1, 20)
    theirs = correlation.auto_corr_scat_factor(
        delay, float(fit.contrast[0]), float(fit.rate[0]), float(fit.baseline[0])
    )
    np.testing.assert_allclose(fitted_curve(fit, delay).isel(bin=0), theirs, rtol=1e-12)
