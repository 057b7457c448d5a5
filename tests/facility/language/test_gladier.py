"""Definitions that gladier makes, and those that its tools ship, run here."""

import importlib
import inspect
import pkgutil

import gladier_tools
import pytest
from gladier import GladierBaseTool, generate_flow_definition
from gladier.tools import (
    AndRule,
    ChoiceOption,
    ChoiceState,
    ComparisonRule,
    ExpressionEvalState,
    FailState,
    PassState,
    WaitState,
)
from gladier.tools.builtins.action import ActionExceptionName
from gladier.tools.globus.transfer import Transfer as TransferState
from gladier_tools.experimental import GladierExperimentalBaseActionTool, GladierExperimentalBaseTool
from gladier_tools.globus import Transfer
from gladier_tools.publish import Publishv2

from xpcs_nb.facility.local.language import Call, Failed, Position, Succeeded, begin, check, execute, returned

ACTIONS = [
    "https://transfer.actions.globus.org/transfer",
    "https://actions.globus.org/transfer/transfer",
    "https://actions.globus.org/transfer/mkdir",
    "https://compute.actions.globus.org",
    "https://compute.actions.globus.org/v3",
    "https://actions.globus.org/search/ingest",
]


def shipped_tools():
    """Find every tool that gladier_tools has, so that a new one is tried too."""
    tools = {}
    for module in pkgutil.walk_packages(gladier_tools.__path__, "gladier_tools."):
        if ".tests" in module.name:
            continue
        for value in vars(importlib.import_module(module.name)).values():
            made = value
            # The decorator `generate_flow_definition` leaves a function that makes the tool.
            if inspect.isfunction(value) and hasattr(value, "__wrapped__"):
                made = value.__wrapped__
            if inspect.isclass(made) and issubclass(made, GladierBaseTool) and not inspect.isabstract(made):
                tools[made.__name__] = value
    for base in (GladierBaseTool, GladierExperimentalBaseTool, GladierExperimentalBaseActionTool):
        tools.pop(base.__name__, None)
    return tools


TOOLS = shipped_tools()


def definition_of(tool):
    made = tool()
    return made.get_flow_definition() if isinstance(made, GladierExperimentalBaseTool) else made.flow_definition


def test_the_shipped_tools_are_found():
    known = {"Transfer", "Publish", "Publishv2", "GlobusMkDir", "Tar", "UnTar", "Encrypt", "Decrypt", "ShellCmdTool",
             "HttpsDownloadFile", "AsymmetricEncrypt", "AsymmetricDecrypt"}  # fmt: skip
    assert known <= set(TOOLS)


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_every_shipped_definition_is_understood(name):
    check(definition_of(TOOLS[name]), action_urls=ACTIONS)


def run(definition, body, documents):
    """Carry a run to its end; actions give the documents of their states, or fail."""
    place, calls = begin(definition, body), []
    while not isinstance(place, Succeeded | Failed):
        step = execute(definition, place)
        if isinstance(step, Call):
            calls.append(step)
            details = documents[step.state]
            status = "FAILED" if isinstance(details, str) else "SUCCEEDED"
            step = returned(definition, place, {"action_id": step.state, "status": status, "details": details})
        place = step
    return place, calls


def test_transfer_runs():
    body = {"input": {"transfer_source_endpoint_id": "s", "transfer_destination_endpoint_id": "d",
                      "transfer_source_path": "/a", "transfer_destination_path": "/b",
                      "transfer_recursive": False}}  # fmt: skip
    end, (call,) = run(Transfer().flow_definition, body, {"Transfer": {"files": 1}})
    assert call.url in ACTIONS
    assert call.wait_time == 600
    assert call.body == {
        "source_endpoint": "s",
        "destination_endpoint": "d",
        "DATA": [{"source_path": "/a", "destination_path": "/b", "recursive": False}],
    }
    assert end.output == {**body, "Transfer": {"action_id": "Transfer", "status": "SUCCEEDED", "details": {"files": 1}}}


