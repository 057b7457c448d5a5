"""A batch reduces at a site: the flows, endpoints and catalogue of a look-alike of Globus, with the real clients."""

import json
import os

import nbformat
import pytest

import xpcs_nb as xnb
from tests.testing.sandbox.site import write_site
from xpcs_nb.errors import BatchError, MissingKeyError
from xpcs_nb.flows import connect
from xpcs_nb.qmap import QMap
from xpcs_nb.recipes import export_crate, replay, rerun, result_files, run_recipe
from xpcs_nb.testing import Sandbox, simulate_measurement

QUIET = pytest.mark.filterwarnings("ignore::DeprecationWarning:(papermill|nbclient|jupyter_client|zmq).*")
SMALL = {"shape": (64, 64), "n_frames": 100, "n_dynamic": 3, "n_static": 6}
SOURCE, WORK = (f"{n * 8}-{n * 4}-4{n * 3}-8{n * 3}-{n * 12}" for n in "67")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    for name in ("source", "work"):
        (folder / name).mkdir()
    return folder


@pytest.fixture(scope="module")
def site(folder):
    """The file of a site, to which the environment of this process, and so of the jobs, leads."""
    places = {SOURCE: folder / "source", WORK: folder / "work"}
    with Sandbox(folder / "state", places, workers=1) as sandbox, pytest.MonkeyPatch.context() as patch:
        own = {"XPCS_NB_CONFIG": str(folder / "config"), "XPCS_NB_HOME": str(folder / "home")}
        for name, value in (sandbox.environ() | own).items():
            patch.setenv(name, value)
        work = (WORK, folder / "work")
        ends = {"source": (SOURCE, folder / "source"), "processing": work, "publish": work}
        staging = f'[staging]\nfolder = "{folder}/source/qmaps"'
        yield write_site(folder / "look-alike.toml", sandbox, staging, **ends)


@pytest.fixture(scope="module")
def measurements(folder):
    return [
        simulate_measurement(folder / "source" / name, name=name, seed=seed, **SMALL)
        for seed, name in enumerate(("A001", "A002"))
    ]


@pytest.fixture(scope="module")
def processed(site, measurements, folder):
    return rerun(
        "process",
        [{"dataset": each.raw, "title": title} for each, title in zip(measurements, ("silica", "gold"), strict=True)],
        qmap=measurements[0].qmap,
        site=os.path.relpath(site),
        folder=folder / "processed",
        progress=False,
    )


def pictures_after(path, heading):
    """Return how many pictures the first code cell below a heading shows."""
    notebook = nbformat.read(path, as_version=4)
    first = next(number for number, cell in enumerate(notebook.cells) if cell.source.startswith(heading))
    return sum("image/png" in output.get("data", {}) for output in notebook.cells[first + 1].outputs)


@pytest.mark.slow
def test_a_batch_reduces_at_a_site(processed, site):
    assert processed.succeeded, repr(processed)
    assert all(job.values["D"] > 0 and job.result for job in processed.jobs)
    assert processed.open()["multitau"]["g2"].sizes["dataset"] == 2
    with connect(site) as facility:
        assert facility.catalog.search("gold").total == 1
        runs = facility.runs()
    assert [run.status for run in runs] == ["SUCCEEDED"] * 2


@pytest.mark.slow
def test_replay_of_a_batch_of_a_site_leaves_its_catalogue_alone(processed, site, tmp_path):
    def published():
        with connect(site) as facility:
            return [(record.subject, record.metadata) for record in facility.catalog.search().records]

    before = published()
    crate = export_crate(processed.job_folder(processed.jobs[0]), tmp_path / "crate")
    assert replay(crate, tmp_path / "new", progress=False).same
    assert published() == before


@pytest.mark.slow
def test_records_of_a_site_are_reduced_again_and_compared(processed, site, measurements, folder):
    edited = QMap.from_file(measurements[0].qmap).mask_circle(20, 30, 8)
    batch = rerun("reprocess", "search:gold", qmap=edited, site=site, folder=folder / "again", progress=False)
    assert batch.succeeded, repr(batch)
    (job,) = batch.jobs
    assert job.figures["comparison"]
    assert job.values["largest_z"] > 0
    assert pictures_after(batch.job_folder(job) / "notebook.ipynb", "## Against the earlier result") == 1
    provenance = json.loads((batch.job_folder(job) / "provenance.json").read_text())
    assert provenance["parameters"]["site"] == str(site)


@pytest.mark.slow
@QUIET
def test_records_of_a_site_are_averaged_checked_and_laid_over_temperature(processed, site, measurements, tmp_path):
    with connect(site) as facility:
        subjects = [facility.catalog.search(title).records[0].subject for title in ("silica", "gold")]
    run_recipe("average", tmp_path / "average.ipynb", {
        "results": [subjects[0], "search:gold"], "site": str(site), "output": str(tmp_path / "average.hdf"),
    })  # fmt: skip
    average = xnb.open_result(tmp_path / "average.hdf")
    assert {"A001_results.hdf", "A002_results.hdf"} <= set(average.attrs["averaged"])
    run_recipe("check_qmap", tmp_path / "check.ipynb", {"dataset": subjects[0], "site": str(site), "strict": False})
    one = simulate_measurement(tmp_path, name="A003", seed=2, **SMALL)
    third = xnb.correlate(one.raw, one.qmap, output=tmp_path).attrs["path"]
    path = run_recipe("temperature_series", tmp_path / "series.ipynb", {
        "results": [*subjects, third], "site": str(site),
        "temperatures": {f"A00{n}_results.hdf": 280.0 + 10 * n for n in (1, 2, 3)},
    })  # fmt: skip
    assert "activation energy" in path.read_text()


@pytest.mark.slow
@QUIET
def test_a_record_that_is_not_there_is_an_error(site):
    with pytest.raises(MissingKeyError, match="no record has this subject"):
        result_files(["globus://nobody/nothing"], str(site))
    with pytest.raises(BatchError, match="no record is found"):
        result_files(["search:nothing of the kind"], str(site))


@pytest.mark.slow
@QUIET
def test_a_recipe_without_a_dataset_simulates_one_at_the_site(site, tmp_path):
    path = run_recipe("reprocess", tmp_path / "done.ipynb", {"site": str(site)})
    assert pictures_after(path, "## Against the earlier result") == 1
