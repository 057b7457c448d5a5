"""What a transfer request asks for: the files to copy, the folders to make, the links to keep."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xpcs_nb.errors import MissingFileError, WriteError
from xpcs_nb.facility.local._collections import inside, root_of
from xpcs_nb.facility.local._work import ActionRefusedError, Settings

__all__ = ["Plan", "plan_transfer", "request_field"]

SYNC_LEVELS = {"exists": 0, "size": 1, "mtime": 2, "checksum": 3}
#: Fields that would change what is copied, and that this machine does not have.
UNSUPPORTED = ("delete_destination_extra", "filter_rules", "skip_source_errors", "fail_on_quota_errors")
LINKS = ("ignore", "keep", "copy")


@dataclass
class Plan:
    """What is to be done, in order; `ignored` is the number of links left out."""

    source_endpoint: str
    destination_endpoint: str
    sync_level: int | None
    folders: list[Path] = field(default_factory=list)
    files: list[tuple[Path, Path, int]] = field(default_factory=list)
    links: list[tuple[str, Path]] = field(default_factory=list)
    ignored: int = 0


def request_field(body: Mapping[str, Any], *names: str) -> Any:
    """Return the field of a request that goes by one of several names.

    Raises
    ------
    ActionRefusedError
        None of them is there.
    """
    for name in names:
        if body.get(name) is not None:
            return body[name]
    raise ActionRefusedError(f"the request has no {names[0]}")


def plan_transfer(body: Mapping[str, Any], settings: Settings) -> Plan:
    """Look at the source and list what is to be done.

    Raises
    ------
    ActionRefusedError
        The request can't be carried out here: unknown collection, path outside, unknown option.
    MissingFileError
        A source is not there, or not what `recursive` says.
    """
    for name in UNSUPPORTED:
        if body.get(name):
            raise ActionRefusedError(f"transfers on this machine have no option {name}")
    links = body.get("recursive_symlinks", "ignore")
    if links not in LINKS:
        raise ActionRefusedError(f"recursive_symlinks is {links!r}, expected one of {', '.join(LINKS)}")
    source_id = request_field(body, "source_endpoint", "source_endpoint_id")
    destination_id = request_field(body, "destination_endpoint", "destination_endpoint_id")
    plan = Plan(source_id, destination_id, _sync_level(body))
    source_root, target_root = (root_of(settings.collections, each) for each in (source_id, destination_id))
    for item in request_field(body, "DATA", "transfer_items"):
        source_path, target_path = (request_field(item, name) for name in ("source_path", "destination_path"))
        source, target = inside(source_root, source_path), inside(target_root, target_path)
        if not os.path.lexists(source):
            raise MissingFileError("no such file or folder to transfer", path=source)
        if item.get("recursive"):
            if not source.is_dir():
                raise MissingFileError("a recursive transfer needs a folder; this is a file", path=source)
            _add_folder(plan, source, target, source_root, links)
        elif source.is_dir():
            raise MissingFileError("this is a folder; its transfer needs recursive: true", path=source)
        elif target.is_dir():
            raise WriteError("a file can't take the place of a folder; name the file itself", path=target)
        else:
            plan.files.append((source, target, source.stat().st_size))
    return plan


def _sync_level(body: Mapping[str, Any]) -> int | None:
    level = body.get("sync_level")
    level = SYNC_LEVELS.get(level, level) if isinstance(level, str) else level
    if level is not None and level not in SYNC_LEVELS.values():
        raise ActionRefusedError(f"sync_level is {level!r}, expected 0 to 3 or one of {', '.join(SYNC_LEVELS)}")
    return level


def _add_folder(plan: Plan, source: Path, target: Path, root: Path, links: str) -> None:
    if target.resolve().is_relative_to(source.resolve()):
        raise ActionRefusedError(f"the folder {source} can't be copied into itself")
    plan.folders.append(target)
    for entry in _entries(source):
        place = target / entry.name
        path = Path(entry.path)
        if entry.is_symlink():
            if links == "ignore":
                plan.ignored += 1
                continue
            if links == "keep":
                plan.links.append((str(path.readlink()), place))
                continue
            inside(root, str(path.relative_to(root.resolve())))
        if entry.is_dir():
            _add_folder(plan, path, place, root, links)
        elif not entry.is_file():
            # To open a pipe would be to wait for its writer.
            raise MissingFileError("this is neither a file nor a folder and can't be transferred", path=path)
        else:
            plan.files.append((path, place, entry.stat().st_size))


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise MissingFileError("the folder can't be read", path=folder, got=error.strerror) from error
