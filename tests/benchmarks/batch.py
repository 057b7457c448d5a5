"""``python -m tests.benchmarks.batch``: what a batch of recipes costs over the work of its recipe."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import nbformat

from xpcs_nb.recipes import JobState, plan_batch, rerun
from xpcs_nb.recipes._folder import keep_plan
from xpcs_nb.recipes._job import run_job
from xpcs_nb.recipes._plan import JOBS
from xpcs_nb.recipes._state import now

KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
#: Work on one core for a known time; the recipe says itself how long it took.
CELLS = (
    "import time\nbegin = time.perf_counter()\nimport numpy as np\nimport xpcs_nb as xnb\n"
    "from xpcs_nb.recipes import Dataset, save",
    'dataset: Dataset = ""  # A file\nseconds: float = 1.0  # Of work on one core',
    "used = time.process_time()\nwhile time.process_time() - used < seconds:\n    sum(range(10000))",
    "save(seconds_of_work=time.perf_counter() - begin)",
)


def write(folder: Path, jobs: int) -> tuple[Path, list[Path]]:
    """Write a recipe and a file for each job."""
    folder.mkdir(parents=True)
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    cells[1].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=KERNEL), folder / "work.ipynb")
    data = folder / "data"
    data.mkdir()
    paths = [data / f"d{number:04d}.txt" for number in range(jobs)]
    for number, path in enumerate(paths):
        path.write_text(str(number))
    return folder / "work.ipynb", paths


def overhead(folder: Path, repeats: int) -> list[str]:
    """Time jobs in this process against what their recipe says of its own work; the first starts the fork server."""
    recipe, paths = write(folder, repeats + 1)
    plan = plan_batch(recipe, paths, parameters={"seconds": 0.5}, folder=folder / "b")
    (folder / "b").mkdir()
    copy = keep_plan(folder / "b", plan)
    over = []
    for planned in plan.jobs:
        place = folder / "b" / JOBS / planned.job.folder
        request: dict[str, Any] = {
            "job": asdict(planned.job),
            "name": "work",
            "folder": str(place),
            "recipe": str(copy),
            "parameters": dict(planned.job.parts["parameters"]),
            "environment": {},
        }
        begin = time.perf_counter()
        said = run_job(request)
        seconds = time.perf_counter() - begin
        if said["state"] != "succeeded":
            raise SystemExit(said)
        work = json.loads((place / "outputs.json").read_text())["values"]["seconds_of_work"]
        over.append(seconds - work)
        print(f"  job {seconds:.2f} s, of which the recipe {work:.2f} s", flush=True)
    return [
        f"| overhead of a job over its recipe's own work, median | {statistics.median(over[1:]):.2f} s | < 2 s |",
        f"| that of the first job of a worker, which imports | {over[0]:.2f} s | |",
    ]


def scaling(folder: Path, jobs: int, seconds: float) -> list[str]:
    """Time a batch on one worker and on two."""
    recipe, paths = write(folder, jobs)
    took = {}
    for workers in (1, 2):
        begin = time.perf_counter()
        batch = rerun(
            recipe,
            paths,
            folder=folder / f"b{workers}",
            workers=workers,
            parameters={"seconds": seconds},
            progress=False,
        )
        took[workers] = time.perf_counter() - begin
        if not batch.succeeded:
            raise SystemExit(repr(batch))
        print(f"  {workers} worker(s): {took[workers]:.1f} s", flush=True)
    return [
        f"| {jobs} jobs of {seconds:g} s, 2 workers ({took[2]:.0f} s) against 1 ({took[1]:.0f} s) "
        f"| {took[1] / took[2]:.2f}x | >= 1.85x |"
    ]


def planning(folder: Path, jobs: int, done: int) -> list[str]:
    """Time the plan of a batch that is nearly finished, and a second run of one that is."""
    recipe, paths = write(folder, jobs)
    here = folder / "b"
    here.mkdir()
    plan = plan_batch(recipe, paths, folder=here)
    keep_plan(here, plan)
    for planned in plan.jobs[:done]:
        finish(here, planned.job)
    begin = time.perf_counter()
    again = plan_batch(recipe, paths, folder=here)
    seconds = time.perf_counter() - begin
    if len(again.to_run) != jobs - done:
        raise SystemExit(f"{len(again.to_run)} jobs would run")
    rows = [f"| {jobs} jobs, {done} already done: the plan | {seconds:.2f} s | < 2 s |"]
    command = [sys.executable, "-m", "xpcs_nb", "rerun", recipe, "-l", f"{paths[0].parent}/*.txt", "-o", here]
    begin, used = time.perf_counter(), os.times()
    said = subprocess.run([*map(str, command), "--dry-run"], check=True, capture_output=True, text=True).stdout
    seconds, after = time.perf_counter() - begin, os.times()
    if f"{jobs - done} to run" not in said:
        raise SystemExit(said)
    cpu = after.children_user + after.children_system - used.children_user - used.children_system
    rows.append(f"| the same as a command, from its start to its end | {seconds:.2f} s ({cpu:.2f} s of CPU) | < 2 s |")
    for planned in plan.jobs[done:]:
        finish(here, planned.job)
    begin = time.perf_counter()
    batch = rerun(recipe, paths, folder=here, progress=False)
    seconds = time.perf_counter() - begin
    if not batch.succeeded or len(list(here.glob("jobs/*/notebook.ipynb"))):
        raise SystemExit("a notebook was started")
    return [*rows, f"| the same batch of {jobs} twice | no notebook started, {seconds:.2f} s | no notebook |"]


def finish(folder: Path, job: JobState) -> None:
    """Write a job as one that has succeeded."""
    place = folder / JOBS / job.folder
    place.mkdir(parents=True)
    replace(job, state="succeeded", started=now(), ended=now(), values={"D": 1.0}).write(place)


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="overhead,scaling,planning")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=1.0, help="work of each job of the scaling")
    given = parser.parse_args()
    parts = {
        "overhead": lambda folder: overhead(folder, given.repeats),
        "scaling": lambda folder: scaling(folder, given.jobs, given.seconds),
        "planning": lambda folder: planning(folder, 1000, 950),
    }
    rows = []
    for name in given.only.split(","):
        if name not in parts:
            parser.error(f"--only takes {','.join(parts)}")
        root = Path(tempfile.mkdtemp(prefix="xpcs_nb_"))
        try:
            rows += parts[name](root / name)
        finally:
            shutil.rmtree(root, ignore_errors=True)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n\n| what | here | goal |\n|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
