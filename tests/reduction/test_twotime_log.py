"""Log two-time correlation: each cell is the mean of the full map over its frames, by either way."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import h5py
import numpy as np
import pytest

import xpcs_nb as xnb
from xpcs_nb.analysis import trust_report
from xpcs_nb.core import FrameRange, LogGrid, PixelLabels
from xpcs_nb.errors import CorruptDataError, FileFormatError, OptionError
from xpcs_nb.reduction import _twotime_log, log_twotime_maps
from xpcs_nb.testing import simulate_measurement

SHAPE = (10, 12)


@pytest.fixture(scope="module")
def exact():
    path = Path(__file__).resolve().parents[1] / "reference" / "twotime.py"
    spec = importlib.util.spec_from_file_location("reference_twotime", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.twotime


def series(n, mean=0.4, seed=0):
    rng = np.random.default_rng(seed)
    brightness = rng.gamma(4, 0.25, size=(n, 1, 1)) * np.linspace(0.5, 1.5, SHAPE[1])
    frames = rng.poisson(mean * brightness, size=(n, *SHAPE)).astype(np.uint16)
    frames[min(3, n - 1)] = 0
    return frames


def labels_of():
    """Two dynamic bins of three static bins; some pixels are not used."""
    pixel = np.arange(5, 115)
    static = (pixel // 20).astype(np.int64)
    owner = np.array([0, 0, 0, 1, 1, 1])
    rows = np.arange(len(pixel)) % 7
    return PixelLabels(pixel, static, owner[static], rows, owner, 6, 2, 7, SHAPE)


def averaged(full, grid):
    """Mean of the full map over each cell, one cell after the other."""
    cells = np.empty(len(grid))
    full = full + np.triu(full, 1).T
    for delay in range(len(grid.delays)):
        size, channel = 1 << int(grid.delays.level[delay]), int(grid.delays.channel[delay])
        for group in range(int(grid.delays.n_pairs[delay])):
            block = full[group * size : (group + 1) * size, (group + channel) * size : (group + channel + 1) * size]
            cells[grid.start[delay] + group] = block.mean()
    return cells


@pytest.mark.parametrize("sparse", [True, False], ids=["photons", "frames"])
@pytest.mark.parametrize(
    ("n", "stride", "avg"), [(2, 1, 1), (3, 1, 1), (17, 1, 1), (150, 1, 1), (301, 1, 1), (300, 2, 3)]
)
def test_cells_are_means_of_the_full_map(exact, array_source, sparse, n, stride, avg, monkeypatch):
    monkeypatch.setattr(_twotime_log, "FEW", 1.0 if sparse else -1.0)
    monkeypatch.setattr(_twotime_log, "PIXELS_AT_ONCE", 13)
    frames = series(n)
    labels, span = labels_of(), FrameRange(0, n // (stride * avg) * stride * avg, stride, avg)
    found = list(log_twotime_maps(array_source(frames, is_sparse=sparse), labels, span))
    assert [each.bin for each in found] == [1, 2]
    taken = frames[: span.end : stride].reshape(-1, avg, *SHAPE).astype(float).mean(axis=1)
    for each in found:
        here = labels.dynamic == each.bin - 1
        full, _, _ = exact(taken.reshape(len(taken), -1)[:, labels.pixel[here]], labels.static[here])
        np.testing.assert_allclose(each.c2, averaged(full, LogGrid(len(taken))), rtol=3e-5)


def test_smoothing_and_selection_are_those_of_the_full_map(exact, array_source):
    frames, labels = series(40), labels_of()
    (found,) = log_twotime_maps(array_source(frames), labels, FrameRange(0, 40), bins=[2], smooth="dqmap")
    here = labels.dynamic == 1
    full, _, _ = exact(frames.reshape(40, -1)[:, labels.pixel[here]], np.zeros(here.sum(), int))
    np.testing.assert_allclose(found.c2, averaged(full, LogGrid(40)), rtol=3e-5)


def test_bad_counts_name_their_frame(array_source):
    frames = series(100, mean=30).astype(np.float32)
    frames[77, 5, 5] = np.nan
    with pytest.raises(CorruptDataError, match="frame 77"):
        list(log_twotime_maps(array_source(frames), labels_of(), FrameRange(0, 100)))


def test_a_bin_that_is_not_there_is_refused_at_once(array_source):
    with pytest.raises(OptionError, match="without pixels"):
        log_twotime_maps(array_source(series(10)), labels_of(), FrameRange(0, 10), bins=[9])


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    made = simulate_measurement(folder, shape=(96, 96), n_frames=300, n_dynamic=3, n_static=9)
    return xnb.correlate(made.raw, made.qmap, output=folder / "out", type="twotime-log", dq_selection="1,3"), made


def test_the_file_holds_it_beside_multitau(result):
    tree, _made = result
    node = tree["twotime_log"]
    assert tree.attrs["analysis_type"] == "multitau+twotime_log"
    assert node["bin"].to_numpy().tolist() == [1, 3]
    assert node["c2"].dims == ("bin", "cell")
    assert node.sizes["cell"] == len(LogGrid(300))
    # the same decay as multi-tau has, but for the normalisation of each pair of frames
    grid = LogGrid(300)
    delays = np.add.reduceat(node["c2"].sel(bin=1).to_numpy(), grid.start[:-1]) / grid.delays.n_pairs
    g2 = tree["multitau"]["g2"].sel(bin=1).to_numpy()
    np.testing.assert_allclose(delays[:12], g2[:12], atol=0.02)
    np.testing.assert_allclose(node["lag"].to_numpy()[0], tree.attrs["frame_time"])


def test_stationarity_is_judged_by_it(result):
    tree, _ = result
    stored, anew = trust_report(tree), trust_report(tree, anew=True)
    assert "5 stretches (log two-time)" in stored["stationarity"].message
    assert stored["stationarity"] == anew["stationarity"]
    assert stored["stationarity"].verdict == "ok"


def test_cells_are_read_when_they_are_used(result):
    tree = xnb.open_result(result[0].attrs["path"])
    assert not tree["twotime_log"]["c2"].variable._in_memory


def test_a_file_with_other_cells_is_refused(result, tmp_path):
    tree, _ = result
    copy = tmp_path / "changed.hdf"
    copy.write_bytes(Path(tree.attrs["path"]).read_bytes())
    with h5py.File(copy, "a") as file:
        file["/xpcs/xpcs_nb/twotime_log"].attrs["n_frames"] = 299
    with pytest.raises(FileFormatError, match="does not fit its frames"):
        xnb.open_result(copy)
