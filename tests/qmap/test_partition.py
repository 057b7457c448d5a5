"""Partitions in q and phi."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from xpcs_nb.core import Geometry
from xpcs_nb.errors import QMapError
from xpcs_nb.qmap import QMap, partition

SHAPE = (60, 80)
GEOMETRY = Geometry(energy=10.0, detector_distance=4.0, pixel_size=75e-6, beam_center_x=31.3, beam_center_y=22.8)
ALL = np.ones(SHAPE, dtype=bool)
Q, PHI = GEOMETRY.q_phi(SHAPE)


def owners(qmap: QMap) -> list[int]:
    """Number of dynamic bins that each static bin lies in."""
    static, dynamic = qmap.arrays.static_roi_map, qmap.arrays.dynamic_roi_map
    return [len(np.unique(dynamic[static == label])) for label in range(1, static.max() + 1)]


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(
    q_dynamic=st.integers(1, 9),
    q_cut=st.integers(1, 6),
    phi_dynamic=st.integers(1, 7),
    phi_cut=st.integers(1, 4),
    scale=st.sampled_from(["linear", "log"]),
    offset=st.floats(-180, 180),
    seed=st.integers(0, 99),
)
def test_every_used_pixel_is_in_one_static_and_one_dynamic_bin(
    q_dynamic: int, q_cut: int, phi_dynamic: int, phi_cut: int, scale: str, offset: float, seed: int
) -> None:
    mask = np.random.default_rng(seed).random(SHAPE) < 0.7
    qmap = partition(
        GEOMETRY,
        SHAPE,
        mask,
        q=(q_dynamic, q_dynamic * q_cut),
        phi=(phi_dynamic, phi_dynamic * phi_cut),
        scale=scale,  # type: ignore[arg-type]
        phi_offset=offset,
    )
    arrays = qmap.arrays
    assert qmap.check(SHAPE) == []
    np.testing.assert_array_equal(arrays.static_roi_map > 0, mask)
    np.testing.assert_array_equal(arrays.dynamic_roi_map > 0, mask)
    assert set(owners(qmap)) == {1}
    assert len(np.unique(arrays.static_roi_map[mask])) == len(arrays.static_index_mapping)
    assert len(np.unique(arrays.dynamic_roi_map[mask])) == len(arrays.dynamic_index_mapping)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_pixels_lie_within_the_edges_of_their_bin(scale: str) -> None:
    low, high, number = 2e-4, 9e-4, 12
    arrays = partition(GEOMETRY, SHAPE, ALL, q=(3, number), q_range=(low, high), scale=scale).arrays  # type: ignore[arg-type]
    edges = np.linspace(low, high, number + 1) if scale == "linear" else np.geomspace(low, high, number + 1)
    expected = np.searchsorted(edges, Q, side="right")
    expected[(Q < low) | (Q > high)] = 0
    np.testing.assert_array_equal(arrays.static_roi_map, expected)
    np.testing.assert_array_equal(arrays.dynamic_roi_map, -(-expected // 4))
    np.testing.assert_array_equal(arrays.mask, expected > 0)


def test_centres_are_midpoints_on_a_linear_and_geometric_means_on_a_logarithmic_scale() -> None:
    linear = partition(GEOMETRY, SHAPE, ALL, q=(2, 4), q_range=(1e-4, 9e-4)).arrays
    assert linear.static_v_list[0] == pytest.approx([2e-4, 4e-4, 6e-4, 8e-4])
    assert linear.dynamic_v_list[0] == pytest.approx([3e-4, 7e-4])
    log = partition(GEOMETRY, SHAPE, ALL, q=(1, 2), q_range=(1e-4, 4e-4), scale="log").arrays
    assert log.static_v_list[0] == pytest.approx([np.sqrt(2) * 1e-4, np.sqrt(8) * 1e-4])
    assert log.dynamic_v_list[0] == pytest.approx([2e-4])


def test_the_centre_of_a_bin_is_where_its_pixels_are_whatever_the_offset() -> None:
    for offset in (0.0, 30.0, -75.0):
        arrays = partition(GEOMETRY, SHAPE, ALL, q=(1, 1), phi=(6, 6), phi_offset=offset).arrays
        _, centers = arrays.bin_centers("dynamic")
        for label, center in enumerate(centers, 1):
            away = (PHI[arrays.dynamic_roi_map == label] - center + 180) % 360 - 180
            assert np.abs(away).max() < 30.5


def test_the_pixel_of_the_direct_beam_has_no_bin_on_a_logarithmic_scale_and_not_the_first_either() -> None:
    centered = Geometry(energy=10.0, detector_distance=4.0, pixel_size=75e-6, beam_center_x=30, beam_center_y=20)
    arrays = partition(centered, SHAPE, ALL, q=(4, 8), scale="log").arrays
    assert np.flatnonzero(arrays.static_roi_map == 0).tolist() == [20 * SHAPE[1] + 30]
    assert not arrays.mask[20, 30]


def test_pixels_outside_of_the_range_get_no_label() -> None:
    arrays = partition(GEOMETRY, SHAPE, ALL, q=(2, 4), q_range=(3e-4, 5e-4), phi=(2, 2), phi_range=(-40, 40)).arrays
    inside = (Q >= 3e-4) & (Q <= 5e-4) & (np.abs(PHI) <= 40)
    np.testing.assert_array_equal(arrays.dynamic_roi_map > 0, inside)
    np.testing.assert_array_equal(arrays.mask, inside)


def test_a_range_of_phi_may_pass_180_degrees() -> None:
    arrays = partition(GEOMETRY, SHAPE, ALL, q=(1, 1), phi=(2, 2), phi_range=(160, 200)).arrays
    np.testing.assert_array_equal(arrays.dynamic_roi_map == 1, (PHI >= 160) & (PHI < 180))
    np.testing.assert_array_equal(arrays.dynamic_roi_map == 2, (PHI <= -160) | (PHI == 180))
    assert arrays.dynamic_v_list[1] == pytest.approx([170, -170])


def test_edges_are_taken_as_given() -> None:
    dynamic, static = [2e-4, 5e-4, 9e-4], [2e-4, 3e-4, 5e-4, 6e-4, 8e-4, 9e-4]
    qmap = partition(GEOMETRY, SHAPE, ALL, q=(dynamic, static))
    expected = np.digitize(Q, static)
    expected[expected == 6] = 0
    np.testing.assert_array_equal(qmap.arrays.static_roi_map, expected)
    np.testing.assert_array_equal(qmap.arrays.dynamic_roi_map, np.array([0, 1, 1, 2, 2, 2])[expected])
    assert qmap.arrays.dynamic_v_list[0] == pytest.approx([3.5e-4, 7e-4])


def test_empty_combinations_get_no_label_and_the_others_keep_their_bin() -> None:
    half = PHI > 0
    arrays = partition(GEOMETRY, SHAPE, half, q=(3, 3), phi=([-180, -90, 0, 90, 180], [-180, -90, 0, 90, 180])).arrays
    assert len(arrays.dynamic_index_mapping) == arrays.dynamic_roi_map.max() == 6
    q, phi = arrays.bin_centers("dynamic")
    assert set(phi) == {45.0, 135.0}
    for label in range(1, 7):
        pixels = arrays.dynamic_roi_map == label
        assert abs(Q[pixels].mean() - q[label - 1]) < np.diff(arrays.dynamic_v_list[0])[0] / 2
        assert abs(PHI[pixels].mean() - phi[label - 1]) < 45


def test_pixels_that_mirror_each_other_get_the_same_bin() -> None:
    centered = Geometry(energy=10.0, detector_distance=4.0, pixel_size=75e-6, beam_center_x=40, beam_center_y=30)
    static = partition(centered, (61, 81), np.ones((61, 81), dtype=bool), q=(20, 200)).arrays.static_roi_map
    np.testing.assert_array_equal(static, static[::-1])
    np.testing.assert_array_equal(static, static[:, ::-1])


def test_blemishes_are_kept_apart_and_left_out() -> None:
    blemish = ALL.copy()
    blemish[10:20, 5] = False
    arrays = partition(GEOMETRY, SHAPE, ALL, q=(2, 4), blemish=blemish).arrays
    np.testing.assert_array_equal(arrays.blemish, blemish)
    np.testing.assert_array_equal(arrays.mask, blemish)


def test_the_geometry_comes_back_with_its_swing(tmp_path: object) -> None:
    swung = Geometry(
        energy=10.0, detector_distance=4.0, pixel_size=75e-6, beam_center_x=3, beam_center_y=2, swing_horizontal=1.5
    )
    qmap = partition(swung, SHAPE, ALL, q=(2, 4))
    assert qmap.geometry == swung
    assert QMap.from_file(qmap.save(f"{tmp_path}/q.h5")).geometry == swung


def test_saving_and_loading_is_the_identity(tmp_path: object) -> None:
    qmap = partition(GEOMETRY, SHAPE, PHI > -100, q=(4, 8), phi=(3, 6), source_file="A001.h5")
    read = QMap.from_file(qmap.save(f"{tmp_path}/q.h5"))
    assert read == qmap
    assert read.arrays.attrs["source_file"] == "A001.h5"
    assert read.arrays.attrs["hash"] == qmap.hash


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"q": (0, 0)}, "no bins along q"),
        ({"phi": (1, 0)}, "no bins along phi"),
        ({"q": (4, 10)}, "Take 12 static bins"),
        ({"q": (8, 4)}, "multiple"),
        ({"q": ([1e-4, 3e-4, 2e-4], [1e-4, 2e-4, 3e-4])}, "dynamic edges along q.*rising"),
        ({"q": ([1e-4, 3e-4], [1e-4, 3e-4, 3e-4])}, "static edges along q.*rising"),
        ({"q": ([1e-4, 2e-4, 3e-4], [1e-4, 2.5e-4, 3e-4])}, "dynamic edges 0.0002 not among"),
        ({"q": ([1e-4, 3e-4], [0.5e-4, 1e-4, 3e-4])}, "static edges from 5e-05"),
        ({"q": ([1e-4, float("nan")], [1e-4, 3e-4])}, "finite"),
        ({"q": (3, [1e-4, 3e-4])}, "number of dynamic bins, number of static bins"),
        ({"q_range": (3e-4, 1e-4)}, "range of q"),
        ({"q_range": (1.0, 2.0)}, "no used pixel lies in a bin"),
        ({"q_range": (0.0, 1e-3), "scale": "log"}, "logarithmic"),
        ({"phi_range": (-180, 181)}, "not more than 360 apart"),
        ({"phi": ([0, 200, 400], [0, 200, 400])}, "not more than 360 apart"),
        ({"phi_range": (0, 90), "phi_offset": 3.0}, "offset"),
        ({"scale": "logarithmic"}, "no such scale"),
        ({"mask": np.zeros(SHAPE, dtype=bool)}, "no pixel to use"),
        ({"mask": ALL.T}, r"mask has another shape.*\(80, 60\)"),
        ({"blemish": ~ALL}, "no pixel to use"),
        ({"blemish": ALL.T}, "blemish has another shape"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused(options: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {"mask": ALL, "q": (2, 4)} | options
    with pytest.raises(QMapError, match=message):
        partition(GEOMETRY, SHAPE, **arguments)  # type: ignore[arg-type]
