"""Cells of the log two-time correlation: multi-tau in both times."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core._delays import DelayGrid

__all__ = ["LogGrid"]


@dataclass(frozen=True)
class LogGrid:
    r"""Cells in which a two-time map of `n_frames` frames is kept: fine near the diagonal, coarse far from it.

    A cell of level `l` covers :math:`2^l \times 2^l` cells of the full map: :math:`t_1` in group `T`, :math:`t_2` in
    group `T + c` of :math:`2^l` frames. Channels `c` are those of `DelayGrid`: 1..8 at level 0, 5..8 above; so a cell
    is never wider than a fifth of its lag, and there are about 12 `n_frames` of them instead of half of its square.
    The diagonal, which holds shot noise, is in none.

    Cells are in one row: delay by delay, and by `T` within a delay; those of delay `d` are
    ``start[d]:start[d + 1]``.

    Raises
    ------
    OptionError
        If there are fewer than two frames.
    """

    n_frames: int

    @cached_property
    def delays(self) -> DelayGrid:
        """Delays of the cells."""
        return DelayGrid(self.n_frames)

    @cached_property
    def start(self) -> NDArray[np.int64]:
        """First cell of each delay, and the number of cells, shape (T + 1,)."""
        return np.concatenate([[0], np.cumsum(self.delays.n_pairs)])

    def __len__(self) -> int:
        return int(self.start[-1])

    @cached_property
    def delay(self) -> NDArray[np.int64]:
        """Delay of each cell, as its place in `delays`, shape (M,)."""
        return np.repeat(np.arange(len(self.delays)), self.delays.n_pairs)

    @cached_property
    def size(self) -> NDArray[np.int64]:
        """Frames in a group of each cell, shape (M,): 2^l."""
        return np.asarray(1 << self.delays.level[self.delay])

    @cached_property
    def lag(self) -> NDArray[np.int64]:
        """Mean of t2 - t1 of each cell, frames, shape (M,)."""
        return self.delays.frames[self.delay]

    @cached_property
    def t1(self) -> NDArray[np.float64]:
        """Mean of the earlier time of each cell, frames, shape (M,)."""
        group = np.arange(len(self)) - self.start[self.delay]
        return np.asarray((group + 0.5) * self.size - 0.5)

    @cached_property
    def age(self) -> NDArray[np.float64]:
        """Mean of (t1 + t2) / 2 of each cell, frames, shape (M,)."""
        return np.asarray(self.t1 + self.lag / 2)
