"""Functions by their source: JSON in, JSON out."""

from __future__ import annotations
import __future__

import json
import linecache
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["LARGEST", "answer", "run_function"]

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


def answer(request: dict[str, Any]) -> str:
    """Run a task: ``name``, ``source``, ``args``, ``kwargs``, and the file ``log`` that takes what it prints.

    Returns
    -------
    str
        JSON with ``output``, or with ``exception``, the traceback.
    """
    with _output_to(request["log"]):
        try:
            output = run_function(request["name"], request["source"], request["args"], request["kwargs"])
        except BaseException as error:  # noqa: BLE001 - also SystemExit is a failure of the function only
            frames = error.__traceback__
            # The function's own frames say enough, where the error is not ours.
            while frames is not None and frames.tb_next is not None and frames.tb_frame.f_code.co_filename == __file__:
                frames = frames.tb_next
            text = "".join(traceback.format_exception(type(error), error, frames))
            return json.dumps({"exception": text})
    return f'{{"output":{output}}}'


@contextmanager
def _output_to(path: str) -> Iterator[None]:
    """Let this process, and what it starts, print to the end of a file."""
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    _flush()
    before = os.dup(1), os.dup(2)
    try:
        os.dup2(target, 1)
        os.dup2(target, 2)
        yield
    finally:
        _flush()
        os.dup2(before[0], 1)
        os.dup2(before[1], 2)
        for descriptor in (target, *before):
            os.close(descriptor)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
