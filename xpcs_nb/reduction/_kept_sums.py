"""Sums over cells from what was kept of each pixel, as the builtin kernels leave them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import DelayGrid, MultitauSums, PixelLabels
from xpcs_nb.errors import EngineError
from xpcs_nb.kernels import rebin_pixels
from xpcs_nb.reduction._threads import n_threads, share_out

__all__ = ["KeptSums", "check_sums"]

#: Its queues are bfloat16: means over all pixels agree much better than this, a wrong IF much worse.
TOLERANCE = 0.02
#: Threads beyond these wait for the memory, and each needs sums of its own.
MOST_THREADS = 8
#: Fewer pixels are not worth a thread.
FEWEST_PIXELS = 50_000


@dataclass(frozen=True)
class KeptSums:
    """Sums over cells (static bin, block) of kept pixels, and which pixel is in which cell.

    Attributes
    ----------
    cell, dynamic
        Cell and dynamic bin of each kept pixel, -1 for one that is not used, shape (K,), int32.
    count
        Pixels of each cell, shape (S, B).
    cells
        Sums of G, IP and IF of each cell, shape (C, 3 T).
    pixel_g2
        Sums of g2 and its square over the pixels of each dynamic bin, shape (D, 2 T); empty where not asked for.
    """

    cell: NDArray[np.int32]
    dynamic: NDArray[np.int32]
    count: NDArray[np.int64]
    cells: NDArray[np.float64]
    pixel_g2: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        kept: NDArray[np.float32],
        labels: PixelLabels,
        rows: NDArray[np.integer[Any]] | None = None,
        *,
        since: Self | None = None,
        pixel_errors: bool = True,
        threads: int = 0,
    ) -> Self:
        """Add up G, IP, IF of each pixel in (static bin, block) cells, and the per-pixel g2 in dynamic bins.

        Parameters
        ----------
        kept
            G, IP, IF by pixel and delay, shape (K, 3, T), float32.
        labels
            Bins and blocks of the pixels.
        rows
            Place of each of its pixels in `kept`; None where that has exactly these pixels.
        since
            Sums of the same pixels in other bins: dynamic bins that have changed since then are added up, no others.
        pixel_errors
            Whether to make `pixel_g2`.
        threads
            Threads; 0 for one a core.
        """
        cell = (labels.static * labels.n_blocks + labels.block).astype(np.int32)
        row = np.arange(len(cell), dtype=np.int32) if rows is None else rows.astype(np.int32, copy=False)
        dynamic = labels.dynamic.astype(np.int32)
        cell_of, dynamic_of = np.full((2, len(kept)), -1, dtype=np.int32)
        cell_of[row], dynamic_of[row] = cell, dynamic
        shape = (labels.n_static, labels.n_blocks)
        count = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
        made = cls(
            cell_of,
            dynamic_of,
            count,
            np.zeros((count.size, kept.shape[1] * kept.shape[2])),
            np.zeros((labels.n_dynamic if pixel_errors else 0, 2 * kept.shape[2])),
        )
        if since is not None and made._is_like(since):
            changed = made._take_over(since)[dynamic]
            row, cell, dynamic = row[changed], cell[changed], dynamic[changed]
        made._add(kept, row, cell, dynamic, threads)
        return made

    def _is_like(self, other: KeptSums) -> bool:
        return all(
            getattr(self, name).shape == getattr(other, name).shape for name in ("count", "cells", "pixel_g2", "cell")
        )

    def _take_over(self, since: KeptSums) -> NDArray[np.bool_]:
        """Copy the sums of dynamic bins that have the same pixels in the same cells; return which have not."""
        differs = (self.cell != since.cell) | (self.dynamic != since.dynamic)
        n_dynamic = max(int(self.dynamic.max()) + 1, int(since.dynamic.max()) + 1, len(self.pixel_g2))
        changed = np.zeros(n_dynamic + 1, dtype=bool)
        changed[self.dynamic[differs]] = changed[since.dynamic[differs]] = True
        changed[-1] = True  # where -1 looks: pixels that are not used
        same = np.zeros(len(self.cells), dtype=bool)
        same[self.cell[~changed[self.dynamic]]] = True
        self.cells[same] = since.cells[same]
        if len(self.pixel_g2):
            stays = ~changed[: len(self.pixel_g2)]
            self.pixel_g2[stays] = since.pixel_g2[stays]
        return changed

    def _add(
        self,
        kept: NDArray[np.float32],
        row: NDArray[np.int32],
        cell: NDArray[np.int32],
        dynamic: NDArray[np.int32],
        threads: int,
    ) -> None:
        flat = kept.reshape(len(kept), -1)
        # Each part has sums of its own, so that the outcome does not depend on which thread comes first.
        parts = max(1, min(n_threads(threads), MOST_THREADS, len(row) // FEWEST_PIXELS))
        edges = np.arange(parts + 1) * len(row) // parts
        sums = [(self.cells, self.pixel_g2)]
        sums += [(np.zeros_like(self.cells), np.zeros_like(self.pixel_g2)) for _ in range(parts - 1)]
        share_out(
            range(parts),
            lambda: None,
            lambda _, part: rebin_pixels(flat, int(edges[part]), int(edges[part + 1]), row, cell, dynamic, *sums[part]),
            parts,
        )
        for cells, pixel_g2 in sums[1:]:
            self.cells[:] += cells
            self.pixel_g2[:] += pixel_g2

    def sums(self) -> MultitauSums:
        """Return the sums as the builtin kernels leave them."""
        n_delays = self.cells.shape[1] // 3
        G, IP, IF = self.cells.reshape(*self.count.shape, 3, n_delays).transpose(2, 0, 1, 3)
        g2_sum, g2_square = self.pixel_g2.reshape(-1, 2, n_delays).transpose(1, 0, 2)
        return MultitauSums(G, IP, IF, self.count, g2_sum, g2_square)


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
