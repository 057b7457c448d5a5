"""A set of pixels as text: bit-packed, compressed, base64; so that an edit can hold it by value."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, NonNegativeInt

from xpcs_nb.errors import CorruptDataError

__all__ = ["PixelSet"]

type Mask = NDArray[np.bool_]


class PixelSet(BaseModel):
    """Some pixels of a frame.

    Attributes
    ----------
    shape
        (rows, columns) of the frame.
    bits
        One bit a pixel, row by row; zlib, then base64.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: tuple[NonNegativeInt, NonNegativeInt]
    bits: str

    @classmethod
    def of(cls, mask: Mask) -> Self:
        """Return the set of pixels that are True."""
        packed = zlib.compress(np.packbits(mask).tobytes(), level=6)
        return cls(shape=(mask.shape[0], mask.shape[1]), bits=base64.b64encode(packed).decode("ascii"))

    def mask(self) -> Mask:
        """Return the pixels, shape `shape`, bool.

        Raises
        ------
        CorruptDataError
            If the text is damaged.
        """
        size = self.shape[0] * self.shape[1]
        try:
            packed = zlib.decompress(base64.b64decode(self.bits, validate=True))
        except (binascii.Error, zlib.error) as error:
            raise CorruptDataError("a set of pixels can't be decoded", got=str(error)) from error
        if len(packed) != -(-size // 8):
            raise CorruptDataError(
                "a set of pixels has another length than its frame", got=f"{len(packed)} bytes", expected=-(-size // 8)
            )
        return np.unpackbits(np.frombuffer(packed, dtype=np.uint8), count=size).astype(bool).reshape(self.shape)
