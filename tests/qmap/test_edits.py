"""Edits of a mask: what each does, and that the list of them can be undone and replayed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import h5py
import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from xpcs_nb.core import Geometry
from xpcs_nb.errors import FileFormatError, MissingFileError, MissingKeyError, OptionError, QMapError
from xpcs_nb.qmap import QMap

SHAPE = (40, 50)
GEOMETRY = Geometry(energy=10.0, detector_distance=4.0, pixel_size=75e-6, beam_center_x=21.3, beam_center_y=17.8)
Y, X = np.indices(SHAPE)
Q, PHI = GEOMETRY.q_phi(SHAPE)
IMAGE = 100 * np.exp(-Q / Q.max())
BLEMISH = np.ones(SHAPE, dtype=bool)
BLEMISH[20, 20:23] = False
NEW = QMap.from_geometry(GEOMETRY, SHAPE, blemish=BLEMISH, image=IMAGE)


def disc(x: float, y: float, radius: float) -> NDArray[np.bool_]:
    return np.asarray(np.hypot(X - x, Y - y) <= radius)


def test_an_edit_gives_a_new_qmap_and_leaves_the_old_one() -> None:
    edited = NEW.mask_circle(10, 10, 5)
    np.testing.assert_array_equal(NEW.mask, BLEMISH)
    np.testing.assert_array_equal(edited.mask, BLEMISH & ~disc(10, 10, 5))
    assert [edit.kind for edit in edited.edits] == ["circle"]  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="frozen"):
        edited.edits[0].x = 3  # type: ignore[attr-defined]


def test_an_eraser_brings_pixels_back_but_no_blemishes() -> None:
    edited = NEW.mask_rectangle(21, 20, 20, 20).mask_brush([(15, 20), (27, 20)], 2, mode="include")
    expected = ~((np.abs(X - 21) <= 10) & (np.abs(Y - 20) <= 10))
    expected |= (Y >= 18) & (Y <= 22) & (X >= 15) & (X <= 27) | disc(15, 20, 2) | disc(27, 20, 2)
    np.testing.assert_array_equal(edited.mask, expected & BLEMISH)


def test_shapes_to_keep_count_as_one_as_long_as_they_follow_each_other() -> None:
    both = NEW.mask_circle(10, 10, 5, mode="only").mask_circle(40, 30, 5, mode="only")
    np.testing.assert_array_equal(both.mask, (disc(10, 10, 5) | disc(40, 30, 5)) & BLEMISH)
    np.testing.assert_array_equal(both.undo().redo().mask, both.mask)
    one = NEW.mask_circle(10, 10, 5, mode="only").mask_pixels([(0, 0)]).mask_circle(40, 30, 5, mode="only")
    assert not one.mask.any()
    first = NEW.mask_pixels([(10, 10)]).mask_circle(10, 10, 5, mode="only").mask_circle(40, 30, 5, mode="only")
    assert not first.mask[10, 10]


def test_a_threshold_takes_out_what_is_too_low_too_high_or_nan() -> None:
    image = np.arange(2000.0).reshape(SHAPE)
    image[3, 3] = np.nan
    mask = QMap.from_geometry(GEOMETRY, SHAPE, image=image).mask_threshold(50, 1000).mask
    np.testing.assert_array_equal(mask, (image >= 50) & (image < 1000))
    assert QMap.from_geometry(GEOMETRY, SHAPE, image=image).mask_threshold(high=1000).mask[0].all()


def test_ranges_of_maps_are_joined_from_the_first_to_the_last_whatever_the_first_says() -> None:
    low, high = 1e-4, 4e-4
    np.testing.assert_array_equal(NEW.mask_range(("q", low, high)).mask, (Q >= low) & (Q <= high) & BLEMISH)
    ors = NEW.mask_range(("q", low, high, "or"), ("x", 0, 5, "or"), ("y", 3, 30))
    np.testing.assert_array_equal(ors.mask, (((Q >= low) & (Q <= high)) | (X <= 5)) & (Y >= 3) & (Y <= 30) & BLEMISH)
    out = NEW.mask_range({"map": "q", "low": low, "high": high}, mode="exclude")
    np.testing.assert_array_equal(out.mask, ~((Q >= low) & (Q <= high)) & BLEMISH)


@pytest.mark.parametrize("ends", [(170, 190), (170, -170), (-190, -170)])
def test_a_range_of_phi_may_pass_180_degrees(ends: tuple[float, float]) -> None:
    np.testing.assert_array_equal(NEW.mask_range(("phi", *ends)).mask, (np.abs(PHI) >= 170) & BLEMISH)
    assert NEW.mask_range(("phi", -180, 180)).mask.sum() == BLEMISH.sum()


def test_pixels_like_the_one_that_is_picked_are_taken_out_within_a_radius() -> None:
    image = np.full(SHAPE, 10.0)
    image[5:30, 20] = 100.0
    image[10, 20] = 149.0
    image[25, 20] = 151.0
    image[3, 3] = 100.0
    qmap = NEW.with_image(image).mask_similar(20, 12, radius=14)
    assert np.argwhere(~qmap.mask & BLEMISH).tolist() == [[row, 20] for row in range(5, 27) if row not in {20, 25}]
    connected = NEW.with_image(image).mask_similar(20, 12, radius=14, connected=True)
    assert np.argwhere(~connected.mask & BLEMISH).tolist() == [[row, 20] for row in range(5, 25) if row != 20]
    diagonal = np.zeros(SHAPE)
    np.fill_diagonal(diagonal, 5.0)
    corners = NEW.with_image(diagonal).mask_similar(3, 3, radius=1000, connected=True)
    np.testing.assert_array_equal(~corners.mask & BLEMISH, (diagonal > 0) & BLEMISH)
    other = np.full(SHAPE, 10.0)
    other[12:14, 18:22] = 40.0
    again = NEW.replay(qmap.edits, image=other)
    assert int((~again.mask & BLEMISH).sum()) == 8
    with pytest.raises(QMapError, match="off the image"):
        NEW.with_image(image).mask_similar(500, 2)
    with pytest.raises(QMapError, match="no counts"):
        NEW.with_image(np.full(SHAPE, np.nan)).mask_similar(5, 2)
    with pytest.raises(QMapError, match="needs an image"):
        QMap.from_geometry(NEW.geometry, SHAPE).mask_similar(5, 2)


@pytest.mark.parametrize("region", ["ring", "box"])
@pytest.mark.parametrize("method", ["mad", "percentile"])
def test_outliers_are_found_among_their_like(region: Any, method: Any) -> None:
    image = IMAGE + np.random.default_rng(3).normal(0, 0.5, SHAPE)
    image[7, 9], image[30, 31] = 500, -300
    qmap = QMap.from_geometry(GEOMETRY, SHAPE, image=image)
    mask = qmap.mask_outliers(region, method=method, cutoff=12, rings=8, box_size=16).mask
    assert not mask[7, 9]
    assert not mask[30, 31]
    assert mask.sum() > 0.97 * mask.size


@pytest.mark.parametrize("region", ["ring", "box"])
@pytest.mark.parametrize("method", ["mad", "percentile"])
def test_the_curve_of_outliers_has_the_limits_that_the_mask_keeps(region: Any, method: Any) -> None:
    image = IMAGE + np.random.default_rng(3).normal(0, 0.5, SHAPE)
    image[7, 9] = 500
    qmap = QMap.from_geometry(GEOMETRY, SHAPE, image=image).mask_circle(20, 20, 4)
    options = {"method": method, "cutoff": 5, "rings": 8, "box_size": 16}
    curve = qmap.outlier_curve(region, **options)
    after = qmap.mask_outliers(region, **options)
    gone = image[qmap.mask & ~after.mask]
    np.testing.assert_array_equal(np.sort(curve.out_counts), np.sort(gone))
    assert len(curve.position) == (8 if region == "ring" else 12)
    np.testing.assert_allclose((curve.low + curve.high) / 2, curve.reference)
    assert curve.most.max() == 500
    assert (curve.least <= curve.mean).all()
    where = np.searchsorted(curve.position, curve.out_position)
    np.testing.assert_array_equal(curve.position[where], curve.out_position)
    assert ((curve.out_counts <= curve.low[where]) | (curve.out_counts >= curve.high[where])).all()
    if region == "ring":
        q = qmap.geometry.q_phi(SHAPE)[0][qmap.mask]
        assert q.min() <= curve.position[0] < curve.position[-1] <= q.max()


def test_the_curve_of_outliers_of_equal_counts_has_no_limits() -> None:
    qmap = QMap.from_geometry(GEOMETRY, SHAPE, image=np.ones(SHAPE))
    curve = qmap.outlier_curve("box")
    assert np.isinf(curve.high).all()
    assert len(curve.out_counts) == 0
    nothing = qmap.mask_rectangle(0, 0, 500, 500)
    assert len(nothing.outlier_curve("ring").position) == 0
    assert nothing.mask_outliers("ring").edits[-1].found.mask().sum() == 0
    with pytest.raises(QMapError, match="needs an image"):
        QMap.from_geometry(GEOMETRY, SHAPE).outlier_curve()


@pytest.mark.judge
@pytest.mark.parametrize("method", ["mad", "percentile"])
def test_outliers_are_those_of_pysimplemask(method: Any) -> None:
    theirs = pytest.importorskip("pysimplemask.core.outlier_removal")
    generate = pytest.importorskip("pysimplemask.core.partition").generate_partition
    image = IMAGE + np.random.default_rng(3).normal(0, 5, SHAPE)
    qmap = QMap.from_geometry(GEOMETRY, SHAPE, image=image)
    pack = generate("q", np.ones(SHAPE, dtype=bool), Q, 12)
    _, bad = theirs.outlier_removal_with_saxs(pack["v_list"], pack["partition"], image, method=method, cutoff=3.0)
    expected = np.ones(SHAPE, dtype=bool)
    expected[tuple(bad)] = False
    assert not expected.all()
    np.testing.assert_array_equal(qmap.mask_outliers(method=method, rings=12).mask, expected)
    _, bad = theirs.outlier_removal_adjacent_boxes(image, np.ones(SHAPE, dtype=bool), 10, method=method, cutoff=3.0)
    expected[:] = True
    expected[tuple(bad)] = False
    np.testing.assert_array_equal(qmap.mask_outliers("box", method=method, box_size=10).mask, expected)


def test_what_was_found_is_kept_and_found_anew_on_another_image() -> None:
    edited = NEW.mask_threshold(high=90).mask_circle(3, 3, 2)
    other = QMap.from_geometry(GEOMETRY, SHAPE)
    np.testing.assert_array_equal(other.replay(edited.edits).mask & BLEMISH, edited.mask)
    darker = other.replay(edited.edits, image=IMAGE / 2)
    np.testing.assert_array_equal(darker.mask, ~disc(3, 3, 2))
    larger = QMap.from_geometry(GEOMETRY, (60, 60))
    with pytest.raises(QMapError, match=r"another shape: got \(40, 50\), expected \(60, 60\)"):
        larger.replay(edited.edits)
    assert larger.replay(edited.edits, image=np.full((60, 60), 95.0)).mask.sum() == 0


@pytest.mark.parametrize("ending", ["tif", "npy", "edf", "h5"])
def test_a_mask_is_read_from_a_file_and_kept(tmp_path: Path, ending: str) -> None:
    bad = disc(30, 12, 4)
    path = tmp_path / f"mask.{ending}"
    if ending == "tif":
        tifffile.imwrite(path, (~bad).astype(np.uint8))
    elif ending == "npy":
        np.save(path, ~bad)
    elif ending == "edf":
        pytest.importorskip("fabio").edfimage.EdfImage(data=(~bad).astype(np.int32)).write(str(path))
    else:
        with h5py.File(path, "w") as file:
            file["a/mask"] = (~bad)[None]
            file["a/more"] = np.zeros(3)
    edited = NEW.mask_file(path)
    np.testing.assert_array_equal(edited.mask, ~bad & BLEMISH)
    path.unlink()
    np.testing.assert_array_equal(NEW.replay(edited.edits).mask, edited.mask)
    assert edited.edits[0].source == f"mask.{ending}"  # type: ignore[attr-defined]


def test_a_blemish_file_makes_blemishes(tmp_path: Path) -> None:
    np.save(tmp_path / "b.npy", disc(30, 12, 4))
    edited = NEW.mask_file(tmp_path / "b.npy", inverted=True, blemish=True).mask_circle(30, 12, 9, mode="include")
    np.testing.assert_array_equal(edited.mask, ~disc(30, 12, 4) & BLEMISH)


def test_a_mask_file_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "turned.npy", np.ones(SHAPE[::-1]))
    np.save(tmp_path / "empty.npy", np.zeros(SHAPE))
    (tmp_path / "no.tif").write_bytes(b"no image")
    (tmp_path / "no.npy").write_bytes(b"no image")
    (tmp_path / "mask.jpg").write_bytes(b"")
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["a"] = file["b"] = np.ones(SHAPE)
    cases: list[tuple[str, type[Exception], str]] = [
        ("turned.npy", QMapError, "Transposing it would fit"),
        ("empty.npy", QMapError, "no pixel to use"),
        ("no.tif", FileFormatError, "can't be read"),
        ("no.npy", FileFormatError, "can't be read"),
        ("mask.jpg", FileFormatError, "kind: got .jpg"),
        ("none.tif", MissingFileError, "no such file"),
        ("two.h5", MissingKeyError, "which image is meant: got images /a, /b"),
    ]
    for name, error, message in cases:
        with pytest.raises(error, match=message):
            NEW.mask_file(tmp_path / name)
    with pytest.raises(MissingKeyError, match="/c: there is no such image"):
        NEW.mask_file(tmp_path / "two.h5", key="/c")
    assert NEW.mask_file(tmp_path / "two.h5", key="/b").mask.sum() == BLEMISH.sum()


@pytest.mark.filterwarnings("ignore")
def test_gaps_of_a_detector_are_blemishes() -> None:
    pytest.importorskip("pyFAI")
    qmap = QMap.from_geometry(GEOMETRY, (195, 487)).mask_detector("Pilatus100k")
    assert qmap.mask.all()
    qmap = QMap.from_geometry(GEOMETRY, (619, 487)).mask_detector("Pilatus300k")
    assert np.flatnonzero(~qmap.mask.any(axis=1)).tolist() == [*range(195, 212), *range(407, 424)]
    assert not qmap.mask_circle(200, 200, 30, mode="include").mask[200, 200]
    with pytest.raises(QMapError, match="knows no such detector: got Camera"):
        NEW.mask_detector("Camera")
    with pytest.raises(QMapError, match=r"another shape than the frames: got \(195, 487\)"):
        NEW.mask_detector("Pilatus100k")


@pytest.mark.parametrize(
    ("operation", "radius"), [("erode", (7, 9)), ("dilate", (9, 11)), ("open", (8, 9)), ("close", (8, 9))]
)
def test_the_used_area_shrinks_and_grows(operation: Any, radius: tuple[int, int]) -> None:
    plain = QMap.from_geometry(GEOMETRY, SHAPE).mask_circle(25, 20, 8.5, mode="only")
    changed = plain.mask_morphology(operation).mask
    low, high = disc(25, 20, radius[0] - 1), disc(25, 20, radius[1])
    assert (changed[low]).all()
    assert not changed[~high].any()
    assert changed.sum() < plain.mask.sum() if operation == "erode" else changed.sum() >= plain.mask.sum() - 12
    assert QMap.from_geometry(GEOMETRY, SHAPE).mask_morphology("erode").mask.all()  # the frame is no edge


def test_a_new_geometry_moves_the_maps() -> None:
    moved = NEW.set_geometry(beam_center_x=5.0, swing_vertical=0.5)
    assert moved.geometry.beam_center_x == 5.0
    assert (moved.geometry.energy, moved.geometry.swing_vertical) == (10.0, 0.5)
    assert moved.undo().geometry == GEOMETRY
    with pytest.raises(QMapError, match="greater than 0"):
        NEW.set_geometry(energy=-1.0)
    with pytest.raises(QMapError, match="beam_centre_x"):
        NEW.set_geometry(beam_centre_x=1.0)
    with pytest.raises(OptionError, match="orientation"):
        NEW.set_geometry(incident_angle=0.1, orientation=33)


@pytest.mark.parametrize("center", [(61.3, 57.7), (70.0, 52.5)])
@pytest.mark.parametrize("masked", [False, True])
def test_the_centre_of_a_symmetric_image_is_found(center: tuple[float, float], masked: bool) -> None:
    shape = (120, 130)
    y, x = np.indices(shape)
    r2 = ((x - center[0]) / 1.3) ** 2 + (y - center[1]) ** 2 + 0.3 * (x - center[0]) * (y - center[1])
    image = np.random.default_rng(2).poisson(3 + 4000 / (1 + r2 / 30)).astype(float)
    there = Geometry(energy=10, detector_distance=4, pixel_size=75e-6, beam_center_x=63, beam_center_y=60)
    qmap = QMap.from_geometry(there, shape, image=image)
    if masked:
        qmap = qmap.mask_circle(64, 58, 6).mask_line(64, 58, 64, 0, width=8).mask_rectangle(20, 60, 6, 200)
    found = qmap.find_center().geometry
    assert (found.beam_center_x, found.beam_center_y) == pytest.approx(center, abs=0.15)


def test_the_centre_is_found_in_noise_though_the_beamstop_is_not_on_it() -> None:
    shape = (700, 720)
    y, x = np.indices(shape)
    image = np.random.default_rng(1).poisson(200 / (1 + np.hypot(x - 362.3, y - 339.4) ** 2 / 900))
    there = Geometry(energy=10, detector_distance=8, pixel_size=75e-6, beam_center_x=360.0, beam_center_y=341.0)
    qmap = QMap.from_geometry(there, shape, image=image).mask_circle(360, 341, 25).mask_line(360, 341, 360, 0, width=20)
    found = qmap.find_center().geometry
    assert (found.beam_center_x, found.beam_center_y) == pytest.approx((362.3, 339.4), abs=0.4)
    noise = np.random.default_rng(1).poisson(2, (200, 200))
    middle = dataclasses.replace(there, beam_center_x=99.0, beam_center_y=99.0)
    nothing = QMap.from_geometry(middle, (200, 200), image=noise)
    with pytest.raises(QMapError, match=r"hardly more like itself|still moves|too near"):
        nothing.find_center()


def test_a_centre_that_cannot_be_found_is_no_centre() -> None:
    with pytest.raises(QMapError, match="the same everywhere"):
        NEW.with_image(np.ones(SHAPE)).find_center()
    with pytest.raises(QMapError, match="needs an image"):
        QMap.from_geometry(GEOMETRY, SHAPE).find_center()
    with pytest.raises(QMapError, match="too near to the border"):
        NEW.set_geometry(beam_center_x=1.0).find_center()


def test_undo_and_redo_go_back_and_forth() -> None:
    first, second = NEW.mask_circle(10, 10, 5), NEW.mask_circle(10, 10, 5).mask_circle(30, 30, 5)
    assert second.undo().edits == first.edits
    np.testing.assert_array_equal(second.undo().mask, first.mask)
    np.testing.assert_array_equal(second.undo(2).redo().mask, first.mask)
    np.testing.assert_array_equal(second.undo(7).redo(7).mask, second.mask)
    assert second.undo(2).redo(2).edits == second.edits
    assert second.undo().mask_pixels([(0, 0)]).undone == ()


def test_a_shape_is_moved_or_left_out_afterwards() -> None:
    qmap = NEW.mask_circle(10, 10, 5).mask_threshold(high=90).mask_circle(30, 30, 5)
    moved = qmap.change_edit(0, {"kind": "circle", "x": 20, "y": 10, "radius": 4})
    expected = NEW.mask_circle(20, 10, 4).mask_threshold(high=90).mask_circle(30, 30, 5)
    np.testing.assert_array_equal(moved.mask, expected.mask)
    np.testing.assert_array_equal(
        qmap.change_edit(0, None).mask, NEW.mask_threshold(high=90).mask_circle(30, 30, 5).mask
    )
    with pytest.raises(QMapError, match="no such edit: got 3, expected 0 to 2"):
        qmap.change_edit(3, None)


mode = st.sampled_from(["exclude", "include", "only"])
x = st.floats(-10, 60)
size = st.floats(0.5, 30)
point = st.tuples(x, x)
edit = st.one_of(
    st.fixed_dictionaries({"kind": st.just("circle"), "x": x, "y": x, "radius": size, "mode": mode}),
    st.fixed_dictionaries(
        {"kind": st.just("rectangle"), "x": x, "y": x, "width": size, "height": size, "angle": x, "mode": mode}
    ),
    st.fixed_dictionaries({"kind": st.just("ellipse"), "x": x, "y": x, "a": size, "b": size, "angle": x, "mode": mode}),
    st.fixed_dictionaries(
        {"kind": st.just("polygon"), "points": st.lists(point, min_size=3, max_size=8), "mode": mode}
    ),
    st.fixed_dictionaries(
        {"kind": st.just("brush"), "points": st.lists(point, min_size=1, max_size=8), "radius": size, "mode": mode}
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("pixels"),
            "points": st.lists(st.tuples(st.integers(-3, 55), st.integers(-3, 55))),
            "mode": mode,
        }
    ),
    st.fixed_dictionaries({"kind": st.just("threshold"), "low": st.floats(30, 60)}),
    st.fixed_dictionaries(
        {"kind": st.just("similar"), "x": st.integers(0, 30), "y": st.integers(0, 30), "radius": st.floats(1, 30)}
    ),
    st.fixed_dictionaries(
        {"kind": st.just("outliers"), "region": st.sampled_from(["ring", "box"]), "rings": st.just(9)}
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("morphology"),
            "operation": st.sampled_from(["erode", "dilate", "open", "close"]),
            "steps": st.integers(1, 3),
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("range"),
            "conditions": st.lists(
                st.fixed_dictionaries(
                    {"map": st.just("phi"), "low": st.floats(-180, 180), "high": st.floats(-180, 180)}
                ),
                min_size=1,
                max_size=2,
            ),
            "mode": mode,
        }
    ),
    st.fixed_dictionaries({"kind": st.just("geometry"), "beam_center_x": x}),
)
NOISY = NEW.with_image(IMAGE + np.random.default_rng(1).normal(0, 4, SHAPE))


@hypothesis.settings(max_examples=80, deadline=None)
@hypothesis.given(edits=st.lists(edit, max_size=8), back=st.integers(0, 9))
def test_any_list_of_edits_replays_to_the_same_mask_and_undo_is_its_inverse(
    edits: list[dict[str, Any]], back: int
) -> None:
    states = [NOISY]
    for entry in edits:
        states.append(states[-1].edit(entry))
    final = states[-1]
    at_once = NOISY.edit(*edits)
    np.testing.assert_array_equal(at_once.mask, final.mask)
    assert at_once.edits == final.edits
    np.testing.assert_array_equal(NOISY.replay(final.edits).mask, final.mask)
    without_image = QMap.from_geometry(GEOMETRY, SHAPE, blemish=BLEMISH)
    entries = [item.model_dump(mode="json") for item in final.edits]
    np.testing.assert_array_equal(without_image.replay(entries).mask, final.mask)
    np.testing.assert_array_equal(final.mask, final._state.mask & BLEMISH)
    undone = final.undo(back)
    np.testing.assert_array_equal(undone.mask, states[max(len(edits) - back, 0)].mask)
    assert undone.edits == states[max(len(edits) - back, 0)].edits
    again = undone.redo(back)
    np.testing.assert_array_equal(again.mask, final.mask)
    assert again.edits == final.edits


@hypothesis.settings(max_examples=80, deadline=None)
@hypothesis.given(edits=st.lists(edit, max_size=6), at=st.integers(0, 6), entry=st.none() | edit)
def test_beyond_the_reach_of_a_change_the_mask_is_the_same(
    edits: list[dict[str, Any]], at: int, entry: dict[str, Any] | None
) -> None:
    before = NOISY.edit(*edits)
    after = before.change_edit(at, entry) if at < len(edits) else before.edit(*([entry] if entry else []))
    for one, other in ((before, after), (after, before)):
        reach = one.reach_of_change(other)
        if reach is not None:
            differs = before.mask != after.mask
            differs[reach] = False
            assert not differs.any()


def test_the_reach_of_a_stroke_is_its_box_and_that_of_other_edits_is_not_known() -> None:
    first = NEW.mask_circle(10, 12, 3).mask_rectangle(30, 20, 4, 2)
    stroke = first.mask_circle(20, 15, 2)
    assert stroke.reach_of_change(first) == first.reach_of_change(stroke) == (slice(13, 18), slice(18, 23))
    moved = stroke.change_edit(0, {"kind": "circle", "x": 12, "y": 12, "radius": 3})
    assert moved.reach_of_change(stroke) == (slice(9, 16), slice(7, 16))
    for other in (
        first.mask_circle(20, 15, 2, mode="only"),
        first.mask_range(("x", 3, 8)),
        NEW.with_image(NOISY.image),
    ):
        assert other.mask_range(("y", 3, 8)).reach_of_change(first) is None


def test_adding_a_shape_costs_that_shape_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from xpcs_nb.qmap import _state

    drawn: list[object] = []
    monkeypatch.setattr(_state, "rasterize", lambda shape, size: drawn.append(shape) or original(shape, size))
    original = __import__("xpcs_nb.qmap._raster", fromlist=["rasterize"]).rasterize
    qmap = NEW
    for number in range(60):
        qmap = qmap.mask_circle(number % 50, number % 40, 2)
    assert len(drawn) == 60
    assert qmap.undo().mask.sum() >= qmap.mask.sum()
    assert len(drawn) == 60  # the state before was remembered
