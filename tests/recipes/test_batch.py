"""A batch runs each job by itself: what fails is kept and told, what is finished is never run again."""

import csv
import errno
import json
import os
import re
from dataclasses import asdict
from html.parser import HTMLParser

import nbformat
import pytest

from xpcs_nb.errors import BatchError, FileFormatError, OptionError
from xpcs_nb.qmap import QMap
from xpcs_nb.recipes import JobState, batch_status, plan_batch, rerun
from xpcs_nb.recipes._folder import locked
from xpcs_nb.recipes._job import run_job
from xpcs_nb.testing import simulate_measurement

HOWS = ("well", "well", "fails", "dies", "fills", "memory")


@pytest.fixture(scope="module")
def mixed(quick, tmp_path_factory):
    """A batch with everything that can happen to a job."""
    folder = tmp_path_factory.mktemp("mixed")
    rows = []
    for number, how in enumerate(HOWS):
        path = folder / f"d{number}.txt"
        path.write_text(str(number))
        rows.append({"dataset": path, "how": how})
    batch = rerun(quick, rows, folder=folder / "batch", workers=2, progress=False)
    return batch, rows


def test_what_goes_wrong_is_that_jobs_own_and_told_as_such(mixed):
    batch, _ = mixed
    assert [job.state for job in batch.jobs] == ["succeeded"] * 2 + ["failed", "killed"] + ["failed"] * 2
    reasons = [job.reason for job in batch.jobs]
    for reason, word in zip(
        reasons[2:],
        ("ValueError: this is wrong", "SIGKILL.*out of memory", "disk is full", "out of memory"),
        strict=True,
    ):
        assert re.search(word, reason), reason
    assert list(batch.failures) == ["d2", "d3", "d4", "d5"]


def test_each_job_has_its_files(mixed):
    batch, rows = mixed
    folder = batch.job_folder(batch.jobs[1])
    assert {"notebook.ipynb", "notebook.html", "outputs.json", "provenance.json", "job.json"} <= {
        path.name for path in folder.iterdir()
    }
    assert batch.jobs[1].values["D"] == 2.0
    provenance = json.loads((folder / "provenance.json").read_text())
    assert list(provenance["inputs"]) == [str(rows[1]["dataset"])]
    assert provenance["parameters"]["factor"] == 2.0
    assert {"notebook.ipynb", "notebook.html", "outputs.json"} <= set(provenance["outputs"])
    assert "numpy" in provenance["versions"]
    failed = json.loads((batch.job_folder(batch.jobs[2]) / "provenance.json").read_text())
    assert (failed["state"], failed["reason"]) == ("failed", "ValueError: this is wrong")


@pytest.mark.parametrize("number", [2, 3])
def test_a_failed_job_keeps_its_notebook_with_the_failing_cell_marked(mixed, number):
    batch, _ = mixed
    job = batch.jobs[number]
    notebook = nbformat.read(batch.job_folder(job) / "notebook.ipynb", as_version=4)
    marked = [n for n, cell in enumerate(notebook.cells) if "papermill-error-cell" in cell.source]
    cell = notebook.cells[marked[-1] + 1]
    assert "begun" in cell.source
    assert cell.execution_count == job.cell
    assert any(output.output_type == "error" for output in cell.outputs)
    page = (batch.job_folder(job) / "notebook.html").read_text()
    assert "papermill-error-cell" in page


