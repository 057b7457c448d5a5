"""Files that go from the kernel to the browser, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from xpcs_nb.errors import OptionError
from xpcs_nb.qmap import QMap
from xpcs_nb.widgets import QMapEditor
from xpcs_nb.widgets._transfer import Upload


def downloaded(editor: QMapEditor, what: str, folder: Path) -> Path:
    """Press the button; return the file as a browser would keep it."""
    files = next(each for each in editor._panels if each.title == "File")
    files.what.value = what
    sent: list[Path] = []

    def keep(content: dict[str, str], buffers: list[bytes]) -> None:
        sent.append(folder / content["name"])
        sent[-1].write_bytes(buffers[0])

    files.download.send = keep
    files.download._handle_custom_msg({"type": "wanted"}, [])
    assert editor.messages == []
    return sent[0]


def upload(widget: Upload, path: Path, name: str | None = None) -> None:
    content = path.read_bytes()
    about = {"name": name or path.name, "type": "", "size": len(content), "last_modified": datetime.now(UTC)}
    widget.value = (about | {"content": memoryview(content)},)
    assert widget.value == ()


def test_a_qmap_is_downloaded_and_uploaded_elsewhere(editor: QMapEditor, start: QMap, tmp_path: Path) -> None:
    editor.apply(lambda qmap: qmap.mask_circle(20, 20, 5).partition(q=(3, 9)))
    path = downloaded(editor, "qmap", tmp_path)
    assert path.name == "qmap.h5"
    other = QMapEditor(start)
    files = next(each for each in other._panels if each.title == "File")
    upload(files.upload, path, name="../../elsewhere.h5")
    assert Path(files.origin.value).name == "elsewhere.h5"
    assert Path(files.origin.value).parent == files.upload._folder
    files.load()
    assert other.qmap == editor.qmap
    assert len(other.layers) == 2


def test_a_mask_is_downloaded_and_applied_from_an_upload(editor: QMapEditor, start: QMap, tmp_path: Path) -> None:
    editor.edit({"kind": "circle", "x": 20.0, "y": 20.0, "radius": 5.0})
    path = downloaded(editor, "mask", tmp_path)
    assert path.name == "qmap_mask.tif"
    other = QMapEditor(start)
    masks = next(each for each in other._panels if each.title == "Masks")
    masks.kind.value = "file"
    upload(masks.forms["file"].upload, path)
    masks.apply()
    np.testing.assert_array_equal(other.qmap.mask, editor.qmap.mask)
    assert other.qmap.edits[0].source == "qmap_mask.tif"


def test_the_report_is_downloaded(editor: QMapEditor, tmp_path: Path) -> None:
    editor.apply(lambda qmap: qmap.partition(q=(3, 9)))
    assert downloaded(editor, "report", tmp_path).read_bytes().startswith(b"%PDF")


def test_a_message_that_can_not_be_understood_is_refused(editor: QMapEditor) -> None:
    files = next(each for each in editor._panels if each.title == "File")
    with pytest.raises(OptionError, match="can't be understood"):
        files.download._hear(None, {"type": "nonsense"}, [])
