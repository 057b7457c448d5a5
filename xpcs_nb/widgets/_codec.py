"""Arrays as they go to the browser; js/codec.js is the other end."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.errors import OptionError

__all__ = ["encode", "pack_bits", "pack_differences"]

#: Largest step of a code from its first: code 0 is NaN, and bit patterns have one more, for zero.
LINEAR, BITS = 65534, 65533

type Codes = NDArray[np.uint16]


def encode(values: NDArray[Any]) -> tuple[dict[str, Any], Codes]:
    """Return what the codes of an image mean, and the codes: uint16, rising with the value, 0 for NaN.

    Whole numbers within 65534 of each other are kept as they are. Other numbers of one decade or less, or with
    negative ones among them, are cut into 65534 equal steps. The rest, which are seen on a logarithmic scale, keep the
    upper bits of their float32: a relative step of 2^-10 at most for 16 decades.
    """
    values = np.asarray(values)
    if values.dtype == bool:
        values = values.astype(np.uint8)
    if values.dtype.kind not in "iuf":
        raise OptionError("an image can't be shown", got=values.dtype, expected="numbers")
    if values.dtype.kind in "iu":
        low, high = int(values.min()), int(values.max())
        if high - low <= LINEAR:
            return _linear(low, 1.0), _wrapped(values, low)
    real = np.add(values, 0, dtype=np.float32, casting="unsafe")  # a copy, in which -0 is 0
    least, most = float(real.min()), float(real.max())
    if not np.isfinite([least, most]).all():
        finite = np.isfinite(real)
        if not finite.any():
            return _linear(0.0, 1.0), np.zeros(real.shape, dtype=np.uint16)
        least, most = float(real[finite].min()), float(real[finite].max())
        code, codes = _code(np.where(finite, real, np.float32(least)), least, most)
        codes[~finite] = 0
        return code, codes
    return _code(real, least, most)


def _code(real: NDArray[np.float32], least: float, most: float) -> tuple[dict[str, Any], Codes]:
    if least < 0 or (least > 0 and most <= 10 * least) or most == 0:
        return _in_steps(real, least, most)
    return _upper_bits(real, most)


def _linear(first: float, step: float) -> dict[str, Any]:
    return {"kind": "linear", "first": first, "step": step}


def _wrapped(values: NDArray[Any], low: int) -> Codes:
    # Unsigned arithmetic wraps, so the difference is right in 16 bits.
    return np.asarray(values.astype(np.uint16) - np.uint16(low % 65536) + np.uint16(1), dtype=np.uint16)


def _in_steps(real: NDArray[np.float32], least: float, most: float) -> tuple[dict[str, Any], Codes]:
    step = (most - least) / (LINEAR - 1) or 1.0
    real -= np.float32(least)
    real /= np.float32(step)
    real += np.float32(1.5)
    return _linear(least, step), real.astype(np.uint16)


def _upper_bits(real: NDArray[np.float32], most: float) -> tuple[dict[str, Any], Codes]:
    bits = real.view(np.uint32)
    zero = bits == 0
    bits -= np.uint32(1)  # zero wraps to the largest number
    base = int(bits.min())
    span = int(np.float32(most).view(np.uint32)) - 1 - base
    shift = max(span.bit_length() - 16, 0)
    shift += span >> shift > BITS
    bits -= np.uint32(base)
    bits >>= np.uint32(shift)
    codes = bits.astype(np.uint16)
    codes += np.uint16(2)
    codes[zero] = 1
    return {"kind": "bits", "base": base + 1 + ((1 << shift) >> 1), "step": 1 << shift}, codes


def pack_differences(codes: NDArray[Any]) -> bytes:
    """Return unsigned integers of an image that changes slowly along its rows, compressed."""
    differences = codes.copy()
    differences[:, 1:] -= codes[:, :-1]
    return zlib.compress(differences.tobytes(), level=1)


def pack_bits(pixels: NDArray[np.bool_]) -> bytes:
    """Return one bit a pixel, row by row."""
    return np.packbits(pixels).tobytes()
