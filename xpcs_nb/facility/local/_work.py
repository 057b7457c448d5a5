"""An action while it is carried out: what it may use, and when it has to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = ["ActionRefusedError", "Around", "Done", "OutOfTimeError", "Settings", "Stop", "StoppedError", "Work"]


class StoppedError(Exception):
    """The run is cancelled, or its engine closes."""


class OutOfTimeError(Exception):
    """The action took longer than its ``WaitTime``."""


class ActionRefusedError(Exception):
    """The action can't be started: its request asks for what is not there."""


@dataclass(frozen=True)
class Settings:
    """What a `LocalServices` offers: roots of collections, compute endpoints, index, and how functions run."""

    collections: Mapping[str, str]
    endpoints: tuple[str, ...]
    index: str
    executor: str
    workers: int
    gpus: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Settings:
        """Return settings that were kept as JSON."""
        lists = {name: tuple(value[name]) for name in ("endpoints", "gpus")}
        return cls(**{**value, **lists})


class Stop:
    """Tells the thread of a run, and what it waits for, to end."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self.reason: Literal["cancel", "close"] | None = None

    def set(self, reason: Literal["cancel", "close"]) -> None:
        """Ask to stop; the first reason counts."""
        with self._turn:
            if self.reason is not None:
                return
            self.reason = reason
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    @contextmanager
    def telling(self, listener: Callable[[], None]) -> Iterator[None]:
        """Call `listener` if the stop comes within the block, or has come before."""
        with self._turn:
            self._listeners.append(listener)
            late = self.reason is not None
        if late:
            listener()
        try:
            yield
        finally:
            with self._turn:
                self._listeners.remove(listener)


@dataclass(frozen=True)
class Work:
    """One action under way.

    Attributes
    ----------
    action_id
        The same when the action is repeated after its engine was killed.
    body
        What the definition asks for.
    folder
        For logs of this run.
    name
        Of the state.
    deadline
        On the clock `time.monotonic`.
    repeated
        True where an earlier engine may have done a part of it.
    report
        Takes how far it has come, at any rate.
    """

    action_id: str
    body: Mapping[str, Any]
    settings: Settings
    folder: Path
    name: str
    stop: Stop
    deadline: float
    label: str = ""
    repeated: bool = False
    report: Callable[[dict[str, Any]], None] = field(default=lambda details: None)

    def remaining(self) -> float:
        """Return the seconds until the deadline, 0 when it is over."""
        return max(0.0, self.deadline - time.monotonic())

    def check(self) -> None:
        """Raise if the action has to stop.

        Raises
        ------
        StoppedError
            The run is cancelled, or its engine closes.
        OutOfTimeError
            The time of the action is over.
        """
        if self.stop.reason is not None:
            raise StoppedError
        if time.monotonic() >= self.deadline:
            raise OutOfTimeError


@dataclass(frozen=True)
class Done:
    """How an action ended, and the details of its document."""

    status: Literal["SUCCEEDED", "FAILED"]
    details: dict[str, Any]
    display_status: str | None = None


type Around = Callable[[str, Work, Callable[[], Done]], Done]
"""Called for each action with its address, the work, and what carries it out; returns how it ended."""
