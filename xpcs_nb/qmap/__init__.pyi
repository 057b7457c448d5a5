from ._check import Finding, validate_arrays
from ._combine import combine
from ._describe import describe
from ._diff import QMapDiff, diff
from ._edits import Edit, parse_edit
from ._labels import N_BLOCKS, pixel_labels
from ._outliers import OutlierCurve
from ._partition import partition
from ._qmap import QMap
from ._spec import build_qmap

__all__ = [
    "N_BLOCKS",
    "Edit",
    "Finding",
    "OutlierCurve",
    "QMap",
    "QMapDiff",
    "build_qmap",
    "combine",
    "describe",
    "diff",
    "parse_edit",
    "partition",
    "pixel_labels",
    "validate_arrays",
]
