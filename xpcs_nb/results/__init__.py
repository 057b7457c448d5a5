"""Result files: names, writing, and reading as labelled arrays."""

from xpcs_nb.results._accessor import XpcsAccessor
from xpcs_nb.results._backend import XpcsBackendEntrypoint, open_result
from xpcs_nb.results._names import dataset_name, result_path
from xpcs_nb.results._validate import ResultFinding, validate_result
from xpcs_nb.results._write import write_result

__all__ = [
    "ResultFinding",
    "XpcsAccessor",
    "XpcsBackendEntrypoint",
    "dataset_name",
    "open_result",
    "result_path",
    "validate_result",
    "write_result",
]
