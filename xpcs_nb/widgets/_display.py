"""What the image of the editor shows of a qmap: the mask at once, the rest when there is time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import Geometry
from xpcs_nb.errors import QMapError
from xpcs_nb.qmap import QMap
from xpcs_nb.widgets._document import Document
from xpcs_nb.widgets._draw_view import DrawView

__all__ = ["Display", "geometry_of"]

#: Maps that are read out under the cursor.
READ_OUT = ("q", "phi")
KINDS = ("dynamic", "static")


class Display:
    """Brings a qmap to a view, and only what has changed since the last one."""

    def __init__(self, view: DrawView) -> None:
        self._view = view
        self._shown: QMap | None = None
        self._drawn: QMap | None = None

    def show_drawn(self, document: Document) -> None:
        """Show what a pen changes, in one message: the mask and the outlines, and that the bins are old."""
        before, self._drawn = self._drawn, document.qmap
        part = None if before is None else document.qmap.reach_of_change(before)
        with self._view.together():
            mask = document.qmap.mask if part is None else document.qmap.part_of_mask(part)
            self._view.set_mask(mask, part=part)
            self._view.set_shapes(document.layers)
            self._view.set_history(undo=document.can_undo, redo=document.can_redo)
            self._view.set_stale("bins")

    def show_rest(self, qmap: QMap) -> None:
        """Show blemishes and beam, and say whether the maps are old."""
        before, self._shown = self._shown, qmap
        if before is None or before.start is not qmap.start or _blemishing(before) != _blemishing(qmap):
            self._view.set_mask(_blemish(qmap), name="blemish")
        if before is None or geometry_of(before) != geometry_of(qmap):
            beam = geometry_of(qmap)
            self._view.set_markers([] if beam is None else [(beam.beam_center_x, beam.beam_center_y)])
            self._view.set_stale("maps")

    def show_maps(self, qmap: QMap) -> None:
        """Work out the maps that are read out."""
        geometry = geometry_of(qmap)
        if geometry is not None:
            units = geometry.map_units
            for name in READ_OUT:
                self._view.set_map(name, geometry.map(name, qmap.shape), unit=units[name])

    def show_bins(self, qmap: QMap) -> None:
        """Work out the bins and show their borders.

        Raises
        ------
        QMapError
            If the mask or the geometry does not allow them; no borders are shown then.
        """
        try:
            arrays = qmap.arrays
        except QMapError:
            for kind in KINDS:
                self._view.set_labels(kind, None)
            raise
        for kind in KINDS:
            labels = getattr(arrays, f"{kind}_roi_map")
            self._view.set_labels(kind, labels if labels.any() else None, title=f"{kind} bin")


def geometry_of(qmap: QMap) -> Geometry | None:
    """Return the geometry of a qmap; None where it does not say it."""
    try:
        return qmap.geometry
    except QMapError:
        return None


def _blemishing(qmap: QMap) -> list[Any]:
    """Return the edits that make blemishes: detectors, and mask files that say so."""
    edits: Iterable[Any] = (edit for edit in qmap.edits if getattr(edit, "kind", "") in {"detector", "file"})
    return [edit for edit in edits if edit.kind == "detector" or edit.blemish]


def _blemish(qmap: QMap) -> NDArray[np.bool_]:
    """Return the good pixels of the detector, whatever the bins are."""
    good: NDArray[np.bool_] = qmap.start.blemish.astype(bool)
    for edit in _blemishing(qmap):
        good = good & edit.good.mask()
    return good
