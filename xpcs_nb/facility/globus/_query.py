"""The embedded catalogue's searches in the words of Globus Search."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from globus_sdk import SearchQueryV1

from xpcs_nb.catalog import Filter, Not
from xpcs_nb.errors import OptionError

__all__ = ["field_name", "filter_of", "search_query", "words_of"]

#: As of Globus Search.
LARGEST_PAGE = 10_000

#: Keys of the embedded catalogue whose fields have another name in an entry; other metadata is under its own block.
FIELDS = {
    "title": "title",
    "dataset": "dataset",
    "created": "created",
    "start_time": "start_time",
    "visible_to": "visible_to",
    "creators": "dc.creators.name",
    "subjects": "dc.subjects.subject",
    "subject": "dc.identifiers.identifier",
}

#: Those of them that are times.
TIMES = {"created", "start_time"}

DATE = re.compile(r"\d{4}-\d\d-\d\d")

#: A phrase in quotes, or a word; a star at the end asks for words that begin so.
WORDS = re.compile(r'"([^"]*)"|([^\s"]+)')


def field_name(key: str) -> str:
    """Return where an entry has what filters and facets call `key`."""
    return FIELDS.get(key, f"project_metadata.{key}")


def search_query(
    words: str,
    filters: Sequence[dict[str, Any]],
    *,
    facets: Collection[str],
    facet_size: int,
    sort: str | Sequence[str] | None,
    limit: int,
    offset: int,
) -> SearchQueryV1:
    """Write a search as a query document; `words` as `words_of` returns them, `filters` as `filter_of` does.

    Raises
    ------
    OptionError
        The page lies outside of what the service shows, or it can't sort so.
    """
    if limit < 0 or offset < 0 or limit + offset > LARGEST_PAGE:
        raise OptionError(
            "this page can't be shown",
            got=f"limit={limit}, offset={offset}",
            expected=f"0 <= limit, 0 <= offset, limit + offset <= {LARGEST_PAGE}",
            hint="Narrow the search.",
        )
    query = SearchQueryV1(
        q=words or "*",
        advanced=True,
        limit=limit,
        offset=offset,
        filters=list(filters),
        facets=[_facet(key, facet_size) for key in facets],
    )
    order = _order(sort, has_words=bool(words))
    if order:
        query["sort"] = order
    return query


def _facet(key: str, size: int) -> dict[str, Any]:
    name, colon, step = key.partition(":")
    if colon and name in TIMES and step == "day":
        return {"type": "date_histogram", "name": key, "field_name": field_name(name), "date_interval": step}
    return {"type": "terms", "name": key, "field_name": field_name(key), "size": size}


def _order(sort: str | Sequence[str] | None, *, has_words: bool) -> list[dict[str, str]]:
    """Return the order in the service's terms; empty for the order by relevance."""
    names = [sort] if isinstance(sort, str) else list(sort or ["relevance", "-created"])
    if not has_words:
        names = [name for name in names if name != "relevance"] or ["-created"]
    if names[0] == "relevance":
        return []
    if "relevance" in names:
        raise OptionError("Globus Search can't sort by relevance after a key", where="sort", got=names)
    return [
        {"field_name": field_name(name.removeprefix("-")), "order": "desc" if name.startswith("-") else "asc"}
        for name in names
    ]


def words_of(text: str) -> str:
    """Return a query that all words must match, without the signs that the query language gives a meaning."""
    parts = []
    for phrase, word in WORDS.findall(text):
        # Operators are in capitals only; the index does not tell case.
        plain = re.findall(r"\w+", (phrase or word).lower())
        if plain and word.endswith("*"):
            parts += [*plain[:-1], f"{plain[-1]}*"]
        elif plain:
            parts.append(f'"{" ".join(plain)}"' if phrase or len(plain) > 1 else plain[0])
    return " ".join(f"+{part}" for part in parts)


def filter_of(key: str, wanted: Filter) -> dict[str, Any]:
    """Write a filter of `xpcs_nb.catalog.Catalog.search` as one of a query document.

    Raises
    ------
    OptionError
        It is none.
    """
    field = field_name(key)
    if isinstance(wanted, Not):
        return {"type": "not", "filter": filter_of(key, wanted.wanted)}
    if wanted is None:
        return {"type": "not", "filter": {"type": "exists", "field_name": field}}
    if isinstance(wanted, tuple):
        return _range(key, field, wanted)
    choices = [wanted] if isinstance(wanted, str | float | int | datetime) else list(wanted)
    if key in TIMES and choices:
        days = [_range(key, field, (choice, choice)) for choice in choices]
        return days[0] if len(days) == 1 else {"type": "or", "filters": days}
    return {"type": "match_any", "field_name": field, "values": [_plain(choice) for choice in choices]}


def _range(key: str, field: str, wanted: tuple[Any, ...]) -> dict[str, Any]:
    if len(wanted) != 2:
        raise OptionError("a range has two ends", where=key, got=wanted, expected="(low, high); None for an open end")
    low, high = wanted
    if low is None and high is None:
        return {"type": "exists", "field_name": field}
    if key in TIMES:
        low, high = _time(key, low, end=False), _time(key, high, end=True)
    ends = {"from": "*" if low is None else _plain(low), "to": "*" if high is None else _plain(high)}
    return {"type": "range", "field_name": field, "values": [ends]}


def _time(key: str, value: Any, *, end: bool) -> datetime | None:
    """Return a time in UTC; a date is a whole day, from its first moment to its `end`."""
    if value is None:
        return None
    try:
        time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise OptionError(
            "this is no time", where=key, got=repr(value), expected="a datetime, or a text as 2026-03-01T12:00:00"
        ) from error
    if end and isinstance(value, str) and DATE.fullmatch(value):
        time += timedelta(days=1, microseconds=-1)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
