"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from xpcs_nb.errors import ResultExistsError, WriteError, XpcsError

__all__ = ["atomic_file"]


@contextmanager
def atomic_file(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary name in the same folder; on leaving without error the file takes its final name.

    The content is on disk (fsync) before the name changes, so a crash leaves either the old file or the new one.
    Parts that killed processes of this machine left for the same name are removed.

    Parameters
    ----------
    path
        Final name.
    overwrite
        Replace a file of that name; otherwise it is refused, also when it appeared in the meantime.

    Raises
    ------
    ResultExistsError
        The final name is taken.
    WriteError
        The folder or file can't be written (permission, space); what stood there is untouched.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
    except OSError as error:
        raise WriteError("the folder can't be made or written", path=path.parent, got=_reason(error)) from error
    if path.exists() and not overwrite:
        raise _taken(path)
    part = path.with_name(f".{path.name}.{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}.part")
    try:
        yield part
        _sync(part)
        if overwrite:
            part.replace(path)
        else:
            _place_new(part, path)
        _sync(path.parent)
    except XpcsError:
        raise
    except OSError as error:
        raise WriteError(
            "the file could not be written",
            path=path,
            got=f"{_reason(error)} {_how_far(part)}",
            expected="free space and permission to write",
            hint="What stood there before is untouched.",
        ) from error
    finally:
        # A full disk can make even this fail; the part is then found by the next write.
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _place_new(part: Path, path: Path) -> None:
    """Give `part` its final name without replacing a file that appeared meanwhile."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise _taken(path) from None
    except OSError:
        # Some network file systems have no hard links; there the check and the rename are two steps.
        if path.exists():
            raise _taken(path) from None
        part.replace(path)


def _taken(path: Path) -> ResultExistsError:
    return ResultExistsError("a file of this name exists", path=path, hint="Choose another name, or overwrite=True.")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_leftovers(path: Path) -> None:
    """Remove parts of this name whose process on this machine is gone."""
    # The whole name is matched: a file name may hold "[", and "host-2" is another machine than "host".
    ours = re.compile(re.escape(f".{path.name}.{socket.gethostname()}-") + r"(\d+)-[0-9a-f]{8}\.part")
    for part in path.parent.iterdir():
        found = ours.fullmatch(part.name)
        if found and not _alive(int(found[1])):
            part.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _how_far(part: Path) -> str:
    """Say how much was written and how much room the disk has; nothing where that can't be told."""
    try:
        return f"after {part.stat().st_size:,} bytes, with {shutil.disk_usage(part.parent).free:,} bytes free"
    except OSError:
        return ""


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
