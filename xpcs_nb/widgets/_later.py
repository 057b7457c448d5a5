"""Work that may wait until the page has painted what a pen did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Later"]

type Work = Callable[[], object]
#: Seconds in which the mask goes to the page. Meanwhile this process had better not compute: the thread that sends
#: waits for the interpreter.
PAUSE = 0.03


class Later:
    """Does work at once, or, within `waiting`, soon after: in order, in the event loop of the kernel."""

    def __init__(self) -> None:
        self._work: list[Work] = []
        self._timer: asyncio.TimerHandle | None = None
        self._waits = False

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let the work given in a ``with`` block wait; without an event loop nothing waits."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            yield
            return
        self._waits = True
        try:
            yield
        finally:
            self._waits = False

    def do(self, work: Work) -> None:
        """Do this, after what waits already."""
        self._work.append(work)
        if not self._waits:
            self.finish()
        else:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(PAUSE, self.finish)

    def finish(self) -> None:
        """Do all that waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._work:
            self._work.pop(0)()
