"""Online processing on this machine: every step, in order, with a log that says what happened."""

import json

import pytest

from xpcs_nb.catalog import Catalog
from xpcs_nb.errors import StepError
from xpcs_nb.flows import process_online
from xpcs_nb.testing import simulate_measurement

STEPS = ["transfer", "extract_metadata", "correlate", "plot", "gather_metadata", "publish"]


@pytest.fixture
def measured(tmp_path):
    return simulate_measurement(tmp_path / "m", shape=(64, 64), n_frames=100, n_dynamic=3, n_static=6, seed=3)


def test_every_step_of_a_run_is_done_and_logged(measured, tmp_path):
    run = process_online(measured.raw, measured.qmap, folder=tmp_path / "run", catalogue=tmp_path / "c.sqlite")
    assert [step.name for step in run.steps] == STEPS
    assert all(step.state == "succeeded" and step.seconds > 0 for step in run.steps)
    logged = json.loads((tmp_path / "run" / "steps.json").read_text())
    assert [step["state"] for step in logged] == ["succeeded"] * 6
    assert run.result.is_file()
    assert all(path.stat().st_size > 1000 for path in run.plots.values())


def test_the_published_record_is_found_and_its_files_are_there(measured, tmp_path):
    run = process_online(
        measured.raw, measured.qmap, folder=tmp_path / "run", catalogue=tmp_path / "c.sqlite", title="brownian spheres"
    )
    found = Catalog(tmp_path / "c.sqlite").search("spheres")
    assert found.total == 1
    record = found.records[0]
    assert record == run.record
    assert record.metadata["frames"] == 100
    assert all((tmp_path / "run" / "published" / file.url.rsplit("/", 1)[-1]).is_file() for file in record.files)


def test_processing_again_updates_the_record(measured, tmp_path):
    for _ in range(2):
        process_online(measured.raw, measured.qmap, folder=tmp_path / "run", catalogue=tmp_path / "c.sqlite")
    # The second result has a name of its own, so it is a record of its own.
    assert Catalog(tmp_path / "c.sqlite").search("").total == 2


def test_a_step_that_fails_ends_the_run_with_its_name_and_reason(measured, tmp_path):
    measured.raw.write_bytes(measured.raw.read_bytes()[:3000])
    with pytest.raises(StepError, match=r"step transfer.*A001_brownian\.h5"):
        process_online(measured.raw, measured.qmap, folder=tmp_path / "run", catalogue=tmp_path / "c.sqlite")
    logged = json.loads((tmp_path / "run" / "steps.json").read_text())
    assert [step["state"] for step in logged] == ["failed"]
    assert Catalog(tmp_path / "c.sqlite").search("").total == 0
