"""``python -m tests.benchmarks.editor``: the qmap editor on 4 Mpixel with 200 shapes, in JupyterLab and Chromium."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.browser.harness import Lab, Notebook, Stage, open_lab, until, why_no_browser

SHAPE = (2167, 2070)
START = f"""
import time
import numpy as np
import xpcs_nb as xnb
from xpcs_nb.core import Geometry

SHAPE = {SHAPE}
beam = Geometry(energy=10.9, detector_distance=8.0, pixel_size=75e-6, beam_center_x=1010.3, beam_center_y=1100.7)
rng = np.random.default_rng(0)
image = (rng.poisson(300 / (1 + 1e5 * beam.q_phi(SHAPE)[0] ** 2)) / 7).astype("f4")
other = image[::-1].copy()
start = xnb.QMap.from_geometry(beam, SHAPE, image=image)
for x, y in rng.uniform(0, 2000, (200, 2)):
    start = start.mask_brush(np.c_[x + np.arange(60), y + 20 * np.sin(np.arange(60) / 9)], 8)
editor = xnb.QMapEditor(start)
"""
#: The least that a stroke can take here: a message to the kernel, and one with a small mask back.
ECHO = """
import anywidget

class Echo(anywidget.AnyWidget):
    _esm = \"\"\"
    export default { render({ model }) {
      window.echo = () => new Promise((resolve) => {
        const begin = performance.now();
        model.on("msg:custom", function told() {
          model.off("msg:custom", told);
          resolve(performance.now() - begin);
        });
        model.send({ type: "echo" });
      });
    } };
    \"\"\"

