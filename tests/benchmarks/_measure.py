"""Whole processes: wall time, and peak memory of the process with its children."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import psutil

POLL = 0.02


@dataclass(frozen=True)
class Run:
    """Median wall seconds, peak memory in GB, seconds of the correlation alone (ours), and exit code."""

    seconds: float
    peak: float
    inside: float
    code: int


def measure(command: Sequence[str | Path], repeats: int, result: Path | None = None) -> Run:
    """Run a command `repeats` times; memory is the largest sum of resident sizes over the tree of processes."""
    runs = [_once([str(word) for word in command], result) for _ in range(repeats)]
    return Run(
        statistics.median(run.seconds for run in runs),
        max(run.peak for run in runs),
        statistics.median(run.inside for run in runs),
        max(run.code for run in runs),
    )


def _once(command: list[str], result: Path | None) -> Run:
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    watched, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        peak = max(peak, _resident(watched))
        time.sleep(POLL)
    seconds = time.perf_counter() - begin
    if process.returncode:
        sys.stderr.write((process.stderr.read() if process.stderr else "")[-2000:])
    inside = float("nan")
    if result is not None and result.exists():
        with h5py.File(result) as file:
            inside = json.loads(file["/xpcs/xpcs_nb/provenance"][()])["seconds"]["correlate"]
    return Run(seconds, peak / 2**30, inside, process.returncode)


def _resident(process: psutil.Process) -> int:
    total = 0
    try:
        for each in (process, *process.children(recursive=True)):
            total += each.memory_info().rss
    except psutil.NoSuchProcess:
        # A child ended between the listing and the reading.
        pass
    return total
