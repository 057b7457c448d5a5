"""``Parameters``: constants, ``.$`` paths and ``.=`` expressions, nested in objects and lists.

https://docs.globus.org/api/flows/authoring-flows/actions/ and .../protecting-secrets/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from xpcs_nb.errors import FlowDefinitionError
from xpcs_nb.facility.local.language import _paths
from xpcs_nb.facility.local.language._expressions import check_expression, evaluate
from xpcs_nb.facility.local.language._values import StateError

__all__ = ["PRIVATE", "fill", "findings", "private_paths"]

PRIVATE = "__Private_Parameters"


def _bare(key: str) -> str:
    """Return the name that a key gives to its value."""
    return key[:-2] if key.endswith((".$", ".=")) else key


def findings(value: Any, place: str, *, expressions: bool) -> Iterator[str]:
    """Yield what is wrong with ``Parameters`` or a part of it; `expressions` says whether ``.=`` is allowed."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from findings(item, f"{place}[{index}]", expressions=expressions)
    if not isinstance(value, dict):
        return
    names = [_bare(key) for key in value]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{place}.{name}: given more than once, with and without .$ or .="
    yield from _private_findings(value.get(PRIVATE, []), set(names) | set(value), place)
    for key, part in value.items():
        inside = f"{place}.{key}"
        if not _bare(key):
            yield f"{inside}: a parameter needs a name"
        elif key.endswith(".="):
            yield from _expression_findings(part, inside, expressions)
        elif key.endswith(".$"):
            yield from path_findings(part, inside)
        elif key != PRIVATE:
            yield from findings(part, inside, expressions=expressions)


def _expression_findings(part: Any, place: str, allowed: bool) -> Iterator[str]:
    if not allowed:
        yield f"{place}: a Pass state takes no expressions; ExpressionEval does"
        return
    try:
        check_expression(part)
    except FlowDefinitionError as error:
        yield f"{place}: {error}"


def path_findings(path: Any, place: str) -> Iterator[str]:
    """Yield what is wrong with a path."""
    try:
        _paths.parse(path)
    except FlowDefinitionError as error:
        yield f"{place}: {error}"


def _private_findings(private: Any, names: set[str], place: str) -> Iterator[str]:
    if not isinstance(private, list) or not all(isinstance(name, str) for name in private):
        yield f"{place}.{PRIVATE}: a list of names is expected"
        return
    for name in private:
        if name not in names:
            yield f"{place}.{PRIVATE}: {name!r} is no parameter beside it"


def fill(parameters: Any, scope: Mapping[str, Any], place: str) -> Any:
    """Return what ``Parameters`` come to on a state.

    Raises
    ------
    StateError
        A path or expression has no value on this state; names the parameter and the path.
    """
    if isinstance(parameters, list):
        return [fill(item, scope, f"{place}[{index}]") for index, item in enumerate(parameters)]
    if not isinstance(parameters, dict):
        return parameters
    filled = dict[str, Any]()
    for key, part in parameters.items():
        if key == PRIVATE:
            continue
        try:
            filled[_bare(key)] = _value(key, part, scope, f"{place}.{key}")
        except StateError as error:
            raise error.with_place(where=f"{place}.{key}") from None
    return filled


def _value(key: str, part: Any, scope: Mapping[str, Any], place: str) -> Any:
    if key.endswith(".$"):
        return _paths.get(scope, _paths.parse(part))
    if key.endswith(".="):
        return evaluate(part, scope)
    return fill(part, scope, place)


def private_paths(parameters: Any, path: _paths.Path = ()) -> Iterator[_paths.Path]:
    """Yield the places in the filled parameters that are to be kept out of logs."""
    if isinstance(parameters, list):
        for index, item in enumerate(parameters):
            yield from private_paths(item, (*path, index))
    elif isinstance(parameters, dict):
        hidden = {_bare(name) for name in parameters.get(PRIVATE, [])}
        for key, part in parameters.items():
            name = _bare(key)
            if name in hidden:
                yield (*path, name)
            elif key == name and key != PRIVATE:
                yield from private_paths(part, (*path, name))
