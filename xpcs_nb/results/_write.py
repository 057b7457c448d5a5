"""Write a result."""

from __future__ import annotations

from pathlib import Path

from xpcs_nb.core import QMapArrays, ResultArrays
from xpcs_nb.hdf5 import write_result_file

__all__ = ["write_result"]


def write_result(
    path: Path, content: ResultArrays, *, metadata: Path, qmap: QMapArrays, overwrite: bool = False
) -> Path:
    """Write a result file in the APS layout and return its path.

    The file appears whole or not at all, and an older one is replaced only when asked.

    Parameters
    ----------
    path
        The file; see `result_path`.
    content
        Arrays, options, provenance.
    metadata
        File whose content goes into the result.
    qmap
        The mask and partition that made it.
    overwrite
        Replace an existing file.

    Raises
    ------
    ResultExistsError
        The file exists and `overwrite` is False.
    WriteError
        It can't be written; nothing half-written is left.
    """
    write_result_file(path, content, metadata=metadata, qmap=qmap, overwrite=overwrite)
    return path
