"""The cells of the log two-time correlation."""

from __future__ import annotations

import numpy as np
import pytest

from xpcs_nb.core import LogGrid
from xpcs_nb.errors import OptionError


@pytest.mark.parametrize("n", [2, 3, 9, 10, 100, 1001])
def test_cells_lie_beside_each_other_and_inside_the_series(n):
    grid = LogGrid(n)
    assert len(grid) == len(grid.lag) == len(grid.age) == grid.delays.n_pairs.sum()
    assert (grid.t1 >= 0).all()
    assert (grid.t1 + grid.lag <= n - 1).all()
    for delay in range(len(grid.delays)):
        at = slice(grid.start[delay], grid.start[delay + 1])
        assert (np.diff(grid.t1[at]) == grid.size[at][0]).all()
        assert (grid.lag[at] == grid.delays.frames[delay]).all()


def test_memory_goes_with_the_frames_not_with_their_square():
    assert len(LogGrid(10_000)) < 12 * 10_000
    assert len(LogGrid(100_000)) / len(LogGrid(10_000)) == pytest.approx(10, rel=0.01)


def test_one_frame_has_no_cell():
    with pytest.raises(OptionError, match="too few frames"):
        len(LogGrid(1))
