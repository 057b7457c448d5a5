"""Failures on request: what the real services do on their bad days."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase

__all__ = ["Fault", "Faults"]


@dataclass
class Fault:
    """A failure that awaits requests.

    Attributes
    ----------
    service, pattern
        Requests it is for: ``flows`` and ``GET /runs/*``, with the wildcards of `fnmatch.fnmatchcase`.
    status, retry_after
        Answer with this status, and with this header ``Retry-After`` in s. Without a status the service answers.
    drop
        Close the connection without an answer, and do nothing.
    lose
        Do what was asked for, and close the connection before the answer.
    delay
        s to wait before anything else.
    after
        Matching requests to let pass first.
    times
        Matching requests to spoil; None for all that come.
    seen
        Matching requests so far, spoiled or not.
    """

    service: str
    pattern: str
    status: int | None = None
    retry_after: float | None = None
    drop: bool = False
    lose: bool = False
    delay: float = 0.0
    after: int = 0
    times: int | None = 1
    seen: int = 0


class Faults:
    """The faults that are waiting; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(
        self,
        service: str,
        pattern: str = "*",
        *,
        status: int | None = None,
        retry_after: float | None = None,
        drop: bool = False,
        lose: bool = False,
        delay: float = 0.0,
        after: int = 0,
        times: int | None = 1,
    ) -> Fault:
        """Spoil requests to come; parameters as in `Fault`."""
        fault = Fault(service, pattern, status, retry_after, drop, lose, delay, after, times)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Let all requests pass again."""
        with self._lock:
            self._faults.clear()

    def match(self, service: str, method: str, path: str) -> Fault | None:
        """Return the fault that this request meets, if any; each fault that matches counts it."""
        met = None
        with self._lock:
            for fault in self._faults:
                if fault.service not in {service, "*"} or not fnmatchcase(f"{method} {path}", fault.pattern):
                    continue
                fault.seen += 1
                spoiled = fault.seen - fault.after
                if met is None and spoiled > 0 and (fault.times is None or spoiled <= fault.times):
                    met = fault
        return met
