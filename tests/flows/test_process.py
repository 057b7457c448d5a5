"""Flows on this machine, as a user starts, watches and retries them."""

import json

import pytest

from xpcs_nb.errors import FlowError, MissingFileError, OptionError, QMapError, SiteError
from xpcs_nb.flows import Run, connect, load_site
from xpcs_nb.qmap import QMap
from xpcs_nb.testing import simulate_measurement

PATIENCE = 120


@pytest.fixture(scope="module")
def processed(facility, tmp_path_factory):
    folder = tmp_path_factory.mktemp("m")
    measured = simulate_measurement(
        folder, shape=(64, 64), n_frames=100, n_dynamic=3, n_static=6, seed=3, name="P001_spheres"
    )
    run = facility.process(
        measured.raw, measured.qmap, title="silica spheres", experiment="lab2026", output=folder / "back"
    )
    return measured, run.wait(PATIENCE, progress=False)


def test_a_run_has_every_step_with_its_times(processed):
    _, run = processed
    assert run.status == "SUCCEEDED"
    assert [step.name for step in run.steps][:3] == ["CheckEndpoint", "SourceTransfer", "ExtractMetadata"]
    assert run.steps[-1].name == "TransferResult"
    assert all(step.state == "succeeded" and step.seconds >= 0 and step.log for step in run.steps)
    assert "Correlate" in run._repr_html_()
    assert "FlowSucceeded" in run.log()


def test_the_result_is_opened_from_where_it_was_asked_to_go(processed):
    measured, run = processed
    assert run.result_path == measured.raw.parent / "back" / "P001_spheres" / "P001_spheres_results.hdf"
    tree = run.result()
    assert {"multitau", "saxs", "qmap"} <= set(tree.children)
    tree.close()


def test_the_record_is_found_by_what_a_search_wants(facility, processed):
    measured, run = processed
    found = facility.catalog.search(
        "silica", cycle="2026-1", experiment="lab2026", temperature=(290, 310), analysis_type="multitau"
    )
    assert [record.subject for record in found] == [run.record.subject]
    record = run.record
    assert record.title == "silica spheres"
    assert record.start_time.isoformat() == "2026-01-01T12:00:00"
    assert record.metadata["status"] == "complete"
    assert record.metadata["bins"] == 3
    assert record.metadata["frames"] == 100
    assert record.metadata["trust"] == run.result().xpcs.trust().verdict
    assert len(record.metadata.get("trust_warning_names", [])) == record.metadata["trust_warnings"]
    names = {file.url.rsplit("/", 1)[-1] for file in record.files}
    assert {"P001_spheres_results.hdf", measured.metadata.name, measured.qmap.name, "g2.png"} <= names
    for file in record.files:
        facility.services.fetch(file.url, measured.raw.parent, size=file.size, sha256=file.sha256)
    assert "/2026-1/lab2026/P001_spheres" in record.subject


def test_past_runs_are_listed_and_found_by_id(facility, processed):
    _, run = processed
    assert run.id in [each.id for each in facility.runs(limit=1000)]
    assert facility.run(run.id).result_path == run.result_path


def test_processing_again_replaces_the_record(facility, processed):
    measured, run = processed
    again = facility.process(measured.raw, measured.qmap, title="silica again", experiment="lab2026")
    again.wait(PATIENCE, progress=False)
    assert again.record.subject == run.record.subject
    assert facility.catalog.search("silica").total == 1
    assert again.record.title == "silica again"


def test_reprocessing_publishes_beside_the_old_one_and_says_where_it_came_from(facility, processed):
    _, run = processed
    with run.result() as tree:
        qmap = QMap.from_file(run.about["source"]["qmap"].split("://", 1)[1].partition("/")[2].join(["/", ""]))
        new = facility.reprocess(tree, qmap, "_wedge", type="both").wait(PATIENCE, progress=False)
    assert new.result_path.name == "P001_spheres_wedge_results.hdf"
    record = new.record
    assert record.dataset == "P001_spheres_wedge"
    assert record.metadata["origin"]["subject"] == run.record.subject
    assert record.metadata["analysis_type"] != "multitau"
    assert record.subject != run.record.subject
    with new.result() as tree:
        assert "twotime" in tree.children


@pytest.mark.parametrize("as_", ["record", "subject", "run", "file"])
def test_anything_that_names_a_result_can_be_reprocessed(facility, processed, as_):
    from xpcs_nb.flows._origin import origin_of

    measured, run = processed
    what = {"record": run.record, "subject": run.record.subject, "run": run, "file": run.result_path}[as_]
    origin = origin_of(what, facility.site, facility.services)
    assert origin.raw.name == measured.raw.name
    assert origin.options["type"] == "multitau"


