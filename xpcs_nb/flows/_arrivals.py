"""Datasets that arrive in a folder: which there are, and what each of them still lacks."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from xpcs_nb.errors import XpcsError

__all__ = ["Arrivals", "Complete", "Fingerprint", "fingerprint"]

RAW = re.compile(r"\.(h5|hdf|hdf5|nxs|imm|bin|bin\.00[0-5])$")
#: What lies beside raw data without being a series of its own: metadata, results, the files that an Eiger master links.
NOT_RAW = re.compile(r"(_metadata\.hdf|_results(_\d+)?\.hdf|_data_\d+\.h5)$")
MODULE = re.compile(r"\.00[0-5]$")
METADATA = "_metadata.hdf"

#: (size in bytes, time of the last change in ns) of files, by path.
type Fingerprint = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Complete:
    """A dataset that is there: its raw file, the metadata file, and the fingerprint of all its raw files."""

    raw: Path
    metadata: Path
    files: Fingerprint


class Arrivals:
    """A folder, looked at again and again; polling works on network file systems, too.

    Parameters
    ----------
    folder
        Looked at with the folders in it, but for hidden ones.
    pattern
        Of raw files, relative to `folder`.
    settle
        Seconds for which no file of a dataset may have changed.
    """

    def __init__(self, folder: Path, pattern: str, settle: float) -> None:
        self._folder = folder
        self._pattern = pattern
        self._settle = settle
        self._seen: dict[Path, tuple[tuple[int, int], float]] = {}
        #: What could not be looked at the last time, and why: file servers have their moments.
        self.problems: dict[str, str] = {}

    def look(self, now: float) -> list[Path]:
        """Note the sizes and times of all files, and return the raw files, one for each dataset.

        Parameters
        ----------
        now
            Seconds, of any clock that only goes forward.
        """
        current: dict[Path, tuple[tuple[int, int], float]] = {}
        self.problems = {}
        for path, state in self._files():
            before = self._seen.get(path)
            current[path] = before if before is not None and before[0] == state else (state, now)
        self._seen = current
        wanted = set(self._folder.glob(self._pattern))
        raw = [path for path in current if path in wanted and RAW.search(path.name) and not NOT_RAW.search(path.name)]
        return sorted({path.with_suffix(".000") if MODULE.search(path.name) else path for path in raw})

    def judge(self, raw: Path, now: float) -> Complete | str:
        """Return the dataset of a raw file if all of it is there, readable and at rest; else what is waited for."""
        from xpcs_nb.frames import open_frames
        from xpcs_nb.hdf5 import find_metadata, read_metadata

        if raw not in self._seen:
            return f"{raw.name} is not there yet"
        if self._moving(raw, now):
            return f"{raw.name} is being written"
        try:
            # What it warns of, it warns of when it is processed.
            with warnings.catch_warnings(action="ignore"), open_frames(raw) as source:
                files = [raw, *(Path(each) for each in source.files)]
            metadata = find_metadata(raw)
            if not self._belongs(metadata, raw):
                return f"no metadata file is named as {raw.name}"
            moving = next((path for path in (*files, metadata) if self._moving(path, now)), None)
            if moving is not None:
                return f"{moving.name} is being written"
            read_metadata(metadata)
            return Complete(raw, metadata, fingerprint(files))
        except (XpcsError, OSError) as error:
            return str(error)

    def _files(self) -> Iterator[tuple[Path, tuple[int, int]]]:
        for folder, folders, names in self._folder.walk(on_error=self._note):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in names:
                path = folder / name
                if name.startswith("."):
                    continue
                try:
                    state = _state(path)
                except OSError as error:
                    self._note(error)
                    continue
                if state is not None:
                    yield path, state

    def _note(self, error: OSError) -> None:
        self.problems[str(error.filename)] = error.strerror or str(error)

    def _moving(self, path: Path, now: float) -> bool:
        state = _state(path)
        if path not in self._seen:
            # Linked from elsewhere: watched from now on
            if state is not None:
                self._seen[path] = (state, now)
            return True
        noted, since = self._seen[path]
        return state != noted or now - since < self._settle

    def _belongs(self, metadata: Path, raw: Path) -> bool:
        """Tell whether a metadata file is of this dataset, and not of one whose own has not come yet."""
        stem = metadata.name.removesuffix(METADATA)
        if raw.name.startswith(stem) and not raw.name[len(stem) :][:1].isalnum():
            return True
        others = [path for path in self._seen if path.parent == raw.parent and RAW.search(path.name)]
        names = {MODULE.sub("", path.name) for path in others if not NOT_RAW.search(path.name)}
        return len(names) == 1


def fingerprint(files: Mapping[str, object] | list[Path]) -> Fingerprint:
    """Return size and time of each file; those that are not there are left out."""
    states = {str(path): _state(Path(path)) for path in files}
    return {path: state for path, state in states.items() if state is not None}


def _state(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None  # it went away after it was listed
    return status.st_size, status.st_mtime_ns
