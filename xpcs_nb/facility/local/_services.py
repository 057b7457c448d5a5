"""The services of this machine."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from xpcs_nb.errors import CorruptDataError, FacilityError, MissingFileError, SiteError
from xpcs_nb.facility.local._collections import LOCAL_COLLECTION, LOCAL_INDEX, inside, root_of
from xpcs_nb.facility.local._copy import sha256_of
from xpcs_nb.facility.local._flows import LocalFlows
from xpcs_nb.facility.local._launch import Launcher, ProcessLauncher, ThreadLauncher
from xpcs_nb.facility.local._paths import data_folder
from xpcs_nb.facility.local._work import ActionRefusedError, Around, Settings

if TYPE_CHECKING:
    from xpcs_nb.catalog import Catalog

__all__ = ["LocalServices"]

#: Seconds after which an engine without work ends.
IDLE = 120.0


class LocalServices:
    """Flow runs, functions, files and catalogue on this machine; several processes may use one home folder at once.

    Parameters
    ----------
    home
        Folder of runs and catalogue, on a disk of this machine (network file systems do not lock reliably); by default
        `data_folder`.
    collections
        Folders by the ids of the collections that they stand for; `LOCAL_COLLECTION`, all files, is always there.
    endpoints
        Ids by which definitions name this machine's compute endpoint, besides `LOCAL_ENDPOINT`.
    workers
        Tasks at a time; by default one for each core.
    executor
        ``processes``, or a Python file with a Parsl ``config``.
    index
        Id by which definitions name the catalogue, besides `LOCAL_INDEX`.
    gpus
        Ids for CUDA_VISIBLE_DEVICES; with them there is one worker for each.
    active
        Runs that are worked on at once; others wait.
    detached
        Whether a process of its own works on the runs, and goes on when this one ends; otherwise a thread does, and
        what it has not finished by `close` goes on with the next engine.
    idle
        Seconds without work after which that process ends.
    around
        Stands between runs and their actions; of this process, so only with ``detached=False``.

    Raises
    ------
    SiteError
        A setting can't be used.
    """

    def __init__(
        self,
        home: Path | None = None,
        *,
        collections: Mapping[str, Path] | None = None,
        endpoints: Collection[str] | None = None,
        workers: int | None = None,
        executor: str = "processes",
        index: str | None = None,
        gpus: Sequence[str] = (),
        active: int | None = None,
        detached: bool = True,
        idle: float = IDLE,
        around: Around | None = None,
    ) -> None:
        self.home = (home or data_folder()).absolute()
        for name, value in (("workers", workers), ("active", active)):
            if value is not None and value < 1:
                raise SiteError(f"{name} can't be used", got=value, expected="at least 1")
        if detached and around is not None:
            raise SiteError("what stands around actions can't leave this process", got="detached=True")
        roots = {name: str(Path(root).absolute()) for name, root in (collections or {}).items()}
        self._settings = Settings(
            collections={LOCAL_COLLECTION: "/", **roots},
            endpoints=tuple(endpoints or ()),
            index=index or LOCAL_INDEX,
            executor=_executor(executor),
            workers=workers or _cores(),
            gpus=tuple(gpus),
        )
        self._launcher: Launcher = (
            ProcessLauncher(self.home, active=active, idle=idle)
            if detached
            else ThreadLauncher(self.home, active=active, around=around)
        )
        self.flows = LocalFlows(self.home, self._settings, self._launcher)
        self._catalogue: Catalog | None = None

    @property
    def catalogue(self) -> Catalog:
        """Published records."""
        from xpcs_nb.catalog import Catalog

        if self._catalogue is None:
            self._catalogue = Catalog(self.home / "catalogue.sqlite")
        return self._catalogue

    def fetch(self, url: str, folder: Path, *, size: int | None = None, sha256: str | None = None) -> Path:
        """Return the path of the file at `url`: ``file://``, ``globus://`` with a collection of this machine, a path.

        It stays where it is. Size (bytes) and sha256 are checked where they are given.

        Raises
        ------
        MissingFileError
            There is no such file.
        CorruptDataError
            It is not the file that was described.
        SiteError
            Its collection is not one of this machine.
        FacilityError
            The file is elsewhere.
        """
        path = self._path(url)
        if not path.is_file():
            raise MissingFileError("no such file", path=path, got=url)
        if size is not None and path.stat().st_size != size:
            raise CorruptDataError("the file has another size", path=path, got=path.stat().st_size, expected=size)
        if sha256 is not None and (found := sha256_of(path)) != sha256:
            raise CorruptDataError("the file has another checksum", path=path, got=found, expected=sha256)
        return path

    def close(self) -> None:
        """Let go of the databases; runs go on, with ``detached=False`` when the next engine takes them up."""
        self._launcher.close()
        self.flows.close()
        if self._catalogue is not None:
            self._catalogue.close()

    def _path(self, url: str) -> Path:
        parts = urlsplit(url)
        if parts.scheme == "":
            return Path(url)
        if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
            return Path(unquote(parts.path))
        if parts.scheme != "globus":
            raise FacilityError(
                "this file is not on this machine", got=url, expected="file:// or globus://", hint="Download it first."
            )
        try:
            return inside(root_of(self._settings.collections, parts.netloc), unquote(parts.path))
        except ActionRefusedError as error:
            raise SiteError("the file can't be reached from this machine", got=url, expected=str(error)) from error


def _executor(executor: str) -> str:
    if executor == "processes":
        return executor
    path = Path(executor).absolute()
    if not path.is_file():
        raise SiteError(
            "there is no such executor", got=executor, expected="processes, or a Python file with a Parsl config"
        )
    return str(path)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
