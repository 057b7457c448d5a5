"""The qmap editor: an image to draw on, the list of edits, and panels for what is not drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import Geometry, Metadata
from xpcs_nb.errors import OptionError, QMapError, XpcsError
from xpcs_nb.plots import qmap_report
from xpcs_nb.qmap import Edit, QMap
from xpcs_nb.widgets._display import Display, geometry_of
from xpcs_nb.widgets._document import Document, Layer
from xpcs_nb.widgets._draw_view import DrawView
from xpcs_nb.widgets._later import Later
from xpcs_nb.widgets._live_panel import LivePanel
from xpcs_nb.widgets._looks import share_looks
from xpcs_nb.widgets._notices import notice
from xpcs_nb.widgets._opened import open_source
from xpcs_nb.widgets._panel_bins import BinsPanel
from xpcs_nb.widgets._panel_edits import EditPanel
from xpcs_nb.widgets._panel_file import FilePanel
from xpcs_nb.widgets._panel_geometry import GeometryPanel
from xpcs_nb.widgets._panel_image import ImagePanel
from xpcs_nb.widgets._panel_masks import MaskPanel
from xpcs_nb.widgets._resubmit import Resubmit

if TYPE_CHECKING:
    from xpcs_nb.flows import Facility, Run

__all__ = ["QMapEditor"]


class QMapEditor(ipywidgets.HBox):
    """Draw the mask and the partition of a detector on its scattering.

    Parameters
    ----------
    source
        A result (`open_result`, or its file), raw frames (`open_frames`, an array, or a file), or a qmap (`QMap`, or
        its file).
    metadata
        Of raw frames: the metadata, their file, or a `Geometry`; None takes the file beside them.
    max_frames
        Most raw frames to average for the image.
    height
        Of the image on the page, CSS pixels.

    Raises
    ------
    OptionError
        If `source` is none of these, or the metadata give no geometry.
    MissingFileError, MissingKeyError, FileFormatError, CorruptDataError, QMapError
        If a file can't be read, or what it says contradicts itself.
    """

    def __init__(
        self,
        source: Any,
        *,
        metadata: Metadata | Geometry | str | PathLike[str] | None = None,
        max_frames: int = 1000,
        height: int = 620,
    ) -> None:
        opened = open_source(source, metadata, max_frames=max_frames)
        self._document = Document(opened.qmap)
        self._marked = False
        self._later = Later()
        self._listeners: list[Callable[[QMap], object]] = []
        self.source = opened.path
        self.frames = opened.frames
        self.view = DrawView(height=height, label="scattering with mask and bins; draw on it", layout={"width": "100%"})
        self.view.on_request(self._asked)
        self._display = Display(self.view)
        self._tabs = ipywidgets.Tab(layout={"flex": "1 1 410px", "min_width": "340px", "max_width": "470px"})
        self._tabs.add_class("xnb-panels")
        picture = ipywidgets.Box([self.view], layout={"flex": "1000 1 560px", "min_width": "320px"})
        super().__init__([picture, self._tabs], layout={"flex_flow": "row wrap"})
        self.add_class("xnb-editor")
        self.bins = BinsPanel(self)
        self._image = ImagePanel(self)
        self._masks = MaskPanel(self)
        self._panels = (EditPanel(self), self._masks, self.bins, GeometryPanel(self), self._image, FilePanel(self))
        for panel in self._panels:
            self.add_panel(panel.title, panel.root)
        self._tabs.selected_index = 0
        share_looks(self, *self._masks.all_parts)
        self.show_image(None)
        self._display.show_drawn(self._document)
        self._show_rest()
        self._add_consequences(source, metadata)

    @property
    def qmap(self) -> QMap:
        """The qmap as it is now; assigning another one is an edit that can be undone.

        Raises
        ------
        QMapError
            If the other one is for frames of another shape.
        """
        return self._document.qmap

    @qmap.setter
    def qmap(self, qmap: QMap) -> None:
        if not isinstance(qmap, QMap):
            raise OptionError("this is no qmap", got=type(qmap).__name__, expected="QMap")
        if qmap.shape != self.qmap.shape:
            raise QMapError("the qmap is for frames of another shape", got=qmap.shape, expected=self.qmap.shape)
        image = self.qmap.image
        self._document.put(qmap if qmap.image is not None or image is None else qmap.with_image(image))
        self._changed()

    @property
    def geometry(self) -> Geometry | None:
        """The geometry of the qmap; None where it does not say it."""
        return geometry_of(self.qmap)

    @property
    def map_names(self) -> tuple[str, ...]:
        """Maps along which masks and bins can be made."""
        return ("x", "y") if self.geometry is None else tuple(self.geometry.map_units)

    def map_limits(self, name: str) -> tuple[float, float]:
        """Return the least and the largest value of a map."""
        if self.geometry is None:
            return 0.0, float(self.qmap.shape[name == "x"] - 1)
        values = self.geometry.map(name, self.qmap.shape)
        return float(values.min()), float(values.max())

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All edits, also those that are switched off."""
        return self._document.layers

    @property
    def messages(self) -> list[str]:
        """What the editor says below the image, the oldest first."""
        return self.view.messages

    def on_change(self, callback: Callable[[QMap], object], *, remove: bool = False) -> None:
        """Have `callback` called with the new qmap after each edit, undo and redo, when its mask is on its way."""
        if remove:
            self._listeners.remove(callback)
        else:
            self._listeners.append(callback)

    def add_panel(self, title: str, widget: ipywidgets.Widget) -> None:
        """Add a tab beside the image; one of that title is replaced."""
        titles, children = list(self._tabs.titles), list(self._tabs.children)
        if title in titles:
            children[titles.index(title)] = widget
        else:
            titles.append(title)
            children.append(widget)
        self._tabs.children, self._tabs.titles = tuple(children), tuple(titles)

    def tell(self, text: str, *, level: str = "error") -> None:
        """Show a message below the image: an ``error`` stays until it is dismissed, a ``note`` until the next one."""
        self.view.say(text, level=level)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Show what goes wrong in a ``with`` block as a message; faults of the program are raised as well."""
        try:
            yield
        except XpcsError as error:
            self.tell(str(error))
        except Exception as error:
            self.tell(f"A fault of the program, {type(error).__name__}: {error}")
            raise

    def edit(self, *entries: Edit | Mapping[str, Any]) -> None:
        """Apply further edits, given as `QMap.edit` takes them.

        Raises
        ------
        QMapError
            If one can't be used or applied; nothing has changed then.
        """
        self.apply(lambda qmap: qmap.edit(*entries))

    def apply(self, change: Callable[[QMap], QMap]) -> None:
        """Go on with what `change` makes of the qmap: methods of `QMap` that add edits.

        Raises
        ------
        XpcsError
            What `change` raises; nothing has changed then.
        """
        before = self.qmap
        after = change(before)
        self._document.extend(after)
        self.clear_preview()
        self._changed()
        self._later.do(lambda: self.tell(notice(before, after, after.edits[len(before.edits) :]), level="note"))

    def preview(self, change: Callable[[QMap], QMap]) -> int:
        """Mark the pixels whose use `change` would change, and return their number.

        Raises
        ------
        XpcsError
            What `change` raises.
        """
        mask = self.qmap.mask
        after = change(self.qmap).mask
        gone, back = int(np.count_nonzero(mask & ~after)), int(np.count_nonzero(after & ~mask))
        self.mark(mask ^ after)
        self.tell(f"{gone} pixels would leave the mask, {back} would come back.", level="note")
        return gone + back

    def mark(self, pixels: NDArray[np.bool_]) -> None:
        """Mark pixels on the image, in place of those marked before."""
        self.view.set_mask(~pixels, name="preview")
        self._marked = True

    def clear_preview(self) -> None:
        """Mark no pixels."""
        if self._marked:
            self.view.set_mask(None, name="preview")
            self._marked = False

    def move_center(self, x: float, y: float) -> None:
        """Put the beam centre at column `x`, row `y`; q, phi and the bins move with it."""
        self.apply(lambda qmap: qmap.set_geometry(beam_center_x=x, beam_center_y=y))

    def change_edit(self, index: int, entry: Edit | Mapping[str, Any] | None) -> None:
        """Replace an edit of `layers`, or leave it out where it is None.

        Raises
        ------
        QMapError
            If there is no such edit, or it can't be used; nothing has changed then.
        """
        self._document.change(index, entry)
        if entry is None:
            self.view.selected = -1
        self._changed()

    def switch_edit(self, index: int, on: bool) -> None:
        """Let an edit of `layers` count, or not; what is switched off is saved as such.

        Raises
        ------
        QMapError
            If there is no such edit, or those after it can't be applied then; nothing has changed then.
        """
        self._document.switch(index, on)
        self._changed()

    def undo(self) -> None:
        """Take back the last change, of whatever kind."""
        self._document.undo()
        self._changed()

    def redo(self) -> None:
        """Bring back what was undone last."""
        self._document.redo()
        self._changed()

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the qmap with its edits, also those that are switched off.

        Raises
        ------
        ResultExistsError, WriteError, QMapError
            As `QMap.save`.
        """
        return self._document.saved.save(path, overwrite=overwrite)

    def load(self, path: str | PathLike[str]) -> None:
        """Go on with the qmap of a file; the image stays.

        Raises
        ------
        QMapError
            If it is for frames of another shape.
        MissingFileError, MissingKeyError, CorruptDataError, FileFormatError
            If it can't be read.
        """
        self.qmap = QMap.from_file(path)

    def report(self, path: str | PathLike[str]) -> Path:
        """Draw the qmap on one page, PDF or PNG, as `qmap_report`."""
        return qmap_report(self.qmap, None, path)

    def reprocess(self, facility: Facility | None = None, *, suffix: str | None = None, **options: Any) -> Run:
        """Process the data again with the qmap as it is now, or raw frames the first time; the panel follows the run.

        When it is done, old and new are shown side by side there.

        Parameters
        ----------
        facility
            Where (`xpcs_nb.connect`); by default this machine.
        suffix
            Of the new dataset; by default what is typed in the panel.
        **options
            As in `Facility.reprocess`, or in `Facility.process` for raw frames.

        Raises
        ------
        OptionError
            There is nothing to process: the editor was opened on a qmap or an array.
        XpcsError
            As these raise before anything is submitted.
        """
        return self.resubmit.start(facility, suffix=suffix, **options)

    def _add_consequences(self, source: Any, metadata: Any) -> None:
        """Add the panels that show what the qmap does to the result, and that process the data with it."""
        beside = Path(metadata) if isinstance(metadata, str | PathLike) else None
        what = source if hasattr(source, "children") else self.source
        self.live = LivePanel(self.source, metadata=beside)
        self.resubmit = Resubmit(what, lambda: self._document.saved, metadata=beside)
        self.add_panel("g2", self.live)
        self.add_panel("process", self.resubmit)
        self.on_change(self.live.update)
        self.live.update(self.qmap)

    def show_image(self, image: NDArray[Any] | None, *, name: str = "I", unit: str = "") -> None:
        """Show another image under the mask; None takes the scattering that edits look at.

        Raises
        ------
        OptionError
            If it has another shape than the mask.
        """
        own = self.qmap.image
        if image is None:
            image = np.zeros(self.qmap.shape, dtype=np.uint8) if own is None else own
        if np.shape(image) != self.qmap.shape:
            raise OptionError(
                "the image has another shape than the mask", got=np.shape(image), expected=self.qmap.shape
            )
        self.view.set_image(image, name=name, unit=unit)

    def _changed(self) -> None:
        """Show the mask as it is now, and then the rest to all who want to know."""
        self._display.show_drawn(self._document)
        self._later.do(self._tell_all)

    def _tell_all(self) -> None:
        self._show_rest()
        for callback in list(self._listeners):
            callback(self.qmap)

    def _show_rest(self) -> None:
        self._display.show_rest(self.qmap)
        for panel in self._panels:
            panel.refresh()

    def _show_stale(self, what: Iterable[str]) -> None:
        """Work out what the page asks for now that the pen rests."""
        old = self.view.take_stale(what)
        if "bins" in old:
            self._show_bins()
        if "maps" in old:
            self._display.show_maps(self.qmap)

    def _show_bins(self) -> None:
        """Show the bins; what does not allow them is said, and the mask stays."""
        try:
            self._display.show_bins(self.qmap)
        except QMapError as error:
            self.tell(f"No bins: {error}")
            return
        self._image.refresh_bins()

    def _asked(self, request: Mapping[str, Any]) -> None:
        """Do what a user asked for on the image."""
        with self.telling(), self._later.waiting():
            kind = request.get("type")
            rules: dict[Any, Callable[[], object]] = {
                "draw": lambda: self.edit(request["edit"]),
                "change": lambda: self.change_edit(int(request["index"]), request["edit"]),
                "delete": lambda: self.change_edit(int(request["index"]), None),
                "undo": self.undo,
                "redo": self.redo,
                "wanted": lambda: self._show_stale(request["what"]),
                "center": lambda: self.move_center(float(request["x"]), float(request["y"])),
                "similar": lambda: self._masks.mask_like(int(request["x"]), int(request["y"])),
                "bin": lambda: self.bins.pick_at(int(request["x"]), int(request["y"]), add=bool(request["add"])),
            }
            if kind not in rules:
                raise OptionError("a message of the page can't be understood", got=kind, expected=", ".join(rules))
            rules[kind]()
