"""The NeXus layout of the BES pilot. Read only."""

from __future__ import annotations

import h5py
import numpy as np

from xpcs_nb.hdf5._content import Array, Node, ResultContent
from xpcs_nb.hdf5._nodes import COUNTS, UNITLESS, Axes, delay_coords, image, label_coords
from xpcs_nb.hdf5._qmap_maps import mask_of, squeezed
from xpcs_nb.hdf5._scalars import all_scalars, entry, has_key, read_float, read_optional_float

__all__ = ["is_bes", "read_bes"]

DATA = "/entry/XPCS/data"
ABOUT = "/entry/metadata"
LABELS = f"{DATA}/masks/mask/mask"
Q_AXES = ("q", "phi"), ("1/angstrom", "degree")


def is_bes(file: h5py.File) -> bool:
    """Return True for a file in this layout."""
    return has_key(file, f"{DATA}/g2") and has_key(file, f"{DATA}/t_el")


def read_bes(file: h5py.File) -> ResultContent:
    """Describe a result of the BES pilot. It says nothing of phi: that coordinate is NaN."""
    frame_time = read_float(file, f"{ABOUT}/exposure_period")
    nodes = {
        "multitau": _multitau(file, frame_time),
        "saxs": _saxs(file),
        "qmap": _qmap(file),
        "metadata": Node(attrs=all_scalars(file[ABOUT])),
        "provenance": Node(attrs={}),
    }
    attrs = {"analysis_type": "multitau", "frame_time": frame_time, "frame_time_units": "s"}
    return ResultContent("bes-pilot", attrs, nodes)


def _axes(q: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Axes:
    return Axes(*Q_AXES, (q, np.full(len(q), np.nan)))


def _multitau(file: h5py.File, frame_time: float) -> Node:
    g2 = file[f"{DATA}/g2"][()]
    seconds = np.atleast_1d(squeezed(file, f"{DATA}/t_el")).astype(float)
    q = np.atleast_1d(squeezed(file, f"{DATA}/ql_dyn")).astype(float)
    coords = delay_coords(np.rint(seconds / frame_time).astype(np.int64), frame_time, None)
    coords["delay"] = Array(("delay",), seconds, "s", "delay")
    coords |= label_coords("bin", np.arange(1, g2.shape[1] + 1), _axes(q))
    about = {"estimator": "pixel scatter"}
    variables = {
        "g2": Array(("delay", "bin"), g2, UNITLESS, "g2"),
        "g2_err": Array(
            ("delay", "bin"), entry(file, f"{DATA}/g2_errors")[()], UNITLESS, "standard error of g2", about
        ),
    }
    return Node(variables, coords)


def _saxs(file: h5py.File) -> Node:
    variables = {
        "scattering_2d": Array(("y", "x"), image(entry(file, "/entry/SAXS_2D/data/I")), COUNTS, "mean scattering"),
        "scattering_1d": Array(
            ("static_bin",), entry(file, "/entry/SAXS_1D/data/I")[()], COUNTS, "mean scattering of the bin"
        ),
    }
    q = np.atleast_1d(squeezed(file, "/entry/SAXS_1D/data/Q")).astype(float)
    return Node(variables, label_coords("static_bin", np.arange(1, len(q) + 1), _axes(q)))


def _qmap(file: h5py.File) -> Node:
    labels = entry(file, LABELS)[()].astype(np.int32)
    # The pilot's mask has 1 = bad; `mask_of` turns it where the labels prove it.
    mask = mask_of(entry(file, "/entry/SAXS_2D/data/mask")[()], labels)
    texts = {"mask": (mask, "True = used"), "dynamic_roi_map": (labels, "label of the dynamic bin, 0 = none")}
    attrs = {"energy": read_float(file, f"{ABOUT}/energy")}
    # The pilot's lengths are in mm by value.
    for name, key in (("detector_distance", "distance"), ("pixel_size", "x_pixel_size")):
        value = read_optional_float(file, f"{ABOUT}/{key}")
        if value is not None:
            attrs[name] = value / 1000
    variables = {name: Array(("y", "x"), values, UNITLESS, text) for name, (values, text) in texts.items()}
    return Node(variables, {}, attrs)
