"""What a flow definition may say: states, fields, transitions. All that is wrong with one is found at once.

https://docs.globus.org/api/flows/authoring-flows/ ; where those pages are silent, as in the service's last public
client, whose models checked definitions before they were sent (``globus_automate_client/models.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from xpcs_nb.errors import FlowDefinitionError
from xpcs_nb.facility.local.language import _choice, _parameters, _paths
from xpcs_nb.facility.local.language._values import StateError, check_json, is_number

__all__ = ["CATCHABLE", "CATCH_ALL", "check", "fields_of", "state_findings"]

MAX_NAME = 128

CATCH_ALL = frozenset({"States.ALL", "States.All"})  # gladier writes the second
CATCHABLE = CATCH_ALL | {
    "ActionFailedException",
    "ActionTimeout",
    "ActionUnableToRun",
    "NoTokenException",
    "States.IntrinsicFailure",
    "States.ParameterPathFailure",
    "States.ResultPathMatchFailure",
}

_FIELDS = {
    "Action": {
        "ActionUrl", "ActionScope", "Parameters", "InputPath", "ResultPath", "WaitTime", "ExceptionOnActionFailure",
        "RunAs", "Catch", "Next", "End",
    },
    "Choice": {"Choices", "Default"},
    "ExpressionEval": {"Parameters", "ResultPath", "Next", "End"},
    "Fail": {"Error", "ErrorPath", "Cause", "CausePath"},
    "Pass": {"Parameters", "InputPath", "ResultPath", "Next", "End"},
    "Wait": {"Seconds", "SecondsPath", "Timestamp", "TimestampPath", "Next", "End"},
}  # fmt: skip

_TEXTS = ("ActionScope", "Cause", "Comment", "Default", "Error", "Next", "RunAs")
_FLAGS = ("End", "ExceptionOnActionFailure")


def check(definition: Mapping[str, Any], *, action_urls: Collection[str] | None = None) -> None:
    """Refuse a definition that can't be run from end to end.

    Parameters
    ----------
    definition
        What gladier generates: ``StartAt``, ``States``, ``Comment``.
    action_urls
        The actions that can be called, with or without a slash at the end; all if not given.

    Raises
    ------
    FlowDefinitionError
        Lists every finding with its place, like ``States.Correlate.Parameters.tasks[0].endpoint.$``.
    """
    refuse(list(_definition_findings(definition, action_urls)))


def refuse(findings: Collection[str]) -> None:
    """Raise the error that lists the findings, if there are any."""
    if findings:
        count = "1 thing" if len(findings) == 1 else f"{len(findings)} things"
        listed = "".join(f"\n- {finding}" for finding in findings)
        raise FlowDefinitionError(f"the flow definition has {count} that can't be run:{listed}")


def _definition_findings(definition: Any, action_urls: Collection[str] | None) -> Iterator[str]:
    if not isinstance(definition, Mapping):
        yield f"an object with StartAt and States is expected, got {type(definition).__name__}"
        return
    try:
        check_json(dict(definition), "definition")
    except StateError as error:
        yield str(error)
        return
    for field in definition.keys() - {"Comment", "StartAt", "States"}:
        yield f"{field}: unknown field of a definition"
    states = definition.get("States")
    if not isinstance(states, dict) or not states:
        yield "States: an object with at least one state is expected"
        return
    start = definition.get("StartAt")
    if not isinstance(start, str) or start not in states:
        yield f"StartAt: a state of the definition is expected, got {start!r}"
    for name, state in states.items():
        yield from state_findings(name, state, states, action_urls)
    targets = {target for state in states.values() for _, target in _targets(state)}
    for name in states:
        if name != start and name not in targets:
            yield f"States.{name}: nothing leads to this state"


def fields_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a state sets; gladier writes null for one that it leaves out."""
    return {key: value for key, value in state.items() if value is not None}


