"""What stands on the axes of the scattering figures."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import LogNorm

from xpcs_nb.analysis import fit_g2
from xpcs_nb.errors import OptionError, WriteError
from xpcs_nb.plots import plot_intensity, plot_saxs_1d, plot_saxs_2d, plot_stability, save_all


def image(figure):
    return figure.axes[0].images[0]


def test_masked_pixels_are_missing_and_used_ones_are_logarithmic(result):
    drawn = image(plot_saxs_2d(result))
    mask = result["qmap"]["mask"].to_numpy()
    np.testing.assert_array_equal(np.ma.getmaskarray(drawn.get_array()), ~mask)
    assert isinstance(drawn.norm, LogNorm)


def test_pixels_without_a_photon_are_dark_not_missing(result):
    counts = result["saxs"]["scattering_2d"].to_numpy()
    mask = result["qmap"]["mask"].to_numpy()
    assert ((counts == 0) & mask).any()
    drawn = image(plot_saxs_2d(result))
    assert drawn.get_array()[(counts == 0) & mask].max() == pytest.approx(drawn.norm.vmin)


def test_colours_are_those_of_used_pixels_only(result):
    hot = result.copy(deep=True)
    hot["saxs"]["scattering_2d"].to_numpy()[20, 30] = 1e12
    assert image(plot_saxs_2d(hot)).get_clim() == image(plot_saxs_2d(result)).get_clim()


def test_node_of_a_result_knows_its_mask(result):
    drawn = image(plot_saxs_2d(result["saxs"]))
    assert np.ma.getmaskarray(drawn.get_array()).any()


def test_an_empty_frame_is_drawn(result):
    ds = result["saxs"].to_dataset()
    figure = plot_saxs_2d(ds.assign(scattering_2d=ds.scattering_2d * 0))
    figure.canvas.draw()


def test_borders_run_between_different_bins(result):
    (borders,) = plot_saxs_2d(result, borders=True).axes[0].collections
    labels = result["qmap"]["dynamic_roi_map"].to_numpy()
    pairs = [(labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])]
    between = sum(((one != other) & (one > 0) & (other > 0)).sum() for one, other in pairs)
    assert len(borders.get_segments()) == between
    with pytest.raises(OptionError, match="no partition"):
        plot_saxs_2d(result["saxs"].to_dataset(), borders=True)


def test_scattering_is_drawn_against_rising_q(result):
    ds = result["saxs"].to_dataset()
    shuffled = ds.isel(static_bin=np.random.default_rng(0).permutation(40))
    ax = plot_saxs_1d(shuffled).axes[0]
    x, y = ax.lines[0].get_data()
    np.testing.assert_array_equal(x, ds.q)
    np.testing.assert_array_equal(y, ds.scattering_1d)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert "counts/pixel/frame" in ax.get_ylabel()


def test_each_phi_has_its_line(result):
    ds = result["saxs"].to_dataset().assign_coords(phi=("static_bin", np.tile([0.0, 90.0], 20)))
    assert [line.get_label() for line in plot_saxs_1d(ds).axes[0].lines] == ["φ = 0°", "φ = 90°"]


def test_segments_are_coloured_from_early_to_late(result):
    lines = plot_saxs_1d(result, segments=True).axes[0].lines
    lightness = [sum(line.get_color()[:3]) for line in lines]
    assert len(lines) == 10
    assert lightness == sorted(lightness)


def test_stability_is_the_ratio_to_the_mean_whatever_the_scale(result):
    ds = result["saxs"].to_dataset()
    expected = ds.scattering_1d_segments / ds.scattering_1d_segments.mean("segment")
    for scale in (1.0, 0.1):
        ax = plot_stability(ds.assign(scattering_1d_segments=ds.scattering_1d_segments * scale)).axes[0]
        drawn = np.array([line.get_ydata() for line in ax.lines[:10]])
        np.testing.assert_allclose(drawn, expected)


def test_stability_of_many_bins_is_drawn_in_groups(result):
    q = np.geomspace(1e-3, 0.1, 400)
    noise = 1 + 0.1 * np.random.default_rng(0).normal(size=(5, 400))
    ds = xr.Dataset({"scattering_1d_segments": (("segment", "static_bin"), noise)}, coords={"q": ("static_bin", q)})
    x, y = plot_stability(ds).axes[0].lines[0].get_data()
    assert len(x) == 40
    assert (np.diff(x) > 0).all()
    assert np.std(y) < 0.06


def test_stability_averages_bins_of_one_q(result):
    ds = result["saxs"].to_dataset()
    values = np.ones((2, 4))
    values[1] = [1, 3, 1, 1]
    small = ds.isel(static_bin=slice(4), segment=slice(2)).assign(
        scattering_1d_segments=(("segment", "static_bin"), values)
    )
    small = small.assign_coords(q=("static_bin", [0.01, 0.01, 0.02, 0.02]))
    drawn = plot_stability(small).axes[0].lines[1].get_ydata()
    np.testing.assert_allclose(drawn, [4 / 3, 1])


def test_intensity_of_a_long_series_keeps_its_extremes():
    values = np.ones(100_000)
    values[70_000] = 9.0
    time = np.arange(100_000) * 1e-3
    ds = xr.Dataset({"intensity": ("time", values)}, coords={"time": time})
    ax = plot_intensity(ds).axes[0]
    assert len(ax.lines[0].get_xdata()) <= 1500
    assert ax.collections[0].get_paths()[0].vertices[:, 1].max() == 9.0
    assert "scatter" in ax.get_title()


def test_intensity_of_a_short_series_is_drawn_frame_by_frame(result):
    x, y = plot_intensity(result).axes[0].lines[0].get_data()
    np.testing.assert_array_equal(x, result["saxs"]["time"])
    np.testing.assert_array_equal(y, result["saxs"]["intensity"])


def test_everything_is_saved_by_name(result, tmp_path):
    written = save_all(result, tmp_path / "new", fit=fit_g2(result, fixed={"baseline": 1.0}))
    saxs = {"saxs_2d", "saxs_1d", "stability", "intensity"}
    assert set(written) == saxs | {"g2", "g2_overlay", "rates", "twotime_bin00002", "twotime_bin00005"}
    for name, path in written.items():
        assert path == tmp_path / "new" / f"{name}.png"
        assert path.read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {path.name for path in written.values()}


def test_what_a_result_lacks_is_not_saved(result, tmp_path):
    part = xr.DataTree.from_dict({"/saxs": result["saxs"].to_dataset()[["intensity"]]})
    assert set(save_all(part, tmp_path)) == {"intensity"}


def test_folder_that_is_a_file_is_an_error(result, tmp_path):
    (tmp_path / "plots").write_text("in the way")
    part = xr.DataTree.from_dict({"/saxs": result["saxs"].to_dataset()[["intensity"]]})
    with pytest.raises(WriteError, match=r"intensity\.png"):
        save_all(part, tmp_path / "plots")
    assert (tmp_path / "plots").read_text() == "in the way"
