"""``xpcs-nb site``: the places where flows can run."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="List, show and check sites: where flows run.", no_args_is_help=True)

_Site = Annotated[str, typer.Argument(help="Name of a site, or path of its TOML file")]


@app.command("list")
def list_() -> None:
    """List the sites that come with the package, and those of your own."""
    from xpcs_nb.errors import SiteError
    from xpcs_nb.flows import load_site, site_files, sites_folder

    for name, path in site_files().items():
        try:
            said = load_site(path).description
        except SiteError:
            said = "has to be filled in, see `xpcs-nb site check`"
        typer.echo(f"{name:<20} {said}  {path}")
    typer.echo(f"sites of your own: TOML files in {sites_folder()}")


@app.command()
def show(site: _Site) -> None:
    """Print the file of a site, to start one's own from."""
    from pathlib import Path

    from xpcs_nb.errors import MissingFileError
    from xpcs_nb.flows import site_files

    path = Path(site) if site.endswith(".toml") else site_files().get(site)
    if path is None or not path.is_file():
        raise MissingFileError("no such site", got=site, expected=" or ".join(site_files()))
    typer.echo(path.read_text(), nl=False)


@app.command()
def check(site: _Site) -> None:
    """List everything that is wrong with a site's file; exit code 1 if there is anything."""
    from xpcs_nb.flows import load_site

    found = load_site(site)
    typer.echo(f"{found.name}: nothing wrong found")
