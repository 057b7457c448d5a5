"""The steps of a run, from its document and its log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from xpcs_nb.facility import LogEntry, RunDocument

__all__ = ["Step", "failure_of", "steps_of"]

type StepState = Literal["running", "succeeded", "failed", "cancelled", "interrupted"]

#: What becomes of a step that was under way, by the status of its run.
LEFT: dict[str, StepState] = {"ACTIVE": "running", "INACTIVE": "interrupted", "ENDED": "cancelled", "FAILED": "failed"}
#: Lines of a traceback that are shown.
TAIL = 20


@dataclass
class Step:
    """One step: an action of the flow, however often it was carried out.

    Attributes
    ----------
    name
        Of the state.
    state
        ``running``, ``succeeded``, ``failed``, ``cancelled`` or ``interrupted``.
    start
        When it was entered first.
    seconds
        How long it took in all; of a running step: None.
    log
        What was noted, a line each.
    error
        Why it failed; None otherwise.
    output
        What its last action gave, as far as the log has it.
    """

    name: str
    state: StepState = "running"
    start: datetime | None = None
    seconds: float | None = None
    log: list[str] = field(default_factory=list)
    error: str | None = None
    output: Any = None


def steps_of(document: RunDocument, log: Sequence[LogEntry]) -> list[Step]:
    """Return the steps that a run has begun, in their order."""
    steps: dict[str, Step] = {}
    entered: dict[str, datetime] = {}
    for entry in log:
        details = entry.get("details", {})
        name = details.get("state_name")
        if name is None or not entry["code"].startswith("Action"):
            continue
        time = datetime.fromisoformat(entry["time"])
        step = steps.setdefault(name, Step(name, start=time))
        step.log.append(f"{entry['time']} {entry['description']}")
        if entry["code"] == "ActionStarted":
            entered[name] = time
            step.state, step.error = "running", None
        elif name in entered:
            step.seconds = round((step.seconds or 0.0) + (time - entered.pop(name)).total_seconds(), 4)
        if entry["code"] == "ActionCompleted":
            step.state, step.output = "succeeded", details.get("output")
        elif entry["code"] == "ActionFailed":
            step.state, step.error = (
                "failed",
                _reason(details.get("output") or details.get("cause") or entry["description"]),
            )
    for step in steps.values():
        if step.state == "running":
            step.state = LEFT.get(document["status"], "running")
    return list(steps.values())


def failure_of(document: RunDocument, steps: Sequence[Step]) -> tuple[str | None, str]:
    """Return the step at which a run failed, and why."""
    details = document["details"]
    name = details.get("state_name")
    failed = next((step for step in reversed(steps) if step.name == name and step.error), None)
    cause = failed.error if failed is not None else None
    return name, cause or _reason(details.get("cause") or details.get("description") or document["status"])


def _reason(cause: Any) -> str:
    """Return what a person wants to read of a cause: the exception of a function, not the document around it."""
    if isinstance(cause, str):
        try:
            cause = json.loads(cause)
        except ValueError:
            return _tail(cause)
    if isinstance(cause, Mapping):
        details = cause.get("details", cause)
        if isinstance(details, Mapping):
            results = details.get("results") or []
            exceptions = [each["exception"] for each in results if isinstance(each, Mapping) and each.get("exception")]
            if exceptions:
                return _tail(exceptions[0])
            fatal = details.get("fatal_error")
            found = fatal.get("description") if isinstance(fatal, Mapping) else details.get("error")
            if found:
                return str(found)
        if cause.get("display_status"):
            return str(cause["display_status"])
    return _tail(json.dumps(cause))


def _tail(text: str) -> str:
    lines = text.strip().splitlines()
    return "\n".join(lines[-TAIL:])
