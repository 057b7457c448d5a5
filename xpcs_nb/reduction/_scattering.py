"""Mean scattering of a series without correlating it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import FrameRange, FrameSource, PixelLabels, ScatteringArrays
from xpcs_nb.kernels import Plan
from xpcs_nb.reduction._events import Progress
from xpcs_nb.reduction._multitau import check, reduce_job
from xpcs_nb.reduction._sums import Job

__all__ = ["reduce_scattering"]


def reduce_scattering(
    source: FrameSource,
    labels: PixelLabels,
    frames: FrameRange,
    *,
    blemish: NDArray[np.bool_],
    threads: int = 0,
    progress: Progress | None = None,
) -> ScatteringArrays:
    """Return the scattering of a series: over time by pixel and static bin, over the used pixels by frame.

    Parameters
    ----------
    source, labels, frames, blemish, threads, progress
        As for `reduce_multitau`.

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
    # The same passes as for g2, so that the stack is never in memory; with a single delay they cost little more.
    job = Job(labels, frames, Plan.least(frames.n_frames))
    _, scattering, _ = reduce_job(source, job, blemish=blemish, normalize=False, threads=threads, progress=progress)
    return scattering
