"""Compare, average, process again, and runs, on datasets that were really processed here."""

import pytest

from xpcs_nb.errors import OptionError, SiteError
from xpcs_nb.qmap import QMap
from xpcs_nb.widgets._browse_figures import averaged, compared
from xpcs_nb.widgets._portal import Portal
from xpcs_nb.widgets._portal_runs import run_row
from xpcs_nb.widgets._portal_work import PortalWork


@pytest.fixture
def portal(processed):
    return Portal(processed[0])


@pytest.fixture
def work(portal):
    work = PortalWork(portal)
    yield work
    work.close()


@pytest.fixture
def subjects(portal):
    rows = portal.page({"text": "A00*", "sort": "dataset"})["rows"]
    return [row["subject"] for row in rows if row["dataset"] in {"A001_first", "A002_second"}]


def ended(processed, rows):
    return [processed[0].run(row["run"]["id"]).wait(120, progress=False) for row in rows]


def test_a_real_record_has_all_that_the_page_shows(portal, subjects):
    detail = portal.detail(subjects[0])
    assert detail["has_result"]
    assert [group["label"] for group in detail["pictures"]] == ["Correlation", "Fits", "Structure"]
    assert detail["trust"]["verdict"] in {"ok", "note", "warning", "bad", "unknown"}
    history = portal.history(subjects[0])
    assert [run["label"] for run in history["runs"]] == ["A001_first"]
    assert "FlowSucceeded" in history["runs"][0]["log"]
    assert history["runs"][0]["steps"][-1]["state"] == "succeeded"


def test_reprocess_with_a_chosen_and_with_a_drawn_qmap(processed, portal, work, subjects):
    measured = processed[1]
    said = []
    options = {"type": "both", "avg_frame": 2, "engine": ""}
    chosen = {"path": str(measured[0].qmap)}
    rows = work.reprocess(subjects[:1], chosen, "wedge", options=options, say=said.append)
    rows += work.reprocess(subjects[1:], QMap.from_file(measured[0].qmap), "_drawn", say=said.append)
    assert [row["error"] for row in rows] == [None, None]
    assert said == ["A001_first", "A002_second"]
    runs = ended(processed, rows)
    assert [(run.label, run.status) for run in runs] == [
        ("A001_first_wedge", "SUCCEEDED"),
        ("A002_second_drawn", "SUCCEEDED"),
    ]
    record = runs[0].record
    assert record.metadata["options"]["avg_frame"] == 2
    assert portal.page({"conditions": {"suffix": {"values": ["wedge"]}}})["total"] == 1
    assert [row["subject"] for row in portal.history(record.subject)["origins"]] == [subjects[0]]
    assert [row["dataset"] for row in portal.history(subjects[0])["made_from_it"]] == ["A001_first_wedge"]


def test_the_qmap_of_a_record_is_that_of_its_result(processed, work, subjects):
    assert work.qmap({"of": "record"}, subjects[0]).hash == QMap.from_file(processed[1][0].qmap).hash
    assert work.qmap({"subject": subjects[1]}, subjects[0]).hash == QMap.from_file(processed[1][1].qmap).hash


@pytest.mark.parametrize("suffix", ["", " _ ", "a/b"])
def test_a_suffix_is_needed(work, subjects, suffix):
    with pytest.raises(OptionError, match="suffix"):
        work.reprocess(subjects, {"of": "record"}, suffix)


def test_what_can_not_be_started_says_why_for_each(work, subjects, tmp_path):
    with pytest.raises(OptionError, match="no such options"):
        work.reprocess(subjects, {"of": "record"}, "x", options={"overwrite": True})
    with pytest.raises(SiteError, match="no such site"):
        work.reprocess(subjects, {"of": "record"}, "x", site="moon")
    with pytest.raises(OptionError, match="selected"):
        work.reprocess([], {"of": "record"}, "x")
    rows = work.reprocess([subjects[0], "file:///nobody"], {"path": str(tmp_path / "no.hdf")}, "x")
    assert "no.hdf" in rows[0]["error"]
    assert "no record" in rows[1]["error"]
    assert "which qmap" in work.reprocess(subjects[:1], {}, "x")[0]["error"]


def test_runs_are_listed_with_their_progress(work):
    listed = work.runs()
    row = next(row for row in listed["runs"] if row["label"] == "A001_first")
    assert (row["status"], row["flow"], row["can_retry"], row["can_cancel"]) == ("SUCCEEDED", "online", False, False)
    assert row["done"] == row["total"] > 5
    assert {each["status"] for each in work.runs("SUCCEEDED")["runs"]} == {"SUCCEEDED"}
    details = work.run(row["id"])
    assert details["steps"][0]["name"] == "CheckEndpoint"
    assert len(details["subjects"]) == 1


def test_a_run_is_cancelled(processed, work):
    facility, measured = processed
    run = facility.process(measured[0].raw, measured[0].qmap, publish=False)
    work.cancel(run.id)
    assert run.wait(60, progress=False).status == "ENDED"
    row = next(row for row in work.runs("ENDED")["runs"] if row["id"] == run.id)
    assert (row["can_cancel"], row["can_retry"]) == (False, True)


def test_a_run_that_failed_says_why_and_goes_on(processed, work, tmp_path):
    facility, measured = processed
    (tmp_path / "full").write_text("a file, where a folder should be made")
    run = facility.process(measured[0].raw, measured[0].qmap, publish=False, output=tmp_path / "full")
    run.wait(120, progress=False)
    row = run_row(run, "local", deep=True)
    assert (row["status"], row["can_retry"]) == ("FAILED", True)
    assert "full" in row["error"]
    assert next(iter(work.run(run.id)["failures"].values())).startswith("TransferResult")
    (tmp_path / "full").unlink()
    work.retry(run.id)
    assert facility.run(run.id).wait(120, progress=False).status == "SUCCEEDED"


def test_two_results_are_compared_in_a_figure(work, subjects):
    answer = compared(work.open(subjects))
    assert [each["title"] for each in answer.value["figures"]] == ["A001_first and A002_second"]
    assert answer.buffers[0].startswith(b"\x89PNG")
    with pytest.raises(OptionError, match="compared"):
        compared(work.open(subjects[:1]))


def test_results_are_averaged_into_a_file(work, subjects):
    pytest.importorskip("xpcs_nb.reduction._average")
    said = []
    text, path = work.average(subjects, said.append)
    assert path.is_file()
    assert "average of" in text
    assert said[-1] == "averaging 2 results"
    assert averaged(text, path).buffers[0].startswith(b"\x89PNG")
    with pytest.raises(OptionError, match="several"):
        work.average(subjects[:1])


def test_an_average_keeps_to_the_limits_that_are_asked_for(work, subjects):
    options = {"weights": "errors", "outliers": False, "max_chi2": None, "baseline": [0.5, None]}
    text, path = work.average(subjects, options=options)
    assert path.is_file()
    assert "average of 2" in text
    with pytest.raises(OptionError, match="no repeat is left"):
        work.average(subjects, options={"baseline": [None, 0.5]})
    with pytest.raises(OptionError, match="no such option"):
        work.average(subjects, options={"colour": "red"})
