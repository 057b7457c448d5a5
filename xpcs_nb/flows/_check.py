"""What can be known before a run is started: are the files there, do they open, do the options make sense."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xpcs_nb.core import ReductionOptions
from xpcs_nb.errors import MissingFileError, OptionError, XpcsError

__all__ = ["Dataset", "check_dataset", "datasets_of", "find_dataset", "reduction_options", "unseen_dataset"]


@dataclass(frozen=True)
class Dataset:
    """A measured series: its name, raw files (the first stands for all), metadata file, and what that says."""

    name: str
    files: tuple[Path, ...]
    metadata: Path | None
    measured: Mapping[str, Any]

    @property
    def raw(self) -> Path:
        """The raw file."""
        return self.files[0]


def reduction_options(given: Mapping[str, Any]) -> ReductionOptions:
    """Return the options of a reduction.

    Raises
    ------
    OptionError
        One is unknown, or has a value that can't be used.
    """
    unknown = sorted(set(given) - set(ReductionOptions.__dataclass_fields__))
    if unknown:
        raise OptionError(
            "no such option", got=", ".join(unknown), expected=", ".join(ReductionOptions.__dataclass_fields__)
        )
    return ReductionOptions(**given)


def check_dataset(raw: Path, qmap: Path, metadata: Path | None, options: ReductionOptions) -> Dataset:
    """Open everything of a dataset and return it.

    Raises
    ------
    XpcsError
        A file is missing or can't be used, or the qmap or the options do not fit the frames.
    """
    from xpcs_nb.frames import open_frames
    from xpcs_nb.hdf5 import find_metadata, read_metadata
    from xpcs_nb.qmap import QMap

    partition = QMap.from_file(qmap)
    with open_frames(raw, shape=partition.shape) as source:
        partition.validate(shape=source.shape)
        options.frame_range(source.n_frames)
        files = tuple(Path(each) for each in source.files)
    found = metadata or find_metadata(raw)
    return _dataset(raw, files, found, read_metadata(found))


def find_dataset(raw: Path) -> Dataset:
    """Return a dataset of a batch; what can't be opened is left to fail alone, with its reason, in its run.

    Raises
    ------
    MissingFileError
        There is no such file.
    """
    from xpcs_nb.frames import open_frames
    from xpcs_nb.hdf5 import find_metadata, read_metadata

    if not raw.is_file():
        raise MissingFileError("no such raw file", path=raw)
    try:
        with open_frames(raw) as source:
            files = tuple(Path(each) for each in source.files)
    except XpcsError:
        files = (raw,)
    try:
        metadata = find_metadata(raw)
        return _dataset(raw, files, metadata, read_metadata(metadata))
    except XpcsError:
        return _dataset(raw, files, None, None)


def unseen_dataset(raw: Path, metadata: Path | None = None, files: tuple[Path, ...] = ()) -> Dataset:
    """Return a dataset that can't be looked at from here, by the names that its files have as a rule."""
    from xpcs_nb.results import dataset_name

    name = dataset_name(raw)
    others = tuple(path for path in files if path != raw)
    return Dataset(name, (raw, *others), metadata or raw.with_name(f"{name}_metadata.hdf"), {})


def _dataset(raw: Path, files: tuple[Path, ...], metadata: Path | None, content: Any) -> Dataset:
    from xpcs_nb.flows._describe import measured_values
    from xpcs_nb.results import dataset_name

    # The reduction names the raw file that was given; it may be any of a group.
    ordered = (raw.absolute(), *(path.absolute() for path in files if path.absolute() != raw.absolute()))
    measured = measured_values(content) if content is not None else {}
    return Dataset(dataset_name(raw), ordered, metadata.absolute() if metadata else None, measured)


def datasets_of(given: str | Path | Iterable[str | Path]) -> list[Path]:
    """Return the raw files that a list, a glob pattern, or a manifest file (one path a line, # for comments) names.

    Raises
    ------
    MissingFileError
        There is no such manifest, or nothing matches the pattern.
    OptionError
        A file is named twice, or there is none.
    """
    if isinstance(given, str | Path):
        paths = _pattern(str(given)) if glob.has_magic(str(given)) else _manifest(Path(given))
    else:
        paths = [Path(each) for each in given]
    _no_doubles(paths)
    return [path.absolute() for path in paths]


def _pattern(pattern: str) -> list[Path]:
    # Metadata and qmaps lie beside raw files as a rule.
    found = [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]
    raw = [path for path in found if path.is_file() and not path.name.endswith(("_metadata.hdf", "_qmap.hdf"))]
    if not raw:
        raise MissingFileError("no raw file matches the pattern", got=pattern)
    return raw


def _manifest(path: Path) -> list[Path]:
    if not path.is_file():
        raise MissingFileError(
            "no such manifest", path=path, expected="a text file with the path of a raw file in each line"
        )
    try:
        lines = path.read_text().splitlines()
    except UnicodeDecodeError:
        raise OptionError("a manifest is a text file with the path of a raw file in each line", path=path) from None
    names = [line.strip() for line in lines]
    return [path.parent / name for name in names if name and not name.startswith("#")]


def _no_doubles(paths: Sequence[Path]) -> None:
    if not paths:
        raise OptionError("no dataset is given", expected="at least one raw file")
    doubles = sorted(str(path) for path, times in Counter(paths).items() if times > 1)
    if doubles:
        raise OptionError("datasets are named twice", got=", ".join(doubles[:5]))
