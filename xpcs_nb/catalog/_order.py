"""In which order records come by a key, found out for no more of them than are asked for."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.catalog._index import Column, Ids, Index, Mask, codes_in_order

__all__ = ["Order", "by_key", "first", "front_of"]

type Direction = Literal["ASC", "DESC"]
type Places = NDArray[np.float64]

#: Gives a number for each record found that rises in the order wanted: right for the first so many of them, infinite
#: for records that come later or have no value.
type Order = Callable[[Ids, int], Places]

#: Records found, above which their order is looked up, not made.
MANY = 50_000

#: Texts of a key up to which all are put in order, and their order is kept.
FEW_TEXTS = 20_000

#: Texts that are read in order in the time in which one is looked up.
LOOKUP = 8

#: Texts read in order, as a multiple of what would do were those of the records found spread evenly.
UNEVEN = 4


def front_of(index: Index, key: int, found: tuple[Ids, Mask], size: int, *, down: bool) -> Ids:
    """Return those of many records found that can be among the first `size`, where the order of the key is known."""
    numbers, mask = found
    if numbers.size < MANY:
        return numbers
    column, texts = index.values(key)
    if texts.items.size and not column.items.size and index.terms(key) <= FEW_TEXTS:
        column = index.ranked(key)
    elif texts.items.size:
        return numbers
    if not column.dense:
        return numbers
    order = column.order[::-1] if down else column.order
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


def by_key(connection: sqlite3.Connection, index: Index, key: int, *, down: bool) -> list[Order]:
    """Return the orders in which records come by a key: that of its numbers, then that of its texts."""
    numbers, texts = index.values(key)
    orders: list[Order] = []
    if numbers.items.size:
        orders.append(lambda found, _: _by_number(numbers, found, down=down))
    if texts.items.size:
        orders.append(lambda found, size: _by_text(connection, index, key, found, size, down=down))
    return orders


def first(found: Ids, orders: Sequence[Order], size: int) -> Ids:
    """Return the first `size` of the records by the orders, finding out no more of these than is needed."""
    if not orders or size <= 0 or not found.size:
        return found[: max(size, 0)]
    size = min(size, found.size)
    places = orders[0](found, size)
    last = np.partition(places, size - 1)[size - 1]
    sure, tied = places < last, places == last
    before, keys = found[sure], [places[sure]]
    if np.unique(keys[0]).size < before.size:
        keys += [order(before, before.size) for order in orders[1:]]
    before = before[np.lexsort(keys[::-1])]
    return np.concatenate([before, first(found[tied], orders[1:], size - before.size)])


def _lowest(column: Column, items: Places, found: Ids) -> Places:
    """Return the lowest of the items of each record found; infinite for those without any."""
    if column.dense:
        return items[found - 1]
    lowest = np.full(column.until, np.inf)
    np.minimum.at(lowest, column.records, items)
    return lowest[found]


def _by_number(column: Column, found: Ids, *, down: bool) -> Places:
    items = column.items.astype(np.float64, copy=False)
    return _lowest(column, -items if down else items, found)


def _by_text(connection: sqlite3.Connection, index: Index, key: int, found: Ids, size: int, *, down: bool) -> Places:
    terms = index.terms(key)
    if terms > FEW_TEXTS and not index.is_ranked(key):
        texts = _Texts(connection, key, index.values(key)[1], found, terms, "DESC" if down else "ASC")
        evenly = size * terms // found.size
        if found.size * LOOKUP <= evenly:
            return texts.looked_up()
        walked = texts.walked(size, evenly)
        if walked is not None:
            return walked
    return _by_number(index.ranked(key), found, down=down)


class _Texts:
    """The texts of the records found."""

    def __init__(
        self, connection: sqlite3.Connection, key: int, column: Column, found: Ids, terms: int, direction: Direction
    ) -> None:
        self._connection, self._key, self._direction = connection, key, direction
        self._column, self._found, self._terms = column, found, terms

    def looked_up(self) -> Places:
        """Put the texts of these records in order, and no others."""
        mask = np.zeros(self._column.until, dtype=bool)
        mask[self._found] = True
        items: NDArray[np.int32] = self._column.items  # type: ignore[assignment]  # codes of texts
        wanted = json.dumps(np.unique(self._column.among(self._found, mask, items)).tolist())
        source = "json_each(?) AS wanted CROSS JOIN terms ON terms.key = ? AND code = wanted.value"
        query = f"SELECT code FROM {source} ORDER BY terms.value {self._direction}"  # noqa: S608
        rows = self._connection.execute(query, (wanted, self._key))
        return self._places(np.fromiter((code for (code,) in rows), dtype=np.int64))

    def walked(self, size: int, evenly: int) -> Places | None:
        """Read the first texts of all until `size` records have theirs; None where these are not spread `evenly`."""
        size, count = min(size, self._found.size), max(evenly + evenly // 4, 1024)
        while count <= UNEVEN * evenly + FEW_TEXTS or count >= self._terms:
            places = self._places(codes_in_order(self._connection, self._key, count, self._direction))
            if count >= self._terms or np.count_nonzero(np.isfinite(places)) >= size:
                return places
            count *= 4
        return None

    def _places(self, codes: NDArray[np.int64]) -> Places:
        ranks = np.full(self._terms, np.inf)
        ranks[codes] = np.arange(codes.size)
        return _lowest(self._column, ranks[self._column.items], self._found)
