"""Flows and runs as Globus Flows describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from xpcs_nb.errors import FlowDefinitionError
from xpcs_nb.facility import RunDocument
from xpcs_nb.testing.sandbox._service import Refusal, Request

__all__ = ["Flow", "Run", "check_input", "findings", "page"]

#: What a client may set of a flow, and what it is otherwise.
SETTABLE: dict[str, Any] = {
    "title": "",
    "definition": {},
    "input_schema": {},
    "subtitle": "",
    "description": "",
    "keywords": [],
    "flow_viewers": [],
    "flow_starters": [],
    "flow_administrators": [],
    "run_managers": [],
    "run_monitors": [],
    "subscription_id": None,
    "flow_owner": None,
}


@dataclass
class Flow:
    """A deployed flow.

    Attributes
    ----------
    deployed
        Id of the definition where runs are carried out; another one after each change.
    """

    id: str
    owner: str
    deployed: str
    fields: dict[str, Any]
    created: str = field(default_factory=lambda: now())
    updated: str = field(default_factory=lambda: now())

    @property
    def scope(self) -> str:
        """The scope that a token needs to run it."""
        return f"https://auth.globus.org/scopes/{self.id}/flow_{self.id.replace('-', '_')}_user"

    def document(self, url: str) -> dict[str, Any]:
        """Return the flow as the service describes it."""
        kept = SETTABLE | self.fields
        return {
            **kept,
            "id": self.id,
            "globus_auth_scope": self.scope,
            "globus_auth_username": f"{self.id}@clients.auth.globus.org",
            "synchronous": False,
            "log_supported": True,
            "types": ["Action"],
            "api_version": "1.0",
            "principal_urn": f"urn:globus:auth:identity:{self.id}",
            "created_at": self.created,
            "updated_at": self.updated,
            "created_by": self.owner,
            "user_role": "flow_owner",
            "visible_to": kept["flow_viewers"],
            "runnable_by": kept["flow_starters"],
            "administered_by": kept["flow_administrators"],
            "action_url": f"{url}/flows/{self.id}",
            "flow_url": f"{url}/flows/{self.id}",
            "flow_owner": kept["flow_owner"] or self.owner,
        }

    def summary(self) -> dict[str, Any]:
        """Return what runs say of their flow."""
        kept = SETTABLE | self.fields
        summary = {key: kept[key] for key in ("title", "subtitle", "description", "keywords")}
        times = {"created_at": self.created, "updated_at": self.updated, "created_by": self.owner}
        return {**summary, **times, "id": self.id, "flow_owner": self.owner, "globus_auth_scope": self.scope}


@dataclass
class Run:
    """What the service keeps of a run beside its state."""

    id: str
    flow: Flow
    owner: str
    label: str
    tags: list[str]
    managers: list[str]
    monitors: list[str]
    definition: Mapping[str, Any]
    schema: Mapping[str, Any]
    flow_updated: str

    def document(self, run: RunDocument) -> dict[str, Any]:
        """Return the run as the service describes it."""
        return {
            **run,
            "run_id": self.id,
            "action_id": self.id,
            "flow_id": self.flow.id,
            "flow_title": self.flow.fields.get("title", ""),
            "flow_last_updated": self.flow_updated,
            "label": self.label,
            "tags": self.tags,
            "display_status": run["status"],
            "created_by": self.owner,
            "run_owner": self.owner,
            "run_managers": self.managers,
            "manage_by": self.managers,
            "run_monitors": self.monitors,
            "monitor_by": self.monitors,
            "user_role": "run_owner",
        }


def now() -> str:
    """Return the time as the service writes it."""
    return datetime.now(UTC).isoformat()


def findings(error: FlowDefinitionError) -> Refusal:
    """Return the refusal of a definition, with all that was found."""
    _, *found = str(error).split("\n- ")
    details = [_finding(one) for one in found or [str(error)]]
    count = f"{len(details)} validation error{'s' if len(details) > 1 else ''} in body"
    text = " ".join(f"$.{'.'.join(one['loc'])}: {one['msg']}" for one in details)
    return Refusal(422, text, "UNPROCESSABLE_ENTITY", detail=details, message=f"{count}. {text}")


def _finding(text: str) -> dict[str, Any]:
    place, colon, message = text.partition(": ")
    loc = ["definition", *(place.split(".") if colon and " " not in place else [])]
    return {"loc": loc, "msg": message if len(loc) > 1 else text, "type": "value_error"}


def check_input(schema: Mapping[str, Any], body: Any) -> None:
    """Refuse an input that the flow's schema does not allow."""
    # Seconds to import, which not every user of `xpcs_nb.testing` should wait for.
    import jsonschema

    errors = list(jsonschema.Draft7Validator(dict(schema)).iter_errors(body))
    if errors:
        details = [{"loc": [one.json_path], "type": "InvalidActionInput", "msg": one.message} for one in errors]
        message = f"Input failed schema validation with {len(errors)} error{'s' if len(errors) > 1 else ''}."
        raise Refusal(400, message, "FLOW_INPUT_ERROR", detail=details, message=message)


def page(key: str, items: Sequence[Any], request: Request, default: int) -> dict[str, Any]:
    """Return a page of a list; its marker leads to the next one."""
    try:
        limit = min(int(request.query.get("limit") or request.query.get("per_page") or default), 100)
        start = int(request.query.get("marker") or 0)
    except ValueError as error:
        raise Refusal(422, f"bad limit or marker: {error}", "UNPROCESSABLE_ENTITY") from error
    end = start + limit
    more = end < len(items)
    document: dict[str, Any] = {key: items[start:end], "limit": limit, "has_next_page": more}
    return document | {"marker": str(end) if more else None}
