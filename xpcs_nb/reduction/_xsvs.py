"""Speckle visibility: contrast against exposure, from raw frames and a qmap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import EventList, FrameSource, PhotonCounts, PixelLabels, QMapArrays
from xpcs_nb.errors import OptionError, QMapError
from xpcs_nb.frames import open_frames
from xpcs_nb.hdf5 import find_metadata, hash_qmap, read_metadata, read_qmap
from xpcs_nb.qmap import QMap, pixel_labels, validate_arrays
from xpcs_nb.reduction._photons import count_photons

if TYPE_CHECKING:
    import xarray as xr

    from xpcs_nb.analysis import ContrastEstimate

__all__ = ["xsvs"]

type Floats = NDArray[np.float64]
type Raw = str | PathLike[str] | FrameSource | EventList | NDArray[Any]
type Progress = Callable[[str, int, int], None]

#: Windows that the longest exposure has at least, unless exposures are given.
LEAST_WINDOWS = 4
#: Numbers of photons whose frequency is kept in the dataset.
MOST_COUNTS = 64


def xsvs(
    raw: Raw,
    qmap: str | PathLike[str] | QMap | QMapArrays,
    *,
    exposures: Sequence[int] | None = None,
    begin_frame: int = 0,
    end_frame: int = -1,
    frame_time: float | None = None,
    count_time: float | None = None,
    metadata: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Measure the speckle contrast of each dynamic bin against exposure (X-ray speckle visibility spectroscopy).

    Frames are added up to exposures of 1, 2, 4, ... frames, and for each exposure the contrast :math:`\beta = 1/M` of
    the negative binomial distribution is found by maximum likelihood with the mean of the pixel's static bin (see
    `xpcs_nb.analysis.contrast_from_counts`). The photons are read once, and the work is proportional to them.

    Errors are from the spread between blocks of neighbouring pixels (delete-one jackknife), as those of g2: windows
    that follow each other within the relaxation time are not independent, nor are pixels that share a speckle;
    ``contrast_err_photons`` is what the error would be if all were.

    Parameters
    ----------
    raw
        Raw data file, frame source, event list, or frames (n, rows, columns).
    qmap
        Mask and partition: a file, a `QMap` or its arrays.
    exposures
        Frames to add up, rising powers of two; None takes all with at least 4 windows.
    begin_frame, end_frame
        First frame, and one past the last; -1 for all.
    frame_time, count_time
        Start to start of two frames and exposure of one, s, in place of the metadata's.
    metadata
        Metadata file; by default the ``*_metadata.hdf`` beside the raw file.
    progress
        Called with (stage, frames done, frames in all).

    Returns
    -------
    xarray.Dataset
        By ``exposure`` (s; coordinate ``exposure_frames``) and ``bin`` (with ``q``, ``phi``):

        - ``contrast``, ``contrast_err``, ``contrast_err_photons``; ``contrast_moment`` from the second moment, with
          its error; ``modes`` M (NaN where the contrast is not positive);
        - ``contrast_dof`` by ``bin``: degrees of freedom of the errors, one less than the blocks;
        - ``kbar``, mean photons a pixel and exposure; ``status``: ``ok``, or why there is no contrast (NaN);
        - ``histogram`` by number of photons 0..63; ``contrast_cov``, ``contrast_moment_cov``: covariance between
          exposures;
        - ``beam_variance`` by exposure: relative variance of all used pixels together beyond counting noise.
          Fluctuations of the beam add about that to every contrast.

    Raises
    ------
    OptionError
        If an option can't be used, or the time of a frame is not known.
    MissingFileError, MissingKeyError, FileFormatError, QMapError
        If qmap, raw data or metadata can't be used.
    CorruptDataError
        If a frame can't be read.
    """
    arrays = qmap if isinstance(qmap, QMapArrays) else qmap.arrays if isinstance(qmap, QMap) else read_qmap(qmap)
    with ExitStack() as opened:
        source = _source(raw, arrays, opened)
        try:
            validate_arrays(arrays, shape=source.shape)
        except QMapError as error:
            raise error.with_place(path=None if isinstance(qmap, QMap | QMapArrays) else qmap) from None
        times = _times(source, metadata, frame_time, count_time)
        labels = pixel_labels(arrays, blemish=source.blemish)
        end = source.n_frames if end_frame == -1 else end_frame
        wanted = _exposures(end - begin_frame) if exposures is None else sorted(exposures)
        told = None if progress is None else _Told(progress, end - begin_frame)
        counted = count_photons(source, labels, wanted, begin=begin_frame, end=end, progress=told)
    return _dataset(counted, labels, arrays, times)


@dataclass
class _Told:
    progress: Progress
    total: int
    done: int = 0

    def __call__(self, more: int) -> None:
        self.done += more
        self.progress("xsvs", self.done, self.total)


def _source(raw: Raw, arrays: QMapArrays, opened: ExitStack) -> FrameSource:
    if isinstance(raw, EventList | np.ndarray):
        return opened.enter_context(open_frames(raw))
    if isinstance(raw, str | PathLike):
        rows, columns = arrays.dynamic_roi_map.shape
        return opened.enter_context(open_frames(Path(raw), shape=(rows, columns)))
    return raw


def _times(
    source: FrameSource, metadata: str | PathLike[str] | None, frame_time: float | None, count_time: float | None
) -> tuple[float, float]:
    """Return frame time and count time, s."""
    if frame_time is None:
        if metadata is None and source.path is None:
            raise OptionError("frames without a file need their time", hint="Give frame_time, in s.")
        found = read_metadata(metadata or find_metadata(source.path))  # type: ignore[arg-type]
        frame_time = found.frame_time
        count_time = min(found.count_time, frame_time) if count_time is None else count_time
    exposed = frame_time if count_time is None else count_time
    if not (0 < frame_time < np.inf and 0 <= exposed <= frame_time):
        raise OptionError(
            "the times can't be used",
            got=f"frame_time={frame_time}, count_time={exposed}",
            expected="0 <= count_time <= frame_time, s",
        )
    return frame_time, exposed


