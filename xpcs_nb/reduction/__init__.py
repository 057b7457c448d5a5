"""Frames, a partition and options in; results out."""

from xpcs_nb.reduction._average import Averaged, Member, average, average_to_file
from xpcs_nb.reduction._correlate import correlate, correlate_to_file
from xpcs_nb.reduction._events import pixel_events
from xpcs_nb.reduction._multitau import reduce_multitau
from xpcs_nb.reduction._preview import G2Preview
from xpcs_nb.reduction._scattering import reduce_scattering
from xpcs_nb.reduction._twotime import reduce_twotime, twotime_maps

__all__ = [
    "Averaged",
    "G2Preview",
    "Member",
    "average",
    "average_to_file",
    "correlate",
    "correlate_to_file",
    "pixel_events",
    "reduce_multitau",
    "reduce_scattering",
    "reduce_twotime",
    "twotime_maps",
]
