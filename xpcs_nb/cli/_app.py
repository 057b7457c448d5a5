"""The commands, and how errors and warnings reach a terminal."""

from __future__ import annotations

import logging
import sys
import warnings
from importlib import import_module
from typing import Any, TextIO

import typer

from xpcs_nb.errors import XpcsError

__all__ = ["main", "make_app"]

#: Module of each command; its function has the command's name.
_COMMANDS = {
    "correlate": "_correlate",
    "average": "_average",
    "demo": "_demo",
    "sandbox": "_sandbox",
    "process": "_process",
    "reprocess": "_process",
    "batch": "_process",
    "rerun": "_rerun",
    "export-crate": "_crate",
    "replay": "_crate",
    "status": "_runs",
    "retry": "_runs",
    "cancel": "_runs",
    "runs": "_runs",
    "search": "_search",
    "portal": "_portal",
    "watch": "_watch",
    "xsvs": "_xsvs",
}
#: Module of each group of commands, which is its `app`.
_GROUPS = {"qmap": "_qmap", "result": "_result", "site": "_site"}


def make_app(*names: str) -> typer.Typer:
    """Return the application with the commands and groups of these names; without names, with all of them."""
    app = typer.Typer(
        name="xpcs-nb",
        help="X-ray Photon Correlation Spectroscopy: frames and a qmap in, g2, two-time maps and SAXS out.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    # With a callback, a single command is still called by its name.
    app.callback()(lambda: None)
    for name in names or (*_COMMANDS, *_GROUPS):
        if name in _GROUPS:
            app.add_typer(_module(_GROUPS[name]).app, name=name)
        else:
            app.command(name)(getattr(_module(_COMMANDS[name]), name.replace("-", "_")))
    return app


def _module(name: str) -> Any:
    return import_module(f"xpcs_nb.cli.{name}")


def main() -> None:
    """Run the command line; an expected error ends it with one clear message and exit code 1."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("xpcs_nb").setLevel(logging.INFO)
    warnings.showwarning = _show_warning
    # A command must not wait for the modules and options of the others.
    asked = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    try:
        make_app(*({asked} & (_COMMANDS.keys() | _GROUPS.keys())))()
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
