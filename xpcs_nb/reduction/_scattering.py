"""Mean scattering of a series without correlating it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import FrameRange, FrameSource, PixelLabels, ScatteringArrays
from xpcs_nb.reduction._events import Progress, gather_events
from xpcs_nb.reduction._multitau import N_SEGMENTS, check, scatter_events

__all__ = ["reduce_scattering"]


def reduce_scattering(
    source: FrameSource,
    labels: PixelLabels,
    frames: FrameRange,
    *,
    blemish: NDArray[np.bool_],
    n_segments: int = N_SEGMENTS,
    threads: int = 0,
    progress: Progress | None = None,
) -> ScatteringArrays:
    """Return the scattering of a series: over time by pixel and static bin, over the used pixels by frame.

    Parameters
    ----------
    source, labels, frames, blemish, threads, progress
        As for `reduce_multitau`.
    n_segments
        Equal stretches of time to give the static means in too (fewer where there are fewer frames).

    Returns
    -------
    ScatteringArrays
        In counts a pixel and raw frame.

    Raises
    ------
    QMapError
        If no pixel is used, or `blemish` or `labels` are for frames of another shape.
    CorruptDataError
        If a frame can't be decoded or holds what can't be counts.
    """
    check(source, labels, blemish)
    gathered = gather_events(source, labels, frames, progress=progress)
    return scatter_events(gathered, labels, frames, blemish, n_segments)
