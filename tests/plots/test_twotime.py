"""What stands on the axes of two-time figures."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from xpcs_nb.errors import OptionError
from xpcs_nb.plots import colour_limits, plot_twotime


def image(figure):
    return figure.axes[0].images[0]


def test_colours_do_not_depend_on_the_diagonal(result):
    before = image(plot_twotime(result, 2)).get_clim()
    c2 = result["twotime"]["c2"].to_numpy()
    c2[0][np.diag_indices(c2.shape[-1])] = 1e6
    changed = result["twotime"].to_dataset().assign(c2=(("bin", "t1", "t2"), c2))
    assert image(plot_twotime(changed, 2)).get_clim() == before
    assert before[1] < 1.3


@given(arrays(np.float64, (6, 6), elements=st.floats(0.5, 2)), st.floats(-1e9, 1e9))
def test_limits_ignore_any_diagonal(c2, diagonal):
    other = c2.copy()
    np.fill_diagonal(other, diagonal)
    low, high = colour_limits(c2)
    assert (low, high) == colour_limits(other)
    assert low < high


def test_axes_are_in_seconds_and_cover_the_frames(result):
    left, right, bottom, top = image(plot_twotime(result, 2)).get_extent()
    assert (left, right) == pytest.approx((-0.005, 1.195))
    assert (bottom, top) == pytest.approx((-0.005, 1.195))
    assert "(s)" in plot_twotime(result, 2).axes[0].get_xlabel()


def test_map_is_drawn_as_it_is_without_its_diagonal(result):
    drawn = image(plot_twotime(result, 5)).get_array()
    c2 = result["twotime"]["c2"].sel(bin=5).to_numpy()
    off = ~np.eye(len(c2), dtype=bool)
    np.testing.assert_array_equal(np.ma.filled(drawn, np.nan)[off], c2[off])
    assert np.ma.getmaskarray(drawn)[~off].all()


def test_upper_triangle_alone_is_mirrored(result):
    ds = result["twotime"].to_dataset()
    half = ds.assign(c2=(("bin", "t1", "t2"), np.triu(ds.c2.to_numpy())))
    np.testing.assert_array_equal(image(plot_twotime(half, 5)).get_array(), image(plot_twotime(ds, 5)).get_array())


def test_long_maps_are_averaged_in_blocks_without_the_diagonal():
    n = 1801
    c2 = np.broadcast_to(np.float32(1.5), (1, n, n)).copy()
    c2[0][np.diag_indices(n)] = 100
    time = np.arange(n) * 1.0
    ds = xr.Dataset({"c2": (("bin", "t1", "t2"), c2)}, coords={"t1": time, "t2": time, "bin": [1]})
    drawn = image(plot_twotime(ds))
    assert drawn.get_array().shape == (600, 600)
    np.testing.assert_allclose(drawn.get_array(), 1.5)
    assert drawn.get_extent()[1] == pytest.approx(1799.5)


def test_age_and_lag_put_each_pair_at_its_place(result):
    time = np.arange(6.0)
    c2 = (time[:, None] + time) / 2 * 100 + abs(time[:, None] - time)
    ds = xr.Dataset({"c2": (("bin", "t1", "t2"), c2[None])}, coords={"t1": time, "t2": time, "bin": [1]})
    figure = plot_twotime(ds, axes="age-lag")
    drawn = np.ma.filled(image(figure).get_array(), np.nan)
    assert drawn[2, 3] == 302
    assert drawn[4, 2] == 204
    assert np.isnan(drawn[4, 0])
    assert figure.axes[0].get_xlabel() == "age (s)"


def test_g2_beside_the_map_leaves_out_lag_zero(result):
    figure = plot_twotime(result, 5)
    x, y = figure.axes[1].lines[-1].get_data()
    expected = result["twotime"]["g2"].sel(bin=5)
    assert x[0] == pytest.approx(0.01)
    np.testing.assert_array_equal(y, expected[1:-3])
    assert len(plot_twotime(result, 5, with_g2=False).axes) == 1


def test_the_first_map_is_taken_where_no_bin_is_named(result):
    assert plot_twotime(result).axes[0].get_title().startswith("bin 2")


@pytest.mark.parametrize(("options", "words"), [({"bin": 3}, "no two-time map"), ({"axes": "polar"}, "no such axes")])
def test_bad_options_are_refused(result, options, words):
    with pytest.raises(OptionError, match=words):
        plot_twotime(result, **options)


def test_result_without_maps_says_so(result):
    with pytest.raises(OptionError, match="no c2 to draw"):
        plot_twotime(result["multitau"].to_dataset())
