"""The engine: takes runs from the store and drives them, many at once, until there is nothing to do."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path
from uuid import uuid4

from xpcs_nb.errors import XpcsError
from xpcs_nb.facility.local._actions import Actions
from xpcs_nb.facility.local._claims import Claims, Taken
from xpcs_nb.facility.local._driver import Driver
from xpcs_nb.facility.local._presence import Bell, EngineLock, ring
from xpcs_nb.facility.local._runs import RunStore
from xpcs_nb.facility.local._work import Around

__all__ = ["STORE_NAME", "Engine"]

STORE_NAME = "runs.sqlite"
#: Seconds after which the store is looked at even if nobody rang.
LOOK_EVERY = 5.0
#: Seconds to wait for the lock: those who only look whether an engine works hold it for a moment.
LOCK_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Engine:
    """Works on the runs of a home folder, if no other engine does.

    Parameters
    ----------
    home
        Folder with the run store.
    active
        How many runs are driven at once; others wait in the store. By default 4 for each core, at least 16.
    idle
        Seconds without anything to do after which the work ends; None to go on until `close`.
    around
        As for `Actions`.
    """

    def __init__(
        self, home: Path, *, active: int | None = None, idle: float | None = None, around: Around | None = None
    ) -> None:
        self._home = home
        self._most = active or max(16, 4 * (os.cpu_count() or 1))
        self._idle = idle
        self._around = around
        self._store = RunStore(home / STORE_NAME)
        self._claims = Claims(self._store.database, f"{os.getpid()}-{uuid4().hex}")
        self._lock = EngineLock(home)
        self._drivers: dict[int, Driver] = {}
        self._threads: dict[int, threading.Thread] = {}
        self._turn = threading.Lock()
        self._closed = threading.Event()
        self._broken: XpcsError | None = None

    def run(self) -> None:
        """Work until closed or idle; return at once if another engine works here.

        Raises
        ------
        XpcsError
            The run store can't be read or written.
        """
        try:
            while not self._closed.is_set() and self._lock.acquire(LOCK_SECONDS):
                try:
                    self._work()
                finally:
                    self._lock.release()
                # Who started a run just before took this engine for one that works on.
                if self._claims.next_due() is None:
                    return
        finally:
            self._store.close()

    def close(self) -> None:
        """Stop working; runs under way are put back where they stand, for the next engine."""
        self._closed.set()
        ring(self._home)

    def _work(self) -> None:
        actions = Actions(self._home, self._store, self._around)
        with Bell(self._home) as bell:
            _log.info("engine %d works on %s", os.getpid(), self._home)
            try:
                self._claims.interrupt_others()
                self._serve(bell, actions)
            finally:
                with self._turn:
                    drivers, threads = list(self._drivers.values()), list(self._threads.values())
                for driver in drivers:
                    driver.stop.set("close")
                for thread in threads:
                    thread.join()
                actions.close()
                _log.info("engine %d ends", os.getpid())
        if self._broken is not None:
            raise self._broken

    def _serve(self, bell: Bell, actions: Actions) -> None:
        idle_since = time.monotonic()
        while not self._closed.is_set() and self._broken is None:
            self._cancel()
            room = self._most - len(self._drivers)
            due = self._claims.next_due()
            if room > 0 and due is not None and due <= time.time():
                for taken in self._claims.take(room):
                    self._start(taken, actions)
                continue
            if self._drivers or due is not None:
                idle_since = time.monotonic()
            elif self._idle is not None and time.monotonic() - idle_since >= self._idle:
                return
            bell.wait(self._patience(room, due))

    def _patience(self, room: int, due: float | None) -> float:
        seconds = LOOK_EVERY
        if room > 0 and due is not None:
            seconds = min(seconds, due - time.time())
        if self._idle is not None:
            seconds = min(seconds, self._idle)
        return max(0.0, seconds)

    def _cancel(self) -> None:
        for number in self._claims.cancelled():
            with self._turn:
                driver = self._drivers.get(number)
            if driver is not None:
                driver.stop.set("cancel")

    def _start(self, taken: Taken, actions: Actions) -> None:
        driver = Driver(taken, self._claims, actions, self._home)
        thread = threading.Thread(
            target=self._drive, args=(taken.number, driver), name=f"run {taken.run_id}", daemon=True
        )
        with self._turn:
            self._drivers[taken.number] = driver
            self._threads[taken.number] = thread
        thread.start()

    def _drive(self, number: int, driver: Driver) -> None:
        try:
            driver.drive()
        except XpcsError as error:
            # Without its store the engine can't go on; its runs are interrupted.
            _log.exception("the run store can't be written")
            self._broken = error
        finally:
            with self._turn:
                del self._drivers[number], self._threads[number]
            ring(self._home)
