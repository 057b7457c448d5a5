"""Tasks of Globus Transfer: real copies between folders, with the service's states."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from xpcs_nb.errors import CorruptDataError, WriteError
from xpcs_nb.facility.local import transfer
from xpcs_nb.testing.sandbox._collections import Collection, Collections
from xpcs_nb.testing.sandbox._service import Refusal, new_id

__all__ = ["TransferTask", "TransferTasks", "seconds"]

#: As in Globus: tasks of a user that are worked on at once.
ACTIVE_TASKS = 3
#: s between looks at what holds a task up.
PATIENCE = 0.05
DAY = timedelta(days=1)


@dataclass
class TransferTask:
    """A task, from its submission on.

    Attributes
    ----------
    nice_status
        What holds it up (``FILE_NOT_FOUND``); such a task stays ACTIVE and goes on by itself, until its deadline.
    """

    id: str
    kind: str
    request: Mapping[str, Any]
    owner: str
    started: datetime
    deadline: datetime
    status: str = "ACTIVE"
    nice_status: str | None = None
    nice_details: str | None = None
    completed: datetime | None = None
    fatal: dict[str, str] | None = None
    files: int = 0
    directories: int = 0
    size: int = 0
    faults: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    done: list[tuple[str, str]] = field(default_factory=list)

    def event(self, code: str, description: str, details: str = "", *, error: bool = False) -> None:
        """Note what happened."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.events.insert(
            0,
            {
                "DATA_TYPE": "event",
                "code": code,
                "description": description,
                "details": details,
                "is_error": error,
                "time": now,
            },
        )


class _HeldUp(Exception):  # noqa: N818 - not an error: the task waits
    def __init__(self, code: str, details: str) -> None:
        super().__init__(details)
        self.code = code


