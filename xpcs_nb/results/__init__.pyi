from ._accessor import XpcsAccessor
from ._backend import XpcsBackendEntrypoint, open_result
from ._export import export_curve, export_g2, export_intensity, export_xsvs, read_curve
from ._names import dataset_name, result_path
from ._validate import ResultFinding, validate_result
from ._write import write_result

__all__ = [
    "ResultFinding",
    "XpcsAccessor",
    "XpcsBackendEntrypoint",
    "dataset_name",
    "export_curve",
    "export_g2",
    "export_intensity",
    "export_xsvs",
    "open_result",
    "read_curve",
    "result_path",
    "validate_result",
    "write_result",
]
