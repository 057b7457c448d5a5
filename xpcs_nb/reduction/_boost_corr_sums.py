"""Sums over cells from per-pixel arrays, as the builtin kernels leave them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import DelayGrid, MultitauSums, PixelLabels
from xpcs_nb.errors import EngineError

__all__ = ["check_sums", "sums_of_pixels"]

#: Its queues are bfloat16: means over all pixels agree much better than this, a wrong IF much worse.
TOLERANCE = 0.02


def sums_of_pixels(pixels: NDArray[np.float32], labels: PixelLabels, *, keep: bool) -> MultitauSums:
    """Add up G, IP, IF of each pixel, shape (T, 3, P), in (static bin, block) cells, and per-pixel g2 in dynamic bins.

    Parameters
    ----------
    pixels
        G, IP, IF by delay and pixel of `labels`.
    labels
        Bins and blocks of the pixels.
    keep
        Return `pixels` too.
    """
    n_delays = len(pixels)
    n_cells = labels.n_static * labels.n_blocks
    cell = labels.static * labels.n_blocks + labels.block
    sums = np.empty((3, n_cells, n_delays))
    g2_sums = np.empty((2, labels.n_dynamic, n_delays))
    for delay in range(n_delays):
        G, IP, IF = pixels[delay].astype(np.float64)
        for part, values in zip(sums, (G, IP, IF), strict=True):
            part[:, delay] = np.bincount(cell, values, minlength=n_cells)
        below = IP * IF
        g2 = np.divide(G, below, out=np.zeros_like(G), where=below > 0)
        for part, values in zip(g2_sums, (g2, g2**2), strict=True):
            part[:, delay] = np.bincount(labels.dynamic, values, minlength=labels.n_dynamic)
    shape = (labels.n_static, labels.n_blocks)
    count = np.bincount(cell, minlength=n_cells).reshape(shape)
    G, IP, IF = sums.reshape(3, *shape, n_delays)
    return MultitauSums(G, IP, IF, count, g2_sums[0], g2_sums[1], pixels if keep else None)


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
