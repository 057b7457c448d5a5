"""The qmap editor in JupyterLab: what is drawn on the page is what the kernel has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from tests.browser.harness import Lab, Notebook, Stage
from xpcs_nb.qmap import QMap

SHAPE = (240, 300)
START = f"""
import numpy as np
import xpcs_nb as xnb
from xpcs_nb.core import Geometry

SHAPE = {SHAPE}
beam = Geometry(energy=10.0, detector_distance=4.0, pixel_size=75e-6, beam_center_x=131.3, beam_center_y=112.8)
mean = 2000 / (1 + 3e5 * beam.q_phi(SHAPE)[0] ** 2)
image = np.random.default_rng(0).poisson(mean).astype("f4")
start = xnb.QMap.from_geometry(beam, SHAPE, image=image)
editor = xnb.QMapEditor(start, height=480)
"""

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def book(lab_session: Lab) -> Iterator[Notebook]:
    opened = lab_session.open("editor", [START, "editor"])
    opened.run_all()
    yield opened
    opened.close()


@pytest.fixture
def stage(lab: Lab, book: Notebook) -> Stage:
    """The editor as it was at the beginning, and its image."""
    book.kernel.run("editor.qmap = start; editor.tell(''); editor.view.tool = 'select'; editor.view.mode = 'exclude'")
    # The page hears of it later than the kernel answers.
    book.page.wait_for_selector("[data-name=select].xnb-on", state="attached")
    book.page.wait_for_function("document.querySelectorAll('.xnb-edits .xnb-name').length === 0")
    made = Stage(book, SHAPE)
    # All of the image, wherever a test has left it.
    made.press("0")
    return made


def mask(book: Notebook) -> np.ndarray:
    """Return the mask that the kernel has."""
    return ~np.isin(
        np.arange(SHAPE[0] * SHAPE[1]), book.kernel.value("np.flatnonzero(~editor.qmap.mask).tolist()")
    ).reshape(SHAPE)


def wait_for_edits(book: Notebook, kinds: list[str]) -> None:
    book.kernel.until("[edit.kind for edit in editor.qmap.edits]", kinds)


def wait_for_circle(book: Notebook) -> None:
    """Wait until the page has the circle that the kernel has."""
    x, y, radius = (book.kernel.value(f"editor.qmap.edits[0].{name}") for name in ("x", "y", "radius"))
    book.page.wait_for_selector(
        f".xnb-edits .xnb-name:has-text('at {x:g}, {y:g}, radius {radius:g}')", state="attached"
    )


def about(book: Notebook, expected: QMap) -> None:
    """The mask is the expected one, but for two pixels at its borders: the pointer moves in pixels of the screen."""
    masked, wanted = ~mask(book), ~expected.mask
    assert not (ndimage.binary_erosion(wanted, iterations=2) & ~masked).any()
    assert not (masked & ~ndimage.binary_dilation(wanted, iterations=2)).any()


@pytest.fixture(scope="module")
def blank() -> QMap:
    from xpcs_nb.core import Geometry

    beam = Geometry(energy=10.0, detector_distance=4.0, pixel_size=75e-6, beam_center_x=131.3, beam_center_y=112.8)
    return QMap.from_geometry(beam, SHAPE)


def test_each_shape_that_is_drawn_is_in_the_mask(book: Notebook, stage: Stage, blank: QMap) -> None:
    for key, points in {
        "r": [(20, 20), (60, 50)],
        "c": [(100, 40), (120, 40)],
        "e": [(160, 40), (190, 55)],
        "l": [(20, 100), (90, 130)],
    }.items():
        stage.press(key)
        stage.drag(*points)
    stage.press("p")
    for corner in [(200, 100), (260, 110), (240, 160)]:
        stage.click(*corner)
    stage.page.keyboard.press("Enter")
    stage.press("b")
    stage.drag((30, 200), (60, 190), (100, 210), (140, 200))
    stage.press("d")
    stage.click(280, 20)
    wait_for_edits(book, ["rectangle", "circle", "ellipse", "line", "polygon", "brush", "pixels"])
    about(
        book,
        blank.mask_rectangle(40, 35, 40, 30)
        .mask_circle(100, 40, 20)
        .mask_ellipse(160, 40, 30, 15)
        .mask_line(20, 100, 90, 130, width=20)
        .mask_polygon([(200, 100), (260, 110), (240, 160)])
        .mask_brush([(30, 200), (60, 190), (100, 210), (140, 200)], 10)
        .mask_pixels([(280, 20)]),
    )
    book.picture("editor_shapes")


def test_the_eraser_brings_pixels_back_and_undo_takes_that_back(book: Notebook, stage: Stage, blank: QMap) -> None:
    stage.press("r")
    stage.drag((50, 50), (150, 150))
    wait_for_edits(book, ["rectangle"])
    stage.press("x")
    stage.drag((60, 100), (140, 100))
    wait_for_edits(book, ["rectangle", "brush"])
    about(book, blank.mask_rectangle(100, 100, 100, 100).mask_brush([(60, 100), (140, 100)], 10, mode="include"))
    stage.page.keyboard.press("Control+z")
    wait_for_edits(book, ["rectangle"])
    stage.page.keyboard.press("Control+Shift+z")
    wait_for_edits(book, ["rectangle", "brush"])


def test_a_shape_is_moved_reshaped_and_deleted_by_its_handles(book: Notebook, stage: Stage) -> None:
    book.kernel.run("editor.edit({'kind': 'circle', 'x': 100., 'y': 100., 'radius': 30.})")
    wait_for_circle(book)
    stage.drag((100, 100), (150, 120))
    book.kernel.until("abs(editor.qmap.edits[0].x - 150) < 2 and abs(editor.qmap.edits[0].y - 120) < 2", True)
    wait_for_circle(book)
    stage.drag((180, 120), (200, 120))
    book.kernel.until("abs(editor.qmap.edits[0].radius - 50) < 2", True)
    wait_for_circle(book)
    book.picture("editor_handles")
    stage.page.keyboard.press("ArrowRight")
    book.kernel.until("abs(editor.qmap.edits[0].x - 151) < 2", True)
    wait_for_circle(book)
    stage.page.keyboard.press("Delete")
    wait_for_edits(book, [])


def test_bins_are_made_shown_and_merged(book: Notebook, stage: Stage) -> None:
    page = book.page
    page.get_by_role("tab", name="Bins", exact=True).click()
    for label, value in {"dynamic": "6", "static": "24"}.items():
        field = page.get_by_label(label, exact=True).first
        field.fill(value)
        field.press("Enter")
    page.get_by_role("button", name="Apply bins").click()
    wait_for_edits(book, ["partition"])
    assert book.kernel.value("int(editor.qmap.arrays.dynamic_roi_map.max())") == 6
    stage.page.mouse.move(*stage.place(131, 113))
    page.wait_for_function("() => document.querySelector('.xnb-readout').innerText.includes('dynamic bin')")
    stage.press("g")
    stage.click(131, 113)
    book.kernel.until("editor.bins.picked", [1])
    stage.click(175, 113, keys=["Shift"])
    book.kernel.until("len(editor.bins.picked)", 2)
    book.picture("editor_bins")
    page.get_by_role("button", name="Merge", exact=True).click()
    book.kernel.until("int(editor.qmap.arrays.dynamic_roi_map.max())", 5)


def test_a_mask_is_evaluated_first_and_applied_then(book: Notebook, stage: Stage) -> None:
    page = book.page
    page.get_by_role("tab", name="Masks", exact=True).click()
    field = page.get_by_label("at or above")
    field.fill("1500")
    field.press("Enter")
    page.get_by_role("button", name="Evaluate").click()
    page.wait_for_selector(".xnb-message:has-text('would leave the mask')")
    assert book.kernel.value("len(editor.qmap.edits)") == 0
    book.picture("editor_evaluated")
    page.get_by_role("button", name="Apply", exact=True).first.click()
    wait_for_edits(book, ["threshold"])
    assert book.kernel.value("bool((editor.qmap.mask == (image < 1500)).all())")
    field.fill("many")
    field.press("Enter")
    page.get_by_role("button", name="Apply", exact=True).first.click()
    page.wait_for_selector(".xnb-error:has-text('many')")
    page.get_by_role("button", name="dismiss this message").first.click()


def test_the_limits_of_outliers_are_drawn(book: Notebook, stage: Stage) -> None:
    page = book.page
    page.get_by_role("tab", name="Masks", exact=True).click()
    page.get_by_label("mask by").select_option("outliers")
    page.get_by_role("button", name="Evaluate").click()
    page.get_by_label("counts with the limits of outliers").scroll_into_view_if_needed()
    book.picture("editor_outliers")
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("mask by").select_option("threshold")


def test_a_click_masks_the_pixels_like_one(book: Notebook, stage: Stage) -> None:
    book.kernel.run(
        "spot = np.full(SHAPE, 10, 'f4'); spot[40:60, 80:95] = 500; spot[70, 90] = 500; "
        "editor.qmap = start.with_image(spot); editor.show_image(None)"
    )
    stage.press("w")
    stage.click(85, 50)
    wait_for_edits(book, ["similar"])
    expected = np.ones(SHAPE, dtype=bool)
    expected[40:60, 80:95] = False
    np.testing.assert_array_equal(mask(book), expected)
    book.picture("editor_similar")
    book.kernel.run("editor.qmap = start; editor.show_image(None)")


def test_a_qmap_is_saved_and_opened_again_with_its_shapes(lab: Lab, book: Notebook, stage: Stage) -> None:
    page = book.page
    stage.press("r")
    stage.drag((50, 50), (150, 150))
    wait_for_edits(book, ["rectangle"])
    page.get_by_role("tab", name="File", exact=True).click()
    page.get_by_label("save as").fill("drawn.h5")
    page.get_by_label("save as").press("Enter")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector(".xnb-message:has-text('Saved drawn.h5')")
    saved = QMap.from_file(lab.root / "drawn.h5")
    assert [edit.kind for edit in saved.edits] == ["rectangle"]
    np.testing.assert_array_equal(saved.mask, mask(book))
    stage.page.keyboard.press("Escape")
    book.kernel.run("editor.qmap = start; editor.load('drawn.h5')")
    book.kernel.until("len(editor.layers)", 1)
    page.get_by_role("tab", name="Edits", exact=True).click()
    page.wait_for_selector(".xnb-name:has-text('rectangle')")


def test_a_qmap_goes_to_this_computer_and_comes_back(book: Notebook, stage: Stage) -> None:
    page = book.page
    book.kernel.run("editor.edit({'kind': 'circle', 'x': 100., 'y': 100., 'radius': 30.})")
    page.get_by_role("tab", name="File", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="download the qmap").click()
    kept = Path(str(download.value.path()))
    assert download.value.suggested_filename.endswith(".h5")
    np.testing.assert_array_equal(QMap.from_file(kept).mask, mask(book))
    book.kernel.run("editor.qmap = start")
    with page.expect_file_chooser() as chooser:
        page.locator(".jupyter-widgets.widget-upload:visible").first.click()
    chooser.value.set_files({"name": "mine.h5", "mimeType": "", "buffer": kept.read_bytes()})
    page.wait_for_function(
        "() => [...document.querySelectorAll('input')].some((each) => each.value.endsWith('mine.h5'))"
    )
    book.picture("editor_files")
    page.get_by_role("button", name="Load", exact=True).click()
    wait_for_edits(book, ["circle"])
    page.get_by_role("tab", name="Edits", exact=True).click()


def test_the_wheel_zooms_and_drawing_follows(book: Notebook, stage: Stage) -> None:
    place = stage.place(100, 100)
    book.page.mouse.move(*place)
    for _ in range(4):
        book.page.mouse.wheel(0, -200)
    stage.press("d")
    book.page.mouse.click(*place)
    wait_for_edits(book, ["pixels"])
    x, y = book.kernel.value("list(editor.qmap.edits[0].points[0])")
    assert abs(x - 100) <= 1
    assert abs(y - 100) <= 1
    stage.press("0")


def test_a_finger_draws_and_two_fingers_zoom(book: Notebook, stage: Stage) -> None:
    stage.press("b")
    stage.finger("down", 1, 100, 100)
    stage.finger("move", 1, 130, 100)
    stage.finger("up", 1, 130, 100)
    wait_for_edits(book, ["brush"])
    for number, x in ((1, 100), (2, 140)):
        stage.finger("down", number, x, 100)
    for number, x in ((1, 80), (2, 160)):
        stage.finger("move", number, x, 100)
    for number, x in ((1, 80), (2, 160)):
        stage.finger("up", number, x, 100)
    book.page.mouse.move(*stage.place(60, 100))
    book.page.wait_for_function("() => /^x (89|90|91)\\b/.test(document.querySelector('.xnb-readout').innerText)")
    assert book.kernel.value("len(editor.layers)") == 1
    stage.press("0")


def test_the_editor_is_readable_in_the_dark(lab: Lab, book: Notebook, stage: Stage) -> None:
    book.kernel.run(
        "editor.edit({'kind': 'circle', 'x': 100., 'y': 100., 'radius': 30.}); editor.tell('An error stays.')"
    )
    lab.theme(book.page, "JupyterLab Dark")
    book.picture("editor_dark")
    look = "getComputedStyle(document.querySelector('.xnb-view select'))"
    background, colour = book.page.evaluate(f"() => [{look}.backgroundColor, {look}.color]")
    assert background != colour
    lab.theme(book.page, "JupyterLab Light")


def test_a_saved_notebook_is_small(lab: Lab, book: Notebook, stage: Stage, tmp_path: Path) -> None:
    book.save()
    book.kernel.until(f"__import__('os').path.getsize({str(book.path)!r}) > 60000", True)
    assert book.path.stat().st_size < 200_000
