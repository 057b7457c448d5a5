"""From where a new run can go on with what an old one finished: Globus Flows resumes no run that failed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from xpcs_nb.errors import FlowError
from xpcs_nb.facility._services import LogEntry
from xpcs_nb.facility.local.language import (
    Call,
    Failed,
    Pause,
    Position,
    Succeeded,
    begin,
    execute,
    raised,
    resumed,
    returned,
)

__all__ = ["restart_body"]

#: Where flows that can go on in the middle look for the name of a step, in a Choice at their start.
START_AT = "$.input.start_at"

FROM_THE_BEGINNING = "Start the flow from the beginning, with the same input."

COMPLETED = "ActionCompleted"

#: States a run may enter; Globus ends it before.
MOST_STATES = 100_000


def restart_body(
    current: Mapping[str, Any],
    definition: Mapping[str, Any],
    body: Mapping[str, Any],
    log: Iterable[LogEntry],
    run: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what to start a new run with, so that it goes on at the step where the old one ended.

    The old run is followed through its definition with the results in its log. Of the steps that it entered, the last
    one is taken at which a run may begin; the state of the run at that point goes along.

    Parameters
    ----------
    current
        The definition that the new run will have.
    definition, body, log
        Those of the old run.
    run
        What ``$._context`` was in the old run.

    Raises
    ------
    FlowError
        Steps had finished, and the flow can't begin after them, or what they gave is not known any more.
    """
    events = _events(log)
    finished = any(code == COMPLETED for _, code, _ in events)
    visited, failed = _followed(definition, body, events, run)
    if events:
        raise FlowError(
            "the run can't be followed through its log",
            where=visited[-1].state,
            got=f"{events[0][1]} of {events[0][0]}",
            hint=FROM_THE_BEGINNING,
        )
    if failed is not None and definition["States"][visited[-1].state]["Type"] == "Fail":
        # A Fail state only says that a step before it failed.
        visited = visited[: visited.index(failed) + 1]
    starts = {state: name for name, state in _starts(current)}
    for position in reversed(visited):
        if position.state in starts:
            given = position.context.get("input")
            return {**position.context, "input": {**(given or {}), "start_at": starts[position.state]}}
    if not finished:
        return dict(body)
    raise FlowError(
        "this flow can't go on in the middle",
        where=visited[-1].state,
        expected=f"a Choice on {START_AT} as its first state, with a rule for the step that failed",
        hint=FROM_THE_BEGINNING,
    )


type _Event = tuple[str, str, Mapping[str, Any]]


def _events(log: Iterable[LogEntry]) -> deque[_Event]:
    """Return what came of each action, in order: state, code and details."""
    found: deque[_Event] = deque()
    for entry in log:
        details = entry.get("details") or {}
        if entry["code"].startswith("Action") and entry["code"] != "ActionStarted" and "state_name" in details:
            found.append((details["state_name"], entry["code"], details))
    return found


def _followed(
    definition: Mapping[str, Any], body: Mapping[str, Any], events: deque[_Event], run: Mapping[str, Any] | None
) -> tuple[list[Position], Position | None]:
    """Return where the run was, to where it ended, and the last of these where an action failed."""
    visited: list[Position] = []
    failed = None
    here: Position | Succeeded | Failed = begin(definition, body)
    while isinstance(here, Position) and len(visited) < MOST_STATES:
        visited.append(here)
        step = execute(definition, here, run)
        if isinstance(step, Pause):
            here = resumed(definition, here)
        elif isinstance(step, Call):
            if not events or events[0][0] != here.state:
                break
            event = events.popleft()
            failed = here if event[1] != COMPLETED else failed
            here = _after(definition, here, event)
        else:
            here = step
    return visited, failed


def _after(definition: Mapping[str, Any], here: Position, event: _Event) -> Position | Succeeded | Failed:
    _, code, details = event
    output = details.get("output")
    if isinstance(output, Mapping) and output.get("status") in {"SUCCEEDED", "FAILED"}:
        return returned(definition, here, output)
    if code == COMPLETED:
        raise FlowError(
            "the log does not have the result of a step that finished",
            where=here.state,
            hint=FROM_THE_BEGINNING,
        )
    return raised(definition, here, str(details.get("error") or code), str(details.get("cause") or ""))


def _starts(definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the names that ``start_at`` may have, with the state that each leads to."""
    first = definition["States"][definition["StartAt"]]
    for rule in first.get("Choices", ()) if first.get("Type") == "Choice" else ():
        for test in _tests(rule):
            if test.get("Variable") == START_AT and "StringEquals" in test:
                yield test["StringEquals"], rule["Next"]


def _tests(rule: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield rule
    for word in ("And", "Or"):
        for inner in rule.get(word, ()):
            yield from _tests(inner)
