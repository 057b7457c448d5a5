"""``xpcs-nb portal``: search, look at and reprocess results in a web browser."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from xpcs_nb.cli._shared import SiteOption, facility

__all__ = ["portal"]


def portal(
    site: SiteOption = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The next free one is taken; 0 takes any")] = 8866,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser")] = True,
    settings: Annotated[Path | None, typer.Option(help="TOML file that changes what is shown")] = None,
    home: Annotated[Path | None, typer.Option(help="Folder of this machine's runs, results and catalogue")] = None,
    ip: Annotated[
        str, typer.Option(help="Address to listen at; other than 127.0.0.1 others can connect")
    ] = "127.0.0.1",
    token: Annotated[str | None, typer.Option(help="What visitors have to know; by default a new one")] = None,
    no_token: Annotated[bool, typer.Option("--no-token", help="Let everybody in who can connect")] = False,
) -> None:
    """Serve the catalogue as a web page, until Ctrl-C: search, look, download, compare, average, reprocess."""
    from xpcs_nb.widgets import serve_portal

    if no_token and token:
        raise typer.BadParameter("--token and --no-token contradict each other")
    if site is not None:
        # A login is asked for here, where there is somebody to answer.
        with facility(site) as there:
            there.catalog.search(limit=1)
    # A service that is stopped ends as after Ctrl-C, with its kernels.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    serve_portal(
        site,
        home=home,
        settings=settings,
        port=port,
        ip=ip,
        token="" if no_token else token,
        open_browser=browser,
        say=lambda address: typer.echo(f"{address}\nCtrl-C ends it."),
    )
    typer.echo("ended", err=True)
