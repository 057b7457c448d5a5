"""Paths into the state of a run: the part of JSONPath that names exactly one place.

``$``, ``$.a.b``, ``$.a[0].b``, ``$['a b']``. What can name several places (``*``, ``..``, slices, filters), indices
from the end and the ``$$`` of the States Language are refused: what Globus makes of them is not documented.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from xpcs_nb.errors import FlowDefinitionError
from xpcs_nb.facility.local.language._values import StateError

__all__ = ["Path", "get", "parse", "put", "text"]

type Path = tuple[str | int, ...]

_SEGMENT = re.compile(
    r"""\.(?P<name>\w[\w-]*)
    | \[(?P<index>\d{1,9})\]
    | \[(?:'(?P<single>(?:[^'\\]|\\['\\])*)'|"(?P<double>(?:[^"\\]|\\["\\])*)")\]""",
    re.VERBOSE,
)


def parse(path: object) -> Path:
    """Return the names and indices that lead from the root to the place.

    Raises
    ------
    FlowDefinitionError
        It is not such a path.
    """
    if not isinstance(path, str) or not path.startswith("$"):
        raise FlowDefinitionError("not a path", got=repr(path), expected="text like $.input.name")
    position, segments = 1, list[str | int]()
    while position < len(path):
        match = _SEGMENT.match(path, position)
        if match is None:
            raise FlowDefinitionError(
                "not a path that names one place",
                got=f"{path!r}, not understood from {path[position:]!r}",
                expected="names and indices like $.input.files[0]['a name']",
            )
        segments.append(_segment(match))
        position = match.end()
    return tuple(segments)


def _segment(match: re.Match[str]) -> str | int:
    if match["index"] is not None:
        return int(match["index"])
    if match["name"] is not None:
        return match["name"]
    quoted = match["single"] if match["single"] is not None else match["double"]
    return re.sub(r"\\(.)", r"\1", quoted)


def text(path: Path) -> str:
    """Write a path so that `parse` reads it back."""
    return "$" + "".join(_written(segment) for segment in path)


def _written(segment: str | int) -> str:
    if isinstance(segment, int):
        return f"[{segment}]"
    if re.fullmatch(r"\w[\w-]*", segment):
        return f".{segment}"
    escaped = segment.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def get(context: Any, path: Path) -> Any:
    """Return what stands at a place.

    Raises
    ------
    StateError
        ``States.Runtime``: nothing stands there; names what does stand beside it.
    """
    value = context
    for depth, segment in enumerate(path):
        if isinstance(segment, str) and isinstance(value, dict) and segment in value:
            value = value[segment]
        elif isinstance(segment, int) and isinstance(value, list) and segment < len(value):
            value = value[segment]
        else:
            raise StateError(f"{text(path)} is not in the state", got=_described(value, path[:depth]))
    return value


def _described(value: Any, path: Path) -> str:
    if isinstance(value, dict):
        names = ", ".join(sorted(value)[:20]) or "nothing"
        return f"{names} at {text(path)}"
    if isinstance(value, list):
        return f"{len(value)} items at {text(path)}"
    return f"{'null' if value is None else type(value).__name__} at {text(path)}"


def put(context: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """Return the state with `value` at a place; missing parents are made, and `context` stays as it is.

    Raises
    ------
    StateError
        ``States.ResultPathMatchFailure``: a parent is there and can't hold it.
    """
    result = _put(context, path, value, path)
    if not isinstance(result, dict):
        raise StateError(
            "the result can't become the whole state",
            error="States.ResultPathMatchFailure",
            got=type(result).__name__,
            expected="an object",
        )
    return result


def _put(parent: Any, rest: Path, value: Any, path: Path) -> Any:
    if not rest:
        return value
    segment = rest[0]
    if isinstance(segment, str) and isinstance(parent, Mapping):
        return {**parent, segment: _put(parent.get(segment, {}), rest[1:], value, path)}
    if isinstance(segment, int) and isinstance(parent, list) and segment < len(parent):
        return [*parent[:segment], _put(parent[segment], rest[1:], value, path), *parent[segment + 1 :]]
    raise StateError(
        f"a result can't be put at {text(path)}",
        error="States.ResultPathMatchFailure",
        got=_described(parent, path[: len(path) - len(rest)]),
    )
