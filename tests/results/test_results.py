"""Result files: what is written is read back as labelled arrays, lazily, and by the neighbours."""

import json
import pickle
import warnings

import h5py
import numpy as np
import psutil
import pytest
import xarray as xr

import xpcs_nb as xnb
from xpcs_nb.errors import FileFormatError, MissingFileError, MissingKeyError, OptionError
from xpcs_nb.results import result_path, validate_result
from xpcs_nb.testing import simulate_measurement


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("result")
    made = simulate_measurement(folder, shape=(64, 64), n_frames=60, n_dynamic=3, n_static=6, seed=3)
    tree = xnb.correlate(made.raw, made.qmap, output=folder, type="both", save_g2=True, num_partial_g2=3)
    return folder / tree.attrs["path"].rsplit("/", 1)[-1]


@pytest.fixture
def tree(path):
    return xnb.open_result(path)


def test_every_array_says_its_unit_and_meaning(tree):
    for node in tree.children.values():
        for name, array in node.to_dataset().variables.items():
            assert array.attrs["units"], name
            assert array.attrs["long_name"], name


def test_values_and_coordinates_are_those_of_the_file(tree, path):
    data = tree["multitau"].to_dataset()
    with h5py.File(path) as file:
        np.testing.assert_array_equal(data["g2"], file["/xpcs/multitau/normalized_g2"])
        np.testing.assert_array_equal(data["g2_err"], file["/xpcs/multitau/normalized_g2_err"])
        np.testing.assert_allclose(data["delay"], file["/xpcs/multitau/delay_list"][()] * 0.1)
        np.testing.assert_allclose(data["q"], file["/xpcs/qmap/dynamic_v_list_dim0"])
    np.testing.assert_allclose(np.sqrt(np.diagonal(data["g2_cov"], axis1=1, axis2=2)).T, data["g2_err"], rtol=1e-4)
    assert data["n_pairs"].to_numpy()[:3].tolist() == [59, 58, 57]
    assert data["G2IPIF"].dims == ("delay", "sum", "y", "x")
    assert data["g2_partial"].sizes == {"partial": 3, "delay": len(data.delay), "bin": 3}
    assert data["g2_err"].attrs["estimator"] == "block jackknife"


def test_partial_g2_of_the_whole_series_is_g2(tree):
    data = tree["multitau"].to_dataset()
    np.testing.assert_array_equal(data["partial_frames"], [20, 40, 60])
    np.testing.assert_allclose(data["g2_partial"][-1], data["g2"], rtol=1e-6)


def test_kept_sums_give_g2_again(tree):
    data = tree["multitau"].to_dataset()
    labels = tree["qmap"]["static_roi_map"].to_numpy()
    G, IP, IF = (data["G2IPIF"].sel(sum=name)[0].to_numpy() for name in ("G", "IP", "IF"))
    static = [G[labels == s].mean() / (IP[labels == s].mean() * IF[labels == s].mean()) for s in (1, 2)]
    assert float(data["g2"][0, 0]) == pytest.approx(np.mean(static), rel=1e-5)


def test_maps_are_completed_from_their_upper_triangles(tree, path):
    c2 = tree["twotime"]["c2"]
    with h5py.File(path) as file:
        upper = file["/xpcs/twotime/correlation_map/c2_00002"][()]
    np.testing.assert_array_equal(np.triu(c2[1]), np.triu(upper))
    np.testing.assert_array_equal(c2[1], c2[1].T)
    np.testing.assert_array_equal(c2.isel(bin=1, t1=slice(3, 9), t2=[1, 4]), c2[1].to_numpy()[3:9][:, [1, 4]])


@pytest.mark.parametrize(
    ("t1", "t2"),
    [
        (slice(0, 20), slice(30, 60)),
        (slice(30, 60), slice(0, 20)),
        (slice(10, 40), slice(20, 30)),
        (slice(20, 30), slice(10, 40)),
        (slice(10, 30), slice(20, 60)),
        (slice(25, 60), slice(0, 30)),
        (slice(50, 2, -7), slice(1, 60, 9)),
        (7, slice(None)),
        (slice(None), 59),
        (slice(5, 5), slice(None)),
    ],
)
def test_a_part_of_a_map_is_that_part_of_the_whole_map(tree, t1, t2):
    c2 = tree["twotime"]["c2"]
    whole = c2[2].to_numpy()
    np.testing.assert_array_equal(c2.isel(bin=2, t1=t1, t2=t2).to_numpy(), whole[t1, t2])
    assert float(c2["t1"][1]) == pytest.approx(0.1)


