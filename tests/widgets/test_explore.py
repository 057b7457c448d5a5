"""The explorer without a browser: what is chosen, what each view then shows, and what is said of bad input."""

from __future__ import annotations

import asyncio
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

import xpcs_nb as xnb
from tests.plots.conftest import make_result
from xpcs_nb.errors import MissingFileError, OptionError
from xpcs_nb.testing import simulate_measurement
from xpcs_nb.widgets import CurveView, explore
from xpcs_nb.widgets._explore_controls import metadata_html, numbers, parse_pairs, parse_range
from xpcs_nb.widgets._explore_model import ExploreModel


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("explored")
    made = simulate_measurement(folder, shape=(64, 64), n_frames=120, n_dynamic=4, n_static=8, seed=1)
    tree = xnb.correlate(made.raw, made.qmap, metadata=made.metadata, output=folder, type="both", num_partial_g2=3)
    return Path(tree.attrs["path"])


@pytest.fixture
def view(path):
    return explore(path)


def without(tree: xr.DataTree, *names: str) -> xr.DataTree:
    return xr.DataTree.from_dict(
        {f"/{name}": child.to_dataset() for name, child in tree.children.items() if name not in names}
    )


def test_all_views_show_the_first_bin(view, path):
    tree = xnb.open_result(path)
    assert view.message.value == ""
    assert view.g2.curves.panels[0].title.startswith("bin 1, q = ")
    np.testing.assert_array_equal(
        view.g2.curves.panels[0].curves[0].y,
        tree["multitau"].g2.sel(bin=1)[: len(view.g2.curves.panels[0].curves[0].x)],
    )
    assert "bin 1" in view.named.value
    assert "Å⁻¹" in view.named.value
    assert view.views["two-time"].curves.panels[0].key == 1
    for number, name in enumerate(view.tabs.titles):
        view.tabs.selected_index = number
        assert view.message.value == "", name


def test_a_bin_that_is_picked_on_the_image_changes_all_views(view):
    row, column = np.argwhere(view.model.dynamic == 3)[7]
    view.image._handle_custom_msg({"type": "pick", "x": float(column), "y": float(row)}, [])
    assert view.model.bin == 3
    assert view.bins.value == 3
    assert view.g2.curves.panels[0].key == 3
    assert view.views["two-time"].curves.panels[0].key == 3
    np.testing.assert_array_equal(view.image._flags["preview"], view.model.dynamic != 3)


def test_a_pixel_without_a_bin_changes_nothing(view):
    row, column = np.argwhere(view.model.dynamic == 0)[0]
    view.image._handle_custom_msg({"type": "pick", "x": float(column), "y": float(row)}, [])
    assert view.model.bin == 1


def test_a_bin_is_picked_by_slider_grid_and_map(view):
    view.bins.value = 2
    assert view.g2.curves.panels[0].key == 2
    view.g2.layout.value = "grid"
    assert len(view.g2.curves.panels) == 4
    view.g2.curves._handle_custom_msg({"type": "pick", "panel": 3}, [])
    assert view.model.bin == 4
    view.tabs.selected_index = view.tabs.titles.index("g2 map")
    view.views["g2 map"].map._handle_custom_msg({"type": "pick", "x": 10.0, "y": 0.2}, [])
    assert view.model.bin == 1
    assert view.views["two-time"].name in view._stale


def test_a_click_on_the_twotime_map_cuts_there(view):
    tab = view.views["two-time"]
    tab.map._handle_custom_msg({"type": "pick", "x": 30.0, "y": 50.0}, [])
    t = 40 * view.model.twotime().step
    assert float(tab.ages.value) == pytest.approx(t, rel=1e-3)
    assert [curve.label for curve in tab.curves.panels[0].curves][-1] == f"age {t:.3g} s"
    tab.convention.value = "start"
    assert [curve.label for curve in tab.curves.panels[0].curves][-1].startswith("from ")
    tab.window.value = "0, 3"
    assert len(view.model.twotime().c2) == 31


def test_fits_are_tabulated_and_drawn_over_the_points(view):
    tab = view.views["fit"]
    view.tabs.selected_index = view.tabs.titles.index("fit")
    assert "No fit yet" in tab.table.value
    tab.parameters.value = "baseline=1, rate=0.01..100"
    tab.run.click()
    assert view.message.value == ""
    fit = next(iter(view.model.fits.values()))
    assert (fit["baseline_err"] == 0)[fit["success"]].all()
    assert "rate (s⁻¹)" in tab.table.value
    assert tab.curves.panels[0].xlabel == "q (Å⁻¹)"
    assert any(curve.style == "line" for curve in view.g2.curves.panels[0].curves)
    tab.clear.click()
    assert view.model.fits == {}
    assert not any(curve.style == "line" for curve in view.g2.curves.panels[0].curves)


