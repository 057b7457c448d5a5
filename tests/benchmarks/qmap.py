"""``python -m tests.benchmarks.qmap``: shapes, partitions and live g2, ours and pySimpleMask's.

Live g2 is all that happens in the kernel between an edit and the message to the browser: bins, labels, sums, g2 with
errors, fits of the bins that are shown, I(q), trust report, and the drawing as JSON. The browser draws that in some ms.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import DelayGrid, Geometry
from xpcs_nb.qmap import QMap
from xpcs_nb.reduction import G2Preview

SHAPE = (2167, 2070)
GEOMETRY = Geometry(energy=10.9, detector_distance=8.0, pixel_size=75e-6, beam_center_x=1010.3, beam_center_y=1100.7)
REPEATS = 20
Q, PHI = GEOMETRY.q_phi(SHAPE)


def seconds(work: Callable[[], object], repeats: int = REPEATS) -> NDArray[np.float64]:
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return np.array(taken)


def add(qmap: QMap, number: int, rng: np.random.Generator) -> QMap:
    x, y = rng.uniform(0, 2000, 2)
    t = np.linspace(0, 6, 40)
    shapes = (
        lambda: qmap.mask_circle(x, y, 60),
        lambda: qmap.mask_rectangle(x, y, 100, 50, angle=30),
        lambda: qmap.mask_polygon(np.c_[x + 80 * np.cos(t), y + 60 * np.sin(t)]),
        lambda: qmap.mask_brush(np.c_[x + np.arange(100), y + 20 * np.sin(np.arange(100) / 9)], 8),
        lambda: qmap.mask_line(x, y, x + 300, y + 200, width=6),
        lambda: qmap.mask_ellipse(x, y, 80, 40, angle=12),
    )
    return shapes[number % len(shapes)]()


def theirs(qmap: QMap, n_phi: tuple[int, int]) -> None:
    from pysimplemask.core.partition import combine_partitions, generate_partition

    for number, (n_q, n) in enumerate(zip((36, 360), n_phi, strict=True)):
        packs = generate_partition("q", qmap.mask, Q, n_q), generate_partition("phi", qmap.mask, PHI, n, phi_offset=0.0)
        combine_partitions(*packs, "static" if number else "dynamic")


def preview_of(shape: tuple[int, int], n_delays: int = 38) -> G2Preview:
    """Return sums as a series of bright frames would leave them."""
    rng = np.random.default_rng(0)
    grid = DelayGrid(2000)
    n_pixels = shape[0] * shape[1]
    kept = np.ones((n_pixels, 3, n_delays), dtype=np.float32)
    for number in range(n_delays):
        kept[:, 0, number] += 0.2 * np.exp(-number / 10) + 0.1 * rng.standard_normal(n_pixels, dtype=np.float32)
    place = np.arange(n_pixels, dtype=np.int32).reshape(shape)
    frames = grid.frames[:n_delays]
    return G2Preview(kept, place, frames * 1e-3, frames, grid.n_pairs[:n_delays])


def live(name: str, shape: tuple[int, int], goal: float, repeats: int) -> None:
    """Print how long live g2 takes after a stroke, and after a change of all bins."""
    from xpcs_nb.widgets._live_drawing import panels_of
    from xpcs_nb.widgets._live_g2 import LiveG2

    center = {"beam_center_x": 0.488 * shape[1], "beam_center_y": 0.508 * shape[0]}
    geometry = Geometry(energy=10.9, detector_distance=8.0, pixel_size=75e-6, **center)
    start = QMap.from_geometry(geometry, shape, image=np.ones(shape, dtype=np.float32))
    start = start.mask_circle(center["beam_center_x"], center["beam_center_y"], 30).partition(q=(36, 360))
    live = LiveG2(preview_of(shape), start=start)
    numbers = iter(range(10_000))

    def stroke() -> None:
        across = 0.2 * shape[1] + next(numbers)
        panels_of(live.update(start.mask_brush([(across, 0.3 * shape[0]), (across + 150, 0.4 * shape[0])], 8)))

    def bins() -> None:
        n_q = 36 - next(numbers) % 2
        panels_of(live.update(start.partition(q=(n_q, 10 * n_q))))

    for what, work in (("stroke", stroke), ("all bins", bins)):
        work()
        cpu = time.process_time()
        taken = 1e3 * np.median(seconds(work, repeats))
        cpu = 1e3 * (time.process_time() - cpu) / repeats
        print(f"live g2, {name}, {what:9} {taken:19.0f} ms   goal {goal:.0f} ms ({cpu:.0f} ms of the processor)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    repeats = parser.parse_args().repeats
    live("1 Mpixel", (1024, 1024), 300, repeats)
    live("4 Mpixel", SHAPE, 800, repeats)
    rng = np.random.default_rng(0)
    qmap = QMap.from_geometry(GEOMETRY, SHAPE)
    for number in range(200):
        qmap = add(qmap, number, rng)
    numbers = iter(range(repeats))
    shape = 1e3 * np.quantile(seconds(lambda: add(qmap, next(numbers), rng), repeats), 0.95)
    print(f"201st shape                    p95 {shape:7.1f} ms   goal 60 ms (with the browser)")
    _ = qmap.partition(q=(36, 360)).arrays  # the maps are computed once
    for n_phi in ((1, 1), (36, 360)):
        ours = 1e3 * np.median(seconds(lambda n_phi=n_phi: qmap.partition(q=(36, 360), phi=n_phi).arrays, repeats))  # type: ignore[misc]
        peer = 1e3 * np.median(seconds(lambda n_phi=n_phi: theirs(qmap, n_phi), 2))  # type: ignore[misc]
        print(f"partition 36 x 360, phi {n_phi!s:9} {ours:7.0f} ms   goal 150 ms, pySimpleMask {peer:.0f} ms")


if __name__ == "__main__":
    main()
