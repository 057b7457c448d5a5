"""The image view in JupyterLab: it shows, zooms, reads out, and tells what was picked."""

from __future__ import annotations

import pytest

from tests.browser.harness import Lab, Notebook

CELL = """
import numpy as np
from xpcs_nb.widgets import ImageView
y, x = np.indices((300, 400))
view = ImageView(100 * np.exp(-((x - 200) ** 2 + (y - 150) ** 2) / 5000) + 1, height=320, label="a spot")
used = np.ones((300, 400), bool); used[:20] = False
view.set_mask(used)
view.set_labels("dynamic", np.hypot(x - 200, y - 150).astype(int) // 30 + 1, title="bin")
view.set_map("r", np.hypot(x - 200, y - 150), unit="pixel")
view.set_markers([(200, 150)])
picked = []
view.on_pick(lambda x, y: picked.append((x, y)))
view
"""

PAINTED = """() => {
  const { width, height } = document.querySelector('.xnb-canvas');
  const bytes = document.querySelector('.xnb-canvas').getContext('2d').getImageData(0, 0, width, height).data;
  return bytes.reduce((sum, byte) => (31 * sum + byte) | 0, 7);
}"""


@pytest.mark.timeout(400)
def test_an_image_is_shown_read_zoomed_and_picked(lab: Lab) -> None:
    book = lab.open("image_view", [CELL])
    book.run_all()
    stage = book.bring(".xnb-stage")
    book.page.wait_for_selector(".xnb-notice", state="hidden")
    box = stage.bounding_box()
    assert box is not None
    book.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    book.page.wait_for_function("() => document.querySelector('.xnb-readout').innerText.includes('bin')")
    said = book.page.locator(".xnb-readout").inner_text()
    assert "x 200" in said or "x 199" in said
    assert "I 10" in said
    assert "bin 1" in said
    book.picture("image_view")
    book.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    book.kernel.until("len(picked)", 1)
    x, y = book.kernel.value("picked[0]")
    assert abs(x - 199.5) < 2
    assert abs(y - 149.5) < 2
    book.page.mouse.wheel(0, -800)
    book.kernel.run("view.color_map = 'magma'; view.limits = [1, 50]")
    book.page.wait_for_function("() => document.querySelector('.xnb-bar select').value === 'magma'")
    book.picture("image_view_zoomed")
    # What is painted of a change alone is what is painted of all of it.
    before = book.page.evaluate(PAINTED)
    book.kernel.run("used = used.copy(); used[120:171, 150:240] = False; view.set_mask(used)")
    book.page.wait_for_function(f"(before) => ({PAINTED})() !== before", arg=before)
    assert book.page.evaluate(PAINTED) == painted_anew(book)
    # So is what is moved along with a pan, with the bins and the parts that come into view.
    x, y = box["x"] + 100, box["y"] + 100
    for keys, (dx, dy) in ((["ArrowLeft", "ArrowUp"], (37, -51)), (["ArrowRight", "ArrowDown"], (-63, 44))):
        before = book.page.evaluate(PAINTED)
        for key in keys:
            stage.press(key)
        book.page.mouse.move(x, y)
        book.page.mouse.down(button="right")
        book.page.mouse.move(x + dx, y + dy, steps=3)
        said = book.page.locator(".xnb-readout").inner_text()
        book.page.mouse.up(button="right")
        book.page.wait_for_function(f"(before) => ({PAINTED})() !== before", arg=before)
        book.page.wait_for_timeout(200)
        moved = book.page.evaluate(PAINTED)
        assert moved == painted_anew(book)
        book.page.mouse.move(x + dx, y + dy)
        assert book.page.locator(".xnb-readout").inner_text() == said, "the pixel stays under the pointer"
    assert book.page.locator(".lm-Menu").count() == 0, "the right button drags, and opens no menu"
    book.picture("image_view_panned")
    book.close()


def painted_anew(book: Notebook) -> int:
    """Return what is painted when all of it is: after other colours, and the same again."""
    for name in ("viridis", "magma"):
        before = book.page.evaluate(PAINTED)
        book.kernel.run(f"view.color_map = {name!r}")
        book.page.wait_for_function(f"(before) => ({PAINTED})() !== before", arg=before)
    return int(book.page.evaluate(PAINTED))
