"""The real flows clients deploy definitions and run them on what else the sandbox has."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import globus_sdk
import pytest
from globus_compute_sdk import Client

from tests.testing.sandbox.functions import broken, count
from xpcs_nb.testing import Sandbox

WAIT = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
PASS = {
    "StartAt": "Only",
    "States": {"Only": {"Type": "Pass", "Parameters": {"x": 1}, "ResultPath": "$.y", "End": True}},
}


def copy_then(function_id: str, sandbox: Sandbox, source: str, target: str) -> dict[str, Any]:
    """A definition that copies a folder and runs a function on the copy."""
    copy = {
        "Type": "Action",
        "ActionUrl": "https://transfer.actions.globus.org/transfer",
        "Parameters": {
            "source_endpoint": source,
            "destination_endpoint": target,
            "DATA": [{"source_path.$": "$.input.source", "destination_path.$": "$.input.target", "recursive": True}],
        },
        "ResultPath": "$.Copy",
        "WaitTime": 60,
        "Next": "Count",
    }
    call = {
        "Type": "Action",
        "ActionUrl": "https://compute.actions.globus.org/v3",
        "Parameters": {
            "endpoint_id": sandbox.endpoint_id,
            "tasks": [{"function_id": function_id, "args": [], "kwargs": {"folder.$": "$.input.folder"}}],
        },
        "ResultPath": "$.Count",
        "WaitTime": 60,
        "End": True,
    }
    return {"StartAt": "Copy", "States": {"Copy": copy, "Count": call}}


@pytest.fixture
def ended(clients, until: Callable) -> Callable[[str], dict[str, Any]]:
    """Something that waits until a run has ended, and returns it."""

    def ended(run_id: str) -> dict[str, Any]:
        return until(lambda: (run := clients.flows.get_run(run_id))["status"] != "ACTIVE" and run.data)

    return ended


def test_a_run_copies_files_and_runs_a_function(
    clients, sandbox: Sandbox, folders: dict[str, Path], source: str, target: str, ended: Callable
) -> None:
    (folders[source] / "A001").mkdir()
    (folders[source] / "A001" / "frames.bin").write_bytes(b"0" * 1234)
    function_id = Client(app=clients.app).register_function(count)
    flow = clients.flows.create_flow("count", copy_then(function_id, sandbox, source, target), {})
    body = {"input": {"source": "/A001", "target": "/A001", "folder": str(folders[target] / "A001")}}
    started = clients.flow(flow["id"]).run_flow(body, label="A001", tags=["night"])
    run = ended(started["run_id"])
    assert run["status"] == "SUCCEEDED", run["details"]
    assert run["details"]["output"]["Count"]["details"]["result"] == [{"frames.bin": 1234}]
    assert run["details"]["output"]["input"] == body["input"]
    assert (run["flow_id"], run["label"], run["tags"]) == (flow["id"], "A001", ["night"])
    codes = [entry["code"] for page in clients.flows.paginated.get_run_logs(run["run_id"], limit=2) for entry in page]
    assert codes == [
        "FlowStarted", "ActionStarted", "ActionCompleted", "ActionStarted", "ActionCompleted", "FlowSucceeded",
    ]  # fmt: skip
    last = clients.flows.get_run_logs(run["run_id"], reverse_order=True, limit=1)
    assert [entry["code"] for entry in last] == ["FlowSucceeded"]
    assert clients.flows.get_run_definition(run["run_id"])["definition"]["StartAt"] == "Copy"


def test_a_function_that_fails_ends_the_run_with_its_message(
    clients, sandbox: Sandbox, folders: dict[str, Path], source: str, target: str, ended: Callable
) -> None:
    function_id = Client(app=clients.app).register_function(broken)
    (folders[source] / "A001").mkdir()
    flow = clients.flows.create_flow("broken", copy_then(function_id, sandbox, source, target), {})
    body = {"input": {"source": "/A001", "target": "/A001", "folder": "/nowhere"}}
    run = ended(clients.flow(flow["id"]).run_flow(body)["run_id"])
    assert run["status"] == "FAILED"
    assert "no frames in /nowhere" in json.dumps(run["details"])
    with pytest.raises(globus_sdk.FlowsAPIError) as caught:
        clients.flow(flow["id"]).resume_run(run["run_id"])
    assert (caught.value.http_status, caught.value.code) == (409, "STATE_CONFLICT")


def test_faults_of_other_services_reach_the_run(
    clients, sandbox: Sandbox, folders: dict[str, Path], source: str, target: str, ended: Callable, until: Callable
) -> None:
    function_id = Client(app=clients.app).register_function(count)
    (folders[source] / "A001").mkdir()
    flow = clients.flows.create_flow("count", copy_then(function_id, sandbox, source, target), {})
    body = {"input": {"source": "/A001", "target": "/A001", "folder": str(folders[target] / "A001")}}
    client = clients.flow(flow["id"])
    sandbox.fail_task("transfer", "the disk is full")
    assert "the disk is full" in json.dumps(ended(client.run_flow(body)["run_id"])["details"])
    sandbox.fail_task("compute", "the node went away")
    assert "the node went away" in json.dumps(ended(client.run_flow(body)["run_id"])["details"])
    sandbox.set_endpoint(target, online=False)
    run_id = client.run_flow(body)["run_id"]
    until(lambda: "ActionStarted" in [entry["code"] for entry in clients.flows.get_run_logs(run_id)])
    assert clients.flows.get_run(run_id)["status"] == "ACTIVE"
    sandbox.set_endpoint(target)
    assert ended(run_id)["status"] == "SUCCEEDED"


def test_a_run_publishes_into_the_index(clients, sandbox: Sandbox, source: str, ended: Callable) -> None:
    ingest = {
        "Type": "Action",
        "ActionUrl": "https://actions.globus.org/search/ingest",
        "Parameters": {
            "search_index": sandbox.index_id,
            "subject.$": "$.input.subject",
            "visible_to": ["public"],
            "content": {"by": "somebody else's flow", "nested": {"temperature": 300.5}},
        },
        "ResultPath": "$.Ingest",
        "Next": "Permit",
    }
    permit = {
        "Type": "Action",
        "ActionUrl": "https://actions.globus.org/transfer/set_permission",
        "Parameters": {
            "endpoint_id": source,
            "path": "/",
            "operation": "CREATE",
            "permissions": "r",
            "principal": sandbox.user.identity_id,
            "principal_type": "identity",
        },
        "ResultPath": "$.Permit",
        "End": True,
    }
    flow = clients.flows.create_flow(
        "publish", {"StartAt": "I", "States": {"I": {**ingest, "Next": "P"}, "P": permit}}, {}
    )
    run = ended(clients.flow(flow["id"]).run_flow({"input": {"subject": "globus://x/A001"}})["run_id"])
    assert run["status"] == "SUCCEEDED", run["details"]
    entry = clients.search.get_subject(sandbox.index_id, "globus://x/A001")["entries"][0]["content"]
    assert entry == {"by": "somebody else's flow", "nested": {"temperature": 300.5}}
    assert [rule["principal"] for rule in clients.transfer.endpoint_acl_list(source)] == [sandbox.user.identity_id]


def test_runs_are_cancelled_and_forgotten(clients, ended: Callable) -> None:
    flow = clients.flows.create_flow("wait", WAIT, {})
    run_id = clients.flow(flow["id"]).run_flow({"input": {}})["run_id"]
    with pytest.raises(globus_sdk.FlowsAPIError) as caught:
        clients.flows.delete_run(run_id)
    assert caught.value.code == "STATE_CONFLICT"
    clients.flows.cancel_run(run_id)
    assert ended(run_id)["status"] == "ENDED"
    clients.flows.delete_run(run_id)
    with pytest.raises(globus_sdk.FlowsAPIError) as caught:
        clients.flows.get_run(run_id)
    assert caught.value.http_status == 404


def test_a_run_that_wants_a_consent_goes_on_when_it_is_resumed(
    clients, sandbox: Sandbox, folders: dict[str, Path], source: str, until: Callable, ended: Callable
) -> None:
    make = {
        "Type": "Action",
        "ActionUrl": "https://transfer.actions.globus.org/mkdir",
        "Parameters": {"endpoint_id": source, "path": "/made"},
        "ResultPath": "$.Made",
        "End": True,
    }
    flow = clients.flows.create_flow("make", {"StartAt": "Make", "States": {"Make": make}}, {})
    client = clients.flow(flow["id"])
    sandbox.ask_consent()
    run_id = client.run_flow({"input": {}})["run_id"]
    held = ended(run_id)
    assert (held["status"], held["details"]["code"]) == ("INACTIVE", "ConsentRequired")
    assert not (folders[source] / "made").exists()
    assert client.resume_run(run_id)["status"] != "INACTIVE"
    assert ended(run_id)["status"] == "SUCCEEDED"
    assert (folders[source] / "made").is_dir()
    sandbox.ask_consent()
    run_id = client.run_flow({"input": {}})["run_id"]
    assert ended(run_id)["status"] == "INACTIVE"
    clients.flows.cancel_run(run_id)
    until(lambda: clients.flows.get_run(run_id)["status"] == "ENDED")


def test_runs_are_listed_by_page_and_flow(clients, ended: Callable) -> None:
    flows = [clients.flows.create_flow(name, PASS, {})["id"] for name in ("first", "second")]
    runs = [clients.flow(flow).run_flow({"input": {}}, label=str(n))["run_id"] for n in range(3) for flow in flows]
    ended(runs[-1])
    pages = list(clients.flows.paginated.list_runs(query_params={"per_page": 4}))
    assert [len(page["runs"]) for page in pages] == [4, 2]
    assert [run["run_id"] for page in pages for run in page["runs"]] == runs[::-1]
    assert {run["flow_title"] for run in clients.flows.list_runs(filter_flow_id=flows[1])} == {"second"}
    assert all("output" not in run["details"] for run in clients.flows.list_runs())
    changed = clients.flows.update_run(runs[0], label="new", tags=["a"])
    assert (changed["label"], changed["tags"]) == ("new", ["a"])


def test_definitions_and_inputs_are_checked(clients) -> None:
    wrong = {"StartAt": "A", "States": {"A": {"Type": "Parallel", "End": True}, "B": {"Type": "Pass", "Next": "C"}}}
    with pytest.raises(globus_sdk.FlowsAPIError) as caught:
        clients.flows.validate_flow(wrong, {})
    assert (caught.value.http_status, caught.value.code) == (422, "UNPROCESSABLE_ENTITY")
    assert len(caught.value.messages) >= 2
    with pytest.raises(globus_sdk.FlowsAPIError):
        clients.flows.create_flow("wrong", wrong, {})
    schema = {"type": "object", "required": ["input"], "properties": {"input": {"type": "object"}}}
    flow = clients.flows.create_flow("checked", PASS, schema)
    client = clients.flow(flow["id"])
    assert client.validate_run({"input": {}})["message"] == "validation successful"
    for start in (client.run_flow, client.validate_run):
        with pytest.raises(globus_sdk.FlowsAPIError, match="is a required property") as caught:
            start({"other": 1})
        assert (caught.value.http_status, caught.value.code) == (400, "FLOW_INPUT_ERROR")


def test_a_flow_is_changed_under_its_id_and_deleted(clients, ended: Callable) -> None:
    flow = clients.flows.create_flow("one", PASS, {}, subtitle="first")
    other = json.loads(json.dumps(PASS).replace('"x": 1', '"x": 2'))
    changed = clients.flows.update_flow(flow["id"], definition=other, title="two")
    assert (changed["id"], changed["title"], changed["subtitle"]) == (flow["id"], "two", "first")
    run = ended(clients.flow(flow["id"]).run_flow({"input": {}})["run_id"])
    assert run["details"]["output"]["y"] == {"x": 2}
    assert [one["title"] for one in clients.flows.list_flows(filter_fulltext="TWO")] == ["two"]
    assert clients.flows.delete_flow(flow["id"])["DELETED"]
    with pytest.raises(globus_sdk.FlowsAPIError) as caught:
        clients.flows.get_flow(flow["id"])
    assert caught.value.http_status == 404


def test_a_run_needs_the_scope_of_its_flow(clients) -> None:
    flow = clients.flows.create_flow("one", PASS, {})
    client = globus_sdk.SpecificFlowClient(flow["id"], authorizer=clients.app.get_authorizer("flows.globus.org"))
    with pytest.raises(globus_sdk.FlowsAPIError) as caught:
        client.run_flow({"input": {}})
    assert (caught.value.http_status, caught.value.code) == (403, "MISSING_SCOPE")
    client.close()
