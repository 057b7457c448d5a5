"""A set of pixels as text: bit-packed, compressed, base64; so that an edit can hold it by value."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, model_validator

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
    bits: str = Field(repr=False)

    @classmethod
    def of(cls, mask: Mask) -> Self:
        """Return the set of pixels that are True."""
        packed = zlib.compress(np.packbits(mask).tobytes(), level=6)
        return cls(shape=(mask.shape[0], mask.shape[1]), bits=base64.b64encode(packed).decode("ascii"))

    @model_validator(mode="after")
    def _can_be_decoded(self) -> Self:
        size = -(-self.shape[0] * self.shape[1] // 8)
        try:
            found = len(self._packed())
        except (binascii.Error, zlib.error) as error:
            raise ValueError(f"a set of pixels can't be decoded: {error}") from error
        if found != size:
            raise ValueError(f"a set of pixels has {found} bytes, and its frame {size}")
        return self

    def _packed(self) -> bytes:
        return zlib.decompress(base64.b64decode(self.bits, validate=True))

    @property
    def digest(self) -> str:
        """SHA-256 of the pixels."""
        return hashlib.sha256(self._packed()).hexdigest()

    def mask(self) -> Mask:
        """Return the pixels, shape `shape`, bool."""
        bits = np.unpackbits(np.frombuffer(self._packed(), dtype=np.uint8), count=self.shape[0] * self.shape[1])
        return bits.astype(bool).reshape(self.shape)
