"""``python -m tests.benchmarks.qmap``: shapes and partitions on 4 Mpixel, ours and pySimpleMask's."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import Geometry
from xpcs_nb.qmap import QMap

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


def main() -> None:
    rng = np.random.default_rng(0)
    qmap = QMap.from_geometry(GEOMETRY, SHAPE)
    for number in range(200):
        qmap = add(qmap, number, rng)
    numbers = iter(range(REPEATS))
    shape = 1e3 * np.quantile(seconds(lambda: add(qmap, next(numbers), rng)), 0.95)
    print(f"201st shape                    p95 {shape:7.1f} ms   goal 60 ms (with the browser)")
    _ = qmap.partition(q=(36, 360)).arrays  # the maps are computed once
    for n_phi in ((1, 1), (36, 360)):
        ours = 1e3 * np.median(seconds(lambda n_phi=n_phi: qmap.partition(q=(36, 360), phi=n_phi).arrays))  # type: ignore[misc]
        peer = 1e3 * np.median(seconds(lambda n_phi=n_phi: theirs(qmap, n_phi), 2))  # type: ignore[misc]
        print(f"partition 36 x 360, phi {n_phi!s:9} {ours:7.0f} ms   goal 150 ms, pySimpleMask {peer:.0f} ms")


if __name__ == "__main__":
    main()
