"""The embedded catalogue: ingest records, find them again."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from xpcs_nb.catalog._query import Condition, Filter, condition, key_number, order
from xpcs_nb.catalog._record import Record, search_entries, search_text
from xpcs_nb.catalog._store import Store
from xpcs_nb.errors import MissingKeyError, OptionError

__all__ = ["Catalog", "SearchResult"]

#: As in Globus Search.
LARGEST_PAGE = 10_000

#: Records up to which facets are counted from what was found.
FEW = 2000

type Ingested = Literal["created", "replaced", "unchanged"]


@dataclass(frozen=True)
class SearchResult:
    """One page of what a search found.

    Attributes
    ----------
    total
        Number of records found, on all pages.
    records
        Those of this page, in order.
    facets
        For each facet asked for: values and their numbers of records among all found, most frequent first.
    offset
        Number of records before this page.
    """

    total: int
    records: tuple[Record, ...]
    facets: Mapping[str, tuple[tuple[str | float, int], ...]]
    offset: int = 0

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def _repr_html_(self) -> str:
        last = self.offset + len(self.records)
        heading = f"{self.total} records" + (f", {self.offset + 1} to {last}" if len(self.records) < self.total else "")
        rows = "".join(
            f"<tr><td>{escape(record.dataset)}</td><td>{escape(record.title)}</td>"
            f"<td>{escape(str(record.start_time or ''))}</td><td>{len(record.files)}</td></tr>"
            for record in self.records
        )
        columns = "<tr><th>dataset</th><th>title</th><th>start time</th><th>files</th></tr>"
        return f"<p>{heading}</p><table><thead>{columns}</thead><tbody>{rows}</tbody></table>"


class Catalog:
    """Records in one SQLite file, found by free text, by value and by range.

    Safe for several threads and processes on one machine; not on network file systems, which do not lock reliably.
    Every change is atomic: another process sees all of it or nothing, and a killed one leaves nothing half done.

    Parameters
    ----------
    path
        The database; made with its folder when first used.

    Raises
    ------
    CorruptDataError
        When used, if the file is damaged or no database.
    FileFormatError
        When used, if it is another program's database, or of another version.
    WriteError
        When used, if the file can't be opened or written.

    Examples
    --------
    >>> catalog = Catalog(folder / "catalog.db")
    >>> catalog.ingest(Record(subject="a", title="Aerogel", dataset="B009", metadata={"temperature": 298.1}))
    'created'
    >>> catalog.search("aerogel", temperature=(290, 310)).total
    1
    """

    def __init__(self, path: str | Path) -> None:
        self._store = Store(Path(path))

    @property
    def path(self) -> Path:
        """The database file."""
        return self._store.path

    def close(self) -> None:
        """Close the file; using the catalogue again opens it again."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        with self._store.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM records").fetchone()[0])

    def __contains__(self, subject: str) -> bool:
        with self._store.reading() as connection:
            return connection.execute("SELECT 1 FROM records WHERE subject = ?", (subject,)).fetchone() is not None

    def ingest(self, record: Record) -> Ingested:
        """Add a record, or put it in the place of the one with its subject.

        Returns
        -------
        str
            ``created``, ``replaced``, or ``unchanged`` where the same was there already.
        """
        return self.ingest_many([record])[0]

    def ingest_many(self, records: Iterable[Record]) -> list[Ingested]:
        """Ingest records, all or none of them; much faster than one by one."""
        with self._store.writing() as connection:
            return [_ingest(connection, record) for record in records]

    def get(self, subject: str) -> Record:
        """Return the record of a subject.

        Raises
        ------
        MissingKeyError
            If there is none.
        """
        with self._store.reading() as connection:
            row = connection.execute("SELECT document FROM records WHERE subject = ?", (subject,)).fetchone()
        if row is None:
            raise MissingKeyError("no record has this subject", path=self.path, got=repr(subject))
        return Record.model_validate_json(row[0])

    def delete(self, subject: str) -> None:
        """Remove the record of a subject.

        Raises
        ------
        MissingKeyError
            If there is none.
        """
        with self._store.writing() as connection:
            row = connection.execute("SELECT id FROM records WHERE subject = ?", (subject,)).fetchone()
            if row is None:
                raise MissingKeyError("no record has this subject", path=self.path, got=repr(subject))
            _remove(connection, row[0])

    def keys(self) -> list[str]:
        """Return all keys that filters, facets and sort can name."""
        with self._store.reading() as connection:
            return [str(name) for (name,) in connection.execute("SELECT name FROM keys ORDER BY name")]

    def search(
        self,
        text: str = "",
        *,
        where: Mapping[str, Filter] | None = None,
        facets: Collection[str] = (),
        facet_size: int = 10,
        sort: str | None = None,
        limit: int = 20,
        offset: int = 0,
        **filters: Filter,
    ) -> SearchResult:
        """Find records.

        Parameters
        ----------
        text
            Words that must all occur (in any case, accents ignored); ``"a phrase"`` in quotes; ``word*`` for words that
            begin so.
        where, **filters
            By key: a value, a set or list of values any of which will do, or a range ``(low, high)`` with both ends
            included and None for an open end. Texts and times have ranges too. `where` is for keys that are no
            Python names.
        facets, facet_size
            Keys whose values are to be counted among what was found, and how many values of each to return.
        sort
            Key to sort by, ``-key`` for falling order, or ``relevance``; None for relevance with text, and the newest
            first (``-created``) without.
        limit, offset
            Size of the page, and how many records come before it; offset + limit <= 10,000.

        Returns
        -------
        SearchResult

        Raises
        ------
        OptionError
            If a key is unknown (close ones are named), or an option can't be used.
        """
        if limit < 0 or offset < 0 or limit + offset > LARGEST_PAGE:
            raise OptionError(
                "this page can't be shown",
                got=f"limit={limit}, offset={offset}",
                expected=f"0 <= limit, 0 <= offset, limit + offset <= {LARGEST_PAGE}",
                hint="Narrow the search.",
            )
        both = set(where or {}) & set(filters)
        if both:
            raise OptionError("filters are given twice", where="where", got=", ".join(sorted(both)))
        with self._store.reading() as connection:
            total = _find(connection, condition(connection, text, {**(where or {}), **filters}))
            ordering = order(connection, sort or ("relevance" if text.strip() else "-created"))
            page = f"SELECT id FROM temp.found ORDER BY {ordering.sql} LIMIT ? OFFSET ?"  # noqa: S608
            numbers = connection.execute(page, (*ordering.values, limit, offset)).fetchall()
            documents = [
                connection.execute("SELECT document FROM records WHERE id = ?", number).fetchone()[0]
                for number in numbers
            ]
            counts = {name: _facet(connection, name, total, facet_size) for name in facets}
        return SearchResult(total, tuple(map(Record.model_validate_json, documents)), counts, offset)


