"""From a stroke on the page to g2 beside it, to a reprocessed result: all in one notebook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import xpcs_nb as xnb
from tests.browser.harness import Lab, Notebook, Stage
from xpcs_nb.qmap import QMap
from xpcs_nb.testing import simulate_measurement

SHAPE = (96, 128)
START = """
import xpcs_nb as xnb
facility = xnb.connect(home={home!r}, workers=1, detached=False)
editor = xnb.QMapEditor({result!r}, height=420)
"""
SECONDS = 60

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("live")
    measured = simulate_measurement(folder, shape=SHAPE, n_frames=200, n_dynamic=4, n_static=12, seed=5)
    return Path(xnb.correlate(measured.raw, measured.qmap, output=folder / "old", save_g2=True).attrs["path"])


@pytest.fixture(scope="module")
def book(lab_session: Lab, result: Path) -> Iterator[Notebook]:
    opened = lab_session.open("live", [START.format(home=str(result.parent / "home"), result=str(result)), "editor"])
    opened.run_all()
    yield opened
    opened.kernel.run("facility.close()")
    opened.close()


def tab(book: Notebook, title: str) -> None:
    book.page.get_by_role("tab", name=title, exact=True).click()


def test_g2_follows_a_stroke_and_the_data_are_processed_with_it(lab: Lab, book: Notebook, result: Path) -> None:
    stage = Stage(book, SHAPE)
    tab(book, "g2")
    book.bring(".xnb-live .xnb-curves-panel")
    book.kernel.until("editor.live.curves.drawn == editor.live.curves.drawing['number'] > 0", True, SECONDS)
    before = book.kernel.value("editor.live.curves.drawing['number']")
    stage.press("b")
    stage.drag((60, 30), (80, 40), (100, 60))
    book.kernel.until("[edit.kind for edit in editor.qmap.edits]", ["brush"])
    book.kernel.until(
        f"editor.live.curves.drawn > {before} and editor.live.state.qmap == editor.qmap",
        True,
        SECONDS,
    )
    # The kernel has another g2 than before, and the page has drawn old and new points of it with a fit.
    assert book.kernel.value("float(editor.live.state.before['max_z'].max())") > 0
    panel = book.page.locator(".xnb-live .xnb-curves-panel").first
    box = panel.bounding_box()
    assert box is not None
    assert (round(box["width"]), round(box["height"])) == (264, 176)
    assert panel.locator("circle").count() > 20
    assert panel.locator("path").count() == 1
    assert "Γ" in (panel.get_attribute("aria-label") or "")
    assert book.page.locator(".xnb-live").get_by_text("trust").count() >= 1
    book.picture("live_g2")

    tab(book, "process")
    book.kernel.run("editor.resubmit._facility = facility; editor.resubmit.suffix.value = '_wedge'")
    book.page.get_by_role("button", name="Reprocess", exact=True).click()
    book.kernel.until("editor.resubmit.run is not None", True, SECONDS)
    book.kernel.until("editor.resubmit.result_path is not None", True, 5 * SECONDS)
    figure = book.page.locator(".xnb-resubmit img")
    figure.wait_for(state="visible")
    book.page.wait_for_function("() => document.querySelector('.xnb-resubmit img').naturalWidth > 400")
    figure.scroll_into_view_if_needed()
    book.picture("resubmitted")
    new = Path(book.kernel.value("str(editor.resubmit.result_path)"))
    assert new.name == "A001_brownian_wedge_results.hdf"
    processed_with = QMap.from_result(new)
    assert processed_with.hash == book.kernel.value("editor.qmap.hash")
    assert [edit.kind for edit in processed_with.edits] == ["brush"]
