"""``python -m tests.benchmarks.flows``: what flows on this machine cost, and how a batch goes with the workers."""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

import xpcs_nb as xnb
from tests.benchmarks._data import square
from xpcs_nb.facility.local import LocalServices
from xpcs_nb.flows import Facility, Run
from xpcs_nb.testing import simulate_measurement

RUNS = 10_000


def overhead(data: Path, repeats: int) -> None:
    """Time the online flow of S around its correlate step; a run before fills the caches and starts the engine."""
    series = square(data, "S")
    rest: list[float] = []
    with tempfile.TemporaryDirectory(dir=data) as home, xnb.connect(home=Path(home)) as facility:
        _timed(facility, series.raw, series.qmap)
        for _ in range(repeats):
            seconds, run = _timed(facility, series.raw, series.qmap)
            steps = {step.name: step.seconds or 0.0 for step in run.steps}
            correlate = sum(value for name, value in steps.items() if "correlate" in name.lower())
            begin = time.perf_counter()
            shutil.copyfile(series.raw, Path(home) / "copy")
            copying = time.perf_counter() - begin
            rest.append(seconds - correlate)
            shown = ", ".join(f"{name} {value:.2f}" for name, value in steps.items())
            print(f"  all {seconds:.2f} s; one plain copy {copying:.3f} s; {shown}", flush=True)
    print(
        f"| overhead of the flow over its correlate step, S | {statistics.median(rest):.2f} s | <= 1 s plus copying |"
    )


def _timed(facility: Facility, raw: Path, qmap: Path) -> tuple[float, Run]:
    begin = time.perf_counter()
    run = facility.process(raw, qmap, overwrite=True).wait(progress=False)
    seconds = time.perf_counter() - begin
    if run.status != "SUCCEEDED":
        raise SystemExit(f"the flow has not succeeded: {run.status}\n{run.steps}")
    return seconds, run


def batch(data: Path, datasets: int, n_frames: int) -> None:
    """Time a batch with one corrupt dataset on one worker and on two."""
    folder = data / f"batch_{datasets}_{n_frames}"
    shutil.rmtree(folder, ignore_errors=True)
    first = simulate_measurement(folder / "d000", shape=(256, 256), n_frames=n_frames, name="d000")
    raws = [first.raw]
    for number in range(1, datasets):
        here = folder / f"d{number:03d}"
        here.mkdir()
        raws.append(Path(shutil.copyfile(first.raw, here / f"d{number:03d}.h5")))
        shutil.copyfile(first.metadata, here / f"d{number:03d}_metadata.hdf")
    corrupt = raws[datasets // 2]
    with corrupt.open("r+b") as file:
        file.seek(corrupt.stat().st_size // 2)
        file.write(b"\xff" * 65536)
    took = {}
    for workers in (1, 2):
        with (
            tempfile.TemporaryDirectory(dir=data) as home,
            xnb.connect(home=Path(home), workers=workers) as facility,
        ):
            facility.process(first.raw, first.qmap, publish=False).wait(progress=False)
            begin = time.perf_counter()
            # One thread a dataset: otherwise one worker takes all cores for a part of its work.
            run = facility.process_batch(raws, first.qmap, threads=1).wait(progress=False)
            took[workers] = time.perf_counter() - begin
            reasons = {name: reason.splitlines()[-1][:120] for name, reason in run.failures.items()}
            print(f"  {workers} worker(s): {took[workers]:.1f} s, {run.status}, failed: {reasons}", flush=True)
    print(f"| {datasets} datasets, 2 workers against 1 | {took[1] / took[2]:.2f}x | >= 1.8x |")


def listing(data: Path) -> None:
    """Time a page of runs out of many."""
    with tempfile.TemporaryDirectory(dir=data) as home:
        services = LocalServices(Path(home), detached=False)
        definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}, "Comment": "nothing"}
        flow_id, _ = services.flows.deploy("listing", definition)
        services.flows.start(flow_id, {"input": {"text": "x" * 10_000}})
        services.close()
        _multiply(Path(home) / "runs.sqlite")
        services = LocalServices(Path(home), detached=False)
        seconds = []
        for page in range(40):
            begin = time.perf_counter()
            found = services.flows.list(limit=50, offset=250 * page)
            seconds.append(time.perf_counter() - begin)
            if len(found) != 50:
                raise SystemExit(f"a page has {len(found)} runs")
        services.close()
    middle, worst = statistics.median(seconds) * 1e3, max(seconds) * 1e3
    print(f"| a page of 50 out of {RUNS} runs | median {middle:.1f} ms, worst {worst:.1f} ms | < 50 ms |")


def _multiply(store: Path) -> None:
    """Copy the one run of a store until there are RUNS."""
    with sqlite3.connect(store) as connection:
        columns = [
            row[1] for row in connection.execute("PRAGMA table_info(runs)") if row[1] not in ("number", "run_id")
        ]
        names = ", ".join(columns)
        connection.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "  # noqa: S608 - own columns
            f"INSERT INTO runs (run_id, {names}) SELECT run_id || '-' || i, {names} FROM n, runs",
            (RUNS,),
        )


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="overhead,batch,listing")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "xpcs_nb_benchmarks")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--datasets", type=int, default=100)
    parser.add_argument("--frames", type=int, default=1000, help="of each dataset of the batch")
    given = parser.parse_args()
    given.data.mkdir(parents=True, exist_ok=True)
    parts = {
        "overhead": lambda: overhead(given.data, given.repeats),
        "batch": lambda: batch(given.data, given.datasets, given.frames),
        "listing": lambda: listing(given.data),
    }
    for name in given.only.split(","):
        if name not in parts:
            parser.error(f"--only takes {','.join(parts)}")
        parts[name]()


if __name__ == "__main__":
    main()