GATHERED = {"results": [{"output": {"transfer": {"DATA": []}, "search": {"subject": "globus://c/x"}}}]}
PUBLISH = {"Publishv2GatherMetadata": GATHERED, "Publishv2Transfer": {}, "Publishv2Ingest": {}}


@pytest.mark.parametrize("transfer", [True, False, None])
@pytest.mark.parametrize("publish", [True, False, None])
def test_publishv2_takes_its_branches(transfer, publish):
    options = {"enable_transfer": transfer, "enable_publish": publish}
    given = {name: value for name, value in options.items() if value is not None}
    body = {"input": {"compute_endpoint": "e", "publishv2_gather_metadata_function_id": "f", "publishv2": given}}
    end, calls = run(Publishv2().flow_definition, body, PUBLISH)
    assert isinstance(end, Succeeded)
    expected = ["Publishv2GatherMetadata"]
    expected += ["Publishv2Transfer"] if transfer else []
    expected += ["Publishv2Ingest"] if publish else []
    assert [call.state for call in calls] == expected
    assert calls[0].body == {"tasks": [{"endpoint": "e", "function": "f", "payload": given}]}
    if publish:
        assert calls[-1].body == {"subject": "globus://c/x"}
    assert set(end.output) == {"input", *expected}


def test_publishv2_stops_where_a_step_fails():
    body = {"input": {"compute_endpoint": "e", "publishv2_gather_metadata_function_id": "f",
                      "publishv2": {"enable_transfer": True}}}  # fmt: skip
    end, calls = run(Publishv2().flow_definition, body, {**PUBLISH, "Publishv2Transfer": "permission denied"})
    assert end == Failed("Publishv2Transfer", "ActionFailedException", "permission denied")
    assert len(calls) == 2


def correlate(**data):
    """Correlate."""
    return data


@pytest.mark.parametrize("modifiers", [{}, {"ActionUrl": "https://compute.actions.globus.org/v3"}])
def test_a_tool_of_ones_own_runs(modifiers):
    modifiers = {**modifiers, "correlate": {"WaitTime": 3600, "ExceptionOnActionFailure": True}}

    @generate_flow_definition(modifiers=modifiers)
    class Correlate(GladierBaseTool):
        compute_functions = (correlate,)

    definition = Correlate().flow_definition
    check(definition, action_urls=ACTIONS)
    start = begin(definition, {"input": {"compute_endpoint": "e", "correlate_function_id": "f", "raw": "/a"}})
    call = execute(definition, start)
    assert isinstance(call, Call)
    assert call.url in ACTIONS
    assert call.wait_time == 3600
    assert call.body["tasks"][0].get("function", call.body["tasks"][0].get("function_id")) == "f"


def test_states_made_with_gladiers_classes_run():
    late = FailState(state_name="Late", error="Late", cause="it took too long")
    transfer = TransferState(state_name="Transfer")
    transfer.set_exception_handler([ActionExceptionName.ActionTimeout, ActionExceptionName.States_All], late)
    transfer.next(PassState(state_name="Done", parameters={"ok": True}, result_path="$.done"))
    count = ExpressionEvalState(state_name="Count", parameters={"double": "=input.n * 2"}, result_path="$.count")
    wait = WaitState(state_name="Wait", seconds=5)
    choice = ChoiceState(state_name="Choose").choice(
        ChoiceOption(
            rule=AndRule([ComparisonRule(Variable="$.count.double", NumericGreaterThan=10.0)]),
            next=transfer,
        )
    )
    choice.set_default(FailState(state_name="TooFew"))
    definition = count.next(wait.next(choice)).get_flow_definition()
    check(definition, action_urls=ACTIONS)
    counted = execute(definition, begin(definition, {"input": {"n": 6}}))
    assert counted.context["count"] == {"double": 12}
    chosen = execute(definition, Position("Choose", counted.context))
    assert chosen.state == "Transfer"
