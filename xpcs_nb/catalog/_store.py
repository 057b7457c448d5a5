"""The database file under the catalogue: schema, connections, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xpcs_nb.errors import CorruptDataError, FileFormatError, WriteError, XpcsError

__all__ = ["Store"]

#: Marks a database file as a catalogue of this package ("XPCS").
APPLICATION_ID = 0x58504353
SCHEMA_VERSION = 2
BUSY_SECONDS = 60

# A record's number is never given again: one that is replaced or deleted becomes `dead`, and what replaces it gets the
# next. So what was once written about numbers 8192 n to 8192 n + 8191 stays true, and is kept as arrays, a row for each
# key and each word (`columns`, `postings`; their chunk is listed in `chunks`). The last, unfinished chunk is kept as
# single rows (`tail_entries`, `tail_words`). `terms` numbers the strings of each key.
SCHEMA = """
CREATE TABLE records (
    id INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL UNIQUE, digest BLOB NOT NULL, document TEXT NOT NULL
);
CREATE TABLE dead (number INTEGER PRIMARY KEY AUTOINCREMENT, record INTEGER NOT NULL);
CREATE TABLE keys (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, terms INTEGER NOT NULL DEFAULT 0);
CREATE TABLE terms (key INTEGER NOT NULL, code INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (key, code))
    WITHOUT ROWID;
CREATE UNIQUE INDEX code_of ON terms (key, value);
CREATE TABLE chunks (id INTEGER PRIMARY KEY);
CREATE TABLE columns (
    chunk INTEGER NOT NULL, key INTEGER NOT NULL, kind INTEGER NOT NULL, records BLOB NOT NULL, items BLOB NOT NULL,
    PRIMARY KEY (key, kind, chunk)
);
CREATE TABLE postings (chunk INTEGER NOT NULL, word TEXT NOT NULL, occurrences BLOB NOT NULL, PRIMARY KEY (chunk, word))
    WITHOUT ROWID;
CREATE TABLE tail_entries (
    key INTEGER NOT NULL, kind INTEGER NOT NULL, record INTEGER NOT NULL, item NOT NULL,
    PRIMARY KEY (key, kind, record, item)
) WITHOUT ROWID;
CREATE TABLE tail_words (word TEXT NOT NULL, occurrence INTEGER NOT NULL, PRIMARY KEY (word, occurrence)) WITHOUT ROWID;
"""

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


class Store:
    """A catalogue's database; safe for threads of a process and for several processes.

    One connection a process, opened when first used and anew after a fork; its users take turns. Write-ahead logging
    lets readers of other processes go on while one writes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._owner = 0

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["path"])  # type: ignore[misc]

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self._turn:
            connection, self._connection = self._connection, None
            if connection is not None and self._owner == os.getpid():
                connection.close()

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

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
            explanation = self._explanation(error)
            if explanation is None:
                raise
            raise explanation from error

    def _explanation(self, error: sqlite3.DatabaseError) -> XpcsError | None:
        # The low byte is the kind of error, the rest a detail of it.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in BLOCKED:
            return WriteError(f"the catalogue can't be used: {BLOCKED[code]}", path=self.path, got=str(error))
        if code in CORRUPT:
            hint = "Move the file away and ingest the records again; they lie beside their results."
            return CorruptDataError(
                "the catalogue is damaged or no database", path=self.path, got=str(error), hint=hint
            )
        return None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._owner == os.getpid():
            return self._connection
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WriteError("the catalogue has no folder", path=self.path, got=error.strerror) from error
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(connection)
        except (sqlite3.DatabaseError, XpcsError):
            connection.close()
            raise
        self._connection, self._owner = connection, os.getpid()
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA mmap_size = 1073741824")
        if self._version(connection) == (0, 0):
            self._create(connection)
        application, version = self._version(connection)
        if application != APPLICATION_ID:
            raise FileFormatError(
                "this database is no catalogue of xpcs_nb",
                path=self.path,
                got=f"application id {application:#x}",
                expected=f"{APPLICATION_ID:#x}",
            )
        if version == 1:
            from xpcs_nb.catalog._migrate import from_first_version

            from_first_version(connection, _statements(SCHEMA))
            version = self._version(connection)[1]
        if version != SCHEMA_VERSION:
            raise FileFormatError(
                "this catalogue is of another version of xpcs_nb",
                path=self.path,
                got=version,
                expected=SCHEMA_VERSION,
                hint="Update xpcs_nb, or ingest the records into a new catalogue.",
            )

    def _version(self, connection: sqlite3.Connection) -> tuple[int, int]:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        return int(application), int(connection.execute("PRAGMA user_version").fetchone()[0])

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            # Another process may have been faster; and a foreign database is left as it is.
            if self._version(connection) == (0, 0) and tables == 0:
                for statement in _statements(SCHEMA):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        if self._version(connection)[0] == APPLICATION_ID:
            _log_ahead(connection)


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging; SQLite does not wait by itself for others that are opening the file just now."""
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


def _statements(script: str) -> Iterator[str]:
    # `executescript` would commit the transaction first.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
