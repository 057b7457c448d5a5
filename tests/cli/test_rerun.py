"""``xpcs-nb rerun``, ``export-crate`` and ``replay``, as far as nothing runs; what runs is in tests/recipes."""

import json
from dataclasses import asdict

import pytest
from typer.testing import CliRunner

from xpcs_nb.cli import make_app
from xpcs_nb.errors import FileFormatError, OptionError
from xpcs_nb.recipes import JobState, Recipe
from xpcs_nb.recipes._folder import kept_recipe


def command(*words):
    return CliRunner().invoke(make_app(), [str(word) for word in words])


@pytest.fixture
def raws(tmp_path):
    paths = [tmp_path / f"A{number}.h5" for number in range(3)]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


def test_parameters_of_a_recipe_are_shown():
    said = command("rerun", "reprocess", "--parameters")
    assert said.exit_code == 0, said.output
    assert "dataset: Dataset = ''  A raw file, a result file" in said.output


def test_a_dry_run_shows_what_would_run(raws, tmp_path):
    said = command(
        "rerun", "reprocess", "-l", tmp_path / "*.h5", "-p", "options.avg_frame=2", "-o", tmp_path / "b", "--dry-run"
    )
    assert said.exit_code == 0, said.output
    assert [line.split() for line in said.output.splitlines()[:3]] == [["run", f"A{n}", "new"] for n in range(3)]
    assert "3 jobs, 3 to run" in said.output
    assert not (tmp_path / "b").exists()


def test_wrong_parameters_are_refused(raws, tmp_path):
    said = command(
        "rerun", "reprocess", "-l", tmp_path / "*.h5", "-p", "options.avg_frame=0", "-p", "sufix=x", "--dry-run"
    )
    assert isinstance(said.exception, OptionError)
    assert "avg_frame" in str(said.exception)
    assert "no such parameter: sufix" in str(said.exception)


@pytest.mark.parametrize(
    "words", [[], ["reprocess"], ["reprocess", "-l", "x.txt", "-p", "word"], ["reprocess", "-l", "x", "-n", "0"]]
)
def test_what_is_missing_or_makes_no_sense(words):
    assert command("rerun", *words).exit_code == 2


def test_status_of_a_folder(tmp_path):
    recipe = Recipe.load("reprocess")
    job = JobState(folder="A0-1", label="A0", key="1", parts={})
    failed = job.with_(state="failed", cell=3, reason="QMapError: of another detector")
    (tmp_path / "jobs" / "A0-1").mkdir(parents=True)
    failed.write(tmp_path / "jobs" / "A0-1")
    copy = kept_recipe(tmp_path, recipe.name, recipe.checksum)
    copy.parent.mkdir()
    copy.write_text(recipe.source)
    document = {"recipe": recipe.name, "checksum": recipe.checksum, "jobs": [asdict(job)]}
    (tmp_path / "batch.json").write_text(json.dumps(document))
    said = command("rerun", "--status", tmp_path)
    assert said.exit_code == 0, said.output
    assert "A0  failed" in said.output
    assert "cell 3: QMapError: of another detector" in said.output
    assert isinstance(command("rerun", "--status", tmp_path / "jobs").exception, FileFormatError)


def test_replay_takes_places_of_inputs(tmp_path):
    assert command("replay", tmp_path, "--input", "nothing").exit_code == 2
    assert isinstance(command("replay", tmp_path).exception, FileFormatError)
