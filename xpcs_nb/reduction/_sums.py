"""What the drivers of all data paths share: the accumulators, and how they become the sums that are handed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import FrameRange, MultitauSums, PixelLabels, ScatteringArrays

if TYPE_CHECKING:
    from xpcs_nb.kernels import Plan

__all__ = ["Accumulator", "Job", "scattering_arrays", "segment_table"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Accumulator:
    """Sums of one thread: `cells` (R, C, 3, T), `pixels` (R, D, 2, T)."""

    cells: Floats
    pixels: Floats


@dataclass(frozen=True)
class Job:
    """A multi-tau pass: labels, plan, and the compact numbers of the (static, block) cells that have pixels."""

    labels: PixelLabels
    frames: FrameRange
    plan: Plan
    keep_pixels: bool = False
    per_pixel: NDArray[np.float32] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        n_pixels = len(self.labels.pixel) if self.keep_pixels else 0
        object.__setattr__(self, "per_pixel", np.zeros((len(self.plan), 3, n_pixels), dtype=np.float32))

    @cached_property
    def n_pixels(self) -> NDArray[np.int64]:
        """Pixels of each cell, shape (S, B)."""
        shape = (self.labels.n_static, self.labels.n_blocks)
        flat = self.labels.static * self.labels.n_blocks + self.labels.block
        return np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)

    @cached_property
    def _cells(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        occupied = np.flatnonzero(self.n_pixels.ravel())
        number = np.zeros(self.n_pixels.size, dtype=np.int32)
        number[occupied] = np.arange(len(occupied), dtype=np.int32)
        return number[self.labels.static * self.labels.n_blocks + self.labels.block], occupied

    @property
    def cell_of(self) -> NDArray[np.int32]:
        """Compact cell of each used pixel, shape (P,)."""
        return self._cells[0]

    @cached_property
    def dynamic_of(self) -> NDArray[np.int32]:
        """Dynamic bin of each used pixel, shape (P,)."""
        return self.labels.dynamic.astype(np.int32)

    def accumulator(self) -> Accumulator:
        """Return zeroed sums."""
        runs, delays = self.plan.n_pairs.shape
        return Accumulator(
            np.zeros((runs, len(self._cells[1]), 3, delays)), np.zeros((runs, self.labels.n_dynamic, 2, delays))
        )

    def finish(self, parts: Sequence[Accumulator]) -> tuple[MultitauSums, list[MultitauSums]]:
        """Add up the threads' sums and scale them to means over the pairs and to single frames."""
        cells = sum((part.cells for part in parts[1:]), start=parts[0].cells)
        pixels = sum((part.pixels for part in parts[1:]), start=parts[0].pixels)
        self._scale_per_pixel()
        whole, *prefixes = (self._one(run, cells[run], pixels[run]) for run in range(len(cells)))
        return whole, prefixes

    def _scale_per_pixel(self) -> None:
        if self.keep_pixels:
            pairs, scale = self.plan.n_pairs[0], self.plan.scale
            self.per_pixel[:, 0] /= (pairs * scale**2)[:, None].astype(np.float32)
            self.per_pixel[:, 1:] /= (pairs * scale)[:, None, None].astype(np.float32)

    def _one(self, run: int, cells: Floats, pixels: Floats) -> MultitauSums:
        pairs, scale = self.plan.n_pairs[run], self.plan.scale.astype(np.float64)
        short = pairs <= 0
        frames = np.where(short, np.nan, pairs * scale)
        shape = (*self.n_pixels.shape, len(self.plan))

        def spread(row: int, divisor: Floats) -> Floats:
            full = np.zeros((self.n_pixels.size, len(self.plan)))
            full[self._cells[1]] = cells[:, row] / divisor
            full[:, short] = np.nan
            return full.reshape(shape)

        pixels = pixels.copy()
        pixels[..., short] = np.nan
        return MultitauSums(
            G=spread(0, frames * scale),
            IP=spread(1, frames),
            IF=spread(2, frames),
            n_pixels=self.n_pixels,
            pixel_g2_sum=pixels[:, 0],
            pixel_g2_square=pixels[:, 1],
            per_pixel=self.per_pixel if self.keep_pixels and run == 0 else None,
        )


def segment_table(n_frames: int, n_segments: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the stretch of time of each correlated frame, and the number of frames of each stretch."""
    k = min(n_segments, n_frames)
    edges = np.arange(k + 1) * n_frames // k
    lengths = np.diff(edges)
    return np.repeat(np.arange(k, dtype=np.int32), lengths), lengths


def scattering_arrays(
    labels: PixelLabels,
    frames: FrameRange,
    blemish: NDArray[np.bool_],
    pixel_counts: Floats,
    frame_counts: Floats,
    segment_counts: Floats,
    segment_lengths: NDArray[np.int64],
) -> ScatteringArrays:
    """Turn sums of raw counts (by pixel, by correlated frame, by stretch and static bin) into means."""
    taken = frames.n_frames * frames.avg
    image = np.where(blemish, pixel_counts.reshape(labels.shape) / taken, 0.0)
    n_pixels = np.bincount(labels.static, minlength=labels.n_static).astype(float)
    n_pixels[n_pixels == 0] = np.nan
    per_static = np.bincount(labels.static, weights=pixel_counts[labels.pixel], minlength=labels.n_static)
    return ScatteringArrays(
        scattering_2d=image,
        scattering_1d=per_static / n_pixels / taken,
        scattering_1d_segments=segment_counts / n_pixels / (segment_lengths * frames.avg)[:, None],
        intensity_vs_time=frame_counts / (len(labels.pixel) * frames.avg),
    )
