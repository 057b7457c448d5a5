"""Arrays in, arrays out: the compiled loops of the builtin engine. Importing this package imports numba."""

from xpcs_nb.kernels._bitshuffle import scan_chunks
from xpcs_nb.kernels._columns import correlate_column, take_photons
from xpcs_nb.kernels._events import correlate_events, count_events, place_events, segment_events
from xpcs_nb.kernels._plan import Plan
from xpcs_nb.kernels._stream import advance_pixels, close_pixels, sum_frames

__all__ = [
    "Plan",
    "advance_pixels",
    "close_pixels",
    "correlate_column",
    "correlate_events",
    "count_events",
    "place_events",
    "scan_chunks",
    "segment_events",
    "sum_frames",
    "take_photons",
]
