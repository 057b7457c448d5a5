"""Machine code of kernels: kept in files, loaded and called without numba."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm  # type: ignore[import-untyped]
from platformdirs import user_cache_dir

__all__ = ["MachineCode", "cache_folder", "target_machine"]

_C_TYPES = {"i": ctypes.c_int64, "f": ctypes.c_double, "f4": ctypes.c_float}


@functools.cache
def cache_folder() -> Path:
    """Return the folder of compiled kernels: in ``NUMBA_CACHE_DIR`` if that is set, else below the user's cache.

    Its name has a hash of all that the machine code depends on: the kernels' sources, the compiler, the processor.
    """
    root = os.environ.get("NUMBA_CACHE_DIR") or Path(user_cache_dir("xpcs_nb", appauthor=False)) / "kernels"
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for package in ("numba", "llvmlite"):
        digest.update(_release(package))
    for part in (llvm.get_process_triple(), *_processor()):
        digest.update(part.encode())
    return Path(root) / digest.hexdigest()[:12]


def _release(package: str) -> bytes:
    """Return what tells one release of a package from another, without importing it."""
    found = find_spec(package)
    if found is not None and found.origin is not None:
        with contextlib.suppress(OSError):
            return Path(found.origin).with_name("_version.py").read_bytes()
    # Looked up last, as the import alone takes longer than to load all kernels.
    from importlib.metadata import version

    return version(package).encode()


@functools.cache
def _processor() -> tuple[str, str]:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


@functools.cache
def target_machine() -> Any:
    """Return LLVM's description of this processor, with the settings that numba uses."""
    name, features = _processor()
    x86 = llvm.get_process_triple().startswith(("x86", "i386", "i686"))
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=name, features=features, opt=3, reloc="static" if x86 else "default", codemodel="jitdefault", jit=True
    )


@functools.cache
def _engine() -> Any:
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine())


@dataclass
class MachineCode:
    """A kernel for one kind of arguments.

    Attributes
    ----------
    name, kinds
        Which kernel, for which arguments (``i``, ``f``, ``f4``, ``(2)``, ``u2[3]``).
    symbol
        Of the function: it takes each array as address and lengths, each tuple as its items.
    returns
        Whether it returns a whole number, or nothing.
    code
        An object file.
    """

    name: str
    kinds: tuple[str, ...]
    symbol: str
    returns: bool
    code: bytes
    _function: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        engine = _engine()
        engine.add_object_file(llvm.ObjectFileRef.from_data(self.code))
        engine.finalize_object()
        result = ctypes.c_int64 if self.returns else None
        kind = ctypes.CFUNCTYPE(result, *(c_type for each in self.kinds for c_type in _c_types(each)))
        self._function = kind(engine.get_function_address(self.symbol))

    def __call__(self, arguments: tuple[Any, ...]) -> int | None:
        """Call it; other threads of Python go on meanwhile."""
        flat: list[Any] = []
        for argument, kind in zip(arguments, self.kinds, strict=True):
            if kind[-1] == "]":
                flat.append(argument.__array_interface__["data"][0])
                flat.extend(argument.shape)
            elif kind[-1] == ")":
                flat.extend(argument)
            else:
                flat.append(argument)
        answer: int | None = self._function(*flat)
        return answer

    @classmethod
    def find(cls, name: str, kinds: tuple[str, ...]) -> MachineCode | None:
        """Return what `keep` has kept, or None."""
        try:
            digest, _, content = _path(name, kinds).read_bytes().partition(b"\n")
        except OSError:
            return None
        # Checked, as running half a file would end the process.
        if hashlib.sha256(content).hexdigest().encode() != digest:
            return None
        head, _, code = content.partition(b"\n")
        return cls(name, kinds, code=code, **json.loads(head))

    def keep(self) -> None:
        """Write it where `find` looks; where that can't be written, every process compiles anew."""
        content = json.dumps({"symbol": self.symbol, "returns": self.returns}).encode() + b"\n" + self.code
        path = _path(self.name, self.kinds)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
                part.write(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
            Path(part.name).replace(path)
        except OSError:
            return


def _path(name: str, kinds: tuple[str, ...]) -> Path:
    return cache_folder() / f"{name}-{hashlib.sha256(' '.join(kinds).encode()).hexdigest()[:12]}"


def _c_types(kind: str) -> Iterator[Any]:
    if kind[-1] == "]":
        yield ctypes.c_void_p
        yield from [ctypes.c_int64] * int(kind[kind.index("[") + 1 : -1])
    elif kind[-1] == ")":
        yield from [ctypes.c_int64] * int(kind[1:-1])
    else:
        yield _C_TYPES[kind]
