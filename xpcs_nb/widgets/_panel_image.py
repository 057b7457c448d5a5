"""The panel of the image: which map is shown, and the frames of raw files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w
import numpy as np
from numpy.typing import NDArray

from xpcs_nb.errors import QMapError
from xpcs_nb.widgets import _forms as form
from xpcs_nb.widgets._opened import mean_of

if TYPE_CHECKING:
    from xpcs_nb.widgets._qmap_editor import QMapEditor

__all__ = ["ImagePanel"]

SCATTERING, UNMASKED, FRAMES = "scattering", "scattering, unmasked", "frames"
MASK, DYNAMIC, STATIC = "mask", "dynamic bins", "static bins"
COUNTS = {SCATTERING, UNMASKED, FRAMES}


class ImagePanel:
    """What is shown under the mask."""

    title = "Image"

    def __init__(self, editor: QMapEditor) -> None:
        self.editor = editor
        self.channel = form.choice("show", self._channels(), SCATTERING)
        self.channel.observe(self._chosen, "value")
        self._geometry = editor.geometry
        parts: list[Any] = [self.channel]
        if editor.frames is not None:
            last = editor.frames.n_frames - 1
            self.frame = w.IntSlider(
                min=0, max=last, description="frame", continuous_update=False, layout={"width": "auto"}
            )
            self.average = form.whole("mean of frames", 1, most=editor.frames.n_frames)
            self.frame.observe(lambda _: self._browse(), "value")
            self.average.observe(lambda _: self._browse(), "value")
            use = form.action("Use for masks", self.use, title="let thresholds and outliers look at these frames")
            parts += [form.heading("Raw frames"), self.frame, self.average, use]
        self.root = form.rows(parts)

    def _channels(self) -> tuple[str, ...]:
        frames = () if self.editor.frames is None else (FRAMES,)
        return (*frames, SCATTERING, UNMASKED, MASK, DYNAMIC, STATIC, *self.editor.map_names)

    def _chosen(self, _: object = None) -> None:
        with self.editor.telling():
            counts = self.channel.value in COUNTS
            self.editor.view.limits = None
            self.editor.view.log = counts
            self.show()

    def _browse(self) -> None:
        if self.channel.value == FRAMES:
            self._chosen()
        else:
            self.channel.value = FRAMES

    def show(self) -> None:
        """Show the channel as it is now."""
        channel = self.channel.value
        self.editor.show_image(
            self._image(channel), name="I" if channel in COUNTS else channel, unit=self._unit(channel)
        )

    def refresh(self) -> None:
        """Offer the maps that there are, and show the channel again if it follows the mask or the geometry."""
        moved = self.editor.geometry != self._geometry
        self._geometry, before = self.editor.geometry, self.channel.value
        self.channel.unobserve(self._chosen, "value")
        form.offer(self.channel, self._channels(), SCATTERING)
        self.channel.observe(self._chosen, "value")
        if self.channel.value != before:
            self._chosen()
        elif self.channel.value in {UNMASKED, MASK} or (moved and self.channel.value in self.editor.map_names):
            self.show()

    def refresh_bins(self) -> None:
        """Show the channel again if it follows the bins."""
        if self.channel.value in {DYNAMIC, STATIC}:
            self.show()

    def use(self) -> None:
        """Let the edits look at the frames that are shown."""
        with self.editor.telling():
            image = self._frames()
            self.editor.apply(lambda qmap: qmap.with_image(image))
            self.editor.tell("Thresholds and outliers look at these frames now.", level="note")

    def _frames(self) -> NDArray[Any]:
        if self.editor.frames is None:
            raise QMapError("there are no raw frames")
        return mean_of(self.editor.frames, self.frame.value, self.average.value)

    def _unit(self, channel: str) -> str:
        geometry = self.editor.geometry
        return "" if geometry is None else geometry.map_units.get(channel, "")

    def _image(self, channel: str) -> NDArray[Any] | None:
        qmap = self.editor.qmap
        if channel == SCATTERING:
            return None
        if channel == FRAMES:
            return self._frames()
        if channel == UNMASKED:
            counts = np.ones(qmap.shape) if qmap.image is None else qmap.image
            return np.where(qmap.mask, counts, np.nan)
        if channel == MASK:
            return qmap.mask
        if channel in {DYNAMIC, STATIC}:
            kind = channel.split()[0]
            return np.asarray(getattr(qmap.arrays, f"{kind}_roi_map"))
        return qmap.geometry.map(channel, qmap.shape)
