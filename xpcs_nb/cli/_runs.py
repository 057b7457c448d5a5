"""``xpcs-nb status``, ``retry``, ``cancel`` and ``runs``: watch and steer flows."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from xpcs_nb.cli._process import ended
from xpcs_nb.cli._shared import SiteOption, facility, shown

__all__ = ["cancel", "retry", "runs", "status"]

_Run = Annotated[str, typer.Argument(help="Id of a run, as `process` and `runs` print it")]


class _Status(StrEnum):
    active = "active"
    inactive = "inactive"
    succeeded = "succeeded"
    failed = "failed"
    ended = "ended"


def status(
    run: _Run,
    site: SiteOption = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Until it has ended, with a progress bar")] = False,
    log: Annotated[bool, typer.Option("--log", help="Every event")] = False,
) -> None:
    """Show the steps of a run, and why it failed. With --wait, exit code 1 unless it succeeds."""
    with facility(site) as there:
        found = there.run(run)
        if wait:
            ended(found.wait(progress=sys.stderr.isatty()))
        else:
            typer.echo(found.log() if log else shown(found))


def retry(
    run: _Run,
    site: SiteOption = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Until it has ended, with a progress bar")] = False,
) -> None:
    """Go on from the step that failed or was interrupted; prints the id of the run."""
    with facility(site) as there:
        found = there.run(run).retry()
        typer.echo(found.id)
        if wait:
            ended(found.wait(progress=sys.stderr.isatty()))


def cancel(run: _Run, site: SiteOption = None) -> None:
    """End a run as soon as possible."""
    with facility(site) as there:
        typer.echo(f"{run}  {there.run(run).cancel().status}")


def runs(
    site: SiteOption = None,
    status: Annotated[_Status | None, typer.Option(help="Only those")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Runs to show")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="Newer runs to leave out")] = 0,
) -> None:
    """List runs, newest first."""
    with facility(site) as there:
        chosen = None if status is None else status.value.upper()
        for found in there.runs(status=chosen, limit=limit, offset=offset):  # type: ignore[arg-type]
            document = found.document
            typer.echo(f"{found.id}  {document['start_time'][:19]}  {document['status']:<9}  {document['label']}")