def _find(connection: sqlite3.Connection, wanted: Condition) -> int:
    """Fill ``temp.found`` with the records of a condition and the rank of the text in them; return their number."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS found (id INTEGER PRIMARY KEY, rank REAL)")
    connection.execute("DELETE FROM temp.found")
    rank = "rank" if wanted.source != "records" else "0"
    found = f"INSERT INTO temp.found SELECT records.id, {rank} FROM {wanted.source} WHERE {wanted.sql}"  # noqa: S608
    return connection.execute(found, wanted.values).rowcount


def _ingest(connection: sqlite3.Connection, record: Record) -> Ingested:
    document = record.model_dump_json()
    digest = hashlib.sha256(document.encode()).hexdigest()
    row = connection.execute("SELECT id, digest FROM records WHERE subject = ?", (record.subject,)).fetchone()
    if row is not None and row[1] == digest:
        return "unchanged"
    if row is not None:
        _remove(connection, row[0])
    number = connection.execute(
        "INSERT INTO records (id, subject, digest, document, body) VALUES (?, ?, ?, ?, ?)",
        (row and row[0], record.subject, digest, document, search_text(record)),
    ).lastrowid
    for name, value in search_entries(record):
        key = _number(connection, "keys (name)", "name = ?", (name,))
        if isinstance(value, str):
            term = _number(connection, "terms (key, value)", "key = ? AND value = ?", (key, value))
            connection.execute("INSERT INTO has_term VALUES (?, ?)", (term, number))
        else:
            connection.execute("INSERT INTO has_number VALUES (?, ?, ?)", (key, value, number))
    return "created" if row is None else "replaced"


def _number(connection: sqlite3.Connection, table: str, where: str, values: tuple[str | int, ...]) -> int:
    """Return the number of a row of `keys` or `terms`; add it where it is new."""
    name = table.split(maxsplit=1)[0]
    row = connection.execute(f"SELECT id FROM {name} WHERE {where}", values).fetchone()  # noqa: S608
    if row is not None:
        return int(row[0])
    marks = ", ".join("?" * len(values))
    return int(connection.execute(f"INSERT INTO {table} VALUES ({marks})", values).lastrowid or 0)  # noqa: S608


def _remove(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("DELETE FROM has_term WHERE record = ?", (number,))
    connection.execute("DELETE FROM has_number WHERE record = ?", (number,))
    connection.execute("DELETE FROM records WHERE id = ?", (number,))


def _facet(connection: sqlite3.Connection, name: str, total: int, size: int) -> tuple[tuple[str | float, int], ...]:
    """Count the values of a key in ``temp.found``.

    CROSS JOIN is SQLite's word for a fixed order of loops. From a few records it is shorter to look up their values;
    from many, to run through the key and look whether each record was found. Left to itself, SQLite took minutes.
    """
    key = key_number(connection, name)
    if total <= FEW:
        terms = "temp.found CROSS JOIN has_term ON record = found.id CROSS JOIN terms ON terms.id = term"
        numbers = "temp.found CROSS JOIN has_number ON record = found.id"
    else:
        terms = "terms CROSS JOIN has_term ON term = terms.id CROSS JOIN temp.found ON found.id = record"
        numbers = "has_number CROSS JOIN temp.found ON found.id = record"
    rows = connection.execute(
        f"SELECT value, count(*) AS n FROM {terms} WHERE key = ? GROUP BY value "  # noqa: S608
        f"UNION ALL SELECT value, count(*) AS n FROM {numbers} WHERE key = ? GROUP BY value "
        "ORDER BY n DESC, value LIMIT ?",
        (key, key, size),
    )
    return tuple((value, int(count)) for value, count in rows)
