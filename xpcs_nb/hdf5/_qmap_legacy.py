"""Qmaps of the years until about 2024, in qmap files (``/data``) and in result files (``/xpcs``)."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import QMapArrays
from xpcs_nb.errors import FileFormatError
from xpcs_nb.hdf5._qmap_maps import label_map, mask_of, squeezed
from xpcs_nb.hdf5._scalars import has_key, plain, read_optional_float, read_text

__all__ = ["read_legacy_qmap"]

#: Name of each entry in qmap files and in result files.
KEYS_QMAP = {"dynamic": ("dynamicMap", "dqval", "dphival"), "static": ("staticMap", "sqval", "sphival")}
KEYS_RESULT = {"dynamic": ("dqmap", "dqlist", "dphilist"), "static": ("sqmap", "sqlist", "sphilist")}
COUNTS = {"dynamic": ("dnoq", "dnophi"), "static": ("snoq", "snophi")}


def read_legacy_qmap(group: h5py.Group) -> QMapArrays:
    """Return the qmap in an old group; its lists give the q and phi of every label."""
    keys = KEYS_QMAP if has_key(group, "dynamicMap") else KEYS_RESULT
    dynamic, static = (label_map(group, keys[kind][0]) for kind in ("dynamic", "static"))
    mask = mask_of(squeezed(group, "mask"), dynamic)
    axes, index = {}, {}
    for kind in ("dynamic", "static"):
        axes[kind], index[kind] = _bins(group, kind, keys[kind][1], keys[kind][2])
    return QMapArrays(
        mask=mask,
        blemish=mask.copy(),
        dynamic_roi_map=dynamic,
        static_roi_map=static,
        dynamic_v_list=axes["dynamic"],
        static_v_list=axes["static"],
        dynamic_index_mapping=index["dynamic"],
        static_index_mapping=index["static"],
        map_names=("q", "phi"),
        map_units=("1/angstrom", "degree"),
        attrs=_attrs(group),
        **_geometry(group.file),
    )


type Axes = tuple[NDArray[np.float64], NDArray[np.float64]]


def _bins(group: h5py.Group, kind: str, q_key: str, phi_key: str) -> tuple[Axes, NDArray[np.int64]]:
    """Return the two axes and the flat index of each label."""
    q, phi = (np.atleast_1d(squeezed(group, key)).astype(np.float64).ravel() for key in (q_key, phi_key))
    n_q, n_phi = (read_optional_float(group, key) for key in COUNTS[kind])
    if len(q) == n_q and len(phi) == n_phi and n_phi != 1:
        return (q, phi), np.arange(len(q) * len(phi))  # one entry a bin along each axis
    if len(phi) == 1:
        phi = np.broadcast_to(phi, q.shape)
    if len(q) != len(phi):
        raise FileFormatError(
            "the lists of bins have different lengths",
            path=group.file.filename,
            where=f"{group.name}/{q_key}, {phi_key}",
            got=f"{len(q)} and {len(phi)}",
            expected="one entry for each label in both",
        )
    axis_q, index_q = np.unique(q, return_inverse=True)
    axis_phi, index_phi = np.unique(phi, return_inverse=True)
    return (axis_q, axis_phi), (index_q * len(axis_phi) + index_phi).astype(np.int64)


def _attrs(group: h5py.Group) -> dict[str, Any]:
    attrs: dict[str, Any] = {name: plain(value) for name, value in group.attrs.items()}
    if has_key(group, "Version"):
        attrs["version"] = read_text(group, "Version")
    if has_key(group, "qmap_hdf5_filename"):
        attrs["source_file"] = read_text(group, "qmap_hdf5_filename")
    return attrs


def _geometry(file: h5py.File) -> dict[str, Any]:
    """Return what ``/measurement`` of a result says, in m and keV; NaN for the rest (a qmap file says nothing)."""
    detector = "/measurement/instrument/detector"
    acquisition = "/measurement/instrument/acquisition"
    distance = read_optional_float(file, f"{detector}/distance")
    pixel_x, pixel_y = (read_optional_float(file, f"{detector}/{axis}_pixel_size") for axis in "xy")
    square = pixel_x is not None and pixel_x == pixel_y
    found = {
        "energy": read_optional_float(file, "/measurement/instrument/source_begin/energy"),
        "detector_distance": None if distance is None else distance / 1000,  # these files hold mm
        "pixel_size": pixel_x / 1000 if pixel_x is not None and square else None,
        "beam_center_x": _center(file, acquisition, "x", "x", pixel_x),
        "beam_center_y": _center(file, acquisition, "y", "z", pixel_y),
    }
    return {key: float("nan") if value is None else value for key, value in found.items()}


def _center(file: h5py.File, acquisition: str, axis: str, stage: str, pixel: float | None) -> float | None:
    """Return the beam centre moved by the stage; stage and pixel size are in mm."""
    center = read_optional_float(file, f"{acquisition}/beam_center_{axis}")
    now, then = (read_optional_float(file, f"{acquisition}/{key}") for key in (f"stage_{stage}", f"stage_zero_{stage}"))
    if center is None or now is None or then is None or now == then:
        return center
    return None if pixel is None else center + (now - then) / pixel
