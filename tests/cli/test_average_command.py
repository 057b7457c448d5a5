"""``xpcs-nb average`` as a user types it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import xpcs_nb as xnb
from xpcs_nb.testing import simulate_measurement


def run(*words):
    command = [sys.executable, "-m", "xpcs_nb", "average", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("m")
    made = simulate_measurement(folder, shape=(48, 48), n_frames=64, n_dynamic=2, n_static=4, name="A")
    first = Path(xnb.correlate(made.raw, made.qmap, output=folder).attrs["path"])
    return [first, Path(shutil.copy(first, folder / "B_results.hdf"))]


def test_it_prints_the_path_of_the_average(results, tmp_path):
    done = run(*results, "-o", tmp_path, "--errors", "scaled", "--baseline-min", 0.5, "--baseline-bins", "1,2")
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.strip())
    assert path == tmp_path / "Average_A_results.hdf"
    assert xnb.open_result(path).attrs["averaged"] == ["A_results.hdf", "B_results.hdf"]


def test_a_missing_file_is_one_line_and_exit_code_1(results, tmp_path):
    done = run(results[0], tmp_path / "none.hdf", "-o", tmp_path)
    assert done.returncode == 1
    assert "none.hdf" in done.stderr
    assert "Traceback" not in done.stderr
