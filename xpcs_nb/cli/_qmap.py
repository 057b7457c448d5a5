"""``xpcs-nb qmap``: make masks and partitions, look at them, and compare them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["app"]

app = typer.Typer(help="Make, show, check and compare masks and partitions (qmaps).", no_args_is_help=True)

_QMapFile = Annotated[Path, typer.Argument(help="A qmap file, or a result file that holds one")]


_Output = Annotated[Path, typer.Option("-o", "--output", help="The qmap file to write")]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there")]


@app.command()
def build(
    spec: Annotated[Path, typer.Argument(help="A TOML file: [start], [[edits]], [partition]")],
    output: _Output,
    overwrite: _Overwrite = False,
) -> None:
    """Make the qmap that a TOML file describes, and print its path; everything wrong in the file is listed at once."""
    from xpcs_nb.frames import open_frames
    from xpcs_nb.qmap import build_qmap

    qmap = build_qmap(spec, open_frames)
    qmap.validate()
    typer.echo(qmap.save(output, overwrite=overwrite))


@app.command()
def diff(first: _QMapFile, second: _QMapFile) -> None:
    """Print what differs from one qmap to another: pixels, bins, geometry, edits; exit code 1 if anything does."""
    from xpcs_nb.qmap import QMap
    from xpcs_nb.qmap import diff as difference

    found = difference(QMap.from_file(first), QMap.from_file(second))
    typer.echo(str(found))
    if found:
        raise typer.Exit(1)


@app.command()
def combine(
    qmaps: Annotated[list[Path], typer.Argument(help="Two or more qmap or result files")],
    output: _Output,
    masks: Annotated[Literal["or", "and"], typer.Option(help="Pixels that any of them uses, or that all do")] = "or",
    overwrite: _Overwrite = False,
) -> None:
    """Make one qmap with the bins of several, and print its path."""
    from xpcs_nb.qmap import QMap
    from xpcs_nb.qmap import combine as together

    both = together(*(QMap.from_file(path) for path in qmaps), masks=masks)
    both.validate()
    typer.echo(both.save(output, overwrite=overwrite))


@app.command()
def report(
    qmap: _QMapFile,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="PDF or PNG; else beside the qmap")] = None,
) -> None:
    """Draw a qmap on one page, with the mean scattering where the file has it, and print the path of the page."""
    from xpcs_nb.plots import qmap_report
    from xpcs_nb.qmap import QMap

    found = QMap.from_result(qmap)
    typer.echo(qmap_report(found, None, output or qmap.with_name(f"{qmap.stem}_qmap.pdf")))


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
