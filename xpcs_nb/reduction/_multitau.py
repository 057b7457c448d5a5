"""Multi-tau sums and mean scattering of a series, by the path that suits its data."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import (
    ChunkTable,
    FrameRange,
    FrameSource,
    MultitauSums,
    PixelEvents,
    PixelLabels,
    ScatteringArrays,
)
from xpcs_nb.errors import CorruptDataError, OptionError, QMapError
from xpcs_nb.kernels import Plan, correlate_events, pixel_buffers, segment_events
from xpcs_nb.reduction._chunks import Told, scan
from xpcs_nb.reduction._columns import correlate_columns
from xpcs_nb.reduction._events import Gathered, Progress, gather_events
from xpcs_nb.reduction._sums import Accumulator, Job, scattering_arrays, segment_table
from xpcs_nb.reduction._threads import n_threads, share_out
from xpcs_nb.reduction._windows import correlate_windows, is_dense

__all__ = ["N_SEGMENTS", "frame_weights", "reduce_multitau", "scatter_events"]

#: Stretches of time in which the mean scattering is also given.
N_SEGMENTS = 10
#: Pieces the pixels are cut into for each thread, so that all threads end at about the same time.
PIECES = 8

type Reduced = tuple[MultitauSums, ScatteringArrays, list[MultitauSums]]


def reduce_multitau(
    source: FrameSource,
    labels: PixelLabels,
    frames: FrameRange,
    *,
    blemish: NDArray[np.bool_],
    normalize_frame: bool,
    keep_pixels: bool = False,
    partial_frames: Sequence[int] = (),
    threads: int = 0,
    progress: Progress | None = None,
) -> Reduced:
    r"""Correlate a series: the sums that g2 is made of, and the mean scattering.

    At level :math:`l` with :math:`N_l = \lfloor N / 2^l \rfloor` sums :math:`x_l` of :math:`2^l` correlated frames, the
    delay of `c` channels gives, per pixel,

    .. math::
        G = \langle x_l(t) x_l(t + c) \rangle / 4^l, \quad
        IP = \langle x_l(t) \rangle / 2^l, \quad IF = \langle x_l(t + c) \rangle / 2^l,

    with the mean over :math:`0 \le t < N_l - c`: symmetric normalisation at every delay. Frames behind the last whole
    group of a level do not count at that level.

    Parameters
    ----------
    source
        The series.
    labels
        Used pixels and their bins.
    frames
        Which raw frames, and how they make correlated frames (means of `avg`).
    blemish
        Good pixels of the detector, shape (rows, columns); the mean frame covers all of them, used or not.
    normalize_frame
        Divide each correlated frame by its mean over the used pixels first. Frames without a count stay zero and
        are warned about.
    keep_pixels
        Also return G, IP and IF of every used pixel.
    partial_frames
        Lengths of prefixes of the series to correlate too, by the same estimator on the same delays; NaN where a prefix
        is too short for a delay.
    threads
        Threads; 0 for one a core. Results do not depend on it beyond rounding.
    progress
        Told the number of correlated frames that are done since it was last told.

    Returns
    -------
    tuple
        Sums of the series, its scattering (never frame-normalised), and the sums of each prefix.

    Raises
    ------
    OptionError
        If there are fewer than two correlated frames, or a prefix is longer than the series.
    QMapError
        If no pixel is used, or `blemish` or `labels` are for frames of another shape.
    CorruptDataError
        If a frame can't be decoded or holds what can't be counts.
    """
    check(source, labels, blemish)
    for length in partial_frames:
        if not 1 <= length <= frames.n_frames:
            raise OptionError(
                "a partial g2 needs a prefix of the series", got=length, expected=f"1 to {frames.n_frames} frames"
            )
    job = Job(labels, frames, Plan.of(frames.n_frames, tuple(partial_frames)), keep_pixels)
    return reduce_job(source, job, blemish=blemish, normalize=normalize_frame, threads=threads, progress=progress)


def reduce_job(
    source: FrameSource,
    job: Job,
    *,
    blemish: NDArray[np.bool_],
    normalize: bool,
    threads: int,
    progress: Progress | None,
) -> Reduced:
    """Pass over the frames by the way that suits them: compressed chunks, dense windows, or events."""
    labels, frames = job.labels, job.frames
    tables = source.chunk_tables()
    if tables is not None:
        return _reduce_chunks(tables, job, blemish, n_threads(threads), Told(progress, frames.n_frames), normalize)
    if is_dense(source, job):
        return _reduce_windows(source, job, blemish, n_threads(threads), progress, normalize)
    gathered = gather_events(source, labels, frames, progress=progress)
    weight = frame_weights(gathered.frame_counts / (len(labels.pixel) * frames.avg), normalize=normalize)
    whole, prefixes = job.finish(_correlate(source, gathered, job, weight, n_threads(threads)))
    return whole, scatter_events(gathered, labels, frames, blemish, N_SEGMENTS, n_threads(threads)), prefixes


def _reduce_chunks(
    tables: Sequence[ChunkTable], job: Job, blemish: NDArray[np.bool_], threads: int, told: Told, normalize: bool
) -> Reduced:
    labels, frames = job.labels, job.frames
    found = scan(tables, labels, frames, blemish, threads, told)
    weight = frame_weights(found.frame_counts / (len(labels.pixel) * frames.avg), normalize=normalize)
    segment_of, lengths = segment_table(frames.n_frames, N_SEGMENTS)
    sums = correlate_columns(found, job, weight / frames.avg, segment_of, threads, told)
    scattering = scattering_arrays(
        labels, frames, blemish, sums.pixel_counts, found.frame_counts, sums.segments, lengths
    )
    whole, prefixes = job.finish(sums.parts)
    return whole, scattering, prefixes


def _reduce_windows(
    source: FrameSource,
    job: Job,
    blemish: NDArray[np.bool_],
    threads: int,
    progress: Progress | None,
    normalize: bool,
) -> Reduced:
    labels, frames = job.labels, job.frames
    segment_of, lengths = segment_table(frames.n_frames, N_SEGMENTS)
    found = correlate_windows(
        source, job, normalize=normalize, segment_of=segment_of, threads=threads, progress=progress
    )
    warn_of_empty(found.frame_counts, normalize=normalize)
    scattering = scattering_arrays(
        labels, frames, blemish, found.pixel_counts, found.frame_counts, found.segments, lengths
    )
    whole, prefixes = job.finish(found.parts)
    return whole, scattering, prefixes


def check(source: FrameSource, labels: PixelLabels, blemish: NDArray[np.bool_]) -> None:
    """Refuse labels and blemish that do not fit the frames."""
    for name, shape in (("partition", labels.shape), ("blemish", blemish.shape)):
        if shape != source.shape:
            raise QMapError(f"the {name} is for other frames", path=source.path, got=shape, expected=source.shape)
    if not len(labels.pixel):
        raise QMapError("no pixel is used", hint="Check that mask, blemish and partition overlap.")


def frame_weights(mean: NDArray[np.float64], *, normalize: bool) -> NDArray[np.float64]:
    """Return the factor of each correlated frame: 1 / `mean`, or 1; 0 for frames without a count."""
    if not normalize:
        return np.ones_like(mean)
    warn_of_empty(mean, normalize=normalize)
    return np.divide(1.0, mean, out=np.zeros_like(mean), where=mean > 0)


def warn_of_empty(mean: NDArray[np.float64], *, normalize: bool) -> None:
    """Warn when there are frames that can't be normalised."""
    empty = int(np.count_nonzero(mean == 0))
    if normalize and empty:
        warnings.warn(
            f"{empty} of {len(mean)} frames hold no count on the used pixels; normalize_frame leaves them at zero",
            stacklevel=4,
        )


