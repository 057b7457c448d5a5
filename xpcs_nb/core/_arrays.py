"""Plain arrays that the layers hand to each other: labels in, sums and results out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LogTwotimeMap",
    "MultitauArrays",
    "MultitauSums",
    "PixelEvents",
    "PixelLabels",
    "ResultArrays",
    "ScatteringArrays",
    "TwotimeMap",
    "UnnormalizedArrays",
]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PixelLabels:
    """The used pixels and the bins they belong to; pixels in rising order of `pixel`.

    Attributes
    ----------
    pixel
        Flat index in the frame, shape (P,), int64, rising.
    static, dynamic
        Bin of each pixel, from 0, shape (P,), int64. Bins without pixels keep their number.
    block
        Jackknife block of each pixel within its dynamic bin, from 0, shape (P,), int64.
    static_to_dynamic
        Dynamic bin of each static bin, from 0, shape (S,); -1 for static bins without pixels.
    n_static, n_dynamic, n_blocks
        Numbers of bins and blocks.
    shape
        (rows, columns) of a frame.
    """

    pixel: Ints
    static: Ints
    dynamic: Ints
    block: Ints
    static_to_dynamic: Ints
    n_static: int
    n_dynamic: int
    n_blocks: int
    shape: tuple[int, int]


@dataclass(frozen=True)
class PixelEvents:
    """Photons of the used pixels, pixel by pixel (compressed sparse rows), in time order within a pixel.

    Attributes
    ----------
    indptr
        Events ``indptr[p]:indptr[p+1]`` belong to pixel ``labels.pixel[p]``, shape (P + 1,), int64.
    frame
        Correlated frame (after begin, stride, avg), shape (E,), int32; rising within a pixel.
    value
        Counts, divided by `avg` (a mean), shape (E,), float32.
    n_frames
        Number of correlated frames.
    """

    indptr: Ints
    frame: NDArray[np.int32]
    value: NDArray[np.float32]
    n_frames: int


@dataclass(frozen=True)
class MultitauSums:
    """What a multi-tau pass over the frames leaves: sums over the pixels of each (static bin, block) cell.

    Attributes
    ----------
    G, IP, IF
        Sum over the cell's pixels of <I(t) I(t+k)>, <I(t)> and <I(t+k)>, averaged over the pairs of the
        delay and scaled to single frames, shape (S, B, T), float64.
    n_pixels
        Pixels of each cell, shape (S, B), int64.
    pixel_g2_sum, pixel_g2_square
        Sum over the pixels of each dynamic bin of the per-pixel g2 = G / (IP IF) (0 where the denominator is 0),
        and of its square, shape (D, T): the ingredients of the field's pixel-scatter error; empty where that is not
        wanted.
    per_pixel
        G, IP, IF of each used pixel, shape (T, 3, P), float32; None unless asked for.
    """

    G: Floats
    IP: Floats
    IF: Floats
    n_pixels: Ints
    pixel_g2_sum: Floats
    pixel_g2_square: Floats
    per_pixel: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class UnnormalizedArrays:
    """G, IP and IF of every used pixel, kept for re-binning with another qmap.

    Attributes
    ----------
    sums
        Shape (T, 3, P), float32; axis 1 is G, IP, IF. Or a sequence that makes one delay (3, P) after the other.
    pixel
        Flat pixel index of the last axis, shape (P,), int64.
    shape
        (rows, columns) of a frame.
    """

    sums: NDArray[np.float32] | Sequence[NDArray[np.float32]]
    pixel: Ints
    shape: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class MultitauArrays:
    """Multi-tau g2 of every dynamic bin. Column `d` is dynamic label `d` + 1; a bin without pixels is NaN.

    Attributes
    ----------
    delay_frames, n_pairs
        Delay in correlated frames and the pairs it averages over (None where not known), shape (T,).
    g2, g2_err
        g2 and its block-jackknife error, shape (T, D).
    g2_err_pixels
        The field's error: standard deviation over pixels of the per-pixel g2 / sqrt(pixels), shape (T, D).
    g2_cov
        Covariance between delays, shape (D, T, T).
    g2_cov_samples
        Blocks or repeats that the covariance was estimated from, the fewest of any bin; None where not known.
    g2_dof
        Degrees of freedom of g2_err in each bin, shape (D,): one less than its blocks; None where not known.
    estimator
        What g2_err is; None for the block jackknife (with `g2_cov`) or the scatter over pixels (without).
    g2_partial, g2_partial_err, g2_partial_frames
        g2 of the first `g2_partial_frames[p]` frames, shapes (P, T, D), (P, T, D), (P,); None unless asked for.
    unnormalized
        None unless asked for.
    """

    delay_frames: Ints
    n_pairs: Ints | None
    g2: Floats
    g2_err: Floats
    g2_err_pixels: Floats | None = None
    g2_cov: Floats | None = None
    g2_cov_samples: int | None = None
    g2_dof: Floats | None = None
    estimator: str | None = None
    g2_partial: Floats | None = None
    g2_partial_err: Floats | None = None
    g2_partial_frames: Ints | None = None
    unnormalized: UnnormalizedArrays | None = None


@dataclass(frozen=True, kw_only=True)
class ScatteringArrays:
    """Time-averaged and space-averaged scattering, in counts a pixel and frame.

    Attributes
    ----------
    scattering_2d
        Mean frame, shape (rows, columns); blemished pixels are 0.
    scattering_1d
        Mean of each static bin, shape (S,); NaN for a bin without pixels.
    scattering_1d_segments
        The same in K equal stretches of time, shape (K, S).
    segments_scale
        What a segment is: a mean over its own frames, unless it comes from a program that writes something else.
    intensity_vs_time
        Mean of each correlated frame over the used pixels, shape (N,).
    """

    scattering_2d: Floats
    scattering_1d: Floats
    scattering_1d_segments: Floats
    intensity_vs_time: Floats
    segments_scale: str = "mean"


@dataclass(frozen=True, kw_only=True)
class TwotimeMap:
    """Two-time correlation of one dynamic bin.

    Attributes
    ----------
    bin
        Dynamic label (from 1).
    c2
        Upper triangle with the diagonal, the rest 0, shape (N, N), float32.
    g2
        Mean along each diagonal, shape (N,); [0] is the diagonal, which holds shot noise.
    g2_segments
        The same for 5 stretches of time, shape (N // 5, 5).
    """

    bin: int
    c2: NDArray[np.float32]
    g2: Floats
    g2_segments: Floats


@dataclass(frozen=True, kw_only=True)
class LogTwotimeMap:
    """Log two-time correlation of one dynamic bin.

    Attributes
    ----------
    bin
        Dynamic label (from 1).
    c2
        Mean of the full map in each cell of `LogGrid`, shape (M,).
    """

    bin: int
    c2: Floats


@dataclass(kw_only=True)
class ResultArrays:
    """All that a reduction hands to the writer of result files.

    Attributes
    ----------
    raw_path
        The raw file, as recorded in the result.
    multitau, scattering
        Arrays, or None where not computed.
    twotime
        Iterator over the maps, consumed while writing, so that one map is in memory at a time.
    twotime_log
        The same for the log two-time correlation.
    multitau_config, twotime_config
        Options, as written to the ``config`` groups.
    provenance
        JSON-able document for the ``xpcs_nb`` group.
    trust
        Makes the trust report, a JSON-able document; called when all of `twotime` has been written.
    averaged
        Names of the results that this one is the average of.
    """

    raw_path: Path
    scattering: ScatteringArrays
    multitau: MultitauArrays | None = None
    twotime: Iterator[TwotimeMap] | None = None
    twotime_log: Iterator[LogTwotimeMap] | None = None
    multitau_config: dict[str, Any] = field(default_factory=dict)
    twotime_config: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    trust: Callable[[], dict[str, Any]] | None = None
    averaged: tuple[str, ...] = ()
