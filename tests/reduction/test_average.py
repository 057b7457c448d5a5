"""Averages of results: what they hold, what is left out, what is refused; the neighbour opens them."""

from __future__ import annotations

import gc
import shutil
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest

import xpcs_nb as xnb
from xpcs_nb.errors import MissingFileError, OptionError, QMapError, ResultExistsError
from xpcs_nb.reduction import average_to_file
from xpcs_nb.testing import simulate_measurement

N = 12


@pytest.fixture(scope="module")
def repeats(tmp_path_factory) -> list[Path]:
    """Results of 12 repeats, with sums of pixels and two-time maps: one result, with noise as large as its errors."""
    folder = tmp_path_factory.mktemp("repeats")
    made = simulate_measurement(
        folder / "raw", shape=(48, 48), n_frames=64, n_dynamic=2, n_static=4, mean_counts=2.0, name="A"
    )
    tree = xnb.correlate(made.raw, made.qmap, output=folder, type="both", save_g2=True)
    first, rng = Path(tree.attrs["path"]), np.random.default_rng(0)
    paths = []
    for number in range(N):
        paths.append(Path(shutil.copy(first, folder / f"A{number:03d}_results.hdf")))
        with h5py.File(paths[-1], "r+") as file:
            err = file["/xpcs/multitau/normalized_g2_err"][()]
            file["/xpcs/multitau/normalized_g2"][...] += err * rng.normal(size=err.shape)
            for name in ("multitau/unnormalized_G2", "temporal_mean/scattering_2d", "temporal_mean/scattering_1d"):
                file[f"/xpcs/{name}"][...] *= rng.uniform(0.9, 1.1)
            file["/xpcs/twotime/correlation_map/c2_00001"][...] *= rng.uniform(0.9, 1.1)
    return paths


def spoiled(path: Path, folder: Path, change) -> Path:
    copy = folder / path.name.replace("_results", "_bad_results")
    shutil.copy(path, copy)
    with h5py.File(copy, "r+") as file:
        change(file)
    return copy


def g2_times(factor: float):
    def change(file):
        file["/xpcs/multitau/normalized_g2"][...] = 1 + factor * (file["/xpcs/multitau/normalized_g2"][()] - 1)

    return change


@pytest.fixture(scope="module")
def mean(repeats, tmp_path_factory):
    return xnb.average(repeats, output=tmp_path_factory.mktemp("mean"), errors="scatter")


class TestContent:
    def test_every_array_is_the_mean_of_the_repeats(self, repeats, mean):
        trees = [xnb.open_result(path) for path in repeats]
        for node, name in (
            ("multitau", "g2"),
            ("multitau", "G2IPIF"),
            ("saxs", "scattering_2d"),
            ("saxs", "scattering_1d"),
            ("saxs", "scattering_1d_segments"),
            ("saxs", "intensity"),
            ("twotime", "c2"),
            ("twotime", "g2"),
            ("twotime", "g2_segments"),
        ):
            expected = np.mean([tree[node][name].to_numpy().astype(float) for tree in trees], axis=0)
            np.testing.assert_allclose(mean[node][name], expected, rtol=2e-6, atol=2e-6, err_msg=name)

    def test_errors_are_the_scatter_of_the_repeats(self, repeats, mean):
        g2 = np.stack([xnb.open_result(path)["multitau"]["g2"].to_numpy() for path in repeats]).astype(float)
        data = mean["multitau"].to_dataset()
        np.testing.assert_allclose(data["g2_err"], g2.std(axis=0, ddof=1) / N**0.5, rtol=1e-4, atol=1e-7)
        expected = np.stack([np.cov(g2[:, :, bin_].T) / N for bin_ in range(g2.shape[2])])
        np.testing.assert_allclose(data["g2_cov"], expected, rtol=1e-3, atol=1e-9)
        assert data["g2_err"].attrs["estimator"] == "scatter of 12 repeats"
        assert data["g2_cov"].attrs["samples"] == N
        assert (data["g2_dof"] == N - 1).all()

    def test_files_say_on_how_many_blocks_errors_rest(self, repeats):
        one = xnb.open_result(repeats[0])["multitau"].to_dataset()
        assert int(one["g2_dof"].min()) == one["g2_cov"].attrs["samples"] - 1
        np.testing.assert_array_equal(xnb.fit_g2(one)["error_dof"], one["g2_dof"])

    def test_it_says_what_it_is_made_of(self, repeats, mean):
        assert mean.attrs["averaged"] == [path.name for path in repeats]
        record = mean["provenance"].attrs
        assert [member["path"] for member in record["members"]] == [str(path) for path in repeats]
        assert all(member["kept"] for member in record["members"])
        assert len(record["inputs"][0]["sha256"]) == 64
        assert record["average"]["errors"] == "scatter"

    def test_it_is_a_result_like_any_other(self, mean):
        assert Path(mean.attrs["path"]).name == "Average_A000_results.hdf"
        fit = xnb.fit_g2(mean, fixed={"baseline": 1.0})
        assert fit.success.all()
        np.testing.assert_allclose(mean["multitau"]["delay"], fit["delay"])

    def test_an_average_can_be_averaged_again(self, repeats, mean, tmp_path):
        other = xnb.average(repeats[:6], output=tmp_path / "first.hdf")
        again = xnb.average([mean, other], output=tmp_path)
        assert again.attrs["averaged"] == ["Average_A000_results.hdf", "first.hdf"]


