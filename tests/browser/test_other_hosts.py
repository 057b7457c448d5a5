"""The qmap editor where there is no JupyterLab: in Notebook, and on a page of Voila."""

from __future__ import annotations

import pytest

from tests.browser.harness import NOTEBOOKS_EXTENSION, Lab, Notebook, Stage
from tests.browser.test_qmap_editor import SHAPE, START, about
from xpcs_nb.core import Geometry
from xpcs_nb.qmap import QMap

pytestmark = pytest.mark.timeout(400)
#: What Notebook says without us, too.
ITS_OWN = ("Cannot read properties of undefined (reading 'schema')", "Command 'filebrowser:open-path' not registered.")
#: What each page of Voila asks for and does without: icons and formulas.
VOILAS = ("https://cdn.jsdelivr.net/npm/@fortawesome/", "https://cdnjs.cloudflare.com/ajax/libs/mathjax/")


def draws(book: Notebook, name: str) -> None:
    """Draw, brush, undo and mask by counts; the kernel has what was drawn, and the page paints what the kernel has."""
    stage, page = Stage(book, SHAPE), book.page
    beam = Geometry(energy=10.0, detector_distance=4.0, pixel_size=75e-6, beam_center_x=131.3, beam_center_y=112.8)
    blank = QMap.from_geometry(beam, SHAPE)
    stage.press("r")
    stage.drag((50, 50), (150, 150))
    stage.press("b")
    stage.drag((200, 60), (260, 90))
    book.kernel.until("[edit.kind for edit in editor.qmap.edits]", ["rectangle", "brush"])
    about(book, blank.mask_rectangle(100, 100, 100, 100).mask_brush([(200, 60), (260, 90)], 10))
    page.mouse.move(*stage.place(100, 100))
    page.wait_for_selector(".xnb-readout:has-text('masked')")
    page.wait_for_selector(".xnb-edits .xnb-name:has-text('brush')")
    book.picture(name)
    page.keyboard.press("Control+z")
    book.kernel.until("len(editor.qmap.edits)", 1)
    page.get_by_role("tab", name="Masks", exact=True).click()
    field = page.get_by_label("at or above")
    field.fill("1500")
    field.press("Enter")
    page.get_by_role("button", name="Apply", exact=True).first.click()
    book.kernel.until("[edit.kind for edit in editor.qmap.edits]", ["rectangle", "threshold"])
    # Keys that mean something to a notebook (a cell is cut, made raw) leave the editor where it is.
    for key in "xrym":
        page.keyboard.press(key)
    page.get_by_role("tab", name="Edits", exact=True).click()
    page.wait_for_selector(".xnb-edits .xnb-name:has-text('threshold')")
    book.picture(f"{name}_masks")


def test_in_notebook(lab: Lab) -> None:
    book = lab.open("editor_in_notebook", [START, "editor"], at="notebooks")
    book.run_all()
    draws(book, "editor_notebook")
    book.close()
    lab.forget_complaints(*ITS_OWN)


def test_in_voila(lab: Lab) -> None:
    book = lab.show("editor_in_voila", [START, "editor"])
    draws(book, "editor_voila")
    book.close()
    lab.outside[:] = [each for each in lab.outside if not each.startswith(VOILAS)]
    lab.forget_complaints("net::ERR_FAILED", NOTEBOOKS_EXTENSION)
