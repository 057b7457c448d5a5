"""The multi-tau delay grid is that of the APS files."""

import numpy as np
import pytest

from xpcs_nb.core import DelayGrid
from xpcs_nb.errors import OptionError


def test_grid_of_ten_thousand_frames_has_the_delays_of_measured_files():
    grid = DelayGrid(10_000)
    assert len(grid) == 48
    np.testing.assert_array_equal(grid.frames[:12], [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16])
    assert grid.n_pairs[0] == 9_999


@pytest.mark.parametrize("n_frames", [2, 3, 5, 9, 10, 11, 16, 17, 257, 1000, 1025])
def test_every_delay_has_a_pair(n_frames):
    grid = DelayGrid(n_frames)
    assert (grid.n_pairs >= 1).all()
    assert (np.diff(grid.frames) > 0).all()
    assert grid.frames[-1] < n_frames


def test_one_frame_has_no_delay():
    with pytest.raises(OptionError, match="at least 2 frames"):
        DelayGrid(1)