def state_findings(
    name: str, state: Any, states: Collection[str], action_urls: Collection[str] | None = None
) -> Iterator[str]:
    """Yield what is wrong with one state; `states` are the names that it can lead to."""
    place = f"States.{name}"
    if not 0 < len(name) <= MAX_NAME:
        yield f"{place}: a name has 1 to {MAX_NAME} characters"
    kind = state.get("Type") if isinstance(state, dict) else None
    if not isinstance(kind, str) or kind not in _FIELDS:
        yield f"{place}.Type: one of {', '.join(_FIELDS)} is expected, got {kind!r}"
        return
    for field in state:
        if field not in _FIELDS[kind] | {"Type", "Comment"}:
            hint = ": a registered API can only be called by Globus itself" if field == "Handler" else ""
            yield f"{place}.{field}: unknown field of a state of type {kind}{hint}"
    fields = fields_of(state)
    yield from _common_findings(state, fields, place)
    for target_place, target in _targets(state):
        if target not in states:
            yield f"{place}.{target_place}: there is no state {target!r}"
    yield from _FINDINGS[kind](fields, place)
    if kind == "Action":
        yield from _url_findings(fields.get("ActionUrl"), place, action_urls)


def _common_findings(state: Mapping[str, Any], fields: Mapping[str, Any], place: str) -> Iterator[str]:
    for field in _TEXTS:
        if field in fields and not isinstance(fields[field], str):
            yield f"{place}.{field}: text is expected, got {fields[field]!r}"
    for field in _FLAGS:
        if field in fields and not isinstance(fields[field], bool):
            yield f"{place}.{field}: true or false is expected, got {fields[field]!r}"
    if "End" in _FIELDS[fields["Type"]] and ("Next" in fields) == (fields.get("End") is True):
        yield f"{place}: either Next or End is expected, got {'both' if 'Next' in fields else 'neither'}"
    yield from _result_path_findings(state, place)


def _result_path_findings(holder: Mapping[str, Any], place: str) -> Iterator[str]:
    if "ResultPath" not in holder:
        return
    if holder["ResultPath"] is None:
        yield f"{place}.ResultPath: null is not supported: what Globus makes of it is not documented"
        return
    try:
        path = _paths.parse(holder["ResultPath"])
    except FlowDefinitionError as error:
        yield f"{place}.ResultPath: {error}"
        return
    if path[:1] == ("_context",):
        yield f"{place}.ResultPath: $._context is read only"


def _targets(state: Any) -> Iterator[tuple[str, str]]:
    """Yield the names that a state leads to, each with the place that says so."""
    if not isinstance(state, dict):
        return
    for holder, place in (
        (state, ""),
        *_items(state, "Choices"),
        *_items(state, "Catch"),
    ):
        for field in ("Next", "Default"):
            if isinstance(holder.get(field), str):
                yield f"{place}{field}", holder[field]


def _items(state: Mapping[str, Any], field: str) -> Iterator[tuple[dict[str, Any], str]]:
    items = state.get(field)
    for index, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict):
            yield item, f"{field}[{index}]."


def _input_findings(fields: Mapping[str, Any], place: str, *, required: bool, expressions: bool) -> Iterator[str]:
    given = [field for field in ("InputPath", "Parameters") if field in fields]
    if len(given) > 1 or (required and not given):
        yield f"{place}: either InputPath or Parameters is expected, got {'both' if given else 'neither'}"
    if "InputPath" in fields:
        yield from _parameters.path_findings(fields["InputPath"], f"{place}.InputPath")
    if "Parameters" in fields:
        yield from _parameters_findings(fields["Parameters"], place, expressions=expressions)


def _parameters_findings(parameters: Any, place: str, *, expressions: bool) -> Iterator[str]:
    if isinstance(parameters, dict):
        yield from _parameters.findings(parameters, f"{place}.Parameters", expressions=expressions)
    else:
        yield f"{place}.Parameters: an object is expected, got {parameters!r}"


def _action_findings(fields: Mapping[str, Any], place: str) -> Iterator[str]:
    yield from _input_findings(fields, place, required=True, expressions=True)
    wait = fields.get("WaitTime", 1)
    if not is_number(wait) or wait <= 0:
        yield f"{place}.WaitTime: seconds above 0 are expected, got {wait!r}"
    catchers = fields.get("Catch", [])
    if not isinstance(catchers, list):
        yield f"{place}.Catch: a list is expected, got {catchers!r}"
        return
    for index, catcher in enumerate(catchers):
        yield from _catcher_findings(catcher, f"{place}.Catch[{index}]")


