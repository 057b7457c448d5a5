"""What all frame sources share: the description of the series, the range checks, the context manager."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import ChunkTable
from xpcs_nb.errors import FileFormatError, OptionError

__all__ = ["SourceBase", "place_of"]

#: Bytes of dense frames that are held at a time while searching for photons.
BATCH_BYTES = 32 * 2**20


class SourceBase:
    """Base of the frame sources: see `xpcs_nb.core.FrameSource` for the meaning of the attributes."""

    is_sparse = False

    def __init__(
        self,
        *,
        path: Path | None,
        format: str,
        shape: tuple[int, int],
        n_frames: int,
        dtype: np.dtype[Any],
        files: tuple[Path, ...] = (),
    ) -> None:
        if n_frames < 1 or min(shape) < 1:
            raise FileFormatError("the series holds no frames", path=path, got=f"{n_frames} frames of {shape}")
        self.path = path
        self.format = format
        self.shape = shape
        self.n_frames = n_frames
        self.dtype = dtype
        self.files = files
        self._closed = False

    def __repr__(self) -> str:
        rows, columns = self.shape
        return f"<{self.format} {self.path or 'in memory'}: {self.n_frames} frames of {rows} x {columns} {self.dtype}>"

    @property
    def blemish(self) -> NDArray[np.bool_] | None:
        """Pixels the file marks as good (True) or dead (False), or None."""
        return None

    def chunk_tables(self) -> tuple[ChunkTable, ...] | None:
        """Return None: frames are not stored as bitshuffle-LZ4 chunks."""
        return None

    def close(self) -> None:
        """Let go of the files."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_range(self, start: int, stop: int, step: int = 1) -> None:
        if self._closed:
            raise OptionError("the frame source is closed", path=self.path, hint="Open it again with open_frames.")
        if not 0 <= start <= stop <= self.n_frames or step < 1:
            raise OptionError(
                "frames outside the series are asked for",
                path=self.path,
                got=f"start={start}, stop={stop}, step={step}",
                expected=f"0 <= start <= stop <= {self.n_frames}, step >= 1",
            )


def place_of(frame: int, pixel: int, shape: tuple[int, int]) -> str:
    """Name a pixel of a frame for an error message; `pixel` is the flat index."""
    row, column = divmod(pixel, shape[1])
    return f"frame {frame}, pixel (row {row}, column {column})"
