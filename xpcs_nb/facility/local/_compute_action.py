"""The compute action: registered functions run on this machine, several tasks at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid5

from xpcs_nb.facility.local._collections import LOCAL_ENDPOINT
from xpcs_nb.facility.local._function import LARGEST
from xpcs_nb.facility.local._runs import RunStore, as_json
from xpcs_nb.facility.local._transfer_plan import request_field
from xpcs_nb.facility.local._work import ActionRefusedError, Done, OutOfTimeError, Settings, StoppedError, Work
from xpcs_nb.facility.local._workers import Job, Task

__all__ = ["Pool", "carry_out_compute"]


class Pool(Protocol):
    """What runs tasks: `WorkerPool`, or `ParslPool`."""

    def submit(self, task: Task, done: Callable[[Job], None]) -> Job:
        """Run a task when there is room; `done` is called with its job from any thread."""
        ...

    def close(self) -> None:
        """Stop everything."""
        ...


def carry_out_compute(work: Work, store: RunStore, pool: Pool, *, version: int) -> Done:
    """Run all tasks of a request of version 2 (``payload``) or 3 (``args``, ``kwargs``); it fails if one of them does.

    Raises
    ------
    ActionRefusedError
        A function or endpoint is unknown, or the arguments are too large.
    StoppedError, OutOfTimeError
        The action had to stop; its tasks were killed.
    """
    tasks = _tasks(work, store, version)
    work.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    finished: SimpleQueue[Job | None] = SimpleQueue()
    jobs = [pool.submit(task, finished.put) for task in tasks]
    try:
        with work.stop.telling(lambda: finished.put(None)):
            for _ in jobs:
                _next(finished, work)
    except (StoppedError, OutOfTimeError):
        for job in jobs:
            job.stop()
        raise
    return _done(work, jobs)


def _next(finished: SimpleQueue[Job | None], work: Work) -> None:
    try:
        job = finished.get(timeout=work.remaining())
    except Empty:
        raise OutOfTimeError from None
    if job is None:
        raise StoppedError


def _done(work: Work, jobs: Sequence[Job]) -> Done:
    results: list[dict[str, Any]] = []
    for index, job in enumerate(jobs):
        result = {"output": job.output} if job.exception is None else {"exception": job.exception}
        results.append({"task_id": str(uuid5(NAMESPACE_URL, f"{work.action_id}/{index}")), **result})
    failed = sum(job.exception is not None for job in jobs)
    details: dict[str, Any] = {"task_group_id": work.action_id, "results": results}
    if failed:
        return Done("FAILED", details, f"{failed} of {len(jobs)} tasks failed")
    return Done("SUCCEEDED", {**details, "result": [job.output for job in jobs]})


def _tasks(work: Work, store: RunStore, version: int) -> list[Task]:
    listed = request_field(work.body, "tasks")
    if not isinstance(listed, list) or not listed:
        raise ActionRefusedError("the request has no tasks")
    calls = [_call_v2(item, work.settings) for item in listed] if version == 2 else _calls_v3(work, listed)
    size = len(as_json([call[1:] for call in calls]))
    if size > LARGEST:
        raise ActionRefusedError(
            f"the arguments have {size} bytes; at most {LARGEST} are allowed: files carry the data"
        )
    return [_task(work, store, index, *call) for index, call in enumerate(calls)]


def _call_v2(item: Mapping[str, Any], settings: Settings) -> tuple[str, list[Any], dict[str, Any]]:
    _check_endpoint(request_field(item, "endpoint", "endpoint_id"), settings)
    payload = item.get("payload") or {}
    if not isinstance(payload, dict):
        raise ActionRefusedError(f"a task's payload is the function's keyword arguments, got {type(payload).__name__}")
    return request_field(item, "function", "function_id"), [], payload


def _calls_v3(work: Work, listed: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Any], dict[str, Any]]]:
    _check_endpoint(request_field(work.body, "endpoint_id"), work.settings)
    calls = []
    for item in listed:
        args, kwargs = item.get("args") or [], item.get("kwargs") or {}
        if not isinstance(args, list) or not isinstance(kwargs, dict):
            raise ActionRefusedError("a task has a list args and an object kwargs")
        calls.append((request_field(item, "function_id"), args, kwargs))
    return calls


def _check_endpoint(endpoint: Any, settings: Settings) -> None:
    if endpoint not in {LOCAL_ENDPOINT, *settings.endpoints}:
        known = ", ".join((LOCAL_ENDPOINT, *settings.endpoints))
        raise ActionRefusedError(f"no compute endpoint {endpoint!r} on this machine; there are: {known}")


def _task(work: Work, store: RunStore, index: int, function_id: str, args: list[Any], kwargs: dict[str, Any]) -> Task:
    function = store.function(function_id)
    if function is None:
        raise ActionRefusedError(f"no function {function_id!r} is registered on this machine")
    return Task(*function, args, kwargs, _log_file(work, index))


def _log_file(work: Work, index: int) -> Path:
    return work.folder / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', work.name)}-{index}.log"
