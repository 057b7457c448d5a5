"""Words, units, geometry, and the arrays by which the other layers meet."""

from xpcs_nb.core._arrays import (
    LogTwotimeMap,
    MultitauArrays,
    MultitauSums,
    PixelEvents,
    PixelLabels,
    ResultArrays,
    ScatteringArrays,
    TwotimeMap,
    UnnormalizedArrays,
)
from xpcs_nb.core._delays import DelayGrid
from xpcs_nb.core._frames import ChunkTable, EventList, FrameSource
from xpcs_nb.core._geometry import HC_KEV_ANGSTROM, Geometry
from xpcs_nb.core._log_grid import LogGrid
from xpcs_nb.core._optional import require
from xpcs_nb.core._options import FIGURE_KINDS, AnalysisType, Engine, FrameRange, ReductionOptions, Smooth
from xpcs_nb.core._photons import PhotonCounts
from xpcs_nb.core._records import Metadata, QMapArrays, QMapHistory

__all__ = [
    "FIGURE_KINDS",
    "HC_KEV_ANGSTROM",
    "AnalysisType",
    "ChunkTable",
    "DelayGrid",
    "Engine",
    "EventList",
    "FrameRange",
    "FrameSource",
    "Geometry",
    "LogGrid",
    "LogTwotimeMap",
    "Metadata",
    "MultitauArrays",
    "MultitauSums",
    "PhotonCounts",
    "PixelEvents",
    "PixelLabels",
    "QMapArrays",
    "QMapHistory",
    "ReductionOptions",
    "ResultArrays",
    "ScatteringArrays",
    "Smooth",
    "TwotimeMap",
    "UnnormalizedArrays",
    "require",
]