def test_results_with_the_same_coordinates_share_them_and_nothing_else(path, tmp_path):
    copy, other = tmp_path / "A_results.hdf", tmp_path / "B_results.hdf"
    for each in (copy, other):
        each.write_bytes(path.read_bytes())
    with h5py.File(other, "r+") as file:
        file["/xpcs/qmap/dynamic_v_list_dim0"][...] *= 2
    first, second, third = (xr.open_dataset(each, engine="xpcs", group="multitau") for each in (path, copy, other))
    xr.testing.assert_identical(first, second)
    np.testing.assert_allclose(third["q"], 2 * first["q"])
    second["q"].attrs["units"] = "changed"
    second["g2"][...] = 0.0
    second = second.assign_coords(bin=[7, 8, 9])
    again = xr.open_dataset(path, engine="xpcs", group="multitau")
    xr.testing.assert_identical(again, first)
    assert first["q"].attrs["units"] == "1/angstrom"
    assert float(again["g2"].min()) > 0
    with pytest.raises(ValueError, match="read-only"):
        first["phi"].to_numpy()[0] = 1.0


def test_the_intensity_of_a_long_series_stays_in_the_file(path, tmp_path, monkeypatch):
    eager = xr.open_dataset(path, engine="xpcs", group="saxs").load()
    monkeypatch.setattr("xpcs_nb.hdf5._nodes.LONG", 10)
    copy = tmp_path / "A_results.hdf"
    copy.write_bytes(path.read_bytes())
    lazy = xr.open_dataset(copy, engine="xpcs", group="saxs")
    assert not lazy["intensity"]._in_memory
    np.testing.assert_array_equal(lazy["intensity"][5:9], eager["intensity"][5:9])
    xr.testing.assert_identical(lazy["intensity"].load(), eager["intensity"])


def test_a_bin_is_found_by_q_label_or_phi(tree):
    data = tree["multitau"].to_dataset()
    q = float(data["q"][1])
    assert int(data["g2"].sel(q=q * 1.01, method="nearest")["bin"]) == 2
    assert int(data.xpcs.sel(q=q * 1.01)["bin"]) == 2
    assert int(tree.xpcs.sel(bin=3)["bin"]) == 3
    assert [label for label, _, _ in tree.xpcs.bins()] == [1, 2, 3]
    with pytest.raises(OptionError, match="one of 1, 2, 3"):
        data.xpcs.sel(bin=9)
    with pytest.raises(OptionError, match="by label"):
        data.xpcs.sel()


def test_xarray_opens_results_by_engine_name(path):
    data = xr.open_dataset(path, engine="xpcs", group="saxs")
    assert data["scattering_2d"].shape == (64, 64)
    assert "multitau" in xr.open_datatree(path, engine="xpcs").children
    with pytest.raises(MissingKeyError, match="multitau"):
        xr.open_dataset(path, engine="xpcs", group="nothing")


def test_views_of_other_layers_are_methods(tree):
    fit = tree["multitau"].to_dataset().xpcs.fit()
    assert set(fit["status"].to_numpy().tolist())
    assert tree.xpcs.plot_g2().axes
    assert "plot_twotime" in dir(tree.xpcs)
    with pytest.raises(AttributeError, match=r"views: .*fit, "):
        _ = tree.xpcs.no_such_view


def test_a_result_says_how_it_was_made(tree, path):
    made = tree["provenance"].attrs
    assert made["engine"] == "builtin"
    assert made["options"]["num_partial_g2"] == 3
    assert made["versions"]["xpcs-nb"]
    assert len(made["inputs"]) == 3
    assert all(len(each["sha256"]) == 64 for each in made["inputs"])
    assert json.dumps(made)


def test_a_tree_travels_to_another_process(tree):
    copy = pickle.loads(pickle.dumps(tree["multitau"].to_dataset()))  # noqa: S301
    xr.testing.assert_identical(copy.load(), tree["multitau"].to_dataset().load())


