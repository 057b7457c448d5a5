"""``xpcs-nb rerun``: batches of recipes."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xpcs_nb.cli._search import filters_of
from xpcs_nb.cli._shared import SiteOption

if TYPE_CHECKING:
    from xpcs_nb.recipes import Batch

__all__ = ["rerun"]


def rerun(
    recipe: Annotated[str | None, typer.Argument(help="Name of a recipe that comes along, or a notebook file")] = None,
    datasets: Annotated[
        str | None,
        typer.Option(
            "--datasets",
            "-l",
            help="Table (.csv, .tsv, .toml, .parquet) with a column a parameter, .txt with a dataset a line, "
            'glob pattern in quotes, or "search:WORDS" of the catalogue',
        ),
    ] = None,
    qmap: Annotated[Path | None, typer.Option("--qmap", "-q", help="Mask and partition, for all")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="key=value, for all; options.avg_frame=2 for an entry")
    ] = None,
    site: SiteOption = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder; default: RECIPE_batch")] = None,
    workers: Annotated[int, typer.Option("--workers", "-n", min=1, help="Jobs at a time")] = 1,
    gpus: Annotated[str | None, typer.Option(help="Ids of GPUs, as in 0,1: one worker for each")] = None,
    parsl: Annotated[Path | None, typer.Option(help="Python file with a Parsl configuration, `config`")] = None,
    time_limit: Annotated[float | None, typer.Option(help="Of a job, s")] = None,
    where: Annotated[list[str] | None, typer.Option("--where", "-w", help="Condition of a search, see search")] = None,
    resume: Annotated[bool, typer.Option(help="Keep finished jobs")] = True,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run jobs that failed again")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would run, and why")] = False,
    parameters: Annotated[bool, typer.Option("--parameters", help="Show what the recipe takes")] = False,
    status: Annotated[
        Path | None, typer.Option(help="Show how the batch in this folder goes, from any terminal")
    ] = None,
) -> None:
    """Run a recipe over many datasets; finished jobs are kept and never run twice. Exit code 1 unless all succeed."""
    if status is not None:
        _status(status)
        return
    if recipe is None:
        raise typer.BadParameter("give a recipe, or --status FOLDER")
    if parameters:
        _parameters(recipe)
        return
    if datasets is None:
        raise typer.BadParameter("give --datasets")
    given: dict[str, Any] = {
        "folder": output,
        "qmap": qmap,
        "site": site,
        "parameters": _values(parameter or []),
        "where": filters_of(where) if where else None,
        "resume": resume,
        "retry_failed": retry_failed,
    }
    if dry_run:
        from xpcs_nb.recipes import plan_batch

        typer.echo(plan_batch(recipe, datasets, **given))
        return
    how = {"workers": workers, "gpus": gpus.split(",") if gpus else (), "parsl": parsl, "time_limit": time_limit}
    _run(recipe, datasets, given | how)


def _run(recipe: str, datasets: str, given: dict[str, Any]) -> None:
    from xpcs_nb.recipes import rerun

    # A scheduler, or `kill`, ends a batch as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        batch = rerun(recipe, datasets, progress=sys.stderr.isatty(), **given)
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on with what is not finished", err=True)
        raise typer.Exit(130) from None
    _shown(batch)
    typer.echo(f"report     {batch.report}")
    if not batch.succeeded:
        raise typer.Exit(1)


def _status(folder: Path) -> None:
    from xpcs_nb.recipes import batch_status

    _shown(batch_status(folder))


def _shown(batch: Batch) -> None:
    typer.echo(repr(batch))


def _parameters(recipe: str) -> None:
    from xpcs_nb.recipes import Recipe

    for parameter in Recipe.load(recipe).parameters.values():
        typer.echo(f"{parameter.name}: {parameter.said} = {parameter.default!r}  {parameter.help}")


def _values(pairs: list[str]) -> dict[str, Any]:
    values = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not key.strip():
            raise typer.BadParameter(f"{pair}: expected key=value", param_hint="--parameter")
        values[key.strip()] = value.strip()
    return values
