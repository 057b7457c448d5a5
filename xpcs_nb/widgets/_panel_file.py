"""The panel of files: save, load, replay, report, and what the qmap is."""

from __future__ import annotations

from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import ipywidgets as w
import numpy as np
import tifffile

from xpcs_nb.errors import OptionError
from xpcs_nb.qmap import QMap, describe
from xpcs_nb.widgets import _forms as form
from xpcs_nb.widgets._transfer import Download, Upload

if TYPE_CHECKING:
    from xpcs_nb.widgets._qmap_editor import QMapEditor

__all__ = ["FilePanel"]


class FilePanel:
    """Paths count from the folder of the kernel; the browser sends and keeps files as well."""

    title = "File"

    def __init__(self, editor: QMapEditor) -> None:
        self.editor = editor
        self.target = form.text("save as", "qmap.h5")
        self.overwrite = form.check("replace an older file")
        self.origin = form.text("qmap file", hint="of any layout, or a result")
        self.upload = Upload(
            self.origin, tooltip="put a qmap file of this computer beside the kernel, to load or replay"
        )
        self.what = form.choice("download", ["qmap", "mask", "report"])
        self.download = Download(self.send, title="download the qmap (HDF5), the mask (TIFF) or the report (PDF)")
        self.page = form.text("report", "qmap.pdf", hint=".pdf or .png")
        self.said = w.HTML()
        self.root = form.rows(
            [
                self.target,
                self.overwrite,
                form.action("Save", self.save, main=True),
                (self.what, self.download),
                self.origin,
                self.upload,
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

    def send(self) -> None:
        """Give a file to the browser."""
        with self.editor.telling(), TemporaryDirectory() as folder:
            name = Path(folder) / Path(self.target.value.strip() or "qmap").stem
            kind = self.what.value
            if kind == "qmap":
                self.download.give(self.editor.save(name.with_suffix(".h5")))
            elif kind == "report":
                self.download.give(self.editor.report(name.with_suffix(".pdf")))
            else:
                path = name.with_name(f"{name.name}_mask.tif")
                tifffile.imwrite(path, self.editor.qmap.mask.astype(np.uint8), compression="zlib")
                self.download.give(path)

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
