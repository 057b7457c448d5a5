"""The files that go into a job, and their checksums: each file is read once, as long as size and time stay the same."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from xpcs_nb.errors import XpcsError
from xpcs_nb.hdf5 import atomic_file
from xpcs_nb.recipes._recipe import Recipe
from xpcs_nb.recipes._values import is_address

__all__ = ["Checksums", "files_of_job"]

#: Files that are read at a time.
READERS = 4


def files_of_job(recipe: Recipe, values: Mapping[str, Any], checksums: Checksums) -> list[Path]:
    """Return the files that the values of a job name, with what belongs to a dataset: further raw files, metadata."""
    found: list[Path] = []
    for name, parameter in recipe.parameters.items():
        value = values[name]
        if parameter.meaning not in ("dataset", "file") or not value:
            continue
        for each in [value] if isinstance(value, str) else value:
            if parameter.meaning == "dataset" and is_address(each):
                continue
            found += checksums.group(Path(each)) if parameter.meaning == "dataset" else [Path(each)]
    return list(dict.fromkeys(found))


class Checksums:
    """Checksums of files, kept from one start of a batch to the next.

    Parameters
    ----------
    path
        Where they are kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: dict[str, list[Any]] = {}
        self._groups: dict[str, list[Any]] = {}
        self._changed = False
        if path.is_file():
            try:
                kept = json.loads(path.read_text())
                self._files, self._groups = kept["files"], kept["groups"]
            except (ValueError, KeyError, TypeError):
                # They are only a memory; what is unreadable is found anew.
                self._changed = True

    def group(self, raw: Path) -> list[Path]:
        """Return the files of a dataset: the raw ones, and the metadata; what can't be opened stands for itself."""
        stamp, kept = _stamp(raw), self._groups.get(str(raw))
        if kept is None or kept[:2] != stamp:
            kept = self._groups[str(raw)] = [*stamp, [str(path) for path in _members(raw)]]
            self._changed = True
        return [Path(name) for name in kept[2]]

    def take(self, paths: Iterable[Path]) -> dict[str, str]:
        """Return the sha256 of each file (of its ends, beyond 8 GiB), by its path."""
        from xpcs_nb.reduction import fingerprint

        wanted = dict.fromkeys(paths)
        new = [path for path in wanted if self._files.get(str(path), [])[:2] != _stamp(path)]
        with ThreadPoolExecutor(READERS) as pool:
            for path, document in zip(new, pool.map(fingerprint, new), strict=True):
                sha = document.get("sha256") or document["sha256_of_first_and_last_mib"]
                self._files[str(path)] = [*_stamp(path), sha]
                self._changed = True
        return {str(path): self._files[str(path)][2] for path in wanted}

    def keep(self) -> None:
        """Write what is new to the file."""
        if self._changed:
            with atomic_file(self._path, overwrite=True) as part:
                part.write_text(json.dumps({"files": self._files, "groups": self._groups}))
            self._changed = False


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _members(raw: Path) -> list[Path]:
    from xpcs_nb.frames import open_frames
    from xpcs_nb.hdf5 import find_metadata, is_result

    if is_result(raw):
        return [raw]
    try:
        with open_frames(raw) as source:
            files = [Path(each).absolute() for each in source.files]
    except XpcsError:
        # The job says what is wrong with it.
        files = []
    try:
        files.append(Path(find_metadata(raw)).absolute())
    except XpcsError:
        pass
    return list(dict.fromkeys([raw, *files]))
