"""A crate holds what made a result, is valid for others, and can be run again."""

import json
import os
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from xpcs_nb.errors import BatchError, FileFormatError, MissingFileError, ResultExistsError
from xpcs_nb.flows import connect
from xpcs_nb.qmap import QMap
from xpcs_nb.recipes import export_crate, replay, rerun
from xpcs_nb.reduction import correlate
from xpcs_nb.testing import simulate_measurement


@pytest.fixture(scope="module")
def batch(quick, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crate")
    rows = []
    for number, how in enumerate(("well", "well", "fails")):
        path = folder / f"d{number}.txt"
        path.write_text(str(number + 1))
        rows.append({"dataset": path, "how": how})
    return rerun(quick, rows, folder=folder / "batch", workers=2, progress=False)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("result")
    made = simulate_measurement(folder, shape=(64, 64), n_frames=100, n_dynamic=3, n_static=6, seed=3)
    qmap = QMap.from_file(made.qmap).mask_circle(8, 8, 3).save(folder / "edited.hdf")
    with correlate(made.raw, qmap, output=folder / "out", metadata=made.metadata, threads=1) as tree:
        return made, tree.attrs["path"]


@pytest.fixture(scope="module")
def crates(batch, result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crates")
    return {
        "batch": export_crate(batch.folder, folder / "batch", author="https://orcid.org/0000-0002-1825-0097"),
        "job": export_crate(batch.job_folder(batch.jobs[0]), folder / "job.zip"),
        "result": export_crate(result[1], folder / "result", license="https://creativecommons.org/licenses/by/4.0/"),
    }


def graph(crate):
    document = json.loads((crate / "ro-crate-metadata.json").read_text())
    return {each["@id"]: each for each in document["@graph"]}


def test_a_batch_has_recipe_runs_parameters_versions_and_checksums(crates, batch):
    entities = graph(crates["batch"])
    actions = [each for each in entities.values() if each["@type"] == "CreateAction"]
    assert [each["actionStatus"]["@id"].rpartition("/")[2] for each in actions] == [
        "CompletedActionStatus",
        "CompletedActionStatus",
        "FailedActionStatus",
    ]
    assert "this is wrong" in actions[2]["error"]
    workflow = entities[entities["./"]["mainEntity"]["@id"]]
    assert "ComputationalWorkflow" in workflow["@type"]
    assert (crates["batch"] / workflow["@id"]).is_file()
    values = [entities[each["@id"]] for each in actions[0]["object"]]
    assert {"factor", "how"} <= {each.get("name") for each in values}
    raw = next(each for each in values if "alternateName" in each)
    assert (crates["batch"] / raw["@id"]).read_text() == "1"
    software = {entities[each["@id"]]["name"] for each in workflow["softwareRequirements"]}
    assert {"numpy", "xpcs-nb"} <= software
    made = [entities[each["@id"]] for each in actions[0]["result"]]
    assert all(len(each["sha256"]) == 64 for each in made)
    assert any(each["@id"].endswith("notebook.ipynb") for each in made)
    job = batch.jobs[0].folder
    assert (crates["batch"] / "jobs" / job / "notebook.html").is_file()


def test_a_result_has_its_qmap_with_edits_and_its_options(crates):
    assert [edit.kind for edit in QMap.from_file(crates["result"] / "qmap.hdf").edits] == ["circle"]
    entities = graph(crates["result"])
    assert entities["#option-avg_frame"]["value"] == "1"
    assert (crates["result"] / "figures" / "g2.png").is_file()


def test_replay_gives_the_same_numbers(crates, tmp_path):
    found = replay(crates["batch"], tmp_path / "new", progress=False)
    assert found.failures.keys() == set()
    assert found.same
    assert found.compared > 4
    again = replay(crates["job"], tmp_path / "job", progress=False)
    assert again.same


def test_replay_of_a_result_gives_the_same_numbers(crates, tmp_path):
    found = replay(crates["result"], tmp_path / "new", progress=False)
    assert found.same, str(found)
    assert found.compared > 1000


def test_replay_says_what_differs(crates, batch, tmp_path):
    crate = shutil.copytree(crates["batch"], tmp_path / "crate")
    place = crate / "jobs" / batch.jobs[0].folder / "provenance.json"
    document = json.loads(place.read_text())
    document["values"]["D"] *= 1 + 1e-5
    document["versions"]["numpy"] = "1.0"
    place.write_text(json.dumps(document))
    (source,) = (path for path in (crate / "inputs").iterdir() if path.read_text() == "2")
    source.write_text("2.5")
    found = replay(crate, tmp_path / "new", progress=False)
    assert not found.same
    kinds = {(each.kind, each.name.rpartition("/")[2]) for each in found.differences}
    assert {("number", "d0: D"), ("number", "d1: D"), ("version", "numpy"), ("file", "d1.txt")} <= kinds
    assert "not all the same" in str(found)


def test_inputs_that_moved(crates, result, tmp_path):
    made, _ = result
    inputs = {path: str(made.raw) for path in (str(made.raw),)}
    gone = made.raw.rename(made.raw.with_name("moved.h5"))
    crate = crates["result"]
    copies = [path for path in (crate / "inputs").iterdir() if path.name.endswith(made.raw.name)]
    kept = [(path, path.read_bytes()) for path in copies]
    try:
        for path in copies:
            path.unlink()
        with pytest.raises(MissingFileError, match=r"not here.*--input"):
            replay(crate, tmp_path / "a", progress=False)
        assert replay(crate, tmp_path / "b", inputs={made.raw.name: gone}, progress=False).same
    finally:
        gone.rename(inputs[str(made.raw)])
        for path, content in kept:
            path.write_bytes(content)


def test_what_is_no_crate_or_can_not_become_one(batch, tmp_path, quick, numbers):
    with pytest.raises(ResultExistsError):
        export_crate(batch.folder, tmp_path)
    with pytest.raises(MissingFileError):
        export_crate(tmp_path / "nothing")
    (tmp_path / "x.zip").write_text("no")
    for place in (tmp_path, tmp_path / "x.zip"):
        with pytest.raises(FileFormatError):
            replay(place)
    failed = rerun(quick, [{"dataset": numbers(1)[0], "how": "dies"}], folder=tmp_path / "b", progress=False)
    with pytest.raises(BatchError, match="nothing to export"):
        export_crate(failed.folder, tmp_path / "crate")


@pytest.fixture(scope="module")
def validator():
    """Return the command of the public validator, in an environment of its own: it needs another `rich` than ours."""
    for uv in ([sys.executable, "-m", "uv"], ["python3", "-m", "uv"], ["uv"]):
        command = [*uv, "run", "--no-project", "--isolated", "--with", "roc-validator==0.13.0", "python"]
        try:
            tried = subprocess.run([*command, "-c", "import rocrate_validator"], capture_output=True, timeout=240)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if tried.returncode == 0:
            context = files("rocrate") / "data" / "ro-crate.jsonld"
            return [*command, str(Path(__file__).with_name("validate_crate.py")), str(context)]
    if os.environ.get("XPCS_NB_CRATE_VALIDATOR") == "required":
        pytest.fail("the RO-Crate validator can't be had")
    pytest.skip("uv can't get the RO-Crate validator; XPCS_NB_CRATE_VALIDATOR=required makes this a failure")


@pytest.mark.parametrize(
    ("name", "profile"),
    [("batch", "workflow-run-crate-0.5"), ("result", "process-run-crate-0.5")],
)
def test_crates_are_valid_for_the_public_validator(crates, validator, name, profile):
    command = [*validator, "-y", "validate", "--no-cache", "--no-paging", "-v", "-p", profile]
    done = subprocess.run(
        [*command, "--requirement-severity", "required", str(crates[name])], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert f"valid {profile}" in done.stdout


def test_a_recipe_that_reads_no_file_can_be_exported(make_recipe, tmp_path):
    recipe = make_recipe(
        tmp_path / "plain.ipynb", ["from xpcs_nb.recipes import save", 'name: str = ""  # Of it', "save(name=name)"]
    )
    batch = rerun(recipe, ["a"], folder=tmp_path / "b", progress=False)
    assert export_crate(batch.folder, tmp_path / "c").is_dir()


PUBLISHING = [
    "import xpcs_nb as xnb\nfrom xpcs_nb.recipes import Dataset, InputFile, save",
    'dataset: Dataset = ""  # Raw data\nqmap: InputFile = ""  # Mask and partition\nhome: str = ""  # Of a catalogue',
    "run = xnb.connect(home=home, detached=False).process(dataset, qmap, publish=True).wait(progress=False)",
    'g2 = run.result()["multitau"]["g2"]\nsave(mean=float(g2.mean()))',
]


@pytest.mark.slow
def test_replay_publishes_only_when_asked(make_recipe, result, tmp_path):
    made, _ = result
    home = tmp_path / "home"
    recipe = make_recipe(tmp_path / "publishes.ipynb", PUBLISHING)
    rows = [{"dataset": made.raw, "qmap": made.qmap, "home": home}]
    batch = rerun(recipe, rows, folder=tmp_path / "b", progress=False)
    assert batch.succeeded, repr(batch)
    crate = export_crate(batch.folder, tmp_path / "crate")

    def published():
        with connect(home=home) as facility:
            return [(record.subject, record.metadata) for record in facility.catalog.search().records]

    before = published()
    assert len(before) == 1
    quiet = replay(crate, tmp_path / "quiet", progress=False)
    assert quiet.same, str(quiet)
    assert published() == before
    assert replay(crate, tmp_path / "loud", publish=True, progress=False).same
    assert published() != before
