"""Finding and reading metadata files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from xpcs_nb.errors import CorruptDataError, FileFormatError, MissingFileError, MissingKeyError
from xpcs_nb.hdf5 import find_metadata, read_metadata
from xpcs_nb.testing import write_metadata

DETECTOR = "/entry/instrument/detector_1"


@pytest.fixture
def metadata_file(tmp_path: Path) -> Path:
    return write_metadata(
        tmp_path / "A001_metadata.hdf", frame_time=2e-3, count_time=1e-3, energy=12.4, beam_center=(200.5, 100.25)
    )


def change(path: Path, key: str, value: object) -> None:
    with h5py.File(path, "r+") as file:
        if key in file:
            del file[key]
        if value is not None:
            file[key] = value


def test_values_come_back_as_written(metadata_file: Path) -> None:
    read = read_metadata(metadata_file)
    assert (read.frame_time, read.count_time, read.energy) == (2e-3, 1e-3, 12.4)
    assert (read.beam_center_x, read.beam_center_y) == (200.5, 100.25)
    assert (read.detector_distance, read.pixel_size) == (5.0, 75e-6)
    assert read.values["/entry/user/name"] == "nobody"
    assert read.problems == ()


def test_every_required_entry_of_the_schema_is_written_with_its_attributes(metadata_file: Path) -> None:
    required = (
        ["definition", "schema_version", "entry_identifier", "beamline", "scan_number", "start_time"]
        + [
            f"instrument/detector_1/{name}"
            for name in "beam_center_x beam_center_y beam_center_position_x beam_center_position_y "
            "position_x position_y rotation_x rotation_y rotation_z count_time frame_time".split()
        ]
        + [f"instrument/incident_beam/{name}" for name in ("incident_energy", "ring_current")]
        + [f"sample/huber_{name}" for name in ("nu", "delta", "mu", "eta", "chi", "phi")]
        + [f"user/{name}" for name in ("name", "email", "institution", "cycle", "proposal_id")]
    )
    with h5py.File(metadata_file) as file:
        assert [name for name in required if name not in file["entry"]] == []
        lacking: list[str] = []
        file.visititems(
            lambda name, node: lacking.append(name) if {"NX_Class", "unit", "description"} - set(node.attrs) else None
        )
        assert lacking == []


def test_beam_centre_follows_the_detector_stage(metadata_file: Path) -> None:
    change(metadata_file, f"{DETECTOR}/position_x", 0.0075)
    change(metadata_file, f"{DETECTOR}/position_y", -0.00075)
    read = read_metadata(metadata_file)
    assert read.beam_center_x == pytest.approx(300.5)
    assert read.beam_center_y == pytest.approx(90.25)


def test_stage_positions_in_other_units_give_no_beam_centre_and_a_reason(metadata_file: Path) -> None:
    change(metadata_file, f"{DETECTOR}/position_x", -230.0)
    change(metadata_file, f"{DETECTOR}/beam_center_position_x", 1677.5)
    read = read_metadata(metadata_file)
    assert np.isnan(read.beam_center_x)
    assert read.beam_center_y == 100.25
    assert "position_x -230.0" in read.problems[0]


def test_pixels_that_are_not_square_give_no_pixel_size_and_a_reason(metadata_file: Path) -> None:
    change(metadata_file, f"{DETECTOR}/y_pixel_size", 50e-6)
    read = read_metadata(metadata_file)
    assert read.pixel_size is None
    assert "differ" in read.problems[0]


@pytest.mark.parametrize(
    "stored",
    [np.array([[2e-3]]), np.float32(2e-3), [2e-3, 2e-3], b"0.002", "2e-3", np.array(2e-3)],
    ids=["array", "float32", "list", "bytes", "text", "0d"],
)
def test_a_scalar_is_read_however_it_is_stored(metadata_file: Path, stored: object) -> None:
    change(metadata_file, f"{DETECTOR}/frame_time", stored)
    assert read_metadata(metadata_file).frame_time == pytest.approx(2e-3, rel=1e-6)


@pytest.mark.parametrize(
    "key",
    [
        f"{DETECTOR}/frame_time",
        f"{DETECTOR}/count_time",
        f"{DETECTOR}/beam_center_x",
        f"{DETECTOR}/beam_center_y",
        "/entry/instrument/incident_beam/incident_energy",
    ],
)
def test_a_missing_needed_entry_is_named(metadata_file: Path, key: str) -> None:
    change(metadata_file, key, None)
    with pytest.raises(MissingKeyError) as raised:
        read_metadata(metadata_file)
    assert key in str(raised.value)
    assert str(metadata_file) in str(raised.value)


def test_a_missing_entry_names_those_that_look_like_it(metadata_file: Path) -> None:
    change(metadata_file, f"{DETECTOR}/frame_time", None)
    change(metadata_file, f"{DETECTOR}/frame_tim", 1.0)
    change(metadata_file, "/entry/other/frame_time", 1.0)
    with pytest.raises(MissingKeyError, match=r"/entry/other/frame_time.*detector_1/frame_tim"):
        read_metadata(metadata_file)


@pytest.mark.parametrize("key", ["distance", "x_pixel_size"])
def test_a_missing_optional_entry_is_none_and_not_a_default(metadata_file: Path, key: str) -> None:
    change(metadata_file, f"{DETECTOR}/x_pixel_size", None)
    change(metadata_file, f"{DETECTOR}/y_pixel_size", None)
    change(metadata_file, f"{DETECTOR}/distance", None)
    read = read_metadata(metadata_file)
    assert read.detector_distance is None
    assert read.pixel_size is None


def test_a_stage_that_moved_needs_the_pixel_size(metadata_file: Path) -> None:
    change(metadata_file, f"{DETECTOR}/x_pixel_size", None)
    change(metadata_file, f"{DETECTOR}/position_x", 0.1)
    with pytest.raises(MissingKeyError, match=r"x_pixel_size"):
        read_metadata(metadata_file)


@pytest.mark.parametrize("value", [float("nan"), 0.0, -1e-3, float("inf")])
@pytest.mark.parametrize("key", ["frame_time", "count_time"])
def test_a_time_that_cannot_be_is_an_error(metadata_file: Path, key: str, value: float) -> None:
    change(metadata_file, f"{DETECTOR}/{key}", value)
    with pytest.raises(CorruptDataError, match=f"{key}.*got {value}"):
        read_metadata(metadata_file)


@pytest.mark.parametrize("value", [[1e-3, 2e-3], "fast"])
def test_a_time_that_is_not_one_number_is_an_error(metadata_file: Path, value: object) -> None:
    change(metadata_file, f"{DETECTOR}/frame_time", value)
    with pytest.raises(FileFormatError, match=r"frame_time.*expected one number"):
        read_metadata(metadata_file)


def test_a_file_that_is_not_hdf5_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "A_metadata.hdf"
    path.write_text("no")
    with pytest.raises(FileFormatError, match=r"A_metadata.hdf"):
        read_metadata(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"A_metadata.hdf"):
        read_metadata(tmp_path / "A_metadata.hdf")


@pytest.mark.parametrize("raw", ["A001.h5", "B.imm", "C.bin.000"])
def test_the_only_metadata_file_is_found_whatever_its_name(metadata_file: Path, raw: str) -> None:
    assert find_metadata(metadata_file.parent / raw) == metadata_file


@pytest.mark.parametrize("raw", ["A001_5C.bin.000", "A001_5C.h5", "A001_5C.imm", "A001_5C_00001.h5", "A001_5C"])
def test_among_several_metadata_files_the_one_named_as_the_raw_file_is_found(tmp_path: Path, raw: str) -> None:
    for stem in ("A001", "A001_5C", "A001_5", "A002"):
        write_metadata(tmp_path / f"{stem}_metadata.hdf")
    assert find_metadata(tmp_path / raw) == tmp_path / "A001_5C_metadata.hdf"


def test_a_raw_name_that_ends_in_letters_of_metadata_keeps_them(tmp_path: Path) -> None:
    for stem in ("A_sample", "A_sampl"):
        write_metadata(tmp_path / f"{stem}_metadata.hdf")
    assert find_metadata(tmp_path / "A_sample.h5").name == "A_sample_metadata.hdf"


def test_several_metadata_files_and_none_matching_is_an_error_that_lists_them(tmp_path: Path) -> None:
    for stem in ("A001", "A002"):
        write_metadata(tmp_path / f"{stem}_metadata.hdf")
    with pytest.raises(FileFormatError, match=r"A001_metadata.hdf, A002_metadata.hdf.*expected B001_metadata.hdf"):
        find_metadata(tmp_path / "B001.h5")


def test_no_metadata_file_is_an_error_that_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"\*_metadata.hdf with /entry/schema_version"):
        find_metadata(tmp_path / "A001.h5")


def test_a_metadata_file_without_schema_version_is_not_taken(metadata_file: Path) -> None:
    change(metadata_file, "/entry/schema_version", None)
    with pytest.raises(MissingFileError, match=r"A001_metadata.hdf without"):
        find_metadata(metadata_file.parent / "A001.h5")


@pytest.mark.realdata
def test_measured_files_are_read(measured: Path) -> None:
    for path in sorted((measured / "aps-8idi-results").glob("*.hdf")):
        read = read_metadata(path)
        assert read.frame_time == pytest.approx(2e-5)
        assert read.energy == pytest.approx(12.34, abs=0.01)
        assert len(read.problems) == 2  # both stage axes hold dummies
        assert read.values["/entry/beamline"] == "APS-8-ID-I"
