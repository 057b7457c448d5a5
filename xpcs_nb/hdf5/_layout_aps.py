"""The current APS 8-ID layout: its paths, and what they mean. Written by boost_corr and by this package."""

from __future__ import annotations

import json
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import LogGrid
from xpcs_nb.errors import CorruptDataError, FileFormatError, MissingKeyError
from xpcs_nb.hdf5._axes import axes_of
from xpcs_nb.hdf5._content import Array, MapStack, Node, ResultContent, Stored
from xpcs_nb.hdf5._nodes import (
    COUNTS,
    UNITLESS,
    delay_coords,
    image,
    intensity,
    label_coords,
    segments_of,
    stored,
)
from xpcs_nb.hdf5._qmap_maps import squeezed
from xpcs_nb.hdf5._scalars import (
    all_scalars,
    entry,
    has_group,
    has_key,
    names_in,
    open_group,
    plain,
    read_attribute,
    read_float,
    read_optional,
    read_optional_float,
    read_texts,
    read_values,
    shape_of,
)

__all__ = ["ENGINE_GROUP", "FILE_LIST", "LOG", "MULTITAU", "OURS", "QMAP", "TWOTIME", "read_aps", "read_aps_node"]

MULTITAU = "/xpcs/multitau"
TWOTIME = "/xpcs/twotime"
QMAP = "/xpcs/qmap"
#: What this package adds to the layout.
OURS = "/xpcs/xpcs_nb"
#: Log two-time correlation.
LOG = f"{OURS}/twotime_log"
ENGINE_GROUP = f"{MULTITAU}/config"
DETECTOR = "/entry/instrument/detector_1"
AVERAGE = "/xpcs/temporal_mean"
INTENSITY = "/xpcs/spatial_mean/intensity_vs_time"
#: Names of the results that an averaged one was made of.
FILE_LIST = "/xpcs/average/file_list"
#: boost_corr has used both names; either may be a link whose target is gone.
UNNORMALIZED = (f"{MULTITAU}/unnormalized_G2", f"{MULTITAU}/unnormalized_g2")
#: Options that make the step between two correlated frames.
STEPS = ("stride_frame", "avg_frame")
#: Nodes that are looked at in very many results at a time.
QUICK = ("multitau", "saxs")
GRID = ("delay", "bin")


def is_aps(file: h5py.File) -> bool:
    """Return True for a file in this layout."""
    has_g2 = any(has_key(file, f"{place}/normalized_g2") for place in (MULTITAU, TWOTIME))
    return (has_g2 or has_group(file, f"{TWOTIME}/correlation_map")) and has_group(file, QMAP)


def read_aps(file: h5py.File) -> ResultContent:
    """Describe a result in the current APS layout; maps and images stay in the file."""
    config = {kind: _config(file, f"/xpcs/{kind}/config") for kind in ("multitau", "twotime")}
    frame_time = read_float(file, f"{DETECTOR}/frame_time")
    nodes: dict[str, Node] = {}
    kinds = []
    if has_key(file, f"{MULTITAU}/normalized_g2"):
        nodes["multitau"] = _multitau(file, _step(frame_time, config["multitau"]))
        kinds.append("multitau")
    if has_key(file, f"{TWOTIME}/normalized_g2") or f"{TWOTIME}/correlation_map" in file:
        nodes["twotime"] = _twotime(file, _step(frame_time, config["twotime"]))
        kinds.append("twotime")
    nodes["saxs"] = _saxs(file, _step(frame_time, config[kinds[0]]), kinds[0])
    nodes["qmap"] = _qmap(file)
    nodes["metadata"] = Node(attrs=all_scalars(entry(file, "/entry")))
    nodes["provenance"] = Node(attrs=_provenance(file, config))
    if has_key(file, f"{LOG}/c2"):
        nodes["twotime_log"] = _log(file, _step(frame_time, config[kinds[0]]))
        kinds.append("twotime_log")
    if has_key(file, f"{OURS}/trust"):
        nodes["trust"] = Node(attrs={"report": plain(file[f"{OURS}/trust"][()])})
    attrs = {"analysis_type": "+".join(kinds), "frame_time": frame_time, "frame_time_units": "s"}
    if has_key(file, FILE_LIST):
        attrs["averaged"] = list(read_texts(file, FILE_LIST))
    if has_key(file, "/xpcs/rawdata_path"):
        attrs["raw"] = plain(file["/xpcs/rawdata_path"][()])
    return ResultContent("aps-8idi", attrs, nodes)