class References(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("src", "srcset", "data", "poster") or (name == "href" and tag in ("link", "base")):
                self.found.append(value)


def test_pages_need_nothing_from_outside(mixed):
    batch, _ = mixed
    for page in [batch.job_folder(batch.jobs[0]) / "notebook.html", batch.report]:
        text = page.read_text()
        references = References()
        references.feed(text)
        assert [each for each in references.found if not each.startswith("data:")] == []
        assert not re.search(r"import\s*\(|@import|url\(\s*['\"]?(https?:)?//|<script[^>]+src", text)
        assert "cdnjs" not in text


def test_report_has_states_values_reasons_and_links(mixed):
    batch, _ = mixed
    rows = list(csv.DictReader((batch.folder / "report.csv").read_text().splitlines()))
    assert [row["state"] for row in rows] == [job.state for job in batch.jobs]
    assert float(rows[1]["D"]) == 2.0
    assert float(rows[1]["D_err"]) == 0.5
    assert "this is wrong" in rows[2]["reason"]
    assert all((batch.folder / row["notebook"]).is_file() for row in rows)
    page = batch.report.read_text()
    assert "2 ± 0.5" in page
    for link in re.findall(r'href="([^"]+)"', page):
        assert (batch.folder / link).is_file()


def test_the_same_batch_again_starts_no_notebook(mixed, quick):
    batch, rows = mixed
    kept = [each for each, job in zip(rows, batch.jobs, strict=True) if job.state != "killed"]
    again = rerun(quick, kept, folder=batch.folder, progress=False)
    before = {job.label: job for job in batch.jobs}
    assert all(job.attempt == before[job.label].attempt for job in again.jobs)


def test_a_job_has_a_time_limit(quick, numbers, tmp_path):
    rows = [{"dataset": numbers(1)[0], "how": "sleeps 1000"}]
    batch = rerun(quick, rows, folder=tmp_path / "b", time_limit=5, progress=False)
    (job,) = batch.jobs
    assert (job.state, job.reason) == ("failed", "the time limit of 5 s was reached")
    notebook = nbformat.read(batch.job_folder(job) / "notebook.ipynb", as_version=4)
    assert [cell.execution_count for cell in notebook.cells if "TimeLimit" in str(cell.get("outputs"))] == [job.cell]


def test_status_tells_how_it_goes_from_anywhere(mixed):
    batch, _ = mixed
    shown = repr(batch_status(batch.folder))
    assert "d2  failed" in shown
    assert "this is wrong" in shown
    with pytest.raises(FileFormatError, match="no batch"):
        batch_status(batch.folder.parent)


def test_failed_jobs_run_again_on_request(quick, numbers, tmp_path):
    rows = [{"dataset": path, "how": "fails"} for path in numbers(1)]
    first = rerun(quick, rows, folder=tmp_path / "b", progress=False)
    kept = rerun(quick, rows, folder=tmp_path / "b", progress=False)
    again = rerun(quick, rows, folder=tmp_path / "b", progress=False, retry_failed=True)
    attempts = [batch.jobs[0].attempt for batch in (first, kept, again)]
    assert attempts[0] == attempts[1] != attempts[2]


def test_two_batches_in_one_folder_are_refused(quick, numbers, tmp_path):
    with locked(tmp_path / "b"), pytest.raises(BatchError, match=r"a batch is running in this folder.*process"):
        rerun(quick, numbers(1), folder=tmp_path / "b", progress=False)


def test_everything_that_is_wrong_is_listed_before_anything_starts(quick, numbers, tmp_path):
    good = numbers(1)[0]
    rows = [
        {"dataset": good, "factor": "many"},
        {"dataset": good, "colour": "red"},
        {"dataset": tmp_path / "gone.txt"},
        {"dataset": good, "extra": "nowhere.hdf"},
        {"dataset": good, "options.avg_frames": "2"},
        {"factor": "3"},
        {"dataset": good, "options.avg_frame": "0"},
    ]
    with pytest.raises(OptionError) as caught:
        rerun(quick, rows, folder=tmp_path / "b", progress=False)
    said = str(caught.value)
    for number, word in enumerate(
        (
            "factor: got 'many', expected float",
            "no such parameter: colour",
            "gone.txt",
            "nowhere.hdf",
            "avg_frames",
            "dataset is missing",
            "avg_frame",
        ),
        1,
    ):
        assert re.search(f"row {number}: .*{word}", said), said
    assert not (tmp_path / "b" / "jobs").exists()


def test_a_wrong_value_for_all_is_listed_once(quick, numbers, tmp_path):
    with pytest.raises(OptionError) as caught:
        plan_batch(quick, numbers(3), parameters={"factor": "x"}, folder=tmp_path / "b")
    assert str(caught.value).count("factor") == 1
    with pytest.raises(OptionError) as caught:
        plan_batch(quick, numbers(3), parameters={"extra": "gone.hdf", "colour": 1}, folder=tmp_path / "b")
    assert [str(caught.value).count(word) for word in ("gone.hdf", "no such parameter: colour")] == [1, 1]


def test_jobs_listed_twice_are_refused(quick, numbers, tmp_path):
    with pytest.raises(OptionError, match=r"listed twice.*d000"):
        plan_batch(quick, [numbers(1)[0]] * 2, folder=tmp_path / "b")


def test_the_key_has_recipe_parameters_inputs_and_versions(quick, numbers, tmp_path, monkeypatch):
    path = numbers(1)[0]

    def key(**given):
        return plan_batch(quick, [{"dataset": path, **given}], folder=tmp_path / "b").jobs[0].job.key

    first = key()
    assert key() == first
    assert key(factor="2") == first
    assert key(factor=3) != first
    path.write_text("17")
    assert key() != first
    path.write_text("0")
    assert key() == first
    monkeypatch.setattr("xpcs_nb.recipes._plan.versions", lambda: {"numpy": "0"})
    assert key() != first


def test_a_plan_says_why_a_job_runs_again(mixed, quick):
    batch, rows = mixed
    same = plan_batch(quick, rows[:3], folder=batch.folder)
    assert [planned.why for planned in same.jobs[:2]] == ["finished", "finished"]
    assert not same.to_run
    other = plan_batch(quick, [{**rows[0], "factor": 5}], folder=batch.folder)
    assert "another factor" in str(other)
    assert "1 jobs, 1 to run" in str(other)


def test_each_worker_has_its_own_gpu(quick, numbers, tmp_path):
    rows = [{"dataset": path, "how": "sleeps 0.5"} for path in numbers(4)]
    # One that asks for the CPU.
    rows[0]["options.gpu_id"] = -1
    batch = rerun(quick, rows, folder=tmp_path / "b", gpus=[3, 5], progress=False)
    assert {job.values["gpu"] for job in batch.jobs} == {"3", "5"}
    assert {job.values["gpu_id"] for job in batch.jobs} == {0}
    assert [job.values["of_flows"] for job in batch.jobs] == [
        [job.values["gpu"], -1 if number == 0 else 0] for number, job in enumerate(batch.jobs)
    ]


@pytest.mark.parametrize("given", [{"workers": 0}, {"time_limit": 0}, {"gpus": [0], "parsl": "x.py"}])
def test_settings_that_make_no_sense_are_refused(quick, numbers, tmp_path, given):
    with pytest.raises(OptionError):
        rerun(quick, numbers(1), folder=tmp_path / "b", progress=False, **given)


def test_a_qmap_that_was_edited_here_is_saved_with_the_batch(make_recipe, numbers, tmp_path):
    recipe = make_recipe(
        tmp_path / "r.ipynb", ["", 'dataset: Dataset = ""  # A file\nqmap: InputFile = ""  # Mask and partition']
    )
    measurement = simulate_measurement(tmp_path / "m", shape=(64, 64), n_frames=10, n_dynamic=3, n_static=6)
    edited = QMap.from_file(measurement.qmap).mask_circle(8, 8, 3)
    plan = plan_batch(recipe, numbers(1), qmap=edited, folder=tmp_path / "b")
    path = plan.jobs[0].job.parts["parameters"]["qmap"]
    assert QMap.from_file(path).hash == edited.hash
    assert path in plan.jobs[0].job.parts["inputs"]


@pytest.mark.slow
def test_a_qmap_of_another_detector_is_told_before_anything_is_reduced(tmp_path, monkeypatch):
    monkeypatch.setenv("XPCS_NB_HOME", str(tmp_path / "home"))
    ours, other = (
        simulate_measurement(tmp_path / name, name=name, shape=shape, n_frames=50, n_dynamic=3, n_static=6)
        for name, shape in (("ours", (64, 64)), ("other", (64, 80)))
    )
    rows = [{"dataset": ours.raw, "qmap": qmap} for qmap in (other.qmap, ours.qmap)]
    batch = rerun("process", rows, folder=tmp_path / "b", progress=False)
    assert [job.state for job in batch.jobs] == ["failed", "succeeded"]
    assert re.search(r"QMapError: .*another detector", batch.jobs[0].reason)
    assert "process" in (batch.job_folder(batch.jobs[0]) / "notebook.html").read_text()
    assert len(list((tmp_path / "home" / "runs").iterdir())) == 1


def test_a_disk_that_is_full_while_a_notebook_is_written_is_told(tmp_path, monkeypatch):
    def full(*given, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "notebook.ipynb"))

    monkeypatch.setattr("xpcs_nb.recipes._job.execute", full)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    job = JobState(folder="d-0", label="d", key="0", parts={"recipe": "", "inputs": {}})
    request = {"job": asdict(job), "name": "r", "folder": str(tmp_path / "d-0"), "recipe": "r.ipynb"}
    assert run_job(request | {"parameters": {}, "environment": {}})["state"] == "failed"
    said = json.loads((tmp_path / "d-0" / "job.json").read_text())
    assert said["reason"].startswith("the disk is full: ")
