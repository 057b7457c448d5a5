"""Both engines and the float64 reference give the same g2 and the same errors on the same file."""

import sys

import numpy as np
import pytest

import xpcs_nb as xnb
from xpcs_nb.analysis import g2_from_sums
from xpcs_nb.core import ReductionOptions
from xpcs_nb.errors import EngineError, OptionError
from xpcs_nb.qmap import pixel_labels
from xpcs_nb.reduction._boost_corr import choose_engine
from xpcs_nb.reduction._kept_sums import check_sums
from xpcs_nb.testing import simulate_measurement

pytestmark = [
    pytest.mark.boost,
    # torch's loader forks a process that has threads; nothing runs in it but reading.
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    pytest.importorskip("boost_corr")
    return simulate_measurement(
        tmp_path_factory.mktemp("m"), shape=(96, 80), n_frames=240, n_dynamic=3, n_static=9, mean_counts=0.4, seed=5
    )


@pytest.fixture(scope="module")
def trees(measured, tmp_path_factory):
    """Result of each engine by (engine, normalize_frame)."""
    folder = tmp_path_factory.mktemp("r")
    return {
        (engine, normalize): xnb.correlate(
            measured.raw,
            measured.qmap,
            output=folder,
            suffix=f"{engine}_{normalize}",
            type="both",
            engine=engine,
            normalize_frame=normalize,
            save_g2=True,
        )
        for engine in ("builtin", "boost_corr")
        for normalize in (False, True)
    }


@pytest.fixture(scope="module")
def expected(measured, reference):
    """Float64 estimate by normalize_frame."""
    labels = pixel_labels(xnb.QMap.from_file(measured.qmap).arrays)
    with xnb.open_frames(measured.raw) as source:
        series = reference.correlated_frames(source.frames(0, source.n_frames), labels)
    return {
        normalize: g2_from_sums(
            reference.multitau(reference.normalized(series) if normalize else series, labels),
            labels.static_to_dynamic,
            labels.n_dynamic,
        )
        for normalize in (False, True)
    }


@pytest.mark.parametrize("normalize", [False, True])
def test_builtin_is_the_reference(trees, expected, normalize):
    data = trees["builtin", normalize]["multitau"]
    # The file holds float32.
    np.testing.assert_allclose(data["g2"], expected[normalize].g2, rtol=1e-5)
    pairs = data["n_pairs"].to_numpy() >= 2
    np.testing.assert_allclose(data["g2_err"][pairs], expected[normalize].err[pairs], rtol=1e-4)
    np.testing.assert_allclose(data["g2_err_pixels"][pairs], expected[normalize].err_pixels[pairs], rtol=1e-4)
    np.testing.assert_allclose(data["g2_cov"], expected[normalize].cov, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("normalize", [False, True])
def test_boost_corr_agrees_within_the_precision_of_its_queues(trees, expected, normalize):
    data = trees["boost_corr", normalize]["multitau"]
    # Its queues are bfloat16, with 8 bits: g2 is off by up to 5e-4 at these counts, and more where frames are
    # normalised and counts are no longer integers. Its last delays use frames that ours leave over.
    early = data["n_pairs"].to_numpy() >= 8
    np.testing.assert_allclose(data["g2"][early], expected[normalize].g2[early], rtol=4e-3)
    np.testing.assert_allclose(data["g2_err"][early], expected[normalize].err[early], rtol=0.1)
    np.testing.assert_allclose(data["g2_err_pixels"][early], expected[normalize].err_pixels[early], rtol=0.1)


def test_kept_sums_have_the_same_names_in_both_engines(trees):
    ours, theirs = (trees[engine, False]["multitau"]["G2IPIF"] for engine in ("builtin", "boost_corr"))
    # At a delay of a quarter of the series, first and last frames of a pixel differ much more than bfloat16 does.
    late = int(np.argmin(np.abs(ours["delay_frames"].to_numpy() - 64)))
    for name in ("G", "IP", "IF"):
        mine, its = (sums.sel(sum=name)[late].to_numpy() for sums in (ours, theirs))
        np.testing.assert_allclose(its[mine > 0], mine[mine > 0], rtol=0.02)


def test_two_time_maps_agree(trees):
    ours, theirs = (trees[engine, False]["twotime"].to_dataset() for engine in ("builtin", "boost_corr"))
    np.testing.assert_array_equal(ours["bin"], theirs["bin"])
    np.testing.assert_allclose(ours["c2"], theirs["c2"], rtol=2e-4, atol=1e-4)
    np.testing.assert_allclose(ours["g2"], theirs["g2"], rtol=1e-4)


def test_scattering_is_one_estimator(trees):
    ours, theirs = (trees[engine, True]["saxs"].to_dataset() for engine in ("builtin", "boost_corr"))
    for name in ours.data_vars:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-6)


def test_the_device_and_engine_are_recorded(trees):
    attrs = trees["boost_corr", True]["provenance"].attrs
    assert (attrs["engine"], attrs["device"]) == ("boost_corr", "cpu")
    assert "torch" in attrs["versions"]


def test_auto_takes_the_builtin_engine_without_a_gpu():
    assert choose_engine(ReductionOptions(engine="auto", gpu_id=-1)) == "builtin"


def test_a_gpu_that_is_not_there_is_refused_before_the_work():
    torch = pytest.importorskip("torch")
    with pytest.raises(EngineError, match="gpu_id=97"):
        choose_engine(ReductionOptions(engine="auto", gpu_id=97))
    assert not torch.cuda.is_available() or torch.cuda.device_count() < 97


def test_partial_g2_is_refused_for_boost_corr():
    with pytest.raises(OptionError, match="builtin"):
        choose_engine(ReductionOptions(engine="boost_corr", num_partial_g2=2))


def test_missing_boost_corr_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "boost_corr", None)
    with pytest.raises(ImportError, match=r"xpcs-nb\[boost\]"):
        choose_engine(ReductionOptions(engine="boost_corr"))


def test_a_wrong_intensity_at_the_end_of_the_delay_is_found(measured, reference):
    labels = pixel_labels(xnb.QMap.from_file(measured.qmap).arrays)
    with xnb.open_frames(measured.raw) as source:
        series = reference.correlated_frames(source.frames(0, source.n_frames), labels)
    sums = reference.multitau(series, labels)
    check_sums(sums, series.mean(axis=1), normalized=False)
    sums.IF[:, :, 6] *= 1.05
    with pytest.raises(EngineError, match="IF is wrong"):
        check_sums(sums, series.mean(axis=1), normalized=False)
