"""Flows from the command line: what is started in one process is watched and steered from others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xpcs_nb.testing import simulate_measurement


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def run(home):
    def command(*words, check=True):
        environment = {**os.environ, "XPCS_NB_HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
        done = subprocess.run(
            [sys.executable, "-m", "xpcs_nb", *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            cwd=home,
        )
        assert done.returncode == 0 or not check, done.stderr
        return done

    return command


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return simulate_measurement(
        tmp_path_factory.mktemp("m"), shape=(64, 64), n_frames=100, n_dynamic=3, n_static=6, seed=3, name="C001_cli"
    )


@pytest.fixture(scope="module")
def started(run, measured):
    """Id of a run that goes on when the command has ended."""
    words = ("--title", "from the terminal", "--cycle", "2026-3", "--type", "both", "--smooth", "dqmap")
    return run("process", measured.raw, "--qmap", measured.qmap, *words).stdout.strip()


def test_a_run_goes_on_after_its_command_and_is_watched_by_another(run, started):
    done = run("status", started, "--wait")
    assert "Publishv2Ingest" in done.stdout
    result = Path(done.stdout.splitlines()[-1])
    assert result.name == "C001_cli_results.hdf"
    assert "2026-3" in result.parts
    assert "FlowSucceeded" in run("status", started, "--log").stdout


def test_runs_are_listed(run, started):
    run("status", started, "--wait")
    assert started in run("runs", "--status", "succeeded").stdout
    assert started not in run("runs", "--status", "failed").stdout


def test_a_result_is_reprocessed(run, started, measured):
    result = run("status", started, "--wait").stdout.splitlines()[-1]
    done = run("reprocess", result, "-q", measured.qmap, "--suffix", "wedge", "--wait")
    assert done.stdout.splitlines()[-1].endswith("C001_cli_wedge_results.hdf")


def test_a_batch_tells_what_failed(run, measured, tmp_path):
    corrupt = tmp_path / "C002_corrupt.h5"
    corrupt.write_bytes(measured.raw.read_bytes()[:3000])
    manifest = tmp_path / "manifest.txt"
    manifest.write_text(f"{measured.raw}\n{corrupt}\n")
    done = run("batch", "--manifest", manifest, "-q", measured.qmap, "--wait")
    assert "SUCCEEDED" in done.stdout
    assert "C002_corrupt: correlate: " in done.stdout


def test_a_failed_run_ends_with_exit_code_1_and_is_retried(run, measured, tmp_path):
    (tmp_path / "full").write_text("a file, where a folder should be made")
    words = ("--output", tmp_path / "full", "--no-publish", "--suffix", "retried", "--wait")
    done = run("process", measured.raw, "-q", measured.qmap, *words, check=False)
    assert done.returncode == 1
    assert "TransferResult" in done.stdout
    (tmp_path / "full").unlink()
    again = run("retry", done.stdout.split()[0], "--wait")
    assert "SUCCEEDED" in again.stdout


def test_cancelling(run, tmp_path):
    # Maps and their plots take seconds, so that the run is there when the next command has started.
    long = simulate_measurement(tmp_path, shape=(64, 64), n_frames=4000, mean_counts=0.05, n_dynamic=6, n_static=6)
    started = run("process", long.raw, "-q", long.qmap, "--type", "both").stdout.strip()
    run("cancel", started)
    assert "ENDED" in run("status", started, "--wait", check=False).stdout


def test_errors_are_one_message_and_exit_code_1(run, measured):
    for words in (
        ("process", measured.raw, "-q", "none.hdf"),
        ("process", measured.raw, "-q", measured.qmap, "--site", "aps-8idi-polaris"),
        ("process", measured.raw, "-q", measured.qmap, "--end-frame", 1),
        ("status", "none"),
        ("batch", "-q", measured.qmap, "none*.h5"),
    ):
        done = run(*words, check=False)
        assert done.returncode == 1, words
        assert "Traceback" not in done.stderr


def test_sites_are_listed_shown_and_checked(run, home):
    assert "local" in run("site", "list").stdout
    text = run("site", "show", "local").stdout
    own = home / "config" / "xpcs_nb" / "sites"
    own.mkdir(parents=True)
    (own / "here.toml").write_text(text.replace('name = "local"', 'name = "here"'))
    assert "nothing wrong" in run("site", "check", "here").stdout
    assert "fill in" in run("site", "check", "nersc-perlmutter", check=False).stderr
