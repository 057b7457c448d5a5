"""Where an HDF5 file keeps its frames: one dataset, the links of an Eiger master file, or a virtual dataset."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py

from xpcs_nb.errors import CorruptDataError, FileFormatError, MissingFileError, MissingKeyError
from xpcs_nb.frames._hdf5_file import Stretch, open_hdf5
from xpcs_nb.frames._hdf5_virtual import whole_frame_sources

__all__ = ["find_stretches", "source_files"]

#: Searched in this order: APS 8-ID and Eiger data files, older Eiger data files, older Eiger master files.
PLACES = ("/entry/data/data", "/entry/data", "/entry")
LINKED = re.compile(r"data_(\d+)$")


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
    return whole_frame_sources(dataset, own) or [Stretch(own, dataset.name, 0, len(dataset))]


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
