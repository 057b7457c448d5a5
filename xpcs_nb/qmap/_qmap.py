"""A qmap: geometry, blemish, mask and partition of a detector."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Self

import numpy as np

from xpcs_nb.core import Geometry, QMapArrays
from xpcs_nb.errors import QMapError
from xpcs_nb.hdf5 import hash_qmap, read_qmap, write_qmap
from xpcs_nb.qmap._check import Finding, find_faults

__all__ = ["QMap"]

GEOMETRY = ("energy", "detector_distance", "pixel_size", "beam_center_x", "beam_center_y")


@dataclass(frozen=True, eq=False)
class QMap:
    """Mask and partition of a detector, with the geometry they were made for. It is not changed, only replaced.

    Parameters
    ----------
    arrays
        What a qmap file holds.
    """

    arrays: QMapArrays

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> Self:
        """Read a qmap file of any layout, or the qmap inside a result file.

        Raises
        ------
        MissingKeyError, CorruptDataError, FileFormatError
            As `xpcs_nb.hdf5.read_qmap`.
        """
        return cls(read_qmap(path))

    @classmethod
    def from_result(cls, path: str | PathLike[str]) -> Self:
        """Read the qmap that a result file was made with.

        Raises
        ------
        MissingKeyError, CorruptDataError, FileFormatError
            As `xpcs_nb.hdf5.read_qmap`.
        """
        return cls(read_qmap(path))

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write a qmap file that boost_corr and pySimpleMask read, and return its path.

        Raises
        ------
        ResultExistsError
            If the file exists and `overwrite` is False.
        WriteError
            If it can't be written; what was there before is untouched.
        """
        return write_qmap(path, self.arrays, overwrite=overwrite)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the content: mask, blemish, maps, bins and geometry."""
        return hash_qmap(self.arrays)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the frames it is for."""
        rows, columns = self.arrays.dynamic_roi_map.shape
        return rows, columns

    @property
    def geometry(self) -> Geometry:
        """The geometry it was made for.

        Raises
        ------
        QMapError
            If the file does not say it (older ones don't).
        """
        values = {name: float(getattr(self.arrays, name)) for name in GEOMETRY}
        unknown = [name for name, value in values.items() if np.isnan(value)]
        if unknown:
            raise QMapError(
                f"the qmap does not say its geometry: no {', '.join(unknown)}",
                where=self.arrays.attrs.get("source_file"),
                hint="Take the geometry from the metadata of the measurement.",
            )
        swing = {name: float(self.arrays.attrs.get(name, 0.0)) for name in ("swing_horizontal", "swing_vertical")}
        return Geometry(**values, **swing)

    def check(self, shape: tuple[int, int] | None = None) -> list[Finding]:
        """Return all that is wrong or odd with the qmap; with frames of `shape`, if given."""
        return find_faults(self.arrays, shape)

    def validate(self, shape: tuple[int, int] | None = None) -> None:
        """Refuse a qmap that contradicts itself or the frames.

        Raises
        ------
        QMapError
            With every error that `check` finds; its warnings do not count.
        """
        errors = [finding for finding in self.check(shape) if finding.is_error]
        if errors:
            count = "" if len(errors) == 1 else f"{len(errors)} faults: "
            raise QMapError(
                f"the qmap can't be used: {count}" + "; ".join(finding.message for finding in errors),
                where=self.arrays.attrs.get("source_file") or None,
                hint=" ".join(dict.fromkeys(finding.hint for finding in errors if finding.hint)) or None,
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QMap) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)