class TestLeftOut:
    def test_an_outlier_is_named_with_its_chi2(self, repeats, mean, tmp_path):
        bad = spoiled(repeats[3], tmp_path, g2_times(1.5))
        files = [*repeats[:3], bad, *repeats[4:]]
        with pytest.warns(UserWarning, match=r"left out: A003_bad_results.hdf: chi2 against the other repeats"):
            done = average_to_file(files, output=tmp_path)
        assert [member.path for member in done.left_out] == [bad]
        assert "A003_bad_results.hdf: chi2" in str(done)
        without = xnb.open_result(done.path)
        assert bad.name not in without.attrs["averaged"]
        np.testing.assert_allclose(without["multitau"]["g2"], mean["multitau"]["g2"], atol=0.02)

    def test_a_bad_baseline_is_named_with_its_value(self, repeats, tmp_path):
        def lift(file):
            file["/xpcs/multitau/normalized_g2"][-3:, 1] += 0.3

        bad = spoiled(repeats[0], tmp_path, lift)
        with pytest.warns(UserWarning, match=r"baseline 1\.\d+ outside 0.8..1.2"):
            done = average_to_file(
                [bad, *repeats[1:]], output=tmp_path, baseline=(0.8, 1.2), baseline_bins=[2], outliers=False
            )
        assert [member.path for member in done.left_out] == [bad]

    def test_a_damaged_file_is_left_out_and_listed(self, repeats, tmp_path):
        bad = tmp_path / "A999_results.hdf"
        bad.write_bytes(repeats[0].read_bytes()[:3000])
        with pytest.warns(UserWarning, match=r"left out: A999_results.hdf: can't be read"):
            done = average_to_file([bad, *repeats[:3]], output=tmp_path / "a.hdf", twotime=False, sums=False)
        assert [member.path for member in done.left_out] == [bad]
        assert xnb.open_result(done.path)["provenance"].attrs["members"][0]["chi2"] is None


