"""``python -m tests.benchmarks.explore``: the explorer on 36 maps of 5000 x 5000, and g2 of 100 results.

The page is taken for ready at once: what is measured is the kernel's part, up to the bytes that go to the browser.
``--data FOLDER`` keeps the made files (4 GB) for the next run; ``--frames 2000`` makes smaller maps.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

N_MAPS, N_RESULTS = 36, 100
#: Stored as by this package (tiles without the lower half), in one plain piece, and as by boost_corr (one compressed
#: piece).
LAYOUTS: dict[str, dict[str, Any]] = {"tiles": {}, "plain": {}, "lzf": {"compression": "lzf"}}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    parser.add_argument("--frames", type=int, default=5000)
    parser.add_argument("--layouts", nargs="+", choices=list(LAYOUTS), default=list(LAYOUTS))
    parser.add_argument("--measured", type=Path, help="a measured result with g2, copied for the 100")
    parser.add_argument("--inner", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inner:
        print(
            json.dumps({"maps": maps, "overlay": overlay, "viewer": viewer}[options.inner[0]](Path(options.inner[1])))
        )
        return
    folder = options.data or Path(tempfile.mkdtemp(prefix="explore-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        table(folder, options.frames, options.measured, options.layouts)
    finally:
        if options.data is None:
            shutil.rmtree(folder)


def table(folder: Path, frames: int, measured: Path | None, layouts: list[str]) -> None:
    """Measure each row in a process of its own."""
    print("| what | ours | peer | ratio | goal |\n|---|---|---|---|---|")
    for layout in layouts:
        found = inner("maps", make_maps(folder, frames, layout))
        about = f"{N_MAPS} maps of {frames} x {frames}, {layout}"
        print(f"| first paint, {about} | {found['first']:.2f} s (CPU {found['first_cpu']:.2f} s) | - | - | < 1.5 s |")
        print(f"| other bin, {about} | {found['bin']:.0f} ms (CPU {found['bin_cpu']:.0f} ms) | - | - | < 150 ms |")
        print(f"| a bin seen before, {about} | {found['again']:.0f} ms | - | - | |")
        print(f"| memory, {about} | {found['memory']:.0f} MB (+{found['growth']:.0f} MB) | - | - | < 300 MB |")
    copies = make_copies(folder, measured)
    mine, peer = inner("overlay", copies), inner("viewer", copies)
    for what in ("read", "read_cpu"):
        about = "" if what == "read" else ", processor"
        ratio = f"{peer[what] / mine[what]:.1f}x | >= 5x"
        print(f"| reading g2 of {N_RESULTS} results{about} | {mine[what]:.2f} s | {peer[what]:.2f} s | {ratio} |")
    alone = peer["alone"] * N_RESULTS
    ratio = f"{alone / mine['read']:.0f}x | |"
    print(f"| the same, each file by itself | {mine['read']:.2f} s | pyXpcsViewer about {alone:.0f} s | {ratio}")
    took = f"{mine['all']:.2f} s (CPU {mine['all_cpu']:.2f} s)"
    print(f"| opening and overlaying them in the explorer | {took} | - | - | < 3 s |")


def inner(what: str, path: Path) -> dict[str, float]:
    """Run one measurement in a new process."""
    command = [sys.executable, "-m", "tests.benchmarks.explore", "--inner", what, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def clock(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU seconds."""
    begin, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begin, time.process_time() - cpu


def maps(path: Path) -> dict[str, float]:
    """Open a result with maps, then look at its bins."""
    import psutil

    from xpcs_nb.widgets import CurveView, ImageView, explore

    sent: list[int] = []
    for kind in (ImageView, CurveView):
        kind.send = lambda self, content, buffers=None: sent.append(sum(map(len, buffers or [])))  # type: ignore[assignment]

    async def look() -> dict[str, float]:
        memory = psutil.Process().memory_info
        before, view = memory().rss, None

        def first() -> None:
            nonlocal view
            view = explore(path)
            for each in (view.image, view.g2.curves, view.views["two-time"].map, view.views["two-time"].curves):
                each._handle_custom_msg({"type": "ready"}, [])

        wall, cpu = clock(first)
        assert view is not None
        assert sum(sent) > 1e6, "nothing was sent"
        taken, peak = [], 0
        for label in range(2, 13):
            taken.append(clock(lambda label=label: view.choose(label)))  # type: ignore[misc]
            peak = max(peak, memory().rss)
            assert view.views["two-time"].curves.panels[0].key == label
        again = clock(lambda: view.choose(11))[0]
        await asyncio.sleep(3)
        peak = max(peak, memory().rss)
        wall_ms, cpu_ms = 1e3 * np.median(taken, axis=0)
        times = {"bin": float(wall_ms), "bin_cpu": float(cpu_ms), "again": 1e3 * again}
        return times | {"first": wall, "first_cpu": cpu, "memory": peak / 1e6, "growth": (peak - before) / 1e6}

    return asyncio.run(look())


