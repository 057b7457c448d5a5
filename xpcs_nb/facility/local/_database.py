"""One SQLite file: opened when needed, only for its user, and with errors that say what is wrong."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xpcs_nb.errors import CorruptDataError, FileFormatError, WriteError, XpcsError

__all__ = ["Database"]

BUSY_SECONDS = 60

CORRUPT = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
#: What keeps a sound database from being written (or opened).
BLOCKED = {
    sqlite3.SQLITE_BUSY: f"another process has kept it locked for {BUSY_SECONDS} s",
    sqlite3.SQLITE_LOCKED: "another connection keeps it locked",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_CANTOPEN: "it can't be opened or made",
    sqlite3.SQLITE_PERM: "permission is denied",
}


class Database:
    """A database file of a given kind; safe for threads of a process and for several processes.

    One connection a process, opened when first used and anew after a fork; threads take turns. Write-ahead logging
    lets other processes read while one writes. A change is on disk when its block is left.

    Parameters
    ----------
    path
        The file; made when first used, readable by its user only.
    kind
        What it is, for messages: "run store".
    schema
        SQL that makes its tables.
    application_id, version
        Mark the file as one of this kind and version.
    """

    def __init__(self, path: Path, *, kind: str, schema: str, application_id: int, version: int) -> None:
        self.path = path
        self._kind = kind
        self._schema = schema
        self._mark = (application_id, version)
        self._turn = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._owner = 0

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self._turn:
            connection, self._connection = self._connection, None
            if connection is not None and self._owner == os.getpid():
                connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a view of the database that does not change meanwhile."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the right to write; all of it is kept, or none when an error leaves the block."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._turn, self._explained():
            connection = self._open()
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            # The low byte is the kind of error, the rest a detail of it.
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in BLOCKED:
                problem = f"the {self._kind} can't be used: {BLOCKED[code]}"
                raise WriteError(problem, path=self.path, got=str(error)) from error
            if code in CORRUPT:
                raise CorruptDataError(
                    f"the {self._kind} is damaged or no database",
                    path=self.path,
                    got=str(error),
                    hint="Move the file away; a new one is made.",
                ) from error
            raise

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._owner == os.getpid():
            return self._connection
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite gives its side files the rights of the database. One that is there must not be opened beside
            # SQLite: closing it would end the locks of this process.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as error:
            raise WriteError(f"the {self._kind} can't be opened", path=self.path, got=error.strerror) from error
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(connection)
        except (sqlite3.DatabaseError, XpcsError):
            connection.close()
            raise
        self._connection, self._owner = connection, os.getpid()
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        if _mark(connection) == (0, 0):
            self._create(connection)
        application, version = _mark(connection)
        if application != self._mark[0]:
            raise FileFormatError(
                f"this database is no {self._kind} of xpcs_nb",
                path=self.path,
                got=f"application id {application:#x}",
                expected=f"{self._mark[0]:#x}",
            )
        if version != self._mark[1]:
            raise FileFormatError(
                f"this {self._kind} is of another version of xpcs_nb",
                path=self.path,
                got=version,
                expected=self._mark[1],
                hint="Update xpcs_nb, or use another folder.",
            )

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            # Another process may have been faster; and a foreign database is left as it is.
            if _mark(connection) == (0, 0) and tables == 0:
                for statement in _statements(self._schema):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {self._mark[0]}")
                connection.execute(f"PRAGMA user_version = {self._mark[1]}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        if _mark(connection)[0] == self._mark[0]:
            connection.execute("PRAGMA journal_mode = WAL")


def _mark(connection: sqlite3.Connection) -> tuple[int, int]:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    return int(application), int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    # `executescript` would commit the transaction first.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
