"""How engines and their clients on one machine find each other: a lock that only one engine holds, and a bell."""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from xpcs_nb.errors import WriteError

__all__ = ["Bell", "EngineLock", "ring"]

LOCK_NAME, BELL_NAME = "engine.lock", "engine.bell"


class EngineLock:
    """The right to work on the runs of a home folder; the system takes it back when its process ends, however.

    Parameters
    ----------
    home
        The home folder; made if missing.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / LOCK_NAME
        self._descriptor: int | None = None

    def acquire(self, seconds: float = 0, *, shared: bool = False) -> bool:
        """Take the lock; where another holds it, try again until `seconds` are over."""
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        deadline = time.monotonic() + seconds
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise WriteError("the engine's lock can't be made", path=self._path, got=error.strerror) from error
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(descriptor)
                    return False
                time.sleep(0.01)
            else:
                self._descriptor = descriptor
                return True

    def release(self) -> None:
        """Give the lock back."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    @contextmanager
    def free(self) -> Iterator[bool]:
        """Tell whether no engine works here; if so, none starts to before the block is left."""
        # Those who only ask do not see each other.
        got = self.acquire(shared=True)
        try:
            yield got
        finally:
            self.release()


class Bell:
    """What an engine sleeps on until somebody rings: a named pipe in the home folder."""

    def __init__(self, home: Path) -> None:
        path = home / BELL_NAME
        try:
            with contextlib.suppress(FileExistsError):
                os.mkfifo(path, 0o600)
            # Open for writing too, so that it never ends when a client closes its side.
            self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        except OSError as error:
            raise WriteError("the engine can't make the pipe it listens on", path=path, got=error.strerror) from error
        # Unlike `select`, it takes descriptors beyond 1023.
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._descriptor, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        os.close(self._descriptor)

    def wait(self, seconds: float | None) -> None:
        """Return when somebody rang since the last call, or after `seconds`."""
        if self._selector.select(seconds):
            with contextlib.suppress(BlockingIOError):
                os.read(self._descriptor, 65536)


def ring(home: Path) -> None:
    """Wake the engine of a home folder, if there is one."""
    try:
        descriptor = os.open(home / BELL_NAME, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        # Nobody listens: the next engine looks at all runs when it starts.
        return
    try:
        # A full pipe rings already.
        with contextlib.suppress(BlockingIOError):
            os.write(descriptor, b"!")
    finally:
        os.close(descriptor)
