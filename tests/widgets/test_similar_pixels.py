"""One pixel is named, and those like it leave the mask."""

from __future__ import annotations

import numpy as np

from xpcs_nb.qmap import QMap
from xpcs_nb.widgets import QMapEditor


def test_the_form_takes_out_pixels_like_one(start: QMap) -> None:
    image = np.full(start.shape, 10.0, dtype=np.float32)
    image[20, 30:41] = 100.0
    editor = QMapEditor(start.with_image(image))
    masks = next(panel for panel in editor._panels if panel.title == "Masks")
    form = masks.forms["similar pixels"]
    form.x.value, form.y.value, form.radius.value, form.variation.value = 32, 20, 5.0, 30.0
    masks.kind.value = "similar pixels"
    masks.apply()
    assert np.argwhere(~editor.qmap.mask).tolist() == [[20, column] for column in range(30, 38)]
    editor.view._handle_custom_msg({"type": "similar", "x": 2, "y": 3}, [])
    edit = editor.qmap.edits[-1]
    assert (edit.kind, edit.x, edit.y, edit.radius, edit.variation) == ("similar", 2, 3, 5.0, 0.3)
    editor.view._handle_custom_msg({"type": "similar", "x": 200, "y": 3}, [])
    assert "off the image" in editor.messages[-1]
    editor.live.close()
