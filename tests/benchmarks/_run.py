"""Whole processes: wall time, and peak memory of the process with its children."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

POLL = 0.02


class FailedError(RuntimeError):
    """A program that was measured did not succeed."""


@dataclass(frozen=True)
class Run:
    """Median wall seconds, largest peak memory in GB, and the median of what the program itself reported."""

    seconds: float
    peak: float
    reported: float | None


def measure(command: Sequence[str | Path], repeats: int, report: Callable[[str], float] | None = None) -> Run:
    """Run a command `repeats` times; memory is the largest sum of resident sizes over the tree of processes.

    `report` turns the standard output of a run into a number.

    Raises
    ------
    FailedError
        If the command ends with another code than 0; with the end of what it said.
    """
    runs = [_once([str(word) for word in command], report) for _ in range(repeats)]
    reported = [run.reported for run in runs if run.reported is not None]
    return Run(
        statistics.median(run.seconds for run in runs),
        max(run.peak for run in runs),
        statistics.median(reported) if reported else None,
    )


def _once(command: list[str], report: Callable[[str], float] | None) -> Run:
    # To files, not pipes: a program that says much would wait for a reader.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=errors)
        watched, peak = psutil.Process(process.pid), 0
        while process.poll() is None:
            peak = max(peak, _resident(watched))
            time.sleep(POLL)
        seconds = time.perf_counter() - begin
        output.seek(0)
        errors.seek(0)
        said = output.read()
        if process.returncode:
            raise FailedError(f"exit {process.returncode}: {' '.join(command)}\n{(said + errors.read())[-2000:]}")
    return Run(seconds, peak / 1e9, report(said) if report else None)


def _resident(process: psutil.Process) -> int:
    try:
        tree = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    total = 0
    for each in tree:
        try:
            total += each.memory_info().rss
        except psutil.NoSuchProcess:
            # It ended between the listing and the reading; the others still count.
            continue
    return total
