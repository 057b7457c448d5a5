"""Globus Compute: one endpoint, functions that clients register, and tasks on it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from globus_compute_sdk import __version__

from xpcs_nb.testing.sandbox._compute_tasks import ComputeTask, ComputeTasks
from xpcs_nb.testing.sandbox._service import Refusal, Request, Service, new_id, route

__all__ = ["ComputeService"]

#: As at Globus Compute: bytes of a submission.
SUBMISSION_BYTES = 10 * 1024 * 1024


class ComputeService(Service):
    """The compute service with its single endpoint."""

    name: ClassVar[str] = "compute"
    scope_prefix: ClassVar[str] = "https://auth.globus.org/scopes/facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/"

    def __init__(self, endpoint_id: str, workers: int) -> None:
        super().__init__()
        self.endpoint_id = endpoint_id
        self.tasks = ComputeTasks(workers)
        self._groups: dict[str, bool] = {}

    def close(self) -> None:
        """End the workers."""
        self.tasks.close()

    def refusal(self, refusal: Refusal, path: str) -> Any:
        """Return the refusal as Globus Compute words it."""
        return {
            "status": "Failed",
            "code": refusal.code,
            "error_args": [],
            "http_status_code": refusal.status,
            "reason": str(refusal),
        }

    @route("GET", "/v2/version", public=True)
    def version(self, request: Request) -> Any:
        """Say which clients are new enough."""
        if request.query.get("service") != "all":
            return __version__
        oldest = {"min_sdk_version": "1.0.0", "min_ep_version": "1.0.0", "min_endpoint_version": "1.0.0"}
        return {"api": __version__, "git_sha": "", **oldest}

    @route("GET", "/v2/endpoints", "all")
    def endpoints(self, request: Request) -> Any:
        """List the endpoint."""
        names = {"name": "sandbox", "display_name": "Sandbox"}
        return [{"uuid": self.endpoint_id, **names, "owner": request.by.identity_id}]

    @route("GET", "/v2/endpoints/<endpoint_id>", "all")
    def endpoint(self, request: Request, endpoint_id: str) -> Any:
        """Describe the endpoint."""
        self._check(endpoint_id)
        return {
            "uuid": endpoint_id,
            "name": "sandbox",
            "display_name": "Sandbox",
            "description": "worker processes of this machine",
            "multi_user": False,
            "public": False,
            "endpoint_config": "engine:\n  type: GlobusComputeEngine",
            "user_config_template": "",
            "user_config_schema": {},
            "hostname": "localhost",
            "local_user": "sandbox",
            "ip_address": "127.0.0.1",
            "endpoint_version": __version__,
            "sdk_version": __version__,
            "subscription_uuid": endpoint_id,
        }

    @route("GET", "/v2/endpoints/<endpoint_id>/status", "all")
    def status(self, request: Request, endpoint_id: str) -> Any:
        """Say whether the endpoint is online."""
        self._check(endpoint_id)
        workers, waiting = self.tasks.workers, self.tasks.waiting()
        details = {"total_workers": workers, "idle_workers": 0, "managers": 1}
        details |= {"pending_tasks": waiting, "outstanding_tasks": waiting}
        return {"status": "online" if self.tasks.online else "offline", "details": details}

    @route("GET", "/v3/endpoints/<endpoint_id>/allowed_functions", "all")
    def allowed(self, request: Request, endpoint_id: str) -> Any:
        """Say that all functions are allowed."""
        self._check(endpoint_id)
        return {"endpoint_id": endpoint_id, "restricted": False, "functions": list(self.tasks.functions)}

    @route("POST", "/v2/functions", "all")
    @route("POST", "/v3/functions", "all")
    def register(self, request: Request) -> Any:
        """Keep a function under a new id."""
        document = request.json()
        if not document.get("function_code") or not document.get("function_name"):
            raise Refusal(400, "function_code and function_name are needed", "INVALID_REQUEST")
        function_id = new_id()
        # Those who register source text say so; older clients say nothing of either.
        self.tasks.functions[function_id] = {"serialized": True, **document}
        return {"function_uuid": function_id}

    @route("GET", "/v2/functions/<function_id>", "all")
    def function(self, request: Request, function_id: str) -> Any:
        """Describe a function."""
        document = self._function(function_id)
        kept = {key: document.get(key) or "" for key in ("function_name", "function_code", "description")}
        return {
            "function_uuid": function_id,
            **kept,
            "metadata": document.get("meta") or document.get("metadata") or {},
        }

    @route("DELETE", "/v2/functions/<function_id>", "all")
    def delete_function(self, request: Request, function_id: str) -> Any:
        """Forget a function."""
        self._function(function_id)
        del self.tasks.functions[function_id]
        return {"result": 302}

    @route("POST", "/v3/endpoints/<endpoint_id>/submit", "all")
    def submit(self, request: Request, endpoint_id: str) -> Any:
        """Queue tasks, by function."""
        self._check(endpoint_id)
        document = self._submission(request)
        group = document.get("task_group_id") or new_id()
        for function_id in document["tasks"]:
            self._function(function_id)
        tasks = {
            function_id: [self.tasks.submit(function_id, payload, group).id for payload in payloads]
            for function_id, payloads in document["tasks"].items()
        }
        self._groups[group] = bool(document.get("create_queue"))
        return {"request_id": new_id(), "task_group_id": group, "endpoint_id": endpoint_id, "tasks": tasks}

    @route("POST", "/v2/submit", "all")
    def submit_v2(self, request: Request) -> Any:
        """Queue tasks, each given as function, endpoint and payload."""
        document = self._submission(request)
        group = document.get("task_group_id") or new_id()
        for function_id, endpoint_id, _ in document["tasks"]:
            self._check(endpoint_id)
            self._function(function_id)
        tasks = [self.tasks.submit(function_id, payload, group) for function_id, _, payload in document["tasks"]]
        self._groups[group] = bool(document.get("create_websocket_queue"))
        done = {"status": "success", "http_status_code": 200, "reason": None}
        return {
            "response": "success",
            "task_group_id": group,
            "results": [{**done, "task_uuid": task.id} for task in tasks],
        }

    @route("GET", "/v2/tasks/<task_id>", "all")
    def task(self, request: Request, task_id: str) -> Any:
        """Return a task as it stands."""
        return self.tasks.get(task_id).document()

    @route("POST", "/v2/batch_status", "all")
    def batch_status(self, request: Request) -> Any:
        """Return many tasks as they stand."""
        wanted = request.json().get("task_ids") or []
        return {"response": "batch", "results": {task_id: self.tasks.get(task_id).document() for task_id in wanted}}

    @route("GET", "/v2/taskgroup/<group>", "all")
    def task_group(self, request: Request, group: str) -> Any:
        """List the tasks of a group."""
        tasks = [{"id": task.id, "created_at": _iso(task)} for task in self.tasks.group(group)]
        return {"taskgroup_id": group, "create_websockets_queue": self._groups.get(group, False), "tasks": tasks}

    def _check(self, endpoint_id: str) -> None:
        if endpoint_id != self.endpoint_id:
            raise Refusal(404, f"Endpoint {endpoint_id} could not be resolved", "ENDPOINT_NOT_FOUND")

    def _function(self, function_id: str) -> dict[str, Any]:
        if function_id not in self.tasks.functions:
            raise Refusal(404, f"Function {function_id} could not be resolved", "FUNCTION_NOT_FOUND")
        return self.tasks.functions[function_id]

    def _submission(self, request: Request) -> dict[str, Any]:
        if len(request.body) > SUBMISSION_BYTES:
            size = f"{len(request.body)} bytes, the limit is {SUBMISSION_BYTES}"
            raise Refusal(413, f"The submission has {size}: files carry the data", "TASK_PAYLOAD_TOO_LARGE")
        document = request.json()
        if not document.get("tasks"):
            raise Refusal(400, "no tasks", "INVALID_REQUEST")
        return dict(document)


def _iso(task: ComputeTask) -> str:
    return datetime.fromtimestamp(task.created, UTC).replace(tzinfo=None).isoformat()
