"""What is known of a job, as a file in its folder: whoever reads it, from any process, sees the job as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from xpcs_nb.errors import CorruptDataError
from xpcs_nb.hdf5 import atomic_file

__all__ = ["JOB", "JobState", "State", "now", "read_state", "write_json"]

JOB = "job.json"
#: ``killed``: its process was ended from outside; it is tried again.
State = Literal["waiting", "running", "succeeded", "failed", "killed", "interrupted"]


@dataclass(frozen=True, kw_only=True)
class JobState:
    """A job of a batch: what it is, and how it goes.

    Attributes
    ----------
    folder
        Name of its folder, made of the dataset's name and the key.
    label
        The dataset's name.
    key
        Sha256 of `parts`: two jobs with the same key make the same.
    parts
        ``recipe`` (checksum), ``parameters``, ``inputs`` (checksum by path), ``versions``.
    state
        ``waiting``, ``running``, ``succeeded``, ``failed``, ``killed`` or ``interrupted``.
    attempt
        Name of the attempt; who has another has nothing to say any more.
    host, worker
        Where it runs or ran.
    started, ended
        ISO times, UTC.
    cell
        Number of the code cell that failed, from 1.
    reason
        Why it failed.
    values
        What the recipe saved.
    result, figures
        Names of files in its folder.
    """

    folder: str
    label: str
    key: str
    parts: Mapping[str, Any]
    state: State = "waiting"
    attempt: str = ""
    host: str = ""
    worker: int = 0
    started: str | None = None
    ended: str | None = None
    cell: int | None = None
    reason: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    result: str | None = None
    figures: Mapping[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """How long it took, or has taken so far."""
        if self.started is None:
            return None
        end = datetime.fromisoformat(self.ended) if self.ended else datetime.now(UTC)
        return (end - datetime.fromisoformat(self.started)).total_seconds()

    def with_(self, **changes: Any) -> JobState:
        """Return the job with some changes."""
        return replace(self, **changes)

    def write(self, folder: Path) -> None:
        """Write it to the folder of the job."""
        write_json(folder / JOB, asdict(self))


def read_state(folder: Path) -> JobState | None:
    """Return the job of a folder; None where there is none yet.

    Raises
    ------
    CorruptDataError
        The file can't be read.
    """
    path = folder / JOB
    try:
        return JobState(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise CorruptDataError(
            "this does not say how a job went", path=path, got=error, hint="Remove its folder to run the job again."
        ) from error


def write_json(path: Path, value: Any) -> None:
    """Write JSON that is there whole or not at all."""
    with atomic_file(path, overwrite=True) as part:
        part.write_text(json.dumps(value, indent=1, default=str))


def now() -> str:
    """Return the time, UTC, as ISO has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
