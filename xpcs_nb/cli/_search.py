"""``xpcs-nb search``: find published results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["search"]


def search(
    text: Annotated[str, typer.Argument(help="Words to look for; all records without any")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Records to show")] = 20,
    catalogue: Annotated[Path | None, typer.Option(help="Catalogue file; by default the one of this machine")] = None,
) -> None:
    """Search the catalogue of this machine."""
    from xpcs_nb.catalog import Catalog
    from xpcs_nb.facility.local import catalogue_path

    found = Catalog(catalogue or catalogue_path()).search(text, limit=limit)
    for record in found.records:
        created = f"{record.created:%Y-%m-%d %H:%M}" if record.created else " " * 16
        typer.echo(f"{created}  {record.title}  {record.subject}")
    typer.echo(f"{found.total} records")
