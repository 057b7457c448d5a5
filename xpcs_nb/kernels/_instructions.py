"""Machine instructions that numba has no name for; imported only to compile (see `_bits`)."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

__all__ = ["clear_bytes_64", "copy_bytes_16", "count_ones", "lowest_one"]

#: Called without the typing context that these take first, which type checkers cannot know.
instruction: Any = intrinsic


@instruction
def count_ones(_typing: Any, word: Any) -> Any:
    """Return the number of set bits of a uint64."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return (types.int64(types.uint64), generate) if word == types.uint64 else None


@instruction
def lowest_one(_typing: Any, word: Any) -> Any:
    """Return the place of the lowest set bit of a uint64; 64 if there is none."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return (types.int64(types.uint64), generate) if word == types.uint64 else None


@instruction
def copy_bytes_16(_typing: Any, target: Any, at: Any, source: Any, begin: Any) -> Any:
    """Copy 16 bytes, ``target[at:at+16] = source[begin:begin+16]``, without a look at the bounds."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = ir.VectorType(ir.IntType(8), 16)
        from_place = _pointer(context, builder, signature.args[2], arguments[2], arguments[3], block)
        to_place = _pointer(context, builder, signature.args[0], arguments[0], arguments[1], block)
        taken = builder.load(from_place)
        taken.align = 1
        put = builder.store(taken, to_place)
        put.align = 1
        return context.get_dummy_value()

    return types.void(target, types.int64, source, types.int64), generate


@instruction
def clear_bytes_64(_typing: Any, target: Any, at: Any) -> Any:
    """Set the 64 bytes ``target[at:at+64]`` to zero, without a look at the bounds."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = ir.VectorType(ir.IntType(8), 64)
        place = _pointer(context, builder, signature.args[0], arguments[0], arguments[1], block)
        put = builder.store(ir.Constant(block, None), place)
        put.align = 1
        return context.get_dummy_value()

    return types.void(target, types.int64), generate


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any, block: Any) -> Any:
    made = context.make_array(kind)(context, builder, array)
    return builder.bitcast(builder.gep(made.data, [index]), block.as_pointer())
