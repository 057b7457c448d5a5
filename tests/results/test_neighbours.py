"""What boost_corr writes we read, and what we write it reads."""

import h5py
import numpy as np
import pytest

import xpcs_nb as xnb
from xpcs_nb.testing import simulate_measurement

pytestmark = [
    pytest.mark.boost,
    # torch's loader forks a process that has threads; nothing runs in it but reading.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    pytest.importorskip("boost_corr")
    return simulate_measurement(
        tmp_path_factory.mktemp("m"), shape=(96, 80), n_frames=240, n_dynamic=3, n_static=9, mean_counts=0.4, seed=5
    )


@pytest.fixture(scope="module")
def theirs(measured, tmp_path_factory):
    """Path of a result that boost_corr computed and wrote."""
    solver = pytest.importorskip("boost_corr.xpcs_aps_8idi.gpu_corr_multitau")
    return solver.solve_multitau(
        qmap=str(measured.qmap),
        raw=str(measured.raw),
        output=str(tmp_path_factory.mktemp("theirs")),
        gpu_id=-1,
        crop_ratio_threshold=1.1,
        num_loaders=2,
        batch_size=256,
        max_memory=2.0,
        save_G2=False,
    )


def test_a_result_of_boost_corr_opens_with_its_numbers(theirs):
    tree = xnb.open_result(theirs)
    data = tree["multitau"].to_dataset()
    with h5py.File(theirs) as file:
        np.testing.assert_array_equal(data["g2"], file["/xpcs/multitau/normalized_g2"])
        np.testing.assert_allclose(tree["saxs"]["scattering_2d"], file["/xpcs/temporal_mean/scattering_2d"][0])
    assert data["g2_err"].attrs["estimator"] == "pixel scatter"
    assert tree["provenance"].attrs["options"]["batch_size"] == 256


def test_its_g2_is_ours_within_the_precision_of_its_queues(measured, theirs, tmp_path):
    ours = xnb.correlate(measured.raw, measured.qmap, output=tmp_path, normalize_frame=False)["multitau"].to_dataset()
    its = xnb.open_result(theirs)["multitau"].to_dataset()
    early = ours["n_pairs"].to_numpy() >= 8
    np.testing.assert_allclose(its["g2"][early], ours["g2"][early], rtol=4e-3)
    np.testing.assert_allclose(its["g2_err"][early], ours["g2_err_pixels"][early], rtol=0.1)
    np.testing.assert_allclose(its["delay"], ours["delay"])