def overlay(folder: Path) -> dict[str, float]:
    """Read g2 of all results, then lay them over each other."""
    from xpcs_nb.widgets import explore
    from xpcs_nb.widgets._explore_result import OpenResult

    paths = sorted(folder.glob("*.hdf"))
    OpenResult(paths[0]).multitau  # what is loaded once  # noqa: B018
    read, read_cpu = clock(lambda: [OpenResult(path).multitau for path in paths])

    async def look() -> int:
        view = explore(paths)
        view.g2.curves._handle_custom_msg({"type": "ready"}, [])
        return sum(curve.style == "points" for panel in view.g2.curves.panels for curve in panel.curves)

    drawn: list[int] = []
    whole, whole_cpu = clock(lambda: drawn.append(asyncio.run(look())))
    assert drawn == [len(paths)], drawn
    return {"read": read, "read_cpu": read_cpu, "all": whole, "all_cpu": whole_cpu}


def viewer(folder: Path) -> dict[str, float]:
    """Let pyXpcsViewer read the same files, as its window does: qmaps are shared between files."""
    from pyxpcsviewer.core.file_io.qmap_utils import QMapManager
    from pyxpcsviewer.core.xpcs_file import XpcsFile

    paths = [str(path) for path in sorted(folder.glob("*.hdf"))]
    shared = QMapManager()
    alone = min(clock(lambda: XpcsFile(paths[0]).g2)[0] for _ in range(2))
    XpcsFile(paths[0], qmap_manager=shared)
    read, read_cpu = clock(lambda: [XpcsFile(path, qmap_manager=shared).get_g2_data() for path in paths])
    return {"read": read, "read_cpu": read_cpu, "alone": alone}


def make_maps(folder: Path, frames: int, layout: str) -> Path:
    """Make a result with two-time maps of the size that is wanted, from a small one."""
    import xpcs_nb as xnb
    from xpcs_nb.hdf5._tiles import write_upper_triangle
    from xpcs_nb.testing import simulate_measurement

    path = folder / f"maps_{frames}_{layout}_results.hdf"
    if path.exists():
        return path
    with tempfile.TemporaryDirectory() as small:
        made = simulate_measurement(small, shape=(256, 256), n_frames=64, n_dynamic=N_MAPS, n_static=2 * N_MAPS)
        tree = xnb.correlate(made.raw, made.qmap, metadata=made.metadata, output=small, type="both")
        shutil.copy(tree.attrs["path"], path)
    age = np.arange(frames, dtype=np.float32)
    lag = np.abs(age[:, None] - age)
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.02, (frames, frames)).astype(np.float32)
    with h5py.File(path, "r+") as file:
        group = file["/xpcs/twotime"]
        group.require_group("correlation_map")
        for number, name in enumerate(list(group["correlation_map"]), 1):
            del group["correlation_map"][name]
            c2 = np.triu(1 + 0.2 * np.exp(-lag * number / 3000) + noise)
            if layout == "tiles":
                write_upper_triangle(file, f"{group.name}/correlation_map/{name}", c2)
                continue
            store = {"chunks": c2.shape, **LAYOUTS[layout]} if LAYOUTS[layout] else {}
            group["correlation_map"].create_dataset(name, data=c2, **store)
        for name, shape in (("normalized_g2", (frames, N_MAPS)), ("normalized_g2_segments", (frames // 5, 5, N_MAPS))):
            del group[name]
            group[name] = np.full(shape, 1.1, np.float32)
    return path


def make_copies(folder: Path, measured: Path | None) -> Path:
    """Make a folder of results that differ in name only; they are read one by one all the same."""
    source = measured or folder / "g2_results.hdf"
    if not source.exists():
        import xpcs_nb as xnb
        from xpcs_nb.testing import simulate_measurement

        with tempfile.TemporaryDirectory() as small:
            made = simulate_measurement(small, shape=(256, 256), n_frames=2000, n_dynamic=36, n_static=360)
            tree = xnb.correlate(made.raw, made.qmap, metadata=made.metadata, output=small)
            shutil.copy(tree.attrs["path"], source)
    copies = folder / f"copies_of_{source.stem}"
    copies.mkdir(exist_ok=True)
    for number in range(N_RESULTS):
        copy = copies / f"R{number:04d}_results.hdf"
        if not copy.exists():
            shutil.copy(source, copy)
    return copies


if __name__ == "__main__":
    main()
