"""Indices of Globus Search: entries as they were ingested, in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xpcs_nb.testing.sandbox._service import Refusal, new_id

__all__ = ["SearchIndices"]

#: Limits of Globus Search: bytes of an entry's content and of a subject, principals.
CONTENT_BYTES, SUBJECT_BYTES, PRINCIPALS = 10_000_000, 500, 100
#: s until what was accepted can be found; none of the real service's clients may count on less.
LATENCY = 0.05

SCHEMA = """
CREATE TABLE IF NOT EXISTS indices (id TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    index_id TEXT NOT NULL, subject TEXT NOT NULL, entry_id TEXT NOT NULL, visible_to TEXT NOT NULL,
    content TEXT NOT NULL, PRIMARY KEY (index_id, subject, entry_id)
);
"""


class SearchIndices:
    """Indices, their entries, and the tasks that change them."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._lock = threading.Lock()
        self._tasks: dict[str, dict[str, Any]] = {}
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sandbox-search")
        with self._lock:
            self._database.executescript(SCHEMA)

    def close(self) -> None:
        """Stop tasks and close the file."""
        self._stopping.set()
        self._pool.shutdown(cancel_futures=True)
        self._database.close()

    def create(self, name: str, description: str, index_id: str | None = None) -> dict[str, Any]:
        """Make an index, unless there is one with this id."""
        document = {
            "@datatype": "GSearchIndex",
            "@version": "2017-09-01",
            "creation_date": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
            "display_name": name,
            "description": description,
            "id": index_id or new_id(),
            "is_trial": True,
            "subscription_id": None,
            "max_size_in_mb": 1,
            "status": "open",
        }
        with self._lock:
            row = (document["id"], json.dumps(document))
            self._database.execute("INSERT INTO indices VALUES (?, ?) ON CONFLICT DO NOTHING", row)
        return self.get(str(document["id"]))

    def get(self, index_id: str) -> dict[str, Any]:
        """Return an index."""
        counts = "SELECT count(*), count(DISTINCT subject), total(length(content)) FROM entries WHERE index_id = ?"
        with self._lock:
            row = self._database.execute("SELECT document FROM indices WHERE id = ?", (index_id,)).fetchone()
            if row is None:
                raise Refusal(404, f"There is no search index named {index_id!r}", "NotFound.NoSuchIndex")
            entries, subjects, size = self._database.execute(counts, (index_id,)).fetchone()
        numbers = {"num_entries": entries, "num_subjects": subjects, "size_in_mb": int(size) // 1_000_000}
        return {**json.loads(row[0]), **numbers}

    def all(self) -> list[dict[str, Any]]:
        """Return the indices."""
        with self._lock:
            rows = self._database.execute("SELECT id FROM indices ORDER BY rowid").fetchall()
        return [self.get(index_id) for (index_id,) in rows]

    def update(self, index_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change the name or description of an index."""
        document = {**self.get(index_id), **changes}
        with self._lock:
            self._database.execute("UPDATE indices SET document = ? WHERE id = ?", (json.dumps(document), index_id))
        return document

    def delete(self, index_id: str) -> None:
        """Remove an index with its entries."""
        self.get(index_id)
        with self._lock:
            self._database.execute("DELETE FROM entries WHERE index_id = ?", (index_id,))
            self._database.execute("DELETE FROM indices WHERE id = ?", (index_id,))

    def entries(self, index_id: str, principals: Collection[str], subject: str | None = None) -> list[dict[str, Any]]:
        """Return the entries that one of the principals may see, oldest first."""
        self.get(index_id)
        query = "SELECT subject, entry_id, visible_to, content FROM entries WHERE index_id = ?"
        where, last = (" AND subject = ?", [subject]) if subject is not None else ("", [])
        with self._lock:
            rows = self._database.execute(f"{query}{where} ORDER BY rowid", [index_id, *last]).fetchall()
        return [
            {"subject": subject, "id": entry_id or None, "content": json.loads(content)}
            for subject, entry_id, visible_to, content in rows
            if not set(principals).isdisjoint(json.loads(visible_to))
        ]

    def ingest(self, index_id: str, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Accept entries; each takes the place of the one with its subject and id."""
        rows = [_row(index_id, entry) for entry in entries]
        statement = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)"
        return self._submit(index_id, "INGEST", lambda: self._many(statement, rows))

    def remove(self, index_id: str, subjects: Collection[str], entry_id: str | None = None) -> dict[str, Any]:
        """Accept the deletion of subjects, or of one entry of each."""
        rows: list[tuple[str, ...]] = [(index_id, subject) for subject in subjects]
        statement = "DELETE FROM entries WHERE index_id = ? AND subject = ?"
        if entry_id is not None:
            rows = [(*row, entry_id) for row in rows]
            statement += " AND entry_id = ?"
        return self._submit(index_id, "DELETE", lambda: self._many(statement, rows))

    def task(self, task_id: str) -> dict[str, Any]:
        """Return a task."""
        with self._lock:
            if task_id not in self._tasks:
                raise Refusal(404, f"no task {task_id}", "NotFound.Generic")
            return {**self._tasks[task_id]}

    def tasks(self, index_id: str) -> list[dict[str, Any]]:
        """Return the tasks of an index, newest first."""
        self.get(index_id)
        with self._lock:
            return [{**task} for task in reversed(self._tasks.values()) if task["index_id"] == index_id]

    def _submit(self, index_id: str, kind: str, change: Callable[[], None]) -> dict[str, Any]:
        self.get(index_id)
        task = {
            "@datatype": "GTask",
            "task_id": new_id(),
            "index_id": index_id,
            "task_type": kind,
            "state": "PENDING",
            "state_description": "Task pending",
            "message": None,
            "additional_details": None,
            "creation_date": datetime.now(UTC).isoformat(),
            "completion_date": None,
        }
        with self._lock:
            self._tasks[str(task["task_id"])] = task
        self._pool.submit(self._carry_out, task, change)
        return task

    def _carry_out(self, task: dict[str, Any], change: Callable[[], None]) -> None:
        if self._stopping.wait(LATENCY):
            return
        try:
            change()
        except sqlite3.DatabaseError as error:
            done = {"state": "FAILED", "state_description": "Task failed", "message": str(error)}
        else:
            done = {"state": "SUCCESS", "state_description": "Task succeeded"}
        with self._lock:
            task.update(done, completion_date=datetime.now(UTC).isoformat())

    def _many(self, statement: str, rows: Sequence[tuple[str, ...]]) -> None:
        with self._lock, self._database:
            self._database.execute("BEGIN")
            self._database.executemany(statement, rows)


def _row(index_id: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    problem = None
    content = json.dumps(entry.get("content"))
    if not entry.get("subject") or len(str(entry["subject"]).encode()) > SUBJECT_BYTES:
        problem = f"subject: is needed, of at most {SUBJECT_BYTES} bytes"
    elif not isinstance(entry.get("visible_to"), list) or not 0 < len(entry["visible_to"]) <= PRINCIPALS:
        problem = f"visible_to: is needed, with at most {PRINCIPALS} principals"
    elif not isinstance(entry.get("content"), dict):
        problem = "content: is needed, and is an object"
    elif len(content) > CONTENT_BYTES:
        problem = f"content: has {len(content)} bytes, the limit is {CONTENT_BYTES}"
    if problem:
        raise Refusal(400, problem, "BadRequest.ValidationError")
    return index_id, entry["subject"], entry.get("id") or "", json.dumps(entry["visible_to"]), content