def _correlate(
    source: FrameSource, gathered: Gathered, job: Job, weight: NDArray[np.float64], threads: int
) -> list[Accumulator]:
    events, plan = gathered.events, job.plan
    most = int(np.diff(events.indptr).max(initial=0))

    def work(sums: Accumulator, piece: tuple[int, int]) -> None:
        bad = correlate_events(
            *piece, events.indptr, events.frame, events.value, weight, job.cell_of, job.dynamic_of,
            plan.n_frames, plan.levels, plan.n_pairs, sums.cells, sums.pixels, job.per_pixel,
            *pixel_buffers(most, int(plan.n_frames[0]), len(plan)),
        )  # fmt: skip
        if bad >= 0:
            raise CorruptDataError(
                "events are not in time order", path=source.path, where=f"pixel {job.labels.pixel[bad]}"
            )

    return share_out(_pieces(events, threads), job.accumulator, work, threads)


def _pieces(events: PixelEvents, threads: int) -> list[tuple[int, int]]:
    """Cut the pixels into pieces for the threads, with equal numbers of events and pixels, as both cost time."""
    cost = events.indptr + np.arange(len(events.indptr))
    cuts = np.searchsorted(cost, np.linspace(0, cost[-1], PIECES * threads + 1))
    cuts[-1] = len(events.indptr) - 1
    return list(itertools.pairwise(cuts.tolist()))


def scatter_events(
    gathered: Gathered,
    labels: PixelLabels,
    frames: FrameRange,
    blemish: NDArray[np.bool_],
    n_segments: int,
    threads: int,
) -> ScatteringArrays:
    """Return the scattering of sorted events."""
    segment_of, lengths = segment_table(frames.n_frames, n_segments)
    events = gathered.events

    def work(counts: NDArray[np.float64], piece: tuple[int, int]) -> None:
        begin, end = piece
        indptr, static = events.indptr[begin : end + 1], labels.static[begin:end]
        segment_events(indptr, events.frame, events.value, static, segment_of, counts)

    parts = share_out(_pieces(events, threads), lambda: np.zeros((len(lengths), labels.n_static)), work, threads)
    counts = frames.avg * np.sum(parts, axis=0)
    return scattering_arrays(labels, frames, blemish, gathered.pixel_counts, gathered.frame_counts, counts, lengths)
