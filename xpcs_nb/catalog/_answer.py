"""The first page in any order, and counts of values, of what was found."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.catalog._filters import Asked
from xpcs_nb.catalog._index import Column, Ids, Index, Mask
from xpcs_nb.catalog._query import Question
from xpcs_nb.catalog._record import DAYS, TIMES
from xpcs_nb.catalog._words import asked_for

__all__ = ["answer"]

type Counts = tuple[tuple[str | float, int], ...]

#: Records found, above which their order is looked up, not made.
MANY = 50_000

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
    numbers = _page(index, question, _front(index, question, (found, mask), sort, size), sort, size)
    counts = {name: _facet(connection, index, question, name, (found, mask), asked.facet_size) for name in asked.facets}
    return found.size, numbers.tolist(), counts


def _front(index: Index, question: Question, found: tuple[Ids, Mask], sort: Sequence[str], size: int) -> Ids:
    """Return those of many records found that can be among the first `size`, where the order of the key is known."""
    numbers, mask = found
    if numbers.size < MANY or not sort or sort[0] == "relevance":
        return numbers
    key = question.key(sort[0].removeprefix("-"))
    column, texts = index.values(key)
    if texts.items.size and not column.items.size:
        column = index.ranked(key)
    elif texts.items.size:
        return numbers
    if not column.dense:
        return numbers
    order = column.order[::-1] if sort[0].startswith("-") else column.order
    stop, step, taken = 0, max(4 * size, 1024), 0
    while taken < size and stop < order.size:
        taken += int(np.count_nonzero(mask[order[stop : stop + step] + 1]))
        stop += step
    # All that are equal to the last one
    while stop < order.size and column.items[order[stop]] == column.items[order[stop - 1]]:
        equal = column.items[order[stop : stop + step]] == column.items[order[stop]]
        stop += equal.size if equal.all() else int(equal.argmin())
    front = order[:stop] + 1
    return np.sort(front[mask[front]]).astype(np.int64)


def _page(index: Index, question: Question, found: Ids, sort: Sequence[str], size: int) -> Ids:
    """Return the first `size` of the records found; records without the key come last, equal ones as ingested.

    `sort` names keys, falling with a minus, or ``relevance``.
    """
    keys: list[NDArray[np.float64]] = []
    for name in sort:
        if name == "relevance":
            keys.append(-question.relevance(found))
            continue
        key, down = question.key(name.removeprefix("-")), name.startswith("-")
        numbers, texts = index.values(key)
        if numbers.items.size:
            keys.append(_order(numbers, found, down=down))
        if texts.items.size:
            keys.append(_order(index.ranked(key), found, down=down))
    return found[_first(np.arange(found.size), keys, size)]


def _order(column: Column, found: Ids, *, down: bool) -> NDArray[np.float64]:
    """Return a number for each record found that rises in the order wanted; infinite without a value."""
    if column.dense:
        values = column.items[found - 1].astype(np.float64, copy=False)
        return -values if down else values
    lowest = np.full(column.until, np.inf)
    np.minimum.at(lowest, column.records, -column.items if down else column.items)
    return lowest[found]


def _first(places: Ids, keys: Sequence[NDArray[np.float64]], size: int) -> Ids:
    """Return the first `size` of `places` by the keys, sorting no more than is needed."""
    if not keys or size <= 0:
        return places[: max(size, 0)]
    if places.size <= size:
        return places[np.lexsort([key[places] for key in reversed(keys)])]
    values = keys[0][places]
    last = np.partition(values, size - 1)[size - 1]
    before = places[values < last]
    before = before[np.lexsort([key[before] for key in reversed(keys)])]
    return np.concatenate([before, _first(places[values == last], keys[1:], size - before.size)])


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
