"""The trust report of a result that is being made, from the arrays at hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.analysis import Curves, Evidence, Parts, PixelMeans, StaticBins, judge
from xpcs_nb.core import (
    LogGrid,
    LogTwotimeMap,
    MultitauArrays,
    PixelLabels,
    QMapArrays,
    ReductionOptions,
    ScatteringArrays,
    TwotimeMap,
)

__all__ = ["Judged"]

type Floats = NDArray[np.float64]


class Judged:
    """What is known of a result while it is written.

    Parameters
    ----------
    options, qmap, labels
        Of the reduction.
    scattering, multitau
        Its arrays.
    """

    def __init__(
        self,
        options: ReductionOptions,
        qmap: QMapArrays,
        labels: PixelLabels,
        scattering: ScatteringArrays,
        multitau: MultitauArrays | None,
    ) -> None:
        self._options = options
        self._qmap = qmap
        self._labels = labels
        self._scattering = scattering
        self._multitau = multitau
        self._stretches: list[tuple[int, Floats]] = []
        self._logs: list[Parts] = []

    def maps(self, maps: Iterator[TwotimeMap]) -> Iterator[TwotimeMap]:
        """Pass maps on, and keep g2 of their stretches of time."""
        for found in maps:
            self._stretches.append((found.bin, found.g2_segments))
            yield found

    def logs(self, maps: Iterator[LogTwotimeMap]) -> Iterator[LogTwotimeMap]:
        """Pass log two-time correlations on in the same way."""
        grid = LogGrid(len(self._scattering.intensity_vs_time))
        for found in maps:
            self._logs.append(Parts.of_log(found.c2[None], grid, np.array([found.bin - 1])))
            yield found

    def report(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return judge(self._evidence()).as_dict()

    def _evidence(self) -> Evidence:
        labels, scattering, options = self._labels, self._scattering, self._options
        n_frames = len(scattering.intensity_vs_time)
        static = StaticBins(
            pixels=np.bincount(labels.static, minlength=labels.n_static),
            owner=labels.static_to_dynamic,
            q=self._static_q() if self._qmap.map_names[0] == "q" else None,
            mean=scattering.scattering_1d,
        )
        image = np.asarray(scattering.scattering_2d).ravel()[labels.pixel]
        return Evidence(
            bins=np.arange(1, labels.n_dynamic + 1),
            curves=None if self._multitau is None else _curves(self._multitau),
            static=static,
            pixels=PixelMeans.of(image, labels.static, static, n_frames * options.avg_frame),
            parts=self._parts(),
            # a contradictory qmap was refused before the first frame
            faults=(),
            intensity=scattering.intensity_vs_time,
            segments=scattering.scattering_1d_segments,
            normalized=options.normalize_frame,
            raw_frames=options.avg_frame,
        )

    def _static_q(self) -> Floats:
        q = np.full(self._labels.n_static, np.nan)
        centers = self._qmap.bin_centers("static")[0]
        q[: len(centers)] = centers[: len(q)]
        return q

    def _parts(self) -> Parts | None:
        if self._stretches:
            bins, g2 = zip(*self._stretches, strict=True)
            stretches = np.stack(g2, axis=-1)[1:]
            place = np.array(bins, dtype=np.int64) - 1
            return Parts(source="two-time map", frames=np.arange(1.0, len(stretches) + 1), g2=stretches, place=place)
        found = self._multitau
        if found is not None and found.g2_partial is not None and found.g2_partial_frames is not None:
            return Parts.of_partial(found.delay_frames.astype(float), found.g2_partial, found.g2_partial_frames)
        if self._logs:
            first = self._logs[0]
            joined = np.concatenate([each.g2 for each in self._logs], axis=-1)
            place = np.concatenate([each.place for each in self._logs])
            return Parts(source=first.source, frames=first.frames, g2=joined, place=place)
        return None


def _curves(found: MultitauArrays) -> Curves:
    jackknife = found.g2_cov is not None
    return Curves(
        frames=found.delay_frames.astype(np.float64),
        g2=found.g2,
        err=found.g2_err,
        n_pairs=found.n_pairs,
        cov=found.g2_cov,
        estimator="block jackknife" if jackknife else "pixel scatter",
    )
