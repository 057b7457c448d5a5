"""Panels of the editor, used as their buttons use them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from xpcs_nb.errors import OptionError
from xpcs_nb.qmap import QMap
from xpcs_nb.widgets import QMapEditor
from xpcs_nb.widgets._panel_masks import parse_pixels


def panel(editor: QMapEditor, title: str):  # one of several classes
    return next(each for each in editor._panels if each.title == title)


def mask_form(editor: QMapEditor, kind: str):  # one of several classes
    masks = panel(editor, "Masks")
    masks.kind.value = kind
    return masks, masks.forms[kind]


def test_a_threshold_is_evaluated_without_an_edit_and_applied_in_one_go(editor: QMapEditor, start: QMap) -> None:
    masks, form = mask_form(editor, "threshold")
    form.high.value = "1500"
    masks.evaluate()
    expected = start.mask_threshold(high=1500)
    marked = ~editor.view._flags["preview"]
    np.testing.assert_array_equal(marked, ~expected.mask)
    assert f"{np.count_nonzero(marked)} pixels would leave" in editor.messages[-1]
    assert editor.layers == ()
    masks.apply()
    assert editor.qmap == expected
    assert editor.view._flags["preview"].all()


def test_ranges_outliers_files_and_morphology_are_applied(editor: QMapEditor, start: QMap, tmp_path: Path) -> None:
    good = np.ones(start.shape, dtype=np.uint8)
    good[5:9] = 0
    tifffile.imwrite(tmp_path / "bad.tif", good)
    masks, form = mask_form(editor, "ranges of maps")
    for row, values in zip(form.conditions, (("and", "q", "0.001", "0.01"), ("or", "phi", "170", "190")), strict=False):
        for field, value in zip(row, values, strict=True):
            field.value = value
    assert "phi goes from -179" in form.limits.value
    masks.apply()
    masks, form = mask_form(editor, "outliers")
    form.region.value, form.cutoff.value, form.box_size.value = "box", 4.0, 16
    masks.apply()
    masks, form = mask_form(editor, "file")
    form.path.value, form.blemish.value = str(tmp_path / "bad.tif"), True
    masks.apply()
    masks, form = mask_form(editor, "shrink or grow")
    form.operation.value, form.steps.value = "erode", 2
    masks.apply()
    masks, form = mask_form(editor, "list of pixels")
    form.typed.value, form.mode.value = "30 20\n31, 20", "include"
    masks.apply()
    expected = start.mask_range(("q", 0.001, 0.01), ("phi", 170, 190, "or")).mask_outliers("box", cutoff=4, box_size=16)
    expected = expected.mask_file(tmp_path / "bad.tif", blemish=True).mask_morphology("erode", steps=2)
    assert editor.qmap == expected.mask_pixels([(30, 20), (31, 20)], mode="include")
    assert not editor.view._flags["blemish"][5:9].any()


def test_the_limits_of_outliers_are_drawn_when_they_are_evaluated(editor: QMapEditor) -> None:
    masks, form = mask_form(editor, "outliers")
    form.rings.value = 12
    masks.evaluate()
    (shown,) = form.curve.children[0].panels
    gone, _, _, low, high, reference = shown.curves
    assert len(reference.x) == 12
    assert (low.y < reference.y).all()
    assert (reference.y < high.y).all()
    said = int(editor.messages[-1].split()[0])
    assert said == len(gone.y) > 0
    assert shown.note == f"{said} pixels leave"
    form.region.value, form.cutoff.value = "box", 100.0
    masks.evaluate()
    assert form.curve.children[0].panels[0].note == "0 pixels leave"
    masks.clear()
    assert form.curve.children == ()


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("threshold", {}, "needs low or high"),
        ("threshold", {"low": "5", "high": "2"}, "not below high"),
        ("threshold", {"low": "five"}, "can't be understood"),
        ("ranges of maps", {}, "needs both of its ends"),
        ("outliers", {"percentiles": "5"}, "two percentiles"),
        ("file", {}, "no file is named"),
        ("file", {"path": "nowhere.tif"}, "nowhere.tif"),
        ("detector", {"name": "Nonsense9M"}, "no such detector"),
        ("detector", {"name": "Eiger4M"}, "another shape"),
        ("list of pixels", {"typed": "1 2\n3"}, "entry 2"),
        ("list of pixels", {"path": "nowhere.csv"}, "no such file"),
    ],
)
def test_what_can_not_be_used_is_said(editor: QMapEditor, kind: str, values: dict[str, str], words: str) -> None:
    masks, form = mask_form(editor, kind)
    for name, value in values.items():
        getattr(form, name).value = value
    masks.apply()
    assert words in editor.messages[-1]
    masks.evaluate()
    assert editor.layers == ()


def test_pixels_are_read_as_pairs_or_lines() -> None:
    assert parse_pixels("# bad\n1, 2\n3 4\n") == [(1, 2), (3, 4)]
    assert parse_pixels("[[1, 2]]", rows_first=True, from_one=True) == [(1, 0)]
    with pytest.raises(OptionError, match="entry 1"):
        parse_pixels("[1, 2]")
    with pytest.raises(OptionError, match="can't be understood"):
        parse_pixels("[1, 2")


def test_the_geometry_is_typed_and_the_rest_stays(editor: QMapEditor, start: QMap) -> None:
    geometry = panel(editor, "Geometry")
    assert geometry.fields["beam_center_x"].value == "31.3"
    geometry.fields["beam_center_x"].value = "33.5"
    geometry.fields["swing_horizontal"].value = "2"
    geometry.apply()
    assert editor.qmap == start.set_geometry(beam_center_x=33.5, swing_horizontal=2.0)
    geometry.swap()
    assert (editor.geometry.beam_center_x, editor.geometry.beam_center_y) == (22.8, 33.5)
    geometry.fields["energy"].value = "-1"
    geometry.apply()
    assert "energy" in editor.messages[-1]
    editor.undo()
    assert geometry.fields["beam_center_x"].value == "33.5"


def test_a_geometry_that_contradicts_itself_is_said_and_the_old_one_stays(editor: QMapEditor) -> None:
    geometry = panel(editor, "Geometry")
    geometry.fields["orientation"].value = "90"
    geometry.apply()
    assert "orientation goes with an incident angle" in editor.messages[-1]
    assert editor.layers == ()


def test_the_centre_is_found_dragged_or_put_on_the_brightest_pixel(editor: QMapEditor) -> None:
    geometry = panel(editor, "Geometry")
    geometry.beamstop.value, geometry.beamstop_radius.value = True, 4.0
    geometry.find()
    assert [edit.kind for edit in editor.qmap.edits] == ["center", "circle"]
    assert abs(editor.geometry.beam_center_x - 31.3) < 1
    editor.view._handle_custom_msg({"type": "center", "x": 40.5, "y": 20.25}, [])
    assert (editor.geometry.beam_center_x, editor.geometry.beam_center_y) == (40.5, 20.25)
    assert editor.view._scene["markers"][0]["markers"][0]["x"] == 40.5
    editor.undo()
    editor.undo()
    geometry.to_brightest()
    y, x = np.unravel_index(editor.qmap.image.argmax(), editor.qmap.shape)
    assert (editor.geometry.beam_center_x, editor.geometry.beam_center_y) == (x, y)


def test_bins_by_number_and_by_edges(editor: QMapEditor, start: QMap) -> None:
    q, phi = editor.bins.axes
    q.dynamic.value, q.static.value, q.scale.value, q.range.value = 4, 12, "log", "0.0005, 0.005"
    phi.dynamic.value, phi.static.value, phi.offset.value, phi.symmetry.value = 3, 6, 15.0, 2
    editor.bins.apply()
    asked = {"bins": (4, 12), "scale": "log", "range": (0.0005, 0.005)}
    assert editor.qmap == start.partition(q=asked, phi={"bins": (3, 6), "offset": 15.0, "symmetry": 2})
    q.how.value = phi.how.value = "edges"
    q.dynamic_edges.value, q.static_edges.value = "0.001 0.003", "0.001 0.002 0.003"
    phi.dynamic_edges.value = "-180, 0, 180"
    editor.bins.apply()
    edges = ([0.001, 0.003], [0.001, 0.002, 0.003])
    assert editor.qmap == start.partition(q=edges, phi=([-180, 0, 180], [-180, 0, 180]))


def test_bins_of_an_ellipse_and_of_any_pair_of_maps(editor: QMapEditor, start: QMap) -> None:
    bins = editor.bins
    bins.ellipse.value = "mask"
    for axis, (dynamic, static) in zip(bins.axes, ((3, 6), (1, 1)), strict=True):
        axis.dynamic.value, axis.static.value = dynamic, static
    bins.apply()
    assert editor.qmap == start.partition(rho=(3, 6), phi=(1, 1), ellipse=True)
    bins.ellipse.value, bins.ellipse_numbers.value = "typed", "30, 20, 15, 10, 5"
    bins.apply()
    assert editor.qmap.edits[-1].request.ellipse.a == 15
    bins.ellipse.value = ""
    for axis, name in zip(bins.axes, ("x", "y"), strict=True):
        axis.map.value, axis.dynamic.value, axis.static.value = name, 2, 4
    bins.apply()
    assert editor.qmap.arrays.map_names == ("x", "y")


def test_bins_are_picked_merged_and_split(editor: QMapEditor) -> None:
    q = editor.bins.axes[0]
    q.dynamic.value, q.static.value = 5, 10
    editor.bins.apply()
    labels = editor.qmap.arrays.dynamic_roi_map

    def pick(label: int, *, add: bool) -> None:
        y, x = np.argwhere(labels == label)[0]
        editor.view._handle_custom_msg({"type": "bin", "x": int(x), "y": int(y), "add": add}, [])

    pick(2, add=False)
    editor.bins.merge()
    assert "two bins or more" in editor.messages[-1]
    pick(3, add=True)
    np.testing.assert_array_equal(~editor.view._flags["preview"], np.isin(labels, [2, 3]))
    editor.bins.merge()
    assert editor.qmap.arrays.dynamic_roi_map.max() == 4
    assert editor.bins.picked == []
    pick(1, add=False)
    editor.bins.parts.value = 3
    editor.bins.split()
    assert editor.qmap.arrays.dynamic_roi_map.max() == 6


@pytest.mark.parametrize(
    "values",
    [{"dynamic": 0, "static": 0}, {"dynamic": 4, "static": 6}, {"range": "3, 1"}, {"range": "3"}, {"range": "a, b"}],
)
def test_bins_that_make_no_sense_are_said_and_nothing_changes(editor: QMapEditor, values: dict[str, object]) -> None:
    editor.edit({"kind": "circle", "x": 20.0, "y": 20.0, "radius": 5.0})
    before = editor.qmap
    for name, value in values.items():
        getattr(editor.bins.axes[0], name).value = value
    editor.bins.apply()
    assert len(editor.messages) == 1
    assert editor.qmap is before


def test_bins_of_an_empty_mask_are_refused_and_the_mask_can_be_undone(editor: QMapEditor) -> None:
    editor.edit({"kind": "rectangle", "x": 30.0, "y": 30.0, "width": 500.0, "height": 500.0})
    editor.bins.apply()
    assert len(editor.layers) == 1
    assert "no pixel" in editor.messages[-1]
    editor.undo()
    assert editor.qmap.mask.all()


def test_every_channel_is_shown(editor: QMapEditor) -> None:
    editor.bins.apply()
    image = panel(editor, "Image")
    for channel in image.channel.options:
        image.channel.value = channel
        assert editor.messages == []
    assert editor.view.log is False
    assert editor.view._scene["image"][0]["name"] == image.channel.options[-1]


def test_the_maps_that_are_offered_follow_the_geometry(editor: QMapEditor) -> None:
    image, bins = panel(editor, "Image"), editor.bins
    _, ranges = mask_form(editor, "ranges of maps")
    image.channel.value = "q"
    editor.move_center(10.0, 12.0)
    assert image.channel.value == "q"
    shown = editor.view._scene["image"][1][0]
    editor.undo()
    assert editor.view._scene["image"][1][0] != shown
    assert "alpha_f" not in image.channel.options
    editor.edit({"kind": "geometry", "incident_angle": 0.2, "orientation": 0.0})
    for field in (image.channel, bins.axes[0].map, ranges.conditions[1][1]):
        assert "alpha_f" in field.options
    assert (image.channel.value, bins.axes[0].map.value, bins.axes[1].map.value) == ("q", "q", "phi")
    image.channel.value = bins.axes[0].map.value = ranges.conditions[1][1].value = "alpha_f"
    editor.undo()
    assert (image.channel.value, bins.axes[0].map.value) == ("scattering", "q")
    assert ranges.conditions[1][1].value == "–"
    assert editor.view._scene["image"][0]["name"] == "I"
    assert editor.messages == []


def test_frames_are_browsed_averaged_and_used_for_masks(start: QMap) -> None:
    frames = np.arange(10, dtype=np.float32)[:, None, None] * np.ones(start.shape, dtype=np.float32)
    editor = QMapEditor(frames, metadata=start.geometry)
    image = panel(editor, "Image")
    image.frame.value = 4
    assert image.channel.value == "frames"
    image.average.value = 3
    np.testing.assert_allclose(image._image("frames"), 5.0)
    image.use()
    np.testing.assert_allclose(editor.qmap.image, 5.0)
    editor.undo()
    np.testing.assert_allclose(editor.qmap.image, 4.5)


def test_it_is_saved_loaded_replayed_and_reported(editor: QMapEditor, start: QMap, tmp_path: Path) -> None:
    files = panel(editor, "File")
    editor.edit(
        {"kind": "circle", "x": 20.0, "y": 20.0, "radius": 5.0}, {"kind": "circle", "x": 50.0, "y": 20.0, "radius": 5.0}
    )
    editor.switch_edit(1, on=False)
    files.target.value = str(tmp_path / "qmap.h5")
    files.save()
    assert "Saved" in editor.messages[-1]
    saved = QMap.from_file(tmp_path / "qmap.h5")
    assert saved == start.mask_circle(20, 20, 5)
    files.save()
    assert "exist" in editor.messages[-1]
    files.overwrite.value = True
    files.save()
    editor.qmap = start
    files.origin.value = str(tmp_path / "qmap.h5")
    files.replay()
    assert editor.qmap == saved
    files.load()
    assert editor.qmap == saved
    assert [layer.on for layer in editor.layers] == [True, False]
    editor.switch_edit(1, on=True)
    assert editor.qmap == start.mask_circle(20, 20, 5).mask_circle(50, 20, 5)
    editor.undo()
    files.page.value = str(tmp_path / "qmap.png")
    files.report()
    assert (tmp_path / "qmap.png").stat().st_size > 10_000
    files.check()
    assert "used" in files.said.value


def test_the_numbers_of_the_chosen_edit_are_typed(editor: QMapEditor, start: QMap) -> None:
    editor.edit({"kind": "circle", "x": 20.0, "y": 20.0, "radius": 5.0}, {"kind": "threshold", "high": 1500.0})
    edits = panel(editor, "Edits")
    edits.list._handle_custom_msg({"type": "select", "index": 1}, [])
    assert json.loads(edits.numbers.value) == {"kind": "threshold", "high": 1500.0}
    edits.numbers.value = '{"kind": "threshold", "high": 1000.0}'
    edits.apply()
    assert editor.qmap == start.mask_circle(20, 20, 5).mask_threshold(high=1000)
    edits.numbers.value = "{"
    edits.apply()
    assert "can't be understood" in editor.messages[-1]
    edits.list._handle_custom_msg({"type": "switch", "index": 0, "on": False}, [])
    assert editor.qmap == start.mask_threshold(high=1000)
    edits.list._handle_custom_msg({"type": "delete", "index": 1}, [])
    assert edits.list.labels == ["circle at 20, 20, radius 5"]
    assert editor.view.selected == -1
    assert edits.numbers.disabled


def test_a_qmap_without_geometry_or_image_is_edited_too(start: QMap, tmp_path: Path) -> None:
    from dataclasses import replace

    arrays = replace(start.arrays, energy=float("nan"))
    editor = QMapEditor(QMap(arrays))
    assert editor.map_names == ("x", "y")
    editor.edit({"kind": "circle", "x": 20.0, "y": 20.0, "radius": 5.0})
    assert np.count_nonzero(~editor.qmap.mask) == 81
    masks, form = mask_form(editor, "threshold")
    form.high.value = "5"
    masks.apply()
    assert "image" in editor.messages[-1]
