from __future__ import annotations

from typing import Any

import pytest

from xpcs_nb.errors import FlowError
from xpcs_nb.facility import LogEntry
from xpcs_nb.facility.globus._restart import restart_body

NAMES = ("One", "Two")

FLOW: dict[str, Any] = {
    "StartAt": "Start",
    "States": {
        "Start": {
            "Type": "Choice",
            "Choices": [
                {
                    "And": [
                        {"Variable": "$.input.start_at", "IsPresent": True},
                        {"Variable": "$.input.start_at", "StringEquals": name},
                    ],
                    "Next": name,
                }
                for name in NAMES
            ],
            "Default": "One",
        },
        **{
            name: {
                "Type": "Action",
                "ActionUrl": "https://compute.actions.globus.org/v3",
                "Parameters": {"endpoint_id": "e", "tasks": []},
                "ResultPath": f"$.{name}",
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.Error", "Next": "Report"}],
                "Next": following,
            }
            for name, following in (("One", "Between"), ("Two", "Done"))
        },
        "Between": {
            "Type": "ExpressionEval",
            "Parameters": {"twice.=": "2 * One.details.n"},
            "ResultPath": "$.Between",
            "Next": "Two",
        },
        "Report": {"Type": "Fail", "ErrorPath": "$.Error.Error", "CausePath": "$.Error.Cause"},
        "Done": {"Type": "Pass", "End": True},
    },
}

BODY = {"input": {"n": 3}}
ONE = {"action_id": "a", "status": "SUCCEEDED", "details": {"n": 3}}


def entry(code: str, state: str, **details: Any) -> LogEntry:
    return {"time": "", "code": code, "description": "", "details": {"state_name": state, **details}}


def log(*entries: LogEntry) -> list[LogEntry]:
    return [{"time": "", "code": "FlowStarted", "description": "", "details": {"input": BODY}}, *entries]


def test_finished_steps_and_what_came_between_are_handed_on() -> None:
    failed = entry("ActionFailed", "Two", output={"action_id": "b", "status": "FAILED", "details": {}})
    events = log(entry("ActionStarted", "One"), entry("ActionCompleted", "One", output=ONE), failed)
    expected = {"input": {"n": 3, "start_at": "Two"}, "One": ONE, "Between": {"twice": 6}}
    assert restart_body(FLOW, FLOW, BODY, events) == expected
    # A run that was itself a retry, cut short before Two had an answer
    assert restart_body(FLOW, FLOW, expected, log(entry("ActionStarted", "Two"))) == expected


def test_a_step_that_could_not_start_or_took_too_long_is_begun_again() -> None:
    events = log(entry("ActionFailed", "One", cause="the action took longer than its WaitTime"))
    assert restart_body(FLOW, FLOW, BODY, events) == {"input": {"n": 3, "start_at": "One"}}


def test_without_finished_steps_a_flow_begins_anew() -> None:
    plain = {
        "StartAt": "One",
        "States": {name: FLOW["States"][name] for name in ("One", "Two", "Between", "Report", "Done")},
    }
    assert restart_body(plain, plain, BODY, log(entry("ActionStarted", "One"))) == BODY
    with pytest.raises(FlowError, match="can't go on in the middle"):
        restart_body(plain, plain, BODY, log(entry("ActionCompleted", "One", output=ONE)))


def test_a_run_that_can_not_be_followed_is_not_guessed() -> None:
    states = {
        **FLOW["States"],
        "Between": {**FLOW["States"]["Between"], "Parameters": {"who.$": "$._context.username"}},
    }
    flow = {**FLOW, "States": states}
    failed = entry("ActionFailed", "Two", cause="it could not")
    events = log(entry("ActionCompleted", "One", output=ONE), failed)
    with pytest.raises(FlowError, match="can't be followed"):
        restart_body(flow, flow, BODY, events, {"run_id": "r"})
    assert restart_body(flow, flow, BODY, events, {"username": "me"})["Between"] == {"who": "me"}


def test_a_result_that_the_log_has_cut_short_is_an_error() -> None:
    with pytest.raises(FlowError, match="does not have the result"):
        restart_body(FLOW, FLOW, BODY, log(entry("ActionCompleted", "One", output="{... (300000 bytes)")))
