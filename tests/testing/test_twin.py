"""Twins have the scattering and the dynamics of what they are twins of."""

import shutil

import h5py
import numpy as np
import pytest

from xpcs_nb.errors import OptionError
from xpcs_nb.frames import open_frames
from xpcs_nb.hdf5 import read_metadata
from xpcs_nb.qmap import QMap
from xpcs_nb.reduction import correlate
from xpcs_nb.results import open_result
from xpcs_nb.testing import compare_twin, simulate_measurement, twin

MEASURED = {"E0173": "rigaku3m", "Average_B0147": "rigaku500k", "Average_D0138": "rigaku500k"}


def process(measurement, folder):
    return correlate(
        measurement.raw, measurement.qmap, metadata=measurement.metadata, output=folder, normalize_frame=False
    )


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A simulated measurement and its result, to be twinned."""
    folder = tmp_path_factory.mktemp("original")
    measurement = simulate_measurement(folder, shape=(128, 128), n_frames=400, n_dynamic=4, n_static=20, seed=1)
    with process(measurement, folder / "out") as tree:
        return measurement, tree.attrs["path"]


@pytest.fixture(scope="module")
def twinned(original, tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    measurement = twin(original[1], folder, seed=2)
    return measurement, process(measurement, folder / "out")


def test_dynamics_of_the_twin_are_those_of_the_original(original, twinned):
    truth = twinned[0].truth
    assert truth.fitted.all()
    np.testing.assert_allclose(truth.tau, original[0].truth.tau, rtol=0.1)
    np.testing.assert_allclose(truth.beta, original[0].truth.beta, rtol=0.1)
    assert np.isnan(truth.D)


def test_processed_twin_agrees_with_its_truth_and_with_the_original(original, twinned):
    measurement, tree = twinned
    report = compare_twin(measurement, tree, original[1])
    assert report.saxs_dof == 20
    assert report.saxs_p > 1e-4
    assert report.saxs_ratio == pytest.approx(1, abs=0.01)
    for pulls in (report.g2_known, report.g2_measured):
        assert pulls.n > 50
        assert abs(pulls.mean) < 1
        assert 0.6 < pulls.std < 1.6
    assert "chi2/dof" in str(report)


def test_twin_of_dynamics_with_two_decay_times_has_both(original, tmp_path):
    result = tmp_path / "two_results.hdf"
    shutil.copy(original[1], result)
    fast, slow = 0.3, 6.0
    with h5py.File(result, "r+") as file:
        delay = file["xpcs/multitau/delay_list"][()] * 0.1
        g2 = 1 + 0.15 * np.exp(-delay / fast) + 0.15 * np.exp(-delay / slow)
        noise = np.random.default_rng(6).normal(size=(len(delay), 4)) * 1e-4
        file["xpcs/multitau/normalized_g2"][...] = g2[:, None] + noise
    measurement = twin(result, tmp_path / "twin", n_frames=20, seed=7)
    truth = measurement.truth
    assert truth.fitted.all()
    at = np.array([0.1, 0.4, 1.0, 3.0, 8.0])
    expected = 1 + 0.15 * np.exp(-at / fast) + 0.15 * np.exp(-at / slow)
    np.testing.assert_allclose(truth.g2(at), np.tile(expected[:, None], 4), atol=0.02)
    single = 1 + truth.beta * np.exp(-at[:, None] / truth.tau)
    assert np.abs(single - expected[:, None]).max() > 0.03


def test_twin_may_be_brighter_than_the_measurement(original, tmp_path):
    mean = [
        twin(original[1], tmp_path / str(scale), n_frames=5, flux_scale=scale).truth.scattering_2d for scale in (1, 3)
    ]
    np.testing.assert_allclose(mean[1], 3 * mean[0])
    with pytest.raises(OptionError, match="flux_scale"):
        twin(original[1], tmp_path, flux_scale=0)


def test_comparison_sees_wrong_scattering_and_wrong_dynamics(original, twinned, tmp_path):
    measurement, _ = twinned
    other = simulate_measurement(tmp_path, shape=(128, 128), n_frames=400, n_dynamic=4, n_static=20, D=3e4, beta=0.5)
    with process(other, tmp_path / "out") as tree:
        report = compare_twin(measurement, tree, original[1])
        wrong = tree.copy()
        wrong["saxs"]["scattering_2d"] = tree["saxs"]["scattering_2d"] * 1.1
        brighter = compare_twin(other, wrong, tree.attrs["path"])
    assert report.g2_known.std > 2
    assert report.g2_measured.std > 2
    assert brighter.saxs_p < 1e-6


def test_results_with_other_bins_are_refused(original, twinned, tmp_path):
    other = simulate_measurement(tmp_path, shape=(128, 128), n_frames=50, n_dynamic=2, n_static=10)
    with process(other, tmp_path / "out") as tree, pytest.raises(OptionError, match="bins"):
        compare_twin(twinned[0], tree, original[1])
    with pytest.raises(OptionError, match="bins"):
        compare_twin(twinned[0], twinned[1], tree.attrs["path"])


@pytest.mark.parametrize(("name", "raw_format"), MEASURED.items())
def test_twin_of_a_measured_file_conserves_its_scattering(measured, tmp_path, name, raw_format):
    (result,) = (measured / "aps-8idi-results").glob(f"{name}*.hdf")
    measurement = twin(result, tmp_path, n_frames=2000, seed=3)
    qmap = QMap.from_file(measurement.qmap)
    with open_result(result) as tree:
        expected = tree["saxs"]["scattering_2d"].to_numpy().astype(float) * 2000
        assert read_metadata(measurement.metadata).frame_time == pytest.approx(tree.attrs["frame_time"])
    with open_frames(measurement.raw) as source:
        assert source.format == raw_format
        assert source.n_frames == pytest.approx(2000, abs=20)
        events = source.events(0, source.n_frames)
    assert events.count.sum() == pytest.approx(expected.sum(), abs=5 * np.sqrt(expected.sum()))
    counts = np.bincount(events.pixel, events.count, expected.size)
    static = qmap.arrays.static_roi_map.ravel()
    found, wanted = (np.bincount(static, values)[1:] for values in (counts, expected.ravel()))
    chi2 = ((found - wanted)[wanted > 0] ** 2 / wanted[wanted > 0]).mean()
    assert not found[wanted == 0].any()
    # rare photons: the variance of chi2 has 1/expected on top of 2
    spread = np.sqrt((2 + 1 / wanted[wanted > 0]).sum()) / (wanted > 0).sum()
    assert chi2 == pytest.approx(1, abs=5 * spread + 0.3)
    assert QMap.from_result(result).hash == qmap.hash


def test_full_length_twin_of_a_measured_file_agrees_with_it(measured, tmp_path):
    (result,) = (measured / "aps-8idi-results").glob("E0173*.hdf")
    measurement = twin(result, tmp_path, seed=4)
    with process(measurement, tmp_path / "out") as tree:
        report = compare_twin(measurement, tree, result)
    assert report.saxs_p > 1e-4
    assert report.g2_known.n > 500
    assert abs(report.g2_known.mean) < 0.5
    assert 0.7 < report.g2_known.std < 1.4
    assert 0.55 < report.g2_known.within < 0.8
    # g2 of the innermost bin falls over four decades of time, which no single decay does
    with open_result(result) as tree:
        g2 = tree["multitau"]["g2"].transpose("delay", "bin").to_numpy()[:16, 0]
        delay = tree["multitau"]["delay"].to_numpy()[:16]
    assert measurement.truth.g2(delay)[:, 0].mean() == pytest.approx(g2.mean(), abs=0.04)
    assert report.g2_measured.n > 500
    assert abs(report.g2_measured.mean) < 0.2
    assert 0.8 < report.g2_measured.std < 1.2
    assert report.worst_rms < 2
