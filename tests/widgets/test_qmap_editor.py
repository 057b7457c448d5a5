"""The editor without a browser: what is drawn is in the qmap, and nothing that goes wrong loses anything."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pytest

from xpcs_nb.core import Geometry
from xpcs_nb.errors import OptionError, QMapError
from xpcs_nb.qmap import QMap
from xpcs_nb.testing import simulate_measurement
from xpcs_nb.widgets import QMapEditor
from xpcs_nb.widgets._later import PAUSE

CIRCLE = {"kind": "circle", "x": 20.0, "y": 20.0, "radius": 5.0}
BOX = {"kind": "rectangle", "x": 60.0, "y": 40.0, "width": 10.0, "height": 6.0}


def ask(editor: QMapEditor, kind: str, **content: Any) -> None:
    """Do as if the page asked for something."""
    editor.view._handle_custom_msg({"type": kind} | content, [])


def test_what_is_drawn_is_an_edit_and_all_who_asked_are_told(editor: QMapEditor, start: QMap) -> None:
    told: list[QMap] = []
    editor.on_change(told.append)
    ask(editor, "draw", edit=CIRCLE)
    assert editor.qmap == start.mask_circle(20, 20, 5)
    assert told == [editor.qmap]
    editor.on_change(told.append, remove=True)
    ask(editor, "undo")
    assert editor.qmap == start
    assert len(told) == 1


def test_a_shape_is_moved_afterwards_and_moved_back(editor: QMapEditor, start: QMap) -> None:
    editor.edit(CIRCLE, BOX)
    ask(editor, "change", index=0, edit=CIRCLE | {"x": 30.0})
    assert editor.qmap == start.mask_circle(30, 20, 5).mask_rectangle(60, 40, 10, 6)
    ask(editor, "undo")
    assert editor.qmap == start.mask_circle(20, 20, 5).mask_rectangle(60, 40, 10, 6)
    ask(editor, "redo")
    ask(editor, "delete", index=1)
    assert editor.qmap == start.mask_circle(30, 20, 5)


def test_an_edit_is_switched_off_and_on_in_its_place(editor: QMapEditor, start: QMap) -> None:
    editor.edit(CIRCLE, CIRCLE | {"mode": "include"}, BOX)
    editor.switch_edit(1, on=False)
    assert editor.qmap == start.mask_circle(20, 20, 5).mask_rectangle(60, 40, 10, 6)
    editor.change_edit(1, CIRCLE | {"mode": "include", "radius": 3.0})
    assert [layer.on for layer in editor.layers] == [True, False, True]
    editor.switch_edit(1, on=True)
    expected = start.mask_circle(20, 20, 5).mask_circle(20, 20, 3, mode="include").mask_rectangle(60, 40, 10, 6)
    assert editor.qmap == expected


def test_assigning_a_qmap_can_be_undone(editor: QMapEditor, start: QMap) -> None:
    editor.edit(CIRCLE)
    drawn = editor.qmap
    editor.qmap = start.mask_line(0, 0, 50, 50, width=3)
    editor.undo()
    assert editor.qmap == drawn
    with pytest.raises(QMapError, match="another shape"):
        editor.qmap = QMap.from_geometry(start.geometry, (4, 4))
    with pytest.raises(OptionError, match="no qmap"):
        editor.qmap = "qmap.h5"  # type: ignore[assignment]
    assert editor.qmap == drawn


@pytest.mark.parametrize(
    "content",
    [
        {"type": "draw", "edit": {"kind": "circle", "x": 1, "y": 1, "radius": 0}},
        {"type": "draw", "edit": {"kind": "circle", "x": float("nan"), "y": 1, "radius": 3}},
        {"type": "draw", "edit": {"kind": "polygon", "points": [[0, 0], [5, 5]]}},
        {"type": "draw", "edit": {"kind": "nonsense"}},
        {"type": "change", "index": 7, "edit": CIRCLE},
        {"type": "delete", "index": -1},
        {"type": "what?"},
    ],
)
def test_what_can_not_be_used_is_said_and_changes_nothing(editor: QMapEditor, content: dict[str, Any]) -> None:
    editor.edit(BOX)
    before = editor.qmap
    editor.view._handle_custom_msg(content, [])
    assert editor.qmap == before
    assert len(editor.messages) == 1
    ask(editor, "draw", edit=CIRCLE)
    assert len(editor.messages) == 1, "an error stays until it is dismissed"
    ask(editor, "dismiss", id=editor.view._said[0]["id"])
    assert editor.messages == []


def test_shapes_that_do_nothing_cross_themselves_or_mask_everything_are_remarked_on(editor: QMapEditor) -> None:
    ask(editor, "draw", edit=CIRCLE | {"x": -500.0})
    assert "changed no pixel" in editor.messages[-1]
    ask(editor, "draw", edit={"kind": "polygon", "points": [[0, 0], [30, 30], [30, 0], [0, 30]]})
    assert "crosses itself" in editor.messages[-1]
    ask(editor, "draw", edit=BOX | {"width": 500.0, "height": 500.0})
    assert "No pixel is left" in editor.messages[-1]
    assert len(editor.layers) == 3


def test_bins_that_can_not_be_made_are_said_and_the_mask_stays(editor: QMapEditor) -> None:
    editor.qmap = editor.qmap.partition(q=(3, 9))
    ask(editor, "draw", edit=BOX | {"width": 500.0, "height": 500.0})
    ask(editor, "wanted", what=["bins"])
    assert editor.messages[-1].startswith("No bins")
    assert not editor.qmap.mask.any()
    ask(editor, "undo")
    assert editor.qmap.arrays.dynamic_roi_map.max() == 3


def test_it_opens_on_a_result_a_raw_file_an_array_and_a_qmap(tmp_path: Path, start: QMap) -> None:
    made = simulate_measurement(tmp_path, shape=(32, 32), n_frames=20)
    raw = QMapEditor(made.raw)
    assert raw.source == made.raw
    assert raw.frames is not None
    np.testing.assert_allclose(raw.qmap.image.mean(), 0.5, rtol=0.5)
    qmap = QMapEditor(str(made.qmap))
    assert qmap.source is None
    assert qmap.qmap == QMap.from_file(made.qmap)
    assert QMapEditor(np.ones((3, *start.shape)), metadata=start.geometry).qmap.shape == start.shape
    with pytest.raises(OptionError, match="can't be edited"):
        QMapEditor(3)


def test_a_raw_file_with_contradictory_metadata_is_an_error_that_names_what_is_missing(tmp_path: Path) -> None:
    made = simulate_measurement(tmp_path, shape=(32, 32), n_frames=4)
    with pytest.raises((OptionError, FileNotFoundError)):
        QMapEditor(made.raw, metadata=tmp_path / "none_metadata.hdf")
    with pytest.raises(OptionError, match="energy"):
        QMapEditor(
            made.raw, metadata=Geometry(energy=-1, detector_distance=1, pixel_size=1, beam_center_x=0, beam_center_y=0)
        )


def test_an_image_of_another_shape_is_refused_and_the_mask_goes_on(editor: QMapEditor, start: QMap) -> None:
    with pytest.raises(OptionError, match="another shape"):
        editor.show_image(np.ones((7, 5)))
    editor.show_image(np.ones(start.shape))
    ask(editor, "draw", edit=CIRCLE)
    editor.change_edit(0, CIRCLE | {"x": 40.0})
    editor.undo()
    ask(editor, "draw", edit=BOX | {"mode": "only"})
    np.testing.assert_array_equal(editor.view._flags["mask"], editor.qmap.mask)
    editor.undo()
    ask(editor, "draw", edit=BOX)
    np.testing.assert_array_equal(editor.view._flags["mask"], editor.qmap.mask)
    assert editor.qmap == start.edit(CIRCLE, BOX)


def test_panels_are_added_and_replaced(editor: QMapEditor) -> None:
    before = len(editor._tabs.children)
    editor.add_panel("notes", ipywidgets.Label("old"))
    editor.add_panel("notes", ipywidgets.Label("new"))
    assert len(editor._tabs.children) == before + 1
    assert editor._tabs.titles[-1] == "notes"
    assert editor._tabs.children[-1].value == "new"


def test_a_fault_in_a_listener_is_said_and_raised(editor: QMapEditor) -> None:
    def fail(qmap: QMap) -> None:
        raise ZeroDivisionError("of a listener")

    editor.on_change(fail)
    with pytest.raises(ZeroDivisionError):
        editor._asked({"type": "draw", "edit": CIRCLE})
    assert "of a listener" in editor.messages[-1]
    assert len(editor.layers) == 1


def test_the_mask_is_on_its_way_before_anything_else_is_worked_out(editor: QMapEditor, start: QMap) -> None:
    sent: list[str] = []
    parts: list[list[str]] = []

    def send(content: Any, buffers: Any = None) -> None:
        sent.append(content["type"])
        parts.append([part["type"] for part in content.get("parts", ())])

    editor.view._ready = True
    editor.view.send = send
    editor.on_change(lambda _: sent.append("told"))

    async def drawn() -> list[str]:
        ask(editor, "draw", edit=CIRCLE)
        ask(editor, "draw", edit=BOX)
        at_once = list(sent)
        await asyncio.sleep(3 * PAUSE)
        return at_once

    at_once = asyncio.run(drawn())
    assert at_once == ["together"] * 2
    assert parts == [["flags", "shapes", "history", "stale"], ["flags", "shapes", "stale"]]
    assert sent[len(at_once) :] == ["told"] * 2
    assert [layer.edit.kind for layer in editor.layers] == ["circle", "rectangle"]
    assert len(editor._panels[0].list.labels) == 2


def test_an_edit_from_python_is_shown_everywhere_when_it_returns(editor: QMapEditor) -> None:
    told: list[QMap] = []
    editor.on_change(told.append)

    async def edited() -> None:
        ask(editor, "draw", edit=CIRCLE)
        assert told == []
        editor.edit(BOX)
        assert len(told) == 2
        assert len(editor._panels[0].list.labels) == 2

    asyncio.run(edited())
