"""Runs and logs of Globus Flows in the shape that all facilities share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xpcs_nb.facility._services import LogEntry, RunDocument

__all__ = ["REQUEST", "log_entry", "run_document"]

#: Begins the tag by which a run is found again whose start was not answered.
REQUEST = "request:"

#: What `details` may have beside code and description.
DETAILS = ("output", "state_name", "error", "cause")


def run_document(answer: Mapping[str, Any], *, output: bool = True) -> RunDocument:
    """Pick what a `RunDocument` has out of what the service answers; without ``output`` on request."""
    details = answer.get("details") or {}
    # Of a failure, the service tells more one level further in.
    inner = details.get("details")
    inner = inner if isinstance(inner, Mapping) else {}
    shown: dict[str, Any] = {name: details[name] for name in ("code", "description") if name in details}
    for name in DETAILS if output else DETAILS[1:]:
        if name in details or name in inner:
            shown[name] = details.get(name, inner.get(name))
    return {
        "run_id": str(answer["run_id"]),
        "flow_id": str(answer["flow_id"]),
        "flow_title": answer.get("flow_title") or "",
        "label": answer.get("label") or "",
        "tags": [tag for tag in answer.get("tags") or [] if not tag.startswith(REQUEST)],
        "status": answer["status"],
        "start_time": answer["start_time"],
        "completion_time": answer.get("completion_time"),
        "details": shown,
    }


def log_entry(answer: Mapping[str, Any]) -> LogEntry:
    """Pick what a `LogEntry` has."""
    entry: LogEntry = {"time": answer["time"], "code": answer["code"], "description": answer.get("description") or ""}
    if answer.get("details") is not None:
        entry["details"] = dict(answer["details"])
    return entry