def test_a_wrong_option_of_a_fit_is_shown(view):
    view.views["fit"].parameters.value = "wobble=1"
    view.views["fit"].run.click()
    assert "wobble" in view.message.value


def test_axes_ranges_and_scales_are_followed(view):
    view.g2.xlim.value = "0.1, 5"
    assert view.g2.curves.panels[0].xlim == (0.1, 5)
    view.g2.ylim.value = "5, 1"
    assert "no range" in view.message.value
    view.g2.ylim.value = ""
    assert view.message.value == ""
    saxs = view.views["I(q)"]
    view.tabs.selected_index = view.tabs.titles.index("I(q)")
    assert saxs.curves.panels[0].log == "xy"
    next(each for each in saxs.bar.children if each.description == "log y").value = False
    assert saxs.curves.panels[0].log == "x"


def test_the_badge_counts_the_warnings(view):
    report = view.model.trust()
    assert report.badge in view.badge.value
    assert "title=" in view.badge.value


def test_results_are_laid_over_each_other_with_labels(path):
    other = make_result(4)
    q = xnb.open_result(path)["multitau"].q.to_numpy()
    other["multitau"] = other["multitau"].to_dataset().assign_coords(q=("bin", 1.05 * q))
    view = explore(path, other, labels=["file", "tree"])
    assert view.message.value == ""
    assert [c.label for c in view.g2.curves.panels[0].curves if c.label] == ["file", "tree"]
    assert "tree: q = " in view.g2.curves.panels[0].note
    view.chosen.value = ("tree",)
    assert view.model.bins == (1, 2, 3, 4)
    assert view.image.image_shape == (60, 80)
    assert "no two-time map of this bin" in view.message.value
    view.choose(2)
    assert view.message.value == ""


def test_no_result_chosen_is_said(view):
    view.chosen.value = ()
    assert "no result is chosen" in view.message.value
    view.chosen.value = (view.chosen.options[0],)
    assert view.message.value == ""


def test_only_g2_of_many_files_is_read(path, tmp_path):
    paths = [tmp_path / f"R{number}_results.hdf" for number in range(5)]
    for each in paths:
        each.write_bytes(path.read_bytes())
    model = ExploreModel(paths)
    model.options.layout = "one"
    assert len([c for c in model.g2()[0].curves if c.style == "points"]) == 5
    assert [name for name, one in model.results.items() if "tree" in vars(one)] == []


def test_quick_g2_is_that_of_the_whole_result(path):
    model = ExploreModel([path])
    xr.testing.assert_identical(model.current.multitau, xnb.open_result(path)["multitau"].to_dataset())


@pytest.mark.parametrize(
    ("gone", "view_name", "words"),
    [
        (["saxs"], "I(q)", "none of these results has I(q)"),
        (["saxs"], "intensity", "none of these results has intensity"),
        (["twotime"], "partial g2", "no partial g2"),
        (["multitau"], "g2 map", "no g2"),
    ],
)
def test_what_a_result_lacks_is_said(gone, view_name, words):
    view = explore(without(make_result(), *gone))
    view.tabs.selected_index = view.tabs.titles.index(view_name)
    assert words in view.message.value


def test_a_result_without_qmap_and_multitau_has_its_maps():
    view = explore(without(make_result(), "qmap", "multitau", "saxs"))
    assert view.model.bins == (2, 5)
    assert view.views["two-time"].curves.panels[0].key == 2
    view.choose(5)
    assert view.views["two-time"].curves.panels[0].key == 5


def test_a_bin_without_a_map_hides_the_last_map():
    view = explore(make_result())
    assert view.views["two-time"].pair.layout.display == "none"
    assert "no two-time map of this bin" in view.message.value
    view.choose(5)
    assert view.views["two-time"].pair.layout.display is None
    assert view.message.value == ""


def test_g2_of_nan_is_shown_as_nothing():
    tree = make_result()
    tree["multitau"].g2[:] = np.nan
    view = explore(tree)
    assert len(view.g2.curves.panels[0].curves[0].x) == 0


def test_a_file_that_is_gone_or_damaged_later_is_said(path, tmp_path):
    copy = tmp_path / "gone_results.hdf"
    copy.write_bytes(path.read_bytes())
    view = explore(copy)
    copy.unlink()
    view.choose(3)
    assert "gone_results.hdf" in view.message.value
    assert "no such file" in view.message.value
    assert view.g2.curves.panels[0].key == 3


def test_a_missing_file_and_no_file_are_errors(tmp_path):
    with pytest.raises(MissingFileError, match="nowhere"):
        explore(tmp_path / "nowhere.hdf")
    with pytest.raises(OptionError, match="nothing to explore"):
        explore()
    with pytest.raises(OptionError, match="2 labels"):
        explore(make_result(), labels=["a", "b"])