def read_aps_node(file: h5py.File, name: str) -> Node | None:
    """Describe ``multitau`` or ``saxs`` alone: a look at all of the file would take ten times as long.

    None for another layout, another node, or one that the file lacks.
    """
    if name not in QUICK:
        return None
    kind = "multitau" if has_key(file, f"{MULTITAU}/normalized_g2") else "twotime"
    if name == "multitau" != kind or not (has_group(file, QMAP) if kind == "multitau" else is_aps(file)):
        return None
    config = {key: plain(read_optional(file, f"/xpcs/{kind}/config/{key}", 1)) for key in STEPS}
    step = _step(read_float(file, f"{DETECTOR}/frame_time"), config)
    return _multitau(file, step) if name == "multitau" else _saxs(file, step, kind)


def _config(file: h5py.File, place: str) -> dict[str, Any]:
    group = file.get(place)
    if not isinstance(group, h5py.Group):
        return {}
    return {key: plain(read_values(group, key)) for key in group if has_key(group, key)}


def _step(frame_time: float, config: dict[str, Any]) -> float:
    """Seconds between two correlated frames. An averaged file may list one value a member: they must agree."""
    step = frame_time
    for name in STEPS:
        value = config.get(name, 1)
        if isinstance(value, list):
            raise FileFormatError(f"the averaged files differ in {name}", got=value, expected="one value")
        step *= value
    return step


def _n_frames(file: h5py.File) -> int | None:
    shape = shape_of(file, INTENSITY)
    return int(shape[-1]) if shape else None


def _multitau(file: h5py.File, step: float) -> Node:
    # Paths from the root are walked at each look-up, so the groups are opened once.
    group = open_group(file, MULTITAU)
    names = names_in(group)
    frames = np.atleast_1d(squeezed(group, "delay_list")).astype(np.int64)
    g2 = read_values(group, "normalized_g2")
    if g2.shape[0] != len(frames):
        raise FileFormatError(
            "g2 and its delays do not fit",
            path=file.filename,
            where=MULTITAU,
            got=f"g2 {g2.shape}, {len(frames)} delays",
            expected="one row of g2 for each delay",
        )
    ours = open_group(file, OURS) if has_group(file, OURS) else None
    own = set() if ours is None else names_in(ours)
    # The pairs that the file notes are those that were correlated.
    coords = delay_coords(frames, step, None if "n_pairs" in own else _n_frames(file))
    coords |= label_coords("bin", np.arange(1, g2.shape[1] + 1), axes_of(file, QMAP, "dynamic"))
    variables = {"g2": Array(GRID, g2, UNITLESS, "g2")}
    if "normalized_g2_err" in names:
        # Files of neighbours hold the pixel scatter.
        estimator = read_attribute(group, "normalized_g2_err", "estimator", "pixel scatter")
        err = read_values(group, "normalized_g2_err")
        variables["g2_err"] = Array(GRID, err, UNITLESS, "standard error of g2", {"estimator": estimator})
    if ours is not None:
        coords |= _ours(ours, own, variables)
    variables |= _partial(group, names)
    unnormalized = _unnormalized(file, names)
    if isinstance(unnormalized, str):
        return Node(variables, coords, {"G2IPIF_missing": unnormalized})
    if unnormalized is not None:
        variables["G2IPIF"] = Array(("delay", "sum", "y", "x"), unnormalized, "counts", "G, IP and IF of each pixel")
        coords["sum"] = Array(("sum",), np.array(["G", "IP", "IF"]), UNITLESS, "which sum")
    return Node(variables, coords)


