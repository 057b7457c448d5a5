"""Carries a run from state to state: functions from where it stands to where it stands next, without I/O and clock."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from xpcs_nb.errors import FlowError
from xpcs_nb.facility.local.language import _choice, _parameters, _paths
from xpcs_nb.facility.local.language._check import CATCH_ALL, fields_of, refuse, state_findings
from xpcs_nb.facility.local.language._values import StateError, check_json, check_size, is_number

__all__ = [
    "Call",
    "Failed",
    "Pause",
    "Position",
    "Succeeded",
    "begin",
    "execute",
    "raised",
    "resumed",
    "returned",
]

# https://docs.globus.org/api/flows/authoring-flows/actions/ : "optional, default value 300" and "true"
WAIT_TIME = 300.0
EXCEPTION_ON_ACTION_FAILURE = True

# What the States Language says that States.ALL does not catch
_UNCAUGHT = frozenset({"States.Runtime", "States.DataLimitExceeded"})


@dataclass(frozen=True)
class Position:
    """Where a run stands: the state that is about to be executed.

    Attributes
    ----------
    state
        Its name.
    context
        The state of the run: the body, and what the results of earlier states made of it.
    entered
        How many states were entered before.
    """

    state: str
    context: dict[str, Any]
    entered: int = 0


@dataclass(frozen=True)
class Call:
    """An action to carry out; hand what came of it to `returned`, or to `raised`.

    Attributes
    ----------
    state
        The Action state that asks for it.
    url
        ``ActionUrl`` without a slash at the end.
    body
        What the action gets; a copy, free to be changed.
    wait_time
        Seconds after which it is given up: `raised` with ``ActionTimeout``.
    run_as, scope
        ``RunAs`` (``User`` if not given) and ``ActionScope``.
    private
        Places in the body that are to be kept out of logs, like ``$.password``.
    """

    state: str
    url: str
    body: dict[str, Any]
    wait_time: float = WAIT_TIME
    run_as: str = "User"
    scope: str | None = None
    private: tuple[str, ...] = ()

    def visible_body(self) -> dict[str, Any]:
        """Return the body as logs may show it."""
        body = copy.deepcopy(self.body)
        for place in self.private:
            *parents, name = _paths.parse(place)
            holder = _paths.get(body, tuple(parents))
            holder.pop(name, None)
        return body


@dataclass(frozen=True)
class Pause:
    """A time to let pass before `resumed`: a number of seconds, or up to a moment (with its time zone)."""

    seconds: float | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Succeeded:
    """The run has come to its end; `output` is the state of the run."""

    output: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """The run has failed in `state`; `error` is a name like ``ActionTimeout``, `cause` says what happened."""

    state: str
    error: str
    cause: str


def begin(definition: Mapping[str, Any], body: Mapping[str, Any]) -> Position:
    """Return where a run with `body` starts; one over the size limit fails in its first state.

    Raises
    ------
    FlowError
        The body is no JSON object, or takes the name ``_context``.
    FlowDefinitionError
        The first state has what is not understood.
    """
    if not isinstance(body, Mapping):
        raise FlowError("a flow starts with an object", got=type(body).__name__, expected='{"input": {...}}')
    context = dict(body)
    try:
        check_json(context, "$")
    except StateError as error:
        raise FlowError("a flow can't start with this body", got=str(error)) from error
    if "_context" in context:
        raise FlowError("$._context is given by the service", where="body", got="_context in the body")
    position = Position(definition.get("StartAt", ""), context)
    _state(definition, position)
    return position


def execute(
    definition: Mapping[str, Any], position: Position, run: Mapping[str, Any] | None = None
) -> Position | Call | Pause | Succeeded | Failed:
    """Carry out the state at `position` as far as that goes without the world.

    Pass, Choice, ExpressionEval and Fail lead on at once. Action gives a `Call`, Wait a `Pause`. `position` stays as it
    is. `run` is what ``$._context`` shows to parameters (``run_id``, ``flow_id``, ``username``, ...).

    Raises
    ------
    FlowDefinitionError
        The state has what is not understood.
    """
    state = _state(definition, position)
    scope = position.context if run is None else {**position.context, "_context": dict(run)}
    try:
        check_size(position.context)
        match state["Type"]:
            case "Action":
                return _call(state, position, scope)
            case "Pass" | "ExpressionEval":
                return _advance(state, position, _result(state, position, scope))
            case "Choice":
                return _branch(state, position)
            case "Wait":
                return _pause(state, position)
            case _:
                return _fail(state, position)
    except StateError as error:
        return _failed(position, error)


def returned(
    definition: Mapping[str, Any], position: Position, document: Mapping[str, Any]
) -> Position | Succeeded | Failed:
    """Go on after an action has finished with `document`, its status document.

    ``ResultPath`` takes the document; a ``FAILED`` one raises ``ActionFailedException`` unless
    ``ExceptionOnActionFailure`` is false.

    Raises
    ------
    FlowError
        The action has not finished.
    """
    state = _state(definition, position)
    status = document.get("status")
    if status not in {"SUCCEEDED", "FAILED"}:
        raise FlowError("an action has not finished", where=position.state, got=status, expected="SUCCEEDED or FAILED")
    try:
        check_json(dict(document), "the action's document")
        if status == "FAILED" and state.get("ExceptionOnActionFailure", EXCEPTION_ON_ACTION_FAILURE):
            caught = _caught(state, position, "ActionFailedException", json.dumps(document))
            return caught or Failed(position.state, "ActionFailedException", _reason(document))
        return _advance(state, position, dict(document))
    except StateError as error:
        return _handled(state, position, error)


def raised(definition: Mapping[str, Any], position: Position, error: str, cause: str) -> Position | Failed:
    """Go on after an action that could not be started (``ActionUnableToRun``) or took too long (``ActionTimeout``)."""
    try:
        caught = _caught(_state(definition, position), position, error, cause)
    except StateError as problem:
        return _failed(position, problem)
    return caught or Failed(position.state, error, cause)


def resumed(definition: Mapping[str, Any], position: Position) -> Position | Succeeded:
    """Go on after the time of a Wait state has passed."""
    return _leave(_state(definition, position), position, position.context)


def _state(definition: Mapping[str, Any], position: Position) -> dict[str, Any]:
    """Return the fields of the state at `position`, checked again: what runs here was understood."""
    states = definition.get("States", {})
    name = position.state
    refuse([f"States.{name}: there is no such state"] if name not in states else [])
    refuse(list(state_findings(name, states[name], states)))
    return fields_of(states[name])


def _failed(position: Position, error: StateError) -> Failed:
    return Failed(position.state, error.error, str(error.with_place(where=f"States.{position.state}")))


def _call(state: Mapping[str, Any], position: Position, scope: Mapping[str, Any]) -> Call:
    if "InputPath" in state:
        body = _input(state, position)
        private: tuple[str, ...] = ()
    else:
        body = _parameters.fill(state["Parameters"], scope, f"States.{position.state}.Parameters")
        private = tuple(_paths.text(path) for path in _parameters.private_paths(state["Parameters"]))
    if not isinstance(body, dict):
        raise StateError(
            "an action takes an object",
            where=f"States.{position.state}.InputPath",
            got=f"{type(body).__name__} at {state['InputPath']}",
        )
    return Call(
        state=position.state,
        url=state["ActionUrl"].rstrip("/"),
        body=copy.deepcopy(body),
        wait_time=float(state.get("WaitTime", WAIT_TIME)),
        run_as=state.get("RunAs", "User"),
        scope=state.get("ActionScope"),
        private=private,
    )


def _input(state: Mapping[str, Any], position: Position) -> Any:
    try:
        return _paths.get(position.context, _paths.parse(state["InputPath"]))
    except StateError as error:
        raise error.with_place(where=f"States.{position.state}.InputPath") from None


def _result(state: Mapping[str, Any], position: Position, scope: Mapping[str, Any]) -> Any:
    if "InputPath" in state:
        return _input(state, position)
    if "Parameters" in state:
        return _parameters.fill(state["Parameters"], scope, f"States.{position.state}.Parameters")
    return position.context


def _branch(state: Mapping[str, Any], position: Position) -> Position:
    target = _choice.chosen(state["Choices"], position.context, f"States.{position.state}.Choices")
    target = target or state.get("Default")
    if target is None:
        raise StateError("no rule matches, and there is no Default", error="States.NoChoiceMatched")
    return Position(target, position.context, position.entered + 1)


def _pause(state: Mapping[str, Any], position: Position) -> Pause:
    if "Seconds" in state or "SecondsPath" in state:
        seconds = _given(state, "Seconds", position)
        if not is_number(seconds) or seconds < 0:
            raise StateError("a number of seconds is expected", got=repr(seconds))
        return Pause(seconds=float(seconds))
    until = _choice.timestamp(value := _given(state, "Timestamp", position))
    if until is None:
        raise StateError("a time with its time zone is expected", got=repr(value), expected="2026-05-01T12:00:00Z")
    return Pause(until=until)


def _given(state: Mapping[str, Any], field: str, position: Position) -> Any:
    """Return what a field says, or what stands where its ``...Path`` points; None if neither is there."""
    if f"{field}Path" in state:
        return _paths.get(position.context, _paths.parse(state[f"{field}Path"]))
    return state.get(field)


def _fail(state: Mapping[str, Any], position: Position) -> Failed:
    error, cause = (_given(state, field, position) for field in ("Error", "Cause"))
    for value in (error, cause):
        if value is not None and not isinstance(value, str):
            raise StateError("Error and Cause are text", got=repr(value))
    return Failed(position.state, error or "Fail", cause or f"the flow ended in its Fail state {position.state!r}")


def _advance(state: Mapping[str, Any], position: Position, result: Any) -> Position | Succeeded:
    """Put a result at ``ResultPath`` (the whole state if not given, as Globus does) and leave the state."""
    context = _paths.put(position.context, _paths.parse(state.get("ResultPath", "$")), result)
    return _leave(state, position, _sound(context))


def _sound(context: dict[str, Any]) -> dict[str, Any]:
    check_json(context, "$")
    check_size(context)
    return context


def _leave(state: Mapping[str, Any], position: Position, context: dict[str, Any]) -> Position | Succeeded:
    if state.get("End"):
        return Succeeded(context)
    return Position(state["Next"], context, position.entered + 1)


def _handled(state: Mapping[str, Any], position: Position, error: StateError) -> Position | Failed:
    failed = _failed(position, error)
    try:
        return _caught(state, position, failed.error, failed.cause) or failed
    except StateError:
        return failed


def _caught(state: Mapping[str, Any], position: Position, error: str, cause: str) -> Position | None:
    for catcher in state.get("Catch", []):
        names = set(catcher["ErrorEquals"])
        if error in names or (names & CATCH_ALL and error not in _UNCAUGHT):
            path = _paths.parse(catcher.get("ResultPath", "$"))
            context = _sound(_paths.put(position.context, path, {"Error": error, "Cause": cause}))
            return Position(catcher["Next"], context, position.entered + 1)
    return None


def _reason(document: Mapping[str, Any]) -> str:
    """Return what a failed action says of its failure, for people."""
    details = document.get("details")
    if isinstance(details, str):
        return details
    results = details.get("results") if isinstance(details, dict) else None
    exceptions = [
        str(result["exception"]).strip()
        for result in (results if isinstance(results, list) else [])
        if isinstance(result, dict) and result.get("exception")
    ]
    if exceptions:
        return "\n".join(exceptions)
    shown = json.dumps(details) if details else ""
    return ": ".join(part for part in (str(document.get("display_status") or "the action failed"), shown) if part)
