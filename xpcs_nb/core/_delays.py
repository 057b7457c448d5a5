"""The multi-tau delay grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.errors import OptionError

__all__ = ["DelayGrid"]

#: Channels a level: delays 1..4 then 5..8 at level 0, and 5..8 (times 2**level) at each later level.
DELAYS_PER_LEVEL = 4


@dataclass(frozen=True)
class DelayGrid:
    r"""Delays of the multi-tau estimator for a series of `n_frames` frames.

    Level 0 has the delays 1..8 frames; level :math:`l \ge 1` works on sums of :math:`2^l` frames and has the
    delays :math:`5..8 \cdot 2^l`. A delay of `c` channels is there as long as
    :math:`c < \lfloor N / 2^l \rfloor`, and the grid ends at the first that is not (the grid of the APS files).

    Parameters
    ----------
    n_frames
        Number of frames that are correlated, after stride and averaging.

    Raises
    ------
    OptionError
        If there are fewer than two frames: then no delay exists.
    """

    n_frames: int

    def __post_init__(self) -> None:
        if self.n_frames < 2:
            raise OptionError(
                "too few frames to correlate",
                got=self.n_frames,
                expected="at least 2 frames after stride and averaging",
                hint="Widen begin_frame..end_frame, or lower stride_frame or avg_frame.",
            )

    @cached_property
    def _table(self) -> NDArray[np.int64]:
        rows = [(channel, 0) for channel in range(1, DELAYS_PER_LEVEL + 1) if channel < self.n_frames]
        level = 0
        while True:
            for channel in range(DELAYS_PER_LEVEL + 1, 2 * DELAYS_PER_LEVEL + 1):
                if channel >= self.n_frames >> level:
                    return np.array(rows, dtype=np.int64).reshape(-1, 2)
                rows.append((channel, level))
            level += 1

    @property
    def channel(self) -> NDArray[np.int64]:
        """Delay in frames of its own level, shape (T,)."""
        return self._table[:, 0]

    @property
    def level(self) -> NDArray[np.int64]:
        """Level of each delay, shape (T,), never decreasing."""
        return self._table[:, 1]

    @cached_property
    def frames(self) -> NDArray[np.int64]:
        """Delay in frames, shape (T,): ``channel * 2**level``."""
        return self.channel << self.level

    @cached_property
    def n_pairs(self) -> NDArray[np.int64]:
        """Number of pairs of (summed) frames that each delay averages over, shape (T,)."""
        return (self.n_frames >> self.level) - self.channel

    @property
    def n_levels(self) -> int:
        """Number of levels that have at least one delay."""
        return int(self.level[-1]) + 1

    def __len__(self) -> int:
        return len(self._table)
