"""Sources that store photons: frames are made from them on demand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import EventList
from xpcs_nb.frames._source import SourceBase

__all__ = ["SparseSource"]


class SparseSource(SourceBase):
    """Photons stored as a list. Subclasses give `events`."""

    is_sparse = True

    def events(self, start: int, stop: int) -> EventList:
        """Return the photons of frames ``start:stop``."""
        raise NotImplementedError

    def frames(self, start: int, stop: int, step: int = 1) -> NDArray[Any]:
        """Return frames ``start:stop:step``, shape (n, rows, columns), made from the photons.

        Raises
        ------
        CorruptDataError
            As `events`.
        """
        self._check_range(start, stop, step)
        n_pixels = self.shape[0] * self.shape[1]
        block = np.zeros((len(range(start, stop, step)), *self.shape), dtype=self.dtype)
        if not block.size:
            return block
        photons = self.events(start, stop)
        index, rest = np.divmod(photons.frame.astype(np.int64) - start, step)
        kept = rest == 0
        flat = index[kept] * n_pixels + photons.pixel[kept]
        np.add.at(block.reshape(-1), flat, photons.count[kept])
        return block
