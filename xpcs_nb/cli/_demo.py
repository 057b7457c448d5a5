"""``xpcs-nb demo``."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

__all__ = ["demo"]


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for everything the demo makes")] = Path(
        "xpcs_nb_demo"
    ),
    like: Annotated[
        Path | None, typer.Option(help="A measured result file: simulate, process and compare its twin")
    ] = None,
    n_frames: Annotated[int | None, typer.Option(min=64, help="With --like: length of the twin")] = None,
    seed: Annotated[int, typer.Option(help="Of the simulation")] = 0,
    notebook: Annotated[bool, typer.Option(help="Execute the quickstart notebook on the result")] = True,
) -> None:
    """Simulate a measurement with a known answer, process it, publish it, fit it: the whole path."""
    from xpcs_nb.demo import run_demo, run_twin_demo

    begin, progress = perf_counter(), sys.stderr.isatty()
    if like is None:
        report = run_demo(output, seed=seed, notebook=notebook, say=typer.echo, progress=progress)
    else:
        report = run_twin_demo(like, output, n_frames=n_frames, seed=seed, say=typer.echo, progress=progress)
    typer.echo(f"\n{report.table}\n")
    typer.echo(f"result     {report.result}")
    typer.echo(f"plots      {report.result.parent / 'plots'}")
    if report.notebook is not None:
        typer.echo(f"notebook   {report.notebook}")
    typer.echo(f"record     {report.subject} in {output / 'catalogue.sqlite'}")
    typer.echo(f"took       {perf_counter() - begin:.1f} s")