def _ours(group: h5py.Group, names: set[str], variables: dict[str, Array]) -> dict[str, Array]:
    """Add the arrays of this package to `variables`; return its coordinates."""
    if "g2_err_pixels" in names:
        values = read_values(group, "g2_err_pixels")
        variables["g2_err_pixels"] = Array(
            GRID, values, UNITLESS, "standard error of g2", {"estimator": "pixel scatter"}
        )
    if "g2_cov" in names:
        noted = read_attribute(group, "g2_cov", "samples")
        samples = {} if noted is None else {"samples": int(noted)}
        # It is packed, and unpacking takes as long as all the rest of g2.
        values = stored(group.file, f"{OURS}/g2_cov")
        variables["g2_cov"] = Array(
            ("bin", "delay", "delay2"), values, UNITLESS, "covariance of g2 between delays", samples
        )
    if "g2_dof" in names:
        values = read_values(group, "g2_dof")
        variables["g2_dof"] = Array(("bin",), values, UNITLESS, "degrees of freedom of the standard error of g2")
    if "n_pairs" not in names:
        return {}
    return {"n_pairs": Array(("delay",), read_values(group, "n_pairs"), UNITLESS, "pairs of frames behind the delay")}


def _partial(group: h5py.Group, names: set[str]) -> dict[str, Array]:
    texts = {"g2_partial": "g2 of the first frames", "g2_partial_err": "standard error of g2 of the first frames"}
    found = {
        name: Array(("partial", "delay", "bin"), read_values(group, f"normalized_{name}"), UNITLESS, text)
        for name, text in texts.items()
        if f"normalized_{name}" in names
    }
    if found and "normalized_g2_partial_labels" in names:
        labels = read_values(group, "normalized_g2_partial_labels")
        found["partial_frames"] = Array(("partial",), labels, "frames", "frames that the partial g2 rests on")
    return found


