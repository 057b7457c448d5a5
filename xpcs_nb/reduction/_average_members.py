"""The results that an average is made of: looked at one by one, so that any number of them fits in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.analysis import grid_difference
from xpcs_nb.core import QMapArrays
from xpcs_nb.errors import MissingFileError, OptionError, QMapError, XpcsError
from xpcs_nb.hdf5 import hash_qmap, read_qmap
from xpcs_nb.results import open_result

__all__ = ["Members", "open_members"]

type Floats = NDArray[np.float64]

LAYOUT = "aps-8idi"


@dataclass
class Members:
    """g2 and its errors of many results, in a temporary file; everything else stays where it is.

    Attributes
    ----------
    paths
        Results that could be read, in the order given.
    unreadable
        Reason by path, for those that could not.
    first
        Multi-tau dataset of the first result: its delays and bins are those of all.
    qmap
        Mask and partition, those of all.
    """

    paths: list[Path]
    unreadable: dict[Path, str]
    first: xr.Dataset
    qmap: QMapArrays
    _folder: tempfile.TemporaryDirectory[str] = field(repr=False)
    _g2: np.memmap[tuple[int, ...], np.dtype[np.float64]] = field(repr=False)
    _err: np.memmap[tuple[int, ...], np.dtype[np.float64]] = field(repr=False)
    _has_cov: bool = True

    def __len__(self) -> int:
        return len(self.paths)

    def g2(self, repeat: int) -> Floats:
        """Return g2 of one result, shape (T, D)."""
        return np.array(self._g2[repeat])

    def err(self, repeat: int) -> Floats:
        """Return its error, shape (T, D)."""
        return np.array(self._err[repeat])

    def cov(self, repeat: int) -> Floats | None:
        """Return its covariance between delays, shape (D, T, T); None if any of the results has none."""
        if not self._has_cov:
            return None
        found = open_result(self.paths[repeat])["multitau"]["g2_cov"].transpose("bin", "delay", ...)
        return np.asarray(found.to_numpy(), dtype=np.float64)

    def add(self, path: Path, data: xr.Dataset) -> None:
        """Keep g2 and errors of one more result."""
        place = len(self.paths)
        self._g2[place] = data["g2"].transpose("delay", "bin").to_numpy()
        self._err[place] = data["g2_err"].transpose("delay", "bin").to_numpy()
        self._has_cov &= "g2_cov" in data
        self.paths.append(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()


def open_members(paths: Sequence[Path], told: Callable[[int], None]) -> Members:
    """Look at all results once; `told` is called with 1 after each.

    Raises
    ------
    MissingFileError
        If a result is not there: a mistyped name should not go unseen.
    OptionError, QMapError
        If a result has other delays, frames or bins than the first one, another qmap, or no multi-tau g2.
    XpcsError
        If none can be read: the reason of the first.
    """
    folder = tempfile.TemporaryDirectory(prefix="xpcs_nb_average_")
    try:
        return _look(paths, told, folder)
    except BaseException:
        folder.cleanup()
        raise


def _look(paths: Sequence[Path], told: Callable[[int], None], folder: tempfile.TemporaryDirectory[str]) -> Members:
    members: Members | None = None
    unreadable: dict[Path, str] = {}
    problem: XpcsError | None = None
    known_hash, n_frames = "", 0
    for path in paths:
        try:
            tree = open_result(path)
            data = _multitau(tree, path)
            frames = int(tree["saxs"].sizes["time"])
            qmap_hash = str(tree["qmap"].attrs.get("hash", ""))
        except (MissingFileError, OptionError):
            raise
        except XpcsError as error:
            unreadable[path] = f"can't be read: {error}"
            problem = problem or error
            told(1)
            continue
        if members is None:
            qmap = read_qmap(path)
            known_hash, n_frames = qmap_hash, frames
            members = _new(len(paths), data, qmap, folder)
        else:
            _refuse_other(members, path, data, frames, n_frames)
            if not qmap_hash or qmap_hash != known_hash:
                _refuse_other_qmap(members.qmap, path, members.paths[0])
        members.add(path, data)
        told(1)
    if members is None:
        raise problem or OptionError("there is nothing to average", where="results", expected="result files")
    members.unreadable = unreadable
    return members


def _multitau(tree: xr.DataTree, path: Path) -> xr.Dataset:
    if tree.attrs["layout"] != LAYOUT:
        raise OptionError(
            "results of this layout are not averaged", path=path, got=tree.attrs["layout"], expected=LAYOUT
        )
    if "multitau" not in tree.children or "g2_err" not in tree["multitau"]:
        raise OptionError("the result has no multi-tau g2 with errors", path=path, expected="type multitau or both")
    return tree["multitau"].to_dataset()


def _new(n: int, data: xr.Dataset, qmap: QMapArrays, folder: tempfile.TemporaryDirectory[str]) -> Members:
    shape = (n, data.sizes["delay"], data.sizes["bin"])
    stacks = [
        np.memmap(Path(folder.name) / name, dtype=np.float64, mode="w+", shape=shape) for name in ("g2", "g2_err")
    ]
    return Members([], {}, data, qmap, folder, stacks[0], stacks[1])


def _refuse_other(members: Members, path: Path, data: xr.Dataset, frames: int, n_frames: int) -> None:
    difference = grid_difference(members.first, data)
    if difference is None and frames != n_frames:
        difference = f"{frames} frames instead of {n_frames}"
    if difference is not None:
        raise OptionError(
            "this result can't be averaged with the first one",
            path=path,
            got=difference,
            expected=f"delays and bins of {members.paths[0]}",
        )


def _refuse_other_qmap(first: QMapArrays, path: Path, first_path: Path) -> None:
    other = read_qmap(path)
    if hash_qmap(other) == hash_qmap(first):
        return
    for name in ("dynamic_roi_map", "static_roi_map", "mask"):
        mine, its = getattr(first, name), getattr(other, name)
        if mine.shape != its.shape:
            difference = (
                f"{name} of {its.shape[0]} x {its.shape[1]} pixels instead of {mine.shape[0]} x {mine.shape[1]}"
            )
        elif (mine != its).any():
            difference = f"{name} differs in {int((mine != its).sum())} pixels"
        else:
            continue
        raise QMapError(
            "this result was made with another qmap", path=path, got=difference, expected=f"that of {first_path}"
        )