def test_opening_two_gigabytes_of_maps_reads_none(path, tmp_path):
    large = tmp_path / "large_results.hdf"
    large.write_bytes(path.read_bytes())
    with h5py.File(large, "r+") as file:
        for name in list(file["/xpcs/twotime/correlation_map"]):
            del file["/xpcs/twotime/correlation_map"][name]
            shape = (13_400, 13_400)
            file.create_dataset(f"/xpcs/twotime/correlation_map/{name}", shape, "f4", chunks=(1340, 1340))
        del file["/xpcs/twotime/normalized_g2"], file["/xpcs/twotime/normalized_g2_segments"]
        file["/xpcs/twotime/normalized_g2"] = np.ones((13_400, 3), "f4")
    xnb.open_result(path).close()
    before = psutil.Process().memory_info().rss
    tree = xnb.open_result(large)
    assert tree["twotime"]["c2"].nbytes > 2e9
    assert psutil.Process().memory_info().rss - before < 50e6


def test_what_is_no_result_is_said_to_be_none(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["/data"] = 1
    with pytest.raises(FileFormatError, match="holds no XPCS result"):
        xnb.open_result(tmp_path / "other.h5")
    with pytest.raises(MissingFileError, match="none"):
        xnb.open_result(tmp_path / "none.h5")


def test_a_missing_entry_is_named(path, tmp_path):
    spoiled = tmp_path / "a_results.hdf"
    spoiled.write_bytes(path.read_bytes())
    with h5py.File(spoiled, "r+") as file:
        del file["/entry/instrument/detector_1/frame_time"]
    with pytest.raises(MissingKeyError, match="frame_time"):
        xnb.open_result(spoiled)


def test_validation_lists_what_is_wrong(path, tmp_path):
    assert validate_result(path) == []
    spoiled = tmp_path / "a_results.hdf"
    spoiled.write_bytes(path.read_bytes())
    with h5py.File(spoiled, "r+") as file:
        file["/xpcs/multitau/normalized_g2"][:, 1] = 0
        file["/xpcs/multitau/normalized_g2_err"][0, 0] = -1
    problems = " ".join(map(str, validate_result(spoiled)))
    assert "0 at every delay: 2" in problems
    assert "negative" in problems


@pytest.mark.parametrize(
    ("raw", "options", "name"),
    [
        ("A0123_sample.h5", {}, "A0123_sample_results.hdf"),
        ("A0123_data_metadata.hdf", {}, "A0123_data_results.hdf"),
        ("E0173.bin.000", {}, "E0173_results.hdf"),
        ("A1.h5", {"prefix": "new_", "suffix": "_wedge"}, "new_A1_wedge_results.hdf"),
    ],
)
def test_names_of_results(tmp_path, raw, options, name):
    assert result_path(tmp_path, tmp_path / raw, **options).name == name


def test_taken_names_are_counted_on(tmp_path):
    (tmp_path / "A1_results.hdf").touch()
    assert result_path(tmp_path, tmp_path / "A1.h5").name == "A1_results_1.hdf"
    assert result_path(tmp_path, tmp_path / "A1.h5", overwrite=True).name == "A1_results.hdf"


@pytest.mark.judge
@pytest.mark.parametrize("which", ["ours", "E0173*", "Average_B0147*", "Average_D0138*"])
def test_the_viewer_reads_the_same_numbers(path, which, request, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    file = path if which == "ours" else next((request.getfixturevalue("measured") / "aps-8idi-results").glob(which))
    with warnings.catch_warnings():
        # What its dependencies deprecate is not ours to mend.
        warnings.simplefilter("ignore")
        viewer = pytest.importorskip("pyxpcsviewer.core.xpcs_file")
        theirs = viewer.XpcsFile(str(file))
        g2, error, delay = theirs.g2, theirs.g2_err, np.asarray(theirs.t_el)
    data = xnb.open_result(file)["multitau"].to_dataset()
    np.testing.assert_allclose(data["g2"], g2, rtol=1e-6)
    # The viewer replaces errors of 0, so that it can fit with them; we show what the file says.
    known = data["g2_err"].to_numpy() > 0
    np.testing.assert_allclose(data["g2_err"].to_numpy()[known], error[known], rtol=1e-6)
    np.testing.assert_allclose(data["delay"], delay, rtol=1e-6)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "layout", "bins", "frame_time"),
    [
        ("aps-8idi-results/E0173*", "aps-8idi", 36, 2e-5),
        ("aps-8idi-results/Average_B0147*", "aps-8idi", 27, 2e-5),
        ("aps-8idi-results/Average_D0138*", "aps-8idi", 27, 2e-5),
        ("bes-pilot/B009*", "bes-pilot", 27, 5e-4),
    ],
)
def test_measured_results_open_plot_and_fit(measured, name, layout, bins, frame_time):
    (file,) = measured.glob(name)
    tree = xnb.open_result(file)
    assert tree.attrs["layout"] == layout
    data = tree["multitau"].to_dataset()
    assert data.sizes["bin"] == bins
    assert float(data["delay"][0]) == pytest.approx(frame_time, rel=1e-6)
    fit = data.xpcs.fit(model="stretched")
    assert fit.sizes["bin"] == bins
    assert all(fit["status"].to_numpy().tolist())
    assert np.isnan(fit["fitted"].to_numpy()[:, ~fit["success"].to_numpy()]).all()
    for view in ("plot_saxs_2d", "plot_saxs_1d"):
        assert getattr(tree.xpcs, view)().axes
    assert tree.xpcs.plot_g2(fit=fit, layout="overlay").axes
    assert validate_result(file) == []


