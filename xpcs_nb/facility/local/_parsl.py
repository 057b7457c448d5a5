"""Functions on a cluster, by Parsl: any configuration of it."""

from __future__ import annotations

import json
import os
import runpy
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from xpcs_nb.errors import SiteError
from xpcs_nb.facility.local._function import answer
from xpcs_nb.facility.local._workers import Job, Task

__all__ = ["ParslPool"]


class ParslPool:
    """Runs tasks by Parsl. The nodes need xpcs_nb, and the file system of this machine.

    A task that is stopped is no longer waited for; Parsl can't end it on its node.

    Parameters
    ----------
    file
        Python file that sets ``config`` to a `parsl.config.Config`. It is run as it is.

    Raises
    ------
    MissingExtraError
        Parsl is not installed.
    SiteError
        The file can't be run, or sets no ``config``.
    """

    def __init__(self, file: Path) -> None:
        # Arrays come with it, and an engine that needs no Parsl starts without.
        from xpcs_nb.core import require

        parsl = require("parsl", extra="cluster")
        try:
            config = runpy.run_path(str(file)).get("config")
        except Exception as error:
            raise SiteError("the Parsl configuration can't be run", path=file, got=repr(error)) from error
        if not isinstance(config, parsl.Config):
            raise SiteError(
                "the file has no Parsl configuration", path=file, got=config, expected="config = Config(...)"
            )
        # Parsl starts its own programs by name, and they stand beside the interpreter, activated or not.
        beside = str(Path(sys.executable).parent)
        if beside not in os.environ.get("PATH", "").split(os.pathsep):
            os.environ["PATH"] = os.pathsep.join(filter(None, (beside, os.environ.get("PATH"))))
        self._kernel = parsl.DataFlowKernel(config)

    def submit(self, task: Task, done: Callable[[Job], None]) -> Job:
        """Run a task when there is room; `done` is called with its job from a thread of Parsl."""
        job = Job(task, done)
        future = self._kernel.submit(
            answer,
            app_args=[task.request()],
            app_kwargs={},
            executors="all",
            cache=False,
            ignore_for_cache=[],
        )
        future.add_done_callback(lambda ended: _finish(job, ended))
        return job

    def close(self) -> None:
        """End the workers and give back what Parsl took of the cluster."""
        self._kernel.cleanup()


def _finish(job: Job, future: Future[str]) -> None:
    error = future.exception()
    if error is not None:
        job.finish(exception=f"Parsl could not run the task: {type(error).__name__}: {error}")
    else:
        job.finish(**json.loads(future.result()))
