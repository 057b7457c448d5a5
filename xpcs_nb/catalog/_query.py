"""From what a user asks to which records: filters, free text and its relevance."""

from __future__ import annotations

import difflib
import re
import sqlite3
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from xpcs_nb.catalog._filters import Filter, Not, Range, Scalar
from xpcs_nb.catalog._record import FIELDS, TIMES, seconds
from xpcs_nb.catalog._words import Phrase
from xpcs_nb.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from xpcs_nb.catalog._index import Ids, Index, Mask

__all__ = ["Question"]

DATE = re.compile(r"\d{4}-\d\d-\d\d")
#: The shortest step of times.
TICK = timedelta(microseconds=1)


class Question:
    """One search, answered by the index in one transaction."""

    def __init__(self, connection: sqlite3.Connection, index: Index) -> None:
        self._connection = connection
        self._index = index
        self._scored: list[NDArray[np.int32]] = []

    def find(self, phrases: Collection[Phrase] | None, filters: Mapping[str, Filter]) -> Mask:
        """Return which records have all phrases and pass all filters."""
        found = self._index.alive() if phrases is not None else self._index.nothing()
        for name, wanted in filters.items():
            found &= self.passing(name, wanted)
        for phrase in phrases or ():
            times = self._index.frequencies(phrase)
            self._scored.append(times)
            found &= times > 0
        return found

    def relevance(self, found: Ids) -> NDArray[np.float64]:
        """Return how well the text fits each record: more often is better, more so of phrases that few have (BM25)."""
        import numpy as np

        score = np.zeros(found.size)
        for times in self._scored:
            having = int(np.count_nonzero(times))
            rarity = np.log1p((times.size - having + 0.5) / (having + 0.5))
            frequency = times[found]
            score += rarity * 2.2 * frequency / (frequency + 1.2)
        return score

    def key(self, name: str) -> int:
        """Return the number of a key; one that no record ever had is an error, or 0 while there are no records."""
        row = self._connection.execute("SELECT id FROM keys WHERE name = ?", (name,)).fetchone()
        if row is not None:
            return int(row[0])
        known = [str(name) for (name,) in self._connection.execute("SELECT name FROM keys")]
        if not known or name in FIELDS:
            return 0
        close = difflib.get_close_matches(name, known, n=3) or [one for one in known if name in one][:3]
        raise OptionError(
            "no record has this key",
            got=repr(name),
            hint=f"Did you mean {' or '.join(map(repr, close))}?" if close else "Catalog.keys() lists what there is.",
        )

    def passing(self, name: str, wanted: Filter) -> Mask:
        """Return which records pass a filter."""
        key = self.key(name)
        if isinstance(wanted, Not):
            return ~self.passing(name, wanted.wanted)
        if wanted is None:
            return ~self._range(name, key, (None, None))
        if isinstance(wanted, tuple):
            return self._range(name, key, wanted)
        if isinstance(wanted, str | float | int | datetime):
            return self._equal(name, key, wanted)
        found = self._index.nothing()
        for choice in wanted:
            found |= self._equal(name, key, choice)
        return found

    def _equal(self, name: str, key: int, wanted: Scalar) -> Mask:
        import numpy as np

        if name in TIMES:
            return self._range(name, key, (wanted, wanted))
        numbers, texts = self._index.values(key)
        value = _plain(wanted)
        if isinstance(value, float):
            return numbers.holds(numbers.items == value)
        query = "SELECT code FROM terms WHERE key = ? AND value = ?"
        row = self._connection.execute(query, (key, value)).fetchone()
        return self._index.nothing() if row is None else self._index.coded(texts, np.array(row, dtype=np.int64))

    def _range(self, name: str, key: int, wanted: Range) -> Mask:
        import numpy as np

        low, high = _ends(name, wanted)
        numbers, texts = self._index.values(key)
        if low is None and high is None:
            every = [np.ones(column.items.size, dtype=bool) for column in (numbers, texts)]
            return numbers.holds(every[0]) | texts.holds(every[1])
        if isinstance(low, str) or isinstance(high, str):
            bounds = [(sign, end) for sign, end in ((">=", low), ("<=", high)) if end is not None]
            where = "".join(f" AND value {sign} ?" for sign, _ in bounds)
            query = f"SELECT code FROM terms WHERE key = ?{where}"  # noqa: S608  # signs only
            rows = self._connection.execute(query, (key, *(end for _, end in bounds)))
            return self._index.coded(texts, np.fromiter((code for (code,) in rows), dtype=np.int64))
        chosen = np.ones(numbers.items.size, dtype=bool)
        if low is not None:
            chosen &= numbers.items >= low
        if high is not None:
            chosen &= numbers.items <= high
        return numbers.holds(chosen)


def _ends(name: str, wanted: Range) -> tuple[Any, Any]:
    if len(wanted) != 2:
        raise OptionError("a range has two ends", where=name, got=wanted, expected="(low, high); None for an open end")
    low, high = wanted
    if name in TIMES:
        return _time(name, low, end=False), _time(name, high, end=True)
    ends = tuple(None if end is None else _plain(end) for end in wanted)
    if {type(end) for end in ends if end is not None} == {str, float}:
        raise OptionError(
            "the ends of a range are of one kind", where=name, got=wanted, expected="two numbers or two texts"
        )
    return ends[0], ends[1]


def _time(name: str, value: Scalar | None, *, end: bool) -> float | None:
    """Return a time as the index holds it; a date is a whole day, from its first moment to its `end`."""
    if value is None:
        return None
    try:
        time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise OptionError(
            "this is no time", where=name, got=repr(value), expected="a datetime, or a text as 2026-03-01T12:00:00"
        ) from error
    if end and isinstance(value, str) and DATE.fullmatch(value):
        time += timedelta(days=1) - TICK
    return seconds(time)


def _plain(value: Scalar) -> str | float:
    """Write a value as the index holds it."""
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    return value if isinstance(value, str) else float(value)
