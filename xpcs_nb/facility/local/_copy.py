"""A copy that is compared with its source while it is made."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from xpcs_nb.errors import CorruptDataError, MissingFileError, WriteError

__all__ = ["copy_file", "remove_leftovers", "same_content", "sha256_of"]

CHUNK = 4 * 2**20


def copy_file(
    source: Path, target: Path, *, checksum: bool = False, progress: Callable[[int], None] = lambda read: None
) -> str | None:
    """Copy a file; it takes its name when all of it is on disk and agrees with the source, read back.

    The copy has the source's time of modification. A file of that name is replaced.

    Parameters
    ----------
    source, target
        Files; the folder of `target` must exist.
    checksum
        Return the sha256 of the content.
    progress
        Called with the number of bytes of each piece copied; what it raises ends the copy and leaves nothing.

    Raises
    ------
    MissingFileError
        There is no file `source`.
    WriteError
        The copy could not be written (space, permission).
    CorruptDataError
        The copy differs from its source, or the source changed meanwhile.
    """
    try:
        stream = source.open("rb", buffering=0)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingFileError("no such file to transfer", path=source) from error
    except OSError as error:
        raise MissingFileError("the file to transfer can't be read", path=source, got=error.strerror) from error
    part = target.with_name(f".{target.name}.{socket.gethostname()}-{os.getpid()}-{threading.get_ident()}.part")
    with stream:
        before = os.fstat(stream.fileno())
        try:
            digest = _copy(stream, part, progress, checksum=checksum)
            _check_unchanged(source, before, os.fstat(stream.fileno()))
            os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns))
            part.replace(target)
        except CorruptDataError as error:
            raise error.with_place(path=target) from None
        except OSError as error:
            raise WriteError(
                f"could not copy {source}: {error.strerror}",
                path=target,
                expected=f"{before.st_size} bytes of free space and permission to write",
            ) from error
        finally:
            part.unlink(missing_ok=True)
    return digest


def remove_leftovers(folder: Path) -> None:
    """Remove what copies by killed processes of this machine left in a folder."""
    ours = re.compile(r"\..+\." + re.escape(socket.gethostname()) + r"-(\d+)-\d+\.part")
    for part in folder.iterdir():
        found = ours.fullmatch(part.name)
        if found and not _is_alive(int(found[1])):
            part.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # It is another user's.
        return True
    return True


def _copy(source: BinaryIO, part: Path, progress: Callable[[int], None], *, checksum: bool) -> str | None:
    # While one piece is written and read back, a thread hashes the one before.
    digest = hashlib.sha256()
    hashing: Future[None] | None = None
    pieces = [memoryview(bytearray(CHUNK)) for _ in range(2)]
    back = bytearray(CHUNK)
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
    with ThreadPoolExecutor(1) as hasher, os.fdopen(descriptor, "r+b", buffering=0) as target:
        position = 0
        while count := source.readinto(pieces[0]):  # type: ignore[attr-defined]
            piece = pieces[0][:count]
            _write(target.fileno(), piece)
            # Bytes are compared as they lie in memory; two memory views would be, much slower, number by number.
            if os.preadv(target.fileno(), [back], position) != count or back[:count] != piece:
                raise CorruptDataError("the copy differs from its source", got=f"other bytes from {position} on")
            if hashing is not None:
                hashing.result()
            hashing = hasher.submit(digest.update, piece) if checksum else None
            position += count
            pieces.reverse()
            progress(count)
        os.fsync(target.fileno())
    return digest.hexdigest() if checksum else None


def _check_unchanged(source: Path, before: os.stat_result, after: os.stat_result) -> None:
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise CorruptDataError("the file changed while it was copied", path=source)


def _write(descriptor: int, piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(descriptor, piece) :]


def same_content(one: Path, other: Path) -> bool:
    """Tell whether two files have the same bytes."""
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb", buffering=0) as left, other.open("rb", buffering=0) as right:
        while piece := left.read(CHUNK):
            if piece != right.read(CHUNK):
                return False
    return True


def sha256_of(path: Path) -> str:
    """Return the checksum of a file, 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
