"""Functions by their source: JSON in, JSON out."""

from __future__ import annotations
import __future__

import json
import linecache
from collections.abc import Callable
from typing import Any

__all__ = ["LARGEST", "run_function"]

#: Bytes of arguments and of results, as Globus Compute has it.
LARGEST = 10_000_000

_compiled: dict[tuple[str, str], Callable[..., Any]] = {}


def run_function(name: str, source: str, args: list[Any], kwargs: dict[str, Any]) -> str:
    """Call the function `name` of `source` and return its result as JSON.

    Raises
    ------
    ValueError, TypeError
        The result is no JSON, or more than 10 MB.
    Exception
        What the function raises.
    """
    result = _function(name, source)(*args, **kwargs)
    try:
        text = json.dumps(result, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} returned what JSON can't have: {error}") from error
    if len(text) > LARGEST:
        raise ValueError(f"{name} returned {len(text)} bytes; at most {LARGEST} are allowed: files carry the data")
    return text


def _function(name: str, source: str) -> Callable[..., Any]:
    function = _compiled.get((name, source))
    if function is None:
        file = f"<function {name}>"
        # For tracebacks.
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        names: dict[str, Any] = {"__name__": "__function__"}
        # Annotations may name what only the module had that the function comes from.
        code = compile(source, file, "exec", flags=__future__.annotations.compiler_flag, dont_inherit=True)
        exec(code, names)  # noqa: S102 - running the user's own functions is its purpose
        if not callable(names.get(name)):
            raise NameError(f"the source has no function {name}")
        function = _compiled[name, source] = names[name]
    return function
