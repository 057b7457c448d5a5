"""The main job: raw frames and a qmap in, a result file out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.analysis import G2Estimate, g2_from_sums
from xpcs_nb.core import (
    DelayGrid,
    FrameRange,
    FrameSource,
    LogTwotimeMap,
    Metadata,
    MultitauArrays,
    MultitauSums,
    PixelLabels,
    QMapArrays,
    ReductionOptions,
    ResultArrays,
    ScatteringArrays,
    TwotimeMap,
    UnnormalizedArrays,
)
from xpcs_nb.errors import OptionError, QMapError
from xpcs_nb.frames import open_frames
from xpcs_nb.hdf5 import find_metadata, hash_qmap, read_metadata, read_qmap
from xpcs_nb.qmap import N_BLOCKS, pixel_labels, validate_arrays
from xpcs_nb.reduction._boost_corr import choose_engine, run_boost_corr
from xpcs_nb.reduction._kept_sums import check_sums
from xpcs_nb.reduction._multitau import reduce_multitau
from xpcs_nb.reduction._provenance import Fingerprints, provenance
from xpcs_nb.reduction._scattering import reduce_scattering
from xpcs_nb.reduction._trust import Judged
from xpcs_nb.reduction._twotime import reduce_twotime, twotime_maps
from xpcs_nb.reduction._twotime_log import log_twotime_maps
from xpcs_nb.results import result_path, write_result

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["correlate", "correlate_to_file"]

#: Called with the name of the stage, frames done and frames in all.
type Progress = Callable[[str, int, int], None]


def correlate(
    raw: str | Path,
    qmap: str | Path,
    *,
    output: str | Path = "cluster_results",
    metadata: str | Path | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> xr.DataTree:
    r"""Correlate a measured series and return the result, which is also written to a file.

    Multi-tau: :math:`g_2 = \langle G\rangle / (\langle IP\rangle\langle IF\rangle)` in static bins, averaged to
    dynamic bins, with block-jackknife errors. Two-time:
    :math:`C_2(t_1,t_2) = \langle I(t_1)I(t_2)\rangle_p / (\langle I(t_1)\rangle_p\langle I(t_2)\rangle_p)`.

    Parameters
    ----------
    raw
        Raw data file: HDF5 (also Eiger master), IMM, Rigaku ``.bin`` or ``.bin.000``.
    qmap
        Mask and partition, in the APS layout.
    output
        Folder of the result file ``<dataset>_results.hdf``.
    metadata
        Metadata file; by default the ``*_metadata.hdf`` beside `raw`.
    progress
        Called with (stage, frames done, frames in all).
    **options
        The fields of `ReductionOptions`: ``type``, ``engine``, ``begin_frame``, ``end_frame``, ``stride_frame``,
        ``avg_frame``, ``smooth``, ``dq_selection``, ``normalize_frame``, ``save_g2``, ``overwrite``, ``gpu_id``,
        ``num_partial_g2``, ``prefix``, ``suffix``, ``threads``.

    Returns
    -------
    xarray.DataTree
        Nodes ``multitau``, ``twotime``, ``saxs``, ``qmap``, ``metadata``, ``provenance``; see `open_result`.

    Raises
    ------
    OptionError, MissingFileError, MissingKeyError, FileFormatError, QMapError
        Before the long work, whenever it can be known then.
    CorruptDataError
        A frame can't be read; names the file and the frame.
    WriteError
        The result could not be written; nothing half-written is left.
    """
    # Imported late: a command line that only writes the file must not wait for xarray.
    from xpcs_nb.results import open_result

    path = correlate_to_file(raw, qmap, output=output, metadata=metadata, options=_options(options), progress=progress)
    return open_result(path)


def correlate_to_file(
    raw: str | Path,
    qmap: str | Path,
    *,
    output: str | Path,
    metadata: str | Path | None = None,
    options: ReductionOptions | None = None,
    progress: Progress | None = None,
) -> Path:
    """Do what `correlate` does and return the path of the result file, without opening it."""
    job = _Job.prepare(Path(raw), Path(qmap), Path(output), metadata, options or ReductionOptions(), progress)
    with job.source:
        return job.run()


def _options(given: dict[str, Any]) -> ReductionOptions:
    try:
        return ReductionOptions(**given)
    except TypeError:
        known = ReductionOptions.__dataclass_fields__
        unknown = sorted(set(given) - set(known))
        raise OptionError("no such option", got=", ".join(unknown), expected=", ".join(known)) from None


@dataclass
class _Job:
    """One reduction: everything is checked in `prepare`, before `run` does the long work."""

    raw: Path
    metadata: Metadata
    target: Path
    options: ReductionOptions
    source: FrameSource
    frames: FrameRange
    qmap: QMapArrays
    labels: PixelLabels
    blemish: NDArray[np.bool_]
    engine: str
    fingerprints: Fingerprints
    progress: Progress | None
    device: str = "cpu"
    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def prepare(
        cls,
        raw: Path,
        qmap_path: Path,
        output: Path,
        metadata_path: str | Path | None,
        options: ReductionOptions,
        progress: Progress | None,
    ) -> _Job:
        begin = perf_counter()
        engine = choose_engine(options)
        qmap = read_qmap(qmap_path)
        rows, columns = qmap.dynamic_roi_map.shape
        with ExitStack() as opened:
            source = opened.enter_context(open_frames(raw, shape=(rows, columns)))
            metadata = read_metadata(Path(metadata_path) if metadata_path else find_metadata(raw))
            try:
                validate_arrays(qmap, shape=source.shape)
            except QMapError as error:
                error.with_place(path=qmap_path)
                raise
            frames = options.frame_range(source.n_frames)
            target = result_path(output, raw, prefix=options.prefix, suffix=options.suffix, overwrite=options.overwrite)
            blemish = qmap.blemish if source.blemish is None else qmap.blemish & source.blemish
            # Only g2 of multi-tau has errors by blocks, which take a while to cut.
            labels = pixel_labels(qmap, blemish=blemish, n_blocks=N_BLOCKS if options.wants_multitau else 1)
            _check_selection(options, labels)
            fingerprints = Fingerprints((*source.files, qmap_path, metadata.path))
            job = cls(
                raw,
                metadata,
                target,
                options,
                source,
                frames,
                qmap,
                labels,
                blemish,
                engine,
                fingerprints,
                progress,
            )
            # from here on the caller closes it
            opened.pop_all()
        job.seconds["prepare"] = perf_counter() - begin
        return job

    def run(self) -> Path:
        begin = perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            content = self._boost_corr() if self.engine == "boost_corr" else self._builtin()
        for warning in caught:
            self.notes.append(str(warning.message))
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        self.seconds["correlate"] = perf_counter() - begin
        content.provenance = provenance(
            options=self.options,
            engine=self.engine,
            device=self.device,
            qmap_hash=hash_qmap(self.qmap),
            frames=self.frames,
            inputs=self.fingerprints,
            seconds=self.seconds,
            notes=self.notes,
        )
        return write_result(
            self.target,
            content,
            metadata=self.metadata.path,
            qmap=self.qmap,
            overwrite=self.options.overwrite,
        )

    def _builtin(self) -> ResultArrays:
        options, common = self.options, (self.source, self.labels, self.frames)
        twotime: dict[str, Any] = {"bins": options.dq_selection, "smooth": options.smooth, "threads": options.threads}
        if not options.wants_multitau:
            scattering, maps = reduce_twotime(*common, blemish=self.blemish, stage=self._stage, **twotime)
            return self._content(scattering, twotime=maps)
        # Made first, read last: maps that can't be held in memory are refused before the long pass.
        wanted = twotime_maps(*common, progress=self._stage("twotime"), **twotime) if options.wants_twotime else None
        sums, scattering, partial = reduce_multitau(
            *common,
            blemish=self.blemish,
            normalize_frame=options.normalize_frame,
            keep_pixels=options.save_g2,
            partial_frames=self._partial_frames(),
            threads=options.threads,
            progress=self._stage("multitau"),
        )
        return self._content(scattering, multitau=self._multitau(sums, partial), twotime=wanted, log=self._log())

    def _boost_corr(self) -> ResultArrays:
        output = run_boost_corr(
            self.raw, self.qmap, self.labels, self.frames, self.options, progress=self._stage("boost_corr")
        )
        # Its own scattering is in other units under normalize_frame: one estimator for both engines.
        scattering = reduce_scattering(self.source, self.labels, self.frames, blemish=self.blemish)
        self.device = output.device
        multitau = None
        if output.sums is not None:
            check_sums(output.sums, scattering.intensity_vs_time, normalized=self.options.normalize_frame)
            multitau = self._multitau(output.sums, [])
        return self._content(scattering, multitau=multitau, twotime=output.twotime, log=self._log())

    def _log(self) -> Iterator[LogTwotimeMap] | None:
        """Log two-time correlations are ours with either engine."""
        options = self.options
        if not options.wants_log:
            return None
        return log_twotime_maps(
            self.source,
            self.labels,
            self.frames,
            bins=options.dq_selection,
            smooth=options.smooth,
            threads=options.threads,
            progress=self._stage("log two-time"),
        )

    def _content(
        self,
        scattering: ScatteringArrays,
        *,
        multitau: MultitauArrays | None = None,
        twotime: Iterator[TwotimeMap] | None = None,
        log: Iterator[LogTwotimeMap] | None = None,
    ) -> ResultArrays:
        config = self.options.as_config() | {"engine": self.engine}
        watched = Judged(self.options, self.qmap, self.labels, scattering, multitau)
        return ResultArrays(
            raw_path=self.raw.absolute(),
            scattering=scattering,
            multitau=multitau,
            twotime=None if twotime is None else watched.maps(twotime),
            twotime_log=None if log is None else watched.logs(log),
            trust=watched.report,
            multitau_config=config | {"analysis_type": "multitau"} if multitau is not None else {},
            twotime_config=config | {"analysis_type": "twotime"} if twotime is not None else {},
        )

    def _multitau(self, sums: MultitauSums, partial: list[MultitauSums]) -> MultitauArrays:
        grid = DelayGrid(self.frames.n_frames)
        estimate = self._estimate(sums)
        parts = [self._estimate(part) for part in partial]
        kept = sums.per_pixel
        return MultitauArrays(
            delay_frames=grid.frames,
            n_pairs=grid.n_pairs,
            g2=estimate.g2,
            g2_err=estimate.err,
            g2_err_pixels=estimate.err_pixels,
            g2_cov=estimate.cov,
            g2_cov_samples=_fewest(estimate.n_blocks),
            g2_dof=estimate.dof,
            g2_partial=np.stack([part.g2 for part in parts]) if parts else None,
            g2_partial_err=np.stack([part.err for part in parts]) if parts else None,
            g2_partial_frames=np.array(self._partial_frames()) if parts else None,
            unnormalized=None if kept is None else UnnormalizedArrays(kept, self.labels.pixel, self.labels.shape),
        )

    def _estimate(self, sums: MultitauSums) -> G2Estimate:
        return g2_from_sums(sums, self.labels.static_to_dynamic, self.labels.n_dynamic)

    def _partial_frames(self) -> tuple[int, ...]:
        parts = self.options.num_partial_g2
        return tuple(self.frames.n_frames * (part + 1) // parts for part in range(parts))

    def _stage(self, name: str) -> Callable[[int], None] | None:
        report, total = self.progress, self.frames.n_frames
        if report is None:
            return None
        done = 0

        def told(more: int) -> None:
            nonlocal done
            done += more
            report(name, done, total)

        return told


def _fewest(n_blocks: NDArray[np.int64]) -> int | None:
    """Return the fewest blocks of a bin that has an error; None where none has."""
    several = n_blocks[n_blocks > 1]
    return int(several.min()) if len(several) else None


def _check_selection(options: ReductionOptions, labels: PixelLabels) -> None:
    """Refuse dynamic bins that do not exist before any frame is read."""
    if options.dq_selection is None or not (options.wants_twotime or options.wants_log):
        return
    filled = set((np.unique(labels.dynamic) + 1).tolist())
    unknown = sorted(set(options.dq_selection) - filled)
    if unknown:
        raise OptionError(
            "dq_selection names dynamic bins that have no pixels",
            got=", ".join(map(str, unknown)),
            expected=f"labels among 1..{labels.n_dynamic}",
            hint="`xpcs-nb qmap show` lists the bins of a qmap.",
        )
