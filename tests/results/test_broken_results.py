"""Results with parts that are damaged, missing or elsewhere: errors that say which, and all else is read."""

from __future__ import annotations

import shutil

import h5py
import numpy as np
import pytest

from xpcs_nb import correlate, open_result
from xpcs_nb.errors import CorruptDataError, FileFormatError, MissingFileError, MissingKeyError, OptionError
from xpcs_nb.results import validate_result
from xpcs_nb.testing import simulate_measurement

MAPS = "/xpcs/twotime/correlation_map"
SUMS = "/xpcs/multitau/unnormalized_g2"


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("result")
    made = simulate_measurement(folder, shape=(64, 64), n_frames=60, n_dynamic=3, n_static=6)
    return correlate(made.raw, made.qmap, output=folder, type="both").attrs["path"]


@pytest.fixture
def copy(sound, tmp_path):
    return shutil.copy(sound, tmp_path / "A1_results.hdf")


def test_sums_in_a_file_of_their_own_are_read(copy, tmp_path):
    shape = (len(open_result(copy)["multitau"].delay), 3, 64, 64)
    sums = np.random.default_rng(0).random(shape, dtype=np.float32)
    with h5py.File(tmp_path / "A1_G2.hdf", "w") as other:
        other["G2IPIF"] = sums
    with h5py.File(copy, "r+") as file:
        file[SUMS] = h5py.ExternalLink("A1_G2.hdf", "/G2IPIF")
    found = open_result(copy)["multitau"].G2IPIF
    np.testing.assert_array_equal(found.sel(sum="IF").isel(delay=1), sums[1, 2])


def test_sums_whose_file_is_gone_are_a_finding_and_the_rest_opens(copy):
    with h5py.File(copy, "r+") as file:
        file[SUMS] = h5py.ExternalLink("A1_G2.hdf", "/G2IPIF")
    data = open_result(copy)["multitau"].to_dataset()
    assert "G2IPIF" not in data
    assert "A1_G2.hdf" in data.attrs["G2IPIF_missing"]
    (finding,) = validate_result(copy)
    assert "A1_G2.hdf" in str(finding)


def test_a_damaged_map_is_named_and_the_others_are_read(copy):
    with h5py.File(copy, "r+") as file:
        values = file[f"{MAPS}/c2_00002"][()]
        del file[f"{MAPS}/c2_00002"]
        made = file.create_dataset(f"{MAPS}/c2_00002", data=values, chunks=values.shape, compression="gzip")
        where = made.id.get_chunk_info(0)
    with open(copy, "r+b") as file:
        file.seek(where.byte_offset)
        file.write(b"\xff" * where.size)
    maps = open_result(copy)["twotime"].c2
    assert np.isfinite(maps[2]).all()
    with pytest.raises(CorruptDataError, match=r"A1_results\.hdf.*c2_00002"):
        maps[1].load()
    (finding,) = validate_result(copy)
    assert finding.where == "twotime/c2[1]"


def test_a_map_of_another_size_is_named(copy):
    with h5py.File(copy, "r+") as file:
        del file[f"{MAPS}/c2_00003"]
        file[f"{MAPS}/c2_00003"] = np.ones((5, 5), np.float32)
    with pytest.raises(CorruptDataError, match=r"c2_00003.*\(5, 5\).*\(60, 60\)"):
        open_result(copy)["twotime"].c2.load()


def test_a_file_that_went_away_after_opening_is_said_to_be_missing(copy):
    tree = open_result(copy)
    copy.unlink()
    with pytest.raises(MissingFileError, match="A1_results"):
        tree["saxs"].scattering_2d.load()


def test_a_two_time_result_without_any_map_is_refused(copy):
    with h5py.File(copy, "r+") as file:
        for name in list(file[MAPS]):
            del file[MAPS][name]
        del file["/xpcs/twotime/processed_bins"]
        file["/xpcs/twotime/processed_bins"] = np.zeros(0, dtype=int)
    with pytest.raises(FileFormatError, match="0 maps"):
        open_result(copy)


def test_maps_alone_are_known_as_a_result_that_lacks_its_g2(copy):
    with h5py.File(copy, "r+") as file:
        del file["/xpcs/multitau"], file["/xpcs/twotime/normalized_g2"]
    with pytest.raises(MissingKeyError, match="/xpcs/twotime/normalized_g2"):
        open_result(copy)


def test_an_unreadable_record_is_named(copy):
    with h5py.File(copy, "r+") as file:
        file["/xpcs/xpcs_nb/provenance"][()] = '{"engine": '
    with pytest.raises(CorruptDataError, match="/xpcs/xpcs_nb/provenance"):
        open_result(copy)


def test_bins_without_known_angle_are_not_selected_by_angle(sound):
    tree = open_result(sound)
    assert tree.xpcs.n_bins == 3
    data = tree["multitau"].to_dataset()
    data = data.assign_coords(phi=("bin", np.full(3, np.nan)))
    q = float(data.q[1])
    assert data.xpcs.sel(q=q).bin == 2
    with pytest.raises(OptionError, match="does not say the phi"):
        data.xpcs.sel(q=q, phi=10)
