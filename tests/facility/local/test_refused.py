"""What is too large, unknown or not self-contained is refused, with the reason; what is private is not shown."""

import json

import pytest

from xpcs_nb.errors import FlowDefinitionError, FlowError
from xpcs_nb.facility.local import LOCAL_ENDPOINT


def add(a, b=1):
    return {"sum": a + b}


def test_a_state_over_200_kb_fails_with_the_reason(services, flow, compute, start, ended):
    def much(n):
        return "x" * n

    run_id = start(services, flow(Much=compute(("much", {"n": 300_000}))), much)
    details = ended(services, run_id)["details"]
    assert details["state_name"] == "Much"
    assert "204,800" in details["cause"]
    with pytest.raises(FlowError, match="Pass the paths of files"):
        start(services, flow(A={"Type": "Pass"}), text="x" * 300_000)


def test_arguments_and_results_over_10_mb_are_refused(services, flow, compute, start, ended):
    def much(n):
        return "x" * n

    run_id = start(services, flow(Much=compute(("much", {"n": 11_000_000}))), much)
    assert "files carry the data" in ended(services, run_id)["details"]["cause"]


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        ({"Parameters": {"endpoint_id": "other", "tasks": [{"function_id": "x"}]}}, "no compute endpoint 'other'"),
        ({"Parameters": {"endpoint_id": LOCAL_ENDPOINT, "tasks": [{"function_id": "x"}]}}, "no function 'x'"),
        ({"Parameters": {"endpoint_id": LOCAL_ENDPOINT}}, "no tasks"),
    ],
)
def test_what_is_not_there_is_refused(state, cause, services, flow, compute, start, ended):
    details = ended(services, start(services, flow(Do={**compute(), **state})))["details"]
    assert details["error"] == "ActionUnableToRun"
    assert cause in details["cause"]


def test_unknown_actions_are_refused_when_deployed(services):
    state = {
        "Type": "Action",
        "ActionUrl": "https://example.org/do",
        "Parameters": {},
        "ResultPath": "$.x",
        "End": True,
    }
    with pytest.raises(FlowDefinitionError, match=r"example\.org"):
        services.flows.deploy("bad", {"StartAt": "A", "States": {"A": state}})


def test_a_function_that_needs_its_module_is_refused_when_deployed(services, flow):
    def outside():
        return pytest.__name__

    with pytest.raises(FlowDefinitionError, match="pytest"):
        services.flows.deploy("bad", flow(A={"Type": "Pass"}), [outside])
    with pytest.raises(FlowDefinitionError, match="plain function"):
        services.flows.deploy("bad", flow(A={"Type": "Pass"}), [lambda: 1])


def test_deploying_again_changes_no_id(services, make_services, flow, compute):
    definition = flow(Add=compute(("add", {"a": 1})))
    first = services.flows.deploy("test", definition, [add])
    assert make_services().flows.deploy("test", definition, [add]) == first
    newer, ids = services.flows.deploy("test", flow(Other=compute(("add", {"a": 2}))), [add])
    assert (newer, ids) == first


def test_what_is_private_is_used_but_not_shown(services, flow, compute, start, ended):
    def length(word):
        return len(word)

    state = compute(("length", {"word.$": "$.input._private_word"}))
    state["Parameters"]["tasks"][0]["kwargs"]["__Private_Parameters"] = ["word"]
    run_id = start(services, flow(Length=state), length, _private_word="secret")
    document = ended(services, run_id)
    assert document["details"]["output"]["Length"]["details"]["result"] == [6]
    assert "secret" not in json.dumps([document, services.flows.log(run_id), services.flows.list()])


def test_unknown_runs_and_flows_are_said_so(services):
    for ask in (services.flows.get, services.flows.log, services.flows.body, services.flows.cancel):
        with pytest.raises(FlowError, match="no such run"):
            ask("nothing")
    with pytest.raises(FlowError, match="no flow"):
        services.flows.start("nothing", {})
