"""Where a pixel looks."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from xpcs_nb.core import HC_KEV_ANGSTROM, Geometry
from xpcs_nb.errors import OptionError
from xpcs_nb.hdf5 import read_metadata
from xpcs_nb.testing import write_metadata

GEOMETRY = Geometry(energy=10.0, detector_distance=4.0, pixel_size=75e-6, beam_center_x=31.3, beam_center_y=22.8)


def test_q_is_that_of_the_scattering_angle() -> None:
    q, _ = GEOMETRY.q_phi((60, 80))
    r = np.hypot(40 - 31.3, 50 - 22.8) * 75e-6
    expected = 4 * np.pi * 10.0 / HC_KEV_ANGSTROM * np.sin(np.arctan2(r, 4.0) / 2)
    assert q[50, 40] == pytest.approx(expected, rel=1e-14)


def test_q_keeps_its_digits_next_to_the_beam() -> None:
    near = dataclasses.replace(GEOMETRY, beam_center_x=0.0, beam_center_y=1e-6)
    q, _ = near.q_phi((1, 1))
    assert q[0, 0] == pytest.approx(2 * np.pi * 10.0 / HC_KEV_ANGSTROM * 1e-6 * 75e-6 / 4.0, rel=1e-12)


def test_phi_is_zero_to_the_right_and_positive_upwards() -> None:
    centered = dataclasses.replace(GEOMETRY, beam_center_x=1.0, beam_center_y=1.0)
    _, phi = centered.q_phi((3, 3))
    assert [phi[1, 2], phi[0, 1], phi[2, 1], abs(phi[1, 0])] == pytest.approx([0, 90, -90, 180])


def test_a_swung_detector_sees_the_direct_beam_where_it_hits() -> None:
    angle = float(np.degrees(np.arctan(100 * 75e-6 / 4.0)))
    for name, place in (("swing_horizontal", (20, 130)), ("swing_vertical", (120, 30))):
        swung = dataclasses.replace(GEOMETRY, beam_center_x=30, beam_center_y=20, **{name: angle})
        q, _ = swung.q_phi((140, 140))
        assert np.unravel_index(q.argmin(), q.shape) == place
        assert q.min() < 1e-12


def test_metadata_give_the_geometry_with_swing(tmp_path: Path) -> None:
    extra = {"instrument/detector_1/flightpath_swing": 2.0, "instrument/detector_1/flightpath_swing_vertical": -1.0}
    path = write_metadata(tmp_path / "A_metadata.hdf", energy=9.0, beam_center=(3.0, 4.0), extra=extra)
    assert Geometry.from_metadata(read_metadata(path)) == Geometry(
        energy=9.0,
        detector_distance=5.0,
        pixel_size=75e-6,
        beam_center_x=3.0,
        beam_center_y=4.0,
        swing_horizontal=2.0,
        swing_vertical=-1.0,
    )


def test_metadata_without_a_distance_give_no_geometry(tmp_path: Path) -> None:
    path = write_metadata(tmp_path / "A_metadata.hdf", extra={"instrument/detector_1/distance": None})
    with pytest.raises(OptionError, match=r"A_metadata\.hdf.*detector_distance missing"):
        Geometry.from_metadata(read_metadata(path))


def test_metadata_that_contradict_themselves_give_no_geometry_and_say_why(tmp_path: Path) -> None:
    path = write_metadata(tmp_path / "A_metadata.hdf", extra={"instrument/detector_1/position_x": 500.0})
    with pytest.raises(OptionError, match=r"beam_center_x missing.*further apart than a stage moves"):
        Geometry.from_metadata(read_metadata(path))


@pytest.mark.parametrize("name", ["energy", "detector_distance", "pixel_size"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_geometry_that_cannot_be_is_refused(name: str, value: float) -> None:
    with pytest.raises(OptionError, match=name):
        dataclasses.replace(GEOMETRY, **{name: value})
