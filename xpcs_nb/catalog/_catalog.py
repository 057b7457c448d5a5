"""The embedded catalogue: ingest records, find them again."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from xpcs_nb.catalog._filters import Asked, Filter
from xpcs_nb.catalog._record import Record
from xpcs_nb.catalog._store import Store
from xpcs_nb.catalog._write import Ingested, Writer, delete
from xpcs_nb.errors import MissingKeyError, OptionError

if TYPE_CHECKING:
    from xpcs_nb.catalog._index import Index

__all__ = ["Catalog", "SearchResult"]

#: As in Globus Search.
LARGEST_PAGE = 10_000


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
        self._index: tuple[sqlite3.Connection, Index] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Catalog, (self.path,)

    @property
    def path(self) -> Path:
        """The database file."""
        return self._store.path

    def close(self) -> None:
        """Close the file; using the catalogue again opens it again."""
        self._index = None
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        with self._store.reading() as connection:
            gone = int(connection.execute("SELECT count(*) FROM dead").fetchone()[0])
            row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'records'").fetchone()
        return int(row[0]) - gone if row else 0

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
            writer = Writer(connection)
            done = [writer.add(record) for record in records]
            writer.finish()
        return done

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
            delete(connection, row[0])

    def keys(self) -> list[str]:
        """Return all keys that filters, facets and sort can name."""
        with self._store.reading() as connection:
            return [str(name) for (name,) in connection.execute("SELECT name FROM keys ORDER BY name")]

    def read_ahead(self, keys: Collection[str] = ()) -> Iterator[None]:
        """Read what searches look at, piece by piece, so that the first ones need not wait for the disk.

        For a thread beside those that search, which get their turn between two pieces: the values of `keys` (those
        that records have) are then in memory, and the places of all words in the disk cache of the system. Ends early
        when the catalogue is closed.

        Yields
        ------
        None
            After each piece.
        """
        for name in keys:
            with self._store.reading() as connection:
                row = connection.execute("SELECT id FROM keys WHERE name = ?", (name,)).fetchone()
                if row is not None:
                    index = self._ready(connection)
                    index.refresh(connection)
                    index.values(int(row[0]))
            yield
            if not self._store.is_open:
                return
        with self._store.reading() as connection:
            chunks = [chunk for (chunk,) in connection.execute("SELECT id FROM chunks ORDER BY id DESC")]
        for chunk in chunks:
            yield
            if not self._store.is_open:
                return
            with self._store.reading() as connection:
                # The last byte of each row can't be had without the pages before.
                connection.execute(
                    "SELECT max(substr(occurrences, -1)) FROM postings WHERE chunk = ?", (chunk,)
                ).fetchone()

    def search(
        self,
        text: str = "",
        *,
        where: Mapping[str, Filter] | None = None,
        facets: Collection[str] = (),
        facet_size: int = 10,
        sort: str | Sequence[str] | None = None,
        limit: int = 20,
        offset: int = 0,
        as_seen_by: Collection[str] | None = None,
        **filters: Filter,
    ) -> SearchResult:
        """Find records.

        Parameters
        ----------
        text
            Words that must all occur (in any case, accents ignored); ``"a phrase"`` in quotes; ``word*`` for words that
            begin so.
        where, **filters
            By key: a value; a set or list of values any of which will do; a range ``(low, high)`` with both ends
            included and None for an open end, so that ``(None, None)`` finds what has the key; None for what lacks the
            key; ``Not`` of any of these. Texts and times have ranges too; a date as a text is that whole day. `where`
            is for keys that are no Python names, as ``sample.temperature`` of nested metadata.
        facets, facet_size
            Keys whose values are to be counted among what was found, and how many values of each to return;
            ``start_time:day`` and ``created:day`` count the days, in UTC.
        sort
            Key to sort by, ``-key`` for falling order, or ``relevance``; or several. None for relevance with text, and
            the newest first (``-created``) among equals and without text.
        limit, offset
            Size of the page, and how many records come before it; offset + limit <= 10,000.
        as_seen_by
            Principals (as in `Record.visible_to`): find only what one of them, or the public, may see. None finds all.

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
        asked = Asked(text, {**(where or {}), **filters}, as_seen_by, sort, facets, facet_size)
        with self._store.reading() as connection:
            total, numbers, counts = self._answer(connection, asked, limit + offset)
            documents = [
                connection.execute("SELECT document FROM records WHERE id = ?", (number,)).fetchone()[0]
                for number in numbers[offset:]
            ]
        return SearchResult(total, tuple(map(Record.model_validate_json, documents)), counts, offset)

    def _answer(
        self, connection: sqlite3.Connection, asked: Asked, size: int
    ) -> tuple[int, list[int], dict[str, tuple[tuple[str | float, int], ...]]]:
        # numpy is loaded when a search needs it, not with the package.
        from xpcs_nb.catalog._answer import answer

        return answer(connection, self._ready(connection), asked, size)

    def _ready(self, connection: sqlite3.Connection) -> Index:
        from xpcs_nb.catalog._index import Index

        if self._index is None or self._index[0] is not connection:
            self._index = connection, Index()
        return self._index[1]
