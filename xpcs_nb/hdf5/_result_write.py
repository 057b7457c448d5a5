"""Write results in the current APS layout, with what this package adds in a group of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike

from xpcs_nb.core import (
    LogTwotimeMap,
    MultitauArrays,
    QMapArrays,
    ResultArrays,
    ScatteringArrays,
    TwotimeMap,
    UnnormalizedArrays,
)
from xpcs_nb.errors import OptionError
from xpcs_nb.hdf5._layout_aps import (
    AVERAGE,
    FILE_LIST,
    INTENSITY,
    LOG,
    MULTITAU,
    OURS,
    QMAP,
    TWOTIME,
    UNNORMALIZED,
)
from xpcs_nb.hdf5._qmap import write_qmap_group
from xpcs_nb.hdf5._scalars import open_file
from xpcs_nb.hdf5._tiles import write_upper_triangle
from xpcs_nb.hdf5._writing import atomic_hdf5

__all__ = ["write_result_file"]

#: Of the group ``/xpcs/xpcs_nb``; a reader may refuse a later one.
VERSION = 1
#: Arrays beyond this are compressed, as boost_corr does.
COMPRESSED_FROM = 8192
#: Cells of the log two-time correlation that are read at once.
LOG_CHUNK = 1 << 16


def write_result_file(path: Path, content: ResultArrays, *, metadata: Path, qmap: QMapArrays, overwrite: bool) -> None:
    """Write a result file whole or not at all: metadata's content, qmap, results, and our own group.

    Two-time maps are written as their iterator makes them, so one is in memory at a time.
    """
    # Before the maps are made: what can't be written must not cost them.
    provenance = _json(content.provenance, "provenance")
    with atomic_hdf5(path, overwrite=overwrite, libver="v110") as (file, check):
        with open_file(metadata) as source:
            # A result serves as metadata too: its own results stay behind.
            for name in [name for name in source if name != "xpcs"]:
                source.copy(name, file)
            file.attrs.update(source.attrs)
        write_qmap_group(file.create_group(QMAP), qmap)
        file["/xpcs/rawdata_path"] = str(content.raw_path)
        _scattering(file, content.scattering)
        if content.multitau is not None:
            _config(file, f"{MULTITAU}/config", content.multitau_config)
            _multitau(file, content.multitau)
        if content.twotime is not None:
            _config(file, f"{TWOTIME}/config", content.twotime_config)
            _twotime(file, content.twotime, check)
        if content.twotime_log is not None:
            _twotime_log(file, content.twotime_log, len(content.scattering.intensity_vs_time), check)
        if content.averaged:
            file[FILE_LIST] = list(content.averaged)
        ours = file.require_group(OURS)
        ours.attrs["version"] = VERSION
        ours["provenance"] = provenance
        if content.trust is not None:
            ours["trust"] = _json(content.trust(), "trust")


def _put(file: h5py.File, path: str, values: ArrayLike, **attrs: Any) -> None:
    data = np.asarray(values)
    if data.dtype == np.float64:
        data = data.astype(np.float32)
    large = data.size > COMPRESSED_FROM
    chunks = (1,) * (data.ndim - 2) + data.shape[-2:] if large else None
    dataset = file.create_dataset(path, data=data, chunks=chunks, compression="lzf" if large else None)
    dataset.attrs.update(attrs)


def _config(file: h5py.File, place: str, config: dict[str, Any]) -> None:
    for name, value in config.items():
        if value is not None:
            file[f"{place}/{name}"] = value if _is_native(value) else _json(value, name)


def _is_native(value: object) -> bool:
    """Return True for numbers, text, and lists of one of them; others are written as JSON."""
    if isinstance(value, list | tuple):
        return bool(value) and (
            all(isinstance(item, str) for item in value) or all(isinstance(item, int | float) for item in value)
        )
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biuf"
    return isinstance(value, str | bool | int | float | np.number | np.bool_)


def _json(value: object, name: str) -> str:
    try:
        return json.dumps(value, default=_plain)
    except (TypeError, ValueError) as error:
        raise OptionError("this can't be recorded in a result", where=name, got=str(error)) from error


def _plain(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, PathLike):
        return fspath(value)
    raise TypeError(f"{type(value).__name__} {value!r}")


def _scattering(file: h5py.File, found: ScatteringArrays) -> None:
    _put(file, f"{AVERAGE}/scattering_2d", found.scattering_2d[None])
    # One value for each label of the qmap, which readers count on, also where no pixel of the bin is good: NaN.
    _put(file, f"{AVERAGE}/scattering_1d", found.scattering_1d[None])
    _put(file, f"{AVERAGE}/scattering_1d_segments", found.scattering_1d_segments, scale=found.segments_scale)
    frames = np.arange(len(found.intensity_vs_time))
    _put(file, INTENSITY, np.stack([frames, found.intensity_vs_time]))


def _multitau(file: h5py.File, found: MultitauArrays) -> None:
    _put(file, f"{MULTITAU}/delay_list", found.delay_frames)
    _put(file, f"{MULTITAU}/normalized_g2", found.g2)
    estimator = found.estimator or ("block jackknife" if found.g2_cov is not None else "pixel scatter")
    _put(file, f"{MULTITAU}/normalized_g2_err", found.g2_err, estimator=estimator)
    for name, values in (
        (f"{OURS}/n_pairs", found.n_pairs),
        (f"{OURS}/g2_err_pixels", found.g2_err_pixels),
        (f"{OURS}/g2_cov", found.g2_cov),
        (f"{OURS}/g2_dof", found.g2_dof),
        (f"{MULTITAU}/normalized_g2_partial", found.g2_partial),
        (f"{MULTITAU}/normalized_g2_partial_err", found.g2_partial_err),
        (f"{MULTITAU}/normalized_g2_partial_labels", found.g2_partial_frames),
    ):
        if values is not None:
            _put(file, name, values)
    if found.g2_cov is not None and found.g2_cov_samples is not None:
        file[f"{OURS}/g2_cov"].attrs["samples"] = found.g2_cov_samples
    if found.unnormalized is not None:
        _unnormalized(file, found.unnormalized)


def _unnormalized(file: h5py.File, kept: UnnormalizedArrays) -> None:
    """One delay at a time: as full frames the sums are larger than as used pixels."""
    first, second = UNNORMALIZED
    n_delays = len(kept.sums)
    shape = (n_delays, 3, *kept.shape)
    dataset = file.create_dataset(first, shape, np.float32, chunks=(1, 1, *kept.shape), compression="lzf")
    frame = np.zeros((3, kept.shape[0] * kept.shape[1]), dtype=np.float32)
    for delay in range(n_delays):
        frame[:, kept.pixel] = kept.sums[delay]
        dataset[delay] = frame.reshape(3, *kept.shape)
    file[second] = h5py.SoftLink(first)


def _twotime(file: h5py.File, maps: Iterator[TwotimeMap], check: Callable[[], None]) -> None:
    bins, g2, segments = [], [], []
    for number, found in enumerate(maps, start=1):
        write_upper_triangle(file, f"{TWOTIME}/correlation_map/c2_{number:05d}", found.c2)
        bins.append(found.bin)
        g2.append(found.g2)
        segments.append(found.g2_segments)
        check()
    if not bins:
        raise OptionError("no two-time map was made", where="twotime", expected="at least one dynamic bin")
    _put(file, f"{TWOTIME}/processed_bins", np.array(bins))
    _put(file, f"{TWOTIME}/normalized_g2", np.stack(g2, axis=-1))
    _put(file, f"{TWOTIME}/normalized_g2_segments", np.stack(segments, axis=-1))


def _twotime_log(file: h5py.File, maps: Iterator[LogTwotimeMap], n_frames: int, check: Callable[[], None]) -> None:
    group = file.create_group(LOG)
    group.attrs["n_frames"] = n_frames
    bins = []
    for number, found in enumerate(maps):
        row = found.c2.astype(np.float32)
        if number == 0:
            shape, chunks = (1, len(row)), (1, min(len(row), LOG_CHUNK))
            cells = group.create_dataset("c2", shape, np.float32, maxshape=(None, len(row)), chunks=chunks)
        cells.resize(number + 1, axis=0)
        cells[number] = row
        bins.append(found.bin)
        check()
    group["processed_bins"] = np.array(bins)
