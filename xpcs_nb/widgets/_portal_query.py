"""What a user asks the catalogue for, as plain values: it can be kept, sent and compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from xpcs_nb.errors import OptionError

if TYPE_CHECKING:
    from xpcs_nb.catalog import Filter

__all__ = ["LARGEST_PAGE", "Condition", "Query"]

#: Records that can be paged through, as in Globus Search.
LARGEST_PAGE = 10_000

type Value = str | float


@dataclass(frozen=True)
class Condition:
    """What the values of a key must be: any of `values`, or between `low` and `high`, both included.

    Attributes
    ----------
    values
        Any of these will do; empty where a range is meant.
    low, high
        Ends; None for an open one.
    """

    values: tuple[Value, ...] = ()
    low: Value | None = None
    high: Value | None = None

    @classmethod
    def of(cls, key: str, given: Any) -> Self:
        """Make one of what a browser sent: ``{"values": [...]}`` or ``{"low": ..., "high": ...}``."""
        if not isinstance(given, Mapping) or not {"values", "low", "high"} >= set(given):
            raise OptionError("this is no condition", where=key, got=repr(given), expected="values, or low and high")
        values = given.get("values") or ()
        ends = given.get("low"), given.get("high")
        for value in (*values, *(end for end in ends if end is not None)):
            if not isinstance(value, str | float | int):
                raise OptionError("this is no value of a record", where=key, got=repr(value))
        return cls(tuple(values), *ends)

    @property
    def empty(self) -> bool:
        """Whether all records pass."""
        return not self.values and self.low is None and self.high is None

    @property
    def filter(self) -> Filter:
        """The condition as `xpcs_nb.catalog.Catalog.search` has it."""
        return list(self.values) if self.values else (self.low, self.high)


@dataclass(frozen=True)
class Query:
    """One search and the page of it that is shown.

    Attributes
    ----------
    text
        Words to look for.
    conditions
        By key.
    sort
        Key, ``-key`` for falling order, or ``relevance``; empty for the catalogue's own order.
    size, page
        Records of a page, and how many pages come before.
    """

    text: str = ""
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    sort: str = ""
    size: int = 24
    page: int = 0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Make one of what a browser sent.

        Raises
        ------
        OptionError
            It is none.
        """
        unknown = set(given) - {"text", "conditions", "sort", "size", "page"}
        if unknown:
            raise OptionError("a query has no such parts", got=", ".join(sorted(unknown)))
        made = {key: Condition.of(key, each) for key, each in (given.get("conditions") or {}).items()}
        query = cls(
            text=str(given.get("text") or ""),
            conditions={key: each for key, each in made.items() if not each.empty},
            sort=str(given.get("sort") or ""),
            size=int(given.get("size", cls.size)),
            page=int(given.get("page") or 0),
        )
        if not 1 <= query.size <= LARGEST_PAGE or query.page < 0:
            raise OptionError("there is no such page", got=f"size={query.size}, page={query.page}")
        return query

    @property
    def offset(self) -> int:
        """Number of records before the page."""
        return self.page * self.size

    def last_page(self, total: int) -> int:
        """Return the number of the last page that can be shown, from 0."""
        reachable = min(total, LARGEST_PAGE - LARGEST_PAGE % self.size)
        return max(-(-reachable // self.size) - 1, 0)

    def within(self, total: int) -> Query:
        """Return this query, on the last page where there are fewer pages than it asks for."""
        return replace(self, page=min(self.page, self.last_page(total)))

    def alone(self, key: str) -> Query:
        """Return this query without its condition on a key, and of one record: for the counts of the key's values."""
        others = {name: each for name, each in self.conditions.items() if name != key}
        return replace(self, conditions=others, size=1, page=0)

    @property
    def where(self) -> dict[str, Filter]:
        """The conditions as `xpcs_nb.catalog.Catalog.search` has them."""
        return {key: condition.filter for key, condition in self.conditions.items()}
