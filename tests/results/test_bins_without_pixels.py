"""Bins that lose all their pixels to the detector's blemish: the result says NaN there, and opens."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from xpcs_nb import correlate, open_result
from xpcs_nb.hdf5 import read_qmap, write_qmap
from xpcs_nb.results import validate_result
from xpcs_nb.testing import simulate_measurement

STATIC_OF_2 = [3, 4]


@pytest.fixture(scope="module")
def measurement(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measurement")
    return simulate_measurement(folder, shape=(64, 64), n_frames=60, n_dynamic=3, n_static=6)


@pytest.fixture(scope="module")
def path(measurement, tmp_path_factory):
    """Path of a result in which dynamic bin 2, with its static bins, and static bin 6 have no good pixel."""
    folder = tmp_path_factory.mktemp("blemished")
    arrays = read_qmap(measurement.qmap)
    blemish = arrays.blemish & (arrays.dynamic_roi_map != 2) & (arrays.static_roi_map != 6)
    qmap = write_qmap(folder / "qmap.hdf", dataclasses.replace(arrays, blemish=blemish))
    return correlate(measurement.raw, qmap, output=folder).attrs["path"]


def test_scattering_keeps_the_place_of_every_static_bin(path, measurement, tmp_path):
    saxs = open_result(path)["saxs"].to_dataset()
    whole = correlate(measurement.raw, measurement.qmap, output=tmp_path)["saxs"].to_dataset()
    gone = np.isin(whole["static_bin"], [*STATIC_OF_2, 6])
    np.testing.assert_array_equal(saxs["static_bin"], whole["static_bin"])
    for name in ("scattering_1d", "scattering_1d_segments"):
        assert np.isnan(saxs[name].to_numpy()[..., gone]).all()
        np.testing.assert_array_equal(saxs[name].to_numpy()[..., ~gone], whole[name].to_numpy()[..., ~gone])


def test_g2_is_nan_in_the_empty_bin_only_and_validation_names_it(path):
    data = open_result(path)["multitau"].to_dataset()
    assert np.isnan(data["g2"].sel(bin=2)).all()
    assert np.isfinite(data["g2"].sel(bin=[1, 3])).all()
    (finding,) = validate_result(path)
    assert "without any g2: 2" in str(finding)


@pytest.mark.judge
@pytest.mark.filterwarnings("ignore")
def test_the_viewer_opens_it_with_each_value_at_its_q(path, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    viewer = pytest.importorskip("pyxpcsviewer.core.xpcs_file").XpcsFile(str(path))
    saxs = open_result(path)["saxs"].to_dataset()
    np.testing.assert_allclose(viewer.saxs_1d["Iq"][0], saxs["scattering_1d"], rtol=1e-6)
    np.testing.assert_allclose(viewer.saxs_1d["q"], saxs["q"], rtol=1e-6)
    np.testing.assert_allclose(viewer.g2, open_result(path)["multitau"].g2, rtol=1e-6)
