"""The run store as an engine sees it: runs to take up, what became of each step, runs to give back."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xpcs_nb.facility._services import LogEntry, RunStatus
from xpcs_nb.facility.local._database import Database
from xpcs_nb.facility.local._runs import as_json, now, write_log

__all__ = ["Claims", "Taken"]

OTHERS = (
    "SELECT number, cancel, json_extract(position, '$.state') "
    "FROM runs INDEXED BY runs_in_work JOIN carried ON run = number "
    "WHERE status = 'ACTIVE' AND engine IS NOT NULL AND engine != ?"
)


@dataclass(frozen=True)
class Taken:
    """A run that an engine works on: where it stands, and the action that was under way when its engine ended."""

    number: int
    run_id: str
    flow_id: str
    label: str
    definition: dict[str, Any]
    settings: dict[str, Any]
    position: dict[str, Any]
    action: dict[str, Any] | None


class Claims:
    """What the engine `engine` takes from a run store and writes to it; each call is one transaction.

    Parameters
    ----------
    database
        Of the run store.
    engine
        Name of the engine, used by no other.
    """

    def __init__(self, database: Database, engine: str) -> None:
        self._database = database
        self._engine = engine

    def take(self, most: int) -> list[Taken]:
        """Take up to `most` runs that are to go on, those first that have waited longest."""
        with self._database.writing() as connection:
            rows = connection.execute(
                "SELECT number, run_id, flow_id, label, definitions.definition, settings.settings, position, action "
                "FROM runs INDEXED BY runs_to_do JOIN definitions ON definitions.checksum = runs.definition "
                "JOIN settings ON settings.checksum = runs.settings JOIN carried ON run = number "
                "WHERE status = 'ACTIVE' AND engine IS NULL AND due <= ? ORDER BY due, number LIMIT ?",
                (time.time(), most),
            ).fetchall()
            connection.executemany(
                "UPDATE runs SET engine = ? WHERE number = ?", [(self._engine, row[0]) for row in rows]
            )
        return [Taken(*row[:4], *(text and json.loads(text) for text in row[4:])) for row in rows]

    def next_due(self) -> float | None:
        """Return when the next run is to go on (unix time), or None where there is none."""
        with self._database.reading() as connection:
            due = connection.execute(
                "SELECT min(due) FROM runs INDEXED BY runs_to_do WHERE status = 'ACTIVE' AND engine IS NULL"
            ).fetchone()[0]
        return due if due is None else float(due)

    def cancelled(self) -> list[int]:
        """Return the numbers of this engine's runs that are to be cancelled."""
        with self._database.reading() as connection:
            return [
                number
                for (number,) in connection.execute(
                    "SELECT number FROM runs WHERE status = 'ACTIVE' AND engine = ? AND cancel = 1", (self._engine,)
                )
            ]

    def step(
        self,
        number: int,
        position: Mapping[str, Any],
        entries: Sequence[LogEntry],
        *,
        action: Mapping[str, Any] | None = None,
        failed: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep where a run stands now, the action that is about to start there, and what happened.

        `failed` is where the run stood when an action failed whose failure the definition handles.
        """
        last = entries[-1]
        details = {"code": last["code"], "description": last["description"], "state_name": position["state"]}
        with self._database.writing() as connection:
            connection.execute("UPDATE runs SET details = ? WHERE number = ?", (as_json(details), number))
            connection.execute(
                "UPDATE carried SET position = ?, action = ?, failed = coalesce(?, failed) WHERE run = ?",
                (as_json(position), action and as_json(action), failed and as_json(failed), number),
            )
            write_log(connection, number, entries)

    def progress(self, number: int, details: Mapping[str, Any]) -> None:
        """Show how far the action under way has come."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE runs SET details = json_set(details, '$.progress', json(?)) WHERE number = ?",
                (as_json(details), number),
            )

    def put_back(self, number: int, due: float = 0) -> bool:
        """Let go of a run; from `due` on any engine takes it up where it stands. False if it is to be cancelled."""
        statement = "UPDATE runs SET engine = NULL, due = ? WHERE number = ? AND NOT cancel"
        with self._database.writing() as connection:
            return connection.execute(statement, (due, number)).rowcount == 1

    def end(
        self,
        number: int,
        status: RunStatus,
        details: Mapping[str, Any],
        entries: Sequence[LogEntry],
        *,
        position: Mapping[str, Any],
        output: Mapping[str, Any] | None = None,
        handled: bool = False,
    ) -> None:
        """Keep how a run ended; `handled` if it failed in what it does after a failure, not in the step that failed."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE runs SET status = ?, details = ?, completion_time = ?, engine = NULL WHERE number = ?",
                (status, as_json(details), now(), number),
            )
            connection.execute(
                "UPDATE carried SET position = ?, output = ?, action = NULL, failed = CASE WHEN ? THEN failed END "
                "WHERE run = ?",
                (as_json(position), None if output is None else as_json(output), handled, number),
            )
            write_log(connection, number, entries)

    def interrupt_others(self) -> None:
        """Mark the runs of engines that are no more; only while no other engine can have the engine's lock."""
        with self._database.reading() as connection:
            if not connection.execute(OTHERS, (self._engine,)).fetchone():
                return
        with self._database.writing() as connection:
            rows = connection.execute(OTHERS, (self._engine,)).fetchall()
            for number, cancel, state in rows:
                code, description = (
                    ("FlowCanceled", "The flow was cancelled")
                    if cancel
                    else (
                        "FlowInterrupted",
                        f"The engine ended while state {state} was under way; retry goes on from there",
                    )
                )
                details = {"code": code, "description": description, "state_name": state}
                connection.execute(
                    "UPDATE runs SET status = CASE WHEN cancel THEN 'ENDED' ELSE 'INACTIVE' END, engine = NULL, "
                    "details = ?, completion_time = CASE WHEN cancel THEN ? END WHERE number = ?",
                    (as_json(details), now(), number),
                )
                entry: LogEntry = {
                    "time": now(),
                    "code": code,
                    "description": description,
                    "details": {"state_name": state},
                }
                write_log(connection, number, [entry])
