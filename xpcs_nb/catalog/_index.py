"""The index in memory: columns of the keys in use, as arrays, brought up to date by what was added since."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.catalog._words import Phrase
from xpcs_nb.catalog._write import CHUNK, NUMBERS, POSITIONS, TEXTS

__all__ = ["Column", "Index", "codes_in_order"]

type Mask = NDArray[np.bool_]
type Ids = NDArray[np.int64]

#: Memory for columns; those not used for longest go first.
COLUMN_BYTES = 256_000_000

#: Keys whose order of texts is kept.
RANKED = 4

#: Phrases whose places are kept, for the next page and for another choice of values.
PHRASES = 8

#: Seconds.
DAY = 86_400.0

#: How many times as many places the more frequent of two words may have, for merging to be quicker than looking up.
SIMILAR = 8

#: Beyond every word that begins with a prefix.
LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True)
class Column:
    """The values of one key.

    Attributes
    ----------
    records
        (n,), numbers of records, rising; several times where a record has several values.
    items
        (n,), float64 numbers, or int32 codes of `terms`.
    until
        Numbers of records below this are in it.
    """

    records: NDArray[np.int32]
    items: NDArray[np.float64] | NDArray[np.int32]
    until: int

    @cached_property
    def dense(self) -> bool:
        """Whether each record from number 1 has one value, so that ``items[number - 1]`` is that of a record."""
        n = self.records.size
        return n == self.until - 1 and (n == 0 or bool((np.diff(self.records) == 1).all()))

    @cached_property
    def codes(self) -> tuple[NDArray[np.int32] | NDArray[np.int64], NDArray[np.float64] | None]:
        """For counting: a small integer for each item, and the numbers they stand for (None for codes of terms)."""
        if self.items.dtype == np.int32:
            return self.items, None  # type: ignore[return-value]  # the dtype says which it is
        numbers, codes = np.unique(self.items, return_inverse=True)
        return codes.astype(np.int32), numbers.astype(np.float64)

    @cached_property
    def days(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """For counting times: a small integer for each item, and the beginnings of the days they stand for, in s."""
        days, codes = np.unique(np.floor(self.items / DAY), return_inverse=True)
        return codes.astype(np.int32), days * DAY

    @cached_property
    def order(self) -> NDArray[np.int32]:
        """Return the places of the items in rising order; equal ones in order."""
        return np.argsort(self.items, kind="stable").astype(np.int32)

    def holds(self, chosen: Mask) -> Mask:
        """Return, for each number of a record, whether one of its items is chosen; `chosen` is by item."""
        held = np.zeros(self.until, dtype=bool)
        if self.dense:
            held[1:] = chosen
        else:
            held[self.records[chosen]] = True
        return held

    def among(self, found: Ids, mask: Mask, items: NDArray[np.int32] | NDArray[np.int64]) -> NDArray[np.integer]:
        """Return those of `items` (by item) that belong to the records found."""
        if found.size == self.until - 1:
            return items
        return items[found - 1] if self.dense else items[mask[self.records]]

    @property
    def nbytes(self) -> int:
        """Memory taken, with what was derived from the items."""
        derived = [name for name in ("codes", "days", "order") if name in self.__dict__]
        return self.records.nbytes + self.items.nbytes + 4 * self.items.size * len(derived)


class Index:
    """Columns, words and what is alive, as one transaction sees them.

    Call `refresh` first in each transaction; what was read in earlier ones is kept and only added to, as records are
    never changed in place.
    """

    def __init__(self) -> None:
        self._columns: OrderedDict[tuple[int, int], Column] = OrderedDict()
        self._ranked: OrderedDict[int, tuple[tuple[int, int], Column]] = OrderedDict()
        self._frequencies: OrderedDict[Phrase, NDArray[np.int32]] = OrderedDict()
        self._dead: list[int] = []
        self._until = 1
        self._sealed = 0
        self._connection: sqlite3.Connection

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Look at the database as this transaction sees it."""
        row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'records'").fetchone()
        until = int(row[0]) + 1 if row else 1
        if until < self._until:
            # Another file under the same name
            self._columns.clear()
            self._ranked.clear()
            self._frequencies.clear()
            self._dead.clear()
        self._connection, self._until = connection, until
        self._sealed = int(connection.execute("SELECT count(*) FROM chunks").fetchone()[0])
        dead = connection.execute("SELECT record FROM dead WHERE number > ?", (len(self._dead),))
        self._dead.extend(number for (number,) in dead)

    def alive(self) -> Mask:
        """Return whether each number stands for a record; (N,) for numbers below N."""
        mask = np.ones(self._until, dtype=bool)
        mask[0] = False
        mask[self._dead] = False
        return mask

    def nothing(self) -> Mask:
        """Return no record at all."""
        return np.zeros(self._until, dtype=bool)

    def column(self, key: int, kind: int) -> Column:
        """Return the values of a key that are of a kind."""
        column = self._columns.pop((key, kind), None)
        if column is None or column.until < self._until:
            column = self._grown(key, kind, column)
        self._columns[key, kind] = column
        while sum(each.nbytes for each in self._columns.values()) > COLUMN_BYTES and len(self._columns) > 1:
            self._columns.popitem(last=False)
        return column

    def _grown(self, key: int, kind: int, column: Column | None) -> Column:
        dtype: Any = np.int32 if kind == TEXTS else np.float64
        records: list[NDArray[np.int32]] = [] if column is None else [column.records]
        items: list[NDArray[Any]] = [] if column is None else [column.items]
        begin = 1 if column is None else column.until
        query = "SELECT chunk, records, items FROM columns WHERE key = ? AND kind = ? AND chunk >= ? ORDER BY chunk"
        for chunk, where, what in self._connection.execute(query, (key, kind, begin // CHUNK)):
            numbers = np.frombuffer(where, dtype=np.uint16).astype(np.int32) + np.int32(chunk * CHUNK)
            new = numbers >= begin
            records.append(numbers[new])
            items.append(np.frombuffer(what, dtype=dtype)[new])
        query = "SELECT record, item FROM tail_entries WHERE key = ? AND kind = ? AND record >= ?"
        rows = self._connection.execute(query, (key, kind, begin)).fetchall()
        records.append(np.array([record for record, _ in rows], dtype=np.int32))
        items.append(np.array([item for _, item in rows], dtype=dtype))
        return Column(np.concatenate(records), np.concatenate(items), self._until)

    def values(self, key: int) -> tuple[Column, Column]:
        """Return the numbers and the texts of a key."""
        return self.column(key, NUMBERS), self.column(key, TEXTS)

    def coded(self, column: Column, codes: NDArray[np.int64]) -> Mask:
        """Return which records have one of these texts."""
        if codes.size == 1:
            return column.holds(column.items == codes[0])
        table = np.zeros(max(int(column.items.max(initial=0)), int(codes.max(initial=0))) + 1, dtype=bool)
        table[codes] = True
        return column.holds(table[column.items.astype(np.int32, copy=False)])

    def ranked(self, key: int) -> Column:
        """Return the texts of a key by their places in the order of texts: a column of numbers."""
        texts, size = self.column(key, TEXTS), self.terms(key)
        known = self._ranked.pop(key, None)
        if known is None or known[0] != (texts.until, size):
            ranks = np.empty(size, dtype=np.float64)
            ranks[codes_in_order(self._connection, key, size)] = np.arange(size)
            items = ranks[texts.items.astype(np.int32, copy=False)]
            known = (texts.until, size), Column(texts.records, items, texts.until)
        self._ranked[key] = known
        while len(self._ranked) > RANKED:
            self._ranked.popitem(last=False)
        return known[1]

    def is_ranked(self, key: int) -> bool:
        """Return whether `ranked` has its answer ready."""
        known = self._ranked.get(key)
        return known is not None and known[0] == (self._until, self.terms(key))

    def terms(self, key: int) -> int:
        """Return how many different texts a key has had."""
        row = self._connection.execute("SELECT terms FROM keys WHERE id = ?", (key,)).fetchone()
        return int(row[0]) if row else 0

    def frequencies(self, phrase: Phrase) -> NDArray[np.int32]:
        """Return how often each record has a phrase; (N,) for numbers below N."""
        times = self._frequencies.pop(phrase, None)
        if times is None or times.size < self._until:
            times = self._counted(phrase)
        self._frequencies[phrase] = times
        while len(self._frequencies) > PHRASES:
            self._frequencies.popitem(last=False)
        return times

    def _counted(self, phrase: Phrase) -> NDArray[np.int32]:
        times = np.zeros(self._until, dtype=np.int32)
        # Chunk by chunk, which stays in the processor's cache.
        found = self._places(phrase.words[-1], prefix=phrase.prefix)
        for word in reversed(phrase.words[:-1]):
            before = self._places(word, prefix=False)
            found = {first: _followed(before[first], found[first]) for first in found.keys() & before.keys()}
        for first, places in found.items():
            counts = np.bincount(places // POSITIONS)
            times[first : first + counts.size] = counts
        return times

    def _places(self, word: str, *, prefix: bool) -> dict[int, NDArray[np.uint32]]:
        """Return the occurrences of a word, rising, by the first record of their chunk, which they are counted from."""
        if not prefix:
            return dict(self._postings(word, prefix=False))
        found: dict[int, list[NDArray[np.uint32]]] = {}
        for first, places in self._postings(word, prefix=True):
            found.setdefault(first, []).append(places)
        return {first: np.sort(np.concatenate(parts)) for first, parts in found.items()}

    def _postings(self, word: str, *, prefix: bool) -> Iterator[tuple[int, NDArray[np.uint32]]]:
        """Yield (first record of a chunk, occurrences counted from it); with `prefix` a chunk may come again."""
        which = "word >= ? AND word < ?" if prefix else "word = ?"
        values = (word, word + LAST_CHARACTER) if prefix else (word,)
        sealed = f"SELECT id, occurrences FROM chunks CROSS JOIN postings ON chunk = id AND {which} ORDER BY id"  # noqa: S608
        for chunk, places in self._connection.execute(sealed, values):
            yield chunk * CHUNK, np.frombuffer(places, dtype=np.uint32)
        first = self._sealed * CHUNK
        rows = self._connection.execute(f"SELECT occurrence FROM tail_words WHERE {which}", values)  # noqa: S608
        places = np.fromiter((place - first * POSITIONS for (place,) in rows), dtype=np.uint32)
        if places.size:
            yield first, places


def codes_in_order(
    connection: sqlite3.Connection, key: int, count: int, direction: Literal["ASC", "DESC"] = "ASC"
) -> NDArray[np.int64]:
    """Return the codes of the first `count` texts of a key, in the order of these."""
    # As one text: a million rows by themselves take Python a second.
    part = f"SELECT code FROM terms WHERE key = ? ORDER BY value {direction} LIMIT ?"  # noqa: S608
    text = connection.execute(f"SELECT group_concat(code) FROM ({part})", (key, count)).fetchone()[0]  # noqa: S608
    return np.fromstring(text or "", dtype=np.int64, sep=",")


def _followed(places: NDArray[np.uint32], next_places: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return those of `places` after which one of `next_places` comes; both rise."""
    if not places.size or not next_places.size:
        return places[:0]
    if max(places.size, next_places.size) <= SIMILAR * min(places.size, next_places.size):
        # What occurs twice in both together; sorting merges two rising runs in one go.
        both = np.concatenate([places + np.uint32(1), next_places])
        both.sort(kind="stable")
        twice: NDArray[np.uint32] = both[1:][both[1:] == both[:-1]] - np.uint32(1)
        return twice
    if places.size <= next_places.size:
        return places[_within(places + np.uint32(1), next_places)]
    before = next_places - np.uint32(1)
    return before[_within(before, places)]


def _within(wanted: NDArray[np.uint32], places: NDArray[np.uint32]) -> Mask:
    nearest = places[np.minimum(np.searchsorted(places, wanted), places.size - 1)]
    return np.equal(nearest, wanted)
