"""Functions and tasks of Globus Compute: each worker is a process of its own, and may die."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xpcs_nb.testing.sandbox._service import Refusal, new_id

__all__ = ["ComputeTask", "ComputeTasks"]

WORKER = Path(__file__).with_name("_compute_worker.py")


@dataclass
class ComputeTask:
    """A call of a function, from its submission on."""

    id: str
    group: str
    function_id: str
    payload: str
    report: dict[str, Any] = field(default_factory=lambda: {"status": "waiting-for-ep"})
    created: float = field(default_factory=time.time)
    completed: float | None = None

    def document(self) -> dict[str, Any]:
        """Return the task as the service gives it."""
        document = {"task_id": self.id, **self.report}
        return document if self.completed is None else {**document, "completion_t": str(self.completed)}


class ComputeTasks:
    """One endpoint: functions by id, and a queue that workers empty while the endpoint is online."""

    def __init__(self, workers: int) -> None:
        self.functions: dict[str, dict[str, Any]] = {}
        self.online = True
        self.workers = workers
        self._tasks: dict[str, ComputeTask] = {}
        self._queue: deque[ComputeTask] = deque()
        self._failures: deque[str] = deque()
        self._change = threading.Condition()
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._processes: set[subprocess.Popen[str]] = set()

    def submit(self, function_id: str, payload: str, group: str) -> ComputeTask:
        """Queue a call with serialized arguments."""
        if function_id not in self.functions:
            raise Refusal(404, f"Function {function_id} could not be resolved", "FUNCTION_NOT_FOUND")
        task = ComputeTask(new_id(), group, function_id, payload)
        with self._change:
            self._tasks[task.id] = task
            self._queue.append(task)
            if len(self._threads) < self.workers:
                thread = threading.Thread(target=self._work, name=f"sandbox-worker-{len(self._threads)}")
                self._threads.append(thread)
                thread.start()
            self._change.notify_all()
        return task

    def get(self, task_id: str) -> ComputeTask:
        """Return a task."""
        with self._change:
            if task_id not in self._tasks:
                raise Refusal(404, f"Task {task_id} not found", "TASK_NOT_FOUND")
            return self._tasks[task_id]

    def group(self, group: str) -> list[ComputeTask]:
        """Return the tasks that were submitted under one group."""
        with self._change:
            found = [task for task in self._tasks.values() if task.group == group]
        if not found:
            raise Refusal(404, f"Task group {group} not found", "TASK_GROUP_NOT_FOUND")
        return found

    def waiting(self) -> int:
        """Return how many tasks nobody has begun."""
        with self._change:
            return len(self._queue)

    def wait(self, task: ComputeTask, seconds: float) -> bool:
        """Wait until a task has ended; return whether it has."""
        with self._change:
            self._change.wait_for(lambda: task.completed is not None or self._stopping, seconds)
            return task.completed is not None

    def set_online(self, online: bool) -> None:
        """Let the endpoint go, or come back; what is queued waits meanwhile."""
        with self._change:
            self.online = online
            self._change.notify_all()

    def fail_next(self, reason: str) -> None:
        """Let the next task that starts fail."""
        with self._change:
            self._failures.append(reason)

    def close(self) -> None:
        """End workers, with what they are doing."""
        with self._change:
            self._stopping = True
            self._change.notify_all()
            for process in self._processes:
                process.kill()
        for thread in self._threads:
            thread.join()

    def _next(self) -> ComputeTask | None:
        with self._change:
            self._change.wait_for(lambda: self._stopping or (self.online and bool(self._queue)))
            if self._stopping:
                return None
            task = self._queue.popleft()
            task.report = {"status": "running"}
            if self._failures:
                self._end(task, {"status": "failed", "exception": self._failures.popleft()})
            return task

    def _work(self) -> None:
        process = None
        while (task := self._next()) is not None:
            if task.completed is not None:
                continue
            if process is None or process.poll() is not None:
                process = self._start()
            report = self._run(process, task)
            with self._change:
                self._end(task, report)
        if process is not None:
            self._stop(process)

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-P", str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        with self._change:
            self._processes.add(process)
            if self._stopping:
                process.kill()
        return process

    def _run(self, process: subprocess.Popen[str], task: ComputeTask) -> dict[str, Any]:
        order = {**self.functions[task.function_id], "payload": task.payload}
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (BrokenPipeError, ConnectionResetError):
            line = ""
        if line:
            return dict(json.loads(line))
        self._stop(process)
        reason = f"WorkerLost: the worker process ended with code {process.returncode} while it ran the task"
        return {"status": "failed", "exception": reason}

    def _stop(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                _close(pipe)
        with self._change:
            self._processes.discard(process)

    def _end(self, task: ComputeTask, report: Mapping[str, Any]) -> None:
        task.report, task.completed = dict(report), time.time()
        self._change.notify_all()


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        # What was not read by the process that died.
        return
