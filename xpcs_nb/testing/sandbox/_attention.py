"""Runs that need attention: their next action waits until somebody resumes them."""

from __future__ import annotations

import threading

from xpcs_nb.facility.local import Work

__all__ = ["Attention"]

#: s between looks at whether the run was cancelled.
PATIENCE = 0.05


class Attention:
    """Holds actions back, as Globus Flows does where a consent is missing; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = 0
        self._held: dict[str, threading.Event] = {}

    def ask(self) -> None:
        """Hold the next action of any run."""
        with self._lock:
            self._asked += 1

    def hold(self, work: Work) -> None:
        """Wait, if this is the action to hold, until its run is resumed."""
        run_id = work.folder.name
        with self._lock:
            if not self._asked:
                return
            self._asked -= 1
            resumed = self._held[run_id] = threading.Event()
        try:
            while not resumed.wait(PATIENCE):
                work.check()
        finally:
            with self._lock:
                self._held.pop(run_id, None)

    def holds(self, run_id: str) -> bool:
        """Return whether a run waits to be resumed."""
        with self._lock:
            return run_id in self._held

    def resume(self, run_id: str) -> bool:
        """Let a run go on; return False if it does not wait."""
        with self._lock:
            held = self._held.pop(run_id, None)
        if held is not None:
            held.set()
        return held is not None
