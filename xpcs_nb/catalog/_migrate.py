"""Catalogues of the first version: their records, into the tables of this one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from xpcs_nb.catalog._record import Record
from xpcs_nb.catalog._write import Writer

__all__ = ["from_first_version"]

FIRST_TABLES = ("texts", "has_term", "has_number", "terms", "keys")


def from_first_version(connection: sqlite3.Connection, schema: Iterable[str]) -> None:
    """Ingest the records of a database of version 1 anew, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been faster.
        if connection.execute("PRAGMA user_version").fetchone()[0] == 1:
            for trigger in ("text_added", "text_removed"):
                connection.execute(f"DROP TRIGGER {trigger}")
            for table in FIRST_TABLES:
                connection.execute(f"DROP TABLE {table}")
            connection.execute("ALTER TABLE records RENAME TO old_records")
            for statement in schema:
                connection.execute(statement)
            writer = Writer(connection)
            for (document,) in connection.execute("SELECT document FROM old_records ORDER BY id"):
                writer.add(Record.model_validate_json(document))
            writer.finish()
            connection.execute("DROP TABLE old_records")
            connection.execute("PRAGMA user_version = 2")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
