"""A pool of worker processes, each with one task at a time; one that dies takes only its own task with it.

The pools of the standard library end as a whole when a worker dies, can't stop a running task, and import the user's
main module anew in each worker; hence this one. Each worker is a fresh interpreter at the end of a pipe, looked after
by a thread.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import sysconfig
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path
from queue import SimpleQueue
from typing import Any

__all__ = ["Job", "Task", "WorkerPool", "python_environment"]

#: Of a task's log, attached to its failure.
LAST_LINES = 20
LAST_BYTES = 8192


@dataclass(frozen=True)
class Task:
    """A function by name and source, its arguments (JSON), and the file that takes what it prints."""

    name: str
    source: str
    args: Sequence[Any]
    kwargs: dict[str, Any]
    log: Path

    def request(self) -> dict[str, Any]:
        """Return the task as JSON has it."""
        return {
            "name": self.name,
            "source": self.source,
            "args": list(self.args),
            "kwargs": self.kwargs,
            "log": str(self.log),
        }


class Job:
    """A task in a pool.

    Attributes
    ----------
    output
        What the function returned, once `done` was called.
    exception
        Why there is no output: traceback and last lines of the log; None if there is.
    stopped
        Whether it is not wanted any more.
    """

    def __init__(self, task: Task, done: Callable[[Job], None]) -> None:
        self.task = task
        self.output: Any = None
        self.exception: str | None = None
        self._done = done
        self._turn = threading.Lock()
        self._worker: _Worker | None = None
        self.stopped = False

    def stop(self) -> None:
        """Don't start the task; if it runs, kill its worker."""
        with self._turn:
            self.stopped = True
            if self._worker is not None:
                self._worker.kill()

    def begin(self, worker: _Worker) -> bool:
        """Note who works on it; False if nobody should any more."""
        with self._turn:
            self._worker = worker
            return not self.stopped

    def finish(self, *, output: Any = None, exception: str | None = None) -> None:
        """Note how it ended and tell who waits."""
        with self._turn:
            self._worker = None
            stopped = self.stopped
        self.output = output
        if stopped:
            self.exception = "the task was stopped"
        elif exception is not None:
            self.exception = f"{exception.rstrip()}\n{_last_lines(self.task.log)}".rstrip()
        self._done(self)


class WorkerPool:
    """Worker processes on this machine, started when first needed.

    Parameters
    ----------
    workers
        How many.
    gpus
        Ids for CUDA_VISIBLE_DEVICES; with them there is one worker for each, whatever `workers` says.
    """

    def __init__(self, workers: int, gpus: Sequence[str] = ()) -> None:
        self._turn = threading.Lock()
        self._open: set[Job] = set()
        self._waiting: deque[Job] = deque()
        #: Of each worker that has nothing to do, where to put its next job; who was busy last is last.
        self._idle: list[SimpleQueue[Job | None]] = []
        self._closed = False
        places: Sequence[str | None] = gpus or [None] * workers
        self._threads = [threading.Thread(target=self._serve, args=(gpu,), daemon=True) for gpu in places]
        for thread in self._threads:
            thread.start()

    def submit(self, task: Task, done: Callable[[Job], None]) -> Job:
        """Run a task when a worker is free; `done` is called with its job, in a thread of the pool."""
        job = Job(task, done)
        with self._turn:
            self._open.add(job)
            if self._idle:
                # What it has imported is likely to be needed again.
                self._idle.pop().put(job)
            else:
                self._waiting.append(job)
        return job

    def close(self) -> None:
        """Stop all tasks and end the workers."""
        with self._turn:
            self._closed = True
            jobs, idle = list(self._open), list(self._idle)
        for job in jobs:
            job.stop()
        for queue in idle:
            queue.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self, gpu: str | None) -> None:
        worker: _Worker | None = None
        mine: SimpleQueue[Job | None] = SimpleQueue()
        self._next(mine)
        while (job := mine.get()) is not None:
            result: dict[str, Any] = {}
            try:
                if not job.stopped and (worker is None or not worker.alive()):
                    worker = _Worker(gpu)
                if worker is not None and job.begin(worker):
                    result = worker.run(job.task)
            except OSError as error:
                result = {"exception": f"no worker process could be started: {error}"}
            # First, so that this worker is the one that a next job finds, asked for as soon as this one is done.
            self._next(mine)
            job.finish(**result)
            with self._turn:
                self._open.discard(job)
        if worker is not None:
            worker.kill()

    def _next(self, mine: SimpleQueue[Job | None]) -> None:
        with self._turn:
            if self._waiting:
                mine.put(self._waiting.popleft())
            elif self._closed:
                mine.put(None)
            else:
                self._idle.append(mine)


class _Worker:
    """One process; it leads its own group, so that what a task starts ends with it."""

    def __init__(self, gpu: str | None) -> None:
        self._connection, far = Pipe()
        environment = python_environment()
        if gpu is not None:
            environment["CUDA_VISIBLE_DEVICES"] = gpu
        with far:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-m", "xpcs_nb.facility.local._worker", str(far.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[far.fileno()],
                env=environment,
                start_new_session=True,
            )

    def alive(self) -> bool:
        if self._process.poll() is None:
            return True
        self._connection.close()
        return False

    def run(self, task: Task) -> dict[str, Any]:
        try:
            self._connection.send_bytes(json.dumps(task.request()).encode())
            answer = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            self.kill()
            return {"exception": _how_it_died(self._process.wait())}
        return dict(answer)

    def kill(self) -> None:
        # The group may be gone already.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def python_environment() -> dict[str, str]:
    """Return the environment in which another interpreter finds this same package."""
    environment = dict(os.environ)
    here = str(Path(__file__).parents[3])
    known = environment.get("PYTHONPATH", "").split(os.pathsep)
    if here not in {*known, sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        environment["PYTHONPATH"] = os.pathsep.join(path for path in (here, *known) if path)
    return environment


def _how_it_died(code: int) -> str:
    if code >= 0:
        return f"the worker process ended with code {code} during the task"
    hint = ": most often because the machine was out of memory" if -code == signal.SIGKILL else ""
    return f"the worker process was killed by signal {-code} ({signal.Signals(-code).name}) during the task{hint}"


def _last_lines(log: Path) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - LAST_BYTES))
            lines = stream.read().decode(errors="replace").splitlines()[-LAST_LINES:]
    except FileNotFoundError:
        return ""
    return "\n".join(["", f"The last lines that it printed (all are in {log}):", *lines]) if lines else ""
