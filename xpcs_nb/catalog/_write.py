"""Records into the tables: rows for the last chunk, arrays for each that is full."""

from __future__ import annotations

import hashlib
import sqlite3
from array import array
from collections import defaultdict
from typing import Literal

from xpcs_nb.catalog._record import Record, search_entries, search_text
from xpcs_nb.catalog._words import words_of

__all__ = ["CHUNK", "NUMBERS", "POSITIONS", "TEXTS", "Ingested", "Writer", "delete"]

#: Records in a chunk; a record's place in it takes 16 bits.
CHUNK = 8192

#: An occurrence of a word is the record's number times this, plus its position in the text. Positions begin at 1, so
#: that the last of one record and the first of the next do not look like neighbours.
POSITIONS = 1 << 16

#: Kinds of columns: floats, and codes of `terms`.
NUMBERS, TEXTS = 0, 1

#: Codes of strings kept in memory while ingesting.
KNOWN_TERMS = 300_000

type Ingested = Literal["created", "replaced", "unchanged"]


class Writer:
    """What is ingested in one transaction; `finish` writes the rest."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._keys = dict(connection.execute("SELECT name, id FROM keys"))
        self._sizes: dict[int, int] = dict(connection.execute("SELECT id, terms FROM keys"))
        self._terms: dict[tuple[int, str], int] = {}
        self._entries: dict[tuple[int, int], tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
        self._words: dict[str, list[int]] = defaultdict(list)

    def add(self, record: Record) -> Ingested:
        """Add a record, or replace the one with its subject."""
        document = record.model_dump_json()
        digest = hashlib.sha256(document.encode()).digest()
        row = self._connection.execute("SELECT id, digest FROM records WHERE subject = ?", (record.subject,)).fetchone()
        if row is not None and row[1] == digest:
            return "unchanged"
        if row is not None:
            delete(self._connection, row[0])
        number = self._connection.execute(
            "INSERT INTO records (subject, digest, document) VALUES (?, ?, ?)", (record.subject, digest, document)
        ).lastrowid
        assert number is not None  # noqa: S101  # an INSERT that succeeded
        self._note(number, record)
        if number % CHUNK == CHUNK - 1:
            self._seal(number // CHUNK)
        return "created" if row is None else "replaced"

    def finish(self) -> None:
        """Write what is left as rows."""
        rows = (
            (key, kind, record, item)
            for (key, kind), (records, items) in self._entries.items()
            for record, item in zip(records, items, strict=True)
        )
        self._connection.executemany("INSERT INTO tail_entries VALUES (?, ?, ?, ?)", rows)
        words = ((word, occurrence) for word, found in self._words.items() for occurrence in found)
        self._connection.executemany("INSERT INTO tail_words VALUES (?, ?)", words)
        sizes = ((size, key) for key, size in self._sizes.items())
        self._connection.executemany("UPDATE keys SET terms = ? WHERE id = ?", sizes)
        self._entries.clear()
        self._words.clear()

    def _note(self, number: int, record: Record) -> None:
        for name, value in search_entries(record):
            key = self._keys.get(name) or self._new_key(name)
            if isinstance(value, str):
                records, items = self._entries[key, TEXTS]
                items.append(self._code(key, value))
            else:
                records, items = self._entries[key, NUMBERS]
                items.append(value)
            records.append(number)
        occurrences, first = self._words, number * POSITIONS + 1
        last = first + POSITIONS - 2
        for occurrence, word in enumerate(words_of(search_text(record)), first):
            # A text beyond all measure: its further words are found, phrases of them are not.
            if occurrence < last or not occurrences[word] or occurrences[word][-1] != last:
                occurrences[word].append(min(occurrence, last))

    def _new_key(self, name: str) -> int:
        key = self._connection.execute("INSERT INTO keys (name) VALUES (?)", (name,)).lastrowid
        assert key is not None  # noqa: S101  # an INSERT that succeeded
        self._keys[name], self._sizes[key] = key, 0
        return key

    def _code(self, key: int, value: str) -> int:
        code = self._terms.get((key, value))
        if code is not None:
            return code
        row = self._connection.execute("SELECT code FROM terms WHERE key = ? AND value = ?", (key, value)).fetchone()
        if row is None:
            code = self._sizes[key]
            self._sizes[key] = code + 1
            self._connection.execute("INSERT INTO terms VALUES (?, ?, ?)", (key, code, value))
        else:
            code = int(row[0])
        if len(self._terms) >= KNOWN_TERMS:
            self._terms.clear()
        self._terms[key, value] = code
        return code

    def _seal(self, chunk: int) -> None:
        """Write a chunk that is full as arrays, and take its rows away."""
        execute, begin = self._connection.execute, chunk * CHUNK
        entries: dict[tuple[int, int], tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
        for key, kind, record, item in execute("SELECT key, kind, record, item FROM tail_entries"):
            records, items = entries[key, kind]
            records.append(record)
            items.append(item)
        # The rows are of earlier transactions, thus of earlier records.
        for which, (records, items) in self._entries.items():
            entries[which][0].extend(records)
            entries[which][1].extend(items)
        columns = (
            (chunk, key, kind, array("H", (number - begin for number in records)).tobytes(), _packed(kind, items))
            for (key, kind), (records, items) in entries.items()
        )
        self._connection.executemany("INSERT INTO columns VALUES (?, ?, ?, ?, ?)", columns)
        words: dict[str, list[int]] = defaultdict(list)
        for word, occurrence in execute("SELECT word, occurrence FROM tail_words"):
            words[word].append(occurrence)
        for word, found in self._words.items():
            words[word].extend(found)
        first = begin * POSITIONS
        postings = (
            (chunk, word, array("I", (each - first for each in words[word])).tobytes()) for word in sorted(words)
        )
        self._connection.executemany("INSERT INTO postings VALUES (?, ?, ?)", postings)
        self._entries.clear()
        self._words.clear()
        for statement in ("DELETE FROM tail_entries", "DELETE FROM tail_words"):
            execute(statement)
        execute("INSERT INTO chunks VALUES (?)", (chunk,))


def _packed(kind: int, items: list[float]) -> bytes:
    return array("i", map(int, items)).tobytes() if kind == TEXTS else array("d", items).tobytes()


def delete(connection: sqlite3.Connection, number: int) -> None:
    """Take a record away; what the arrays say of its number is no longer looked at."""
    connection.execute("DELETE FROM records WHERE id = ?", (number,))
    connection.execute("INSERT INTO dead (record) VALUES (?)", (number,))
