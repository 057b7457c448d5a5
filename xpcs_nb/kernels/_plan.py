"""The delay grid as plain arrays that compiled code can read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import DelayGrid

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan:
    """Delays by level, for the whole series and for the prefixes that are reported too.

    Attributes
    ----------
    n_frames
        Lengths of the series (first) and of its prefixes, shape (R,), int64.
    levels
        First and last channel of each level and the index of its first delay, shape (L, 3), int64.
    n_pairs
        Pairs of each delay in each run, shape (R, T), int64; not positive where a prefix is too short for the delay.
    scale
        Frames summed at each delay's level, shape (T,), int64.
    """

    n_frames: NDArray[np.int64]
    levels: NDArray[np.int64]
    n_pairs: NDArray[np.int64]
    scale: NDArray[np.int64]

    @classmethod
    def of(cls, n_frames: int, prefixes: tuple[int, ...] = ()) -> Plan:
        """Make the plan of a series of `n_frames` and of its first `prefixes` frames."""
        grid = DelayGrid(n_frames)
        runs = np.array([n_frames, *prefixes], dtype=np.int64)
        rows = []
        for level in range(grid.n_levels):
            index = np.flatnonzero(grid.level == level)
            rows.append((grid.channel[index[0]], grid.channel[index[-1]], index[0]))
        return cls(
            n_frames=runs,
            levels=np.array(rows, dtype=np.int64),
            n_pairs=(runs[:, None] >> grid.level) - grid.channel,
            scale=np.int64(1) << grid.level,
        )

    @classmethod
    def least(cls, n_frames: int) -> Plan:
        """Make the plan of one delay of one frame: for a pass whose means and sums are wanted, not its g2."""
        runs = np.array([n_frames], dtype=np.int64)
        return cls(
            n_frames=runs,
            levels=np.array([(1, 1, 0)], dtype=np.int64),
            n_pairs=runs[:, None] - 1,
            scale=np.ones(1, dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.scale)
