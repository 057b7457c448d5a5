"""What a dataset was reduced to before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xpcs_nb.errors import MissingFileError
from xpcs_nb.hdf5 import is_result
from xpcs_nb.recipes._values import is_address

if TYPE_CHECKING:
    import xarray as xr

    from xpcs_nb.flows import Facility

__all__ = ["earlier_result"]


def earlier_result(dataset: str | Path, facility: Facility) -> xr.DataTree | None:
    """Return the result that `dataset` stands for, opened; None if it is a raw file.

    Parameters
    ----------
    dataset
        A raw file, a result file, or the subject of a record.
    facility
        Whose catalogue has the record.

    Raises
    ------
    MissingFileError
        There is no such file.
    MissingKeyError
        There is no such record.
    FlowError
        The record has no result file.
    """
    from xpcs_nb.results import open_result

    if is_address(str(dataset)):
        return facility.catalog.get(str(dataset)).load()
    path = Path(dataset)
    if not path.is_file():
        raise MissingFileError("no such raw or result file", path=path)
    return open_result(path) if is_result(path) else None
