"""Sums over cells from what was kept of each pixel, as the builtin kernels leave them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import DelayGrid, MultitauSums, PixelLabels
from xpcs_nb.errors import EngineError
from xpcs_nb.kernels import rebin_pixels
from xpcs_nb.reduction._threads import n_threads, share_out

__all__ = ["check_sums", "sums_of_pixels"]

#: Its queues are bfloat16: means over all pixels agree much better than this, a wrong IF much worse.
TOLERANCE = 0.02


def sums_of_pixels(
    kept: NDArray[np.float32],
    labels: PixelLabels,
    *,
    rows: NDArray[np.integer[Any]] | None = None,
    keep: bool = False,
    threads: int = 0,
) -> MultitauSums:
    """Add up G, IP, IF of each pixel in (static bin, block) cells, and the per-pixel g2 in dynamic bins.

    Parameters
    ----------
    kept
        G, IP, IF by delay and pixel, shape (T, 3, K), float32.
    labels
        Bins and blocks of the pixels.
    rows
        Place of each of its pixels in the last axis of `kept`; None where that has exactly these pixels.
    keep
        Return `kept` too.
    threads
        Threads; 0 for one a core.
    """
    n_delays = len(kept)
    n_cells = labels.n_static * labels.n_blocks
    cell = (labels.static * labels.n_blocks + labels.block).astype(np.int32)
    row = np.arange(len(cell), dtype=np.int32) if rows is None else rows.astype(np.int32)
    dynamic = labels.dynamic.astype(np.int32)
    cells = np.zeros((n_delays, n_cells, 3))
    pixel_g2 = np.zeros((n_delays, labels.n_dynamic, 2))
    share_out(
        range(n_delays),
        lambda: None,
        lambda _, delay: rebin_pixels(kept, delay, delay + 1, row, cell, dynamic, cells, pixel_g2),
        n_threads(threads),
    )
    shape = (labels.n_static, labels.n_blocks)
    count = np.bincount(cell, minlength=n_cells).reshape(shape)
    G, IP, IF = np.ascontiguousarray(cells.T).reshape(3, *shape, n_delays)
    g2_sum, g2_square = np.ascontiguousarray(pixel_g2.T)
    return MultitauSums(G, IP, IF, count, g2_sum, g2_square, kept if keep else None)


def check_sums(sums: MultitauSums, intensity: NDArray[np.float64], *, normalized: bool) -> None:
    """Hold the mean IP and IF of each delay against the intensity of the frames that they are means of.

    boost_corr gets IF wrong for series that end just behind a flush of its queues, when a level is empty then
    (257, 513, 1025 frames with a queue of 64).

    Raises
    ------
    EngineError
        A mean is off by more than 2 %.
    """
    grid = DelayGrid(len(intensity))
    counts = np.ones_like(intensity) if normalized else intensity
    n_pixels = sums.n_pixels.sum()
    running = np.concatenate([[0.0], np.cumsum(counts)])
    # The series is cut to whole groups of 2**level frames; boost_corr keeps the rest, well within the tolerance.
    ends = (grid.n_pairs + grid.channel) << grid.level
    spans = {"IP": (np.zeros_like(ends), ends - grid.frames), "IF": (grid.frames, ends)}
    for name, (begin, end) in spans.items():
        expected = (running[end] - running[begin]) / (end - begin)
        found = getattr(sums, name).sum(axis=(0, 1)) / n_pixels
        # Few frames make a mean that the left-over ones can change.
        wrong = (np.abs(found - expected) > TOLERANCE * expected) & (end - begin > len(intensity) // 4)
        if wrong.any():
            delay = int(np.argmax(wrong))
            raise EngineError(
                f"boost_corr's {name} is wrong for this number of frames",
                got=f"{found[delay]:.5g} at a delay of {grid.frames[delay]} frames",
                expected=f"{expected[delay]:.5g}, the mean of those frames",
                hint="Use engine='builtin', or one frame less.",
            )
