"""The real Compute client registers real functions and gets what they return or raise."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import globus_sdk
import pytest
from globus_compute_sdk import Client
from globus_compute_sdk.errors import TaskExecutionFailed, TaskPending
from globus_compute_sdk.serialize import AllCodeStrategies, ComputeSerializer, PureSourceTextInspect

from xpcs_nb.testing import Sandbox


def add(first: int, second: int = 1) -> dict[str, int]:
    return {"sum": first + second}


def fail() -> None:
    print("a function may print")
    raise ValueError("no such frame: 17")


def process() -> int:
    import os

    return os.getpid()


def end() -> None:
    import os

    os._exit(3)


def large(size: int) -> str:
    return "x" * size


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    return shared_sandbox


@pytest.fixture
def compute(clients) -> Client:
    return Client(app=clients.app)


@pytest.fixture
def call(compute: Client, sandbox: Sandbox, until: Callable) -> Callable:
    def call(function: Callable, *args: object, **kwargs: object) -> object:
        function_id = compute.register_function(function)
        task = compute.run(*args, endpoint_id=sandbox.endpoint_id, function_id=function_id, **kwargs)
        until(lambda: not compute.get_task(task)["pending"])
        return compute.get_result(task)

    return call


def test_a_function_runs_in_another_process_with_its_arguments(call: Callable) -> None:
    assert call(add, 2, second=40) == {"sum": 42}
    assert call(process) != os.getpid()


def test_what_a_function_raises_reaches_the_client(call: Callable) -> None:
    with pytest.raises(TaskExecutionFailed, match="ValueError: no such frame: 17") as caught:
        call(fail)
    assert "serialization" not in str(caught.value)


def test_a_worker_that_dies_fails_its_task_only(call: Callable) -> None:
    with pytest.raises(TaskExecutionFailed, match=r"WorkerLost.* code 3"):
        call(end)
    assert call(add, 1) == {"sum": 2}


def test_results_over_the_limit_fail(call: Callable) -> None:
    assert len(call(large, 1_000_000)) == 1_000_000
    with pytest.raises(TaskExecutionFailed, match="MaxResultSizeExceeded"):
        call(large, 11 * 1024 * 1024)


def test_submissions_over_the_limit_are_refused(compute: Client, sandbox: Sandbox) -> None:
    function_id = compute.register_function(add)
    with pytest.raises(globus_sdk.GlobusAPIError, match="files carry the data") as caught:
        compute.run("x" * 11 * 1024 * 1024, endpoint_id=sandbox.endpoint_id, function_id=function_id)
    assert caught.value.http_status == 413


@pytest.mark.parametrize("strategy", [AllCodeStrategies, PureSourceTextInspect])
def test_all_ways_to_send_code_work(compute: Client, sandbox: Sandbox, call: Callable, strategy: type) -> None:
    compute.fx_serializer = ComputeSerializer(strategy_code=strategy())
    assert call(add, 1) == {"sum": 2}


def test_source_code_can_be_registered(compute: Client, sandbox: Sandbox, until: Callable) -> None:
    function_id = compute.register_source_code("def twice(x):\n    return 2 * x\n", "twice")
    task = compute.run(21, endpoint_id=sandbox.endpoint_id, function_id=function_id)
    until(lambda: not compute.get_task(task)["pending"])
    assert compute.get_result(task) == 42
    assert compute.get_function(function_id)["function_name"] == "twice"


def test_a_batch_is_one_group(compute: Client, clients, sandbox: Sandbox, until: Callable) -> None:
    function_id = compute.register_function(add)
    batch = compute.create_batch()
    for number in range(3):
        batch.add(function_id, args=(number,))
    answer = compute.batch_run(sandbox.endpoint_id, batch)
    tasks = answer["tasks"][function_id]
    until(lambda: len([one for one in compute.get_batch_result(tasks).values() if not one["pending"]]) == 3)
    assert [compute.get_batch_result(tasks)[task]["result"] for task in tasks] == [{"sum": n + 1} for n in range(3)]
    group = clients.compute_v2.get_task_group(answer["task_group_id"])
    assert {one["id"] for one in group["tasks"]} == set(tasks)


def test_version_2_of_the_interface_submits_too(compute: Client, clients, sandbox: Sandbox, until: Callable) -> None:
    serializer = ComputeSerializer()
    code = serializer.pack_buffers([serializer.serialize(add)])
    registered = clients.compute_v2.register_function({"function_name": "add", "function_code": code})
    payload = serializer.pack_buffers([serializer.serialize((1,)), serializer.serialize({"second": 5})])
    tasks = [[registered["function_uuid"], sandbox.endpoint_id, payload]]
    task = clients.compute_v2.submit({"tasks": tasks})["results"][0]["task_uuid"]
    until(lambda: not compute.get_task(task)["pending"])
    assert compute.get_result(task) == {"sum": 6}


def test_tasks_wait_while_the_endpoint_is_offline(compute: Client, sandbox: Sandbox, until: Callable) -> None:
    sandbox.set_endpoint(online=False)
    assert compute.get_endpoint_status(sandbox.endpoint_id)["status"] == "offline"
    task = compute.run(1, endpoint_id=sandbox.endpoint_id, function_id=compute.register_function(add))
    with pytest.raises(TaskPending):
        compute.get_result(task)
    sandbox.set_endpoint()
    until(lambda: not compute.get_task(task)["pending"])
    assert compute.get_result(task) == {"sum": 2}


def test_a_task_fails_on_request(sandbox: Sandbox, call: Callable) -> None:
    sandbox.fail_task("compute", "the node went away")
    with pytest.raises(TaskExecutionFailed, match="the node went away"):
        call(add, 1)
    assert call(add, 1) == {"sum": 2}


def test_unknown_endpoints_and_functions_are_refused(compute: Client, sandbox: Sandbox) -> None:
    unknown = "5f0a0000-0000-4000-8000-0000000000ff"
    with pytest.raises(globus_sdk.GlobusAPIError, match=r"Function .* could not be resolved"):
        compute.run(endpoint_id=sandbox.endpoint_id, function_id=unknown)
    with pytest.raises(globus_sdk.GlobusAPIError, match=r"Endpoint .* could not be resolved") as caught:
        compute.run(endpoint_id=unknown, function_id=compute.register_function(add))
    assert caught.value.http_status == 404


def test_as_many_tasks_run_at_once_as_there_are_workers(
    serve: Callable, log_in: Callable, tmp_path: Path, until: Callable
) -> None:
    def meet(folder: str, own: str, other: str) -> bool:
        import time
        from pathlib import Path

        Path(folder, own).touch()
        deadline = time.monotonic() + 20
        while not (there := Path(folder, other).exists()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return there

    with ExitStack() as stack:
        sandbox = stack.enter_context(serve(tmp_path / "two", {}, workers=2))
        compute = Client(app=log_in(sandbox, stack).app)
        function_id = compute.register_function(meet)
        names = [("a", "b"), ("b", "a")]
        tasks = [
            compute.run(str(tmp_path), *pair, endpoint_id=sandbox.endpoint_id, function_id=function_id)
            for pair in names
        ]
        until(lambda: not any(compute.get_task(task)["pending"] for task in tasks), 40)
        assert [compute.get_result(task) for task in tasks] == [True, True]
