"""A qmap in a few lines of text."""

from __future__ import annotations

import numpy as np

from xpcs_nb.core import QMapArrays
from xpcs_nb.qmap._arrays import IN_ATTRS
from xpcs_nb.qmap._qmap import QMap

__all__ = ["describe"]


def describe(qmap: QMap) -> str:
    """Return shape, used pixels, bins with their ranges, geometry, edits and hash of a qmap as text."""
    arrays = qmap.arrays
    used = int(np.count_nonzero(arrays.mask & (arrays.static_roi_map > 0)))
    lines = [
        f"frame        {qmap.shape[0]} x {qmap.shape[1]} pixels",
        f"used         {used} pixels ({used / arrays.mask.size:.1%}), {np.count_nonzero(~arrays.blemish)} blemished",
    ]
    for kind in ("dynamic", "static"):
        labels = getattr(arrays, f"{kind}_roi_map")
        count = np.bincount(labels[labels > 0])[1:]
        filled = count[count > 0]
        pixels = f", {filled.min()} to {filled.max()} pixels each" if len(filled) else ""
        lines.append(f"{kind:<12} {len(filled)} bins{pixels}")
    for name, unit, centers in zip(arrays.map_names, arrays.map_units, arrays.bin_centers("dynamic"), strict=True):
        if len(centers):
            lines.append(f"{name:<12} {np.nanmin(centers):.5g} to {np.nanmax(centers):.5g} {unit}")
    lines.append(f"geometry     {_geometry(arrays)}")
    if qmap.edits:
        lines.append(f"edits        {', '.join(str(getattr(edit, 'kind', edit)) for edit in qmap.edits)}")
    if qmap.off:
        lines.append(f"switched off {', '.join(str(getattr(edit, 'kind', edit)) for _, edit in qmap.off)}")
    lines.append(f"hash         {qmap.hash}")
    return "\n".join(lines)


def _geometry(arrays: QMapArrays) -> str:
    known = {
        "{:g} keV": (arrays.energy,),
        "{:g} m": (arrays.detector_distance,),
        "pixels of {:g} m": (arrays.pixel_size,),
        "beam at column {:g}, row {:g}": (arrays.beam_center_x, arrays.beam_center_y),
    }
    said = [text.format(*values) for text, values in known.items() if not np.isnan(values).any()]
    angles = [name for name in IN_ATTRS if name in arrays.attrs]
    said += [f"{name.replace('_', ' ')} {arrays.attrs[name]:g} degrees" for name in angles]
    return ", ".join(said) or "not in the file"
