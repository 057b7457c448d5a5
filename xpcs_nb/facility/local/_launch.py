"""Makes sure that an engine works: a process of its own for the home folder, or a thread of this process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Protocol

from xpcs_nb.errors import FacilityError, XpcsError
from xpcs_nb.facility.local._engine import Engine
from xpcs_nb.facility.local._presence import EngineLock, ring
from xpcs_nb.facility.local._work import Around
from xpcs_nb.facility.local._workers import python_environment

__all__ = ["Launcher", "ProcessLauncher", "ThreadLauncher"]

LOG_NAME = "engine.log"


class Launcher(Protocol):
    """Starts engines."""

    def ensure(self) -> None:
        """Wake the engine; start one if none works here.

        Raises
        ------
        FacilityError
            The last engine that was started here ended with an error.
        """
        ...

    def close(self) -> None:
        """Stop the engine if it ends with this process."""
        ...


class ProcessLauncher:
    """Starts engines that outlive this process, and end when they are idle.

    Parameters
    ----------
    home, active, idle
        As for `Engine`.
    """

    def __init__(self, home: Path, *, active: int | None, idle: float) -> None:
        self._home = home
        self._arguments = ["--home", str(home), "--idle", str(idle), *(["--active", str(active)] if active else [])]
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ensure(self) -> None:
        """Wake the engine; start one if none works here."""
        ring(self._home)
        with self._turn:
            if self._process is not None:
                code = self._process.poll()
                if code is None:
                    return
                self._process = None
                if code > 0:
                    raise self._failed(code)
            with EngineLock(self._home).free() as free:
                if not free:
                    return
            self._process = self._start()
            # Reaps it, and keeps it from being taken for forgotten.
            threading.Thread(target=self._process.wait, daemon=True).start()

    def close(self) -> None:
        """Leave the engine to its work."""

    def _start(self) -> subprocess.Popen[bytes]:
        log = os.open(self._home / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-m", "xpcs_nb.facility.local", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=python_environment(),
                start_new_session=True,
            )
        finally:
            os.close(log)

    def _failed(self, code: int) -> FacilityError:
        log = self._home / LOG_NAME
        last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
        return FacilityError("the engine of this machine's runs ended with an error", path=log, got=f"{code}: {last}")


class ThreadLauncher:
    """Runs an engine in a thread of this process; it ends with `close`, with the process, or with this object.

    Parameters
    ----------
    home, active, around
        As for `Engine`.
    """

    def __init__(self, home: Path, *, active: int | None, around: Around | None = None) -> None:
        self._home = home
        self._active = active
        self._around = around
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None
        self._error: list[XpcsError] = []
        self._end: weakref.finalize[..., ThreadLauncher] | None = None

    def ensure(self) -> None:
        """Wake the engine; start one if none works here."""
        ring(self._home)
        with self._turn:
            if self._error:
                raise FacilityError("the engine of this machine's runs ended with an error", got=self._error.pop())
            if self._thread is not None and self._thread.is_alive():
                return
            with EngineLock(self._home).free() as free:
                if not free:
                    return
            engine = Engine(self._home, active=self._active, around=self._around)
            self._thread = threading.Thread(target=_run, args=(engine, self._error), daemon=True)
            self._end = weakref.finalize(self, _close, engine, self._thread)
            self._thread.start()

    def close(self) -> None:
        """Stop the engine; runs under way are put back."""
        with self._turn:
            if self._end is not None:
                self._end()


def _run(engine: Engine, errors: list[XpcsError]) -> None:
    try:
        engine.run()
    except XpcsError as error:
        errors.append(error)


def _close(engine: Engine, thread: threading.Thread) -> None:
    engine.close()
    thread.join()
