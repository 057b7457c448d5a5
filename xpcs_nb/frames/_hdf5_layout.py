"""Where an HDF5 file keeps its frames: one dataset, the links of an Eiger master file, or a virtual dataset."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from xpcs_nb.errors import CorruptDataError, FileFormatError, MissingFileError, MissingKeyError
from xpcs_nb.frames._chunks import require_filters, require_written

__all__ = ["Stretch", "find_stretches", "open_hdf5", "source_files"]

#: Searched in this order: APS 8-ID and Eiger data files, older Eiger data files, older Eiger master files.
PLACES = ("/entry/data/data", "/entry/data", "/entry")
#: What HDF5 says when another process holds the file's lock (EAGAIN).
HELD_BY_A_WRITER = f"errno = {errno.EAGAIN}"
LINKED = re.compile(r"data_(\d+)$")


@dataclass(frozen=True)
class Stretch:
    """Frames ``first..first + n_frames - 1`` of one dataset, shown as the next frames of the series."""

    path: Path
    dataset: str
    first: int
    n_frames: int


def open_hdf5(path: Path) -> h5py.File:
    """Open a file for reading, with locks where the file system has them.

    Raises
    ------
    MissingFileError
        If it is not there.
    CorruptDataError
        If HDF5 can't open it: truncated, damaged, or still being written.
    """
    if not path.is_file():
        raise MissingFileError("the file does not exist", path=path)
    try:
        return _open_with_or_without_locks(path)
    except OSError as error:
        text = str(error)
        if "truncated" in text:
            hint = "The file is shorter than it says: copy it again, or wait until it is completely written."
        elif "already open for" in text or HELD_BY_A_WRITER in text:
            hint = "It is still being written; if its writer has stopped without closing it, h5clear -s repairs it."
        else:
            hint = "Copy the file again, or check it with h5debug."
        raise CorruptDataError("HDF5 can't open the file", path=path, got=text, hint=hint) from error


def _open_with_or_without_locks(path: Path) -> h5py.File:
    # HDF5 refuses to open a file twice in one process with different settings of the locks, so the first try has the
    # default ones, as a file that is open in the user's notebook has. Some network file systems can't lock at all.
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if "lock" not in str(error) or HELD_BY_A_WRITER in str(error):
            raise
        return h5py.File(path, "r", locking=False)


def find_stretches(file: h5py.File, path: Path, dataset: str | None) -> list[Stretch]:
    """Return the datasets that make up the series, in frame order.

    Raises
    ------
    MissingKeyError
        If no dataset of frames is found; it lists the candidates.
    MissingFileError
        If a linked data file is not there.
    CorruptDataError
        If the linked files leave a gap.
    """
    for place in (dataset,) if dataset else PLACES:
        found = _resolve(file, path, place)
        if isinstance(found, h5py.Dataset):
            return _of_dataset(found, path)
        if isinstance(found, h5py.Group) and (names := _linked_names(found)):
            return _of_links(found, names, path)
    candidates = _candidates(file)
    raise MissingKeyError(
        "no frames found in the file",
        path=path,
        where=dataset or PLACES[0],
        got=f"datasets with three axes: {', '.join(candidates) or 'none'}",
        expected="a dataset (frames, rows, columns)",
        hint="Name it with dataset=..." if candidates else "Is this the raw file, and not the metadata or result file?",
    )


def _resolve(group: h5py.Group, path: Path, name: str) -> h5py.Dataset | h5py.Group | None:
    """Return what `name` stands for, None when there is nothing of that name; a broken link is an error."""
    try:
        return group[name]
    except KeyError as error:
        link = _link(group, name)
        if isinstance(link, h5py.ExternalLink):
            target = path.parent / link.filename
            if not target.is_file():
                raise MissingFileError(
                    "a linked data file is missing",
                    path=target,
                    hint=f"{path.name} links to it; both belong in the same folder.",
                ) from error
            with open_hdf5(target):
                raise MissingKeyError("a linked dataset is missing", path=target, where=link.path) from error
        return None
    except OSError as error:
        raise CorruptDataError("the entry can't be read", path=path, where=name, got=str(error)) from error


def _link(group: h5py.Group, name: str) -> Any:
    try:
        return group.get(name, getlink=True)
    except KeyError:
        return None


def _linked_names(group: h5py.Group) -> list[str]:
    numbered = [(int(match[1]), name) for name in group if (match := LINKED.match(name))]
    return [name for _, name in sorted(numbered)]


def _of_links(group: h5py.Group, names: list[str], path: Path) -> list[Stretch]:
    numbers = [int(name.rpartition("_")[2]) for name in names]
    gaps = sorted(set(range(numbers[0], numbers[-1])) - set(numbers))
    if gaps:
        raise CorruptDataError("a data file is not linked", path=path, where=f"data_{gaps[0]:06d}")
    stretches: list[Stretch] = []
    for name in names:
        found = _resolve(group, path, name)
        if not isinstance(found, h5py.Dataset):
            raise FileFormatError("the link leads to no dataset", path=path, where=f"{group.name}/{name}", got=found)
        stretches += _of_dataset(found, Path(found.file.filename))
    return stretches


def _of_dataset(dataset: h5py.Dataset, path: Path) -> list[Stretch]:
    if dataset.ndim != 3:
        raise FileFormatError(
            "the dataset does not hold frames", path=path, where=dataset.name, got=f"shape {dataset.shape}",
            expected="three axes (frames, rows, columns)",
        )  # fmt: skip
    # The dataset may be reached through a link, so its own file counts, not the one that was opened.
    own = Path(dataset.file.filename)
    if not dataset.is_virtual:
        return [Stretch(own, dataset.name, 0, len(dataset))]
    return _whole_frame_sources(dataset, own) or [Stretch(own, dataset.name, 0, len(dataset))]


def _whole_frame_sources(dataset: h5py.Dataset, path: Path) -> list[Stretch]:
    """Return the sources of a virtual dataset when each gives whole frames in order, else an empty list.

    HDF5 itself fills in zeros where a source is missing or short; reading the sources directly, or checking
    them here, turns that into an error.
    """
    rows, columns = dataset.shape[1:]
    stretches: list[Stretch] = []
    covered = 0
    whole = True
    elements = 0
    for source in sorted(dataset.virtual_sources(), key=lambda one: one.vspace.get_select_bounds()[0]):
        target = path if source.file_name == "." else path.parent / source.file_name
        shape = _source_shape(target, source.dset_name)
        points = source.vspace.get_select_npoints()
        low, high = _source_bounds(source.src_space, shape)
        taken = int(np.prod(shape)) if source.src_space.get_select_type() == h5py.h5s.SEL_ALL else points
        if len(shape) != len(high) or (high >= shape).any() or taken != points:
            raise CorruptDataError(
                "a source of the virtual dataset is too short",
                path=target,
                where=source.dset_name,
                got=f"shape {shape}",
                expected=f"{points} values, up to index {tuple(map(int, high))}",
            )
        begin, end = source.vspace.get_select_bounds()
        elements += points
        n_frames = end[0] - begin[0] + 1
        full = begin[1:] == (0, 0) and end[1:] == (rows - 1, columns - 1) and points == n_frames * rows * columns
        same = len(shape) == 3 and shape[1:] == (rows, columns) and high[0] - low[0] + 1 == n_frames
        whole = whole and full and same and begin[0] == covered
        covered = end[0] + 1
        stretches.append(Stretch(target, source.dset_name, int(low[0]), n_frames))
    if elements != dataset.size:
        where = f"frame {covered}" if whole else dataset.name
        raise CorruptDataError(
            "the sources of the virtual dataset do not cover it",
            path=path, where=where, got=f"{elements} values", expected=f"{dataset.size} values",
        )  # fmt: skip
    return stretches if whole else []


def _source_bounds(space: h5py.h5s.SpaceID, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last index that is taken along each axis of a source."""
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        # "All of it" has no bounds of its own until the source is looked at.
        return np.zeros(len(shape), dtype=np.int64), np.array(shape) - 1
    low, high = space.get_select_bounds()
    return np.array(low), np.array(high)


def _source_shape(path: Path, name: str) -> tuple[int, ...]:
    with open_hdf5(path) as file:
        if not isinstance(found := file.get(name), h5py.Dataset):
            raise MissingKeyError("a source of the virtual dataset is missing", path=path, where=name)
        require_filters(found, path)
        require_written(found, path)
        shape: tuple[int, ...] = found.shape
        return shape


def source_files(stretches: list[Stretch], path: Path) -> tuple[Path, ...]:
    """Return the master file and the data files, each once, in order."""
    with open_hdf5(stretches[0].path) as file:
        dataset = file[stretches[0].dataset]
        sources = [one.file_name for one in dataset.virtual_sources()] if dataset.is_virtual else []
    beside = [stretches[0].path.parent / name for name in sources if name != "."]
    return tuple(dict.fromkeys([path, *(stretch.path for stretch in stretches), *beside]))


def _candidates(file: h5py.File, most: int = 10) -> list[str]:
    names: list[str] = []

    def look(name: str, item: Any) -> bool | None:
        if isinstance(item, h5py.Dataset) and item.ndim == 3 and item.dtype.kind in "uif":
            names.append(f"/{name}")
        return True if len(names) >= most else None

    file.visititems(look)
    return names
