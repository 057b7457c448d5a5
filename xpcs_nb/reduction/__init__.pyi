from ._average import Averaged, Member, average, average_to_file
from ._correlate import correlate, correlate_to_file
from ._events import pixel_events
from ._multitau import reduce_multitau
from ._photons import count_photons
from ._preview import G2Preview
from ._provenance import fingerprint
from ._scattering import reduce_scattering
from ._twotime import reduce_twotime, twotime_maps
from ._twotime_log import log_twotime_maps
from ._xsvs import xsvs

__all__ = [
    "Averaged",
    "G2Preview",
    "Member",
    "average",
    "average_to_file",
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
