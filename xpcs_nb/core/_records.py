"""What is read from a metadata file and from a qmap file, whatever the layout."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Metadata", "QMapArrays", "QMapHistory"]


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """Metadata of a measurement that a reduction needs.

    Attributes
    ----------
    path
        The file it came from.
    frame_time, count_time
        Start to start of two frames, and exposure of one, s.
    energy
        Photon energy, keV.
    pixel_size, detector_distance
        m; None where the file does not say.
    beam_center_x, beam_center_y
        Column and row of the direct beam with stage motion applied, pixels; NaN where `problems` says why.
    swing_horizontal, swing_vertical
        Angles of the detector arm, degrees; files without these entries are of instruments at 0.
    values
        All scalars of the file by path, for records and search.
    problems
        What in the file contradicts itself, one sentence each; the values concerned are None or NaN.
    """

    path: Path
    frame_time: float
    count_time: float
    energy: float
    pixel_size: float | None
    detector_distance: float | None
    beam_center_x: float
    beam_center_y: float
    swing_horizontal: float = 0.0
    swing_vertical: float = 0.0
    values: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class QMapArrays:
    """A mask and partition as files hold them.

    Attributes
    ----------
    mask, blemish
        True where a pixel is used / good, shape (rows, columns), bool.
    dynamic_roi_map, static_roi_map
        Bin labels, 0 = unused, 1..n, shape (rows, columns), int32.
    dynamic_v_list, static_v_list
        Centres of the requested bins along each of the two axes (q then phi as a rule).
    dynamic_index_mapping, static_index_mapping
        Flat index (axis 0 major) of each label's bin, from 0.
    map_names, map_units
        Names and units of the two axes.
    beam_center_x, beam_center_y
        pixels; NaN where the file does not say (as are the three below).
    detector_distance, pixel_size, energy
        m, m, keV.
    attrs
        Further entries: source file, hash, version.
    history
        What was edited, where the file says it.
    """

    mask: NDArray[np.bool_]
    blemish: NDArray[np.bool_]
    dynamic_roi_map: NDArray[np.int32]
    static_roi_map: NDArray[np.int32]
    dynamic_v_list: tuple[NDArray[np.float64], NDArray[np.float64]]
    static_v_list: tuple[NDArray[np.float64], NDArray[np.float64]]
    dynamic_index_mapping: NDArray[np.int64]
    static_index_mapping: NDArray[np.int64]
    map_names: tuple[str, str] = ("q", "phi")
    map_units: tuple[str, str] = ("1/angstrom", "degree")
    beam_center_x: float = float("nan")
    beam_center_y: float = float("nan")
    detector_distance: float = float("nan")
    pixel_size: float = float("nan")
    energy: float = float("nan")
    attrs: dict[str, Any] = field(default_factory=dict)
    history: QMapHistory | None = None

    def bin_centers(self, kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the two coordinates (q and phi as a rule) of each label of `kind`: ``dynamic`` or ``static``."""
        axis0, axis1 = getattr(self, f"{kind}_v_list")
        index = getattr(self, f"{kind}_index_mapping")
        row, column = np.divmod(index, len(axis1))
        return axis0[row], axis1[column]


@dataclass(frozen=True)
class QMapHistory:
    """How a qmap was made.

    Attributes
    ----------
    start
        What was there before the first edit.
    edits
        One entry for each edit, as JSON has it.
    off
        Edits that were switched off, each with the number of `edits` before it.
    """

    start: QMapArrays
    edits: tuple[dict[str, Any], ...]
    off: tuple[tuple[int, dict[str, Any]], ...] = ()
