"""The ledger of watched folders: which datasets were handed to which run, kept over restarts."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xpcs_nb.errors import FlowError
from xpcs_nb.flows._arrivals import Complete, Fingerprint

__all__ = ["Entry", "Ledger", "State"]

type State = Literal["intended", "submitted", "finished", "failed"]

TABLE = """
CREATE TABLE IF NOT EXISTS datasets (
    tag TEXT PRIMARY KEY, folder TEXT NOT NULL, raw TEXT NOT NULL, files TEXT NOT NULL, state TEXT NOT NULL,
    run TEXT, reason TEXT NOT NULL DEFAULT ''
)
"""


@dataclass(frozen=True)
class Entry:
    """What became of a dataset.

    Attributes
    ----------
    tag
        Made of the folder, the raw file and the fingerprint of its files; its run carries it.
    raw
        The raw file.
    files
        Sizes and times of its files as they were.
    state
        ``intended`` before it is handed over, ``submitted`` with its run, ``finished`` or ``failed`` in the end.
    run
        Id of its run.
    reason
        Why it failed.
    """

    tag: str
    raw: Path
    files: Fingerprint
    state: State
    run: str | None = None
    reason: str = ""


class Ledger:
    """The datasets of one folder.

    Parameters
    ----------
    home
        Folder of the ledger, on this machine.
    folder
        The folder that is watched.
    """

    def __init__(self, home: Path, folder: Path) -> None:
        self._home = home
        self._folder = str(folder)
        home.mkdir(parents=True, exist_ok=True)
        # Each statement is kept on disk when it returns.
        self._connection = sqlite3.connect(home / "watch.sqlite", timeout=60, isolation_level=None)
        self._connection.execute(TABLE)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only one to watch the folder; the system lets go when this process ends, however it ends.

        Raises
        ------
        FlowError
            Another process watches it.
        """
        name = hashlib.sha256(self._folder.encode()).hexdigest()[:16]
        descriptor = os.open(self._home / f"watch-{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FlowError(
                    "another process watches this folder",
                    where=self._folder,
                    hint="One is enough: it takes every dataset. End it to watch with other options.",
                ) from error
            yield
        finally:
            os.close(descriptor)

    def entries(self) -> list[Entry]:
        """Return all datasets of the folder, in the order in which they were noted."""
        rows = self._connection.execute(
            "SELECT tag, raw, files, state, run, reason FROM datasets WHERE folder = ? ORDER BY rowid", (self._folder,)
        )
        return [
            Entry(tag, Path(raw), {path: (size, time) for path, (size, time) in json.loads(files).items()}, *rest)
            for tag, raw, files, *rest in rows
        ]

    def intend(self, dataset: Complete) -> Entry:
        """Note a dataset before it is handed over, and return its entry; one that was noted before stays as it is."""
        files = json.dumps(dataset.files, sort_keys=True)
        tag = "watch-" + hashlib.sha256(f"{self._folder}\n{dataset.raw}\n{files}".encode()).hexdigest()[:32]
        row = (tag, self._folder, str(dataset.raw), files)
        self._connection.execute(
            "INSERT OR IGNORE INTO datasets (tag, folder, raw, files, state) VALUES (?, ?, ?, ?, 'intended')", row
        )
        return next(entry for entry in self.entries() if entry.tag == tag)

    def note(self, tag: str, state: State, *, run: str | None = None, reason: str = "") -> None:
        """Note what became of a dataset; a run that is known stays known."""
        self._connection.execute(
            "UPDATE datasets SET state = ?, run = coalesce(?, run), reason = ? WHERE tag = ?", (state, run, reason, tag)
        )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
