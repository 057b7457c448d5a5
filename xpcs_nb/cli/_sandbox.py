"""``xpcs-nb sandbox``: a look-alike of Globus on this machine."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["sandbox"]


def sandbox(
    folder: Annotated[
        Path, typer.Option(help="For runs, the index, and the folders that stand for collections")
    ] = Path("xpcs_nb_sandbox"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="On loopback; 0 takes a free one")] = 0,
    collection: Annotated[
        list[str] | None, typer.Option(help="ID=FOLDER, once for each; by default FOLDER/beamline and FOLDER/cluster")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes of the compute endpoint")] = 1,
    logins: Annotated[
        bool, typer.Option(help="Let anybody on this machine log in as a user, without the client's secret")
    ] = False,
    env_file: Annotated[Path | None, typer.Option(help="Write the variables there as well, as NAME=VALUE")] = None,
) -> None:
    """Serve a look-alike of the Globus services that flows use, until Ctrl-C; the real clients need no account."""
    from xpcs_nb.testing import Sandbox

    collections = _collections(collection) if collection else Sandbox.default_collections(folder)
    for root in collections.values():
        root.mkdir(parents=True, exist_ok=True)
    # A service that is stopped ends as after Ctrl-C, with its workers.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Sandbox(folder, collections, workers=workers, port=port, logins=logins) as server:
            variables = server.environ()
            if env_file is not None:
                _write(env_file, variables)
            for name, value in variables.items():
                typer.echo(f"export {name}={value}")
            typer.echo(f"# compute endpoint {server.endpoint_id}")
            typer.echo(f"# search index {server.index_id}")
            for key, root in collections.items():
                typer.echo(f"# collection {key} {root.absolute()}")
            typer.echo("Ctrl-C ends it.", err=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        typer.echo("ended", err=True)


def _collections(given: list[str]) -> dict[str, Path]:
    pairs = [text.partition("=") for text in given]
    wrong = [text for text, (key, sign, root) in zip(given, pairs, strict=True) if not (key and sign and root)]
    if wrong:
        raise typer.BadParameter(f"ID=FOLDER is expected, got {', '.join(wrong)}")
    return {key: Path(root) for key, _, root in pairs}


def _write(path: Path, variables: dict[str, str]) -> None:
    text = "".join(f"{name}={value}\n" for name, value in variables.items())
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(text)
