"""Two results compared: which bins belong together, and differences in units of their errors."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xpcs_nb.analysis import compare_table
from xpcs_nb.errors import OptionError

RATE = np.array([0.5, 2.0, 8.0, 20.0])


def test_independent_results_of_the_same_sample_differ_by_their_errors(make_g2):
    table = compare_table(make_g2(RATE, seed=1), make_g2(RATE, seed=2))
    assert table.sizes["pair"] == 4
    np.testing.assert_array_equal(table["old_bin"], table["new_bin"])
    np.testing.assert_allclose(table["rms_z"], 1, atol=0.35)
    np.testing.assert_allclose(table["difference"], table["g2_new"] - table["g2_old"])


def test_z_is_the_difference_over_both_errors(make_g2):
    old, new = make_g2(RATE, sigma=3e-3, noise=0), make_g2(RATE, sigma=4e-3, noise=0)
    new["g2"] = new["g2"] + 0.01
    scale = np.sqrt(1 + 20 / old["n_pairs"].to_numpy())[:, None]
    np.testing.assert_allclose(compare_table(old, new)["z"], np.broadcast_to(0.01 / (5e-3 * scale), old["g2"].shape))


def test_the_same_result_does_not_differ(make_g2):
    one = make_g2(RATE)
    table = compare_table(one, one)
    assert float(table["max_z"].max()) == 0.0


@pytest.mark.parametrize(
    ("old", "new", "noise"),
    [
        ({"raw": "a.h5"}, {"raw": "a.h5"}, "shared"),
        ({"raw": "a.h5", "start": "t0", "size": 7}, {"raw": "copy/a.h5", "start": "t0", "size": 7}, "shared"),
        ({"raw": "a.h5", "start": "t0", "size": 7}, {"raw": "b.h5", "start": "t0", "size": 8}, "independent"),
        ({"raw": "a.h5", "start": "t0"}, {"raw": "b.h5", "start": "t1"}, "independent"),
        ({"raw": "a.h5"}, {"raw": "b.h5"}, "unknown"),
        ({}, {"raw": "b.h5"}, "unknown"),
    ],
)
def test_it_is_said_whether_both_are_of_the_same_frames(make_g2, old, new, noise):
    def result(about):
        nodes = {"/multitau": make_g2(RATE)}
        if "start" in about:
            nodes["/metadata"] = xr.Dataset(attrs={"/entry/start_time": about["start"]})
        if "size" in about:
            nodes["/provenance"] = xr.Dataset(attrs={"inputs": [{"path": about["raw"], "size": about["size"]}]})
        tree = xr.DataTree.from_dict(nodes)
        tree.attrs = {"raw": about["raw"]} if "raw" in about else {}
        return tree

    assert compare_table(result(old), result(new)).attrs["noise"] == noise


def test_bins_are_paired_by_position_whatever_their_labels(make_g2):
    q = np.array([0.005, 0.010, 0.015, 0.020])
    old = make_g2(RATE, q=q)
    new = make_g2(RATE[::-1], q=q[::-1] + 2e-4)
    table = compare_table(old, new)
    np.testing.assert_array_equal(table["new_bin"], [4, 3, 2, 1])
    np.testing.assert_allclose(table["q_new"] - table["q"], 2e-4)


def test_angles_go_round(make_g2):
    old, new = make_g2(RATE, q=np.full(4, 0.01)), make_g2(RATE, q=np.full(4, 0.01))
    old = old.assign_coords(phi=("bin", [-180.0, -90.0, 0.0, 90.0]))
    new = new.assign_coords(phi=("bin", [-89.0, 1.0, 91.0, 179.0]))
    np.testing.assert_array_equal(compare_table(old, new)["new_bin"], [4, 1, 2, 3])


def test_bins_without_a_partner_are_listed_with_the_reason(make_g2):
    old = make_g2(RATE, q=np.array([0.005, 0.010, 0.015, 0.020]))
    new = make_g2(RATE[:3], q=np.array([0.005, 0.0103, 0.0125]))
    table = compare_table(old, new)
    np.testing.assert_array_equal(table["old_bin"], [1, 2])
    assert table["unmatched_old"].values.tolist() == [3, 4]
    assert table["unmatched_new"].values.tolist() == [3]
    assert "too far" in table["why_new"].item()
    assert "0.0125 1/angstrom" in table["why_old"].values[0]


def test_of_two_bins_near_one_the_nearer_is_taken(make_g2):
    old = make_g2(RATE[:2], q=np.array([0.010, 0.020]))
    new = make_g2(RATE[:3], q=np.array([0.0101, 0.0112, 0.020]))
    table = compare_table(old, new, tolerance=1.5)
    np.testing.assert_array_equal(table["new_bin"], [1, 3])
    assert "nearer to another bin" in table["why_new"].item()


def test_bins_of_the_same_label(make_g2):
    old, new = make_g2(RATE, q=np.linspace(1, 2, 4)), make_g2(RATE[:2], q=np.linspace(7, 8, 2))
    table = compare_table(old, new, match="label")
    np.testing.assert_array_equal(table["new_bin"], [1, 2])
    assert table["why_old"].values.tolist() == ["no bin of this label"] * 2


def test_only_delays_that_both_have_are_compared(make_g2):
    old, new = make_g2(RATE, n_frames=2000), make_g2(RATE, n_frames=1000)
    table = compare_table(old, new)
    assert table.sizes["delay"] == new.sizes["delay"]
    assert table.attrs["delays_only_old"] == old.sizes["delay"] - new.sizes["delay"]


def test_points_without_an_error_have_no_z(make_g2):
    old, new = make_g2(RATE), make_g2(RATE)
    old["g2_err"][0, 0], new["g2_err"][1, 0], new["g2"][2, 0] = 0.0, np.nan, np.nan
    table = compare_table(old, new)
    assert np.isnan(table["z"].values[:3, 0]).all()
    assert int(table["n_points"][0]) == old.sizes["delay"] - 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda new: new.assign_coords(delay=new["delay"] * 3.3), "no delay in common"),
        (lambda new: new.assign_coords(q=new["q"] * 100), "no bin in common"),
        (lambda new: new.drop_vars(["q", "phi"]), "can't be told by their position"),
        (lambda new: new.drop_vars("g2_err"), "no errors"),
        (lambda new: new.drop_vars("g2"), "no multi-tau"),
    ],
)
def test_what_can_not_be_compared_is_said(make_g2, change, message):
    with pytest.raises(OptionError, match=message):
        compare_table(make_g2(RATE), change(make_g2(RATE)))


def test_options_that_make_no_sense_are_refused(make_g2):
    one = make_g2(RATE)
    with pytest.raises(OptionError, match="match"):
        compare_table(one, one, match="colour")
    with pytest.raises(OptionError, match="tolerance"):
        compare_table(one, one, tolerance=0)
