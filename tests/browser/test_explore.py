"""The explorer in JupyterLab: a bin that is picked on the image changes g2 and the two-time map."""

from __future__ import annotations

from pathlib import Path

import pytest

import xpcs_nb as xnb
from tests.browser.harness import Lab
from xpcs_nb.testing import simulate_measurement

CELL = """
from xpcs_nb.widgets import explore
one, two = {paths!r}
view = explore(one, two, labels=["before", "after"])
view
"""


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two results of the same set-up, with different seeds."""
    found = []
    for seed in (3, 4):
        folder: Path = tmp_path_factory.mktemp(f"seed{seed}")
        made = simulate_measurement(folder, shape=(128, 128), n_frames=300, n_dynamic=6, n_static=18, seed=seed)
        tree = xnb.correlate(made.raw, made.qmap, metadata=made.metadata, output=folder, type="both", num_partial_g2=4)
        found.append(tree.attrs["path"])
    return found


@pytest.mark.timeout(400)
def test_a_bin_picked_on_the_image_changes_the_other_views(lab: Lab, paths: list[str]) -> None:
    book = lab.open("explore", [CELL.format(paths=paths)], viewport={"width": 1500, "height": 1600})
    book.run_all()
    book.bring(".xnb-stage")
    book.page.wait_for_selector(".xnb-notice", state="hidden")
    page, kernel = book.page, book.kernel
    page.wait_for_function("() => document.querySelector('.xnb-curves canvas')?.dataset.title?.startsWith('bin 1')")
    kernel.until("'trust' in view.badge.value", True)
    book.picture("explore")

    # Where bin 4 is, by the labels that the kernel has.
    row, column = kernel.value("[int(v) for v in __import__('numpy').argwhere(view.model.dynamic == 4)[20]]")
    rows, columns = kernel.value("list(view.model.dynamic.shape)")
    stage = book.bring(".xnb-stage")
    box = stage.bounding_box()
    assert box is not None
    scale = min(box["width"] / columns, box["height"] / rows)
    x = box["x"] + box["width"] / 2 + (column - (columns - 1) / 2) * scale
    y = box["y"] + box["height"] / 2 + (row - (rows - 1) / 2) * scale
    before = kernel.value("float(view.views['two-time'].curves.panels[0].curves[0].y[5])")
    page.mouse.click(x, y)
    kernel.until("view.model.bin", 4)
    page.wait_for_function("() => document.querySelector('.xnb-curves canvas').dataset.title.startsWith('bin 4')")
    kernel.until("view.bins.value", 4)
    assert kernel.value("view.views['two-time'].curves.panels[0].title").startswith("bin 4")
    assert kernel.value("float(view.views['two-time'].curves.panels[0].curves[0].y[5])") != before
    assert kernel.value("[c.label for c in view.g2.curves.panels[0].curves if c.label]") == ["before", "after"]
    book.picture("explore_bin4")

    kernel.run("view.g2.layout.value = 'grid'")
    page.wait_for_function("() => document.querySelector('.xnb-curves canvas').dataset.panels === '6'")
    for number, name in enumerate(kernel.value("list(view.tabs.titles)")):
        kernel.run(f"view.tabs.selected_index = {number}")
        page.wait_for_timeout(400)
        book.picture(f"explore_tab_{number}_{name.replace(' ', '_').replace('(', '').replace(')', '')}")
    assert kernel.value("view.message.value") == ""
    book.close()
