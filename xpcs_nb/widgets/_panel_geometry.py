"""The panel of the geometry: numbers, and ways to find the beam centre."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

import ipywidgets as w
import numpy as np

from xpcs_nb.core import Geometry
from xpcs_nb.errors import OptionError, QMapError
from xpcs_nb.qmap import QMap
from xpcs_nb.widgets import _forms as form

if TYPE_CHECKING:
    from xpcs_nb.widgets._qmap_editor import QMapEditor

__all__ = ["GeometryPanel"]

LABELS = {
    "energy": "energy, keV",
    "detector_distance": "distance, m",
    "pixel_size": "pixel, m",
    "beam_center_x": "beam x, pixel",
    "beam_center_y": "beam y, pixel",
    "swing_horizontal": "swing h, °",
    "swing_vertical": "swing v, °",
    "incident_angle": "incident angle, °",
    "orientation": "orientation, °",
}
assert set(LABELS) == {field.name for field in fields(Geometry)}  # noqa: S101  # a new part needs a field here


class GeometryPanel:
    """Numbers of the geometry as text, empty where they are not known."""

    title = "Geometry"

    def __init__(self, editor: QMapEditor) -> None:
        self.editor = editor
        self.fields = {name: form.text(label) for name, label in LABELS.items()}
        self.fields["incident_angle"].placeholder = "empty: transmission"
        self.radius = form.whole("look within", 384, least=8, most=10000)
        self.beamstop = form.check("then mask a beamstop")
        self.beamstop_radius = form.real("its radius", 30.0)
        parts: list[w.Widget | list[w.Widget]] = [
            *self.fields.values(),
            [
                form.action("Apply", self.apply, main=True),
                form.action("Swap x and y", self.swap, title="exchange the beam's column and row"),
                form.action("Brightest pixel", self.to_brightest, title="put the beam on the brightest used pixel"),
            ],
            form.heading("Beam centre by symmetry of the image"),
            self.radius,
            self.beamstop,
            self.beamstop_radius,
            form.action("Find centre", self.find),
        ]
        self.root = form.rows(parts)
        self._shown: Geometry | None = None

    def refresh(self) -> None:
        """Show the geometry of the qmap."""
        geometry = self.editor.geometry
        if geometry is None or geometry == self._shown:
            return
        self._shown = geometry
        for name, value in asdict(geometry).items():
            self.fields[name].value = "" if value is None else f"{value:.10g}"

    def apply(self) -> None:
        """Take the numbers that differ from those of the qmap."""
        with self.editor.telling():
            typed = {name: form.optional_number(LABELS[name], field.value) for name, field in self.fields.items()}
            known = {} if self._shown is None else asdict(self._shown)
            if known.get("incident_angle") is not None and typed["incident_angle"] is None:
                raise OptionError("an incident angle can't be taken back", hint="Undo the edit that gave it.")
            as_shown = {name: None if value is None else float(f"{value:.10g}") for name, value in known.items()}
            changed = {
                name: value for name, value in typed.items() if value is not None and value != as_shown.get(name)
            }
            if not changed:
                self.editor.tell("The geometry is as it was.", level="note")
                return
            self.editor.apply(lambda qmap: qmap.set_geometry(**changed))

    def swap(self) -> None:
        """Exchange column and row of the beam."""
        with self.editor.telling():
            now = self.editor.qmap.geometry
            self.editor.move_center(now.beam_center_y, now.beam_center_x)

    def to_brightest(self) -> None:
        """Put the beam on the brightest used pixel."""
        with self.editor.telling():
            qmap = self.editor.qmap
            if qmap.image is None or not qmap.mask.any():
                raise QMapError("there is no brightest pixel without an image and used pixels")
            counts = np.where(qmap.mask & np.isfinite(qmap.image), qmap.image, -np.inf)
            y, x = np.unravel_index(int(counts.argmax()), qmap.shape)
            self.editor.move_center(float(x), float(y))

    def find(self) -> None:
        """Find the centre, and mask a beamstop there if that is wanted."""
        with self.editor.telling():
            self.editor.apply(self._found)

    def _found(self, qmap: QMap) -> QMap:
        found = qmap.find_center(max_radius=self.radius.value)
        if not self.beamstop.value:
            return found
        beam = found.geometry
        return found.mask_circle(beam.beam_center_x, beam.beam_center_y, self.beamstop_radius.value)