def _unnormalized(file: h5py.File, names: set[str]) -> Stored | str | None:
    """Return G, IP, IF, or why they can't be had (a link to a file that is gone), or None where there are none."""
    for place in UNNORMALIZED:
        if place.rsplit("/", 1)[-1] not in names:
            continue
        if has_key(file, place):
            return stored(file, place)
        link = file.get(place, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            return f"{link.filename}, to which {place} points, is not there"
    return None


def _twotime(file: h5py.File, step: float) -> Node:
    maps = entry(file, f"{TWOTIME}/correlation_map")
    names = sorted(maps)
    bins = np.atleast_1d(squeezed(file, f"{TWOTIME}/processed_bins")).astype(np.int64)
    if len(names) != len(bins) or not names:
        raise FileFormatError(
            "two-time maps and their bins do not fit",
            path=file.filename,
            where=TWOTIME,
            got=f"{len(names)} maps, {len(bins)} bins",
            expected="one map for each processed bin, and at least one",
        )
    first = maps[names[0]]
    n = first.shape[0]
    stack = MapStack(tuple(f"{maps.name}/{name}" for name in names), (len(names), n, n), first.dtype, first.chunks)
    times = np.arange(n) * step
    coords = {
        "t1": Array(("t1",), times, "s", "time of the first frame"),
        "t2": Array(("t2",), times, "s", "time of the second frame"),
        "delay": Array(("delay",), times, "s", "delay"),
    }
    coords |= label_coords("bin", bins, axes_of(file, QMAP, "dynamic"))
    variables = {"c2": Array(("bin", "t1", "t2"), stack, UNITLESS, "two-time correlation")}
    note = {"note": "the first delay is the diagonal of C2, which holds shot noise"}
    variables["g2"] = Array(
        ("delay", "bin"), entry(file, f"{TWOTIME}/normalized_g2")[()], UNITLESS, "g2 from two-time correlation", note
    )
    if has_key(file, f"{TWOTIME}/normalized_g2_segments"):
        parts = file[f"{TWOTIME}/normalized_g2_segments"]
        variables["g2_segments"] = Array(
            ("segment_delay", "segment", "bin"), parts[()], UNITLESS, "g2 of a stretch of time", note
        )
        coords["segment_delay"] = Array(("segment_delay",), times[: parts.shape[0]], "s", "delay")
    return Node(variables, coords)


def _log(file: h5py.File, step: float) -> Node:
    """Cells of the log two-time correlation stay in the file; where they lie follows from the number of frames."""
    if "n_frames" not in file[LOG].attrs:
        raise MissingKeyError(
            "the log two-time correlation does not say of how many frames",
            path=file.filename,
            where=LOG,
            got="no n_frames",
        )
    grid = LogGrid(int(file[LOG].attrs["n_frames"]))
    cells = file[f"{LOG}/c2"]
    if cells.shape[-1] != len(grid):
        raise FileFormatError(
            "the log two-time correlation does not fit its frames",
            path=file.filename,
            where=LOG,
            got=f"{cells.shape[-1]} cells",
            expected=f"{len(grid)} for {grid.n_frames} frames",
        )
    bins = np.atleast_1d(squeezed(file, f"{LOG}/processed_bins")).astype(np.int64)
    coords = {
        "lag": Array(("cell",), grid.lag * step, "s", "lag t2 - t1, mean of the cell"),
        "age": Array(("cell",), grid.age * step, "s", "age (t1 + t2) / 2, mean of the cell"),
    }
    coords |= label_coords("bin", bins, axes_of(file, QMAP, "dynamic"))
    c2 = Array(("bin", "cell"), stored(file, f"{LOG}/c2"), UNITLESS, "log two-time correlation")
    return Node({"c2": c2}, coords, {"n_frames": grid.n_frames, "step": step})


def _saxs(file: h5py.File, step: float, kind: str) -> Node:
    variables: dict[str, Array] = {}
    coords: dict[str, Array] = {}
    if has_key(file, f"{AVERAGE}/scattering_2d"):
        frame = image(file[f"{AVERAGE}/scattering_2d"])
        variables["scattering_2d"] = Array(("y", "x"), frame, COUNTS, "mean scattering")
    if has_key(file, f"{AVERAGE}/scattering_1d"):
        mean = np.atleast_1d(squeezed(file, f"{AVERAGE}/scattering_1d"))
        variables["scattering_1d"] = Array(("static_bin",), mean, COUNTS, "mean scattering of the bin")
        coords |= label_coords("static_bin", _static_labels(file, len(mean)), axes_of(file, QMAP, "static"))
        segments = f"{AVERAGE}/scattering_1d_segments"
        if has_key(file, segments):
            default = "sum over all frames" if kind == "multitau" else "mean"
            scale = read_attribute(file, segments, "scale", default)
            variables["scattering_1d_segments"] = segments_of(read_values(file, segments), scale)
    if has_key(file, INTENSITY):
        variables["intensity"], time = intensity(file[INTENSITY], step)
        coords |= time
    return Node(variables, coords)


def _static_labels(file: h5py.File, n: int) -> NDArray[np.int64]:
    """Labels of the static bins that have pixels: the file drops the empty ones from I(q)."""
    n_labels = squeezed(file, f"{QMAP}/static_index_mapping").size
    if n == n_labels:
        return np.arange(1, n + 1)
    # Sorting megapixels takes longer than counting them.
    labels = entry(file, f"{QMAP}/static_roi_map")[()]
    filled = np.flatnonzero(np.bincount(labels[labels > 0].astype(np.int64)))
    if len(filled) != n:
        raise FileFormatError(
            "I(q) does not fit the static bins",
            path=file.filename,
            where=f"{AVERAGE}/scattering_1d",
            got=f"{n} values",
            expected=f"{len(filled)}, one for each static bin with pixels",
        )
    return filled


def _qmap(file: h5py.File) -> Node:
    group = file[QMAP]
    texts = {
        "mask": "True = used",
        "blemish": "True = good pixel",
        "dynamic_roi_map": "label of the dynamic bin, 0 = none",
        "static_roi_map": "label of the static bin, 0 = none",
    }
    variables = {
        name: Array(("y", "x"), image(group[name], as_bool=name in ("mask", "blemish")), UNITLESS, text)
        for name, text in texts.items()
        if has_key(group, name)
    }
    attrs = {name: plain(value) for name, value in group.attrs.items()}
    for name in ("beam_center_x", "beam_center_y", "detector_distance", "pixel_size", "energy"):
        value = read_optional_float(group, name)
        if value is not None:
            attrs[name] = value
    return Node(variables, {}, attrs)


def _provenance(file: h5py.File, config: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if not has_key(file, f"{OURS}/provenance"):
        return {"options": next((options for options in config.values() if options), {})}
    try:
        found: dict[str, Any] = json.loads(plain(entry(file, f"{OURS}/provenance")[()]))
    except json.JSONDecodeError as error:
        raise CorruptDataError(
            "the record of how the result was made can't be read",
            path=file.filename,
            where=f"{OURS}/provenance",
            got=str(error),
            expected="JSON",
        ) from error
    return found
