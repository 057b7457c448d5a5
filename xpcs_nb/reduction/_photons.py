"""Photon statistics of a series for exposures of 1, 2, 4, ... frames, in one pass over its photons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import FrameRange, FrameSource, PhotonCounts, PixelLabels
from xpcs_nb.errors import OptionError
from xpcs_nb.reduction._events import Progress, gather_events

__all__ = ["count_photons"]

type Ints = NDArray[np.int64]

#: Events that are held at a time, and the frames that are looked at to learn how many frames that is.
CHUNK_EVENTS = 1 << 23
PROBE = 16


def count_photons(
    source: FrameSource,
    labels: PixelLabels,
    exposures: Sequence[int],
    *,
    begin: int = 0,
    end: int | None = None,
    progress: Progress | None = None,
) -> list[PhotonCounts]:
    """Count how often the used pixels counted 0, 1, 2, ... photons in sums of frames.

    The photons of a stretch of frames are sorted by pixel; from one exposure to the next, those that fall in the same
    pixel and window are added up. So the work is proportional to the photons, and pixels that saw nothing cost nothing.
    Windows longer than a stretch (which happens where photons are many) are added up by pixel.

    Parameters
    ----------
    source, labels
        The series and its used pixels.
    exposures
        Frames to add up: rising powers of two.
    begin, end
        First frame, and one past the last; None for all.
    progress
        Told the number of frames that are done since it was last told.

    Raises
    ------
    OptionError
        If an exposure is no power of two, or longer than the series.
    CorruptDataError
        If a frame can't be read.
    """
    end = source.n_frames if end is None else end
    if not 0 <= begin < end <= source.n_frames:
        raise OptionError("no such frames", got=f"{begin}..{end}", expected=f"within 0..{source.n_frames}")
    bad = [m for m in exposures if m < 1 or m & (m - 1) or m > end - begin]
    if bad or not len(exposures):
        raise OptionError(
            "exposures can't be used", got=list(exposures), expected=f"powers of two up to {end - begin} frames"
        )
    step = _stretch(source, begin, end)
    tallies = [_Tally(labels, m, (end - begin) // m, min(step, m)) for m in exposures]
    for start in range(begin, end, step):
        stop = min(start + step, end)
        events = gather_events(source, labels, FrameRange(start, stop)).events
        pixel = np.repeat(np.arange(len(labels.pixel)), np.diff(events.indptr))
        part = _Stretch(pixel, events.frame.astype(np.int64), np.rint(events.value).astype(np.int64), 1, stop - start)
        for tally in tallies:
            part = part.summed(min(tally.frames, step))
            tally.add(part, (start - begin) // tally.frames)
        if progress is not None:
            progress(stop - start)
    return [tally.result() for tally in tallies]


def _stretch(source: FrameSource, begin: int, end: int) -> int:
    """Return a power of two of frames with about CHUNK_EVENTS events."""
    probe = min(PROBE, end - begin)
    events = max(len(source.events(begin, begin + probe).pixel), 1) / probe
    whole = 1 << (end - begin - 1).bit_length()
    return min(1 << max(int(np.log2(CHUNK_EVENTS / events)), 0), whole) if events < CHUNK_EVENTS else 1


@dataclass(frozen=True)
class _Stretch:
    """Photons of a stretch of `length` frames in windows of `frames`: pixel, window, count; sorted by the first two."""

    pixel: Ints
    window: Ints
    count: Ints
    frames: int
    length: int

    def summed(self, frames: int) -> _Stretch:
        """Return the photons in windows of more frames; those behind the last whole window are dropped."""
        window = self.window // (frames // self.frames)
        new = np.ones(len(window), dtype=bool)
        new[1:] = (self.pixel[1:] != self.pixel[:-1]) | (window[1:] != window[:-1])
        first = np.flatnonzero(new)
        count = np.add.reduceat(self.count, first) if len(first) else self.count
        return _Stretch(self.pixel[first], window[first], count, frames, self.length)


@dataclass
class _Tally:
    """What is counted for one exposure; windows longer than a stretch are collected in `open`."""

    labels: PixelLabels
    frames: int
    n_windows: int
    unit: int
    histogram: Ints = field(init=False)
    counts: Ints = field(init=False)
    window_counts: Ints = field(init=False)
    open: Ints | None = field(init=False, default=None)
    parts: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        labels = self.labels
        self.group = labels.dynamic * labels.n_blocks + labels.block
        self.cell = labels.static * labels.n_blocks + labels.block
        self.group_pixels = np.bincount(self.group, minlength=labels.n_dynamic * labels.n_blocks)
        self.histogram = np.zeros((len(self.group_pixels), 2), dtype=np.int64)
        self.counts = np.zeros(labels.n_static * labels.n_blocks, dtype=np.int64)
        self.window_counts = np.zeros(self.n_windows, dtype=np.int64)

    def add(self, part: _Stretch, first_window: int) -> None:
        """Add the photons of a stretch."""
        whole = part.length // part.frames
        if part.frames == self.frames:
            kept = part.window < whole
            self._count(part.pixel[kept], part.count[kept], whole)
            sums = np.bincount(part.window[kept], part.count[kept], minlength=whole)
            self.window_counts[first_window : first_window + whole] += np.rint(sums).astype(np.int64)[:whole]
            return
        if whole == 0:
            return
        if self.open is None:
            self.open = np.zeros(len(self.labels.pixel), dtype=np.int64)
        self.open[part.pixel] += part.count
        self.parts += 1
        if self.parts * part.frames == self.frames:
            seen = np.flatnonzero(self.open)
            self._count(seen, self.open[seen], 1)
            self.window_counts[first_window] += int(self.open.sum())
            self.open, self.parts = None, 0

    def _count(self, pixel: Ints, count: Ints, windows: int) -> None:
        """Add sums with photons, and those of the other pixels and windows without."""
        most = int(count.max(initial=0)) + 1
        if most > self.histogram.shape[1]:
            self.histogram = np.pad(self.histogram, ((0, 0), (0, most - self.histogram.shape[1])))
        depth, group = self.histogram.shape[1], self.group[pixel]
        key = group * depth + count
        if self.histogram.size <= 8 * len(key) + (1 << 20):
            self.histogram += np.bincount(key, minlength=self.histogram.size).reshape(self.histogram.shape)
        else:
            cells, times = np.unique(key, return_counts=True)
            self.histogram.ravel()[cells] += times
        lit = np.bincount(group, minlength=len(self.group_pixels))
        self.histogram[:, 0] += self.group_pixels * windows - lit
        self.counts += np.rint(np.bincount(self.cell[pixel], count, minlength=len(self.counts))).astype(np.int64)

    def result(self) -> PhotonCounts:
        """Return what was counted."""
        labels = self.labels
        shape = (labels.n_static, labels.n_blocks)
        return PhotonCounts(
            frames=self.frames,
            n_windows=self.n_windows,
            histogram=self.histogram.reshape(labels.n_dynamic, labels.n_blocks, -1),
            counts=self.counts.reshape(shape),
            n_pixels=np.bincount(self.cell, minlength=self.counts.size).reshape(shape),
            window_counts=self.window_counts,
        )
