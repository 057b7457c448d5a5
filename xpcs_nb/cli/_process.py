"""``xpcs-nb process``, ``reprocess`` and ``batch``: start flows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xpcs_nb.cli._shared import SiteOption, facility, publication, queue, reduction, shown, with_options

if TYPE_CHECKING:
    from xpcs_nb.flows import Facility, Run

__all__ = ["batch", "process", "reprocess"]

_QMap = Annotated[Path, typer.Option("--qmap", "-q", help="Mask and partition")]
_Wait = Annotated[bool, typer.Option("--wait", "-w", help="Until the run has ended, with a progress bar")]
_Title = Annotated[str | None, typer.Option(help="Of the record; default: the dataset's name")]
_Experiment = Annotated[str | None, typer.Option(help="For the record; default: from metadata or path")]
_Cycle = Annotated[str | None, typer.Option(help="As in 2026-2; default: from metadata or path")]


@with_options(reduction, queue, publication)
def process(
    raw: Annotated[Path, typer.Argument(help="Raw data: HDF5, Eiger master, IMM, Rigaku .bin or .bin.000")],
    qmap: _QMap,
    metadata: Annotated[
        Path | None, typer.Option("--metadata", "--hdf", help="Metadata file, if not beside the raw file")
    ] = None,
    title: _Title = None,
    experiment: _Experiment = None,
    cycle: _Cycle = None,
    prefix: Annotated[str | None, typer.Option("--prefix", "-p", help="Put before the result's name")] = None,
    suffix: Annotated[str | None, typer.Option("--suffix", "-u", help="Put after the result's name")] = None,
    site: SiteOption = None,
    wait: _Wait = False,
    **options: Any,
) -> None:
    """Start the online flow for one dataset: transfer, correlate, plot, publish. Prints the id of the run."""
    with facility(site) as there:
        given: dict[str, Any] = {"metadata": metadata, "title": title, "experiment": experiment, "cycle": cycle}
        run = there.process(raw, qmap, prefix=prefix, suffix=suffix, **given, **options)
        _started(there, run, wait=wait)


@with_options(reduction, queue, publication)
def reprocess(
    what: Annotated[str, typer.Argument(help="Subject of a record, id of a run, or a result file")],
    qmap: _QMap,
    suffix: Annotated[str, typer.Option("--suffix", "-u", help="Of the name of the new dataset")] = "reprocessed",
    title: _Title = None,
    site: SiteOption = None,
    wait: _Wait = False,
    **options: Any,
) -> None:
    """Process a dataset again with another qmap, and publish it beside the old one. Prints the id of the run."""
    with facility(site) as there:
        is_run = "/" not in what and not Path(what).exists()
        run = there.reprocess(there.run(what) if is_run else what, qmap, suffix, title=title, **options)
        _started(there, run, wait=wait)


@with_options(reduction, queue, publication)
def batch(
    qmap: _QMap,
    raw: Annotated[list[str] | None, typer.Argument(help="Raw files, or one glob pattern in quotes")] = None,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", "-m", help="Text file with the path of a raw file in each line")
    ] = None,
    experiment: _Experiment = None,
    cycle: _Cycle = None,
    site: SiteOption = None,
    wait: _Wait = False,
    **options: Any,
) -> None:
    """Process many datasets with one qmap, in one run. One that fails does so alone. Prints the id of the run."""
    if (manifest is None) == (not raw):
        raise typer.BadParameter("give raw files, or --manifest")
    datasets: Any = manifest or (raw[0] if raw and len(raw) == 1 and not Path(raw[0]).is_file() else raw)
    with facility(site) as there:
        run = there.process_batch(datasets, qmap, experiment=experiment, cycle=cycle, **options)
        _started(there, run, wait=wait)


def _started(there: Facility, run: Run, *, wait: bool) -> None:
    typer.echo(run.id)
    if not wait:
        where = "" if there.site.name == "local" else f" --site {there.site.name}"
        typer.echo(f"`xpcs-nb status {run.id}{where}` tells how it goes", err=True)
        return
    ended(run.wait(progress=sys.stderr.isatty()))


def ended(run: Run) -> None:
    """Print how a run ended and where its result is; exit code 1 unless it succeeded."""
    typer.echo(shown(run))
    if run.status != "SUCCEEDED":
        raise typer.Exit(1)
    if run.about.get("dataset"):
        typer.echo(run.result_path)
