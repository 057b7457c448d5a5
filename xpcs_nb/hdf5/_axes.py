"""The coordinates of the bins of a qmap inside a result, read once for all results with the same qmap."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

import h5py
import numpy as np

from xpcs_nb.errors import CorruptDataError
from xpcs_nb.hdf5._nodes import Axes
from xpcs_nb.hdf5._qmap import OUR_UNITS
from xpcs_nb.hdf5._qmap_maps import squeezed
from xpcs_nb.hdf5._scalars import open_group, read_attribute, read_optional, texts_of

__all__ = ["axes_of"]

#: Qmaps whose coordinates are kept.
KEPT = 32
_kept: OrderedDict[Hashable, Axes] = OrderedDict()


def axes_of(file: h5py.File, place: str, kind: str) -> Axes:
    """Return the coordinates of every label of ``dynamic`` or ``static`` bins, without reading the maps.

    A qmap is known again by the checksum that its group bears, and by its first list of values (q): a checksum that
    was left behind when somebody calibrated q anew must not give the old values.

    Parameters
    ----------
    file
        A result.
    place
        Group of its qmap, in the APS layout.
    kind
        Kind of bin.

    Raises
    ------
    MissingKeyError
        If a list is not there.
    CorruptDataError
        If it can't be decoded, or a label points outside the grid of bins.
    """
    group = open_group(file, place)
    first = np.atleast_1d(squeezed(group, f"{kind}_v_list_dim0")).astype(float)
    checksum = read_attribute(file, place, "hash")
    if checksum is None:
        return _read(group, kind, first)
    key = checksum, kind, first.tobytes()
    axes = _kept.pop(key, None) or _read(group, kind, first)
    _kept[key] = axes
    if len(_kept) > KEPT:
        _kept.popitem(last=False)
    return axes


def _read(group: h5py.Group, kind: str, first: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Axes:
    second = np.atleast_1d(squeezed(group, f"{kind}_v_list_dim1")).astype(float)
    index = np.atleast_1d(squeezed(group, f"{kind}_index_mapping")).astype(np.int64)
    row, column = np.divmod(index, len(second))
    if len(index) and row.max() >= len(first):
        raise CorruptDataError(
            "a label points outside the grid of bins",
            path=group.file.filename,
            where=f"{group.name}/{kind}_index_mapping",
            got=int(index.max()),
            expected=f"less than {len(first) * len(second)}",
        )
    names = texts_of(read_optional(group, "map_names", ("q", "phi")))
    units = texts_of(read_optional(group, "map_units", ("1/angstrom", "degree")))
    return Axes(
        (names[0], names[1]),
        (OUR_UNITS.get(units[0], units[0]), OUR_UNITS.get(units[1], units[1])),
        (first[row], second[column]),
    )
