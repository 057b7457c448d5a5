"""Runs as plain values for a list: how far they are, and why they failed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xpcs_nb.flows import Facility, Run

__all__ = ["made_by", "run_details", "run_row", "step_row"]

#: Runs that are looked through for those that made a record.
RECENT = 200
#: Statuses that a run leaves by a retry.
CAN_RETRY = {"FAILED", "INACTIVE", "ENDED"}
#: Characters of a label that Globus Flows keeps.
LABEL = 64


def run_row(run: Run, site: str, *, deep: bool) -> dict[str, Any]:
    """Return what a list shows of a run.

    Parameters
    ----------
    run
        As listed.
    site
        Where it runs.
    deep
        Whether to ask for its steps, which costs a request more.
    """
    known = run.listed or run.document
    status = known["status"]
    row: dict[str, Any] = {
        "id": run.id,
        "site": site,
        "label": known["label"] or run.id,
        "status": status,
        "flow": next((tag for tag in known.get("tags") or () if tag != "xpcs_nb"), known.get("flow_title") or ""),
        "start": known["start_time"],
        "end": known["completion_time"],
        "seconds": _seconds(known["start_time"], known["completion_time"]),
        "can_retry": status in CAN_RETRY,
        "can_cancel": status in {"ACTIVE", "INACTIVE"},
    }
    if deep:
        steps = run.steps
        done = sum(step.state == "succeeded" for step in steps)
        total = done if status == "SUCCEEDED" else max(run.n_steps, done + (status == "ACTIVE"))
        failed = next((step.error for step in reversed(steps) if step.error), None)
        row |= {"done": done, "total": total, "step": steps[-1].name if steps else None, "error": _last_line(failed)}
    return row


def run_details(run: Run, site: str) -> dict[str, Any]:
    """Return all that is known of a run: its row, steps, log, failures, and the subjects of its records."""
    about = run.about
    published = about.get("published")
    subject = about.get("subject")
    batch = about.get("flow") == "batch"
    return {
        **run_row(run, site, deep=True),
        "steps": [step_row(step) for step in run.steps],
        "log": run.log(),
        "failures": run.failures,
        "subjects": [f"{published}/{name}" for name in run.datasets] if batch and published else [subject or ""],
    }


def step_row(step: Any) -> dict[str, Any]:
    """Return what a list shows of a step."""
    return {
        "name": step.name,
        "state": step.state,
        "start": None if step.start is None else step.start.isoformat(),
        "seconds": step.seconds,
        "error": step.error,
    }


def made_by(facility: Facility, subject: str, dataset: str) -> list[Run]:
    """Return the recent runs that made a record, newest first."""
    return [run for run in _candidates(facility, dataset) if subject in _subjects(run)]


def _candidates(facility: Facility, dataset: str) -> Iterable[Run]:
    runs = facility.runs(limit=RECENT)
    if facility.site.kind == "local":
        return runs
    # What a run was started with costs a request each; its label is listed.
    return [run for run in runs if run.listed is not None and run.listed["label"] == dataset[:LABEL]]


def _subjects(run: Run) -> list[str | None]:
    about = run.about
    if about.get("flow") == "batch":
        return [f"{about.get('published')}/{name}" for name in run.datasets]
    return [about.get("subject")]


def _seconds(start: str, end: str | None) -> float:
    last = datetime.fromisoformat(end) if end else datetime.now(UTC)
    return round((last - datetime.fromisoformat(start)).total_seconds(), 1)


def _last_line(text: str | None) -> str | None:
    lines = (text or "").strip().splitlines()
    return lines[-1] if lines else None
