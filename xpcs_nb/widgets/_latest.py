"""A thread that does the newest of what it is asked for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

__all__ = ["Latest", "in_this_loop"]

type Wanted = Callable[[], bool]


class Latest[Job, Outcome]:
    """Works on one job at a time, in a thread of its own; of those that wait only the newest is kept.

    Parameters
    ----------
    work
        Gets a job, and a function that tells whether its outcome is still wanted; it may end early by any exception
        once it is not.
    done, failed
        Get the outcome or the exception, in the thread, unless a newer job has come meanwhile.
    """

    def __init__(
        self,
        work: Callable[[Job, Wanted], Outcome],
        done: Callable[[Outcome], object],
        failed: Callable[[Exception], object],
    ) -> None:
        self._work, self._done, self._failed = work, done, failed
        self._change = threading.Condition()
        self._waiting: list[Job] = []
        self._number = 0
        self._busy = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def ask(self, job: Job) -> None:
        """Have a job done instead of those asked for before."""
        with self._change:
            self._waiting = [job]
            self._number += 1
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="xpcs_nb live", daemon=True)
                self._thread.start()
            self._change.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Return True when nothing is left to do, False after `timeout` seconds."""
        with self._change:
            return self._change.wait_for(lambda: not self._waiting and not self._busy, timeout)

    def drop(self) -> None:
        """Forget what was asked for; the outcome of what it is working on is not wanted any more."""
        with self._change:
            self._waiting = []
            self._number += 1
            self._change.notify_all()

    def close(self) -> None:
        """End the thread, and drop what it is working on."""
        with self._change:
            self._closed = True
        self.drop()

    def _run(self) -> None:
        while True:
            with self._change:
                self._busy = False
                self._change.notify_all()
                self._change.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                job, number = self._waiting.pop(), self._number
                self._busy = True
            self._one(job, partial(self._is_newest, number))

    def _is_newest(self, number: int) -> bool:
        return number == self._number

    def _one(self, job: Job, wanted: Wanted) -> None:
        try:
            outcome = self._work(job, wanted)
        except Exception as error:  # noqa: BLE001 - handed on, whatever it is
            if wanted():
                self._failed(error)
        else:
            if wanted():
                self._done(outcome)


def in_this_loop() -> Callable[..., None]:
    """Return a function that calls others in the event loop that runs now, from any thread; at once if there is none.

    Widgets are changed there, and not by two threads at a time.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return lambda function, *arguments: function(*arguments)

    def call(function: Callable[..., Any], *arguments: Any) -> None:
        # The loop of a kernel that is being shut down takes nothing any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(function, *arguments)

    return call
