"""The sandbox answers in the shape of the canned answers that globus-sdk ships."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import globus_sdk
import pytest
from globus_compute_sdk import Client
from globus_sdk.testing import ResponseList, get_response_set

from xpcs_nb.testing import Sandbox

#: What is not compared, by the last keys: content, and what the sandbox lacks on purpose.
EXCEPTIONS = {
    "definition": "the flow of the canned answer",
    "input_schema": "the flow of the canned answer",
    "details.output": "what the steps of the canned run gave",
    "content": "the entry of the canned index",
    "search": "an undocumented id of the service's own index of runs",
    "details.details": "shown once a run has begun, under other keys",
    "details.time": "of the event that ended the run; it is in the log",
    "subscription_id": "flows of the sandbox have no subscription",
}


@dataclass
class World:
    """What the calls are made with."""

    clients: Any
    sandbox: Sandbox
    flow: str
    other: str
    run: str
    waiting: str
    released: str
    function: str
    task: str
    group: str
    source: str
    transfer: str

    def data(self, name: str) -> globus_sdk.TransferData:
        data = globus_sdk.TransferData(self.source, self.source)
        data.add_item("/f", f"/{name}")
        return data

    def delete(self) -> globus_sdk.DeleteData:
        data = globus_sdk.DeleteData(self.source)
        data.add_item("/gone")
        return data


def nothing() -> int:
    return 1


def wait(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": True}}}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, serve: Callable, log_in: Callable) -> Iterator[World]:
    source = "5f0a0000-0000-4000-8000-00000000000a"
    folder: Path = tmp_path_factory.mktemp("shapes")
    (folder / "files").mkdir()
    (folder / "files" / "f").write_text("text")
    with ExitStack() as stack:
        sandbox = stack.enter_context(serve(folder / "sandbox", {source: folder / "files"}))
        clients = log_in(sandbox, stack)
        flows = clients.flows
        ids = [flows.create_flow(name, flow, {}, keywords=["k"])["id"] for name, flow in (("p", PASS), ("w", WAIT))]
        started = [clients.flow(ids[n]).run_flow({"input": {}}, label="l", tags=["t"])["run_id"] for n in (0, 1, 0)]
        wait(lambda: all(flows.get_run(run)["status"] == "SUCCEEDED" for run in (started[0], started[2])))
        compute = Client(app=clients.app)
        function = compute.register_function(nothing, description="it does nothing")
        task = compute.run(endpoint_id=sandbox.endpoint_id, function_id=function)
        wait(lambda: not compute.get_task(task)["pending"])
        group = clients.compute_v2.submit({"tasks": [[function, sandbox.endpoint_id, payload()]]})["task_group_id"]
        entry = {"subject": "s", "visible_to": ["public"], "content": {"x": 1}}
        clients.search.ingest(sandbox.index_id, {"ingest_type": "GMetaEntry", "ingest_data": entry})
        wait(lambda: clients.search.get_index(sandbox.index_id)["num_entries"])
        world = World(clients, sandbox, *ids, *started, function, task, group, source, "")
        world.transfer = clients.transfer.submit_transfer(world.data("g"))["task_id"]
        wait(lambda: clients.transfer.get_task(world.transfer)["status"] == "SUCCEEDED")
        yield world


def payload() -> str:
    from globus_compute_sdk.serialize import ComputeSerializer

    serializer = ComputeSerializer()
    return serializer.pack_buffers([serializer.serialize(()), serializer.serialize({})])


CALLS: dict[str, Callable[[World], Any]] = {
    "flows.create_flow": lambda w: w.clients.flows.create_flow("n", PASS, {"type": "object"}),
    "flows.get_flow": lambda w: w.clients.flows.get_flow(w.flow),
    "flows.update_flow": lambda w: w.clients.flows.update_flow(w.flow, title="new"),
    "flows.list_flows": lambda w: w.clients.flows.list_flows(),
    "flows.delete_flow": lambda w: w.clients.flows.delete_flow(w.clients.flows.create_flow("d", PASS, {})["id"]),
    "flows.validate_flow": lambda w: w.clients.flows.validate_flow(PASS, {}),
    "flows.run_flow": lambda w: w.clients.flow(w.other).run_flow({"input": {}}, label="l", tags=["t"]),
    "flows.validate_run": lambda w: w.clients.flow(w.flow).validate_run({"input": {}}),
    "flows.get_run": lambda w: w.clients.flows.get_run(w.run),
    "flows.list_runs": lambda w: w.clients.flows.list_runs(filter_flow_id=w.flow),
    "flows.get_run_logs": lambda w: w.clients.flows.get_run_logs(w.run),
    "flows.get_run_definition": lambda w: w.clients.flows.get_run_definition(w.run),
    "flows.update_run": lambda w: w.clients.flows.update_run(w.run, label="new"),
    "flows.cancel_run": lambda w: w.clients.flows.cancel_run(w.waiting),
    "flows.delete_run": lambda w: w.clients.flows.delete_run(w.released),
    "search.search": lambda w: w.clients.search.search(w.sandbox.index_id, "1"),
    "search.post_search": lambda w: w.clients.search.post_search(w.sandbox.index_id, {"q": "1"}),
    "search.create_index": lambda w: w.clients.search.create_index("n", "d"),
    "search.index_list": lambda w: w.clients.search.index_list(),
    "search.update_index": lambda w: w.clients.search.update_index(w.sandbox.index_id, display_name="n"),
    "search.delete_index": lambda w: w.clients.search.delete_index(w.clients.search.create_index("n", "d")["id"]),
    "search.batch_delete_by_subject": lambda w: w.clients.search.batch_delete_by_subject(w.sandbox.index_id, ["no"]),
    "transfer.get_submission_id": lambda w: w.clients.transfer.get_submission_id(),
    "transfer.submit_transfer": lambda w: w.clients.transfer.submit_transfer(w.data("h")),
    "transfer.submit_delete": lambda w: w.clients.transfer.submit_delete(w.delete()),
    "transfer.task_list": lambda w: w.clients.transfer.task_list(query_params={"filter": f"task_id:{w.transfer}"}),
    "transfer.cancel_task": lambda w: w.clients.transfer.cancel_task(w.transfer),
    "transfer.get_endpoint": lambda w: w.clients.transfer.get_endpoint(w.source),
    "transfer.operation_mkdir": lambda w: w.clients.transfer.operation_mkdir(w.source, "/new"),
    "transfer.operation_rename": lambda w: w.clients.transfer.operation_rename(w.source, oldpath="/g", newpath="/i"),
    "transfer.operation_stat": lambda w: w.clients.transfer.operation_stat(w.source, "/f"),
    "compute.v2.get_version": lambda w: w.clients.compute_v2.get_version(),
    "compute.v2.get_version:all": lambda w: w.clients.compute_v2.get_version(service="all"),
    "compute.v2.get_endpoint": lambda w: w.clients.compute_v2.get_endpoint(w.sandbox.endpoint_id),
    "compute.v2.get_endpoint_status": lambda w: w.clients.compute_v2.get_endpoint_status(w.sandbox.endpoint_id),
    "compute.v2.get_endpoints": lambda w: w.clients.compute_v2.get_endpoints(),
    "compute.v2.get_function": lambda w: w.clients.compute_v2.get_function(w.function),
    "compute.v2.get_task": lambda w: w.clients.compute_v2.get_task(w.task),
    "compute.v2.get_task_batch": lambda w: w.clients.compute_v2.get_task_batch([w.task]),
    "compute.v2.get_task_group": lambda w: w.clients.compute_v2.get_task_group(w.group),
    "compute.v2.submit": lambda w: w.clients.compute_v2.submit(
        {"tasks": [[w.function, w.sandbox.endpoint_id, payload()]]}
    ),
    "compute.v3.submit": lambda w: w.clients.compute.submit(
        w.sandbox.endpoint_id, {"tasks": {w.function: [payload()]}}
    ),
    "compute.v3.register_function": lambda w: w.clients.compute.register_function(
        {"function_name": "n", "function_code": "c"}
    ),
    "compute.v3.get_endpoint_allowlist": lambda w: w.clients.compute.get_endpoint_allowlist(w.sandbox.endpoint_id),
    "groups.get_my_groups": lambda w: w.clients.groups.get_my_groups(),
    "groups.get_group": lambda w: w.clients.groups.get_group(w.sandbox.group_id),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_an_answer_has_all_that_the_canned_one_has(world: World, name: str) -> None:
    set_name, _, case = name.partition(":")
    canned = get_response_set(set_name).lookup(case or "default")
    canned = canned.responses[0] if isinstance(canned, ResponseList) else canned
    assert list(differences(canned.json, CALLS[name](world).data, "")) == []


def differences(canned: Any, ours: Any, place: str) -> Iterator[str]:
    """Yield where an answer lacks a key of the canned one, or has another type there."""
    if canned is None:
        return
    if kind(canned) != kind(ours):
        yield f"{place}: {kind(ours)} instead of {kind(canned)}"
    elif isinstance(canned, dict):
        for key, value in canned.items():
            where = f"{place}.{key}".lstrip(".")
            if any(f".{where}".endswith(f".{known}") for known in EXCEPTIONS):
                continue
            if is_id(key):
                yield from differences(value, next(iter(ours.values())), where)
            elif key not in ours:
                yield f"{where}: missing"
            else:
                yield from differences(value, ours[key], where)
    elif isinstance(canned, list) and canned and ours:
        yield from differences(canned[0], ours[0], f"{place}[0]")


def is_id(key: str) -> bool:
    """Return whether a key is the id of something of the canned answer."""
    return len(key) == 36 and key.count("-") == 4


def kind(value: Any) -> str:
    """Return the type of a value in JSON."""
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")
