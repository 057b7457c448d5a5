"""g2 while a qmap is edited: the model without a screen, and the panel by its traits."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import xpcs_nb as xnb
from xpcs_nb.analysis import fit_g2
from xpcs_nb.errors import MissingKeyError, OptionError, QMapError
from xpcs_nb.qmap import QMap
from xpcs_nb.testing import simulate_measurement
from xpcs_nb.widgets import LiveG2, LivePanel, QMapEditor
from xpcs_nb.widgets._latest import Latest

PATIENCE = 60


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return simulate_measurement(
        tmp_path_factory.mktemp("measured"), shape=(96, 128), n_frames=200, n_dynamic=4, n_static=12, seed=5
    )


@pytest.fixture(scope="module")
def kept(measured, tmp_path_factory):
    tree = xnb.correlate(measured.raw, measured.qmap, output=tmp_path_factory.mktemp("kept"), save_g2=True)
    return tree.attrs["path"]


@pytest.fixture(scope="module")
def without_sums(measured, tmp_path_factory):
    tree = xnb.correlate(measured.raw, measured.qmap, output=tmp_path_factory.mktemp("not_kept"), normalize_frame=False)
    return tree.attrs["path"]


@pytest.fixture
def qmap(kept):
    return QMap.from_result(kept)


@pytest.fixture
def panel(kept):
    panel = LivePanel(kept)
    yield panel
    panel.close()


# The model


def test_the_qmap_of_the_result_gives_its_g2_fit_and_scattering(kept, qmap):
    state = LiveG2.from_result(kept).update(qmap)
    tree = xnb.open_result(kept)
    np.testing.assert_allclose(state.g2["g2"], tree["multitau"]["g2"], rtol=2e-4)
    assert float(state.before["max_z"].max()) == 0.0
    assert state.shown == (1, 2, 3, 4)
    expected = fit_g2(tree["multitau"].to_dataset())
    np.testing.assert_allclose(state.fit["rate"], expected["rate"], rtol=1e-2)
    np.testing.assert_allclose(state.q, tree["saxs"]["q"])
    np.testing.assert_allclose(state.intensity, tree["saxs"]["scattering_1d"], rtol=1e-5)
    tree.close()


def test_a_change_is_compared_with_the_beginning(kept, qmap):
    live = LiveG2.from_result(kept)
    live.update(qmap.mask_circle(60, 40, 10))
    state = live.update(qmap.mask_circle(60, 40, 20))
    fresh = live.preview.g2(qmap)
    np.testing.assert_allclose(state.before["g2_old"], fresh["g2"], rtol=1e-6)
    assert float(state.before["max_z"].max()) > 0
    assert int(state.g2["n_pixels"].sum()) == int(np.count_nonzero(qmap.mask_circle(60, 40, 20).arrays.mask))


def test_other_axes_have_no_old_curve(kept, qmap):
    state = LiveG2.from_result(kept).update(qmap.partition(x=(2, 4), y=(2, 4)))
    assert state.before is None
    assert state.g2.sizes["bin"] == 4


def test_bins_can_be_chosen(kept, qmap):
    live = LiveG2.from_result(kept, bins=[2, 3], model="stretched")
    state = live.update(qmap)
    assert state.fit["bin"].values.tolist() == [2, 3]
    assert state.fit.attrs["model"] == "stretched"
    live.bins = (9,)
    with pytest.raises(OptionError, match="no such bins"):
        live.update(qmap)


def test_a_qmap_that_leaves_nothing_is_refused(kept, qmap):
    with pytest.raises(QMapError):
        LiveG2.from_result(kept).update(qmap.mask_rectangle(64, 48, 400, 400))


def test_a_result_without_sums_is_refused(without_sums):
    with pytest.raises(MissingKeyError, match="save_g2"):
        LiveG2.from_result(without_sums)


# The thread


def test_only_the_newest_is_done_and_what_was_overtaken_is_dropped():
    begun, go_on, done = threading.Event(), threading.Event(), []

    def work(job, wanted):
        begun.set()
        go_on.wait(PATIENCE)
        return job, wanted()

    latest = Latest(work, done.append, pytest.fail)
    latest.ask(1)
    assert begun.wait(PATIENCE)
    for job in (2, 3, 4):
        latest.ask(job)
    go_on.set()
    assert latest.wait(PATIENCE)
    assert done == [(4, True)]
    latest.close()


def test_an_error_is_handed_on_and_the_next_job_is_done():
    said = []

    def work(job, _):
        if job == "bad":
            raise ValueError(job)
        return job

    latest = Latest(work, said.append, said.append)
    latest.ask("bad")
    assert latest.wait(PATIENCE)
    latest.ask("good")
    assert latest.wait(PATIENCE)
    assert isinstance(said[0], ValueError)
    assert said[1] == "good"
    latest.close()


def test_what_was_dropped_says_nothing():
    begun, go_on, said = threading.Event(), threading.Event(), []

    def work(_, wanted):
        begun.set()
        go_on.wait(PATIENCE)
        raise ValueError("too late")

    latest = Latest(work, said.append, said.append)
    latest.ask(1)
    assert begun.wait(PATIENCE)
    latest.drop()
    go_on.set()
    assert latest.wait(PATIENCE)
    assert said == []
    latest.close()


# The panel


def texts(panel):
    return [(each["title"], each["note"]) for each in panel.curves.drawing["panels"]]


def test_the_panel_draws_old_and_new_with_errors_and_fit(panel, qmap):
    panel.update(qmap.mask_circle(60, 40, 15))
    assert panel.wait(PATIENCE)
    drawn = panel.curves.drawing
    titles = [title for title, _ in texts(panel)]
    assert titles[-2:] == ["I(q)", "pixels per bin"]
    assert titles[0].startswith("1: q 0.0064")
    old, new, out, fit = drawn["panels"][0]["series"]
    assert old["e"] is not None
    assert new["e"] is not None
    assert fit["line"]
    assert out["open"]
    assert new["y"] == pytest.approx(panel.state.g2["g2"].values[: len(new["y"]), 0], rel=1e-5)
    assert "Γ = " in texts(panel)[0][1]
    assert panel.trust.value.startswith("<b>trust")
    assert "after the edit" in panel.message


def test_changes_in_quick_succession_end_with_the_newest(panel, qmap):
    assert panel.wait(PATIENCE)
    for radius in range(5, 25):
        newest = qmap.mask_circle(60, 40, radius)
        panel.update(newest)
    assert panel.wait(PATIENCE)
    assert panel.state.qmap is newest
    assert panel.curves.drawing["number"] < 20


def test_what_can_not_be_computed_is_said_and_the_next_change_is_drawn(panel, qmap):
    panel.update(qmap.mask_rectangle(64, 48, 400, 400))
    assert panel.wait(PATIENCE)
    assert "No g<sub>2</sub>" in panel.message
    panel.update(qmap)
    assert panel.wait(PATIENCE)
    assert panel.state.qmap is qmap


def test_bins_and_model_are_chosen_in_the_panel(panel, qmap):
    panel.update(qmap)
    assert panel.wait(PATIENCE)
    panel.bins.value = (2, 4)
    assert panel.wait(PATIENCE)
    assert panel.state.shown == (2, 4)
    panel.model.value = "stretched"
    assert panel.wait(PATIENCE)
    assert panel.state.fit.attrs["model"] == "stretched"
    assert panel.state.shown == (2, 4)
    panel.update(qmap.partition(q=(2, 4)))  # other bins: the choice has no meaning any more
    assert panel.wait(PATIENCE)
    assert panel.state.shown == (1, 2)


def test_a_result_without_sums_is_correlated_in_the_background(without_sums):
    qmap = QMap.from_result(without_sums)
    panel = LivePanel(without_sums)
    panel.update(qmap)
    assert "save_g2" in panel.message or "correlated now" in panel.message
    panel.correlate_button.click()
    assert panel.wait(PATIENCE)
    assert panel.progress.value == panel.progress.max == 200
    assert panel.state is not None
    with xnb.open_result(without_sums) as tree:  # with the options of the result
        np.testing.assert_allclose(panel.state.g2["g2"], tree["multitau"]["g2"], rtol=2e-4)
    panel.close()


def test_raw_frames_are_correlated_when_asked_for(measured):
    panel = LivePanel(measured.raw)
    assert panel.live is None
    panel.correlate()
    assert panel.wait(PATIENCE)
    panel.update(QMap.from_file(measured.qmap))
    assert panel.wait(PATIENCE)
    assert panel.state.g2.sizes["bin"] == 4
    panel.close()


def test_correlating_is_cancelled(measured):
    panel = LivePanel(measured.raw)
    panel.correlate()
    panel.cancel_button.click()
    assert "Cancelled" in panel.message
    assert panel.wait(PATIENCE)
    time.sleep(0.05)
    assert panel.live is None
    assert panel.correlate_button in panel._source_row.children
    panel.close()


def test_where_there_is_nothing_to_compute_from_it_says_so(tmp_path):
    assert "no raw file" in LivePanel(None).message
    broken = tmp_path / "broken.h5"
    broken.write_bytes(b"no HDF5")
    assert "broken.h5" in LivePanel(broken).message


def test_edits_of_the_editor_reach_the_panel(kept):
    editor = QMapEditor(kept)
    editor.edit({"kind": "circle", "x": 60, "y": 40, "radius": 12})
    assert editor.live.wait(PATIENCE)
    assert editor.live.state.qmap == editor.qmap
    editor.undo()
    assert editor.live.wait(PATIENCE)
    assert float(editor.live.state.before["max_z"].max()) == 0.0
    editor.live.close()