def test_what_can_be_known_before_is_told_before(facility, measured, tmp_path):
    before = len(facility.runs(limit=1000))
    with pytest.raises(MissingFileError, match=r"none\.hdf"):
        facility.process(measured.raw, tmp_path / "none.hdf")
    with pytest.raises(MissingFileError, match=r"none\.h5"):
        facility.process(tmp_path / "none.h5", measured.qmap)
    with pytest.raises(OptionError, match="no such option: got avrg_frame"):
        facility.process(measured.raw, measured.qmap, avrg_frame=2)
    with pytest.raises(OptionError, match="frames outside the series"):
        facility.process(measured.raw, measured.qmap, end_frame=1000)
    with pytest.raises(ValueError, match="hh:mm:ss"):
        facility.process(measured.raw, measured.qmap, walltime="1 h")
    other = simulate_measurement(tmp_path / "o", shape=(32, 48), n_frames=20, n_dynamic=2, n_static=4)
    with pytest.raises(QMapError):
        facility.process(measured.raw, other.qmap)
    measured.metadata.unlink()
    with pytest.raises(MissingFileError, match="metadata"):
        facility.process(measured.raw, measured.qmap)
    assert len(facility.runs(limit=1000)) == before


def test_a_run_that_failed_says_where_and_why_and_goes_on_from_there(facility, measured, tmp_path):
    (tmp_path / "full").write_text("a file, where a folder should be made")
    run = facility.process(measured.raw, measured.qmap, publish=False, output=tmp_path / "full")
    run.wait(PATIENCE, progress=False)
    assert run.status == "FAILED"
    assert run.steps[-1].state == "failed"
    assert "TransferResult" in next(iter(run.failures.values()))
    with pytest.raises(FlowError, match=r"step TransferResult: the run failed: .*full"):
        run.result()
    (tmp_path / "full").unlink()
    run.retry().wait(PATIENCE, progress=False)
    assert run.status == "SUCCEEDED"
    correlations = [line for line in run.log().splitlines() if "ActionStarted" in line and "Correlate" in line]
    assert len(correlations) == 1
    with run.result() as tree:
        assert "multitau" in tree.children


def test_without_publication_there_is_a_result_and_no_record(facility, make_measurement):
    measured = make_measurement("U001_unpublished")
    run = facility.process(measured.raw, measured.qmap, publish=False).wait(PATIENCE, progress=False)
    assert run.result_path.is_file()
    assert facility.catalog.search("U001_unpublished").total == 0
    with pytest.raises(FlowError, match="publishes no record"):
        _ = run.record


def test_a_group_alone_sees_what_was_published_for_it(facility, make_measurement):
    measured = make_measurement("G001_group")
    group = "0bbe98ef-de8f-11eb-9e93-3db9c47b68ba"
    run = facility.process(measured.raw, measured.qmap, group=group).wait(PATIENCE, progress=False)
    assert run.record.visible_to == (f"urn:globus:groups:id:{group}",)
    assert "SetPermission" in [step.name for step in run.steps]


def test_a_cancelled_run_ends_and_has_no_result(facility, measured):
    run = facility.process(measured.raw, measured.qmap)
    assert run.cancel().wait(PATIENCE, progress=False).status == "ENDED"
    with pytest.raises(FlowError, match="was cancelled"):
        _ = run.result_path


def test_no_more_runs_are_started_than_may_be_active(facility, make_measurement):
    one, other = (make_measurement(name) for name in ("L001_first", "L002_second"))
    first = facility.process(one.raw, one.qmap, publish=False)
    second = facility.process(other.raw, other.qmap, publish=False, active_runs_limit=1)
    # It was started when the first had ended.
    assert first.status == "SUCCEEDED"
    assert second.wait(PATIENCE, progress=False).status == "SUCCEEDED"
    with pytest.raises(FlowError, match="at least 1"):
        facility.process(one.raw, one.qmap, active_runs_limit=0)


def test_waiting_can_be_given_up_while_the_run_goes_on(facility, measured):
    run = facility.process(measured.raw, measured.qmap)
    with pytest.raises(TimeoutError, match="it goes on"):
        run.wait(0.01, progress=False)
    with pytest.raises(FlowError, match="not ended"):
        _ = run.result_path
    run.cancel()


def test_an_unknown_run_is_refused(facility):
    with pytest.raises(FlowError):
        _ = Run(facility.services, "none", folder=None, pace=(0.01, 0.01)).status


def test_connect_refuses_a_site_that_is_not_filled_in():
    with pytest.raises(SiteError, match="fill in"):
        connect("nersc-perlmutter")
    assert load_site("local").kind == "local"


def test_the_input_of_a_run_holds_nothing_large(processed):
    _, run = processed
    assert len(json.dumps(run.output)) < 60_000


def test_a_result_can_be_the_qmap_as_files_with_one_name_can(facility, processed, tmp_path):
    """Neither takes the place of the other on the processing machine."""
    measured, run = processed
    new = facility.process(measured.raw, run.result_path, publish=False).wait(PATIENCE, progress=False)
    with new.result() as tree, run.result() as before:
        assert tree["qmap"].attrs["hash"] == before["qmap"].attrs["hash"]
    qmap = tmp_path / measured.raw.name
    qmap.write_bytes(measured.qmap.read_bytes())
    assert facility.process(measured.raw, qmap, publish=False).wait(PATIENCE, progress=False).status == "SUCCEEDED"
