"""Pictures to judge fits and averages by: they show what was found, and what is missing."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xpcs_nb.analysis import average_g2, compare_models, extrapolate_diffusion, fit_dispersion, fit_g2
from xpcs_nb.errors import OptionError
from xpcs_nb.plots import plot_diffusion, plot_dispersion, plot_models, plot_repeats, plot_residuals


@pytest.fixture
def data(result) -> xr.Dataset:
    return result["multitau"].to_dataset().isel(delay=slice(0, -1))


def test_many_bins_make_a_map_and_few_have_panels(data, result):
    fit = fit_g2(data, fixed={"baseline": 1.0})
    drawn = plot_residuals(data, fit)
    assert len(drawn.axes) == 3
    assert drawn.axes[1].collections[0].get_array().shape == (9, data.sizes["delay"])
    few = plot_residuals(result, fit_g2(result), bins=[2, 5])
    assert [axes.get_title().split(",")[0] for axes in few.axes[:2]] == ["q = 0.00725 Å⁻¹", "q = 0.0170 Å⁻¹"]


def test_a_bin_without_a_fit_says_why(data):
    data.g2[:, 1] = np.nan
    drawn = plot_residuals(data, fit_g2(data), bins=[2])
    assert "no fit: too few points" in drawn.axes[0].get_title()


def test_other_bins_are_refused(data):
    with pytest.raises(OptionError, match="no such bins"):
        plot_residuals(data, fit_g2(data), bins=[77])


def test_models_are_drawn_with_their_weights(data):
    drawn = plot_models(compare_models(data, ["single", "stretched"], fixed={"baseline": 1.0}))
    heights = np.array([bar.get_height() for bar in drawn.axes[1].patches]).reshape(2, -1)
    np.testing.assert_allclose(heights.sum(axis=0), 1)
    assert drawn.axes[0].get_legend().get_texts()[0].get_text().startswith("single")


def test_times_are_the_inverse_of_rates(data):
    fit = fit_g2(data, fixed={"baseline": 1.0})
    drawn = plot_dispersion(fit, fit_dispersion(fit), show="tau")
    points = drawn.axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(points, 1 / fit.rate)
    with pytest.raises(OptionError, match="'rate' or 'tau'"):
        plot_dispersion(fit, show="speed")


def test_the_limit_of_diffusion_is_named(data):
    limit = extrapolate_diffusion(fit_g2(data, fixed={"baseline": 1.0}))
    drawn = plot_diffusion(limit)
    assert "$D_0$" in drawn.axes[0].get_legend().get_texts()[0].get_text()
    assert drawn.axes[0].get_xlim()[0] < 0


def test_repeats_stand_behind_their_mean_and_those_left_out_are_marked(data):
    rng = np.random.default_rng(0)
    repeats = [data.assign(g2=data.g2 + data.g2_err * rng.normal(size=data.g2.shape)) for _ in range(6)]
    repeats[2] = repeats[2].assign(g2=1 + 1.5 * (repeats[2].g2 - 1))
    mean = average_g2(repeats)
    drawn = plot_repeats(mean, repeats, bin=4)
    assert [text.get_text() for text in drawn.axes[0].get_legend().get_texts()] == ["5 repeats", "1 left out", "mean"]
    assert list(drawn.axes[1].lines[1].get_xdata()) == [3]
    with pytest.raises(OptionError, match="other repeats"):
        plot_repeats(mean, repeats[:3])
