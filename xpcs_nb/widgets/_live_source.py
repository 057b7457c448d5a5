"""Where the sums of each pixel come from that live g2 rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from xpcs_nb.errors import MissingFileError
from xpcs_nb.hdf5 import is_result
from xpcs_nb.qmap import QMap
from xpcs_nb.reduction import G2Preview
from xpcs_nb.widgets._live_g2 import LiveG2, Superseded

__all__ = ["LiveSource"]

#: Options of a reduction that what is kept depends on.
KEPT_OPTIONS = ("begin_frame", "end_frame", "stride_frame", "avg_frame", "normalize_frame")

type Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class LiveSource:
    """A result that has kept its sums, or raw frames to correlate.

    Attributes
    ----------
    result
        A result file; None for raw frames.
    raw
        The raw file; None where nobody knows it.
    has_sums
        Whether `result` has kept its sums.
    options
        Of the reduction, to correlate as it was done before.
    metadata
        Of the raw file; None takes the file beside it.
    """

    result: Path | None = None
    raw: Path | None = None
    has_sums: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    metadata: Path | None = None

    @classmethod
    def of(cls, path: str | PathLike[str], metadata: str | PathLike[str] | None = None) -> LiveSource:
        """Look what a file can give.

        Raises
        ------
        MissingFileError, FileFormatError, CorruptDataError
            If it can't be read.
        """
        path = Path(path)
        if not is_result(path):
            return cls(raw=path, metadata=None if metadata is None else Path(metadata))
        from xpcs_nb.results import open_result

        with open_result(path) as tree:
            raw = tree.attrs.get("raw")
            has_sums = "multitau" in tree.children and "G2IPIF" in tree["multitau"].dataset
            options = tree["provenance"].attrs.get("options", {}) if "provenance" in tree.children else {}
        kept = {name: options[name] for name in KEPT_OPTIONS if options.get(name) is not None}
        return cls(path, Path(raw) if raw else None, has_sums, kept)

    @property
    def can_correlate(self) -> bool:
        """Whether there are raw frames within reach."""
        return self.raw is not None and self.raw.exists()

    def read(self, wanted: Callable[[], bool]) -> LiveG2:
        """Read the sums of the result.

        Raises
        ------
        MissingKeyError
            It has none.
        """
        assert self.result is not None  # noqa: S101 - asked for with `has_sums` only
        live = LiveG2.from_result(self.result)
        if not wanted():
            raise Superseded
        return live

    def correlate(self, wanted: Callable[[], bool], progress: Progress) -> LiveG2:
        """Correlate the raw frames pixel by pixel.

        Raises
        ------
        MissingFileError
            There are none within reach.
        Superseded
            `wanted` said no.
        """
        if self.raw is None or not self.raw.exists():
            raise MissingFileError("the raw frames are not within reach", path=self.raw, hint="Open the raw file.")

        def told(_: str, done: int, total: int) -> None:
            if not wanted():
                raise Superseded
            progress(done, total)

        preview = G2Preview.from_frames(self.raw, metadata=self.metadata, progress=told, **self.options)
        start = None if self.result is None else QMap.from_result(self.result)
        return LiveG2(preview, start=start, image=None if start is None else start.image)
