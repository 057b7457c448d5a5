"""A step of a flow, and the log that survives the process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from xpcs_nb.errors import StepError

__all__ = ["Step", "StepLog"]


@dataclass
class Step:
    """One step: its state (``running``, ``succeeded``, ``failed``), times, what it gave, and why it failed."""

    name: str
    state: str = "running"
    started: str = ""
    seconds: float = 0.0
    output: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


class StepLog:
    """The steps of a run in order, written to a JSON file after every change.

    Parameters
    ----------
    path
        The file; its folder must exist.
    on_change
        Called with the step whenever its state changes.
    """

    def __init__(self, path: Path, on_change: Callable[[Step], None] | None = None) -> None:
        self.path = path
        self.steps: list[Step] = []
        self._on_change = on_change

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Record a step; an error inside ends it as failed and goes on as `StepError` naming the step."""
        step = Step(name, started=datetime.now(UTC).isoformat(timespec="milliseconds"))
        self.steps.append(step)
        self._changed(step)
        begin = perf_counter()
        try:
            yield step
        except Exception as error:
            step.state, step.error = "failed", f"{type(error).__name__}: {error}"
            raise StepError(
                step.error,
                where=f"step {name}",
                hint=f"The steps before it are kept; {self.path} has the log.",
            ) from error
        else:
            step.state = "succeeded"
        finally:
            step.seconds = round(perf_counter() - begin, 4)
            self._changed(step)

    def _changed(self, step: Step) -> None:
        part = self.path.with_name(f".{self.path.name}.part")
        part.write_text(json.dumps([asdict(each) for each in self.steps], indent=2))
        part.replace(self.path)
        if self._on_change is not None:
            self._on_change(step)
