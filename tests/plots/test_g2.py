"""What stands on the axes of g2 figures."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from xpcs_nb.analysis import fit_dispersion, fit_g2, usable_delays
from xpcs_nb.errors import OptionError
from xpcs_nb.plots import plot_dispersion, plot_g2


def shown(figure: Figure) -> list:
    figure.canvas.draw()
    return [ax for ax in figure.axes if ax.get_visible()]


def line(ax, label: str):
    (found,) = [line for line in ax.lines if line.get_label() == label]
    return found


def points(ax) -> tuple[np.ndarray, np.ndarray]:
    return ax.containers[0].lines[0].get_data()


def test_grid_has_one_panel_a_bin_titled_by_q(result):
    panels = shown(plot_g2(result))
    assert len(panels) == 9
    assert panels[0].get_title().startswith("q = 0.00400")
    assert all(panel.get_xscale() == "log" for panel in panels)


def test_points_and_error_bars_are_those_of_the_dataset(result):
    ds = result["multitau"].to_dataset()
    used = usable_delays(ds)
    for index, panel in enumerate(shown(plot_g2(result))):
        keep = used[:, index].to_numpy()
        x, y = points(panel)
        np.testing.assert_array_equal(x, ds.delay[keep])
        np.testing.assert_array_equal(y, ds.g2[keep, index])
        bars = panel.containers[0].lines[2][0].get_segments()
        half = [(bar[1, 1] - bar[0, 1]) / 2 for bar in bars]
        np.testing.assert_allclose(half, ds.g2_err[keep, index])


def test_left_out_delays_are_open_and_do_not_stretch_the_axis(result):
    panel = shown(plot_g2(result))[0]
    out = line(panel, "_left out")
    assert out.get_markerfacecolor() == "none"
    assert 1.4 in out.get_ydata()
    assert panel.get_ylim()[1] < 1.3
    assert any(pointer.get_marker() == "^" and len(pointer.get_xdata()) for pointer in panel.lines)


def test_fit_is_drawn_through_the_points_with_its_rate(result):
    fit = fit_g2(result, fixed={"baseline": 1.0})
    panel = shown(plot_g2(result, fit=fit))[4]
    x, y = line(panel, "_fit").get_data()
    expected = fit.fitted.isel(bin=4)
    np.testing.assert_allclose(np.interp(expected.delay[:-2], x, y), expected[:-2], atol=1e-4)
    assert "Γ" in panel.texts[0].get_text() or "Gamma" in panel.texts[0].get_text()


def test_failed_fit_has_no_curve_and_gives_the_reason(result):
    fit = fit_g2(result, delay_range=(0, 0.02))
    for panel in shown(plot_g2(result, fit=fit)):
        assert np.isnan(line(panel, "_fit").get_ydata()).all()
        assert "too few points" in panel.texts[0].get_text()


def test_points_left_out_by_the_fit_are_marked(result):
    fit = fit_g2(result, delay_range=(0.05, 10))
    panel = shown(plot_g2(result, fit=fit))[0]
    assert points(panel)[0].min() >= 0.05
    assert line(panel, "_left out").get_xdata().min() == pytest.approx(0.01)


def test_many_bins_come_in_pages(result_of):
    result = result_of(40)
    first, second = plot_g2(result), plot_g2(result, page=2)
    assert len(shown(first)) == 36
    assert len(shown(second)) == 4
    assert "page 2 of 2" in second._suptitle.get_text()
    with pytest.raises(OptionError, match=r"1\.\.2"):
        plot_g2(result, page=3)


def test_overlay_colours_rise_with_q(result_of):
    result = result_of(12)
    ax = plot_g2(result, layout="overlay").axes[0]
    (points,) = [each for each in ax.collections if each.get_label() == "_points"]
    used = usable_delays(result["multitau"].to_dataset()).transpose("delay", "bin").to_numpy()
    np.testing.assert_array_equal(points.get_offsets()[:, 1], result["multitau"]["g2"].to_numpy()[used])
    lightness = points.get_facecolors()[:, :3].sum(axis=1)
    of_bins = [set(lightness[np.nonzero(used)[1] == index]) for index in range(12)]
    assert all(len(one) == 1 for one in of_bins)
    assert [min(one) for one in of_bins] == sorted(min(one) for one in of_bins)


def test_many_bins_of_an_overlay_have_their_fits(result_of):
    result = result_of(12)
    ax = plot_g2(result, layout="overlay", fit=fit_g2(result, fixed={"baseline": 1.0})).axes[0]
    (curves,) = [each for each in ax.collections if each.get_label() == "_fit"]
    assert len(curves.get_segments()) == 12


def test_few_bins_of_an_overlay_have_a_legend(result):
    figure = plot_g2(result, layout="overlay", bins=[1, 5])
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert len(texts) == 2
    assert texts[0].startswith("q = 0.00400")


def test_axes_of_the_user_are_drawn_in(result):
    own = Figure()
    ax = own.add_subplot()
    assert plot_g2(result, layout="overlay", ax=ax) is own
    assert ax.collections
    grid = Figure(layout="constrained")
    assert plot_g2(result, bins=[1, 2], fig=grid) is grid


def test_sectors_are_named_by_phi(result_of):
    assert "φ = 45" in shown(plot_g2(result_of(9, n_phi=3)))[1].get_title()


def test_one_range_for_all_panels_on_request(result):
    assert len({panel.get_ylim() for panel in shown(plot_g2(result, sharey=True))}) == 1


@pytest.mark.parametrize("form", ["tree", "node", "dataset"])
def test_tree_node_and_dataset_are_taken(result, form):
    data = {"tree": result, "node": result["multitau"], "dataset": result["multitau"].to_dataset()}[form]
    assert len(shown(plot_g2(data, bins=[1, 2]))) == 2


def test_bins_without_data_or_q_are_drawn_empty(result):
    ds = result["multitau"].to_dataset().drop_vars(["q", "phi"]).copy(deep=True)
    ds.g2[:, 0] = np.nan
    panel = shown(plot_g2(ds))[0]
    assert panel.get_title() == "bin 1"
    assert "no usable points" in panel.texts[0].get_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"bins": [77]}, "no such bins"), ({"layout": "circle"}, "no such layout"), ({"bins": []}, "no such bins")],
)
def test_bad_options_are_refused(result, options, words):
    with pytest.raises(OptionError, match=words):
        plot_g2(result, **options)


def test_other_data_are_refused_with_a_hint():
    with pytest.raises(OptionError, match="multitau"):
        plot_g2(xr.Dataset({"a": 1}))


def test_figure_shows_itself_in_a_notebook(result):
    assert plot_g2(result, bins=[1])._repr_png_().startswith(b"\x89PNG")


def test_pyplot_is_never_loaded():
    code = "import sys, xpcs_nb.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestDispersion:
    def test_line_is_the_power_law_and_left_out_bins_are_open(self, result):
        fit = fit_g2(result, fixed={"baseline": 1.0})
        found = fit_dispersion(fit, exclude=[3])
        ax = plot_dispersion(fit, found).axes[0]
        x, y = ax.lines[-1].get_data()
        np.testing.assert_allclose(y, found.rate(x))
        assert len(ax.containers[0].lines[0].get_xdata()) == len(found.used)
        assert list(ax.containers[1].lines[0].get_xdata()) == [fit.q.values[2]]

    def test_without_any_fit_the_axes_stay_empty(self, result):
        fit = fit_g2(result, delay_range=(0, 0.02))
        ax = plot_dispersion(fit).axes[0]
        assert not ax.containers
