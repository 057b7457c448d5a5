"""The commands, and how errors and warnings reach a terminal."""

from __future__ import annotations

import logging
import sys
import warnings
from typing import TextIO

import typer

from xpcs_nb.cli import (
    _average,
    _correlate,
    _crate,
    _demo,
    _portal,
    _process,
    _qmap,
    _rerun,
    _result,
    _runs,
    _sandbox,
    _search,
    _site,
    _watch,
    _xsvs,
)
from xpcs_nb.errors import XpcsError

__all__ = ["app", "main"]

app = typer.Typer(
    name="xpcs-nb",
    help="X-ray Photon Correlation Spectroscopy: frames and a qmap in, g2, two-time maps and SAXS out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("correlate")(_correlate.correlate)
app.command("average")(_average.average)
app.command("demo")(_demo.demo)
app.command("sandbox")(_sandbox.sandbox)
app.command("process")(_process.process)
app.command("reprocess")(_process.reprocess)
app.command("batch")(_process.batch)
app.command("rerun")(_rerun.rerun)
app.command("export-crate")(_crate.export_crate)
app.command("replay")(_crate.replay)
app.command("status")(_runs.status)
app.command("retry")(_runs.retry)
app.command("cancel")(_runs.cancel)
app.command("runs")(_runs.runs)
app.command("search")(_search.search)
app.command("portal")(_portal.portal)
app.command("watch")(_watch.watch)
app.command("xsvs")(_xsvs.xsvs)
app.add_typer(_qmap.app, name="qmap")
app.add_typer(_result.app, name="result")
app.add_typer(_site.app, name="site")


def main() -> None:
    """Run the command line; an expected error ends it with one clear message and exit code 1."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("xpcs_nb").setLevel(logging.INFO)
    warnings.showwarning = _show_warning
    try:
        app()
    except XpcsError as error:
        typer.secho(f"{type(error).__name__}: {error}", fg=typer.colors.RED, err=True)
        raise SystemExit(1) from None


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    typer.secho(f"warning: {message}", fg=typer.colors.YELLOW, err=True)
