"""Files between the kernel and the computer in front of which the user sits."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets as t

from xpcs_nb.errors import OptionError
from xpcs_nb.widgets._bundle import bundle

__all__ = ["Download", "Upload"]


class Download(anywidget.AnyWidget):
    """A button whose file the browser keeps.

    Parameters
    ----------
    on_wanted
        Called when it is pressed; it calls `give`.

    Attributes
    ----------
    label, title
        Of the button.
    """

    _esm = bundle("download.js")

    label = t.Unicode("Download").tag(sync=True)
    title = t.Unicode("download").tag(sync=True)

    def __init__(self, on_wanted: Callable[[], object], **traits: Any) -> None:
        self._on_wanted = on_wanted
        super().__init__(**traits)
        self.on_msg(self._hear)

    def give(self, path: Path) -> None:
        """Send a file; the page that asked keeps it under its name."""
        self.send({"type": "file", "name": path.name}, [path.read_bytes()])

    def _hear(self, _: object, content: Any, buffers: object) -> None:
        kind = content.get("type") if isinstance(content, Mapping) else None
        if kind != "wanted":
            raise OptionError("a message of the page can't be understood", got=kind, expected="wanted")
        self._on_wanted()


class Upload(ipywidgets.FileUpload):
    """A button that puts a file into a folder of the kernel, and its path into a field.

    The folder is gone with the kernel. The widget forgets the content at once: a saved notebook does not hold it.
    """

    def __init__(self, field: ipywidgets.Text, **traits: Any) -> None:
        self._field = field
        self._folder: Path | None = None
        super().__init__(multiple=False, description="Upload …", layout={"width": "auto"}, **traits)
        self.observe(self._take, "value")

    def _take(self, change: Mapping[str, Any]) -> None:
        for entry in change["new"]:
            path = self._new_folder() / (Path(entry["name"]).name or "uploaded")
            path.write_bytes(entry["content"])
            self._field.value = str(path)
        if change["new"]:
            self.value = ()

    def _new_folder(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="xpcs_nb_"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder
