"""Qmap files of all layouts: written, read, and refused."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from xpcs_nb.core import QMapArrays
from xpcs_nb.errors import (
    CorruptDataError,
    FileFormatError,
    MissingFileError,
    MissingKeyError,
    ResultExistsError,
    WriteError,
)
from xpcs_nb.hdf5 import hash_qmap, mask_of, read_qmap, write_qmap


def small_qmap() -> QMapArrays:
    """6 x 8 pixels; 2 dynamic bins of 2 static bins (columns); the first row is masked."""
    static = np.tile(np.repeat(np.arange(1, 5, dtype=np.int32), 2), (6, 1))
    static[0] = 0
    return QMapArrays(
        mask=static > 0,
        blemish=np.ones((6, 8), dtype=bool),
        dynamic_roi_map=(static + 1) // 2,
        static_roi_map=static,
        dynamic_v_list=(np.array([0.01, 0.02]), np.array([0.0])),
        static_v_list=(np.array([0.008, 0.012, 0.018, 0.022]), np.array([0.0])),
        dynamic_index_mapping=np.arange(2),
        static_index_mapping=np.arange(4),
        beam_center_x=3.5,
        beam_center_y=-10.0,
        detector_distance=5.0,
        pixel_size=75e-6,
        energy=10.0,
        attrs={"source_file": "A001.h5"},
    )


def assert_same(one: QMapArrays, other: QMapArrays) -> None:
    for field in dataclasses.fields(QMapArrays):
        if field.name == "attrs":
            continue
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, tuple):
            assert all(np.array_equal(a, b) for a, b in zip(left, right, strict=True)), field.name
        elif isinstance(left, np.ndarray):
            assert left.dtype == right.dtype, field.name
            np.testing.assert_array_equal(left, right)
        else:
            assert left == right or (np.isnan(left) and np.isnan(right)), field.name


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    arrays = small_qmap()
    assert_same(read_qmap(write_qmap(tmp_path / "q.h5", arrays)), arrays)


def test_geometry_that_is_not_known_comes_back_as_nan(tmp_path: Path) -> None:
    arrays = dataclasses.replace(small_qmap(), energy=float("nan"))
    assert np.isnan(read_qmap(write_qmap(tmp_path / "q.h5", arrays)).energy)


def test_attributes_and_the_history_of_edits_come_back(tmp_path: Path) -> None:
    attrs = {"source_file": "A.h5", "edits": [{"circle": [1, 2, 3]}], "parent_hash": "abc"}
    arrays = dataclasses.replace(small_qmap(), attrs=attrs)
    read = read_qmap(write_qmap(tmp_path / "q.h5", arrays)).attrs
    assert read | attrs == read
    assert read["hash"] == hash_qmap(arrays)
    assert read["version"].startswith("xpcs_nb ")


def test_the_file_is_in_the_layout_of_the_beamline(tmp_path: Path) -> None:
    with h5py.File(write_qmap(tmp_path / "q.h5", small_qmap())) as file:
        group = file["qmap"]
        assert group["dynamic_roi_map"].dtype == np.uint8
        assert group["mask"].dtype == bool
        assert group["dynamic_num_pts"][()].tolist() == [2, 1]
        assert dict(group["static_v_list_dim0"].attrs) == {"unit": "Å⁻¹", "name": "q", "size": 4}
        assert group["map_units"].asstr()[()].tolist() == ["Å⁻¹", "deg"]


def test_large_maps_are_compressed(tmp_path: Path) -> None:
    labels = np.ones((64, 64), dtype=np.int32)
    arrays = dataclasses.replace(
        small_qmap(), mask=labels > 0, blemish=labels > 0, dynamic_roi_map=labels, static_roi_map=labels
    )
    with h5py.File(write_qmap(tmp_path / "q.h5", arrays)) as file:
        assert file["qmap/static_roi_map"].compression == "lzf"


def test_the_hash_follows_the_content_and_nothing_else() -> None:
    arrays = small_qmap()
    elsewhere = dataclasses.replace(arrays, attrs={"source_file": "B.h5"})
    mask = arrays.mask.copy()
    mask[3, 3] = False
    assert hash_qmap(arrays) == hash_qmap(elsewhere)
    assert hash_qmap(arrays) != hash_qmap(dataclasses.replace(arrays, mask=mask))
    assert hash_qmap(arrays) != hash_qmap(dataclasses.replace(arrays, energy=10.1))


def test_an_existing_file_is_refused_unless_asked(tmp_path: Path) -> None:
    path = write_qmap(tmp_path / "q.h5", small_qmap())
    with pytest.raises(ResultExistsError, match="overwrite=True"):
        write_qmap(path, small_qmap())
    changed = dataclasses.replace(small_qmap(), energy=11.0)
    write_qmap(path, changed, overwrite=True)
    assert read_qmap(path).energy == 11.0


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = write_qmap(tmp_path / "q.h5", small_qmap())
    before = path.read_bytes()
    unwritable = dataclasses.replace(small_qmap(), attrs={"too_large": np.zeros(100_000)})
    with pytest.raises(WriteError):
        write_qmap(path, unwritable, overwrite=True)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["q.h5"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WriteError, match="file"):
        write_qmap(tmp_path / "file" / "q.h5", small_qmap())


def test_a_qmap_without_blemish_takes_its_mask(tmp_path: Path) -> None:
    path = write_qmap(tmp_path / "q.h5", small_qmap())
    with h5py.File(path, "r+") as file:
        del file["qmap/blemish"]
    np.testing.assert_array_equal(read_qmap(path).blemish, small_qmap().mask)


def test_the_qmap_of_a_result_is_found(tmp_path: Path) -> None:
    source = write_qmap(tmp_path / "q.h5", small_qmap())
    with h5py.File(tmp_path / "A_results.hdf", "w") as result, h5py.File(source) as file:
        file.copy("qmap", result, "xpcs/qmap")
    assert_same(read_qmap(tmp_path / "A_results.hdf"), small_qmap())


@pytest.mark.parametrize("phi_major", [False, True])
def test_a_qmap_of_the_older_layout_gives_the_bin_of_every_label(tmp_path: Path, phi_major: bool) -> None:
    q, phi = np.meshgrid([0.01, 0.02, 0.03], [-90.0, 90.0], indexing="xy" if phi_major else "ij")
    labels = np.arange(1, 7, dtype=np.uint32).reshape(2, 3)
    with h5py.File(tmp_path / "q.h5", "w") as file:
        file["data/dynamicMap"] = file["data/staticMap"] = labels
        file["data/mask"] = np.ones((2, 3), dtype=np.uint8)
        for kind in "ds":
            file[f"data/{kind}qval"] = q.reshape(1, -1)
            file[f"data/{kind}phival"] = phi.reshape(1, -1)
            file[f"data/{kind}noq"] = [[3.0]]
            file[f"data/{kind}nophi"] = [[2.0]]
        file["data/Version"] = "1.0"
    read = read_qmap(tmp_path / "q.h5")
    for kind in ("dynamic", "static"):
        found_q, found_phi = read.bin_centers(kind)
        np.testing.assert_array_equal(found_q, q.ravel())
        np.testing.assert_array_equal(found_phi, phi.ravel())
    assert np.isnan(read.energy)
    assert read.attrs["version"] == "1.0"


def test_the_older_layout_may_list_the_bins_of_each_axis(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "q.h5", "w") as file:
        file["data/dynamicMap"] = file["data/staticMap"] = np.arange(1, 7).reshape(2, 3)
        file["data/mask"] = np.ones((2, 3))
        for kind in "ds":
            file[f"data/{kind}qval"], file[f"data/{kind}phival"] = [0.01, 0.02, 0.03], [-90.0, 90.0]
            file[f"data/{kind}noq"], file[f"data/{kind}nophi"] = 3, 2
    q, phi = read_qmap(tmp_path / "q.h5").bin_centers("dynamic")
    assert q.tolist() == [0.01, 0.01, 0.02, 0.02, 0.03, 0.03]
    assert phi.tolist() == [-90.0, 90.0] * 3


def test_the_qmap_of_an_older_result_has_its_geometry(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "r.hdf", "w") as file:
        file["xpcs/dqmap"] = file["xpcs/sqmap"] = np.array([[0, 1, 2]] * 2, dtype=np.uint32)
        file["xpcs/mask"] = np.array([[0, 1, 1]] * 2, dtype=np.uint8)
        for kind in "ds":
            file[f"xpcs/{kind}qlist"], file[f"xpcs/{kind}philist"] = [[0.01, 0.02]], [[0.0, 0.0]]
        detector, acquisition = "measurement/instrument/detector", "measurement/instrument/acquisition"
        file[f"{detector}/distance"] = [[3930.0]]
        file[f"{detector}/x_pixel_size"] = file[f"{detector}/y_pixel_size"] = [[0.055]]
        file[f"{acquisition}/beam_center_x"], file[f"{acquisition}/beam_center_y"] = [[100.0]], [[50.0]]
        file[f"{acquisition}/stage_x"], file[f"{acquisition}/stage_zero_x"] = [[1.1]], [[0.0]]
        file["measurement/instrument/source_begin/energy"] = [[10.97]]
    read = read_qmap(tmp_path / "r.hdf")
    assert read.detector_distance == pytest.approx(3.93)
    assert read.pixel_size == pytest.approx(55e-6)
    assert (read.beam_center_x, read.beam_center_y) == pytest.approx((120.0, 50.0))
    assert read.energy == 10.97
    assert read.bin_centers("dynamic")[0].tolist() == [0.01, 0.02]


def test_a_mask_with_one_for_bad_is_turned_where_that_is_sure() -> None:
    labels = np.array([[0, 1, 2]], dtype=np.int32)
    assert mask_of(np.array([[1, 0, 0]]), labels).tolist() == [[False, True, True]]
    assert mask_of(np.array([[0, 1, 1]]), labels).tolist() == [[False, True, True]]
    assert mask_of(np.array([[1, 0, 1]]), labels).tolist() == [[True, False, True]]


def test_a_file_without_a_qmap_says_what_it_has(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "q.h5", "w") as file:
        file["entry/data/data"] = 1
    with pytest.raises(MissingKeyError, match=r"q.h5.*got groups /entry.*dynamic_roi_map"):
        read_qmap(tmp_path / "q.h5")


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        read_qmap(tmp_path / "q.h5")


@pytest.mark.parametrize("key", ["mask", "static_roi_map", "dynamic_v_list_dim0", "static_index_mapping"])
def test_a_missing_entry_is_named(tmp_path: Path, key: str) -> None:
    path = write_qmap(tmp_path / "q.h5", small_qmap())
    with h5py.File(path, "r+") as file:
        del file[f"qmap/{key}"]
    with pytest.raises(MissingKeyError, match=f"/qmap/{key}"):
        read_qmap(path)


@pytest.mark.parametrize("bad", [float("nan"), 1.5, 3e9])
def test_a_label_that_is_no_label_is_an_error_with_its_place(tmp_path: Path, bad: float) -> None:
    path = write_qmap(tmp_path / "q.h5", small_qmap())
    with h5py.File(path, "r+") as file:
        labels = file["qmap/static_roi_map"][()].astype(float)
        labels[2, 3] = bad
        del file["qmap/static_roi_map"]
        file["qmap/static_roi_map"] = labels
    with pytest.raises(CorruptDataError, match=r"static_roi_map\[2, 3\].*got"):
        read_qmap(path)


def test_a_map_that_is_no_image_is_an_error(tmp_path: Path) -> None:
    path = write_qmap(tmp_path / "q.h5", small_qmap())
    with h5py.File(path, "r+") as file:
        del file["qmap/static_roi_map"]
        file["qmap/static_roi_map"] = np.zeros((2, 3, 4))
    with pytest.raises(FileFormatError, match=r"\(2, 3, 4\)"):
        read_qmap(path)


def test_a_truncated_file_is_an_error(tmp_path: Path) -> None:
    path = write_qmap(tmp_path / "q.h5", small_qmap())
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises((FileFormatError, CorruptDataError), match=r"q\.h5"):
        read_qmap(path)


@pytest.mark.realdata
def test_qmaps_of_measured_results_are_read(measured: Path) -> None:
    shapes = {}
    for path in sorted((measured / "aps-8idi-results").glob("*.hdf")):
        arrays = read_qmap(path)
        shapes[path.name[:5]] = (arrays.mask.shape, arrays.dynamic_roi_map.max(), arrays.static_roi_map.max())
        q, phi = arrays.bin_centers("static")
        assert len(q) == len(phi) == arrays.static_roi_map.max()
        assert arrays.map_units == ("1/angstrom", "degree")
    assert shapes["E0173"] == ((1676, 2100), 36, 360)
    assert shapes["Avera"] == ((512, 1024), 27, 1476)
