"""What a two-time run has to do: which pixels, by which way, and whether it fits in memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import FrameRange, FrameSource, PixelLabels, Smooth
from xpcs_nb.errors import OptionError

__all__ = [
    "BinPixels",
    "available_memory",
    "check_map_memory",
    "choose_bins",
    "event_occupancy",
    "pairs_are_cheaper",
]

type Ints = NDArray[np.int64]

# Core-seconds of the two ways to a map, fitted to medians on two Zen 4 cores (1 MiB of L2 each, OpenBLAS). With 1000
# frames and 7282 pixels a bin, pairs took 12, 25, 41 and 80 ms a map at 10, 15, 20 and 30 % of cells with photons,
# the matrix 42 ms. The ways cost the same near 20 %, at 200, 1000 and 3000 frames alike.
PAIR_SECONDS = 0.55e-9
EVENT_SECONDS = 4e-9
PRODUCT_SECONDS = 0.010e-9
CELL_SECONDS = 1.5e-9

#: Dense frames looked at to learn how many cells hold photons.
PROBE_FRAMES = 8

_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class BinPixels:
    """The pixels of one dynamic bin.

    Attributes
    ----------
    label
        Dynamic label, from 1.
    rows
        The pixels, as rows of `PixelLabels`, shape (P,), rising.
    group
        Smoothing bin of each pixel, from 0, shape (P,).
    group_size
        Pixels of each smoothing bin, shape (G,).
    """

    label: int
    rows: Ints
    group: Ints
    group_size: Ints


def choose_bins(labels: PixelLabels, bins: Sequence[int] | None, smooth: Smooth) -> list[BinPixels]:
    """Return the pixels of the dynamic bins asked for (all that have pixels, if None), in rising order.

    Raises
    ------
    OptionError
        If `smooth` is unknown, or a bin does not exist or has no pixels; it lists those that do.
    """
    if smooth not in ("sqmap", "dqmap"):
        raise OptionError("smooth has no such value", got=repr(smooth), expected="'sqmap' or 'dqmap'")
    size = np.bincount(labels.dynamic, minlength=labels.n_dynamic)
    there = np.flatnonzero(size) + 1
    wanted = there if bins is None else np.unique(np.asarray(list(bins), dtype=np.int64))
    unknown = wanted[~np.isin(wanted, there)]
    if unknown.size or not wanted.size:
        raise OptionError(
            "dynamic bins without pixels are asked for" if unknown.size else "no dynamic bin is asked for",
            where="dq_selection",
            got=_listed(unknown) if unknown.size else "none",
            expected=f"labels of bins with pixels: {_listed(there) or 'there are none'}",
        )
    # sorting 16-bit numbers is a radix sort
    key = labels.dynamic.astype(np.uint16) if labels.n_dynamic < 2**16 else labels.dynamic
    order = np.argsort(key, kind="stable")
    first = np.concatenate([[0], np.cumsum(size)])
    return [_bin_pixels(labels, int(bin_), order[first[bin_ - 1] : first[bin_]], smooth) for bin_ in wanted]


def _bin_pixels(labels: PixelLabels, label: int, rows: Ints, smooth: Smooth) -> BinPixels:
    if smooth == "dqmap":
        return BinPixels(label, rows, np.zeros_like(rows), np.array([len(rows)], dtype=np.int64))
    static = labels.static[rows]
    size = np.bincount(static, minlength=labels.n_static)
    number = np.cumsum(size > 0) - 1
    return BinPixels(label, rows, number[static], size[size > 0])


def _listed(bins: Ints) -> str:
    """Return labels as ``1-4, 7``."""
    runs = np.split(bins, np.flatnonzero(np.diff(bins) > 1) + 1) if bins.size else []
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def pairs_are_cheaper(n_pairs: float, n_events: float, n_pixels: int, n_frames: int) -> bool:
    """Whether pairing the events of a bin takes less time than multiplying its pixels as a matrix."""
    pairing = PAIR_SECONDS * n_pairs + EVENT_SECONDS * n_events
    multiplying = n_pixels * n_frames * (PRODUCT_SECONDS * n_frames + CELL_SECONDS)
    return pairing < multiplying


def event_occupancy(source: FrameSource, labels: PixelLabels, frames: FrameRange, bins: list[BinPixels]) -> list[float]:
    """Estimate from a few frames which share of the cells (pixel, correlated frame) of each bin holds photons.

    Values that are no whole numbers can't be events: then every share is 1.
    """
    step = max(1, (frames.end - frames.begin) // PROBE_FRAMES)
    occupied = np.zeros(len(labels.pixel))
    probes = range(frames.begin, frames.end, step)
    for raw in probes:
        values = source.frames(raw, raw + 1).reshape(-1)[labels.pixel]
        if values.dtype.kind == "f" and np.any(values != np.rint(values)):
            return [1.0] * len(bins)
        occupied += values != 0
    single = occupied / len(probes)
    return [float(1 - (1 - single[bin_.rows].mean()) ** frames.avg) for bin_ in bins]


def check_map_memory(n_frames: int, n_maps: int) -> None:
    """Refuse maps that can't be held in memory.

    Raises
    ------
    OptionError
        If `n_maps` maps of `n_frames` frames need more than is available.
    """
    need, available = 4 * n_frames**2 * n_maps, available_memory()
    if available is not None and need > available:
        most = int((available / 4 / n_maps) ** 0.5)
        raise OptionError(
            "a two-time map of so many frames does not fit in memory",
            got=f"{n_frames} frames: {need / 2**30:.1f} GiB for {n_maps} of {n_frames} x {n_frames} float32",
            expected=f"at most {most} frames in the {available / 2**30:.1f} GiB available",
            hint="Raise avg_frame or stride_frame, or narrow begin_frame..end_frame.",
        )


def available_memory() -> int | None:
    """Return the bytes this process may still take, or None where the system does not say."""
    limits = [limit for limit in (_system_memory(), _group_memory()) if limit is not None]
    return min(limits, default=None)


def _system_memory() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        # not Linux: all of the memory is an upper bound
        if not {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(getattr(os, "sysconf_names", ())):
            return None
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    sizes = dict(line.split(":", 1) for line in lines)
    return int(sizes["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in sizes else None


def _group_memory() -> int | None:
    """Return what the container's limit leaves (Linux control groups, version 2)."""
    try:
        limit, used = ((_CGROUP / f"memory.{name}").read_text().strip() for name in ("max", "current"))
    except OSError:
        return None
    return None if limit == "max" else max(0, int(limit) - int(used))
