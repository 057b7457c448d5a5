"""``xpcs-nb watch``: a flow for each dataset that arrives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from xpcs_nb.cli._shared import SiteOption, facility, publication, queue, reduction, with_options

__all__ = ["watch"]


@with_options(reduction, queue, publication)
def watch(
    folder: Annotated[Path, typer.Argument(help="Folder where datasets arrive, with the folders in it")],
    qmap: Annotated[Path, typer.Option("--qmap", "-q", help="Mask and partition for all datasets")],
    pattern: Annotated[str, typer.Option(help="Of raw files, relative to the folder, as in 'A*/*.h5'")] = "**/*",
    settle: Annotated[float, typer.Option(min=0, help="Seconds for which no file of a dataset may change")] = 10.0,
    once: Annotated[bool, typer.Option("--once", help="Take what is complete now, and return")] = False,
    experiment: Annotated[str | None, typer.Option(help="For the records; default: from metadata or path")] = None,
    cycle: Annotated[str | None, typer.Option(help="As in 2026-2; default: from metadata or path")] = None,
    site: SiteOption = None,
    **options: Any,
) -> None:
    """Start the online flow for each dataset that arrives and is complete, each once, until Ctrl-C."""
    from xpcs_nb.flows import Watcher

    with facility(site) as there:
        given = {"experiment": experiment, "cycle": cycle, **options}
        with Watcher(there, folder, qmap, pattern=pattern, settle=settle, say=typer.echo, **given) as watcher:
            if once:
                watcher.once()
            else:
                typer.echo(f"watching {watcher.folder}; Ctrl-C ends it")
                watcher.watch()
