"""Qmaps described in a TOML file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xpcs_nb.core import Geometry
from xpcs_nb.errors import FileFormatError, MissingFileError, QMapError
from xpcs_nb.frames import open_frames
from xpcs_nb.qmap import QMap, build_qmap
from xpcs_nb.testing import simulate_measurement

GEOMETRY = Geometry(energy=10.0, detector_distance=4.0, pixel_size=75e-6, beam_center_x=31.3, beam_center_y=22.8)
START = """
[start]
shape = [60, 70]
geometry = { energy = 10, detector_distance = 4, pixel_size = 75e-6, beam_center_x = 31.3, beam_center_y = 22.8 }
"""


def spec(folder: Path, text: str) -> Path:
    path = folder / "spec.toml"
    path.write_text(text)
    return path


def test_a_file_gives_what_the_methods_give(tmp_path: Path) -> None:
    np.save(tmp_path / "mask.npy", np.arange(4200).reshape(60, 70) > 100)
    text = """
[[edits]]
kind = "file"
path = "mask.npy"
blemish = true

[[edits]]
kind = "polygon"
points = [[10, 10], [20, 10], [15, 20]]

[[edits]]
kind = "range"
conditions = [{ map = "phi", low = -100, high = 100 }]

[partition]
q = { bins = [3, 9], scale = "log" }
phi = { bins = [2, 4], symmetry = 2 }
"""
    built = build_qmap(spec(tmp_path, START + text))
    expected = (
        QMap.from_geometry(GEOMETRY, (60, 70))
        .mask_file(tmp_path / "mask.npy", blemish=True)
        .mask_polygon([(10, 10), (20, 10), (15, 20)])
        .mask_range(("phi", -100, 100))
        .partition(q={"bins": (3, 9), "scale": "log"}, phi={"bins": (2, 4), "symmetry": 2})
    )
    assert built == expected
    assert built.edits == expected.edits


def test_a_file_may_begin_with_frames_a_result_or_a_qmap(tmp_path: Path) -> None:
    measured = simulate_measurement(tmp_path, shape=(48, 64), n_frames=20, n_dynamic=2, n_static=4)
    text = "[[edits]]\nkind='threshold'\nhigh=1e6\n[partition]\nq=[2, 4]\n"
    text += f"[start]\nraw='{measured.raw.name}'\nmax_frames=10"
    built = build_qmap(spec(tmp_path, text), open_frames)
    assert built.image is not None
    built.save(tmp_path / "q.h5")
    again = build_qmap(spec(tmp_path, "[start]\nqmap = 'q.h5'"))
    assert again == built
    with pytest.raises(QMapError, match="open_frames"):
        build_qmap(spec(tmp_path, text))


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    text = """
[start]
raw = "A.h5"
result = "B.hdf"

[[edits]]
kind = "circle"
x = nan
y = 3
radius = 0

[[edits]]
kind = "heart"

[[edits]]
kind = "polygon"
points = [[1, 2]]

[partition]
q = [0, 4]
phi = [1, 1]

[colour]
"""
    with pytest.raises(QMapError) as raised:
        build_qmap(spec(tmp_path, text))
    said = str(raised.value)
    for part in (
        "7 problems",
        "start: one of raw, result, qmap, poni, geometry is needed, and there is raw and result",
        "edits.0.circle.x: Input should be a finite number",
        "edits.0.circle.radius",
        "edits.1",
        "edits.2.polygon.points",
        "partition.request.axes.0: there are no bins along q",
        "colour: Extra inputs",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "start: Field required"),
        ("[start]", "and there is none"),
        (START + "[partition]\nx = [1, 2]", "two maps"),
        (START + "[[edits]]\nkind = 'detector'", "name: Field required"),
        (START.replace("energy = 10", "energy = -1"), "energy: Input should be greater than 0"),
        (START.replace("energy = 10, ", ""), "energy: Field required"),
        (START.replace("22.8 }", "22.8, incident_angle = 0.1, orientation = 10 }"), "no such orientation"),
        (START.replace("shape = [60, 70]", ""), "needs the shape"),
        (START.replace("shape = [60, 70]", "shape = [0, 70]"), "start.shape.0"),
        ("[start]\nresult = 'a.hdf'\nmetadata = 'b.hdf'", "metadata go with raw"),
        ("[start]\nresult = 'a.hdf'\nshape = [1, 2]", "has its own"),
    ],
)
def test_a_file_that_describes_no_qmap_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(QMapError, match=message):
        build_qmap(spec(tmp_path, text))


def test_an_edit_that_fails_is_named(tmp_path: Path) -> None:
    text = START + "[[edits]]\nkind='circle'\nx=1\ny=2\nradius=3\n[[edits]]\nkind='threshold'\nhigh=3"
    with pytest.raises(QMapError, match=r"spec.toml, edits.1: the edit threshold needs an image"):
        build_qmap(spec(tmp_path, text))
    with pytest.raises(FileFormatError, match="not TOML"):
        build_qmap(spec(tmp_path, "[start"))
    with pytest.raises(MissingFileError):
        build_qmap(tmp_path / "none.toml")
