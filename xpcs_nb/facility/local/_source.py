"""The source of a function that can run anywhere: by itself, without the module it stands in."""

from __future__ import annotations

import builtins
import dis
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from xpcs_nb.errors import FlowDefinitionError

__all__ = ["source_of"]


def source_of(function: Callable[..., Any]) -> tuple[str, str]:
    """Return name and source of a function.

    Raises
    ------
    FlowDefinitionError
        It has no source, or needs more than its source: names of its module, or of a function around it.
    """
    name = getattr(function, "__name__", repr(function))
    code = getattr(function, "__code__", None)
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise FlowDefinitionError(f"the function {name} has no source", where=name, got=str(error)) from error
    if code is None or not source.startswith("def "):
        raise FlowDefinitionError(
            "only a plain function can run elsewhere", where=name, got=source.partition("\n")[0], expected="def ..."
        )
    missing = sorted({*code.co_freevars, *_globals(code)} - set(vars(builtins)) - {name})
    if missing:
        raise FlowDefinitionError(
            "the function needs names from around it, which do not travel with it",
            where=name,
            got=", ".join(missing),
            hint="Import and define inside of the function what it uses.",
        )
    return name, source


def _globals(code: CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME"}:
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            # The body of a class inside reads its own names and these of its making by the same instruction.
            own = {*constant.co_names} if "__qualname__" in constant.co_names else set()
            yield from (name for name in _globals(constant) if name not in own)