echo = Echo()
echo.on_msg(lambda widget, content, _: widget.send(content, [bytes(1500)]))
echo
"""
#: Keeps when the pointer was lifted, the image painted next, and the frame with it made, ms since 1970.
WATCH = """() => {
  const view = document.querySelector('.xnb-view');
  const now = () => performance.timeOrigin + performance.now();
  window.benchmark = { lifted: 0, painted: [], framed: [] };
  view.addEventListener('pointerup', () => { window.benchmark.lifted = now(); }, { capture: true });
  view.addEventListener('xnb-painted', (event) => {
    if (!event.detail.image) return;
    window.benchmark.painted.push(now());
    requestAnimationFrame(() => setTimeout(() => window.benchmark.framed.push(now())));
  });
}"""
LIMITS = """async (low) => {
  const view = document.querySelector('.xnb-view');
  const input = document.querySelector('[aria-label="lowest value shown"]');
  const painted = new Promise((resolve) => view.addEventListener('xnb-painted', resolve, { once: true }));
  const begin = performance.now();
  input.value = low;
  input.dispatchEvent(new Event('change'));
  await painted;
  return performance.now() - begin;
}"""
#: Frames a second while the image is dragged, or zoomed by the wheel, a step a frame.
MOVE = """async (zooms) => {
  const stage = document.querySelector('.xnb-stage');
  const box = stage.getBoundingClientRect();
  const say = (kind, x) => stage.dispatchEvent(new PointerEvent(kind, {
    clientX: box.left + 200 + x, clientY: box.top + 200, pointerId: 7, button: 1, buttons: 4, bubbles: true,
  }));
  const turn = (deltaY) => stage.dispatchEvent(new WheelEvent('wheel', {
    clientX: box.left + 200, clientY: box.top + 200, deltaY, bubbles: true, cancelable: true,
  }));
  stage.setPointerCapture = () => {};
  say('pointerdown', 0);
  const begin = performance.now();
  for (let i = 1; i <= 60; i++) {
    await new Promise((resolve) => {
      document.querySelector('.xnb-view').addEventListener('xnb-painted', resolve, { once: true });
      zooms ? turn(i <= 30 ? -20 : 20) : say('pointermove', 4 * i);
    });
  }
  const rate = 60000 / (performance.now() - begin);
  say('pointerup', 240);
  delete stage.setPointerCapture;
  return rate;
}"""


def pen_up(book: Notebook, stage: Stage, repeats: int) -> list[tuple[float, float, float]]:
    """Return ms from the pointer's lifting to the painted mask, and to the frame that has it, for new shapes.

    The third of each is what an echo took that was asked for between two strokes.
    """
    rng, taken = np.random.default_rng(1), []
    for number in range(repeats):
        stage.press("rcelb"[number % 5])
        x, y = (float(value) for value in rng.uniform(200, 1700, 2))
        stage.page.mouse.move(*stage.place(x, y))
        stage.page.mouse.down()
        stage.page.mouse.move(*stage.place(x + 120, y + 90), steps=5)
        stage.page.wait_for_timeout(100)
        stage.page.evaluate("() => { window.benchmark.painted = []; window.benchmark.framed = []; }")
        stage.page.mouse.up()
        stage.page.wait_for_function("() => window.benchmark.framed.length > 0", polling=20)
        ends = stage.page.evaluate(
            "() => [window.benchmark.painted[0], window.benchmark.framed[0], window.benchmark.lifted]"
        )
        # Bins and maps are asked for when the pen rests; the next stroke is drawn after that.
        stage.page.wait_for_timeout(700)
        echo = float(stage.page.evaluate("() => window.echo()"))
        taken.append((ends[0] - ends[2], ends[1] - ends[2], echo))
        book.kernel.value("1")
    return taken


def after_call(book: Notebook, calls: list[str]) -> list[float]:
    """Return ms from a call in the kernel to the painted image."""
    taken = []
    for call in calls:
        book.page.evaluate("() => { window.benchmark.painted = []; }")
        book.kernel.run(f"began = 1000 * time.time(); {call}")
        book.page.wait_for_function("() => window.benchmark.painted.length > 0", polling=20)
        taken.append(book.page.evaluate("() => window.benchmark.painted[0]") - book.kernel.value("began"))
    return taken


def measure(lab: Lab, repeats: int) -> dict[str, tuple[str, str]]:
    """Return what was measured, each with its goal."""
    book = lab.open("benchmark", [START, ECHO, "editor"])
    book.run_all()
    stage = Stage(book, SHAPE)
    book.page.wait_for_timeout(3000)
    book.page.evaluate(WATCH)
    pen, framed, echo = np.transpose(pen_up(book, stage, repeats))
    images = after_call(book, ["editor.show_image(other)", "editor.show_image(image)"] * 3)
    limits = [float(book.page.evaluate(LIMITS, low)) for low in (1.0, 2.0, 3.0, 4.0, 5.0)]
    pan, zoom = (sorted(float(book.page.evaluate(MOVE, zooms)) for _ in range(5)) for zooms in (False, True))
    bins = after_call(book, ["editor.apply(lambda q: q.partition(q=(36, 360))); editor._show_bins()"] * 3)
    book.save()
    until(lambda: "widget-state" in book.path.read_text())
    table = {
        "pen-up to painted mask, 201st shape and later, p95": (
            f"{np.quantile(pen, 0.95):.0f} ms (median {np.median(pen):.0f})",
            "60 ms",
        ),
        "pen-up to the frame of the browser with it, p95": (
            f"{np.quantile(framed, 0.95):.0f} ms (median {np.median(framed):.0f})",
            "",
        ),
        "a bare echo between two strokes, p95": (
            f"{np.quantile(echo, 0.95):.0f} ms (median {np.median(echo):.0f})",
            "",
        ),
        "new image, median": (f"{np.median(images):.0f} ms", "350 ms"),
        "colour limits, median": (f"{np.median(limits):.0f} ms", "50 ms"),
        "pan, five times": (f"{', '.join(f'{rate:.0f}' for rate in pan)} frames/s", "60"),
        "zoom, five times": (f"{', '.join(f'{rate:.0f}' for rate in zoom)} frames/s", "60"),
        "partition 36 x 360 to painted borders, median": (f"{np.median(bins):.0f} ms", ""),
        "saved notebook": (f"{book.path.stat().st_size / 1000:.0f} kB", "200 kB"),
    }
    book.close()
    return table


def show(table: dict[str, tuple[str, Any]]) -> None:
    """Print a table."""
    print("| what, 2167 x 2070 pixels, 200 shapes | measured | goal |\n|---|---|---|")
    for name, (found, goal) in table.items():
        print(f"| {name} | {found} | {goal} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=40, help="strokes that are measured")
    given = parser.parse_args()
    reason = why_no_browser()
    if reason is not None:
        parser.error(reason)
    with tempfile.TemporaryDirectory() as folder, open_lab(Path(folder), Path(folder)) as lab:
        show(measure(lab, given.repeats))


if __name__ == "__main__":
    main()
