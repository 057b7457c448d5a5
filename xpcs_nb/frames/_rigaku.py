"""Rigaku XSPA detectors: one module of 512 x 1024 pixels (500k), or six with gaps between them (3M)."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import EventList
from xpcs_nb.errors import CorruptDataError, MissingFileError
from xpcs_nb.frames._rigaku_words import RigakuWords
from xpcs_nb.frames._sparse import SparseSource

__all__ = ["MODULE_SHAPE", "SHAPE_3M", "Rigaku3mSource", "Rigaku500kSource", "is_rigaku3m_name", "module_corner"]

MODULE_SHAPE = (512, 1024)
#: Rows between modules above each other, columns between modules side by side.
GAP = (70, 52)
#: Number of the file (``.bin.000`` ...) that fills each place, row by row: three rows of two modules.
PLACES = (5, 0, 4, 1, 3, 2)
SHAPE_3M = (3 * MODULE_SHAPE[0] + 2 * GAP[0], 2 * MODULE_SHAPE[1] + GAP[1])
MODULE_NAME = re.compile(r"\.bin\.00([0-5])$")
#: A module that should have had this many photons more is cut short: the chance of none is exp(-50).
MISSED_PHOTONS = 50


def is_rigaku3m_name(path: Path) -> bool:
    """Tell whether a name is that of one of the six files of a Rigaku 3M series."""
    return MODULE_NAME.search(path.name) is not None


def module_corner(number: int) -> tuple[int, int]:
    """Return row and column in the frame of the first pixel of the module in file ``.bin.00<number>``."""
    row, column = divmod(PLACES.index(number), 2)
    return row * (MODULE_SHAPE[0] + GAP[0]), column * (MODULE_SHAPE[1] + GAP[1])


class Rigaku500kSource(SparseSource):
    """One file. Frames after the last photon leave no trace in it: the series ends with the last photon."""

    def __init__(self, path: Path, shape: tuple[int, int] | None = None) -> None:
        self._words = RigakuWords(path)
        if not self._words.n_events:
            raise CorruptDataError("the file is empty", path=path, expected="at least one event of 8 bytes")
        super().__init__(
            path=path,
            format="rigaku500k",
            shape=shape or MODULE_SHAPE,
            n_frames=self._words.last_frame + 1,
            dtype=np.dtype(np.uint16),
            files=(path,),
        )

    def events(self, start: int, stop: int) -> EventList:
        """Return the photons of frames ``start:stop``, frame by frame.

        Raises
        ------
        CorruptDataError
            If frames are not in order, or a pixel lies outside the detector; it names frame and event.
        """
        self._check_range(start, stop)
        columns = self._words.read(start, stop, self.shape[0] * self.shape[1])
        return EventList(*columns, self.n_frames, self.shape)


class Rigaku3mSource(SparseSource):
    """Six files, one a module, opened by any of them; the gaps between the modules are blemished.

    A module without any photon is blemished as well, and a warning names it. A module whose photons end long before
    those of the others was cut short, and is an error.
    """

    def __init__(self, path: Path) -> None:
        files = tuple(path.with_name(f"{path.name[:-3]}00{number}") for number in range(6))
        for file in files:
            if not file.is_file():
                raise MissingFileError(
                    "a module file of the Rigaku 3M series is missing",
                    path=file,
                    expected=f"six files {files[0].name} to {files[-1].name[-4:]}",
                    hint="Copy it beside the others.",
                )
        self._modules = tuple(RigakuWords(file) for file in files)
        n_frames = max(module.last_frame for module in self._modules) + 1
        if not n_frames:
            raise CorruptDataError("the six module files are empty", path=files[0])
        super().__init__(
            path=files[0],
            format="rigaku3m",
            shape=SHAPE_3M,
            n_frames=n_frames,
            dtype=np.dtype(np.uint16),
            files=files,
        )
        for module in self._modules:
            if module.n_events:
                self._refuse_cut_short(module)
            else:
                warnings.warn(f"{module.path} is empty: its pixels are taken as dead", stacklevel=3)

    def _refuse_cut_short(self, module: RigakuWords) -> None:
        others = [other for other in self._modules if other is not module]
        before = sum(other.first_event(module.last_frame + 1) for other in others)
        after = sum(other.n_events for other in others) - before
        if after and module.n_events * after > MISSED_PHOTONS * max(before, 1):
            raise CorruptDataError(
                "the module file ends early",
                path=module.path,
                where=f"frame {module.last_frame}",
                got=f"{module.n_events} events, none after frame {module.last_frame}",
                expected=f"about {module.n_events * after // max(before, 1)} more up to frame {self.n_frames - 1}, "
                "where the other modules end",
                hint="Copy the file again.",
            )

    @property
    def blemish(self) -> NDArray[np.bool_]:
        """False in the gaps and in modules without photons, shape (1676, 2100)."""
        good = np.zeros(self.shape, dtype=np.bool_)
        for number, module in enumerate(self._modules):
            row, column = module_corner(number)
            good[row : row + MODULE_SHAPE[0], column : column + MODULE_SHAPE[1]] = module.n_events > 0
        return good

    def events(self, start: int, stop: int) -> EventList:
        """Return the photons of frames ``start:stop``, module by module, each frame by frame.

        Raises
        ------
        CorruptDataError
            If frames are not in order, or a pixel lies outside its module; it names file, frame and event.
        """
        self._check_range(start, stop)
        most = sum(module.first_event(stop) - module.first_event(start) for module in self._modules)
        pixel = np.empty(most, dtype=np.uint32)
        frame = np.empty(most, dtype=np.uint32)
        count = np.empty(most, dtype=np.uint16)
        done = 0
        for number, module in enumerate(self._modules):
            columns = module.read(start, stop, MODULE_SHAPE[0] * MODULE_SHAPE[1])
            end = done + len(columns[0])
            pixel[done:end], frame[done:end], count[done:end] = _in_frame(columns[0], number), columns[1], columns[2]
            done = end
        return EventList(pixel[:done], frame[:done], count[:done], self.n_frames, self.shape)


def _in_frame(pixel: NDArray[np.uint32], number: int) -> NDArray[Any]:
    """Turn pixel numbers of a module into those of the frame."""
    row, column = module_corner(number)
    further = pixel // np.uint32(MODULE_SHAPE[1])
    further *= np.uint32(SHAPE_3M[1] - MODULE_SHAPE[1])
    further += np.uint32(row * SHAPE_3M[1] + column)
    further += pixel
    return further
