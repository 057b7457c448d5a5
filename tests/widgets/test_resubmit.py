"""From the editor to a flow, and back with old and new side by side."""

from __future__ import annotations

import pytest

import xpcs_nb as xnb
from xpcs_nb.errors import FlowError, OptionError
from xpcs_nb.flows import connect
from xpcs_nb.qmap import QMap
from xpcs_nb.testing import simulate_measurement
from xpcs_nb.widgets import QMapEditor, Resubmit

PATIENCE = 120


@pytest.fixture(scope="module")
def facility(tmp_path_factory):
    with connect(home=tmp_path_factory.mktemp("home"), workers=1, detached=False) as facility:
        yield facility


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return simulate_measurement(tmp_path_factory.mktemp("m"), shape=(64, 64), n_frames=100, n_dynamic=3, n_static=6)


@pytest.fixture(scope="module")
def result(measured, tmp_path_factory):
    return xnb.correlate(measured.raw, measured.qmap, output=tmp_path_factory.mktemp("old")).attrs["path"]


@pytest.fixture
def changed(result):
    return QMap.from_result(result).mask_circle(40, 40, 9)


def test_the_editor_processes_its_qmap_and_shows_old_and_new(facility, result):
    editor = QMapEditor(result)
    editor.edit({"kind": "circle", "x": 40, "y": 40, "radius": 9})
    run = editor.reprocess(facility, suffix="_wedge", publish=False)
    assert editor.resubmit.cancel_button.disabled is False
    assert editor.resubmit.wait(PATIENCE)
    assert run.status == "SUCCEEDED"
    assert "side by side" in editor.resubmit.message
    assert bytes(editor.resubmit.figure.value).startswith(b"\x89PNG")
    assert editor.resubmit.progress.value == editor.resubmit.progress.max > 3
    assert "Correlate" in editor.resubmit.steps.value
    new = editor.resubmit.result_path
    assert new.name == "A001_brownian_wedge_results.hdf"
    processed_with = QMap.from_result(new)
    assert processed_with == editor.qmap
    # The edits went with it: it can be undone in an editor on the new result.
    assert [edit.kind for edit in processed_with.edits] == ["circle"]
    editor.live.close()
    editor.resubmit.close()


def test_raw_frames_are_processed_the_first_time(facility, measured):
    panel = Resubmit(measured.raw, lambda: QMap.from_file(measured.qmap))
    assert panel.start_button.description == "Process"
    panel.start(facility, publish=False)
    assert panel.wait(PATIENCE)
    assert panel.run.status == "SUCCEEDED"
    assert bytes(panel.figure.value).startswith(b"\x89PNG")


def test_a_run_that_fails_says_where_and_is_retried(facility, result, changed, tmp_path):
    (tmp_path / "full").write_text("a file, where a folder should be made")
    panel = Resubmit(result, lambda: changed)
    panel.start(facility, suffix="_full", publish=False, output=tmp_path / "full")
    assert panel.wait(PATIENCE)
    assert "failed, at TransferResult" in panel.message
    assert "full" in panel.steps.value
    assert not panel.retry_button.disabled
    (tmp_path / "full").unlink()
    panel.retry_button.click()
    assert panel.wait(PATIENCE)
    assert panel.run.status == "SUCCEEDED"
    assert "side by side" in panel.message


def test_a_run_is_cancelled(facility, result, changed):
    panel = Resubmit(result, lambda: changed, facility=facility)
    panel.start(suffix="_cancelled", publish=False)
    panel.cancel_button.click()
    assert panel.wait(PATIENCE)
    assert panel.run.status == "ENDED"
    assert "was cancelled" in panel.message
    assert not panel.start_button.disabled


def test_what_is_wrong_is_said_before_anything_starts(facility, result, tmp_path):
    other = QMap.from_geometry(QMap.from_result(result).geometry, (10, 12)).partition(q=(1, 1))
    panel = Resubmit(result, lambda: other, facility=facility)
    panel.start_button.click()
    assert panel.run is None
    assert "10" in panel.message
    with pytest.raises(FlowError, match="nothing was started"):
        panel.retry()


def test_without_data_there_is_nothing_to_process(changed):
    panel = Resubmit(None, lambda: changed)
    assert panel.start_button.disabled
    with pytest.raises(OptionError, match="nothing to process"):
        panel.start()
