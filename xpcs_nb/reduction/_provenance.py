"""What a result says about how it was made."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from xpcs_nb.core import FrameRange, ReductionOptions

__all__ = ["Fingerprints", "fingerprint", "provenance", "versions"]

#: Files beyond this are identified by size, time and the hash of their first and last MiB: to read a hundred
#: gigabytes twice would cost more than the correlation.
FULL_HASH_BYTES = 8 << 30

_MIB = 1 << 20
_PACKAGES = ("xpcs-nb", "numpy", "h5py", "hdf5plugin", "numba", "boost-corr", "torch")


class Fingerprints:
    """Checksums of the input files, taken by a thread of its own while the frames are correlated.

    Parameters
    ----------
    files
        The files to identify.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fingerprint")
        self._pending = [self._pool.submit(fingerprint, path) for path in dict.fromkeys(files)]
        # also there, as looking them up takes a while the first time
        self._pool.submit(versions)
        self._pool.shutdown(wait=False)

    def collect(self) -> list[dict[str, Any]]:
        """Wait for the checksums and return one document a file."""
        return [pending.result() for pending in self._pending]


def fingerprint(path: Path, full: int = FULL_HASH_BYTES) -> dict[str, Any]:
    """Return path, size, modification time (UTC) and sha256 of a file (of its ends, beyond `full` bytes)."""
    status = path.stat()
    document: dict[str, Any] = {
        "path": str(path.absolute()),
        "size": status.st_size,
        "modified": datetime.fromtimestamp(status.st_mtime, UTC).isoformat(),
    }
    with path.open("rb") as stream:
        if status.st_size <= full:
            return document | {"sha256": hashlib.file_digest(stream, "sha256").hexdigest()}
        ends = hashlib.sha256(stream.read(_MIB))
        stream.seek(-_MIB, 2)
        ends.update(stream.read(_MIB))
    return document | {"sha256_of_first_and_last_mib": ends.hexdigest()}


def provenance(
    *,
    options: ReductionOptions,
    engine: str,
    device: str,
    qmap_hash: str,
    frames: FrameRange,
    inputs: Fingerprints,
    seconds: dict[str, float],
    notes: list[str],
) -> dict[str, Any]:
    """Return everything that made a result as one JSON-able document."""
    return {
        "options": options.as_config(),
        "engine": engine,
        "device": device,
        "frames": asdict(frames),
        "qmap_hash": qmap_hash,
        "inputs": inputs.collect(),
        "versions": versions(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": {stage: round(value, 4) for stage, value in seconds.items()},
        "notes": notes,
    }


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that make results."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
