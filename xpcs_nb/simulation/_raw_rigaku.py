"""Write photons as Rigaku XSPA detectors do."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import EventList
from xpcs_nb.errors import OptionError
from xpcs_nb.simulation._raw import Frames, as_events, pack_events

__all__ = ["write_rigaku3m", "write_rigaku500k"]

MODULE_ROWS, MODULE_COLUMNS = 512, 1024
GAP_ROWS, GAP_COLUMNS = 70, 52
SHAPE_3M = (1676, 2100)
#: Which file holds each module: three rows of two.
FILES = ((5, 0), (4, 1), (3, 2))
MOST_PHOTONS, MOST_FRAMES, MOST_PIXELS = 2**12 - 1, 2**24, 2**21
SECOND_HALF = 1024 * 1024


def _words(pixel: NDArray[Any], frame: NDArray[Any], count: NDArray[Any]) -> NDArray[np.uint64]:
    """Return the 64-bit words of events, sorted by frame and pixel."""
    words = pack_events(pixel, frame, count)
    words.sort()
    return words


def _check(photons: EventList) -> None:
    largest, n_pixels = int(photons.count.max(initial=0)), photons.shape[0] * photons.shape[1]
    if largest > MOST_PHOTONS or photons.n_frames > MOST_FRAMES or n_pixels > MOST_PIXELS:
        raise OptionError(
            "a Rigaku file can't hold the series",
            got=f"{largest} photons, {photons.n_frames} frames, {n_pixels} pixels",
            expected=f"at most {MOST_PHOTONS} photons, {MOST_FRAMES} frames, {MOST_PIXELS} pixels",
        )


def write_rigaku500k(path: str | PathLike[str], frames: Frames) -> Path:
    """Write a series as the Rigaku 500k does (``.bin``): one 64-bit word for each pixel and frame with photons.

    The format knows neither the shape nor the number of frames: a reader sees the series end with the last photon.

    Parameters
    ----------
    path
        File to write; an existing one is replaced.
    frames
        Event list or array (frames, rows, columns), as a rule of 512 x 1024 pixels.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OptionError
        If counts, frames or pixels do not fit the bits they have.
    """
    photons = as_events(frames)
    _check(photons)
    path = Path(path)
    _words(photons.pixel, photons.frame, photons.count).tofile(path)
    return path


def write_rigaku3m(path: str | PathLike[str], frames: Frames, *, shifted: tuple[int, ...] = ()) -> Path:
    """Write a series as the Rigaku 3M does: six files, one a module.

    Parameters
    ----------
    path
        The first file, ``<name>.bin.000``; the others lie beside it. Existing files are replaced.
    frames
        Event list or array of 1676 x 2100 pixels, with no photons in the gaps between the modules.
    shifted
        Files (0 to 5) whose pixel numbers begin at 1024**2, as those of some modules do.

    Returns
    -------
    Path
        The first file.

    Raises
    ------
    OptionError
        If the name or shape is another, a photon lies in a gap, or counts or frames do not fit the bits they have.
    """
    path = Path(path)
    if not path.name.endswith(".bin.000"):
        raise OptionError("the first file of a Rigaku 3M series is named *.bin.000", got=path.name)
    photons = as_events(frames)
    if photons.shape != SHAPE_3M:
        raise OptionError("not the frame of a Rigaku 3M", got=photons.shape, expected=SHAPE_3M)
    # The pixel numbers of a module always fit: only counts and frames can be too large.
    _check(EventList(photons.pixel, photons.frame, photons.count, photons.n_frames, (MODULE_ROWS, MODULE_COLUMNS)))
    row, column = np.divmod(photons.pixel, np.uint32(SHAPE_3M[1]))
    place_row, row = np.divmod(row, np.uint32(MODULE_ROWS + GAP_ROWS))
    place_column, column = np.divmod(column, np.uint32(MODULE_COLUMNS + GAP_COLUMNS))
    in_gap = (row >= MODULE_ROWS) | (column >= MODULE_COLUMNS)
    if in_gap.any():
        first = int(np.argmax(in_gap))
        raise OptionError(
            "a photon lies in a gap between the modules",
            got=f"pixel {photons.pixel[first]} in frame {photons.frame[first]} (and {in_gap.sum() - 1} more)",
        )
    number = np.array(FILES, dtype=np.uint8)[place_row, place_column]
    pixel = row * np.uint32(MODULE_COLUMNS) + column
    for file in range(6):
        here = number == file
        offset = np.uint32(SECOND_HALF if file in shifted else 0)
        words = _words(pixel[here] + offset, photons.frame[here], photons.count[here])
        words.tofile(path.with_name(f"{path.name[:-3]}{file:03d}"))
    return path
