"""``xpcs-nb export-crate`` and ``replay``: results with everything that made them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["export_crate", "replay"]


def export_crate(
    what: Annotated[Path, typer.Argument(help="Folder of a batch or of one of its jobs, or a result file")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder, or .zip; default: NAME-crate beside it")
    ] = None,
    license: Annotated[str | None, typer.Option(help="Address of the licence of the data")] = None,
    author: Annotated[str | None, typer.Option(help="ORCID address, or name")] = None,
    include_raw: Annotated[bool, typer.Option("--include-raw", help="Copy inputs beyond 64 MiB, too")] = False,
) -> None:
    """Write an RO-Crate: recipe, executed notebooks, results, figures, qmap, parameters, versions, checksums."""
    from xpcs_nb.recipes import export_crate as export

    typer.echo(export(what, output, license=license, author=author, include_raw=include_raw))


def replay(
    crate: Annotated[Path, typer.Argument(help="Folder or .zip that export-crate wrote")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the new results")] = None,
    input: Annotated[
        list[str] | None, typer.Option("--input", "-i", help="OLD=NEW: where an input is now, by old path or name")
    ] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Publish what flows of the recipe make, too")] = False,
    workers: Annotated[int, typer.Option("--workers", "-n", min=1, help="Jobs at a time")] = 1,
) -> None:
    """Run what a crate holds again and say what differs. Exit code 1 if numbers do."""
    from xpcs_nb.recipes import replay as run

    places = {}
    for pair in input or []:
        old, sign, new = pair.partition("=")
        if not sign:
            raise typer.BadParameter(f"{pair}: expected OLD=NEW", param_hint="--input")
        places[old] = new
    found = run(crate, output, inputs=places, publish=publish, workers=workers, progress=sys.stderr.isatty())
    typer.echo(found)
    if not found.same:
        raise typer.Exit(1)
