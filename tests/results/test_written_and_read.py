"""A result that this package wrote, read back as labelled arrays."""

from __future__ import annotations

import hashlib
import pickle
import shutil
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from xpcs_nb import correlate, open_result
from xpcs_nb.errors import FileFormatError, MissingFileError, MissingKeyError, OptionError, XpcsError
from xpcs_nb.results import result_path, validate_result
from xpcs_nb.testing import simulate_measurement

FRAME_TIME = 0.1
N_FRAMES = 60


@pytest.fixture(scope="module")
def measurement(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measurement")
    return simulate_measurement(folder, shape=(64, 64), n_frames=N_FRAMES, n_dynamic=3, n_static=6)


@pytest.fixture(scope="module")
def tree(measurement):
    return correlate(
        measurement.raw,
        measurement.qmap,
        output=measurement.raw.parent / "results",
        type="both",
        save_g2=True,
        num_partial_g2=3,
    )


@pytest.fixture(scope="module")
def path(tree):
    return Path(tree.attrs["path"])


@pytest.fixture
def copy(path, tmp_path):
    """Return a result that a test may spoil."""
    return Path(shutil.copy(path, tmp_path / "copy_results.hdf"))


def test_every_node_has_its_dimensions(tree):
    assert dict(tree["multitau"].sizes) == {
        "delay": 18, "bin": 3, "delay2": 18, "partial": 3, "sum": 3, "y": 64, "x": 64,
    }  # fmt: skip
    assert tree["multitau"].g2.dims == tree["multitau"].g2_err.dims == ("delay", "bin")
    assert tree["multitau"].g2_cov.dims == ("bin", "delay", "delay2")
    assert tree["multitau"].g2_partial.dims == ("partial", "delay", "bin")
    assert tree["multitau"].G2IPIF.shape == (18, 3, 64, 64)
    assert tree["twotime"].c2.dims == ("bin", "t1", "t2")
    assert tree["twotime"].c2.shape == (3, N_FRAMES, N_FRAMES)
    assert tree["saxs"].scattering_2d.shape == tree["qmap"].mask.shape == (64, 64)
    assert tree["saxs"].intensity.shape == (N_FRAMES,)
    assert tree["saxs"].scattering_1d_segments.dims == ("segment", "static_bin")


def test_every_array_has_a_unit_and_a_meaning(tree):
    arrays = {
        f"{node}/{name}": variable.attrs
        for node, child in tree.children.items()
        for name, variable in child.variables.items()
    }
    assert len(arrays) > 30
    assert [name for name, attrs in arrays.items() if not (attrs.get("units") and attrs.get("long_name"))] == []
    units = {name: attrs["units"] for name, attrs in arrays.items()}
    assert units["multitau/q"] == units["saxs/q"] == "1/angstrom"
    assert units["multitau/phi"] == "degree"
    for name in ("multitau/delay", "twotime/delay", "twotime/t1", "twotime/t2", "saxs/time"):
        assert units[name] == "s"


def test_delays_are_seconds_and_know_their_pairs(tree):
    data = tree["multitau"]
    np.testing.assert_allclose(data.delay, data.delay_frames * FRAME_TIME)
    first = data.delay_frames.to_numpy() < 8
    np.testing.assert_array_equal(data.n_pairs[first], N_FRAMES - data.delay_frames[first])
    np.testing.assert_allclose(tree["twotime"].t1, np.arange(N_FRAMES) * FRAME_TIME)


def test_numbers_are_those_of_the_file(tree, path):
    with h5py.File(path) as file:
        for node, name, place in (
            ("multitau", "g2", "/xpcs/multitau/normalized_g2"),
            ("multitau", "g2_err", "/xpcs/multitau/normalized_g2_err"),
            ("multitau", "g2_partial", "/xpcs/multitau/normalized_g2_partial"),
            ("multitau", "G2IPIF", "/xpcs/multitau/unnormalized_G2"),
            ("twotime", "g2", "/xpcs/twotime/normalized_g2"),
            ("qmap", "dynamic_roi_map", "/xpcs/qmap/dynamic_roi_map"),
        ):
            np.testing.assert_array_equal(tree[node][name], file[place][()])
        np.testing.assert_array_equal(tree["saxs"].scattering_2d, file["/xpcs/temporal_mean/scattering_2d"][0])


def test_bins_lie_at_the_true_q(tree, measurement):
    np.testing.assert_allclose(tree["multitau"].q, measurement.truth.q, rtol=1e-6)


def test_unnormalized_sums_are_of_the_used_pixels(tree):
    first = tree["multitau"].G2IPIF.sel(sum="IP").isel(delay=0).to_numpy()
    used = tree["qmap"].mask.to_numpy() & (tree["qmap"].dynamic_roi_map.to_numpy() > 0)
    assert (first[used] > 0).mean() > 0.99
    assert not first[~used].any()


def test_two_time_maps_are_completed_from_the_stored_triangle(tree, path):
    maps = tree["twotime"].c2.to_numpy()
    np.testing.assert_array_equal(maps, maps.transpose(0, 2, 1))
    with h5py.File(path) as file:
        for number, full in enumerate(maps, start=1):
            stored = file[f"/xpcs/twotime/correlation_map/c2_{number:05d}"][()]
            np.testing.assert_array_equal(np.triu(full), stored)


@pytest.mark.parametrize(
    "key",
    [
        {"bin": 1},
        {"bin": [2, 0]},
        {"bin": slice(None, None, -1), "t1": 5},
        {"t1": [7, 3, 3], "t2": slice(40, 10, -3)},
        {"bin": 0, "t1": -1, "t2": -1},
        {"bin": slice(0, 0)},
    ],
)
def test_parts_of_maps_are_parts_of_the_whole(path, key):
    lazy = open_result(path)["twotime"].c2.isel(key)
    xr.testing.assert_identical(lazy.load(), open_result(path)["twotime"].c2.load().isel(key))


@pytest.mark.parametrize("key", [{"delay": [5, 1, 1]}, {"sum": 2, "y": slice(20, 3, -2)}, {"delay": -1, "x": [0, 9]}])
def test_parts_of_sums_are_parts_of_the_whole(path, key):
    lazy = open_result(path)["multitau"].G2IPIF.isel(key)
    xr.testing.assert_identical(lazy.load(), open_result(path)["multitau"].G2IPIF.load().isel(key))


def test_bins_are_found_by_q(tree):
    data = tree["multitau"].to_dataset()
    q = float(data.q[1])
    assert data.sel(q=q * 1.02, method="nearest").bin == 2
    assert tree["twotime"].to_dataset().sel(q=q * 1.02, method="nearest").bin == 2
    for owner in (tree, data, tree["multitau"]):
        assert owner.xpcs.sel(q=q * 1.02).bin == 2
        assert owner.xpcs.sel(bin=3).bin == 3
    assert [label for label, _, _ in tree.xpcs.bins()] == [1, 2, 3]


@pytest.mark.parametrize("asked", [{"bin": 4}, {"bin": 0}, {}, {"bin": 1, "q": 0.01}])
def test_an_unknown_or_unclear_bin_is_an_error(tree, asked):
    with pytest.raises(OptionError):
        tree.xpcs.sel(**asked)


def test_an_unknown_view_is_an_attribute_error_that_names_the_known_ones(tree):
    with pytest.raises(AttributeError, match="plot_g2"):
        _ = tree.xpcs.plot_everything
    assert {"sel", "bins", "plot_g2", "fit"} <= set(dir(tree.xpcs))


def test_images_have_no_dynamic_bins(tree):
    with pytest.raises(OptionError, match="no dynamic bins"):
        tree["qmap"].to_dataset().xpcs.sel(bin=1)


def test_xarray_opens_results_by_engine(tree, path):
    with xr.open_dataset(path, engine="xpcs", group="multitau") as data:
        xr.testing.assert_identical(data.load(), tree["multitau"].to_dataset().load())
    with xr.open_dataset(str(path), engine="xpcs", group="/twotime", drop_variables="c2") as data:
        assert "c2" not in data
        assert "g2" in data
    with xr.open_datatree(path, engine="xpcs") as opened:
        xr.testing.assert_identical(opened.load(), open_result(path).load())


def test_an_unknown_group_is_an_error_that_names_the_known_ones(path):
    with pytest.raises(MissingKeyError, match="multitau"):
        xr.open_dataset(path, engine="xpcs", group="multi")


def test_provenance_tells_what_made_the_result(tree, measurement):
    attrs = tree["provenance"].attrs
    assert attrs["options"]["type"] == "both"
    assert attrs["options"]["num_partial_g2"] == 3
    assert {"python", "numpy", "h5py", "xpcs-nb"} <= set(attrs["versions"])
    sums = {Path(entry["path"]).name: entry["sha256"] for entry in attrs["inputs"]}
    for file in (measurement.raw, measurement.qmap, measurement.metadata):
        assert sums[file.name] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_opening_reads_no_maps(copy):
    n = 13000  # 3 maps of 0.7 GB
    with h5py.File(copy, "r+") as file:
        maps = file["/xpcs/twotime/correlation_map"]
        for name in list(maps):
            del maps[name]
            maps.create_dataset(name, (n, n), "f4", chunks=(1000, 1000))
        del file["/xpcs/twotime/normalized_g2"]
        file["/xpcs/twotime/normalized_g2"] = np.ones((n, len(maps)), dtype=np.float32)
    tracemalloc.start()
    try:
        tree = open_result(copy)
        assert tree["twotime"].c2.nbytes > 2e9
        repr(tree)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_a_result_can_be_sent_to_another_process_unread(path):
    tree = open_result(path)
    sent = pickle.dumps(tree)
    assert len(sent) < 200_000  # the sums alone are 0.9 MB
    xr.testing.assert_identical(pickle.loads(sent).load(), tree.load())  # noqa: S301
    data = xr.open_dataset(path, engine="xpcs", group="twotime")
    xr.testing.assert_identical(pickle.loads(pickle.dumps(data)).load(), data.load())  # noqa: S301


def test_a_sound_result_has_no_findings(path):
    assert validate_result(path) == []


def test_a_spoiled_result_has_findings(copy):
    with h5py.File(copy, "r+") as file:
        g2 = file["/xpcs/multitau/normalized_g2"]
        g2[:, 0] = np.nan
        g2[:, 1] = 0
        g2[0, 2] = np.inf
        file["/xpcs/multitau/normalized_g2_err"][0, 0] = -1
        file["/xpcs/multitau/delay_list"][1] = 0
    found = "\n".join(map(str, validate_result(copy)))
    for part in ("without any g2: 1", "0 at every delay: 2", "infinite", "negative", "do not rise", "not positive"):
        assert part in found


def test_a_file_that_is_no_result_is_one_finding(measurement, tmp_path):
    for file in (measurement.metadata, tmp_path / "absent.hdf"):
        (finding,) = validate_result(file)
        assert file.name in str(finding)


def test_a_file_that_is_no_result_is_refused(measurement, tmp_path):
    for file in (measurement.metadata, measurement.raw, measurement.qmap):
        with pytest.raises(FileFormatError, match=file.name):
            open_result(file)
    text = tmp_path / "a_results.hdf"
    text.write_text("no HDF5")
    with pytest.raises(FileFormatError, match="a_results"):
        open_result(text)
    with pytest.raises(MissingFileError, match="absent"):
        open_result(tmp_path / "absent.hdf")


@pytest.mark.parametrize(
    "key",
    [
        "/entry/instrument/detector_1/frame_time",
        "/xpcs/multitau/delay_list",
        "/xpcs/twotime/processed_bins",
        "/xpcs/twotime/normalized_g2",
        "/xpcs/twotime/correlation_map",
        "/xpcs/qmap/dynamic_v_list_dim0",
        "/xpcs/qmap/static_index_mapping",
    ],
)
def test_a_missing_entry_is_named(copy, key):
    with h5py.File(copy, "r+") as file:
        del file[key]
    with pytest.raises(MissingKeyError) as caught:
        open_result(copy)
    assert key in str(caught.value)
    assert str(copy) in str(caught.value)


def test_whatever_entry_is_missing_the_rest_opens_or_the_error_is_ours(path, tmp_path):
    small = tmp_path / "small_results.hdf"
    keys: list[str] = []
    with h5py.File(path) as source, h5py.File(small, "w") as file:
        for name in source:
            source.copy(name, file)
        del file["/xpcs/multitau/unnormalized_G2"]
        file["/xpcs"].visititems(lambda name, _: keys.append(f"/xpcs/{name}"))
    whole = small.read_bytes()
    surprises = {}
    for key in keys:
        small.write_bytes(whole)
        with h5py.File(small, "r+") as file:
            del file[key]
        try:
            open_result(small)
        except XpcsError:
            continue
        except Exception as error:  # noqa: BLE001
            surprises[key] = repr(error)
    assert surprises == {}


def test_a_result_that_is_there_is_kept_and_the_next_gets_a_number(tmp_path):
    raw = Path("A0123_sample_metadata.h5")
    # A neighbour strips the letters of "_metadata" from the end, and makes "A0123_sampl" of this.
    first = result_path(tmp_path, raw)
    assert first == tmp_path / "A0123_sample_results.hdf"
    first.touch()
    second = result_path(tmp_path, raw)
    assert second == tmp_path / "A0123_sample_results_1.hdf"
    second.touch()
    assert result_path(tmp_path, raw).name == "A0123_sample_results_2.hdf"
    assert result_path(tmp_path, raw, overwrite=True) == first


@pytest.mark.parametrize(
    ("raw", "options", "name"),
    [
        ("E0173_r00001.bin.000", {}, "E0173_r00001_results.hdf"),
        ("E0173_r00001.bin", {}, "E0173_r00001_results.hdf"),
        ("A1_data.tpx.000", {}, "A1_data_results.hdf"),
        ("A1_0.5mm.h5", {}, "A1_0.5mm_results.hdf"),
        ("A1.h5", {"prefix": "test_"}, "test_A1_results.hdf"),
        ("A1.h5", {"prefix": "test", "suffix": "_late"}, "test_A1_late_results.hdf"),
    ],
)
def test_results_are_named_after_the_data(tmp_path, raw, options, name):
    assert result_path(tmp_path, Path(raw), **options).name == name
