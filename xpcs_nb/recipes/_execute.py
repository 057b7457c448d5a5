"""The execution of one notebook, and what is said of it when it fails."""

from __future__ import annotations

import errno
import logging
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xpcs_nb.errors import StepError
from xpcs_nb.recipes._imports import hidden

__all__ = ["DISK_FULL", "JobFailedError", "execute", "how_it_died", "reason_of"]

DISK_FULL = "the disk is full"
OUT_OF_MEMORY = "out of memory"
KILLED = "its process was killed from outside (SIGKILL): most often because the machine was out of memory"


class JobFailedError(StepError):
    """A job failed; `killed` tells whether its process was ended from outside, `cell` which code cell was running."""

    def __init__(self, problem: str, *, killed: bool = False, cell: int | None = None, **place: Any) -> None:
        super().__init__(problem, **place)
        self.killed = killed
        self.cell = cell


def execute(recipe: Path, output: Path, parameters: Mapping[str, Any], *, time_limit: float | None = None) -> None:
    """Execute a recipe in the folder of `output`, cell by cell; the notebook there shows how far it has come.

    Raises
    ------
    JobFailedError
        A cell failed, the time was over, or the kernel died; the notebook has the cell marked.
    """
    # jsonschema, which checks the notebook, would build a grammar of addresses at its import, for seconds.
    with hidden("rfc3987_syntax"):
        import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from xpcs_nb.recipes._kernel import JobKernelManager

    # Papermill warns of parameters whose types it can't read; they have been checked.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    limits = {} if time_limit is None else {"timeout_func": _Countdown(time_limit)}
    try:
        papermill.execute_notebook(
            str(recipe),
            str(output),
            parameters=dict(parameters),
            progress_bar=False,
            log_output=False,
            cwd=str(output.parent),
            kernel_manager_class=JobKernelManager,
            shutdown_kernel="immediate",
            **limits,
        )
    except PapermillExecutionError as error:
        raise JobFailedError(_said(error.ename, error.evalue), cell=error.exec_count) from error
    except CellTimeoutError as error:
        reason = f"the time limit of {time_limit:g} s was reached"
        raise JobFailedError(reason, cell=_mark(output, "TimeLimit", reason)) from error
    except DeadKernelError as error:
        code = JobKernelManager.last.exit_code if JobKernelManager.last else None
        reason = how_it_died(code)
        raise JobFailedError(reason, killed=True, cell=_mark(output, "KernelDied", reason)) from error


class _Countdown:
    """Seconds that are left for a cell; they count from the first, because a worker's first kernel takes long."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._end: float | None = None

    def __call__(self, cell: Any) -> float:
        if self._end is None:
            self._end = time.monotonic() + self._limit
        # Zero would mean no limit.
        return max(0.1, self._end - time.monotonic())


def how_it_died(code: int | None) -> str:
    """Say how a process ended, by its exit code."""
    if code == -signal.SIGKILL:
        return KILLED
    if code is not None and code < 0:
        return f"its process was ended by signal {-code} ({signal.Signals(-code).name})"
    return f"its process ended with code {code} before the notebook did"


def _said(name: str, text: str) -> str:
    """Return what an error in a cell says, with the two causes named that are not the recipe's own."""
    said = f"{name}: {text}" if text else name
    if "MemoryError" in name:
        return f"{OUT_OF_MEMORY}: {said}"
    return f"{DISK_FULL}: {said}" if os.strerror(errno.ENOSPC) in text else said


def reason_of(error: BaseException) -> str:
    """Return what an error outside of the notebook says."""
    if isinstance(error, JobFailedError):
        return str(error.problem)
    return _said(type(error).__name__, str(error))


def _mark(notebook: Path, name: str, reason: str) -> int | None:
    """Mark the cell that was running as papermill marks one that failed; return its number."""
    import nbformat
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import raise_for_execution_errors

    document = nbformat.read(notebook, as_version=4)
    codes = [cell for cell in document.cells if cell.cell_type == "code"]
    begun = [number for number, cell in enumerate(codes, 1) if cell.metadata.get("papermill", {}).get("start_time")]
    if not begun:
        return None
    cell = codes[begun[-1] - 1]
    cell.execution_count = cell.execution_count or begun[-1]
    cell.metadata.papermill.update(status="failed", exception=True)
    cell.outputs.append(nbformat.v4.new_output("error", ename=name, evalue=reason, traceback=[reason]))
    try:
        raise_for_execution_errors(document, str(notebook))
    except PapermillExecutionError as error:
        return int(error.exec_count)
    return begun[-1]
