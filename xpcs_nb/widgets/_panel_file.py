"""The panel of files: save, load, replay, report, and what the qmap is."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets as w

from xpcs_nb.errors import OptionError
from xpcs_nb.qmap import QMap, describe
from xpcs_nb.widgets import _forms as form

if TYPE_CHECKING:
    from xpcs_nb.widgets._qmap_editor import QMapEditor

__all__ = ["FilePanel"]


class FilePanel:
    """Paths count from the folder of the kernel."""

    title = "File"

    def __init__(self, editor: QMapEditor) -> None:
        self.editor = editor
        self.target = form.text("save as", "qmap.h5")
        self.overwrite = form.check("replace an older file")
        self.origin = form.text("qmap file", hint="of any layout, or a result")
        self.page = form.text("report", "qmap.pdf", hint=".pdf or .png")
        self.said = w.HTML()
        self.root = form.rows(
            [
                self.target,
                self.overwrite,
                form.action("Save", self.save, main=True),
                self.origin,
                (
                    form.action("Load", self.load, title="go on with the qmap of the file"),
                    form.action("Replay its edits", self.replay, title="do here what was done there"),
                ),
                self.page,
                form.action("Write report", self.report),
                form.action("Describe and check", self.check),
                self.said,
            ]
        )

    def refresh(self) -> None:
        """Forget what was said of an earlier qmap."""
        if self.said.value:
            self.said.value = ""

    def save(self) -> None:
        """Write the qmap."""
        with self.editor.telling():
            path = self.editor.save(_path(self.target), overwrite=self.overwrite.value)
            self.editor.tell(f"Saved {path}.", level="note")

    def load(self) -> None:
        """Go on with another qmap."""
        with self.editor.telling():
            self.editor.load(_path(self.origin))

    def replay(self) -> None:
        """Do here what was done in another qmap; what it found on its image is found anew on this one."""
        with self.editor.telling():
            edits = QMap.from_file(_path(self.origin)).edits
            if not edits:
                raise OptionError("the qmap of this file has no edits", got=self.origin.value)
            self.editor.apply(lambda qmap: qmap.replay(edits))

    def report(self) -> None:
        """Write the report."""
        with self.editor.telling():
            self.editor.tell(f"Wrote {self.editor.report(_path(self.page))}.", level="note")

    def check(self) -> None:
        """Say what the qmap is, and what is odd with it."""
        with self.editor.telling():
            qmap = self.editor.qmap
            lines = [str(finding) for finding in qmap.check()] or ["Nothing is wrong."]
            self.said.value = f"<pre>{escape(chr(10).join([*lines, '', describe(qmap)]))}</pre>"


def _path(field: w.Text) -> Path:
    if not field.value.strip():
        raise OptionError("no file is named", where=field.description)
    return Path(field.value.strip())
