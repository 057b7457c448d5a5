"""The arrays that a start and a state come to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import QMapArrays
from xpcs_nb.errors import QMapError
from xpcs_nb.qmap._arrays import make_partition, without_bins
from xpcs_nb.qmap._maps import ellipse_maps, ellipse_of_mask, find_map
from xpcs_nb.qmap._regions import change_bins
from xpcs_nb.qmap._state import State

__all__ = ["made_from"]

#: Attributes that belong to the file a qmap came from.
OF_THE_FILE = ("hash", "version", "edits", "parent_hash")


def made_from(start: QMapArrays, state: State) -> QMapArrays:
    """Return the arrays after all edits.

    Raises
    ------
    QMapError
        If the partition asked for can't be made; or the geometry changed and nobody knows how the bins of the file
        that was opened were made.
    """
    attrs = {name: value for name, value in start.attrs.items() if name not in OF_THE_FILE}
    if "hash" in start.attrs:
        attrs["parent_hash"] = start.attrs["hash"]
    if state.request is not None:
        arrays = make_partition(state.geometry, state.used, state.blemish, state.request, attrs)
    elif not start.static_roi_map.any():
        return without_bins(state.used, state.blemish, state.geometry, attrs)
    elif state.moved:
        raise QMapError(
            "the geometry changed and the bins are those of a file that does not say how they were made",
            hint="Make a partition for the new geometry with partition(q=..., phi=...).",
        )
    else:
        arrays = replace(_masked(start, state), attrs=attrs, history=None)
    return change_bins(arrays, state.bins, lambda name: _values(name, state))


def _values(name: str, state: State) -> NDArray[np.float64]:
    ellipse = None if state.request is None else state.request.ellipse
    if ellipse is not None:
        return ellipse_maps(ellipse_of_mask(state.used) if ellipse == "mask" else ellipse, state.shape)[name]
    return find_map(name, state.geometry, state.shape)


def _masked(start: QMapArrays, state: State) -> QMapArrays:
    """Return the bins of a file on fewer pixels; those that lose all of theirs leave the lists."""
    used = state.used & (start.static_roi_map > 0) & (start.dynamic_roi_map > 0)
    if not used.any():
        raise QMapError("the mask leaves no pixel to use", got=f"0 of {used.size} pixels in bins")
    changes: dict[str, Any] = {"mask": used, "blemish": state.blemish}
    for kind in ("dynamic", "static"):
        labels = np.where(used, getattr(start, f"{kind}_roi_map"), 0)
        index = getattr(start, f"{kind}_index_mapping")
        present = np.flatnonzero(np.bincount(labels.ravel(), minlength=len(index) + 1)[1:])
        number = np.zeros(int(max(labels.max(), len(index))) + 1, dtype=np.int32)
        number[present + 1] = np.arange(1, len(present) + 1)
        changes[f"{kind}_roi_map"] = number[labels]
        changes[f"{kind}_index_mapping"] = index[present[present < len(index)]]
    return replace(start, **changes)
