"""``xpcs-nb result``: look at a result file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Show, check and plot result files.", no_args_is_help=True)

_ResultFile = Annotated[Path, typer.Argument(help="A result file, of this package or of a neighbour")]


@app.command()
def show(result: _ResultFile) -> None:
    """Print what a result holds and how it was made."""
    from xpcs_nb.results import open_result

    with open_result(result) as tree:
        typer.echo(str(tree))


@app.command()
def validate(result: _ResultFile) -> None:
    """List everything that is wrong with a result file; exit code 1 if there is anything."""
    from xpcs_nb.results import validate_result

    findings = validate_result(result)
    for finding in findings:
        typer.echo(str(finding))
    if findings:
        raise typer.Exit(1)
    typer.echo("nothing wrong found")


@app.command()
def trust(result: _ResultFile) -> None:
    """Tell what in a result can be trusted: each check with its number, and what helps."""
    from xpcs_nb.analysis import trust_report
    from xpcs_nb.results import open_result

    with open_result(result) as tree:
        report = trust_report(tree)
    typer.echo(str(report))
    for name in report.warnings:
        typer.echo(f"{report[name].title}: {report[name].remedy}")


@app.command()
def plot(
    result: _ResultFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the pictures")] = Path("plots"),
) -> None:
    """Fit g2 and write every plot of a result as PNG."""
    from xpcs_nb.analysis import fit_g2
    from xpcs_nb.plots import save_all
    from xpcs_nb.results import open_result

    with open_result(result) as tree:
        fit = fit_g2(tree["multitau"].to_dataset()) if "multitau" in tree else None
        for path in save_all(tree, output, fit=fit).values():
            typer.echo(path)
