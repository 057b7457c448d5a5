"""A run goes from state to state as the definition says."""

import copy
import json
from datetime import UTC, datetime

import pytest

from xpcs_nb.errors import FlowDefinitionError, FlowError
from xpcs_nb.facility.local.language import (
    SIZE_LIMIT,
    Call,
    Failed,
    Pause,
    Position,
    StateError,
    Succeeded,
    begin,
    check,
    check_size,
    execute,
    raised,
    resumed,
    returned,
    visible,
)

DONE = {"action_id": "1", "status": "SUCCEEDED", "display_status": "done", "details": {"results": [{"output": 3}]}}
FAILED = {**DONE, "status": "FAILED", "details": {"results": [{"exception": "Traceback ...\nValueError: no frames"}]}}


def flow(state, **others):
    definition = {"StartAt": "A", "States": {"A": state, **others}}
    check(definition)
    return definition


def action(**fields):
    fields = {"Parameters": {}, "ResultPath": "$.A", "End": True, **fields}
    return {"Type": "Action", "ActionUrl": "https://compute.actions.globus.org/v3/", **fields}


def at_start(definition, **context):
    return begin(definition, {"input": {"n": 1}, **context})


def test_a_run_starts_with_its_body():
    assert begin(flow(action()), {"input": {}}) == Position("A", {"input": {}}, 0)


@pytest.mark.parametrize("body", [[], {"input": float("nan")}, {1: 2}, {"_context": {}}, {"x": datetime.now(UTC)}])
def test_a_body_that_is_no_json_object_is_refused(body):
    with pytest.raises(FlowError):
        begin(flow(action()), body)


def test_an_action_is_called_with_its_parameters():
    definition = flow(
        action(Parameters={"n.$": "$.input.n", "id.=": "_context.run_id + '!'"}, WaitTime=60, RunAs="Flow")
    )
    call = execute(definition, at_start(definition), {"run_id": "r1"})
    assert call == Call("A", "https://compute.actions.globus.org/v3", {"n": 1, "id": "r1!"}, 60.0, "Flow")


def test_an_action_can_take_a_place_of_the_state_as_its_body():
    body = flow(action(Parameters=None, InputPath="$.input"))
    assert execute(body, at_start(body)).body == {"n": 1}
    number = flow(action(Parameters=None, InputPath="$.input.n"))
    failed = execute(number, at_start(number))
    assert failed.cause == "States.A.InputPath: an action takes an object: got int at $.input.n"


def test_changing_what_an_action_got_changes_neither_definition_nor_state():
    definition = flow(action(Parameters={"constant": {"a": []}, "place.$": "$.input"}))
    before, position = copy.deepcopy(definition), at_start(definition)
    body = execute(definition, position).body
    body["constant"]["a"].append(1)
    body["place"]["n"] = 2
    assert definition == before
    assert position.context == {"input": {"n": 1}}


def test_the_defaults_are_those_of_globus():
    definition = flow({"Type": "Action", "ActionUrl": "https://a.b", "Parameters": {}, "End": True})
    assert execute(definition, at_start(definition)).wait_time == 300
    assert returned(definition, at_start(definition), DONE) == Succeeded(DONE)  # ResultPath is $
    assert returned(definition, at_start(definition), FAILED).error == "ActionFailedException"


def test_a_parameter_without_value_fails_and_names_state_parameter_and_path():
    definition = flow(action(Parameters={"tasks": [{"endpoint.$": "$.input.endpoint"}]}))
    failed = execute(definition, at_start(definition))
    assert (failed.state, failed.error) == ("A", "States.Runtime")
    assert failed.cause.startswith("States.A.Parameters.tasks[0].endpoint.$: $.input.endpoint is not in the state")


def test_the_result_is_put_in_its_place():
    definition = flow(action(ResultPath="$.results.first", End=None, Next="B"), B={"Type": "Pass", "End": True})
    after = returned(definition, at_start(definition), DONE)
    assert after == Position("B", {"input": {"n": 1}, "results": {"first": DONE}}, 1)
    assert execute(definition, after) == Succeeded(after.context)


def test_a_failed_action_ends_the_flow_with_its_message():
    definition = flow(action())
    failed = returned(definition, at_start(definition), FAILED)
    assert failed == Failed("A", "ActionFailedException", "Traceback ...\nValueError: no frames")
    assert returned(definition, at_start(definition), {**FAILED, "details": "no space"}).cause == "no space"
    assert "boom" in returned(definition, at_start(definition), {**FAILED, "details": {"code": "boom"}}).cause
    assert returned(definition, at_start(definition), {"status": "FAILED"}).cause == "the action failed"


def test_a_failed_action_can_be_left_to_the_flow():
    definition = flow(action(ExceptionOnActionFailure=False))
    assert returned(definition, at_start(definition), FAILED) == Succeeded({"input": {"n": 1}, "A": FAILED})


def test_an_unfinished_action_is_no_result():
    definition = flow(action())
    with pytest.raises(FlowError, match="not finished"):
        returned(definition, at_start(definition), {"status": "ACTIVE"})


CATCH = [
    {"ErrorEquals": ["ActionTimeout"], "ResultPath": "$.error", "Next": "Late"},
    {"ErrorEquals": ["States.ALL"], "Next": "Any"},
]
END = {"Type": "Pass", "End": True}


def test_an_exception_is_caught_by_the_first_that_names_it():
    definition = flow(action(Catch=CATCH), Late=END, Any=END)
    start = at_start(definition)
    late = raised(definition, start, "ActionTimeout", "60 s have passed")
    assert late.state == "Late"
    assert late.context == {"input": {"n": 1}, "error": {"Error": "ActionTimeout", "Cause": "60 s have passed"}}
    unable = raised(definition, start, "ActionUnableToRun", "no such endpoint")
    assert unable == Position("Any", {"Error": "ActionUnableToRun", "Cause": "no such endpoint"}, 1)
    failed = returned(definition, start, FAILED)
    assert (failed.state, failed.context["Error"]) == ("Any", "ActionFailedException")
    assert json.loads(failed.context["Cause"]) == FAILED