def _catcher_findings(catcher: Any, place: str) -> Iterator[str]:
    if not isinstance(catcher, dict):
        yield f"{place}: an object is expected, got {catcher!r}"
        return
    for field in catcher.keys() - {"ErrorEquals", "Next", "ResultPath"}:
        yield f"{place}.{field}: unknown field of a catcher"
    if not isinstance(catcher.get("Next"), str):
        yield f"{place}.Next: the name of a state is expected, got {catcher.get('Next')!r}"
    yield from _result_path_findings(catcher, place)
    errors = catcher.get("ErrorEquals")
    if not isinstance(errors, list) or not errors:
        yield f"{place}.ErrorEquals: a list of error names is expected, got {errors!r}"
        return
    for error in errors:
        if not isinstance(error, str) or error not in CATCHABLE:
            yield f"{place}.ErrorEquals: unknown error {error!r}, known: {', '.join(sorted(CATCHABLE))}"


def _url_findings(url: Any, place: str, action_urls: Collection[str] | None) -> Iterator[str]:
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        yield f"{place}.ActionUrl: the address of an action is expected, got {url!r}"
    elif action_urls is not None and url.rstrip("/") not in {known.rstrip("/") for known in action_urls}:
        yield f"{place}.ActionUrl: unknown action {url}, known: {', '.join(sorted(action_urls))}"


def _pass_findings(fields: Mapping[str, Any], place: str) -> Iterator[str]:
    yield from _input_findings(fields, place, required=False, expressions=False)


def _expression_eval_findings(fields: Mapping[str, Any], place: str) -> Iterator[str]:
    yield from _parameters_findings(fields.get("Parameters"), place, expressions=True)


def _choice_findings(fields: Mapping[str, Any], place: str) -> Iterator[str]:
    choices = fields.get("Choices")
    if not isinstance(choices, list) or not choices:
        yield f"{place}.Choices: a list of rules is expected, got {choices!r}"
        return
    for index, rule in enumerate(choices):
        yield from _choice.findings(rule, f"{place}.Choices[{index}]")
        if isinstance(rule, dict) and not isinstance(rule.get("Next"), str):
            yield f"{place}.Choices[{index}].Next: the name of a state is expected, got {rule.get('Next')!r}"


def _wait_findings(fields: Mapping[str, Any], place: str) -> Iterator[str]:
    given = [field for field in ("Seconds", "SecondsPath", "Timestamp", "TimestampPath") if field in fields]
    if len(given) != 1:
        yield f"{place}: exactly one of Seconds, SecondsPath, Timestamp, TimestampPath is expected, got {given}"
    if "Seconds" in fields and (not is_number(fields["Seconds"]) or fields["Seconds"] < 0):
        yield f"{place}.Seconds: a number of seconds is expected, got {fields['Seconds']!r}"
    if "Timestamp" in fields and _choice.timestamp(fields["Timestamp"]) is None:
        yield f"{place}.Timestamp: a time like 2026-05-01T12:00:00Z is expected, got {fields['Timestamp']!r}"
    for field in ("SecondsPath", "TimestampPath"):
        if field in fields:
            yield from _parameters.path_findings(fields[field], f"{place}.{field}")


def _fail_findings(fields: Mapping[str, Any], place: str) -> Iterator[str]:
    for field in ("Error", "Cause"):
        if field in fields and f"{field}Path" in fields:
            yield f"{place}: either {field} or {field}Path is expected, got both"
        if f"{field}Path" in fields:
            yield from _parameters.path_findings(fields[f"{field}Path"], f"{place}.{field}Path")


_FINDINGS: dict[str, Callable[[Mapping[str, Any], str], Iterator[str]]] = {
    "Action": _action_findings,
    "Choice": _choice_findings,
    "ExpressionEval": _expression_eval_findings,
    "Fail": _fail_findings,
    "Pass": _pass_findings,
    "Wait": _wait_findings,
}
