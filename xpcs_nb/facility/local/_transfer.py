"""Transfer between folders that stand for collections: every copy is checked."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xpcs_nb.errors import CorruptDataError, MissingFileError, WriteError

__all__ = ["TransferredFile", "transfer"]


@dataclass(frozen=True)
class TransferredFile:
    """A file that arrived: where it lies, its size in bytes, and its sha256."""

    path: Path
    size: int
    sha256: str


def transfer(files: Iterable[Path], folder: Path) -> list[TransferredFile]:
    """Copy `files` into `folder` and compare the checksums of both ends.

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
    return [_transfer_one(Path(path), folder / Path(path).name) for path in files]


def _transfer_one(source: Path, target: Path) -> TransferredFile:
    if not source.is_file():
        raise MissingFileError("no such file to transfer", path=source)
    checksum = _sha256(source)
    size = source.stat().st_size
    if not (target.is_file() and target.stat().st_size == size and _sha256(target) == checksum):
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            shutil.copyfile(source, part)
            arrived = _sha256(part)
            if arrived != checksum:
                raise CorruptDataError("the copy differs from its source", path=target, got=arrived, expected=checksum)
            part.replace(target)
        except OSError as error:
            if isinstance(error, CorruptDataError):
                raise
            raise WriteError(
                f"could not copy {source}: {error.strerror}",
                path=target,
                expected=f"{size} bytes of free space and permission to write",
            ) from error
        finally:
            part.unlink(missing_ok=True)
    return TransferredFile(target, size, checksum)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
