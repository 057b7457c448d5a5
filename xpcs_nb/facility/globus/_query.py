"""The embedded catalogue's searches in the words of Globus Search."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from globus_sdk import SearchQueryV1

from xpcs_nb.errors import OptionError

__all__ = ["field_name", "search_query"]

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

#: A phrase in quotes, or a word; a star at the end asks for words that begin so.
WORDS = re.compile(r'"([^"]*)"|([^\s"]+)')


def field_name(key: str) -> str:
    """Return where an entry has what filters and facets call `key`."""
    return FIELDS.get(key, f"project_metadata.{key}")


def search_query(
    text: str,
    filters: Mapping[str, Any],
    *,
    facets: Collection[str],
    facet_size: int,
    sort: str | None,
    limit: int,
    offset: int,
) -> SearchQueryV1:
    """Write a search as a query document.

    Raises
    ------
    OptionError
        The page lies outside of what the service shows, or a range is none.
    """
    if limit < 0 or offset < 0 or limit + offset > LARGEST_PAGE:
        raise OptionError(
            "this page can't be shown",
            got=f"limit={limit}, offset={offset}",
            expected=f"0 <= limit, 0 <= offset, limit + offset <= {LARGEST_PAGE}",
            hint="Narrow the search.",
        )
    words = _words(text)
    order = sort or ("relevance" if words else "-created")
    query = SearchQueryV1(
        q=words or "*",
        advanced=True,
        limit=limit,
        offset=offset,
        filters=[_filter(key, wanted) for key, wanted in filters.items()],
        facets=[{"type": "terms", "name": key, "field_name": field_name(key), "size": facet_size} for key in facets],
    )
    if order != "relevance":
        query["sort"] = [{"field_name": field_name(order.removeprefix("-")), "order": _direction(order)}]
    return query


def _direction(order: str) -> str:
    return "desc" if order.startswith("-") else "asc"


def _words(text: str) -> str:
    """Return a query that all words must match; without the signs that the query language gives a meaning."""
    parts = []
    for phrase, word in WORDS.findall(text):
        # Operators in capitals only; the index does not tell case.
        plain = re.findall(r"\w+", (phrase or word).lower())
        if plain and word.endswith("*"):
            parts += [*plain[:-1], f"{plain[-1]}*"]
        elif plain:
            parts.append(f'"{" ".join(plain)}"' if phrase or len(plain) > 1 else plain[0])
    return " ".join(f"+{part}" for part in parts)


def _filter(key: str, wanted: Any) -> dict[str, Any]:
    field = field_name(key)
    if isinstance(wanted, tuple):
        if len(wanted) != 2:
            raise OptionError(
                "a range has two ends", where=key, got=wanted, expected="(low, high); None for an open end"
            )
        low, high = ("*" if end is None else _plain(end) for end in wanted)
        return {"type": "range", "field_name": field, "values": [{"from": low, "to": high}]}
    choices = [wanted] if isinstance(wanted, str | float | int | datetime) else list(wanted)
    return {"type": "match_any", "field_name": field, "values": [_plain(choice) for choice in choices]}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
