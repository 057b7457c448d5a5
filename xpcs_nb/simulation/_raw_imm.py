"""Write series as APS IMM files."""

from __future__ import annotations

import struct
from os import PathLike
from pathlib import Path

import numpy as np

from xpcs_nb.errors import OptionError
from xpcs_nb.simulation._raw import Frames, as_events, blocks, describe

__all__ = ["write_imm"]

#: The beginning of the 1024-byte header, up to systick; the rest (process variables) stays empty.
HEADER = struct.Struct("<ii32s16si16s13iddiiIiiI")
SPARSE, DENSE = 6, 0


def write_imm(path: str | PathLike[str], frames: Frames, *, sparse: bool = True) -> Path:
    """Write a series as an IMM file: a header of 1024 bytes before each frame.

    Parameters
    ----------
    path
        File to write; an existing one is replaced.
    frames
        Array (frames, rows, columns) or event list.
    sparse
        Write (pixel, count) lists as int32 and int16; else whole frames as uint16.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OptionError
        If a count does not fit its field.
    """
    path = Path(path)
    if sparse:
        _write_sparse(path, frames)
    else:
        _write_dense(path, frames)
    return path


def _header(compression: int, frame: int, shape: tuple[int, int], length: int) -> bytes:
    rows, columns = shape
    sizes = (0, 0, 0, rows - 1, 0, columns - 1, 1, 1, rows, columns, 2, 0, 0)
    start = HEADER.pack(
        2, compression, b"", b"", frame, b".imm", *sizes, float(frame), 0.0, 0, 0, length, 1, frame, 0
    )  # fmt: skip
    return start.ljust(1024, b"\0")


def _write_sparse(path: Path, frames: Frames) -> None:
    photons = as_events(frames)
    if photons.count.max(initial=0) > np.iinfo(np.int16).max:
        raise OptionError("a sparse IMM file holds counts up to 32767", got=photons.count.max())
    edges = np.searchsorted(photons.frame, np.arange(photons.n_frames + 1)).tolist()
    pixel, count = photons.pixel.astype("<i4"), photons.count.astype("<i2")
    with path.open("wb") as file:
        for frame in range(photons.n_frames):
            part = slice(edges[frame], edges[frame + 1])
            file.write(_header(SPARSE, frame, photons.shape, part.stop - part.start))
            file.write(pixel[part].tobytes())
            file.write(count[part].tobytes())


def _write_dense(path: Path, frames: Frames) -> None:
    (_, rows, columns), kind = describe(frames, np.uint16 if not isinstance(frames, np.ndarray) else None)
    if isinstance(frames, np.ndarray) and kind != np.uint16 and (frames.min() < 0 or frames.max() >= 65535):
        raise OptionError("a dense IMM file holds counts below 65535", got=f"{frames.min()}..{frames.max()}")
    with path.open("wb") as file:
        for start, block in blocks(frames, np.dtype("<u2")):
            for index, image in enumerate(block):
                file.write(_header(DENSE, start + index, (rows, columns), rows * columns))
                file.write(image.tobytes())
