"""The run store: flows, functions, and every run with its position, its action under way and its log."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from xpcs_nb.errors import FlowError, OptionError
from xpcs_nb.facility._services import Definition, LogEntry, RunDocument, RunStatus
from xpcs_nb.facility.local._database import Database
from xpcs_nb.facility.local.language import visible

__all__ = ["RunStore", "as_json", "now", "write_log"]

#: Marks a database file as a run store of this package ("XPCR").
APPLICATION_ID = 0x58504352
SCHEMA_VERSION = 1

# What a page of runs shows is kept apart from what a run carries (up to 200 KB each), so that lists stay quick.
# `engine` is who works on a run; `due` is when a run that nobody works on is to go on (unix time).
SCHEMA = """
CREATE TABLE definitions (checksum TEXT PRIMARY KEY, definition TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE flows (
    flow_id TEXT PRIMARY KEY, title TEXT NOT NULL, definition TEXT NOT NULL REFERENCES definitions
);
CREATE TABLE functions (function_id TEXT PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE settings (checksum TEXT PRIMARY KEY, settings TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE runs (
    number INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE, flow_id TEXT NOT NULL REFERENCES flows,
    definition TEXT NOT NULL REFERENCES definitions, settings TEXT NOT NULL REFERENCES settings,
    label TEXT NOT NULL, tags TEXT NOT NULL, status TEXT NOT NULL, start_time TEXT NOT NULL, completion_time TEXT,
    details TEXT NOT NULL, engine TEXT, due REAL NOT NULL DEFAULT 0, cancel INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE carried (
    run INTEGER PRIMARY KEY REFERENCES runs, body TEXT NOT NULL, position TEXT NOT NULL, action TEXT, failed TEXT,
    output TEXT
);
CREATE TABLE tags (tag TEXT NOT NULL, run INTEGER NOT NULL REFERENCES runs, PRIMARY KEY (tag, run)) WITHOUT ROWID;
CREATE TABLE log (
    number INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs, time TEXT NOT NULL, code TEXT NOT NULL,
    description TEXT NOT NULL, details TEXT
);
CREATE INDEX runs_by_status ON runs (status, number);
CREATE INDEX runs_to_do ON runs (due, number) WHERE status = 'ACTIVE' AND engine IS NULL;
CREATE INDEX runs_in_work ON runs (engine) WHERE status = 'ACTIVE' AND engine IS NOT NULL;
CREATE INDEX log_of ON log (run, number);
"""

LISTED = (
    "SELECT run_id, runs.flow_id, flows.title, label, tags, status, start_time, completion_time, details "
    "FROM runs JOIN flows ON flows.flow_id = runs.flow_id"
)
NAMESPACE = uuid5(NAMESPACE_URL, "xpcs_nb/facility/local")


def now() -> str:
    """Return the time as documents have it."""
    return datetime.now(UTC).isoformat()


def as_json(value: Any) -> str:
    """Return the shortest JSON of a value.

    Raises
    ------
    ValueError, TypeError
        JSON can't have it (NaN, an object).
    """
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


class RunStore:
    """All runs of a home folder, as those see them who start, watch and steer them.

    Parameters
    ----------
    path
        The database file.
    """

    def __init__(self, path: Path) -> None:
        self.database = Database(
            path, kind="run store", schema=SCHEMA, application_id=APPLICATION_ID, version=SCHEMA_VERSION
        )

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self.database.close()

    def add_flow(self, title: str, definition: Definition) -> str:
        """Keep a definition as the newest of its title; the id depends on the title only."""
        flow_id = str(uuid5(NAMESPACE, f"flow/{title}"))
        with self.database.writing() as connection:
            checksum = _keep(connection, "definitions (checksum, definition)", definition)
            connection.execute(
                "INSERT INTO flows VALUES (?, ?, ?) "
                "ON CONFLICT (flow_id) DO UPDATE SET definition = excluded.definition",
                (flow_id, title, checksum),
            )
        return flow_id

    def add_function(self, name: str, source: str, function_id: str | None = None) -> str:
        """Keep a function's source; the id, if none is given, depends on name and source only."""
        sha256 = hashlib.sha256(source.encode()).hexdigest()
        function_id = function_id or str(uuid5(NAMESPACE, f"function/{name}/{sha256}"))
        with self.database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO functions VALUES (?, ?, ?, ?)", (function_id, name, source, sha256)
            )
        return function_id

    def function(self, function_id: str) -> tuple[str, str] | None:
        """Return name and source of a function, or None where the id is unknown."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT name, source FROM functions WHERE function_id = ?", (function_id,)
            ).fetchone()
        return row and (str(row[0]), str(row[1]))

    def definition(self, flow_id: str) -> dict[str, Any]:
        """Return the newest definition of a flow.

        Raises
        ------
        FlowError
            There is no such flow.
        """
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT definitions.definition FROM flows JOIN definitions ON checksum = flows.definition "
                "WHERE flow_id = ?",
                (flow_id,),
            ).fetchone()
        if row is None:
            raise FlowError("no flow of this id was deployed", path=self.database.path, got=flow_id)
        return dict(json.loads(row[0]))

    def add_run(
        self,
        flow_id: str,
        body: Mapping[str, Any],
        position: Mapping[str, Any],
        settings: Mapping[str, Any],
        *,
        label: str = "",
        tags: Sequence[str] = (),
    ) -> str:
        """Keep a new run, to be worked on by the next engine that looks; return its id."""
        run_id, started = str(uuid4()), now()
        with self.database.writing() as connection:
            number = connection.execute(
                "INSERT INTO runs (run_id, flow_id, definition, settings, label, tags, status, start_time, details) "
                "SELECT ?, flow_id, definition, ?, ?, ?, 'ACTIVE', ?, ? FROM flows WHERE flow_id = ?",
                (
                    run_id,
                    _keep(connection, "settings (checksum, settings)", settings),
                    label,
                    as_json(list(tags)),
                    started,
                    as_json({"code": "FlowStarted", "description": "The flow is queued"}),
                    flow_id,
                ),
            ).lastrowid
            connection.execute(
                "INSERT INTO carried (run, body, position) VALUES (?, ?, ?)",
                (number, as_json(body), as_json(position)),
            )
            connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", [(tag, number) for tag in tags])
            entry: LogEntry = {"time": started, "code": "FlowStarted", "description": "The flow was started"}
            write_log(connection, number or 0, [entry | {"details": {"input": visible(body)}}])
        return run_id

    def get(self, run_id: str) -> RunDocument:
        """Return a run with its output."""
        with self.database.reading() as connection:
            row = connection.execute(f"{LISTED} WHERE run_id = ?", (run_id,)).fetchone()
            if row is None:
                raise self._unknown(run_id)
            document = _document(row)
            output = connection.execute(
                "SELECT output FROM carried JOIN runs ON run = number WHERE run_id = ?", (run_id,)
            ).fetchone()[0]
        if output is not None:
            document["details"]["output"] = json.loads(output)
        return document

    def body(self, run_id: str) -> dict[str, Any]:
        """Return what a run was started with."""
        with self.database.reading() as connection:
            number = self._number(connection, run_id)
            return dict(json.loads(connection.execute("SELECT body FROM carried WHERE run = ?", number).fetchone()[0]))

    def log(self, run_id: str) -> list[LogEntry]:
        """Return the events of a run, oldest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT time, code, description, details FROM log WHERE run = ? ORDER BY number",
                self._number(connection, run_id),
            ).fetchall()
        return [_entry(*row) for row in rows]

    def list(self, *, limit: int, offset: int, status: RunStatus | None, tag: str | None) -> list[RunDocument]:
        """Return a page of runs, newest first, without output."""
        if limit < 0 or offset < 0:
            raise OptionError("this page can't be shown", got=f"limit={limit}, offset={offset}", expected=">= 0")
        query, values = list_query(status, tag)
        with self.database.reading() as connection:
            return [_document(row) for row in connection.execute(query, (*values, limit, offset))]

    def ask_cancel(self, run_id: str) -> None:
        """End a run that nobody works on; ask the engine to end one that is in work.

        Raises
        ------
        FlowError
            The run has ended already.
        """
        with self.database.writing() as connection:
            number = self._number(connection, run_id)
            status, engine = connection.execute("SELECT status, engine FROM runs WHERE number = ?", number).fetchone()
            if status not in {"ACTIVE", "INACTIVE"}:
                raise FlowError("this run has ended and can't be cancelled", where=f"run {run_id}", got=status)
            if status == "ACTIVE" and engine is not None:
                connection.execute("UPDATE runs SET cancel = 1 WHERE number = ?", number)
                return
            entry: LogEntry = {"time": now(), "code": "FlowCanceled", "description": "The flow was cancelled"}
            connection.execute(
                "UPDATE runs SET status = 'ENDED', completion_time = ?, details = ? WHERE number = ?",
                (entry["time"], as_json({"code": entry["code"], "description": entry["description"]}), *number),
            )
            write_log(connection, number[0], [entry])

    def retry(self, run_id: str, settings: Mapping[str, Any]) -> None:
        """Let a run go on from the step that failed, or that was interrupted or cancelled.

        Raises
        ------
        FlowError
            The run is under way, or has succeeded.
        """
        with self.database.writing() as connection:
            number = self._number(connection, run_id)
            status, position = connection.execute(
                "SELECT status, iif(status = 'FAILED', coalesce(failed, position), position) "
                "FROM runs JOIN carried ON run = number WHERE number = ?",
                number,
            ).fetchone()
            if status not in {"FAILED", "INACTIVE", "ENDED"}:
                raise FlowError(
                    "only a failed, interrupted or cancelled run can go on", where=f"run {run_id}", got=status
                )
            state = json.loads(position)["state"]
            entry: LogEntry = {
                "time": now(),
                "code": "FlowResumed",
                "description": f"The flow goes on from state {state}",
                "details": {"state_name": state, "after": status},
            }
            connection.execute(
                "UPDATE runs SET status = 'ACTIVE', completion_time = NULL, engine = NULL, due = 0, cancel = 0, "
                "details = ?, settings = ? WHERE number = ?",
                (
                    as_json({"code": entry["code"], "description": entry["description"], "state_name": state}),
                    _keep(connection, "settings (checksum, settings)", settings),
                    *number,
                ),
            )
            connection.execute(
                "UPDATE carried SET position = ?, failed = NULL, output = NULL WHERE run = ?", (position, *number)
            )
            write_log(connection, number[0], [entry])

    def _number(self, connection: sqlite3.Connection, run_id: str) -> tuple[int]:
        row = connection.execute("SELECT number FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        if row is None:
            raise self._unknown(run_id)
        return (int(row[0]),)

    def _unknown(self, run_id: str) -> FlowError:
        return FlowError("there is no such run", path=self.database.path, got=run_id)


def list_query(status: RunStatus | None, tag: str | None) -> tuple[str, list[str]]:
    """Return the query of a page of runs (limit and offset are to be added to its values)."""
    query, order, conditions, values = LISTED, "runs.number", [], []
    if tag is not None:
        # The same number, but named so that SQLite sees that the tag's index has it in order.
        order = "tags.run"
        query += " JOIN tags ON tags.run = runs.number"
        conditions.append("tag = ?")
        values.append(tag)
    if status is not None:
        conditions.append("status = ?")
        values.append(status)
    if conditions:
        query += " WHERE " + " AND ".join(conditions)
    return f"{query} ORDER BY {order} DESC LIMIT ? OFFSET ?", values


def write_log(connection: sqlite3.Connection, number: int, entries: Sequence[LogEntry]) -> None:
    """Add events to a run's log."""
    connection.executemany(
        "INSERT INTO log (run, time, code, description, details) VALUES (?, ?, ?, ?, ?)",
        [
            (
                number,
                entry["time"],
                entry["code"],
                entry["description"],
                as_json(entry["details"]) if "details" in entry else None,
            )
            for entry in entries
        ],
    )


def _keep(connection: sqlite3.Connection, table: str, value: Mapping[str, Any]) -> str:
    text = as_json(value)
    checksum = hashlib.sha256(text.encode()).hexdigest()
    connection.execute(f"INSERT OR IGNORE INTO {table} VALUES (?, ?)", (checksum, text))  # noqa: S608
    return checksum


def _document(row: Sequence[Any]) -> RunDocument:
    run_id, flow_id, title, label, tags, status, start_time, completion_time, details = row
    return {
        "run_id": run_id,
        "flow_id": flow_id,
        "flow_title": title,
        "label": label,
        "tags": json.loads(tags),
        "status": status,
        "start_time": start_time,
        "completion_time": completion_time,
        "details": json.loads(details),
    }


def _entry(time: str, code: str, description: str, details: str | None) -> LogEntry:
    entry: LogEntry = {"time": time, "code": code, "description": description}
    if details is not None:
        entry["details"] = json.loads(details)
    return entry
