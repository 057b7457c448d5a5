"""The commands as a user types them."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import xpcs_nb as xnb
from xpcs_nb.testing import simulate_measurement


def run(*words, check=True):
    done = subprocess.run(
        [sys.executable, "-m", "xpcs_nb", *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or not check, done.stderr
    return done


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return simulate_measurement(
        tmp_path_factory.mktemp("m"), shape=(64, 64), n_frames=100, n_dynamic=3, n_static=6, seed=3
    )


def test_correlate_prints_the_path_of_its_result(measured, tmp_path):
    done = run("correlate", measured.raw, "-q", measured.qmap, "-o", tmp_path, "--type", "Both", "-np", 2, "--save-g2")
    path = Path(done.stdout.strip())
    assert path.parent == tmp_path
    tree = xnb.open_result(path)
    assert {"multitau", "twotime"} <= set(tree.children)
    assert tree["multitau"]["g2_partial"].sizes["partial"] == 2
    assert "G2IPIF" in tree["multitau"]


def test_options_reach_the_reduction(measured, tmp_path):
    words = ("--begin-frame", 10, "--end-frame", 90, "--stride-frame", 2, "--avg-frame", 2, "--suffix", "x")
    path = Path(run("correlate", measured.raw, "-q", measured.qmap, "-o", tmp_path, *words).stdout.strip())
    assert path.name == "A001_brownian_x_results.hdf"
    tree = xnb.open_result(path)
    assert tree["saxs"].sizes["time"] == 20
    assert float(tree["multitau"]["delay"][0]) == pytest.approx(0.4)


def test_an_error_is_one_line_and_exit_code_1(measured, tmp_path):
    done = run("correlate", measured.raw, "-q", tmp_path / "none.hdf", "-o", tmp_path, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "none.hdf" in done.stderr


def test_an_unknown_type_is_refused_with_those_there_are(measured, tmp_path):
    done = run("correlate", measured.raw, "-q", measured.qmap, "-o", tmp_path, "--type", "g2", check=False)
    assert done.returncode == 1
    assert "multitau or twotime or both" in done.stderr


def test_qmap_show_and_check(measured):
    assert "3 bins" in run("qmap", "show", measured.qmap).stdout
    assert "nothing wrong" in run("qmap", "check", measured.qmap, "--raw", measured.raw).stdout


def test_result_show_validate_and_plot(measured, tmp_path):
    path = Path(run("correlate", measured.raw, "-q", measured.qmap, "-o", tmp_path).stdout.strip())
    assert "multitau" in run("result", "show", path).stdout
    assert "nothing wrong" in run("result", "validate", path).stdout
    assert run("result", "trust", path).stdout.startswith("trust: ")
    pictures = run("result", "plot", path, "-o", tmp_path / "plots").stdout.split()
    assert {Path(name).name for name in pictures} >= {"g2.png", "saxs_2d.png", "saxs_1d.png", "intensity.png"}


@pytest.mark.slow
def test_the_demo_recovers_what_it_put_in(tmp_path):
    out = run("demo", "-o", tmp_path / "demo").stdout
    known, found = map(float, re.search(r"D \(angstrom\^2/s\)\s+(\S+)\s+(\S+)", out).groups())
    assert found == pytest.approx(known, rel=0.01)
    known, found = map(float, re.search(r"n of rate = D q\^n\s+(\S+)\s+(\S+)", out).groups())
    assert found == pytest.approx(known, abs=0.02)
    for name in ("result", "plots", "notebook"):
        assert Path(re.search(rf"^{name}\s+(\S+)$", out, re.MULTILINE).group(1)).exists()
    listed = run("search", "brownian", "--catalogue", tmp_path / "demo" / "catalogue.sqlite").stdout
    assert "1 records" in listed
    assert np.count_nonzero(["succeeded" in line for line in out.splitlines()]) == 12
