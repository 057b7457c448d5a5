"""The older APS layout: results in ``/exchange``, bins in ``/xpcs``, metadata in ``/measurement``. Read only."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import QMapArrays
from xpcs_nb.hdf5._content import Array, MapStack, Node, ResultContent
from xpcs_nb.hdf5._nodes import COUNTS, UNITLESS, Axes, delay_coords, image, intensity, label_coords, segments_of
from xpcs_nb.hdf5._qmap_legacy import read_legacy_qmap
from xpcs_nb.hdf5._qmap_maps import squeezed
from xpcs_nb.hdf5._scalars import all_scalars, has_key, plain, read_float, read_optional_float, read_text

__all__ = ["is_exchange", "read_exchange"]

PERIOD = "/measurement/instrument/detector/exposure_period"


def is_exchange(file: h5py.File) -> bool:
    """Return True for a file in this layout."""
    return has_key(file, "/xpcs/dqmap") and any(
        has_key(file, f"{_output(file)}/{name}") for name in ("norm-0-g2", "g2full")
    )


def _output(file: h5py.File) -> str:
    """Group that holds the results; the file may name another than ``/exchange``."""
    return read_text(file, "/xpcs/output_data") if has_key(file, "/xpcs/output_data") else "/exchange"


def read_exchange(file: h5py.File) -> ResultContent:
    """Describe a result in the older APS layout."""
    place = _output(file)
    qmap = read_legacy_qmap(file["/xpcs"])
    frame_time = read_float(file, PERIOD)
    step = frame_time
    for name in ("stride_frames", "avg_frames"):
        step *= read_optional_float(file, f"/xpcs/{name}") or 1
    nodes = {}
    if has_key(file, f"{place}/norm-0-g2"):
        nodes["multitau"] = _multitau(file, place, qmap, step)
    if f"{place}/C2T_all" in file:
        nodes["twotime"] = _twotime(file, place, qmap, step)
    kinds = "+".join(nodes)
    nodes["saxs"] = _saxs(file, place, qmap, step)
    nodes["qmap"] = _qmap(qmap)
    nodes["metadata"] = Node(attrs=all_scalars(file["/measurement"]) if "/measurement" in file else {})
    nodes["provenance"] = Node(attrs={"options": all_scalars(file["/xpcs"])})
    attrs = {"analysis_type": kinds, "frame_time": frame_time, "frame_time_units": "s"}
    return ResultContent("aps-exchange", attrs, nodes)


def _axes(qmap: QMapArrays, kind: str) -> Axes:
    return Axes(qmap.map_names, qmap.map_units, qmap.bin_centers(kind))


def _multitau(file: h5py.File, place: str, qmap: QMapArrays, step: float) -> Node:
    g2 = np.atleast_2d(squeezed(file, f"{place}/norm-0-g2"))
    frames = np.atleast_1d(squeezed(file, f"{place}/tau")).astype(np.int64)
    n_frames = file[f"{place}/frameSum"].shape[-1] if has_key(file, f"{place}/frameSum") else None
    coords = delay_coords(frames, step, n_frames)
    coords |= label_coords("bin", np.arange(1, g2.shape[1] + 1), _axes(qmap, "dynamic"))
    variables = {"g2": Array(("delay", "bin"), g2, UNITLESS, "g2")}
    if has_key(file, f"{place}/norm-0-stderr"):
        errors = np.atleast_2d(squeezed(file, f"{place}/norm-0-stderr"))
        about = {"estimator": "pixel scatter"}
        variables["g2_err"] = Array(("delay", "bin"), errors, UNITLESS, "standard error of g2", about)
    return Node(variables, coords)


def _twotime(file: h5py.File, place: str, qmap: QMapArrays, step: float) -> Node:
    maps = file[f"{place}/C2T_all"]
    names = sorted(maps)
    first = maps[names[0]]
    n = first.shape[0]
    bins = _bins_of_names(names)
    times = np.arange(n) * step
    coords = {
        "t1": Array(("t1",), times, "s", "time of the first frame"),
        "t2": Array(("t2",), times, "s", "time of the second frame"),
    }
    coords |= label_coords("bin", bins, _axes(qmap, "dynamic"))
    stack = MapStack(tuple(f"{maps.name}/{name}" for name in names), (len(names), n, n), first.dtype, first.chunks)
    variables = {"c2": Array(("bin", "t1", "t2"), stack, UNITLESS, "two-time correlation")}
    if has_key(file, f"{place}/g2full"):
        g2 = np.atleast_2d(file[f"{place}/g2full"][()])
        g2 = g2.T if g2.shape[0] == len(names) and g2.shape[1] != len(names) else g2
        coords["delay"] = Array(("delay",), np.arange(len(g2)) * step, "s", "delay")
        variables["g2"] = Array(("delay", "bin"), g2, UNITLESS, "g2 from two-time correlation")
    return Node(variables, coords)


def _bins_of_names(names: list[str]) -> NDArray[np.int64]:
    """``g2_00007`` is the map of bin 7; names without a number are counted."""
    numbers = ["".join(filter(str.isdigit, name.rsplit("_", 1)[-1])) for name in names]
    return np.array([int(number) if number else index + 1 for index, number in enumerate(numbers)], dtype=np.int64)


def _saxs(file: h5py.File, place: str, qmap: QMapArrays, step: float) -> Node:
    variables: dict[str, Array] = {}
    coords: dict[str, Array] = {}
    if has_key(file, f"{place}/pixelSum"):
        variables["scattering_2d"] = Array(("y", "x"), image(file[f"{place}/pixelSum"]), COUNTS, "mean scattering")
    if has_key(file, f"{place}/partition-mean-total"):
        mean = np.atleast_1d(squeezed(file, f"{place}/partition-mean-total")).ravel()
        variables["scattering_1d"] = Array(("static_bin",), mean, COUNTS, "mean scattering of the bin")
        coords |= label_coords("static_bin", np.arange(1, len(mean) + 1), _axes(qmap, "static"))
    if has_key(file, f"{place}/partition-mean-partial"):
        variables["scattering_1d_segments"] = segments_of(file[f"{place}/partition-mean-partial"][()], "mean")
    if has_key(file, f"{place}/frameSum"):
        variables["intensity"], time = intensity(file[f"{place}/frameSum"], step)
        coords |= time
    return Node(variables, coords)


def _qmap(qmap: QMapArrays) -> Node:
    maps: dict[str, tuple[NDArray[Any], str]] = {
        "mask": (qmap.mask, "True = used"),
        "blemish": (qmap.blemish, "True = good pixel"),
        "dynamic_roi_map": (qmap.dynamic_roi_map, "label of the dynamic bin, 0 = none"),
        "static_roi_map": (qmap.static_roi_map, "label of the static bin, 0 = none"),
    }
    variables = {name: Array(("y", "x"), values, UNITLESS, text) for name, (values, text) in maps.items()}
    attrs = {name: plain(value) for name, value in qmap.attrs.items()}
    for name in ("beam_center_x", "beam_center_y", "detector_distance", "pixel_size", "energy"):
        value = getattr(qmap, name)
        if np.isfinite(value):
            attrs[name] = value
    return Node(variables, {}, attrs)
