"""The action ``transfer``: files and folders from one collection of this machine to another."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xpcs_nb.errors import CorruptDataError, MissingFileError, WriteError, XpcsError
from xpcs_nb.facility.local._copy import copy_file, remove_leftovers, same_content
from xpcs_nb.facility.local._runs import now
from xpcs_nb.facility.local._transfer_plan import Plan, plan_transfer
from xpcs_nb.facility.local._work import Done, Work

__all__ = ["carry_out_transfer"]

#: How often a damaged copy is made again.
TRIES = 3
#: Seconds between two reports of how far the transfer has come.
REPORT_EVERY = 0.5
#: Bytes up to which files are copied together, and how many of them.
SMALL, AT_ONCE = 8 * 2**20, 4
COUNTED = ("bytes_transferred", "files_transferred", "files_skipped", "faults")


@dataclass
class _Progress:
    """What was done so far, as a Transfer task document counts it."""

    work: Work
    begun: str = field(default_factory=now)
    start: float = field(default_factory=time.monotonic)
    reported: float = field(default_factory=time.monotonic)
    counts: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(COUNTED, 0)))
    turn: threading.Lock = field(default_factory=threading.Lock)

    def add(self, **counts: int) -> None:
        self.work.check()
        with self.turn:
            self.counts.update(counts)
            due = time.monotonic() - self.reported > REPORT_EVERY
            if due:
                self.reported = time.monotonic()
        if due:
            self.work.report(dict(self.counts))


def carry_out_transfer(work: Work) -> Done:
    """Copy what the request lists; each copy is compared with its source, and files that are there are left.

    Without a `sync_level`, a file is there if size and time of modification agree (copies get the time of their
    source), so that a transfer that was interrupted goes on where it was.

    Raises
    ------
    ActionRefusedError
        The request can't be carried out on this machine.
    """
    progress = _Progress(work)
    plan = None
    try:
        plan = plan_transfer(work.body, work.settings)
        for folder in plan.folders:
            folder.mkdir(parents=True, exist_ok=True)
        for folder in {target.parent for _, target, _ in plan.files}:
            folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(folder)
        _transfer_files(plan, progress)
        for text, place in plan.links:
            _keep_link(text, place)
    except (MissingFileError, WriteError, CorruptDataError) as error:
        return Done("FAILED", _document(plan, progress, error))
    except OSError as error:
        problem = WriteError("the transfer failed", path=error.filename, got=error.strerror)
        return Done("FAILED", _document(plan, progress, problem))
    return Done("SUCCEEDED", _document(plan, progress, None))


def _transfer_files(plan: Plan, progress: _Progress) -> None:
    """Copy all files; small ones a few at a time, as for them the disk's answers take the time, not the bytes."""
    small = [file for file in plan.files if file[2] <= SMALL]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        copies = [threads.submit(_transfer_file, *file[:2], plan.sync_level, progress) for file in small]
        try:
            for copy in copies:
                copy.result()
        finally:
            # After an error those that have not begun are left.
            threads.shutdown(cancel_futures=True)
    for source, target, size in plan.files:
        if size > SMALL:
            _transfer_file(source, target, plan.sync_level, progress)


def _transfer_file(source: Path, target: Path, sync_level: int | None, progress: _Progress) -> None:
    progress.work.check()
    if _is_there(source, target, sync_level):
        progress.add(files_skipped=1)
        return
    for left in reversed(range(TRIES)):
        pieces: list[int] = []

        def copied(count: int, pieces: list[int] = pieces) -> None:
            pieces.append(count)
            progress.add(bytes_transferred=count)

        try:
            copy_file(source, target, progress=copied)
        except CorruptDataError:
            progress.add(bytes_transferred=-sum(pieces), faults=1)
            if not left:
                raise
        else:
            break
    progress.add(files_transferred=1)


def _is_there(source: Path, target: Path, sync_level: int | None) -> bool:
    if not target.is_file():
        return False
    if sync_level == 0:
        return True
    one, other = source.stat(), target.stat()
    if one.st_size != other.st_size:
        return False
    if sync_level == 1:
        return True
    return same_content(source, target) if sync_level == 3 else one.st_mtime_ns == other.st_mtime_ns


def _keep_link(text: str, place: Path) -> None:
    if place.is_symlink() and str(place.readlink()) == text:
        return
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    part.symlink_to(text)
    part.replace(place)


def _document(plan: Plan | None, progress: _Progress, error: XpcsError | None) -> dict[str, Any]:
    """Describe the transfer as a task document of Globus Transfer does."""
    seconds = max(time.monotonic() - progress.start, 1e-6)
    work = progress.work
    tasks = len(plan.files) if plan else 0
    done = progress.counts["files_transferred"] + progress.counts["files_skipped"]
    return {
        "DATA_TYPE": "task",
        "type": "TRANSFER",
        "task_id": work.action_id,
        "label": work.body.get("label") or work.label or None,
        "status": "FAILED" if error else "SUCCEEDED",
        "request_time": progress.begun,
        "completion_time": now(),
        "source_endpoint_id": plan.source_endpoint if plan else None,
        "destination_endpoint_id": plan.destination_endpoint if plan else None,
        "sync_level": plan.sync_level if plan else None,
        "verify_checksum": True,
        "preserve_timestamp": True,
        "files": tasks,
        "directories": len(plan.folders) if plan else 0,
        "symlinks": plan.ignored if plan else 0,
        **progress.counts,
        "effective_bytes_per_second": int(progress.counts["bytes_transferred"] / seconds),
        "subtasks_total": tasks,
        "subtasks_succeeded": done,
        "subtasks_failed": 1 if error else 0,
        "subtasks_pending": max(0, tasks - done - 1) if error else 0,
        "nice_status": _nice_status(error),
        "nice_status_short_description": _nice_status(error),
        "nice_status_details": str(error) if error else None,
        "fatal_error": {"code": _nice_status(error), "description": str(error)} if error else None,
        "is_ok": None if error is None else False,
        "is_paused": False,
    }


def _nice_status(error: XpcsError | None) -> str:
    match error:
        case None:
            return "OK"
        case MissingFileError():
            return "FILE_NOT_FOUND"
        case CorruptDataError():
            return "CHECKSUM_ERROR"
        case _:
            return "ENDPOINT_ERROR"
