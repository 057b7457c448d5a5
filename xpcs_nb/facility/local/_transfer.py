"""Transfer between folders that stand for collections: every copy is checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xpcs_nb.errors import MissingFileError
from xpcs_nb.facility.local._copy import copy_file, remove_leftovers, same_content, sha256_of

__all__ = ["TransferredFile", "transfer"]


@dataclass(frozen=True)
class TransferredFile:
    """A file that arrived: where it lies, its size in bytes, and its sha256."""

    path: Path
    size: int
    sha256: str


def transfer(files: Iterable[Path], folder: Path) -> list[TransferredFile]:
    """Copy `files` into `folder` and compare both ends.

    A file appears under its name only when it is complete; one that is there already with the same content is
    left alone, so that a repeated transfer costs a read and no write.

    Raises
    ------
    MissingFileError
        A source file is not there.
    WriteError
        The copy could not be written (space, permission).
    CorruptDataError
        The copy differs from its source.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    return [_transfer_one(Path(path), folder / Path(path).name) for path in files]


def _transfer_one(source: Path, target: Path) -> TransferredFile:
    if not source.is_file():
        raise MissingFileError("no such file to transfer", path=source)
    if target.is_file() and same_content(source, target):
        checksum = sha256_of(target)
    else:
        checksum = copy_file(source, target, checksum=True) or ""
    return TransferredFile(target, target.stat().st_size, checksum)
