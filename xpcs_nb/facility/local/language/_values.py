"""What may stand in the state of a run: JSON, of a bounded size."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from xpcs_nb.errors import FlowError

__all__ = ["SIZE_LIMIT", "StateError", "check_json", "check_size", "is_number", "visible"]

SIZE_LIMIT = 204_800
"""Bytes that the state of a run may take as JSON (https://docs.globus.org/api/flows/limits/)."""

MAX_DEPTH = 64
# A value can share its parts and so be far larger than the memory it takes; counting stops here.
MAX_TEXT = 4 * SIZE_LIMIT
MAX_BITS = 1024


class StateError(FlowError):
    """A state can't do its work on the data it got; `error` is the name that ``Catch`` and the run's document know."""

    def __init__(self, problem: str, *, error: str = "States.Runtime", **fields: Any) -> None:
        super().__init__(problem, **fields)
        self.error = error

    def _fields(self) -> dict[str, Any]:
        return {**super()._fields(), "error": self.error}


def is_number(value: object) -> bool:
    """Tell whether `value` is a JSON number; Python counts True and False among the integers."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_json(value: object, where: str) -> None:
    """Refuse what JSON can't hold, and what is too large or too deep to be a state.

    Raises
    ------
    StateError
        The value has NaN or an infinity, a key that is no string, an object that is no JSON, or is out of bounds.
    """
    total = 0
    for place, part, depth in _walk(value, where, 0):
        total += 1 + (len(part) if isinstance(part, str) else 0)
        if total > MAX_TEXT:
            raise StateError("value too large for the state of a run", where=where, expected=f"<= {SIZE_LIMIT} bytes")
        if problem := _not_json(part, depth):
            raise StateError(problem, where=place, expected="JSON")


def _not_json(part: object, depth: int) -> str | None:
    if depth > MAX_DEPTH:
        return f"nested deeper than {MAX_DEPTH} levels"
    if isinstance(part, float) and not math.isfinite(part):
        return f"JSON has no {part}"
    if isinstance(part, int) and part.bit_length() > MAX_BITS:
        return f"integer of more than {MAX_BITS} bits"
    if isinstance(part, str):
        return None if _is_unicode(part) else "text that is no Unicode"
    if part is None or isinstance(part, int | float | dict | list):
        return None
    return f"{type(part).__name__} is no JSON"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _walk(value: object, place: str, depth: int) -> Iterator[tuple[str, object, int]]:
    yield place, value, depth
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                raise StateError("key is no string", where=place, got=repr(key), expected="JSON")
            yield place, key, depth
            yield from _walk(part, f"{place}.{key}", depth + 1)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _walk(part, f"{place}[{index}]", depth + 1)


def _bytes(value: object) -> int:
    return len(json.dumps(value).encode())


def check_size(context: Mapping[str, Any]) -> None:
    """Refuse a state that the service would refuse for its size.

    Raises
    ------
    StateError
        ``States.DataLimitExceeded``, with the largest entries.
    """
    size = _bytes(context)
    if size <= SIZE_LIMIT:
        return
    entries = sorted(((_bytes(value), place) for place, value in _entries(context)), reverse=True)[:3]
    largest = ", ".join(f"{place}: {bytes_:,} bytes" for bytes_, place in entries)
    raise StateError(
        "the state of the run is too large",
        error="States.DataLimitExceeded",
        got=f"{size:,} bytes as JSON (largest entries: {largest})",
        expected=f"<= {SIZE_LIMIT:,} bytes",
        hint="Hand paths of files from step to step, not what they hold",
    )


def _entries(context: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the entries of the state; those of ``$.input`` one by one, where nearly all is."""
    for key, value in context.items():
        if key == "input" and isinstance(value, dict):
            yield from ((f"$.input.{name}", part) for name, part in value.items())
        else:
            yield f"$.{key}", value


def visible(value: Any) -> Any:
    """Return a state without what its names declare private: ``_private...``, at any depth.

    https://docs.globus.org/api/flows/authoring-flows/protecting-secrets/
    """
    if isinstance(value, dict):
        return {key: visible(part) for key, part in value.items() if not key.startswith("_private")}
    return [visible(part) for part in value] if isinstance(value, list) else value
