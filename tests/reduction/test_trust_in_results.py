"""Results carry their trust report: the same that is made of the file again."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

import xpcs_nb as xnb
from xpcs_nb.analysis import preview_trust, trust_report
from xpcs_nb.qmap import pixel_labels
from xpcs_nb.testing import simulate_measurement


@pytest.fixture(scope="module")
def measurement(tmp_path_factory):
    return simulate_measurement(tmp_path_factory.mktemp("trust"), shape=(128, 128), n_frames=400)


@pytest.fixture(scope="module")
def result(measurement, tmp_path_factory):
    return xnb.correlate(
        measurement.raw, measurement.qmap, output=tmp_path_factory.mktemp("results"), type="both", save_g2=True
    )


def test_a_sound_measurement_has_no_warning(result):
    report = result.xpcs.trust()
    assert report.warnings == ()
    assert report.unknown == ()
    assert not [str(check) for check in report if "failed" in check.message]


def test_the_report_in_the_file_is_the_one_made_of_the_file(result):
    stored, anew = trust_report(result), trust_report(result, anew=True)
    assert [check.name for check in stored] == [check.name for check in anew]
    for ours, again in zip(stored, anew, strict=True):
        assert (ours.name, ours.verdict) == (again.name, again.verdict)
        assert (ours.value is None) == (again.value is None)
        assert ours.value is None or ours.value == pytest.approx(again.value, rel=1e-2, abs=1e-6), ours.name


def test_neighbours_find_plain_json(result):
    with h5py.File(result.attrs["path"]) as file:
        document = json.loads(file["/xpcs/xpcs_nb/trust"][()])
    assert document["verdict"] == result.xpcs.trust().verdict
    assert {"name", "verdict", "message", "meaning", "remedy"} <= set(document["checks"][0])


def test_any_node_leads_to_the_report(result):
    assert result["multitau"].xpcs.trust() == result.xpcs.trust()


def test_a_multitau_dataset_alone_is_judged_by_what_it_has(result):
    report = result["multitau"].to_dataset().xpcs.trust()
    assert report["baseline"].verdict == "ok"
    assert {"few_pixels", "dose", "stationarity"} <= set(report.unknown)


def test_partial_g2_shows_stationarity(measurement, tmp_path):
    result = xnb.correlate(measurement.raw, measurement.qmap, output=tmp_path, num_partial_g2=5)
    stored, anew = trust_report(result), trust_report(result, anew=True)
    assert stored["stationarity"].verdict == anew["stationarity"].verdict == "ok"
    assert "partial g2" in stored["stationarity"].message


def test_a_drifting_beam_is_reported(tmp_path):
    flux = np.linspace(1, 0.4, 300)
    made = simulate_measurement(tmp_path, shape=(96, 96), n_frames=300, flux=flux)
    result = xnb.correlate(made.raw, made.qmap, output=tmp_path / "out", normalize_frame=False)
    check = result.xpcs.trust()["intensity_drift"]
    assert check.verdict == "bad"
    assert check.value == pytest.approx(0.6 / 0.7, rel=0.02)


def test_the_editor_gets_its_warnings_at_once(result, measurement):
    preview = xnb.G2Preview.from_result(result.attrs["path"])
    qmap = xnb.QMap.from_file(measurement.qmap)
    g2, labels = preview.g2(qmap), pixel_labels(qmap.arrays)
    q = qmap.arrays.bin_centers("static")[0]
    preview_trust(g2, labels, q=q)
    begin = time.process_time()
    report = preview_trust(g2, labels, q=q)
    assert time.process_time() - begin < 0.1
    names = [check.name for check in report]
    assert names == ["partition", "empty_bins", "few_pixels", "q_spread", "baseline", "contrast", "signal"]
    assert report.verdict in ("ok", "note")


def test_the_report_costs_no_start_up(measurement, tmp_path):
    program = f"""
import sys
from xpcs_nb.reduction import correlate_to_file
correlate_to_file({str(measurement.raw)!r}, {str(measurement.qmap)!r}, output={str(tmp_path)!r})
heavy = [name for name in ("xarray", "scipy", "pandas", "numba", "matplotlib") if name in sys.modules]
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


@pytest.mark.realdata
def test_measured_files_of_others_are_judged(measured):
    found = {}
    for path in sorted((measured / "aps-8idi-results").glob("*.hdf")) + sorted((measured / "bes-pilot").glob("*.nxs")):
        report = xnb.open_result(path).xpcs.trust()
        assert not [str(check) for check in report if "failed" in check.message], path
        found[path.name[:5]] = report
    # errors by pixel scatter, and no two-time maps, in all of them
    assert all(report["errors"].verdict != "ok" for report in found.values())
    assert all(report["stationarity"].verdict == "unknown" for report in found.values())
    # the averages of 1e-6 counts have static bins of one pixel; 36 wide bins on 2.3 million pixels do not
    assert found["Avera"]["few_pixels"].verdict == "bad"
    assert found["E0173"]["few_pixels"].value < 0.1
    # aerogel does not decay, and its file holds neither static bins nor the frames' intensity
    aerogel = found["B009_"]
    assert aerogel["baseline"].verdict == "unknown"
    assert {"few_pixels", "dose", "beam", "partition"} <= set(aerogel.unknown)