def test_a_missing_file_among_others_is_said(path, tmp_path):
    view = explore(path, tmp_path / "nowhere.hdf")
    assert "nowhere.hdf" in view.message.value
    assert len(view.g2.curves.panels[0].curves) > 0


def test_of_many_changes_in_a_moment_the_last_is_drawn(path):
    async def drag():
        view = explore(path)
        drawn = []
        draw = view.g2.draw
        view.g2.draw = lambda: (drawn.append(view.model.bin), draw())
        for label in (2, 3, 4, 2, 4):
            view.bins.value = label
        await asyncio.sleep(0.2)
        return drawn, view.model.bin

    assert asyncio.run(drag()) == ([4], 4)


def test_metadata_is_filtered_by_name_and_value(view):
    everything = view.model.metadata()
    some = view.model.metadata("frame_time")
    assert 0 < len(some) < len(everything)
    assert all("frame_time" in f"{name} {value}" for name, value in some)
    assert view.model.metadata("no such thing") == []
    assert "Nothing of this name" in metadata_html([])
    assert "&lt;b&gt;" in metadata_html([("/a", "<b>")])


def test_curves_reach_the_page_bit_by_bit_and_not_the_notebook(view):
    curves = CurveView(view.g2.curves.panels)
    sent = []
    curves.send = lambda content, buffers=None: sent.append((content, buffers))
    curves._handle_custom_msg({"type": "ready"}, [])
    ((content, (raw,)),) = sent
    numbers_sent = np.frombuffer(raw)
    first = view.g2.curves.panels[0].curves[0]
    np.testing.assert_array_equal(numbers_sent[: len(first.x)], first.x)
    assert content["panels"][0]["curves"][0]["n"] == len(first.x)
    assert "panels" not in curves.get_state()
    with pytest.raises(OptionError, match="can't be understood"):
        curves._hear(None, {"type": "what"}, [])


def test_text_fields_are_read_or_refused():
    assert numbers("0.1, 2.5 3") == (0.1, 2.5, 3.0)
    assert numbers(" ") is None
    assert parse_range("1e-3, 2") == (1e-3, 2)
    assert parse_pairs("baseline=1, exponent=0.5..2") == {"baseline": (1.0,), "exponent": (0.5, 2.0)}
    for call, words in ((numbers, "a, b"), (parse_range, "2, 1"), (parse_range, "1"), (parse_pairs, "baseline")):
        with pytest.raises(OptionError):
            call(words)


def measured_file(measured: Path) -> Path:
    return next((measured / "aps-8idi-results").glob("E0173*"))


@pytest.mark.realdata
@pytest.mark.judge
def test_values_are_those_that_the_viewer_shows(measured):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        core = pytest.importorskip("pyxpcsviewer.core.xpcs_file")
        theirs = core.XpcsFile(str(measured_file(measured)))
        frequency, amplitude = theirs.Int_t_fft
    model = ExploreModel([measured_file(measured)])
    for label in (1, 20, 36):
        model.choose(label)
        curve = model.g2()[0].curves[0]
        column = theirs.g2[:, label - 1]
        np.testing.assert_allclose(curve.y, column[np.isin(np.float32(theirs.t_el), np.float32(curve.x))], rtol=1e-6)
    curve = model.saxs()[0].curves[0]
    np.testing.assert_allclose(curve.y, theirs.saxs_1d["Iq"][0], rtol=1e-6)
    ours = xnb.plots.spectrum(model.current.saxs)
    n = len(theirs.Int_t[1])
    # |FFT| from the one-sided power of I / mean, as the viewer has it.
    step = 1 / (n * ours[0][0])
    mean = theirs.Int_t[1].astype(float).mean()
    np.testing.assert_allclose(ours[0][: len(frequency) - 1], frequency[1:], rtol=1e-5)
    own = mean * np.sqrt(ours[1] * n / (2 * step))
    np.testing.assert_allclose(own[: len(amplitude) - 1], amplitude[1:], rtol=2e-3, atol=1e-4 * amplitude.max())


@pytest.mark.realdata
def test_a_measured_result_is_explored(measured):
    view = explore(measured_file(measured))
    assert view.message.value == ""
    assert len(view.model.bins) == 36
    assert "two-time" not in view.tabs.titles


def test_a_full_map_is_read_like_its_triangle(path, tmp_path):
    """Other programs may fill both halves."""
    copy = tmp_path / "full_results.hdf"
    copy.write_bytes(path.read_bytes())
    with h5py.File(copy, "r+") as file:
        for dataset in file["/xpcs/twotime/correlation_map"].values():
            upper = dataset[()]
            dataset[...] = np.triu(upper) + np.triu(upper, 1).T
    np.testing.assert_array_equal(ExploreModel([copy]).twotime().c2, ExploreModel([path]).twotime().c2)
