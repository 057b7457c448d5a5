"""The two-time maps of a series, one dynamic bin after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import merge

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import FrameRange, FrameSource, PixelLabels, ScatteringArrays, Smooth, TwotimeMap
from xpcs_nb.errors import OptionError, QMapError
from xpcs_nb.reduction._multitau import N_SEGMENTS, check, scatter_events
from xpcs_nb.reduction._scattering import reduce_scattering
from xpcs_nb.reduction._threads import n_threads
from xpcs_nb.reduction._twotime_chunks import gather_photons
from xpcs_nb.reduction._twotime_events import maps_from_events, maps_of_photons
from xpcs_nb.reduction._twotime_frames import maps_from_frames
from xpcs_nb.reduction._twotime_plan import BinPixels, check_map_memory, choose_bins, event_occupancy, pairs_are_cheaper

__all__ = ["reduce_twotime", "twotime_maps"]

type Progress = Callable[[int], None]


def twotime_maps(
    source: FrameSource,
    labels: PixelLabels,
    frames: FrameRange,
    *,
    bins: Sequence[int] | None = None,
    smooth: Smooth = "sqmap",
    threads: int = 0,
    progress: Progress | None = None,
) -> Iterator[TwotimeMap]:
    r"""Correlate every two frames of a series, for each dynamic bin.

    .. math::

        C_2(t_1, t_2) = \frac{\langle A(t_1) A(t_2) \rangle_p}{\langle A(t_1) \rangle_p \langle A(t_2) \rangle_p},
        \qquad A_p(t) = I_p(t) / \bar I_{s(p)}(t)

    with means over the pixels `p` of the dynamic bin; :math:`\bar I_s(t)` is the mean of the pixel's static
    (``smooth="sqmap"``) or dynamic (``"dqmap"``) bin in the same frame. A mean that is 0 counts as 1, so that a frame
    without photons gives 0. It is the estimator of the APS correlators.

    Bins where few cells (pixel, frame) hold photons are done by pairing the photons of each pixel, the others as
    products of matrices, for which the frames are read in windows; work is shared by the threads.

    Parameters
    ----------
    source
        The series.
    labels
        The used pixels and their bins.
    frames
        Which raw frames, and how they make correlated frames.
    bins
        Dynamic labels, from 1; None for all that have pixels.
    smooth
        What pixels are divided by: the mean of the static (``sqmap``) or of the dynamic bin (``dqmap``).
    threads
        Threads for compiled loops; 0 for one a core. Products of matrices use the threads of numpy's BLAS.
    progress
        Told the number of correlated frames that were read since it was last told.

    Returns
    -------
    Iterator of TwotimeMap
        In rising order of the labels. Each map is made when it is asked for, or shortly before.

    Raises
    ------
    OptionError
        Before any frame is read, if a bin has no pixels, the series has fewer frames, or the maps of so many frames
        don't fit in memory.
    QMapError
        If no pixel is used, or `labels` are for frames of another shape.
    CorruptDataError
        While reading, if frames can't be decoded, or hold negative counts or NaN.
    """
    _check(source, labels, frames, threads)
    chosen = choose_bins(labels, bins, smooth)
    # the map that is being made, and the one that the caller still holds
    check_map_memory(frames.n_frames, min(len(chosen), 2))
    return _maps(source, labels, frames, chosen, n_threads(threads), progress)


def reduce_twotime(
    source: FrameSource,
    labels: PixelLabels,
    frames: FrameRange,
    *,
    blemish: NDArray[np.bool_],
    bins: Sequence[int] | None = None,
    smooth: Smooth = "sqmap",
    threads: int = 0,
    stage: Callable[[str], Progress | None] = lambda _name: None,
) -> tuple[ScatteringArrays, Iterator[TwotimeMap]]:
    """Return the mean scattering of a series and its two-time maps, from one pass where photons are few.

    Parameters
    ----------
    source, labels, frames, bins, smooth, threads
        As for `twotime_maps`.
    blemish
        As for `reduce_scattering`.
    stage
        Gives the progress of the stages ``scattering`` (if it is a pass of its own) and ``twotime``.

    Returns
    -------
    tuple
        The scattering, and an iterator of maps.

    Raises
    ------
    OptionError, QMapError, CorruptDataError
        As `twotime_maps` and `reduce_scattering`.
    """
    _check(source, labels, frames, threads)
    check(source, labels, blemish)
    chosen = choose_bins(labels, bins, smooth)
    check_map_memory(frames.n_frames, min(len(chosen), 2))
    threads = n_threads(threads)
    if _split(source, labels, frames, chosen)[1]:
        scattering = reduce_scattering(
            source, labels, frames, blemish=blemish, threads=threads, progress=stage("scattering")
        )
        return scattering, _maps(source, labels, frames, chosen, threads, stage("twotime"))
    gathered = gather_photons(source, labels, frames, blemish, threads, stage("twotime"))
    scattering = scatter_events(gathered, labels, frames, blemish, N_SEGMENTS, threads)
    return scattering, maps_of_photons(gathered.events, chosen, threads)


def _check(source: FrameSource, labels: PixelLabels, frames: FrameRange, threads: int) -> None:
    if threads < 0:
        raise OptionError("threads is out of range", got=threads, expected="an integer >= 0")
    if labels.shape != source.shape:
        raise QMapError("the partition is for other frames", path=source.path, got=labels.shape, expected=source.shape)
    if not len(labels.pixel):
        raise QMapError("no pixel is used", hint="Check that mask, blemish and partition overlap.")
    if frames.begin < 0 or frames.end > source.n_frames or frames.n_frames < 1:
        raise OptionError(
            "frames outside the series are asked for",
            path=source.path,
            got=f"frames {frames.begin} to {frames.end}",
            expected=f"at least one correlated frame in 0 to {source.n_frames}",
        )


def _maps(
    source: FrameSource,
    labels: PixelLabels,
    frames: FrameRange,
    bins: list[BinPixels],
    threads: int,
    progress: Progress | None,
) -> Iterator[TwotimeMap]:
    sparse, dense = _split(source, labels, frames, bins)
    parts: list[Iterator[TwotimeMap]] = []
    if sparse:
        parts.append(maps_from_events(source, labels, frames, sparse, threads, progress))
    if dense:
        parts.append(maps_from_frames(source, labels, frames, dense, threads, None if sparse else progress))
    yield from merge(*parts, key=lambda found: found.bin)


def _split(
    source: FrameSource, labels: PixelLabels, frames: FrameRange, bins: list[BinPixels]
) -> tuple[list[BinPixels], list[BinPixels]]:
    """Return the bins whose photons are worth listing, and the others."""
    if source.is_sparse:
        return bins, []
    parts: tuple[list[BinPixels], list[BinPixels]] = ([], [])
    for bin_, occupied in zip(bins, event_occupancy(source, labels, frames, bins), strict=True):
        events = occupied * frames.n_frames
        pixels = len(bin_.rows)
        is_dense = not pairs_are_cheaper(pixels * events**2 / 2, pixels * events, pixels, frames.n_frames)
        parts[is_dense].append(bin_)
    return parts