@pytest.mark.realdata
def test_the_pilots_aerogel_is_static(measured):
    (file,) = measured.glob("bes-pilot/B009*")
    data = xnb.open_result(file)["multitau"].to_dataset()
    assert float((data["g2"].isel(delay=-5) - data["g2"].isel(delay=0)).std()) < 0.01
    assert bool(xnb.open_result(file)["qmap"]["mask"].mean() > 0.5)


def test_the_older_exchange_layout(tmp_path):
    rng = np.random.default_rng(0)
    file = tmp_path / "old.hdf"
    labels = np.repeat(np.arange(5, dtype=np.uint32), 20).reshape(10, 10)
    g2 = rng.normal(1.1, 0.01, (8, 2)).astype("f4")
    with h5py.File(file, "w") as old:
        old["/exchange/norm-0-g2"], old["/exchange/norm-0-stderr"] = g2, g2 * 0 + 0.01
        old["/exchange/tau"] = np.arange(1, 9, dtype="f4")[None]
        old["/exchange/partition-mean-total"] = np.arange(4, dtype="f4")[None]
        old["/exchange/partition-mean-partial"] = np.ones((10, 4), "f4")
        old["/exchange/pixelSum"] = np.ones((10, 10), "f4")
        old["/exchange/frameSum"] = np.stack([np.arange(100), np.ones(100)]).astype("f4")
        old["/xpcs/dqmap"], old["/xpcs/sqmap"] = (labels + 1) // 2, labels
        old["/xpcs/mask"] = (labels > 0).astype("u1")
        for name, values in (("dqlist", [0.01, 0.02]), ("sqlist", [0.005, 0.01, 0.02, 0.03])):
            old[f"/xpcs/{name}"] = np.array([values])
            old[f"/xpcs/{name.replace('q', 'phi')}"] = np.zeros((1, len(values)))
        for name, number in (("dnoq", 2), ("snoq", 4), ("dnophi", 1), ("snophi", 1), ("stride_frames", 2)):
            old[f"/xpcs/{name}"] = np.array([[float(number)]])
        old["/xpcs/output_data"] = "/exchange"
        old["/measurement/instrument/detector/exposure_period"] = np.array([[0.5]])
    tree = xnb.open_result(file)
    assert tree.attrs["layout"] == "aps-exchange"
    data = tree["multitau"].to_dataset()
    np.testing.assert_array_equal(data["g2"], g2)
    np.testing.assert_allclose(data["delay"], np.arange(1, 9))
    np.testing.assert_allclose(data["q"], [0.01, 0.02])
    assert tree["saxs"].sizes["segment"] == 10
    assert tree.xpcs.plot_g2().axes
