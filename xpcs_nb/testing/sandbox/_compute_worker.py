"""A worker of the sandbox's compute endpoint: runs what comes as serialized code, one task after another.

Started as a script of its own, so that it has only what an endpoint has: the Compute SDK, and what tasks import.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from globus_compute_sdk.errors import MaxResultSizeExceeded
from globus_compute_sdk.sdk.utils import get_env_details
from globus_compute_sdk.serialize import ComputeSerializer

#: As at Globus Compute: bytes of a result, serialized.
RESULT_BYTES = 10 * 1024 * 1024


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Run a task; return its serialized result, or the traceback of what it raised, as an endpoint reports them."""
    started = time.time()
    report: dict[str, Any]
    try:
        function = load(task)
        args, kwargs = (_serializer.deserialize(part) for part in _serializer.unpack_buffers(task["payload"]))
        value = function(*args, **kwargs)
        report = {"status": "success", "result": small(_serializer.serialize(value))}
    except BaseException as error:  # noqa: BLE001 - SystemExit too is the task's failure, not the worker's
        report = {"status": "failed", "exception": _told(error)}
    return {**report, "details": get_env_details() | {"task_transitions": transitions(started)}}


def small(result: str) -> str:
    """Return a serialized result, unless it is larger than the service takes."""
    if len(result) > RESULT_BYTES:
        raise MaxResultSizeExceeded(len(result), RESULT_BYTES)
    return result


def _told(error: BaseException) -> str:
    # Our own frame tells the user nothing.
    inner = error.__traceback__ and error.__traceback__.tb_next
    return "".join(traceback.format_exception(error.with_traceback(inner)))


def load(task: dict[str, Any]) -> Callable[..., Any]:
    """Return the function of a task: serialized, or named in source code."""
    if task["serialized"]:
        function = _serializer.deserialize(_serializer.unpack_buffers(task["function_code"])[0])
    else:
        names: dict[str, Any] = {}
        exec(compile(task["function_code"], task["function_name"], "exec"), names)  # noqa: S102 - this is the service
        function = names[task["function_name"]]
    if not callable(function):
        raise TypeError(f"{task['function_name']} is no function")
    return function  # type: ignore[no-any-return]


def transitions(started: float) -> dict[str, float]:
    """Return when execution began and ended, in s since the epoch."""
    return {"execution-start": started, "execution-end": time.time()}


def main() -> None:
    """Read tasks as lines of JSON, and write reports the same way; what tasks print goes to the error stream."""
    reports = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        reports.write(json.dumps(run(json.loads(line))) + "\n")
        reports.flush()


_serializer = ComputeSerializer()

if __name__ == "__main__":
    main()
