"""What flow runs do at the sandbox: its own functions, collections and index, with its faults."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from globus_compute_sdk.serialize import ComputeSerializer

from xpcs_nb.facility.local import ActionRefusedError, Done, Work
from xpcs_nb.testing.sandbox._attention import Attention
from xpcs_nb.testing.sandbox._collections import Collection, Collections
from xpcs_nb.testing.sandbox._compute_tasks import ComputeTask, ComputeTasks
from xpcs_nb.testing.sandbox._search_index import SearchIndices
from xpcs_nb.testing.sandbox._service import Refusal
from xpcs_nb.testing.sandbox._transfer_tasks import TransferTasks

__all__ = ["SandboxActions"]

#: s between looks at what an action waits for.
PATIENCE = 0.05
#: As at Globus Compute: bytes of arguments.
ARGUMENT_BYTES = 10 * 1024 * 1024


class SandboxActions:
    """Stands between the runs of `xpcs_nb.facility.local.LocalServices` and their actions."""

    def __init__(
        self,
        collections: Collections,
        transfers: TransferTasks,
        compute: ComputeTasks,
        endpoint_id: str,
        indices: SearchIndices,
        attention: Attention,
    ) -> None:
        self._collections = collections
        self._transfers = transfers
        self._compute = compute
        self._endpoint_id = endpoint_id
        self._indices = indices
        self._attention = attention

    def __call__(self, url: str, work: Work, go: Callable[[], Done]) -> Done:
        """Carry out an action; those on files are left to this machine once their collections are there."""
        self._attention.hold(work)
        try:
            if "compute.actions" in url:
                return self._run(work, v3=url.endswith("/v3"))
            if "search" in url:
                return self._search(work, delete=url.endswith("/delete"))
            return self._move(url, work, go)
        except Refusal as refusal:
            raise ActionRefusedError(str(refusal)) from refusal

    def _move(self, url: str, work: Work, go: Callable[[], Done]) -> Done:
        ends = ("source_endpoint", "destination_endpoint", "endpoint")
        ids = [work.body[key] for end in ends for key in (end, f"{end}_id") if work.body.get(key)]
        collections = [self._collections.get(one) for one in ids]
        if any(one.paused or not one.online for one in collections):
            work.report({"status": "ACTIVE", "nice_status": "GC_NOT_CONNECTED", "is_ok": False})
        while any(one.paused or not one.online for one in collections):
            work.check()
            time.sleep(PATIENCE)
        operation = url.rpartition("/")[2]
        if operation == "set_permission":
            self._allow(collections[0], work.body)
        reason = self._transfers.next_failure() if operation in {"transfer", "delete"} else None
        if reason is not None:
            fatal = {"code": "ENDPOINT_ERROR", "description": reason}
            return Done("FAILED", {"status": "FAILED", "nice_status": "ENDPOINT_ERROR", "fatal_error": fatal}, reason)
        return go()

    def _allow(self, collection: Collection, body: Mapping[str, Any]) -> None:
        rule = {key: body.get(key) for key in ("principal", "principal_type", "path", "permissions")}
        try:
            self._collections.allow(collection.id, rule)
        except Refusal as refusal:
            # The same dataset published again.
            if refusal.code != "Exists":
                raise

    def _run(self, work: Work, *, v3: bool) -> Done:
        calls = _calls_v3(work.body) if v3 else _calls_v2(work.body)
        for endpoint, _, _, _ in calls:
            if endpoint != self._endpoint_id:
                raise ActionRefusedError(f"Endpoint {endpoint} could not be resolved")
        payloads = [_payload(args, kwargs) for _, _, args, kwargs in calls]
        size = sum(map(len, payloads))
        if size > ARGUMENT_BYTES:
            problem = f"the arguments have {size} bytes; at most {ARGUMENT_BYTES} are allowed: files carry the data"
            raise ActionRefusedError(problem)
        tasks = [
            self._compute.submit(function, payload, work.action_id)
            for (_, function, _, _), payload in zip(calls, payloads, strict=True)
        ]
        for task in tasks:
            while not self._compute.wait(task, PATIENCE):
                work.check()
        return _ended(work, tasks)

    def _search(self, work: Work, *, delete: bool) -> Done:
        body = work.body
        index = str(body.get("search_index") or body.get("index_id") or "")
        if delete:
            subjects = body.get("subjects") or [body.get("subject")]
            task = self._indices.remove(index, [str(one) for one in subjects])
            count = {"num_subjects_deleted": len(subjects)}
        else:
            data = body.get("ingest_data") or body
            entries = data.get("gmeta") or [data]
            task = self._indices.ingest(index, entries)
            count = {"num_documents_ingested": len(entries)}
        while (state := self._indices.task(task["task_id"]))["state"] == "PENDING":
            work.check()
            time.sleep(PATIENCE)
        if state["state"] == "FAILED":
            return Done(
                "FAILED", {"acknowledged": False, "success": False, "error": state["message"]}, state["message"]
            )
        return Done("SUCCEEDED", {"acknowledged": True, "success": True, **count, "task_id": task["task_id"]})


type _Call = tuple[str, str, Sequence[Any], Mapping[str, Any]]


def _calls_v2(body: Mapping[str, Any]) -> list[_Call]:
    tasks = body.get("tasks") or []
    return [
        (
            str(one.get("endpoint") or one.get("endpoint_id")),
            str(one.get("function") or one.get("function_id")),
            [],
            one.get("payload") or {},
        )
        for one in tasks
    ]


def _calls_v3(body: Mapping[str, Any]) -> list[_Call]:
    endpoint, tasks = str(body.get("endpoint_id")), body.get("tasks") or []
    return [(endpoint, str(one.get("function_id")), one.get("args") or [], one.get("kwargs") or {}) for one in tasks]


def _payload(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    serializer = ComputeSerializer()
    parts = [serializer.serialize(tuple(args)), serializer.serialize(dict(kwargs))]
    return str(serializer.pack_buffers(parts))


def _ended(work: Work, tasks: Sequence[ComputeTask]) -> Done:
    results = [{"task_id": task.id, **_result(task)} for task in tasks]
    details: dict[str, Any] = {"task_group_id": work.action_id, "results": results}
    failed = sum("exception" in result for result in results)
    if failed:
        return Done("FAILED", details, f"{failed} of {len(tasks)} tasks failed")
    return Done("SUCCEEDED", {**details, "result": [result["output"] for result in results]})


def _result(task: ComputeTask) -> dict[str, Any]:
    if task.report["status"] != "success":
        return {"exception": task.report["exception"]}
    output = ComputeSerializer().deserialize(task.report["result"])
    try:
        json.dumps(output, allow_nan=False)
    except (TypeError, ValueError) as error:
        return {"exception": f"the function returned what is no JSON: {error}"}
    return {"output": output}
