"""``xpcs-nb qmap``: look at a mask and partition."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Show and check masks and partitions (qmaps).", no_args_is_help=True)

_QMapFile = Annotated[Path, typer.Argument(help="A qmap file, or a result file that holds one")]


@app.command()
def show(qmap: _QMapFile) -> None:
    """Print shape, used pixels, bins, q range, geometry and hash."""
    from xpcs_nb.qmap import QMap, describe

    typer.echo(describe(QMap.from_file(qmap)))


@app.command()
def check(
    qmap: _QMapFile,
    raw: Annotated[Path | None, typer.Option(help="Check against the frames of this raw file too")] = None,
) -> None:
    """List everything that is wrong with a qmap; exit code 1 if there is anything."""
    from xpcs_nb.frames import open_frames
    from xpcs_nb.qmap import QMap

    shape = None
    if raw is not None:
        with open_frames(raw) as source:
            shape = source.shape
    findings = QMap.from_file(qmap).check(shape=shape)
    for finding in findings:
        typer.echo(str(finding))
    if findings:
        raise typer.Exit(1)
    typer.echo("nothing wrong found")
