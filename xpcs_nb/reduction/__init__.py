"""Frames, a partition and options in; results out."""

from xpcs_nb.reduction._correlate import correlate, correlate_to_file
from xpcs_nb.reduction._events import pixel_events
from xpcs_nb.reduction._multitau import reduce_multitau
from xpcs_nb.reduction._photons import count_photons
from xpcs_nb.reduction._preview import G2Preview
from xpcs_nb.reduction._provenance import fingerprint
from xpcs_nb.reduction._scattering import reduce_scattering
from xpcs_nb.reduction._twotime import reduce_twotime, twotime_maps
from xpcs_nb.reduction._twotime_log import log_twotime_maps
from xpcs_nb.reduction._xsvs import xsvs

__all__ = [
    "G2Preview",
    "correlate",
    "correlate_to_file",
    "count_photons",
    "fingerprint",
    "log_twotime_maps",
    "pixel_events",
    "reduce_multitau",
    "reduce_scattering",
    "reduce_twotime",
    "twotime_maps",
    "xsvs",
]
