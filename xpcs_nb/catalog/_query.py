"""From what a user asks to SQL: only placeholders carry values, only numbers from our own tables enter the text."""

from __future__ import annotations

import difflib
import re
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from xpcs_nb.errors import OptionError

__all__ = ["Condition", "Filter", "condition", "key_number", "match_expression", "order"]

type Scalar = str | float | bool | datetime
type Range = tuple[Scalar | None, Scalar | None]
type Filter = Scalar | Range | Collection[Scalar]

#: A phrase in quotes, or a word; a star at the end asks for words that begin so.
WORDS = re.compile(r'"([^"]*)"(\*?)|([^\s"]+)')


@dataclass(frozen=True)
class Condition:
    """A piece of SQL with its values.

    Attributes
    ----------
    sql, values
        The text, with a question mark for each value.
    source
        Where the records come from, with the full-text index where there is text to look for.
    """

    sql: str
    values: tuple[str | float, ...]
    source: str = "records"


def match_expression(text: str) -> str:
    """Write free text as a full-text query: every word, ``"a phrase"`` as it stands, ``word*`` as a prefix."""
    parts = []
    for phrase, phrase_star, word in WORDS.findall(text):
        star = bool(phrase_star) or word.endswith("*")
        # A quote would end the phrase, a zero character the whole query.
        body = re.sub('["\\0]', " ", phrase or word.rstrip("*"))
        # Without a letter or digit there is nothing to look for; FTS5 would refuse the empty phrase.
        if re.search(r"\w", body):
            parts.append(f'"{body}"{" *" if star else ""}')
    return " ".join(parts)


def condition(connection: sqlite3.Connection, text: str, filters: Mapping[str, Filter]) -> Condition:
    """Return the condition that all of the text and all of the filters hold."""
    sql: list[str] = []
    values: list[str | float] = []
    source = "records"
    query = match_expression(text)
    if query:
        source = "texts JOIN records ON records.id = texts.rowid"
        sql.append("texts MATCH ?")
        values.append(query)
    elif text.strip():
        sql.append("0")
    for name, wanted in filters.items():
        one = _filter(connection, name, wanted)
        sql.append(f"records.id IN ({one.sql})")
        values.extend(one.values)
    return Condition(" AND ".join(sql) or "1", tuple(values), source)


def _filter(connection: sqlite3.Connection, name: str, wanted: Filter) -> Condition:
    key = key_number(connection, name)
    if isinstance(wanted, tuple):
        return _range(name, key, wanted)
    choices = [wanted] if isinstance(wanted, str | float | int | datetime) else list(wanted)
    parts: list[str] = []
    values: list[str | float] = []
    for choice in map(_plain, choices):
        if isinstance(choice, str):
            parts.append("SELECT record FROM has_term JOIN terms ON terms.id = term WHERE key = ? AND value = ?")
        else:
            parts.append("SELECT record FROM has_number WHERE key = ? AND value = ?")
        values += [key, choice]
    return Condition(" UNION ALL ".join(parts) or "SELECT NULL WHERE 0", tuple(values))


def _range(name: str, key: int, wanted: Range) -> Condition:
    if len(wanted) != 2:
        raise OptionError("a range has two ends", where=name, got=wanted, expected="(low, high); None for an open end")
    ends = [None if end is None else _plain(end) for end in wanted]
    kinds = {type(end) for end in ends if end is not None}
    if kinds == {str, float}:
        raise OptionError(
            "the ends of a range are of one kind", where=name, got=wanted, expected="two numbers or two texts"
        )
    bounds = [(sign, end) for sign, end in zip((">=", "<="), ends, strict=True) if end is not None]
    where = "".join(f" AND value {sign} ?" for sign, _ in bounds)
    values = (key, *(end for _, end in bounds))
    numbers = f"SELECT record FROM has_number WHERE key = ?{where}"  # noqa: S608  # signs only
    terms = f"SELECT record FROM has_term JOIN terms ON terms.id = term WHERE key = ?{where}"  # noqa: S608
    if not kinds:
        return Condition(f"{numbers} UNION ALL {terms}", (*values, *values))
    return Condition(terms if kinds == {str} else numbers, values)


def _plain(value: Scalar) -> str | float:
    """Write a value as the index holds it."""
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    return value if isinstance(value, str) else float(value)


def key_number(connection: sqlite3.Connection, name: str) -> int:
    """Return the number of a key; one that no record ever had is an error, or 0 while there are no records at all."""
    row = connection.execute("SELECT id FROM keys WHERE name = ?", (name,)).fetchone()
    if row is not None:
        return int(row[0])
    known = [str(name) for (name,) in connection.execute("SELECT name FROM keys")]
    if not known:
        return 0
    close = difflib.get_close_matches(name, known, n=3) or [one for one in known if name in one][:3]
    raise OptionError(
        "no record has this key",
        got=repr(name),
        hint=f"Did you mean {' or '.join(map(repr, close))}?" if close else "Catalog.keys() lists what there is.",
    )


def order(connection: sqlite3.Connection, sort: str) -> Condition:
    """Return the ORDER BY for ``temp.found``; records without the key come last, equal ones in the order of ingest."""
    name, down = sort.removeprefix("-"), sort.startswith("-")
    if name == "relevance":
        return Condition("rank, id", ())
    key = key_number(connection, name)
    direction = "DESC" if down else "ASC"
    pick = "max" if down else "min"
    # The plus keeps SQLite from running through all terms of the key for each record.
    number = f"(SELECT {pick}(value) FROM has_number WHERE record = found.id AND key = ?)"  # noqa: S608
    term = (
        f"(SELECT {pick}(value) FROM has_term CROSS JOIN terms ON terms.id = term "  # noqa: S608
        "WHERE record = found.id AND +key = ?)"
    )
    return Condition(f"{number} {direction} NULLS LAST, {term} {direction} NULLS LAST, id", (key, key))
