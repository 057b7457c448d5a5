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

#: What the service's query language gives a meaning, other than quotes and the star at the end of a word.
SPECIAL = re.compile(r"([+\-=&|><!(){}\[\]^~?:\\/])")

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
    """Return a query that all words must match: the service's own way would be content with any."""
    parts = []
    for phrase, word in WORDS.findall(text):
        if phrase:
            parts.append('"{}"'.format(phrase.replace("\\", "\\\\")))
        elif re.search(r"\w", word):
            star = "*" if word.endswith("*") else ""
            plain = SPECIAL.sub(r"\\\1", word.rstrip("*").replace("*", " "))
            # These are operators in capitals only.
            parts.append((plain.lower() if plain in {"AND", "OR", "NOT"} else plain) + star)
    return " AND ".join(parts)


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
