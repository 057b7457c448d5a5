"""Arrays in, arrays out: the compiled loops of the builtin engine. Importing this package imports numba."""

from xpcs_nb.kernels._events import correlate_events, count_events, place_events, segment_events
from xpcs_nb.kernels._plan import Plan

__all__ = ["Plan", "correlate_events", "count_events", "place_events", "segment_events"]
