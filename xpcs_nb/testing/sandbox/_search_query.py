"""Queries of Globus Search on entries in memory: text, filters, facets, order."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from xpcs_nb.testing.sandbox._service import Refusal

__all__ = ["facet", "holds", "matches_text", "ordered", "values"]

type Entry = Mapping[str, Any]
#: Words and phrases of a query, and of the text it is looked for in.
WORDS = re.compile(r'"([^"]*)"|(\S+)')
TOKENS = re.compile(r"\w+")
OPERATORS = re.compile(r"\b(AND|OR|NOT)\b|[:()\[\]{}~^/\\]")


def values(content: Any, field: str) -> Iterator[Any]:
    r"""Yield the scalars under a field name (``a.b``; a dot of a key itself is written ``\.``), lists flattened."""
    keys = [part.replace("\0", ".") for part in field.replace("\\.", "\0").split(".")]
    yield from _scalars(content, keys)


def _scalars(content: Any, keys: Sequence[str]) -> Iterator[Any]:
    if isinstance(content, list):
        for inner in content:
            yield from _scalars(inner, keys)
    elif keys:
        if isinstance(content, Mapping) and keys[0] in content:
            yield from _scalars(content[keys[0]], keys[1:])
    elif content is not None and not isinstance(content, Mapping):
        yield content


def matches_text(entry: Entry, query: str, *, advanced: bool) -> bool:
    """Return whether all words and phrases of a query are in the entry; ``word*`` asks for a beginning."""
    if advanced and query.strip() != "*" and OPERATORS.search(query):
        raise Refusal(501, f"the sandbox has no operators in advanced queries; got {query!r}")
    text = TOKENS.findall(json.dumps([entry["subject"], entry["content"]], ensure_ascii=False).lower())
    joined = " ".join(["", *text, ""])
    for phrase, word in WORDS.findall(query.lower()):
        tokens = TOKENS.findall(phrase or word)
        end = "" if word.endswith("*") else " "
        if tokens and f" {' '.join(tokens)}{end}" not in joined:
            return False
    return True


def holds(entry: Entry, condition: Mapping[str, Any]) -> bool:
    """Return whether a filter of a query document holds for an entry."""
    try:
        return _holds(entry, condition)
    except (KeyError, TypeError) as error:
        raise Refusal(400, f"bad filter {json.dumps(condition)}: {error!r}", "BadRequest.ValidationError") from error


def _holds(entry: Entry, condition: Mapping[str, Any]) -> bool:
    kind = condition["type"]
    if kind in {"and", "or"}:
        inner = [_holds(entry, one) for one in condition["filters"]]
        return all(inner) if kind == "and" else any(inner)
    if kind == "not":
        return not _holds(entry, condition["filter"])
    found = list(values(entry["content"], condition["field_name"]))
    match kind:
        case "exists":
            return bool(found)
        case "match_any":
            return any(_same(one, wanted) for one in found for wanted in condition["values"])
        case "match_all":
            return all(any(_same(one, wanted) for one in found) for wanted in condition["values"])
        case "range":
            return any(_within(one, ends) for one in found for ends in condition["values"])
        case "like":
            return any(_like(str(one), condition["value"]) for one in found)
    raise Refusal(400, f"unknown filter type {kind!r}", "BadRequest.ValidationError")


def _same(value: Any, wanted: Any) -> bool:
    # In JSON true is no number.
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted


def _like(value: str, pattern: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts).replace(r"\?", "."), value) is not None


def _within(value: Any, ends: Mapping[str, Any]) -> bool:
    bounds = {key: end for key in ("from", "to", "gt", "gte", "lt", "lte") if (end := ends.get(key, "*")) != "*"}
    if any(isinstance(value, str) != isinstance(end, str) for end in bounds.values()):
        return False
    return (
        ("from" not in bounds or value >= bounds["from"])
        and ("gte" not in bounds or value >= bounds["gte"])
        and ("gt" not in bounds or value > bounds["gt"])
        and ("to" not in bounds or value <= bounds["to"])
        and ("lte" not in bounds or value <= bounds["lte"])
        and ("lt" not in bounds or value < bounds["lt"])
    )


def ordered(entries: Iterable[Entry], sort: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """Return entries by the sort of a query document; those without the field come last, either way."""
    result = list(entries)
    for rule in reversed(sort):
        down = rule.get("order", "asc") == "desc"
        keyed = [(sorted(values(one["content"], rule["field_name"]), key=_order), one) for one in result]
        having = [pair for pair in keyed if pair[0]]
        having.sort(key=lambda pair: _order(pair[0][-1 if down else 0]), reverse=down)
        result = [one for _, one in having] + [one for found, one in keyed if not found]
    return result


def _order(value: Any) -> tuple[bool, Any]:
    return isinstance(value, str), value


def facet(entries: Sequence[Entry], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return a facet of a query document over entries."""
    field = wanted.get("field_name")
    kind = wanted.get("type")
    if not field or not kind:
        raise Refusal(400, "a facet needs type and field_name", "BadRequest.ValidationError")
    result = {"@datatype": "GFacetResult", "@version": "2017-09-01", "name": wanted.get("name", field)}
    match kind:
        case "terms":
            return {**result, "buckets": _terms(entries, field, int(wanted.get("size", 10)))}
        case "date_histogram":
            return {**result, "buckets": _dates(entries, field, str(wanted.get("date_interval", "")))}
        case "numeric_histogram":
            return {**result, "buckets": _histogram(entries, field, wanted)}
        case "sum" | "avg":
            numbers = [one for entry in entries for one in values(entry["content"], field) if not isinstance(one, str)]
            total = float(sum(numbers))
            return {**result, "value": total if kind == "sum" else total / len(numbers) if numbers else None}
    raise Refusal(501, f"the sandbox has no facets of type {kind!r}")


def _terms(entries: Iterable[Entry], field: str, size: int) -> list[dict[str, Any]]:
    # An entry counts once for each of its different values.
    found = Counter(one for entry in entries for one in {*values(entry["content"], field)})
    common = sorted(found.items(), key=lambda pair: (-pair[1], str(pair[0])))[:size]
    return [_bucket(value, count) for value, count in common]


def _dates(entries: Iterable[Entry], field: str, interval: str) -> list[dict[str, Any]]:
    length = {"year": 4, "month": 7, "day": 10}.get(interval)
    if length is None:
        raise Refusal(501, f"the sandbox has no date_histogram of interval {interval!r}")
    found = Counter(
        one for entry in entries for one in {str(value)[:length] for value in values(entry["content"], field)}
    )
    return [_bucket(f"{value}-01-01"[:10], count) for value, count in sorted(found.items())]


def _histogram(entries: Iterable[Entry], field: str, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        size = int(wanted["size"])
        low, high = float(wanted["histogram_range"]["low"]), float(wanted["histogram_range"]["high"])
        width = (high - low) / size
    except (KeyError, ZeroDivisionError) as error:
        problem = "a numeric_histogram needs size and histogram_range with low and high"
        raise Refusal(400, problem, "BadRequest.ValidationError") from error
    counts = [0] * size
    for entry in entries:
        inside = {
            min(int((one - low) / width), size - 1)
            for one in values(entry["content"], field)
            if not isinstance(one, str) and low <= one <= high
        }
        for number in inside:
            counts[number] += 1
    return [_bucket({"from": low + n * width, "to": low + (n + 1) * width}, count) for n, count in enumerate(counts)]


def _bucket(value: Any, count: int) -> dict[str, Any]:
    return {"@datatype": "GBucket", "@version": "2017-09-01", "value": value, "count": count}