def _exposures(n_frames: int) -> list[int]:
    most = max(n_frames // LEAST_WINDOWS, 1)
    return [1 << level for level in range(most.bit_length())]


def _dataset(
    counted: Sequence[PhotonCounts], labels: PixelLabels, arrays: QMapArrays, times: tuple[float, float]
) -> xr.Dataset:
    # Imported late, as in `correlate`.
    import xarray as xr

    from xpcs_nb.analysis import contrast_from_counts

    found = [contrast_from_counts(counts, labels.static_to_dynamic, labels.n_dynamic) for counts in counted]
    frames = np.array([counts.frames for counts in counted])
    data = xr.Dataset(
        coords={
            "exposure": ("exposure", frames * times[0], {"units": "s", "long_name": "time from first to last frame"}),
            "exposure_frames": ("exposure", frames, {"units": "1", "long_name": "frames that are added up"}),
            "n_windows": ("exposure", [one.n_windows for one in counted], {"units": "1", "long_name": "exposures"}),
            "bin": ("bin", np.arange(1, labels.n_dynamic + 1), {"units": "1", "long_name": "dynamic bin"}),
        },
        attrs={"frame_time": times[0], "count_time": times[1], "qmap_hash": hash_qmap(arrays)},
    )
    centers = arrays.bin_centers("dynamic")
    for name, values, units in zip(arrays.map_names, centers, arrays.map_units, strict=True):
        if len(values) == labels.n_dynamic:
            data.coords[name] = ("bin", values, {"units": units, "long_name": f"centre of the bin in {name}"})
    _add_contrast(data, found)
    _add_counts(data, counted)
    return data


def _add_contrast(data: xr.Dataset, found: Sequence[ContrastEstimate]) -> None:
    from xpcs_nb.analysis import blocks_dof

    grid = ("exposure", "bin")
    texts = {"contrast": "speckle contrast, maximum likelihood", "contrast_moment": "speckle contrast, second moment"}
    for name, kind, text in (("contrast", "contrast", ""), ("contrast_moment", "moment", "moment_")):
        data[name] = (grid, np.array([getattr(one, kind) for one in found]), _about(texts[name]))
        covariance = _jackknife(np.array([getattr(one, f"{text}replicas") for one in found]))
        error = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)).T
        data[f"{name}_err"] = (grid, error, _about(f"standard error of the {texts[name]}"))
        data[f"{name}_cov"] = (
            ("bin", "exposure", "exposure2"), covariance, _about(f"covariance between exposures of the {texts[name]}")
        )  # fmt: skip
    dof = blocks_dof(_blocks(np.array([one.replicas for one in found])).sum(axis=1))
    data["contrast_dof"] = ("bin", dof, _about("degrees of freedom of the standard errors of the contrast"))
    data["contrast_err_photons"] = (
        grid, np.array([one.fisher_err for one in found]), _about("error if pixels and windows were independent")
    )  # fmt: skip
    contrast = data["contrast"].to_numpy()
    modes = np.divide(1, contrast, out=np.full_like(contrast, np.nan), where=contrast > 0)
    data["modes"] = (grid, modes, _about("speckle modes, 1 / contrast"))
    data["kbar"] = (
        grid,
        np.array([one.kbar for one in found]),
        {"units": "counts/pixel/exposure", "long_name": "mean"},
    )
    data["status"] = (grid, np.array([one.status for one in found]), _about("ok, or why there is no contrast"))


def _about(text: str) -> dict[str, str]:
    return {"units": "1", "long_name": text}


def _blocks(replicas: Floats) -> NDArray[np.bool_]:
    """Return which blocks each bin has, shape (D, B)."""
    there: NDArray[np.bool_] = np.isfinite(replicas).any(axis=0)
    return there


def _jackknife(replicas: Floats) -> Floats:
    """Return the covariance between exposures, (D, L, L), of replicas (L, D, B); NaN where one lacks a block."""
    n_exposures, n_dynamic, _ = replicas.shape
    covariance = np.full((n_dynamic, n_exposures, n_exposures), np.nan)
    for d, blocks in enumerate(_blocks(replicas)):
        n = int(blocks.sum())
        if n < 2:
            continue
        spread = replicas[:, d, blocks]
        spread = spread - spread.mean(axis=1, keepdims=True)
        covariance[d] = (n - 1) / n * spread @ spread.T
    return covariance


def _add_counts(data: xr.Dataset, counted: Sequence[PhotonCounts]) -> None:
    depth = min(max(one.histogram.shape[-1] for one in counted), MOST_COUNTS)
    histogram = np.zeros((len(counted), data.sizes["bin"], depth), dtype=np.int64)
    variance = np.full(len(counted), np.nan)
    for level, one in enumerate(counted):
        part = one.histogram.sum(axis=1)[:, :depth]
        histogram[level, :, : part.shape[1]] = part
        mean = one.window_counts.mean()
        if one.n_windows > 1 and mean > 0:
            variance[level] = (one.window_counts.var(ddof=1) - mean) / mean**2
    data["histogram"] = (
        ("exposure", "bin", "counts"), histogram,
        {"units": "1", "long_name": "pixels and exposures with this number of photons; more are not in it"},
    )  # fmt: skip
    data.coords["counts"] = ("counts", np.arange(depth), {"units": "1", "long_name": "photons"})
    data["beam_variance"] = ("exposure", variance, _about("relative variance of all pixels together beyond counting"))
