"""The actions beside ``transfer``: make and delete folders, list them, note who may read them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from xpcs_nb.facility.local._collections import inside, root_of
from xpcs_nb.facility.local._runs import now
from xpcs_nb.facility.local._transfer_plan import request_field
from xpcs_nb.facility.local._work import ActionRefusedError, Done, Work

__all__ = ["carry_out_delete", "carry_out_ls", "carry_out_mkdir", "carry_out_set_permission"]


def carry_out_mkdir(work: Work) -> Done:
    """Make a folder and those above it; one that is there already is left."""
    place = _place(work, request_field(work.body, "path"))
    there = place.is_dir()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _failed("ENDPOINT_ERROR", f"{place} can't be made: {error.strerror}")
    message = "The directory was there already" if there else "The directory was created successfully"
    return Done("SUCCEEDED", {"DATA_TYPE": "mkdir_result", "code": "DirectoryCreated", "message": message})


def carry_out_delete(work: Work) -> Done:
    """Delete files, and folders where the request says ``recursive``."""
    items = request_field(work.body, "DATA", "items")
    paths = [_place(work, item["path"] if isinstance(item, Mapping) else item) for item in items]
    root = root_of(work.settings.collections, request_field(work.body, "endpoint", "endpoint_id")).resolve()
    begun, deleted = now(), 0
    for path in paths:
        work.check()
        if path == root:
            raise ActionRefusedError("a collection's own folder is not deleted")
        try:
            deleted += _delete(path, recursive=bool(work.body.get("recursive")))
        except FileNotFoundError:
            # What an interrupted engine deleted is not missing.
            if not (work.repeated or work.body.get("ignore_missing")):
                return _failed("FILE_NOT_FOUND", f"{path} is not there")
        except OSError as error:
            return _failed("ENDPOINT_ERROR", f"{path} can't be deleted: {error.strerror}")
    details = {
        "DATA_TYPE": "task",
        "type": "DELETE",
        "task_id": work.action_id,
        "label": work.body.get("label"),
        "status": "SUCCEEDED",
        "request_time": begun,
        "completion_time": now(),
        "source_endpoint_id": work.body.get("endpoint") or work.body.get("endpoint_id"),
        "files": deleted,
        "faults": 0,
        "nice_status": "OK",
        "fatal_error": None,
    }
    return Done("SUCCEEDED", details)


def carry_out_ls(work: Work) -> Done:
    """List a folder as Globus Transfer does."""
    path = work.body.get("path") or "/~/"
    place = _place(work, path)
    try:
        entries = [_listed(entry) for entry in sorted(place.iterdir())]
    except OSError as error:
        return _failed("FILE_NOT_FOUND", f"{place} can't be listed: {error.strerror}")
    if not work.body.get("show_hidden", True):
        entries = [entry for entry in entries if not entry["name"].startswith(".")]
    endpoint = work.body.get("endpoint") or work.body.get("endpoint_id")
    listed = {"DATA_TYPE": "file_list", "endpoint": endpoint, "path": str(path), "length": len(entries)}
    return Done("SUCCEEDED", {**listed, "DATA": entries})


def carry_out_set_permission(work: Work) -> Done:
    """Record who should have access; the rights of files on this machine are left to its owner."""
    path = request_field(work.body, "path")
    endpoint = request_field(work.body, "endpoint", "endpoint_id")
    _place(work, path)
    asked = {name: work.body.get(name) for name in ("operation", "permissions", "principal", "principal_type")}
    details = {
        "DATA_TYPE": "access_create_result",
        "code": "Created",
        "access_id": str(uuid5(NAMESPACE_URL, f"{endpoint}{path}{sorted(asked.items(), key=str)}")),
        "endpoint_id": endpoint,
        "path": path,
        **asked,
        "message": "Recorded only: on this machine the rights of the files themselves say who may read them",
    }
    return Done("SUCCEEDED", details)


def _place(work: Work, path: Any) -> Path:
    endpoint = request_field(work.body, "endpoint", "endpoint_id")
    return inside(root_of(work.settings.collections, endpoint), path)


def _delete(path: Path, *, recursive: bool) -> int:
    if path.is_dir() and not path.is_symlink():
        if not recursive:
            raise IsADirectoryError(21, "it is a folder, and the request does not say recursive")
        files = sum(not each.is_dir() for each in path.rglob("*"))
        shutil.rmtree(path)
        return files
    path.unlink()
    return 1


def _listed(entry: Path) -> dict[str, Any]:
    info = entry.lstat()
    kind = "dir" if entry.is_dir() else "file"
    modified = datetime.fromtimestamp(info.st_mtime, UTC).isoformat(sep=" ", timespec="seconds")
    return {
        "DATA_TYPE": "file",
        "name": entry.name,
        "type": kind,
        "size": info.st_size,
        "last_modified": modified,
        "permissions": f"{info.st_mode & 0o777:04o}",
        "link_target": str(entry.readlink()) if entry.is_symlink() else None,
    }


def _failed(code: str, description: str) -> Done:
    error = {"code": code, "description": description}
    return Done("FAILED", {"status": "FAILED", "nice_status": code, "fatal_error": error})
