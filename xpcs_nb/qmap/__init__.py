"""Masks and partitions: made, edited, checked, and turned into the labels that a reduction works with."""

from xpcs_nb.qmap._check import Finding
from xpcs_nb.qmap._combine import combine
from xpcs_nb.qmap._describe import describe
from xpcs_nb.qmap._diff import QMapDiff, diff
from xpcs_nb.qmap._edits import Edit, parse_edit
from xpcs_nb.qmap._labels import pixel_labels
from xpcs_nb.qmap._partition import partition
from xpcs_nb.qmap._qmap import QMap
from xpcs_nb.qmap._spec import build_qmap

__all__ = [
    "Edit",
    "Finding",
    "QMap",
    "QMapDiff",
    "build_qmap",
    "combine",
    "describe",
    "diff",
    "parse_edit",
    "partition",
    "pixel_labels",
]
