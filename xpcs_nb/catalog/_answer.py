"""The first page in any order, and counts of values, of what was found."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.catalog._filters import Asked
from xpcs_nb.catalog._index import Ids, Index, Mask
from xpcs_nb.catalog._order import Order, by_key, first, front_of
from xpcs_nb.catalog._query import Question
from xpcs_nb.catalog._record import DAYS, TIMES
from xpcs_nb.catalog._words import asked_for

__all__ = ["answer"]

type Counts = tuple[tuple[str | float, int], ...]

#: A visitor without a login sees this.
PUBLIC = "public"

#: Values that are equally frequent are sorted by value, unless they are more than this.
TIED = 1000


def answer(
    connection: sqlite3.Connection, index: Index, asked: Asked, size: int
) -> tuple[int, list[int], dict[str, Counts]]:
    """Return the number of records found, the first `size` of their numbers, and the counts of each facet."""
    index.refresh(connection)
    question = Question(connection, index)
    phrases = asked_for(asked.text)
    mask = question.find(phrases, asked.filters)
    if asked.as_seen_by is not None:
        mask &= question.passing("visible_to", {PUBLIC, *asked.as_seen_by})
    found = np.flatnonzero(mask)
    sort = asked.sort or ["relevance", "-created"]
    sort = [name for name in ([sort] if isinstance(sort, str) else sort) if name != "relevance" or phrases]
    numbers = _page(connection, index, question, (found, mask), sort, size)
    counts = {name: _facet(connection, index, question, name, (found, mask), asked.facet_size) for name in asked.facets}
    return found.size, numbers.tolist(), counts


def _page(
    connection: sqlite3.Connection,
    index: Index,
    question: Question,
    found: tuple[Ids, Mask],
    sort: Sequence[str],
    size: int,
) -> Ids:
    """Return the first `size` of the records found; records without the key come last, equal ones as ingested.

    `sort` names keys, falling with a minus, or ``relevance``.
    """
    numbers, orders = found[0], list[Order]()
    for name in sort:
        if name == "relevance":
            orders.append(lambda those, _: -question.relevance(those))
            continue
        key, down = question.key(name.removeprefix("-")), name.startswith("-")
        if not orders:
            numbers = front_of(index, key, found, size, down=down)
        orders += by_key(connection, index, key, down=down)
    return first(numbers, orders, size)


def _facet(
    connection: sqlite3.Connection, index: Index, question: Question, name: str, found: tuple[Ids, Mask], size: int
) -> Counts:
    """Count the values of a key, or its days, among the records found, most frequent first."""
    key = question.key(DAYS.get(name, name))
    counted: list[tuple[str | float, int]] = []
    for column in index.values(key):
        codes, numbers = column.days if name in DAYS else column.codes
        counts = np.bincount(column.among(*found, codes))
        best = _most(counts, size)
        if numbers is None:
            query = "SELECT value FROM terms WHERE key = ? AND code = ?"
            values = [connection.execute(query, (key, int(code))).fetchone()[0] for code in best]
        else:
            values = [_shown(name, number) for number in numbers[best].tolist()]
        counted += zip(values, counts[best].tolist(), strict=True)
    counted.sort(key=lambda one: (-one[1], isinstance(one[0], str), one[0]))
    return tuple(counted[:size])


def _most(counts: NDArray[np.int64], size: int) -> Ids:
    """Return the codes of the `size` largest counts, with those that are equal to the last of them."""
    seen = np.flatnonzero(counts)
    if seen.size <= size or size <= 0:
        return seen if size > 0 else seen[:0]
    least = np.partition(counts[seen], seen.size - size)[seen.size - size]
    more, tied = seen[counts[seen] > least], seen[counts[seen] == least]
    return np.concatenate([more, tied[: max(TIED, size)]])


def _shown(name: str, number: float) -> str | float:
    if name not in TIMES and name not in DAYS:
        return number
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
    return time.date().isoformat() if name in DAYS else time.isoformat()
