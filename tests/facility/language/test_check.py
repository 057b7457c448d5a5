"""A definition that can't be run is refused at once, with all that is wrong and where."""

import copy

import pytest

from xpcs_nb.errors import FlowDefinitionError
from xpcs_nb.facility.local.language import Position, check, execute

COMPUTE = "https://compute.actions.globus.org/v3"
ACTION = {"Type": "Action", "ActionUrl": COMPUTE, "Parameters": {}, "End": True}
END = {"Type": "Pass", "End": True}


def one(state, **others):
    return {"StartAt": "A", "States": {"A": state, **others}}


def findings(definition, **options):
    with pytest.raises(FlowDefinitionError) as caught:
        check(definition, **options)
    return str(caught.value).split("\n- ")[1:]


def test_what_globus_documents_is_accepted():
    check(
        {
            "Comment": "all fields",
            "StartAt": "A",
            "States": {
                "A": {
                    **ACTION, "ActionScope": "urn:x", "WaitTime": 60, "RunAs": "Flow", "ResultPath": "$.a",
                    "Comment": "c",
                    "ExceptionOnActionFailure": False,
                    "Parameters": {"x.$": "$.y", "__Private_Parameters": ["x"]},
                    "Catch": [{"ErrorEquals": ["ActionTimeout"], "Next": "F", "ResultPath": "$.e"}],
                },
                "F": {"Type": "Fail", "Error": "E", "CausePath": "$.e.Cause"},
            },
        },
        action_urls=[COMPUTE + "/"],
    )  # fmt: skip


def test_a_field_that_gladier_leaves_null_is_not_set():
    check(one({**ACTION, "InputPath": None, "Comment": None}))


@pytest.mark.parametrize(
    ("state", "finding"),
    [
        ({"Type": "Task", "End": True}, "States.A.Type: one of Action, Choice"),
        ({"Type": "Parallel"}, "States.A.Type"),
        ({}, "States.A.Type"),
        ("Pass", "States.A.Type"),
        ({**END, "OutputPath": "$"}, "States.A.OutputPath: unknown field"),
        ({**END, "Result": {}}, "States.A.Result: unknown field"),
        ({**ACTION, "Retry": []}, "States.A.Retry: unknown field"),
        ({**ACTION, "Handler": "urn:x"}, "States.A.Handler: unknown field of a state of type Action: a registered API"),
        ({**END, "Next": "A"}, "States.A: either Next or End is expected, got both"),
        ({"Type": "Pass"}, "States.A: either Next or End is expected, got neither"),
        ({"Type": "Pass", "End": False}, "States.A: either Next or End is expected, got neither"),
        ({"Type": "Pass", "End": "true"}, "States.A.End: true or false"),
        ({"Type": "Pass", "Next": "B"}, "States.A.Next: there is no state 'B'"),
        ({**ACTION, "InputPath": "$"}, "States.A: either InputPath or Parameters is expected, got both"),
        ({**ACTION, "Parameters": None}, "States.A: either InputPath or Parameters is expected, got neither"),
        ({**ACTION, "Parameters": []}, "States.A.Parameters: an object"),
        ({**ACTION, "Parameters": {"t": [{"a.$": "$.x[*]"}]}}, "States.A.Parameters.t[0].a.$: not a path"),
        ({**ACTION, "Parameters": {"a.=": "open('x')"}}, "States.A.Parameters.a.=: unknown function 'open'"),
        ({**ACTION, "WaitTime": 0}, "States.A.WaitTime: seconds above 0"),
        ({**ACTION, "WaitTime": True}, "States.A.WaitTime"),
        ({**ACTION, "ExceptionOnActionFailure": "True"}, "States.A.ExceptionOnActionFailure: true or false"),
        ({**ACTION, "ActionUrl": "localhost"}, "States.A.ActionUrl: the address"),
        ({**ACTION, "ActionUrl": None}, "States.A.ActionUrl: the address"),
        ({**ACTION, "ResultPath": "result"}, "States.A.ResultPath: not a path"),
        ({**ACTION, "ResultPath": None}, "States.A.ResultPath: null is not supported"),
        ({**ACTION, "ResultPath": "$._context.x"}, "States.A.ResultPath: $._context is read only"),
        ({**ACTION, "RunAs": 3}, "States.A.RunAs: text"),
        ({**ACTION, "Catch": {}}, "States.A.Catch: a list"),
        ({**ACTION, "Catch": [{"ErrorEquals": [], "Next": "A"}]}, "States.A.Catch[0].ErrorEquals: a list"),
        ({**ACTION, "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "A"}]}, "unknown error"),
        ({**ACTION, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}]}, "States.A.Catch[0].Next: there is"),
        ({**ACTION, "Catch": [{"ErrorEquals": ["States.ALL"]}]}, "States.A.Catch[0].Next: the name of a state"),
        ({**ACTION, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "A", "X": 1}]}, "States.A.Catch[0].X: unkn"),
        ({**END, "Parameters": {"a.=": "1"}}, "States.A.Parameters.a.=: a Pass state takes no expressions"),
        ({"Type": "ExpressionEval", "End": True}, "States.A.Parameters: an object"),
        ({"Type": "ExpressionEval", "End": True, "Parameters": {}, "InputPath": "$"}, "States.A.InputPath: unkn"),
        ({"Type": "Wait", "End": True}, "exactly one of Seconds"),
        ({"Type": "Wait", "End": True, "Seconds": 1, "SecondsPath": "$.s"}, "exactly one of Seconds"),
        ({"Type": "Wait", "End": True, "Seconds": -1}, "States.A.Seconds"),
        ({"Type": "Wait", "End": True, "Timestamp": "2026-05-01T12:00:00"}, "States.A.Timestamp: a time like"),
        ({"Type": "Wait", "End": True, "TimestampPath": "t"}, "States.A.TimestampPath: not a path"),
        ({"Type": "Fail", "Error": "a", "ErrorPath": "$.a"}, "States.A: either Error or ErrorPath"),
        ({"Type": "Fail", "Next": "A"}, "States.A.Next: unknown field"),
        ({"Type": "Choice", "Choices": []}, "States.A.Choices: a list of rules"),
        ({"Type": "Choice", "Choices": [3]}, "States.A.Choices[0]: a rule"),
    ],
)  # fmt: skip
def test_each_finding_has_its_place(state, finding):
    definition = one(state)
    assert any(finding in found for found in findings(definition))
    with pytest.raises(FlowDefinitionError):
        execute(definition, Position("A", {}))


