"""Kernels: compiled once for each kind of arguments, called as machine code.

The machine code is kept in a folder of the user's and needs neither numba nor its runtime, so that a process which
finds it there starts without numba (importing that and loading its own cache takes half a second). That is why kernels
allocate nothing and raise nothing: they get their scratch arrays as arguments and return what went wrong.
"""

from __future__ import annotations

import functools
import inspect
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from xpcs_nb.kernels._machine_code import MachineCode, cache_folder

__all__ = ["entry", "inner", "instruction"]

log = logging.getLogger(__name__)

#: One kernel is loaded or compiled at a time.
_turn = threading.RLock()


class Inner:
    """A function that only kernels call; to numba it is a compiled function, made when it is first asked for."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    @functools.cached_property
    def _numba_type_(self) -> Any:
        from xpcs_nb.kernels._compile import type_of_function

        return type_of_function(self.function)


class Instruction:
    """A machine instruction; to numba it is the intrinsic of its name in `_instructions`."""

    def __init__(self, name: str) -> None:
        self.name = name

    @functools.cached_property
    def _numba_type_(self) -> Any:
        from xpcs_nb.kernels._compile import type_of_instruction

        return type_of_instruction(self.name)


def inner(function: Callable[..., Any]) -> Any:
    """Mark a function that only other kernels call."""
    return Inner(function)


def instruction(name: str) -> Any:
    """Name an intrinsic of `_instructions`."""
    return Instruction(name)


class Entry:
    """A kernel that Python calls: with C-contiguous arrays, whole numbers, floats, and tuples of whole numbers.

    Raises
    ------
    TypeError
        For any other argument.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._loaded: dict[tuple[str, ...], MachineCode] = {}
        functools.update_wrapper(self, function)

    def __call__(self, *arguments: Any) -> Any:
        kinds = tuple(map(_kind, arguments))
        code = self._loaded.get(kinds)
        if code is None:
            inspect.signature(self.function).bind(*arguments)
            code = self._load(kinds)
        return code(arguments)

    def _load(self, kinds: tuple[str, ...]) -> MachineCode:
        with _turn:
            if kinds not in self._loaded:
                name = self.function.__name__
                self._loaded[kinds] = MachineCode.find(name, kinds) or self._compile(name, kinds)
            return self._loaded[kinds]

    def _compile(self, name: str, kinds: tuple[str, ...]) -> MachineCode:
        log.info("compiling %s for this processor; this happens once", name)
        start = time.perf_counter()
        from xpcs_nb.kernels._compile import compile_kernel

        code = compile_kernel(self.function, kinds)
        log.info("compiled %s in %.1f s; kept in %s", name, time.perf_counter() - start, cache_folder())
        return code


def entry[F: Callable[..., Any]](function: F) -> F:
    """Compile a function that Python calls when it is first called, and keep the machine code on disk."""
    return Entry(function)  # type: ignore[return-value]


def _kind(argument: Any) -> str:
    """Return what the machine code must know of an argument: ``i``, ``f``, ``(2)``, ``u2[3]``."""
    if isinstance(argument, np.ndarray):
        if not (argument.flags.c_contiguous and argument.flags.aligned and argument.dtype.isnative):
            found = f"{argument.dtype.str} of shape {argument.shape} with strides {argument.strides}"
            raise TypeError(f"kernels take C-contiguous arrays of native numbers, got {found}")
        return f"{argument.dtype.kind}{argument.dtype.itemsize}[{argument.ndim}]"
    if isinstance(argument, int | np.integer):
        return "i"
    if isinstance(argument, float | np.floating):
        return "f4" if isinstance(argument, np.float32) else "f"
    if isinstance(argument, tuple) and all(isinstance(item, int | np.integer) for item in argument):
        return f"({len(argument)})"
    raise TypeError(f"kernels take arrays, numbers and tuples of whole numbers, got {type(argument).__name__}")
