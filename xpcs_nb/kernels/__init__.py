"""Arrays in, arrays out: the compiled loops of the builtin engine. numba is imported only to compile."""

from xpcs_nb.kernels._bitshuffle import block_buffers, scan_chunks
from xpcs_nb.kernels._columns import correlate_column, take_photons
from xpcs_nb.kernels._events import correlate_events, count_events, pixel_buffers, place_events, segment_events
from xpcs_nb.kernels._photon_list import LISTED_PIXELS, close_gaps, count_photons, list_photons, place_photons
from xpcs_nb.kernels._plan import Plan
from xpcs_nb.kernels._rebin import rebin_pixels
from xpcs_nb.kernels._slab import advance_slab, take_slab
from xpcs_nb.kernels._stream import TOGETHER, advance_pixels, close_pixels, sum_frames, window_buffers
from xpcs_nb.kernels._twotime import BinEvents, EventPairs, bin_events, smoothing_factors
from xpcs_nb.kernels._twotime_dense import (
    add_products,
    collect_pixels,
    events_map,
    finish_map,
    scale_pixels,
    sum_pixels,
)
from xpcs_nb.kernels._twotime_diagonals import DiagonalSums, g2_from_twotime
from xpcs_nb.kernels._twotime_log import log_cells_of_events

__all__ = [
    "LISTED_PIXELS",
    "TOGETHER",
    "BinEvents",
    "DiagonalSums",
    "EventPairs",
    "Plan",
    "add_products",
    "advance_pixels",
    "advance_slab",
    "bin_events",
    "block_buffers",
    "close_gaps",
    "close_pixels",
    "collect_pixels",
    "correlate_column",
    "correlate_events",
    "count_events",
    "count_photons",
    "events_map",
    "finish_map",
    "g2_from_twotime",
    "list_photons",
    "log_cells_of_events",
    "pixel_buffers",
    "place_events",
    "place_photons",
    "rebin_pixels",
    "scale_pixels",
    "scan_chunks",
    "segment_events",
    "smoothing_factors",
    "sum_frames",
    "sum_pixels",
    "take_photons",
    "take_slab",
    "window_buffers",
]
