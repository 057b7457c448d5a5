"""From a kernel's Python to machine code that stands alone; imported only when something has to be compiled."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

import llvmlite.binding as llvm  # type: ignore[import-untyped]
import numba
from numba import carray  # type: ignore[attr-defined]
from numba.core.registry import cpu_target

from xpcs_nb.kernels import _instructions
from xpcs_nb.kernels._machine_code import MachineCode, target_machine

__all__ = ["compile_kernel", "type_of_function", "type_of_instruction"]

types: Any = numba.types
#: Reassociation makes sums vectorisable; NaN and infinity keep their meaning.
SETTINGS: dict[str, Any] = {"fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy"}

_SCALARS = {"i": types.int64, "f": types.float64, "f4": types.float32}
_ITEMS = {
    f"{code}{size}": getattr(types, f"{name}{8 * size}")
    for code, name, sizes in (("i", "int", (1, 2, 4, 8)), ("u", "uint", (1, 2, 4, 8)), ("f", "float", (4, 8)))
    for size in sizes
} | {"b1": types.boolean}

#: What numba's code calls where it raises or frees; kernels do neither.
_RUNTIME = re.compile(r"(NRT_|numba_|_?Py)")
_DECLARED = re.compile(r"^declare (?P<type>[^@\n]*?)@(?P<name>[\w.]+)\((?P<arguments>[^\n]*?)\)[^\n]*$", re.MULTILINE)
_GLOBAL = re.compile(r"^@(?P<name>_?Py\w+) = external global (?P<type>[^,\n]+)[^\n]*$", re.MULTILINE)


@functools.cache
def _compiled(function: Callable[..., Any]) -> Any:
    # Cached, as numba's type of a compiled function holds it by a weak reference.
    return numba.njit(**SETTINGS)(function)


def type_of_function(function: Callable[..., Any]) -> Any:
    """Return numba's type of a function that kernels call."""
    return types.Dispatcher(_compiled(function))


def type_of_instruction(name: str) -> Any:
    """Return numba's type of an intrinsic of `_instructions`."""
    return cpu_target.typing_context.resolve_value_type(getattr(_instructions, name))


def compile_kernel(function: Callable[..., Any], kinds: tuple[str, ...]) -> MachineCode:
    """Compile a kernel for arguments of some kinds, and keep its machine code.

    Raises
    ------
    TypeError
        If the kernel allocates memory, or returns something else than a whole number or nothing.
    """
    kernel = _compiled(function)
    template = kernel.get_call_template(tuple(map(_numba_type, kinds)), {})[0]
    returned = template.cases[0].return_type
    if returned not in (types.int64, types.none):
        raise TypeError(f"kernel {function.__name__} returns {returned}; expected a whole number or nothing")
    outer = _outer(kernel, kinds)
    c_function = numba.cfunc((types.void if returned == types.none else returned)(*_c_types(kinds)), **SETTINGS)(outer)
    module = llvm.parse_assembly(_standing_alone(function.__name__, c_function.inspect_llvm()))
    code = MachineCode(
        name=function.__name__,
        kinds=kinds,
        symbol=c_function.native_name,
        returns=returned != types.none,
        code=target_machine().emit_object(module),
    )
    code.keep()
    return code


def _standing_alone(name: str, text: str) -> str:
    """Give the functions of numba's runtime, which are never reached, a body that ends the process."""
    if "NRT_MemInfo_alloc" in text:
        raise TypeError(f"kernel {name} allocates memory; it should take scratch arrays as arguments")
    ended = False

    def body(found: re.Match[str]) -> str:
        nonlocal ended
        if not _RUNTIME.match(found["name"]):
            return found[0]
        ended = True
        head = f"define internal {found['type']}@{found['name']}({found['arguments']})"
        return head + " {\n  call void @abort()\n  unreachable\n}"

    text = _DECLARED.sub(body, text)
    text = _GLOBAL.sub(r"@\g<name> = internal global \g<type> zeroinitializer", text)
    return text + "\ndeclare void @abort()\n" if ended else text


def _numba_type(kind: str) -> Any:
    if kind[-1] == "]":
        item, dimensions = kind[:-1].split("[")
        return types.Array(_ITEMS[item], int(dimensions), "C")
    return types.UniTuple(types.int64, int(kind[1:-1])) if kind[-1] == ")" else _SCALARS[kind]


def _c_types(kinds: tuple[str, ...]) -> Iterator[Any]:
    for kind in kinds:
        typed = _numba_type(kind)
        if isinstance(typed, types.Array):
            yield types.CPointer(typed.dtype)
            yield from [types.int64] * typed.ndim
        elif isinstance(typed, types.UniTuple):
            yield from [types.int64] * typed.count
        else:
            yield typed


def _outer(kernel: Any, kinds: tuple[str, ...]) -> Callable[..., Any]:
    """Return a function of plain C arguments that puts arrays and tuples together and calls the kernel."""
    parameters: list[str] = []
    passed: list[str] = []
    for number, kind in enumerate(kinds):
        typed, name = _numba_type(kind), f"a{number}"
        if isinstance(typed, types.Array):
            lengths = [f"{name}_{axis}" for axis in range(typed.ndim)]
            parameters += [name, *lengths]
            passed.append(f"carray({name}, ({', '.join(lengths)},))")
        elif isinstance(typed, types.UniTuple):
            items = [f"{name}_{item}" for item in range(typed.count)]
            parameters += items
            passed.append(f"({', '.join(items)},)")
        else:
            parameters.append(name)
            passed.append(name)
    names: dict[str, Any] = {"kernel": kernel, "carray": carray}
    # The source is made of the lines above alone.
    exec(f"def outer({', '.join(parameters)}):\n    return kernel({', '.join(passed)})\n", names)  # noqa: S102
    outer: Callable[..., Any] = names["outer"]
    return outer
