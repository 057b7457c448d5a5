"""Several results over each other: bins by q, offsets, normalisation, spectra."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from tests.plots.conftest import make_result
from xpcs_nb.analysis import fit_g2
from xpcs_nb.errors import OptionError
from xpcs_nb.plots import (
    compare_g2,
    compare_intensity,
    compare_saxs_1d,
    compare_stability,
    g2_panels,
    intensity_panels,
    named_results,
    plot_g2_map,
    plot_g2_partial,
    plot_spectrum,
    plot_twotime_cuts,
    saxs_1d_panels,
    spectrum,
    stability_panels,
    twotime_view,
)


@pytest.fixture
def pair() -> dict[str, xr.DataTree]:
    return {"before": make_result(seed=0), "after": make_result(seed=1)}


def points(panel):
    return [curve for curve in panel.curves if curve.style == "points"]


def text_of(figure):
    return " ".join(
        part.get_text()
        for ax in figure.axes
        for part in (ax.title, ax.xaxis.label, ax.yaxis.label, *(ax.get_legend().texts if ax.get_legend() else ()))
    )


def test_a_panel_has_the_same_bin_of_each_result_with_its_errors(pair):
    panels = g2_panels(pair)
    assert len(panels) == 9
    for panel, label in zip(panels, range(1, 10), strict=True):
        assert panel.key == label
        assert [curve.label for curve in points(panel)] == ["before", "after"]
        for curve, result in zip(points(panel), pair.values(), strict=True):
            ds = result["multitau"].to_dataset().sel(bin=label)
            used = np.isin(ds.delay, curve.x)
            np.testing.assert_array_equal(curve.y, ds.g2[used])
            np.testing.assert_array_equal(curve.err, ds.g2_err[used])
        assert panel.note == ""


def test_a_point_without_error_is_open_and_has_no_say(pair):
    panel = g2_panels({"one": pair["before"]})[0]
    (open_points,) = [curve for curve in panel.curves if curve.style == "open"]
    assert open_points.y[-1] == pytest.approx(1.4)


def test_bins_of_other_qmaps_are_found_by_q_and_noted(pair):
    # The other result has three bins where this one has nine, and other labels.
    other = make_result(3, seed=2)
    panels = {panel.key: panel for panel in g2_panels({"nine": pair["before"], "three": other})}
    assert [curve.label for curve in points(panels[1])] == ["nine", "three"]
    assert panels[1].note == ""
    first, second = points(panels[5])
    assert (first.label, second.label) == ("nine", "three")
    np.testing.assert_array_equal(second.y, other["multitau"].g2.sel(bin=2)[np.isin(other["multitau"].delay, second.x)])
    assert [curve.label for curve in points(panels[3])] == ["nine"]
    assert "no bin near q" in panels[3].note
    shifted = pair["after"]["multitau"].to_dataset()
    shifted = shifted.assign_coords(q=shifted.q * 1.05)
    note = g2_panels({"a": pair["before"], "b": shifted}, bins=[2])[0].note
    assert note.startswith("b: q = ")
    assert "Å⁻¹" in note


def test_bins_of_the_same_q_are_told_apart_by_phi():
    both = {"a": make_result(6, 3), "b": make_result(6, 3, seed=1)}
    for panel in g2_panels(both):
        ds = both["b"]["multitau"].to_dataset().sel(bin=panel.key)
        np.testing.assert_array_equal(points(panel)[1].y, ds.g2[np.isin(ds.delay, points(panel)[1].x)])


def test_delays_may_differ(pair):
    short = pair["after"]["multitau"].to_dataset().isel(delay=slice(3, 10))
    first, second = points(g2_panels({"a": pair["before"], "b": short}, bins=[4])[0])
    assert len(second.x) == 7
    assert len(first.x) > 7


def test_offset_and_baseline_move_curves(pair):
    plain = points(g2_panels(pair, bins=[1])[0])
    moved = points(g2_panels(pair, bins=[1], offset=0.1)[0])
    np.testing.assert_allclose(moved[0].y, plain[0].y)
    np.testing.assert_allclose(moved[1].y, plain[1].y + 0.1)
    ending = points(g2_panels(pair, bins=[9], baseline=True)[0])
    assert abs(ending[0].y[-5:].mean()) < 0.005


def test_fits_are_drawn_and_failed_ones_say_why(pair):
    data = pair["before"]["multitau"].to_dataset().copy(deep=True)
    data["g2"][:, 2] = np.nan
    fit = fit_g2(data)
    panels = {panel.key: panel for panel in g2_panels({"a": data}, fits={"a": fit})}
    (curve,) = [curve for curve in panels[5].curves if curve.style == "line"]
    assert np.interp(data.delay[4], curve.x, curve.y) == pytest.approx(float(fit["fitted"].sel(bin=5)[4]), rel=1e-3)
    assert "Γ" in panels[5].note
    assert "s⁻¹" in panels[5].note
    assert [curve.style for curve in panels[3].curves if curve.style == "line"] == []
    assert panels[3].note.startswith("no fit")


def test_layouts(pair):
    assert len(g2_panels(pair, layout="one", bins=[3, 4])) == 1
    (panel,) = g2_panels(pair, layout="overlay")
    assert len(points(panel)) == 18
    assert [curve.label for curve in points(panel) if curve.label] == ["before", "after"]
    (alone,) = g2_panels({"a": pair["before"]}, layout="overlay")
    assert len({curve.colour for curve in points(alone)}) == 9


def test_saxs_normalisations_background_and_offset(pair):
    one = {"a": pair["before"]}
    saxs = pair["before"]["saxs"]
    q, intensity = saxs.q.to_numpy(), saxs.scattering_1d.to_numpy()
    for name, expected in (
        ("none", intensity),
        ("q2", intensity * q**2),
        ("q4", intensity * q**4),
        ("I0", intensity / intensity[0]),
    ):
        (panel,) = saxs_1d_panels(one, normalise=name)
        np.testing.assert_allclose(panel.curves[0].y, expected)
        assert panel.xlabel == "q (Å⁻¹)"
    assert "counts/pixel/frame Å⁻⁴" in saxs_1d_panels(one, normalise="q4")[0].ylabel
    (panel,) = saxs_1d_panels(one, background=pair["before"], weight=0.25)
    np.testing.assert_allclose(panel.curves[0].y, 0.75 * intensity)
    assert "0.25" in panel.note
    (panel,) = saxs_1d_panels(pair, offset=1)
    np.testing.assert_allclose(panel.curves[1].y, 10 * intensity)
    (panel,) = saxs_1d_panels(pair, offset=1, log="x")
    np.testing.assert_allclose(panel.curves[1].y, 1 + intensity)
    assert len(saxs_1d_panels(one, segments=True)[0].curves) == 10


def test_stability_is_one_where_nothing_changed(pair):
    (panel,) = stability_panels({"a": pair["before"]})
    ratio = np.array([curve.y for curve in panel.curves])
    np.testing.assert_allclose(ratio.mean(axis=0), 1)
    np.testing.assert_allclose(ratio[0, -1], 0.98, rtol=1e-3)


def test_intensity_is_averaged_and_on_either_axis(pair):
    values = pair["before"]["saxs"].intensity.to_numpy()
    (panel,) = intensity_panels({"a": pair["before"]}, average=4, axis="frame")
    np.testing.assert_allclose(panel.curves[0].y, values.reshape(-1, 4).mean(axis=1))
    np.testing.assert_allclose(panel.curves[0].x, np.arange(400).reshape(-1, 4).mean(axis=1))
    assert panel.xlabel == "frame"
    (panel,) = intensity_panels(pair, relative=True)
    assert panel.curves[1].y.mean() == pytest.approx(1)
    assert panel.curves[0].x[-1] == pytest.approx(3.99)


def test_the_spectrum_finds_a_vibration_and_keeps_the_variance():
    step, n = 1e-3, 1000
    time = np.arange(n) * step
    rng = np.random.default_rng(0)
    intensity = 2 * (1 + 0.05 * np.sin(2 * np.pi * 120 * time)) + 0.01 * rng.normal(size=n)
    data = xr.Dataset({"intensity": ("time", intensity, {"units": "counts"})}, {"time": time})
    frequency, power = spectrum(data)
    assert frequency[power.argmax()] == pytest.approx(120)
    # Parseval
    assert (power * frequency[0]).sum() == pytest.approx((intensity / intensity.mean()).var(), rel=1e-9)


def test_a_series_with_gaps_has_no_spectrum_and_says_so(pair):
    data = pair["before"]["saxs"].to_dataset().copy(deep=True)
    data["intensity"][5] = np.nan
    figure = plot_spectrum({"gappy": data})
    assert "gappy: no spectrum" in text_of(figure)


def test_twotime_view_has_g2_and_cuts_in_seconds(result):
    view = twotime_view(result, 5, ages=[0.3, 0.6], width=0.05)
    labels = [curve.label for curve in view.panel.curves]
    assert labels == ["whole series", "age 0.3 s", "age 0.6 s"]
    c2 = result["twotime"].c2.sel(bin=5).to_numpy()
    cut = view.panel.curves[1]
    lag2 = np.flatnonzero(np.isclose(cut.x, 0.02))[0]
    around = [c2[i, i + 2] for i in range(120 - 2) if abs(i + 1 - 30) <= 2.5]
    assert cut.y[lag2] == pytest.approx(np.mean(around))
    assert view.step == pytest.approx(0.01)


def test_a_part_of_a_twotime_map_is_shown_at_its_times(result):
    view = twotime_view(result, 5, window=(0.4, 0.8), ages=[0.6])
    assert view.first == pytest.approx(0.4)
    assert len(view.c2) == 41
    np.testing.assert_allclose(view.c2[3, 9], result["twotime"].c2.sel(bin=5)[43, 49])


@pytest.mark.parametrize(
    "draw",
    [
        compare_g2,
        compare_saxs_1d,
        compare_intensity,
        compare_stability,
        plot_spectrum,
        lambda pair: plot_g2_map(pair["before"]),
        lambda pair: plot_g2_map(pair["before"], normalise=True),
        lambda pair: plot_twotime_cuts(pair["before"]),
        lambda pair: plot_twotime_cuts(pair["before"], 5, convention="start", ages=[0.1], log=False),
    ],
)
def test_every_view_is_a_figure_with_units(pair, draw):
    figure = draw(pair)
    assert len(figure._repr_png_()) > 1000
    said = text_of(figure)
    assert any(unit in said for unit in ("(s)", "Å⁻¹", "Hz"))


def test_partial_g2_is_drawn_by_the_frames_it_rests_on(pair):
    data = pair["before"]["multitau"].to_dataset()
    parts = np.stack([data.g2.to_numpy(), data.g2.to_numpy() + 0.01])
    parts[0, -3:] = 0
    data = data.assign(
        g2_partial=(("partial", "delay", "bin"), parts), partial_frames=("partial", [200, 400], {"units": "frames"})
    )
    ax = plot_g2_partial(data, 2).axes[0]
    assert [text.get_text() for text in ax.get_legend().texts] == ["first 200 frames", "first 400 frames"]
    assert np.nanmin(ax.lines[0].get_ydata()) > 0.9


def test_curves_of_nan_alone_leave_a_panel_empty_but_drawn(pair):
    data = pair["before"]["multitau"].to_dataset().copy(deep=True)
    data["g2"][:] = np.nan
    panels = g2_panels({"nothing": data})
    assert all(len(curve.x) == 0 for panel in panels for curve in panel.curves)
    assert compare_g2(data)._repr_png_()


def test_equal_names_are_numbered(pair):
    tree = pair["before"]
    assert list(named_results([tree, tree])) == ["result 1", "result 2"]
    tree.attrs["name"] = "A"
    assert list(named_results([tree, tree])) == ["A (1)", "A (2)"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda pair: compare_g2(pair, bins=[]), "no such bins.*no bins"),
        (lambda pair: compare_g2(pair, bins=[77]), r"no such bins.*\[77\].*1..9"),
        (lambda pair: compare_g2(pair, layout="pile"), "no such layout"),
        (lambda pair: compare_g2([]), "do not fit"),
        (lambda pair: compare_g2(pair, labels=["one"]), "1 labels"),
        (lambda pair: compare_saxs_1d(pair, normalise="q3"), "none, q2, q4, I0"),
        (lambda pair: compare_saxs_1d(pair, background=pair["after"], weight=float("nan")), "weight"),
        (lambda pair: compare_saxs_1d(pair["before"]["multitau"].to_dataset()), "no scattering_1d"),
        (lambda pair: compare_intensity(pair, average=0), "average=0"),
        (lambda pair: plot_twotime_cuts(pair["before"], 3), "no two-time map of this bin"),
        (lambda pair: plot_twotime_cuts(pair["before"], ages=[99]), "outside the series"),
        (lambda pair: plot_twotime_cuts(pair["before"], window=(5, 9)), "holds no map"),
        (lambda pair: plot_g2_partial(pair["before"]), "no g2_partial"),
    ],
)
def test_what_cannot_be_drawn_says_why(pair, call, words):
    with pytest.raises(OptionError, match=words):
        call(pair)