class TestRefused:
    def test_another_qmap(self, repeats, tmp_path):
        def mask_more(file):
            for name in ("dynamic_roi_map", "static_roi_map"):
                file[f"/xpcs/qmap/{name}"][20, 20:25] = 0
            file["/xpcs/qmap/mask"][20, 20:25] = 0
            del file["/xpcs/qmap"].attrs["hash"]

        bad = spoiled(repeats[1], tmp_path, mask_more)
        with pytest.raises(QMapError, match=r"A001_bad_results.hdf: .*dynamic_roi_map differs in 5 pixels"):
            average_to_file([repeats[0], bad], output=tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_other_delays(self, repeats, tmp_path):
        def slower(file):
            file["/entry/instrument/detector_1/frame_time"][...] = 0.2

        bad = spoiled(repeats[1], tmp_path, slower)
        with pytest.raises(OptionError, match=r"A001_bad_results.hdf: .*delay\[0\] = 0.2 s instead of 0.1 s"):
            average_to_file([repeats[0], bad], output=tmp_path)

    def test_a_file_that_is_not_there(self, repeats, tmp_path):
        with pytest.raises(MissingFileError, match=r"none.hdf"):
            average_to_file([repeats[0], tmp_path / "none.hdf"], output=tmp_path)

    def test_one_file_twice_and_none(self, repeats, tmp_path):
        with pytest.raises(OptionError, match="count twice"):
            average_to_file([repeats[0], repeats[0]], output=tmp_path)
        with pytest.raises(OptionError, match="nothing to average"):
            average_to_file([], output=tmp_path)

    def test_a_file_that_exists(self, repeats, tmp_path):
        target = tmp_path / "mean.hdf"
        target.write_text("precious")
        with pytest.raises(ResultExistsError, match=r"mean.hdf"):
            average_to_file(repeats[:2], output=target)
        assert target.read_text() == "precious"

    def test_another_layout(self, repeats, measured, tmp_path):
        path = next((measured / "bes-pilot").glob("*.nxs"))
        with pytest.raises(OptionError, match="layout"):
            average_to_file([path, repeats[0]], output=tmp_path)


def test_memory_does_not_grow_with_the_number_of_results(repeats, tmp_path):
    def peak(files):
        # What waits for the collector is not held; when that runs is chance.
        tracemalloc.start()
        average_to_file(
            files, output=tmp_path, overwrite=True, outliers=False, twotime=False, progress=lambda *_: gc.collect()
        )
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(repeats[:2])
    assert peak(repeats) < 1.15 * peak(repeats[:3])


def test_progress_counts_results(repeats, tmp_path):
    seen = []
    average_to_file(repeats[:3], output=tmp_path, progress=lambda *told: seen.append(told))
    last = {stage: (done, total) for stage, done, total in seen}
    assert last["read"] == (3, 3)
    assert last["average"] == (3, 3)
    assert last["two-time maps"] == (2, 2)
    assert last["sums of pixels"][0] == last["sums of pixels"][1]


@pytest.mark.judge
@pytest.mark.filterwarnings("ignore")
def test_the_viewer_opens_it_and_averages_the_same(repeats, mean, tmp_path):
    xpcs_file = pytest.importorskip("pyxpcsviewer.core.xpcs_file")
    toolbox = pytest.importorskip("pyxpcsviewer.gui.control.average_toolbox")
    its = xpcs_file.XpcsFile(mean.attrs["path"])
    np.testing.assert_allclose(its.g2, mean["multitau"]["g2"])
    np.testing.assert_allclose(its.g2_err, mean["multitau"]["g2_err"])
    worker = toolbox.AverageToolbox([str(path) for path in repeats])
    found = worker.do_average_multiprocess(
        save_path=str(tmp_path / "theirs.hdf"),
        avg_blmin=0,
        avg_blmax=9,
        fields=["saxs_2d", "saxs_1d", "g2"],
        num_workers=1,
    )
    np.testing.assert_allclose(found["g2"], mean["multitau"]["g2"], rtol=1e-5)
    np.testing.assert_allclose(np.squeeze(found["saxs_2d"]), mean["saxs"]["scattering_2d"], rtol=1e-5, atol=1e-6)


@pytest.mark.realdata
def test_a_measured_average_names_its_members(measured):
    tree = xnb.open_result(next((measured / "aps-8idi-results").glob("Average_B0147*")))
    assert len(tree.attrs["averaged"]) == 128
    assert tree.attrs["averaged"][0] == "B0147_S3_7_300C10p_att00_Rq0_00501_results.hdf"
