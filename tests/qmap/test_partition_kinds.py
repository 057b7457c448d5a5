"""Partitions of every kind through the edits of a qmap, against pySimpleMask, and changes of single bins."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from xpcs_nb.core import Geometry
from xpcs_nb.errors import QMapError
from xpcs_nb.qmap import QMap, partition, pixel_labels

SHAPE = (120, 150)
GEOMETRY = Geometry(energy=12.3, detector_distance=5.0, pixel_size=75e-6, beam_center_x=70.3, beam_center_y=61.8)
GRAZING = Geometry(
    energy=12.3, detector_distance=2.0, pixel_size=75e-6, beam_center_x=70.3, beam_center_y=110.2, incident_angle=0.2
)
SMALL = QMap.from_geometry(GEOMETRY, (40, 50))


def masked(geometry: Geometry = GEOMETRY) -> QMap:
    # off every axis of symmetry, where rounding decides which side a pixel is on
    return QMap.from_geometry(geometry, SHAPE).mask_rectangle(60, 50, 11, 17).mask_circle(100, 80, 9)


def owners(qmap: QMap) -> set[int]:
    static, dynamic = qmap.arrays.static_roi_map, qmap.arrays.dynamic_roi_map
    return {len(np.unique(dynamic[static == label])) for label in range(1, static.max() + 1)}


REQUESTS: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({"q": (6, 12), "phi": (5, 10)}, "q-phi", {"dq_num": 6, "sq_num": 12, "dp_num": 5, "sp_num": 10}),
    (
        {"q": {"bins": (6, 12), "scale": "log"}, "phi": (4, 4)},
        "q-phi",
        {"dq_num": 6, "sq_num": 12, "dp_num": 4, "sp_num": 4, "style": "logarithmic"},
    ),
    (
        {"q": (3, 9), "phi": {"bins": (6, 12), "offset": 17.3}},
        "q-phi",
        {"dq_num": 3, "sq_num": 9, "dp_num": 6, "sp_num": 12, "phi_offset": 17.3},
    ),
    (
        {"q": (3, 9), "phi": {"bins": (3, 6), "symmetry": 4, "offset": 11.0}},
        "q-phi",
        {"dq_num": 3, "sq_num": 9, "dp_num": 3, "sp_num": 6, "phi_offset": 11.0, "symmetry_fold": 4},
    ),
    ({"x": (5, 10), "y": (4, 12)}, "x-y", {"dq_num": 5, "sq_num": 10, "dp_num": 4, "sp_num": 12}),
    ({"two_theta": (5, 10), "qx": (4, 8)}, "TTH-qx", {"dq_num": 5, "sq_num": 10, "dp_num": 4, "sp_num": 8}),
    (
        {"rho": (5, 10), "phi": (4, 12), "ellipse": True},
        "eq-ephi",
        {"dq_num": 5, "sq_num": 10, "dp_num": 4, "sp_num": 12},
    ),
]


@pytest.mark.judge
@pytest.mark.parametrize(("ours", "mode", "theirs"), REQUESTS)
def test_a_partition_is_that_of_pysimplemask(ours: dict[str, Any], mode: str, theirs: dict[str, Any]) -> None:
    core = pytest.importorskip("pysimplemask.core.model")
    qmap = masked().partition(**ours)
    compare(core, qmap, mode, theirs, their_maps(GEOMETRY))


@pytest.mark.judge
@pytest.mark.parametrize(
    ("ours", "mode"), [({"qr": (5, 10), "qz": (4, 8)}, "qr-qz"), ({"alpha_f": (4, 8), "qy": (3, 6)}, "alpha_f-qy")]
)
def test_a_partition_in_reflection_is_that_of_pysimplemask(ours: dict[str, Any], mode: str) -> None:
    core = pytest.importorskip("pysimplemask.core.model")
    first, second = ours.values()
    theirs = {"dq_num": first[0], "sq_num": first[1], "dp_num": second[0], "sp_num": second[1]}
    compare(core, masked(GRAZING).partition(**ours), mode, theirs, their_maps(GRAZING))


def their_maps(geometry: Geometry) -> tuple[dict[str, Any], dict[str, str]]:
    maps = pytest.importorskip("pysimplemask.core.qmap")
    center = (geometry.beam_center_y, geometry.beam_center_x)
    if geometry.incident_angle is None:
        return maps.compute_transmission_qmap(12.3, center, SHAPE, 75e-6, 5.0, 0, 0)  # type: ignore[no-any-return]
    spot = (center[0] - 30, center[1])
    return maps.compute_reflection_qmap(12.3, center, spot, SHAPE, 75e-6, 2.0, geometry.incident_angle)  # type: ignore[no-any-return]


def compare(core: Any, qmap: QMap, mode: str, request: dict[str, Any], maps: tuple[dict[str, Any], Any]) -> None:
    """Compare with theirs; a pixel may differ only if its value lies on an edge but for rounding."""
    # float32 maps of theirs would move pixels across edges
    exact = {name: qmap.geometry.map(name, SHAPE) for name in ("qx", "qy")}
    values = {name: exact.get(name, np.array(part, dtype=float)) for name, part in maps[0].items()}

    dset = SimpleNamespace(
        metadata=dict.fromkeys(("pixel_size", "energy", "detector_distance"), 1.0),
        fname="A",
        update_partitions=lambda *_: None,
    )
    state = {
        "dset": dset,
        "mask": qmap.mask,
        "qmap": values,
        "qmap_unit": maps[1],
        "mask_kernel": SimpleNamespace(blemish=None),
        "get_center": lambda self, mode="xy": (0, 0),
    }
    model = type("Model", (core.SimpleMaskModel,), state | {"__init__": lambda self: None})()
    found = model.compute_partition(mode=mode, **request)
    for kind in ("dynamic", "static"):
        np.testing.assert_array_equal(getattr(qmap.arrays, f"{kind}_roi_map"), found[f"{kind}_roi_map"])
        np.testing.assert_array_equal(getattr(qmap.arrays, f"{kind}_index_mapping"), found[f"{kind}_index_mapping"])
        if mode != "eq-ephi":
            # theirs loses digits next to the beam, where a logarithmic scale begins
            centers = getattr(qmap.arrays, f"{kind}_v_list")[0]
            np.testing.assert_allclose(centers, found[f"{kind}_v_list_dim0"], rtol=3e-6, atol=1e-9)


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(
    names=st.lists(
        st.sampled_from(["q", "phi", "two_theta", "qx", "qy", "x", "y"]), min_size=2, max_size=2, unique=True
    ),
    numbers=st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 5), st.integers(1, 4)),
    symmetry=st.integers(1, 5),
    offset=st.floats(-200, 200),
    seed=st.integers(0, 99),
)
def test_every_used_pixel_is_in_one_static_and_one_dynamic_bin(
    names: list[str], numbers: tuple[int, int, int, int], symmetry: int, offset: float, seed: int
) -> None:
    pixels = np.argwhere(np.random.default_rng(seed).random((40, 50)) < 0.4)[:, ::-1]
    qmap = SMALL.mask_pixels(pixels.tolist())
    axes: dict[str, Any] = {}
    for name, dynamic, cut in zip(names, numbers[::2], numbers[1::2], strict=True):
        axes[name] = {"bins": (dynamic, dynamic * cut)}
        if name == "phi":
            axes[name] |= {"symmetry": symmetry, "offset": offset}
    qmap = qmap.partition(**axes)
    arrays = qmap.arrays
    assert qmap.check((40, 50)) == []
    np.testing.assert_array_equal(arrays.static_roi_map > 0, qmap.mask)
    np.testing.assert_array_equal(arrays.dynamic_roi_map > 0, qmap.mask)
    assert owners(qmap) == {1}


def test_the_edit_gives_what_the_function_gives() -> None:
    qmap = masked().partition(q=(4, 8), phi=(2, 4))
    assert qmap == partition(GEOMETRY, SHAPE, masked().mask, q=(4, 8), phi=(2, 4))
    assert masked().partition(q=(4, 8)) == partition(GEOMETRY, SHAPE, masked().mask, q=(4, 8))


def test_the_bins_follow_the_mask_and_the_geometry() -> None:
    first = SMALL.partition(q={"bins": (4, 8), "range": (1e-3, 6e-3)})
    later = first.mask_circle(20, 20, 9)
    expected = first.arrays.static_roi_map.copy()
    expected[~later.mask] = 0
    np.testing.assert_array_equal(later.arrays.static_roi_map > 0, expected > 0)
    moved = first.set_geometry(beam_center_x=3.0)
    direct = SMALL.set_geometry(beam_center_x=3.0).partition(q={"bins": (4, 8), "range": (1e-3, 6e-3)})
    assert moved == direct
    assert moved.undo() == first


def test_symmetric_bins_hold_pixels_of_every_part_of_the_circle() -> None:
    qmap = masked().partition(q=(2, 2), phi={"bins": (3, 3), "symmetry": 2})
    _, phi = GEOMETRY.q_phi(SHAPE)
    folded = np.floor(np.mod(phi, 180) / 60)
    _, centers = qmap.arrays.bin_centers("dynamic")
    for label, center in enumerate(centers, 1):
        own = qmap.arrays.dynamic_roi_map == label
        assert len(np.unique(np.sign(phi[own]))) == 2
        assert np.mean(folded[own] == np.floor(center / 60)) > 0.97


@pytest.mark.parametrize("count", [2, 3])
def test_bins_are_made_one_and_the_static_ones_stay(count: int) -> None:
    plain = masked().partition(q=(4, 8), phi=(3, 6))
    labels = [2, 5, 9][:count]
    merged = plain.merge_bins(*labels)
    before, after = plain.arrays.dynamic_roi_map, merged.arrays.dynamic_roi_map
    np.testing.assert_array_equal(merged.arrays.static_roi_map, plain.arrays.static_roi_map)
    assert after.max() == before.max() - count + 1
    own = np.isin(before, labels)
    assert len(np.unique(after[own])) == 1
    assert not np.isin(after[~own], np.unique(after[own])).any()
    assert merged.check(SHAPE) == []
    pixel_labels(merged.arrays)
    q, _ = merged.arrays.bin_centers("dynamic")
    counts = np.bincount(before.ravel())[labels]
    expected = np.average(plain.arrays.bin_centers("dynamic")[0][np.array(labels) - 1], weights=counts)
    assert q[np.unique(after[own])[0] - 1] == pytest.approx(expected)


def test_a_bin_is_named_by_its_place_so_that_it_stays_the_same_with_another_mask() -> None:
    plain = masked().partition(q=(4, 8), phi=(3, 6))
    merged = plain.merge_bins(7, 8)
    gone = masked().replay([{"kind": "range", "conditions": [{"map": "phi", "low": -180, "high": 60}]}])
    fewer = gone.replay(merged.edits[len(masked().edits) :])
    before, after = plain.arrays.dynamic_roi_map, merged.mask_range(("phi", -180, 60)).arrays.dynamic_roi_map
    np.testing.assert_array_equal(fewer.arrays.dynamic_roi_map, after)
    own = np.unique(after[np.isin(before, [7, 8]) & (after > 0)])
    assert len(own) <= 2


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("number", [2, 3])
def test_a_bin_is_cut_and_its_static_bins_with_it(axis: Any, number: int) -> None:
    plain = masked().partition(q=(4, 8), phi=(3, 6))
    cut = plain.split_bin(7, number, axis=axis)
    own = plain.arrays.dynamic_roi_map == 7
    parts = np.unique(cut.arrays.dynamic_roi_map[own])
    assert len(parts) == number
    assert cut.arrays.dynamic_roi_map.max() == plain.arrays.dynamic_roi_map.max() + number - 1
    assert not np.isin(cut.arrays.dynamic_roi_map[~own], parts).any()
    np.testing.assert_array_equal(cut.mask, plain.mask)
    assert cut.check(SHAPE) == []
    assert owners(cut) == {1}
    values = GEOMETRY.q_phi(SHAPE)[axis]
    centers = cut.arrays.bin_centers("dynamic")[axis]
    for part in parts:
        inside = values[cut.arrays.dynamic_roi_map == part]
        assert inside.min() <= centers[part - 1] <= inside.max()
    assert cut.undo() == plain


def test_a_changed_bin_can_be_changed_again_and_undone() -> None:
    plain = masked().partition(q=(4, 8), phi=(3, 6))
    twice = plain.merge_bins(1, 2).split_bin(3, 2)
    assert owners(twice) == {1}
    assert twice.check(SHAPE) == []
    assert twice.undo(2) == plain
    with pytest.raises(QMapError, match="no such dynamic bin: got 99"):
        plain.merge_bins(1, 99)
    with pytest.raises(QMapError, match="at least 2"):
        plain.merge_bins(1, 1)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"q": (0, 0)}, "no bins along q"),
        ({"q": (4, 10)}, "Take 12 static bins"),
        ({"q": ([1e-4, 3e-4, 2e-4], [1e-4, 2e-4, 3e-4])}, "rising"),
        ({"q": ([1e-4, float("nan")], [1e-4, 2e-4])}, "finite"),
        ({"q": (4, 8), "phi": {"bins": (1, 1), "symmetry": 0}}, "symmetry: Input should be greater than or equal to 1"),
        ({"q": {"bins": (4, 8), "offset": 3}}, "goes with phi, not with q"),
        ({"q": {"bins": (4, 8), "scale": "logarithmic"}}, "scale: Input should be 'linear' or 'log'"),
        ({"q": {"bins": (4, 8), "range": (3e-3, 1e-3)}}, "range of q is empty"),
        ({"q": {"bins": (4, 8), "range": (0, 1e-3), "scale": "log"}}, "can't begin at 0"),
        ({"q": {"scale": "log"}}, "bins: Field required"),
        ({"x": (4, 8)}, "two maps: got x"),
        ({}, "two maps: got none"),
        ({"q": (4, 8), "phi": (1, 1), "ellipse": True}, "rho and phi"),
        ({"rho": (4, 8), "phi": (1, 1)}, "rho needs an ellipse"),
        (
            {"rho": (4, 8), "phi": (1, 1), "ellipse": {"x": 3, "y": 4, "a": 0, "b": 2}},
            "ellipse.*a: Input should be greater",
        ),
    ],
)
def test_a_request_that_contradicts_itself_is_refused_at_once(axes: dict[str, Any], message: str) -> None:
    with pytest.raises(QMapError, match=message):
        SMALL.partition(**axes)


def test_what_mask_and_geometry_do_not_allow_is_said_when_the_bins_are_made() -> None:
    with pytest.raises(QMapError, match="no such map: got 'alpha_f'"):
        _ = SMALL.partition(alpha_f=(2, 2), q=(1, 1)).arrays
    with pytest.raises(QMapError, match="no pixel to use"):
        _ = SMALL.partition(q=(2, 4)).mask_rectangle(25, 20, 200, 200).arrays
    (finding,) = SMALL.partition(q=(2, 4)).mask_rectangle(25, 20, 200, 200).check()
    assert str(finding).startswith("error: the mask leaves no pixel to use")
    with pytest.raises(QMapError, match="no used pixel lies in a bin"):
        _ = SMALL.partition(q={"bins": (2, 4), "range": (1, 2)}).arrays


def test_an_image_of_another_shape_is_refused() -> None:
    with pytest.raises(QMapError, match=r"another shape than the qmap: got \(3, 4\)"):
        SMALL.with_image(np.ones((3, 4)))
