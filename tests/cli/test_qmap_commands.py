"""``xpcs-nb qmap`` as a user types it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xpcs_nb.cli import make_app
from xpcs_nb.qmap import QMap

SPEC = """
[start]
shape = [60, 70]
geometry = { energy = 10, detector_distance = 4, pixel_size = 75e-6, beam_center_x = 31.3, beam_center_y = 22.8 }

[[edits]]
kind = "circle"
x = RADIUS
y = 20
radius = 5

[partition]
q = [3, 9]
"""


def run(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(make_app(), ["qmap", *map(str, words)])
    assert done.exit_code == code, done.output
    return done.stdout.strip()


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    for name, place in (("a", "10"), ("b", "50")):
        (tmp_path / f"{name}.toml").write_text(SPEC.replace("RADIUS", place))
    return [Path(run("build", tmp_path / f"{name}.toml", "-o", tmp_path / f"{name}.h5")) for name in "ab"]


def test_a_qmap_is_built_checked_shown_and_compared(two: list[Path]) -> None:
    assert run("check", two[0]) == "nothing wrong found"
    shown = run("show", two[0])
    assert "edits        circle, partition" in shown
    assert QMap.from_file(two[0]).hash in shown
    assert run("diff", two[0], two[0]) == "no difference"
    assert "+ circle mode='exclude', x=50.0" in run("diff", *two, code=1)


def test_qmaps_are_combined_and_drawn(two: list[Path], tmp_path: Path) -> None:
    both = Path(run("combine", *two, "-o", tmp_path / "both.h5", "--masks", "and"))
    assert QMap.from_file(both).mask.sum() < QMap.from_file(two[0]).mask.sum()
    assert run("check", both) == "nothing wrong found"
    assert Path(run("report", both)).read_bytes().startswith(b"%PDF")
    assert Path(run("report", two[0], "-o", tmp_path / "a.png")).name == "a.png"


def test_what_is_wrong_in_a_description_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(SPEC.replace("RADIUS", "nan").replace("[3, 9]", "[0, 9]"))
    words = ["qmap", "build", tmp_path / "a.toml", "-o", tmp_path / "a.h5"]
    command = [sys.executable, "-m", "xpcs_nb", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for part in ("2 problems", "edits.0.circle.x", "no bins along q"):
        assert part in done.stderr
    assert not (tmp_path / "a.h5").exists()