@pytest.mark.parametrize(
    ("rule", "finding"),
    [
        ({"Variable": "$.x", "StringContains": "a"}, ".StringContains: unknown operator"),
        ({"__root__": []}, ".__root__: unknown operator"),
        ({"Variable": "$.x"}, "exactly one operator is expected, got none"),
        (
            {"Variable": "$.x", "IsNull": True, "IsPresent": True},
            "exactly one operator is expected, got IsNull, IsPresent",
        ),
        ({"Variable": "x", "IsNull": True}, ".Variable: not a path"),
        ({"IsNull": True}, ".Variable: not a path"),
        ({"And": []}, ".And: a list of rules"),
        ({"Not": [{"Variable": "$.x", "IsNull": True}]}, ".Not: a rule"),
        ({"And": [{"Variable": "$.x", "IsNull": True, "Next": "A"}]}, ".And[0].Next: only allowed at the top"),
        ({"Or": [{"And": [{"Variable": "$.x", "Is": True}]}]}, ".Or[0].And[0].Is: unknown operator"),
        ({"And": [{"Variable": "$.x", "IsNull": True}], "Variable": "$.x"}, ".Variable: not allowed beside And"),
        ({"Variable": "$.x", "StringEquals": 3}, ".StringEquals: a string value"),
        ({"Variable": "$.x", "NumericEquals": True}, ".NumericEquals: a numeric value"),
        ({"Variable": "$.x", "BooleanEquals": "true"}, ".BooleanEquals: a boolean value"),
        ({"Variable": "$.x", "TimestampEquals": "yesterday"}, ".TimestampEquals: a time like"),
        ({"Variable": "$.x", "StringEqualsPath": "y"}, ".StringEqualsPath: not a path"),
        ({"Variable": "$.x", "BooleanLessThan": True}, ".BooleanLessThan: unknown operator"),
        ({"Variable": "$.x", "IsPresent": "true"}, ".IsPresent: a boolean value"),
    ],
)
def test_each_finding_in_a_rule_has_its_place(rule, finding):
    definition = one({"Type": "Choice", "Choices": [{**rule, "Next": "B"}]}, B=END)
    assert any(found.startswith("States.A.Choices[0]") and finding in found for found in findings(definition))


def test_all_findings_come_at_once():
    definition = one({**ACTION, "Next": "Nowhere", "Oops": 1, "Parameters": {"x.$": "y"}, "ActionUrl": "https://other"})
    definition["StartAt"] = "B"
    definition["Version"] = "1.0"
    found = findings(definition, action_urls=[COMPUTE])
    places = [finding.split(": ")[0] for finding in found]
    assert sorted(places) == sorted([
        "Version", "StartAt", "States.A.Oops", "States.A", "States.A.Next", "States.A.Parameters.x.$",
        "States.A.ActionUrl", "States.A",
    ])  # fmt: skip
    assert "unknown action https://other, known: " + COMPUTE in " ".join(found)


def test_a_state_that_nothing_leads_to_is_found():
    assert findings(one(END, B=END)) == ["States.B: nothing leads to this state"]


@pytest.mark.parametrize("definition", [None, [], {}, {"StartAt": "A"}, {"StartAt": "A", "States": {}}, {"States": []}])
def test_what_is_no_definition_is_refused(definition):
    assert findings(definition)


def test_a_definition_is_json():
    assert findings(one({**END, "Comment": (1, 2)})) == ["definition.States.A.Comment: tuple is no JSON: expected JSON"]


def test_checking_changes_nothing():
    definition = one({**ACTION, "Parameters": {"a": [{"b.=": "1"}]}})
    before = copy.deepcopy(definition)
    check(definition)
    assert definition == before
