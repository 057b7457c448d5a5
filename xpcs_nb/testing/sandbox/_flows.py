"""Globus Flows: flows are deployed, checked and run."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

from globus_sdk.scopes import FlowsScopes

from xpcs_nb.errors import FlowDefinitionError, FlowError
from xpcs_nb.facility import FlowService, RunDocument
from xpcs_nb.testing.sandbox._attention import Attention
from xpcs_nb.testing.sandbox._flow_documents import SETTABLE, Flow, Run, check_input, findings, now, page
from xpcs_nb.testing.sandbox._service import Refusal, Request, Service, new_id, route

__all__ = ["FlowsService"]

ENDED = {"SUCCEEDED", "FAILED", "ENDED"}


class FlowsService(Service):
    """Flows and runs, carried out by the flow service of a facility.

    Parameters
    ----------
    url
        Where the service is, for its links.
    engine
        What checks definitions and carries out runs.
    attention
        Knows which of them wait to be resumed.
    """

    name: ClassVar[str] = "flows"
    scope_prefix: ClassVar[str] = f"https://auth.globus.org/scopes/{FlowsScopes.client_id}/"

    def __init__(self, url: str, engine: FlowService, attention: Attention) -> None:
        super().__init__()
        self.url = url
        self.engine = engine
        self.attention = attention
        self.flows: dict[str, Flow] = {}
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()

    def refusal(self, refusal: Refusal, path: str) -> Any:
        """Return the refusal as Globus Flows words it."""
        code = "AUTHENTICATION_ERROR" if refusal.status == 401 else refusal.code
        return {"error": {"code": code, "detail": str(refusal), **refusal.more}, "debug_id": new_id()}

    @route("POST", "/flows", "manage_flows")
    def create(self, request: Request) -> Any:
        """Deploy a flow."""
        fields = self._fields(request, {"title", "definition", "input_schema"})
        deployed = self._deploy(fields)
        flow = Flow(new_id(), request.by.urn, deployed, fields)
        with self._lock:
            self.flows[flow.id] = flow
        return flow.document(self.url)

    @route("POST", "/flows/validate", "manage_flows")
    def validate(self, request: Request) -> Any:
        """Check a definition."""
        self._deploy({"title": "", **self._fields(request, {"definition"})})
        return {"scopes": {"User": []}}

    @route("GET", "/flows", "view_flows")
    def list_flows(self, request: Request) -> Any:
        """List the flows, newest first."""
        wanted = request.query.get("filter_fulltext", "").lower()
        with self._lock:
            flows = [flow.document(self.url) for flow in reversed(self.flows.values())]
        if wanted:
            words = ("id", "title", "subtitle", "description")
            flows = [flow for flow in flows if any(wanted in str(flow[word]).lower() for word in words)]
        return page("flows", flows, request, 20)

    @route("GET", "/flows/<flow_id>", "view_flows")
    def get(self, request: Request, flow_id: str) -> Any:
        """Return a flow."""
        return self._flow(flow_id).document(self.url)

    @route("PUT", "/flows/<flow_id>", "manage_flows")
    def update(self, request: Request, flow_id: str) -> Any:
        """Deploy another version of a flow; runs under way go on with theirs."""
        flow = self._flow(flow_id)
        fields = flow.fields | self._fields(request, set())
        deployed = self._deploy(fields)
        with self._lock:
            flow.fields, flow.deployed, flow.updated = fields, deployed, now()
        return flow.document(self.url)

    @route("DELETE", "/flows/<flow_id>", "manage_flows")
    def delete(self, request: Request, flow_id: str) -> Any:
        """Remove a flow."""
        flow = self._flow(flow_id)
        with self._lock:
            del self.flows[flow_id]
        return {**flow.document(self.url), "DELETED": True, "deleted_at": now()}

    @route("POST", "/flows/<flow_id>/validate_run")
    def validate_run(self, request: Request, flow_id: str) -> Any:
        """Check what a run would be started with."""
        flow = self._startable(request, flow_id)
        check_input(flow.fields["input_schema"], request.json().get("body"))
        return {"message": "validation successful"}

    @route("POST", "/flows/<flow_id>/run")
    def run(self, request: Request, flow_id: str) -> Any:
        """Start a run."""
        flow = self._startable(request, flow_id)
        document = request.json()
        body, label, tags = document.get("body"), document.get("label") or "", document.get("tags") or []
        if not isinstance(body, dict):
            raise Refusal(422, "body: an object is needed", "UNPROCESSABLE_ENTITY")
        if len(label) > 64:
            raise Refusal(422, "label: has at most 64 characters", "UNPROCESSABLE_ENTITY")
        check_input(flow.fields["input_schema"], body)
        try:
            started = self.engine.start(flow.deployed, body, label=label, tags=tags)
        except FlowError as error:
            raise Refusal(400, str(error), "FLOW_INPUT_ERROR") from error
        managers, monitors = document.get("run_managers") or [], document.get("run_monitors") or []
        definition, schema = flow.fields["definition"], flow.fields["input_schema"]
        run = Run(
            started["run_id"], flow, request.by.urn, label, tags, managers, monitors, definition, schema, flow.updated
        )
        with self._lock:
            self._runs[run.id] = run
        return run.document(started)

    @route("GET", "/runs", "run_status")
    def list_runs(self, request: Request) -> Any:
        """List runs, newest first, without their output."""
        with self._lock:
            runs = list(reversed(self._runs.values()))
        if request.query.get("filter_flow_id"):
            wanted = set(request.query["filter_flow_id"].split(","))
            runs = [run for run in runs if run.flow.id in wanted]
        answer = page("runs", runs, request, 20)
        return answer | {"runs": [self._without_output(run.document(self._state(run))) for run in answer["runs"]]}

    @route("GET", "/runs/<run_id>", "run_status")
    def get_run(self, request: Request, run_id: str) -> Any:
        """Return a run as it stands."""
        run = self._run(run_id)
        document = run.document(self._state(run))
        if request.query.get("include_flow_description", "").lower() == "true":
            document["flow_description"] = run.flow.summary()
        return document

    @route("GET", "/runs/<run_id>/definition", "run_status")
    def get_definition(self, request: Request, run_id: str) -> Any:
        """Return the definition that a run is of."""
        run = self._run(run_id)
        return {"flow_id": run.flow.id, "definition": run.definition, "input_schema": run.schema}

    @route("GET", "/runs/<run_id>/log", "run_status")
    def get_log(self, request: Request, run_id: str) -> Any:
        """Return events of a run, oldest first unless asked otherwise."""
        entries = self.engine.log(self._run(run_id).id)
        if request.query.get("reverse_order", "").lower() == "true":
            entries = entries[::-1]
        return page("entries", entries, request, 10)

    @route("PUT", "/runs/<run_id>", "run_manage")
    def update_run(self, request: Request, run_id: str) -> Any:
        """Change label, tags, or who may see a run."""
        run = self._run(run_id)
        document = request.json()
        run.label = document.get("label") or run.label
        run.tags = document.get("tags") or run.tags
        run.managers = document.get("run_managers") or run.managers
        run.monitors = document.get("run_monitors") or run.monitors
        return run.document(self._state(run))

    @route("POST", "/runs/<run_id>/cancel")
    def cancel(self, request: Request, run_id: str) -> Any:
        """End a run as soon as possible."""
        run = self._run(run_id)
        self._manageable(request, run)
        if self._state(run)["status"] in ENDED:
            raise Refusal(409, f"Run {run_id} has ended already", "STATE_CONFLICT")
        return run.document(self.engine.cancel(run.id))

    @route("POST", "/runs/<run_id>/resume")
    def resume(self, request: Request, run_id: str) -> Any:
        """Go on with a run that is inactive; one that has failed has ended, here as on Globus."""
        run = self._run(run_id)
        self._manageable(request, run)
        status = self._state(run)["status"]
        if status != "INACTIVE":
            problem = f"Run {run_id} has status '{status}' but must have status in {{'INACTIVE'}}"
            raise Refusal(409, problem, "STATE_CONFLICT")
        if not self.attention.resume(run.id):
            self.engine.retry(run.id)
        return run.document(self._state(run))

    @route("POST", "/runs/<run_id>/release", "run_manage")
    def release(self, request: Request, run_id: str) -> Any:
        """Forget a run that has ended."""
        run = self._run(run_id)
        state = self._state(run)
        if state["status"] not in ENDED:
            problem = f"Run {run_id} has status '{state['status']}' but must have status in {sorted(ENDED)}"
            raise Refusal(409, problem, "STATE_CONFLICT")
        with self._lock:
            del self._runs[run_id]
        return run.document(state)

    def _fields(self, request: Request, needed: set[str]) -> dict[str, Any]:
        fields = {key: value for key, value in request.json().items() if key in SETTABLE}
        missing = [{"loc": [key], "msg": "field required", "type": "value_error.missing"} for key in needed - {*fields}]
        if missing:
            raise Refusal(422, "fields are missing", "UNPROCESSABLE_ENTITY", detail=missing)
        return fields

    def _deploy(self, fields: dict[str, Any]) -> str:
        try:
            return self.engine.deploy(fields["title"], fields["definition"])[0]
        except FlowDefinitionError as error:
            raise findings(error) from error

    def _flow(self, flow_id: str) -> Flow:
        with self._lock:
            if flow_id not in self.flows:
                raise Refusal(404, f"No flow exists with id value {flow_id}")
            return self.flows[flow_id]

    def _run(self, run_id: str) -> Run:
        with self._lock:
            if run_id not in self._runs:
                raise Refusal(404, f"No run exists with id value {run_id}")
            return self._runs[run_id]

    def _state(self, run: Run) -> RunDocument:
        document = self.engine.get(run.id)
        if document["status"] == "ACTIVE" and self.attention.holds(run.id):
            details = {**document["details"], "code": "ConsentRequired", "description": "The run needs a consent"}
            return {**document, "status": "INACTIVE", "details": details}
        return document

    def _startable(self, request: Request, flow_id: str) -> Flow:
        flow = self._flow(flow_id)
        if flow.scope not in request.by.scopes:
            raise Refusal(403, f"This action requires the following scope: {flow.scope}", "MISSING_SCOPE")
        return flow

    def _manageable(self, request: Request, run: Run) -> None:
        enough = {f"{self.scope_prefix}run_manage", f"{self.scope_prefix}all", run.flow.scope}
        if not enough & request.by.scopes:
            raise Refusal(403, f"This needs one of the scopes {', '.join(sorted(enough))}", "MISSING_SCOPE")

    @staticmethod
    def _without_output(document: dict[str, Any]) -> dict[str, Any]:
        details = {key: value for key, value in document["details"].items() if key != "output"}
        return {**document, "details": details}