def test_what_is_not_caught_fails():
    definition = flow(action(Catch=CATCH[:1]), Late=END)
    assert raised(definition, at_start(definition), "ActionUnableToRun", "why") == Failed(
        "A", "ActionUnableToRun", "why"
    )


def test_a_result_that_has_no_place_can_be_caught():
    definition = flow(action(ResultPath="$.input.n.x", Catch=CATCH), Late=END, Any=END)
    after = returned(definition, at_start(definition), DONE)
    assert (after.state, after.context["Error"]) == ("Any", "States.ResultPathMatchFailure")


def test_a_pass_state_moves_and_arranges():
    whole = flow({"Type": "Pass", "ResultPath": "$.copy", "End": True})
    assert execute(whole, at_start(whole)) == Succeeded({"input": {"n": 1}, "copy": {"input": {"n": 1}}})
    part = flow({"Type": "Pass", "InputPath": "$.input", "End": True})
    assert execute(part, at_start(part)) == Succeeded({"n": 1})
    new = flow({"Type": "Pass", "Parameters": {"m.$": "$.input.n"}, "ResultPath": "$.input.more", "End": True})
    assert execute(new, at_start(new)) == Succeeded({"input": {"n": 1, "more": {"m": 1}}})


def test_expressions_are_evaluated():
    definition = flow(
        {"Type": "ExpressionEval", "Parameters": {"m.=": "input.n + 1"}, "ResultPath": "$.r", "End": True}
    )
    assert execute(definition, at_start(definition)).output["r"] == {"m": 2}


@pytest.mark.parametrize(
    ("fields", "pause"),
    [
        ({"Seconds": 1.5}, Pause(seconds=1.5)),
        ({"SecondsPath": "$.input.n"}, Pause(seconds=1.0)),
        ({"Timestamp": "2026-05-01T12:00:00Z"}, Pause(until=datetime(2026, 5, 1, 12, tzinfo=UTC))),
        ({"TimestampPath": "$.when"}, Pause(until=datetime(2026, 5, 1, 12, tzinfo=UTC))),
    ],
)
def test_waiting(fields, pause):
    definition = flow({"Type": "Wait", **fields, "Next": "B"}, B=END)
    start = at_start(definition, when="2026-05-01T14:00:00+02:00")
    assert execute(definition, start) == pause
    assert resumed(definition, start) == Position("B", start.context, 1)


@pytest.mark.parametrize(
    "fields", [{"SecondsPath": "$.input"}, {"TimestampPath": "$.input.n"}, {"SecondsPath": "$.no"}]
)
def test_waiting_for_what_is_no_time_fails(fields):
    definition = flow({"Type": "Wait", **fields, "End": True})
    assert execute(definition, at_start(definition)).error == "States.Runtime"


def test_a_fail_state_says_why():
    definition = flow({"Type": "Fail", "Error": "NoFrames", "CausePath": "$.why"})
    assert execute(definition, at_start(definition, why="empty")) == Failed("A", "NoFrames", "empty")
    assert execute(definition, at_start(definition, why=3)).error == "States.Runtime"
    bare = flow({"Type": "Fail"})
    assert execute(bare, at_start(bare)) == Failed("A", "Fail", "the flow ended in its Fail state 'A'")


def test_a_state_over_200_kb_fails_and_names_its_largest_entries():
    definition = flow(action())
    big = {**DONE, "details": {"files": ["x" * 1000] * 210}}
    failed = returned(definition, at_start(definition), big)
    assert (failed.state, failed.error) == ("A", "States.DataLimitExceeded")
    assert "$.A: 210,9" in failed.cause
    body = begin(definition, {"input": {"small": 1, "list": "x" * SIZE_LIMIT}})
    assert "$.input.list: 204,802 bytes, $.input.small: 1 bytes" in execute(definition, body).cause


def test_the_size_is_counted_as_json():
    check_size({"a": "x" * (SIZE_LIMIT - len('{"a": ""}'))})
    with pytest.raises(StateError, match="too large"):
        check_size({"a": "x" * (SIZE_LIMIT - len('{"a": ""}') + 1)})


def test_a_result_that_is_no_json_fails_with_its_place():
    definition = flow(action())
    failed = returned(definition, at_start(definition), {**DONE, "details": {"results": [{"output": float("nan")}]}})
    assert "details.results[0].output: JSON has no nan" in failed.cause


def test_an_unknown_state_is_never_skipped():
    definition = flow(action())
    with pytest.raises(FlowDefinitionError, match="no such state"):
        execute(definition, Position("B", {}))
    unchecked = {"StartAt": "A", "States": {"A": {"Type": "Map", "End": True}}}
    with pytest.raises(FlowDefinitionError, match=r"States\.A\.Type"):
        execute(unchecked, Position("A", {}))


def test_private_values_are_kept_out_of_what_is_shown():
    parameters = {"user": "u", "password.$": "$._private.p", "__Private_Parameters": ["password"]}
    definition = flow(action(Parameters={"server": [parameters]}))
    call = execute(definition, at_start(definition, _private={"p": "secret"}))
    assert call.body == {"server": [{"user": "u", "password": "secret"}]}
    assert call.visible_body() == {"server": [{"user": "u"}]}
    assert visible({"a": [{"_private_b": 1, "c": 2}], "_private": 3}) == {"a": [{"c": 2}]}
