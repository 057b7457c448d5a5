"""The folder of a batch: its jobs, the recipe they were run with, and the right to run it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from xpcs_nb.errors import BatchError, FileFormatError, WriteError
from xpcs_nb.recipes._plan import JOBS, Plan
from xpcs_nb.recipes._recipe import Recipe
from xpcs_nb.recipes._state import JobState, now, read_state, write_json

__all__ = ["BATCH", "is_running", "keep_plan", "kept_recipe", "locked", "read_jobs"]

BATCH, LOCK = "batch.json", ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the right to run the batch of a folder; the system takes it back when this process ends, however.

    Raises
    ------
    BatchError
        Another process runs it.
    WriteError
        The folder can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise WriteError("the folder of the batch can't be used", path=folder, got=error.strerror) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BatchError(
                "a batch is running in this folder",
                path=folder,
                got=os.pread(descriptor, 200, 0).decode(errors="replace") or None,
                hint=f"`xpcs-nb rerun --status {folder}` shows it; another batch needs another folder.",
            ) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_running(folder: Path) -> bool:
    """Return whether a process runs the batch of this folder now."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def keep_plan(folder: Path, plan: Plan) -> Path:
    """Write what the batch is, and return the copy of its recipe, which the jobs run."""
    copy = kept_recipe(folder, plan.recipe.name, plan.recipe.checksum)
    if not copy.is_file():
        write_text = plan.recipe.source
        copy.parent.mkdir(exist_ok=True)
        part = copy.with_suffix(f".{os.getpid()}.part")
        part.write_text(write_text, encoding="utf-8")
        part.replace(copy)
    document = {
        "recipe": plan.recipe.name,
        "checksum": plan.recipe.checksum,
        "planned": now(),
        "jobs": [asdict(planned.job) for planned in plan.jobs],
    }
    write_json(folder / BATCH, document)
    return copy


def kept_recipe(folder: Path, name: str, checksum: str) -> Path:
    """Return the place of the copy of a recipe."""
    return folder / "recipes" / f"{name}-{checksum[:10]}.ipynb"


def read_jobs(folder: Path) -> tuple[Recipe, list[JobState]]:
    """Return the recipe of a batch, and how each of its jobs goes, in the order of its list.

    Raises
    ------
    FileFormatError
        The folder holds no batch.
    """
    path = folder / BATCH
    try:
        document = json.loads(path.read_text())
        planned = [JobState(**fields) for fields in document["jobs"]]
        recipe = Recipe.load(kept_recipe(folder, document["recipe"], document["checksum"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileFormatError(
            "this folder holds no batch",
            path=folder,
            got=error,
            expected=f"the folder of `xpcs-nb rerun`, with {BATCH}",
        ) from error
    running = is_running(folder)
    return recipe, [_as_it_is(job, read_state(folder / JOBS / job.folder), running) for job in planned]


def _as_it_is(planned: JobState, found: JobState | None, running: bool) -> JobState:
    job = planned.with_(state="waiting") if found is None else found
    # Nobody is there any more who would go on with it.
    return job if running or job.state != "running" else job.with_(state="interrupted")
