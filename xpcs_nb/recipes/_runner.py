"""Runs the jobs of a plan: hands them to workers, notes how each ended, and stops cleanly."""

from __future__ import annotations

import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol
from uuid import uuid4

from xpcs_nb.errors import OptionError
from xpcs_nb.facility.local import Job, ParslPool, Task, WorkerPool
from xpcs_nb.recipes._job import LOG
from xpcs_nb.recipes._plan import JOBS, Plan
from xpcs_nb.recipes._state import JobState, now, read_state

__all__ = ["Pool", "Runner", "Settings", "make_pool"]

#: What a worker is given; it imports the rest from its own xpcs_nb.
SOURCE = "def run(request):\n    from xpcs_nb.recipes._job import run_job\n    return run_job(request)\n"
#: A job whose process was killed is tried again so often: who was killed need not be who took the memory.
ATTEMPTS = 2
#: Seconds between two looks at what is shown.
PACE = 0.5
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a batch runs.

    Attributes
    ----------
    workers
        Jobs at a time.
    gpus
        Ids of GPUs; with them there is one worker for each.
    parsl
        File of a Parsl configuration, whose workers are used in place of those of this machine.
    time_limit
        Of a job, s.
    """

    workers: int = 1
    gpus: Sequence[str] = field(default_factory=tuple)
    parsl: Path | None = None
    time_limit: float | None = None

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise OptionError("no job could ever run", got=f"workers={self.workers}", expected="at least 1")
        if self.time_limit is not None and self.time_limit <= 0:
            raise OptionError(
                "no job could ever end in time", got=f"time_limit={self.time_limit}", expected="more than 0 s"
            )
        if self.gpus and self.parsl is not None:
            raise OptionError(
                "GPUs are given by the Parsl configuration",
                expected="HighThroughputExecutor(available_accelerators=...)",
            )

    @property
    def at_a_time(self) -> int:
        """Jobs that are active at most."""
        return len(self.gpus) or self.workers


class Pool(Protocol):
    """Where jobs run."""

    def submit(self, task: Task, done: Callable[[Job], None]) -> Job:
        """Run a task; call `done` from another thread when it has ended."""
        ...

    def close(self) -> None:
        """Stop everything."""
        ...


def make_pool(settings: Settings) -> Pool:
    """Return the workers of a batch."""
    if settings.parsl is not None:
        return ParslPool(settings.parsl)
    return WorkerPool(settings.workers, [str(gpu) for gpu in settings.gpus])


class Runner:
    """Runs the jobs of a plan.

    Parameters
    ----------
    folder
        Of the batch.
    plan
        What to run.
    recipe
        The copy of the recipe in `folder`.
    settings
        How.
    show
        Called with all jobs whenever one has changed, and now and then.
    """

    def __init__(
        self, folder: Path, plan: Plan, recipe: Path, settings: Settings, show: Callable[[list[JobState]], None]
    ) -> None:
        self._folder = folder
        self._plan = plan
        self._recipe = recipe
        self._settings = settings
        self._show = show
        self._jobs = {planned.job.folder: planned.job for planned in plan.jobs}
        self._waiting = deque(job.folder for job in plan.to_run)
        self._tries: dict[str, int] = {}
        self._active: set[str] = set()
        self._ended: SimpleQueue[tuple[str, Job]] = SimpleQueue()

    def run(self, make: Callable[[Settings], Pool] = make_pool) -> list[JobState]:
        """Run everything, and return how each job went; interrupted, the jobs under way are noted as such."""
        if not self._waiting:
            return list(self._jobs.values())
        pool = make(self._settings)
        try:
            while self._waiting or self._active:
                while self._waiting and len(self._active) < self._settings.at_a_time:
                    self._start(pool, self._waiting.popleft())
                self._show(self._states())
                self._take()
        finally:
            pool.close()
            self._interrupted()
            self._show(self._states())
        return self._states()

    def _states(self) -> list[JobState]:
        for name in self._active:
            found = self._jobs[name]
            if found.state == "waiting" and (noted := read_state(self._place(name))) is not None:
                self._jobs[name] = noted
        return list(self._jobs.values())

    def _place(self, name: str) -> Path:
        return self._folder / JOBS / name

    def _start(self, pool: Pool, name: str) -> None:
        job = self._jobs[name].with_(
            state="waiting",
            attempt=uuid4().hex,
            started=None,
            ended=None,
            reason=None,
            cell=None,
            values={},
            figures={},
        )
        self._jobs[name] = job
        place = self._place(name)
        place.mkdir(parents=True, exist_ok=True)
        # Whoever may still work on an earlier attempt has nothing to say from now on.
        job.write(place)
        request = {
            "job": asdict(job),
            "name": self._plan.recipe.name,
            "folder": str(place),
            "recipe": str(self._recipe),
            "parameters": self._parameters(job),
            "own_gpu": bool(self._settings.gpus),
            "time_limit": self._settings.time_limit,
            "environment": self._environment(),
        }
        self._tries[name] = self._tries.get(name, 0) + 1
        self._active.add(name)
        task = Task("run", SOURCE, [request], {}, place / LOG)
        pool.submit(task, lambda ended: self._ended.put((name, ended)))

    def _parameters(self, job: JobState) -> dict[str, Any]:
        values = dict(job.parts["parameters"])
        if not self._settings.gpus:
            return values
        # The worker sees only its own GPU; a site has others.
        if "gpu_id" in values:
            values["gpu_id"] = 0
        for name, parameter in self._plan.recipe.parameters.items():
            on_gpu = parameter.meaning == "options" and int(values[name].get("gpu_id", 0)) >= 0
            if on_gpu and not values.get("site"):
                values[name] = {**values[name], "gpu_id": 0}
        return values

    def _environment(self) -> dict[str, str]:
        if self._settings.parsl is not None:
            return {}
        threads = str(max(1, (os.cpu_count() or 1) // self._settings.at_a_time))
        return {name: os.environ.get(name, threads) for name in THREADS}

    def _take(self) -> None:
        """Wait for a job to end, for a moment; note how it did."""
        with contextlib.suppress(Empty):
            name, ended = self._ended.get(timeout=PACE)
            self._active.discard(name)
            noted = read_state(self._place(name)) or self._jobs[name]
            if ended.exception is not None:
                noted = self._broken(noted, ended.exception)
            self._jobs[name] = noted
            if noted.state == "killed" and self._tries[name] < ATTEMPTS:
                self._waiting.append(name)

    def _broken(self, job: JobState, exception: str) -> JobState:
        """Note a job whose worker could not tell how it went."""
        lines = [line for line in exception.strip().splitlines() if line]
        killed = lines[0].startswith(("the worker process", "no worker process", "Parsl could not"))
        job = job.with_(
            state="killed" if killed else "failed",
            reason=lines[0] if killed else next((line for line in reversed(lines) if "Error" in line), lines[-1]),
            host=job.host or socket.gethostname(),
            ended=now(),
        )
        job.write(self._place(job.folder))
        return job

    def _interrupted(self) -> None:
        for name in self._active:
            job = (read_state(self._place(name)) or self._jobs[name]).with_(state="interrupted", ended=now())
            self._jobs[name] = job
            job.write(self._place(name))
        self._active.clear()
