"""Rules of a Choice state: And, Or, Not, and comparisons of one value.

https://docs.globus.org/api/flows/authoring-flows/choice_state/ ; what it leaves open is as in
https://states-language.net/spec.html#choice-state: values of another kind than the operator's do not match.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from xpcs_nb.facility.local.language import _paths
from xpcs_nb.facility.local.language._parameters import path_findings
from xpcs_nb.facility.local.language._values import StateError, is_number

__all__ = ["chosen", "findings", "timestamp"]

MAX_DEPTH = 32

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}

# RFC 3339 with a capital T and Z, as the States Language asks for
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def timestamp(value: object) -> datetime | None:
    """Return the time that a text tells, or None if it tells none with its time zone."""
    if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


_KINDS: dict[str, Callable[[object], Any]] = {
    "Boolean": lambda value: value if isinstance(value, bool) else None,
    "Numeric": lambda value: value if is_number(value) else None,
    "String": lambda value: value if isinstance(value, str) else None,
    "Timestamp": timestamp,
}

_TESTS: dict[str, Callable[[Any], bool]] = {
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsNull": lambda value: value is None,
    "IsNumeric": is_number,
    "IsString": lambda value: isinstance(value, str),
    "IsTimestamp": lambda value: timestamp(value) is not None,
}

_COMPARISONS = {
    kind + order: (read, compare)
    for kind, read in _KINDS.items()
    for order, compare in _ORDERS.items()
    if kind != "Boolean" or order == "Equals"
}

_PATH_COMPARISONS = {f"{name}Path": name for name in _COMPARISONS}
_OPERATORS = {*_COMPARISONS, *_PATH_COMPARISONS, *_TESTS, "IsPresent", "StringMatches"}
_COMBINATIONS = ("And", "Or", "Not")


def findings(rule: Any, place: str, *, top: bool = True, depth: int = 0) -> Iterator[str]:
    """Yield what is wrong with a rule; one at the `top` has a ``Next``, one inside another has none."""
    if not isinstance(rule, dict):
        yield f"{place}: a rule is expected, got {rule!r}"
        return
    if depth > MAX_DEPTH:
        yield f"{place}: rules nested deeper than {MAX_DEPTH}"
        return
    if not top and "Next" in rule:
        yield f"{place}.Next: only allowed at the top level of Choices"
    fields = [key for key in rule if key not in {"Next", "Variable"}]
    combined = [key for key in fields if key in _COMBINATIONS]
    for key in fields:
        if key not in _OPERATORS and key not in _COMBINATIONS:
            yield f"{place}.{key}: unknown operator"
    if len(fields) != 1:
        yield f"{place}: exactly one operator is expected, got {', '.join(map(str, fields)) or 'none'}"
    if combined and "Variable" in rule:
        yield f"{place}.Variable: not allowed beside {combined[0]}"
    if not combined:
        yield from path_findings(rule.get("Variable"), f"{place}.Variable")
    for key in fields:
        if key in _COMBINATIONS:
            yield from _inner_findings(rule[key], f"{place}.{key}", key == "Not", depth)
        elif key in _OPERATORS:
            yield from _operand_findings(key, rule[key], f"{place}.{key}")


def _inner_findings(inner: Any, place: str, single: bool, depth: int) -> Iterator[str]:
    if single:
        yield from findings(inner, place, top=False, depth=depth + 1)
    elif not isinstance(inner, list) or not inner:
        yield f"{place}: a list of rules is expected, got {inner!r}"
    else:
        for index, rule in enumerate(inner):
            yield from findings(rule, f"{place}[{index}]", top=False, depth=depth + 1)


def _operand_findings(name: str, operand: Any, place: str) -> Iterator[str]:
    if name in _PATH_COMPARISONS:
        yield from path_findings(operand, place)
        return
    if name in _COMPARISONS:
        kind = next(kind for kind in _KINDS if name.startswith(kind))
        fits = _COMPARISONS[name][0](operand) is not None
    else:
        kind = "String" if name == "StringMatches" else "Boolean"
        fits = _KINDS[kind](operand) is not None
    if not fits:
        expected = "a time like 2026-05-01T12:00:00Z" if kind == "Timestamp" else f"a {kind.lower()} value"
        yield f"{place}: {expected} is expected, got {operand!r}"


def chosen(choices: list[dict[str, Any]], context: Mapping[str, Any], place: str) -> str | None:
    """Return where the first rule that matches leads, or None.

    Raises
    ------
    StateError
        ``States.Runtime``: a rule compares what is not in the state.
    """
    for index, rule in enumerate(choices):
        try:
            if _matches(rule, context):
                return str(rule["Next"])
        except StateError as error:
            raise error.with_place(where=f"{place}[{index}]") from None
    return None


def _matches(rule: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
    if "And" in rule:
        return all(_matches(inner, context) for inner in rule["And"])
    if "Or" in rule:
        return any(_matches(inner, context) for inner in rule["Or"])
    if "Not" in rule:
        return not _matches(rule["Not"], context)
    ((name, operand),) = ((key, value) for key, value in rule.items() if key not in {"Variable", "Next"})
    path = _paths.parse(rule["Variable"])
    if name == "IsPresent":
        return _present(context, path) is operand
    return _holds(name, _paths.get(context, path), operand, context)


def _present(context: Mapping[str, Any], path: _paths.Path) -> bool:
    try:
        _paths.get(context, path)
    except StateError:
        return False
    return True


def _holds(name: str, value: Any, operand: Any, context: Mapping[str, Any]) -> bool:
    if name in _TESTS:
        return bool(_TESTS[name](value) == operand)
    if name == "StringMatches":
        return isinstance(value, str) and _like(value, operand)
    if name in _PATH_COMPARISONS:
        name, operand = _PATH_COMPARISONS[name], _paths.get(context, _paths.parse(operand))
    read, compare = _COMPARISONS[name]
    left, right = read(value), read(operand)
    return left is not None and right is not None and bool(compare(left, right))


def _like(value: str, pattern: str) -> bool:
    r"""Match a pattern in which ``*`` stands for any text and ``\*`` for a star, in time linear in both."""
    parts = _between_stars(pattern)
    if len(parts) == 1:
        return value == parts[0]
    first, *inner, last = parts
    if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
        return False
    position, end = len(first), len(value) - len(last)
    for part in inner:
        found = value.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def _between_stars(pattern: str) -> list[str]:
    parts = [""]
    for match in re.finditer(r"\\([*\\])|(\*)|(.)", pattern, re.DOTALL):
        if match[2]:
            parts.append("")
        else:
            parts[-1] += match[1] or match[3]
    return parts
