"""g2 of a changed qmap from kept sums: what correlating anew would give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import xpcs_nb as xnb
from xpcs_nb.errors import MissingKeyError, QMapError
from xpcs_nb.qmap import QMap, partition
from xpcs_nb.testing import simulate_measurement

#: Without frame normalisation a preview does what correlating anew does.
OPTIONS = {"normalize_frame": False}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return simulate_measurement(
        tmp_path_factory.mktemp("measured"), shape=(96, 128), n_frames=200, n_dynamic=4, n_static=12, seed=5
    )


@pytest.fixture(scope="module")
def kept(measured, tmp_path_factory):
    tree = xnb.correlate(measured.raw, measured.qmap, output=tmp_path_factory.mktemp("kept"), save_g2=True, **OPTIONS)
    return tree.attrs["path"]


@pytest.fixture(scope="module")
def changed(measured):
    """Fewer pixels, other bins."""
    old = QMap.from_file(measured.qmap)
    mask = old.arrays.mask & (old.arrays.static_roi_map > 0)
    mask[20:50, 30:60] = False
    return partition(old.geometry, old.shape, mask, q=(3, 9), phi=(2, 4))


def assert_same(found, tree):
    truth = tree["multitau"].to_dataset()
    for name in ("g2", "g2_err", "g2_err_pixels", "g2_cov"):
        np.testing.assert_allclose(found[name], truth[name], rtol=2e-4, atol=1e-7, err_msg=name)
    for name in ("delay", "delay_frames", "n_pairs", "bin", "q", "phi"):
        np.testing.assert_allclose(found[name], truth[name], err_msg=name)
        assert found[name].attrs["units"] == truth[name].attrs["units"]


def test_the_same_qmap_gives_the_same_g2(measured, kept):
    found = xnb.G2Preview.from_result(kept).g2(QMap.from_file(measured.qmap))
    assert_same(found, xnb.open_result(kept))
    assert int(found["n_missing"].sum()) == 0


@pytest.mark.parametrize("source", ["result", "frames"])
def test_a_changed_qmap_gives_what_correlating_anew_gives(measured, kept, changed, tmp_path, source):
    preview = (
        xnb.G2Preview.from_result(kept) if source == "result" else xnb.G2Preview.from_frames(measured.raw, **OPTIONS)
    )
    again = xnb.correlate(measured.raw, changed.save(tmp_path / "changed.hdf"), output=tmp_path / "again", **OPTIONS)
    found = preview.g2(changed)
    assert_same(found, again)
    assert int(found["n_pixels"].sum()) == np.count_nonzero(changed.arrays.dynamic_roi_map)


def test_a_preview_fits_and_plots_like_a_result(kept, changed):
    found = xnb.G2Preview.from_result(kept).g2(changed)
    fit = found.xpcs.fit()
    assert fit.sizes["bin"] == found.sizes["bin"]
    found.xpcs.plot_g2(fit=fit)


def test_pixels_of_which_nothing_is_kept_are_counted(measured, changed):
    keep = np.zeros(changed.shape, dtype=bool)
    keep[:, :64] = True
    found = xnb.G2Preview.from_frames(measured.raw, keep=keep, **OPTIONS).g2(changed)
    used = changed.arrays.dynamic_roi_map > 0
    assert int(found["n_pixels"].sum()) == np.count_nonzero(used & keep)
    assert int(found["n_missing"].sum()) == np.count_nonzero(used & ~keep)


def test_progress_counts_all_frames(measured):
    told = []
    xnb.G2Preview.from_frames(measured.raw, progress=lambda *each: told.append(each))
    assert told[-1] == ("multitau", 200, 200)


def test_a_result_without_sums_says_how_to_get_them(measured, tmp_path):
    tree = xnb.correlate(measured.raw, measured.qmap, output=tmp_path)
    with pytest.raises(MissingKeyError, match="save_g2"):
        xnb.G2Preview.from_result(tree.attrs["path"])


def test_a_qmap_of_another_detector_is_refused(kept, changed):
    arrays = changed.arrays
    other = QMap(
        replace(
            arrays,
            mask=arrays.mask.T,
            blemish=arrays.blemish.T,
            dynamic_roi_map=arrays.dynamic_roi_map.T,
            static_roi_map=arrays.static_roi_map.T,
        )
    )
    with pytest.raises(QMapError, match="other frames"):
        xnb.G2Preview.from_result(kept).g2(other)


def test_a_qmap_of_other_pixels_is_refused(measured, changed):
    keep = ~(changed.arrays.dynamic_roi_map > 0)
    with pytest.raises(QMapError, match="nothing is kept"):
        xnb.G2Preview.from_frames(measured.raw, keep=keep).g2(changed)


@pytest.mark.parametrize("keep", [np.ones((5, 5), bool), np.zeros((96, 128), bool)])
def test_pixels_to_keep_that_can_not_be_are_refused(measured, keep):
    with pytest.raises(QMapError):
        xnb.G2Preview.from_frames(measured.raw, keep=keep)


def test_what_was_computed_before_does_not_matter(measured, kept, changed):
    """Only bins that changed are added up again: the outcome is that of a preview that starts afresh."""
    preview, base = xnb.G2Preview.from_result(kept), QMap.from_file(measured.qmap)
    ring = base.arrays.dynamic_roi_map == 2
    steps = [
        base,
        base.mask_circle(40, 30, 8),  # some bins lose pixels
        base.mask_circle(40, 30, 8).mask_rectangle(90, 60, 20, 10),
        base,
        base.mask_pixels(np.argwhere(ring)[:, ::-1].tolist()),  # a bin is gone, the others move up
        changed,
        base.mask_circle(41, 30, 8),
    ]
    for qmap in steps:
        found, fresh = preview.g2(qmap), xnb.G2Preview.from_result(kept).g2(qmap)
        assert found.identical(fresh) or all(
            np.allclose(found[name], fresh[name], rtol=1e-12, atol=1e-15, equal_nan=True) for name in fresh.variables
        )


def test_pixel_errors_can_be_left_out(kept, changed):
    preview = xnb.G2Preview.from_result(kept)
    full = preview.g2(changed)
    short = preview.g2(changed, pixel_errors=False)
    assert "g2_err_pixels" not in short
    np.testing.assert_array_equal(short["g2_err"], full["g2_err"])
    assert "g2_err_pixels" in preview.g2(changed)