class TransferTasks:
    """Carries out tasks, a few at a time."""

    def __init__(self, collections: Collections) -> None:
        self._collections = collections
        self._tasks: dict[str, TransferTask] = {}
        self._submitted: dict[str, str] = {}
        self._failures: list[str] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(ACTIVE_TASKS, thread_name_prefix="sandbox-transfer")

    def submit(self, kind: str, request: Mapping[str, Any], owner: str) -> tuple[TransferTask, bool]:
        """Accept a task and return it, and whether it is new: a submission id makes one only once."""
        started = datetime.now(UTC)
        deadline = datetime.fromisoformat(request["deadline"]) if request.get("deadline") else started + DAY
        deadline = deadline if deadline.tzinfo else deadline.replace(tzinfo=UTC)
        submission = str(request.get("submission_id") or new_id())
        with self._lock:
            if submission in self._submitted:
                return self._tasks[self._submitted[submission]], False
            task = TransferTask(new_id(), kind, request, owner, started, deadline)
            self._tasks[task.id] = task
            self._submitted[submission] = task.id
        self._pool.submit(self._carry_out, task)
        return task, True

    def get(self, task_id: str) -> TransferTask:
        """Return a task."""
        with self._lock:
            if task_id not in self._tasks:
                raise Refusal(404, f"task {task_id} not found", "ClientError.NotFound")
            return self._tasks[task_id]

    def all(self) -> list[TransferTask]:
        """Return the tasks, newest first."""
        with self._lock:
            return list(reversed(self._tasks.values()))

    def cancel(self, task: TransferTask) -> bool:
        """End a task; return False if it has ended already."""
        with self._lock:
            if task.completed is not None:
                return False
            self._end(task, "FAILED", {"code": "CANCELED", "description": "canceled by the user"})
            return True

    def fail_next(self, reason: str) -> None:
        """Let the next task that starts fail."""
        with self._lock:
            self._failures.append(reason)

    def next_failure(self) -> str | None:
        """Take the reason for which the task that starts now is to fail."""
        with self._lock:
            return self._failures.pop(0) if self._failures else None

    def close(self) -> None:
        """Stop; tasks that wait are left."""
        self._stopping.set()
        self._pool.shutdown(cancel_futures=True)

    def _carry_out(self, task: TransferTask) -> None:
        task.event("STARTED", "started")
        reason = self.next_failure()
        if reason is not None:
            self._finish(task, "FAILED", {"code": "ENDPOINT_ERROR", "description": reason})
            return
        work = self._delete if task.kind == "DELETE" else self._copy
        while task.completed is None and not self._stopping.is_set():
            try:
                work(task)
            except _HeldUp as held:
                if task.nice_status != held.code:
                    task.faults += 1
                    task.event(held.code, str(held), str(held), error=True)
                task.nice_status, task.nice_details = held.code, str(held)
            except (CorruptDataError, WriteError, OSError) as error:
                self._finish(task, "FAILED", {"code": "ENDPOINT_ERROR", "description": str(error)})
            except Refusal as refusal:
                self._finish(task, "FAILED", {"code": "PERMISSION_DENIED", "description": str(refusal)})
            else:
                self._finish(task, "SUCCEEDED", None)
            if datetime.now(UTC) > task.deadline:
                self._finish(task, "FAILED", {"code": "EXPIRED", "description": "the deadline has passed"})
            if task.completed is None:
                self._stopping.wait(PATIENCE)

    def _finish(self, task: TransferTask, status: str, fatal: dict[str, str] | None) -> None:
        with self._lock:
            if task.completed is None:
                self._end(task, status, fatal)

    def _end(self, task: TransferTask, status: str, fatal: dict[str, str] | None) -> None:
        task.status, task.fatal, task.completed = status, fatal, datetime.now(UTC)
        task.nice_status = task.nice_details = None
        task.event(fatal["code"] if fatal else "SUCCEEDED", fatal["description"] if fatal else "succeeded")

    def _ready(self, key: str) -> Collection:
        collection = self._collections.get(key)
        if not collection.online:
            raise _HeldUp("GC_NOT_CONNECTED", f"endpoint {key} is not connected")
        if collection.paused:
            raise _HeldUp("PAUSED_BY_ADMIN", f"endpoint {key} is paused")
        return collection

    def _copy(self, task: TransferTask) -> None:
        source = self._ready(task.request["source_endpoint"])
        target = self._ready(task.request["destination_endpoint"])
        task.nice_status = task.nice_details = None
        for item in task.request["DATA"]:
            for origin, place in _files(source, target, item):
                if task.completed is not None or self._stopping.is_set():
                    return
                names = ("/" + _relative(origin, source), "/" + _relative(place, target))
                if names not in task.done:
                    task.size += _copy_one(origin, place)
                    task.files += 1
                    task.done.append(names)
                    task.event("PROGRESS", names[1])

    def _delete(self, task: TransferTask) -> None:
        collection = self._ready(task.request["endpoint"])
        task.nice_status = task.nice_details = None
        for item in task.request["DATA"]:
            path = collection.path(item["path"])
            if not path.exists():
                if task.request.get("ignore_missing"):
                    continue
                raise _HeldUp("FILE_NOT_FOUND", f"{item['path']}: no such file or directory")
            if path.is_dir():
                if not task.request.get("recursive"):
                    raise _HeldUp("IS_A_DIRECTORY", f"{item['path']}: is a directory")
                shutil.rmtree(path)
                task.directories += 1
            else:
                path.unlink()
            task.files += 1


def _files(source: Collection, target: Collection, item: Mapping[str, Any]) -> Iterator[tuple[Path, Path]]:
    origin, place = source.path(item["source_path"]), target.path(item["destination_path"])
    if not origin.exists():
        raise _HeldUp("FILE_NOT_FOUND", f"{item['source_path']}: no such file or directory")
    if not origin.is_dir():
        if item.get("recursive"):
            raise _HeldUp("NOT_A_DIRECTORY", f"{item['source_path']}: not a directory")
        yield origin, place / origin.name if place.is_dir() else place
        return
    if not item.get("recursive"):
        raise _HeldUp("IS_A_DIRECTORY", f"{item['source_path']}: is a directory, and the item is not recursive")
    place.mkdir(parents=True, exist_ok=True)
    for inner in sorted(origin.rglob("*")):
        if inner.is_dir():
            (place / inner.relative_to(origin)).mkdir(parents=True, exist_ok=True)
        else:
            yield inner, place / inner.relative_to(origin)


def _copy_one(origin: Path, place: Path) -> int:
    if place.name == origin.name:
        return transfer([origin], place.parent)[0].size
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".sandbox-", dir=place.parent) as folder:
        arrived = transfer([origin], Path(folder))[0]
        arrived.path.replace(place)
    return arrived.size


def _relative(path: Path, collection: Collection) -> str:
    return path.relative_to(collection.root.resolve()).as_posix()


def seconds(task: TransferTask) -> float:
    """Return how long a task took, or has taken, in s."""
    end = task.completed.timestamp() if task.completed else time.time()
    return max(end - task.started.timestamp(), 1e-3)
