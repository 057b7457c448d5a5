"""Collections, tasks and files as Globus Transfer describes them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from xpcs_nb.testing.sandbox._collections import Collection
from xpcs_nb.testing.sandbox._service import Refusal, Request, new_id
from xpcs_nb.testing.sandbox._transfer_tasks import TransferTask, seconds

__all__ = ["endpoint_document", "file_document", "matches", "need", "page", "result", "task_document"]

#: What a task of the sandbox never has otherwise.
TASK: dict[str, Any] = {
    "DATA_TYPE": "task",
    "bytes_checksummed": 0,
    "canceled_by_admin": None,
    "canceled_by_admin_message": None,
    "command": "API 0.10",
    "delete_destination_extra": False,
    "encrypt_data": False,
    "fail_on_quota_errors": False,
    "files_skipped": 0,
    "filter_rules": None,
    "history_deleted": False,
    "nice_status_expires_in": None,
    "preserve_timestamp": False,
    "recursive_symlinks": "ignore",
    "skip_source_errors": False,
    "subtasks_canceled": 0,
    "subtasks_expired": 0,
    "subtasks_retrying": 0,
    "subtasks_skipped_errors": 0,
    "symlinks": 0,
}

SERVER: dict[str, Any] = {
    "DATA_TYPE": "server",
    "hostname": "sandbox.invalid",
    "uri": "gsiftp://sandbox.invalid:2811",
    "port": 2811,
    "scheme": "gsiftp",
    "id": 1,
    "subject": "/O=sandbox/CN=localhost",
}

ENDPOINT: dict[str, Any] = {
    **dict.fromkeys(
        (
            "globus_connect_setup_key",
            "s3_url",
            "host_endpoint_id",
            "host_path",
            "myproxy_server",
            "myproxy_dn",
            "non_functional_endpoint_display_name",
            "non_functional_endpoint_id",
            "oauth_server",
            "default_directory",
        )
    ),
    **dict.fromkeys(
        (
            "public",
            "french_english_bilingual",
            "s3_owner_activated",
            "disable_verify",
            "disable_anonymous_writes",
            "force_verify",
            "force_encryption",
            "mfa_required",
            "non_functional",
            "in_use",
        ),
        False,
    ),
    **dict.fromkeys(("is_globus_connect", "activated", "shareable", "acl_available", "acl_editable"), True),
    "DATA_TYPE": "endpoint",
    "organization": "sandbox",
    "username": "sandbox",
    "owner_string": "sandbox",
    "description": "a folder that stands for a collection",
    "entity_type": "GCP_mapped_collection",
    "expires_in": 0,
    "expire_time": "2000-01-01 00:00:00+00:00",
}


def endpoint_document(collection: Collection, files_url: str) -> dict[str, Any]:
    """Return a collection as the service describes it."""
    return ENDPOINT | {
        "id": collection.id,
        "display_name": collection.root.name or "this machine",
        "https_server": f"{files_url}/{collection.id}",
        "gcp_connected": collection.online,
        "gcp_paused": collection.paused,
        "DATA": [{**SERVER, "is_connected": collection.online, "is_paused": collection.paused}],
    }


def task_document(task: TransferTask) -> dict[str, Any]:
    """Return a task as the service describes it."""
    source = task.request.get("source_endpoint", task.request.get("endpoint"))
    target = task.request.get("destination_endpoint")
    total = task.files if task.completed else max(task.files, len(task.request["DATA"]))
    return TASK | {
        "bytes_transferred": task.size,
        "completion_time": task.completed and task.completed.isoformat(timespec="seconds"),
        "deadline": task.deadline.isoformat(timespec="seconds"),
        "destination_endpoint": target,
        "destination_endpoint_display_name": target,
        "destination_endpoint_id": target,
        "directories": task.directories,
        "effective_bytes_per_second": math.ceil(task.size / seconds(task)),
        "fatal_error": task.fatal,
        "faults": task.faults,
        "files": task.files,
        "files_transferred": task.files,
        "is_ok": None if task.completed else task.nice_status is None,
        "is_paused": task.nice_status == "PAUSED_BY_ADMIN",
        "label": task.request.get("label"),
        "nice_status": task.nice_status if task.completed else task.nice_status or "OK",
        "nice_status_details": task.nice_details,
        "nice_status_short_description": task.nice_status,
        "owner_id": task.owner,
        "request_time": task.started.isoformat(timespec="seconds"),
        "source_endpoint": source,
        "source_endpoint_display_name": source,
        "source_endpoint_id": source,
        "status": task.status,
        "subtasks_failed": int(task.status == "FAILED"),
        "subtasks_pending": total - task.files,
        "subtasks_succeeded": task.files,
        "subtasks_total": total,
        "sync_level": task.request.get("sync_level"),
        "task_id": task.id,
        "type": task.kind,
        "username": task.owner,
        "verify_checksum": bool(task.request.get("verify_checksum", True)),
    }


def need(document: Mapping[str, Any], key: str) -> str:
    """Return a field of a request, which must have it."""
    if not document.get(key):
        raise Refusal(400, f"Missing required field {key!r}", "ClientError.BadRequest")
    return str(document[key])


def result(code: str, message: str, request: Request) -> dict[str, Any]:
    """Return the answer to what was done."""
    return {
        "DATA_TYPE": "result",
        "code": code,
        "message": message,
        "request_id": new_id()[:9],
        "resource": request.path,
    }


def page(kind: str, items: Sequence[Any], request: Request, most: int = 1000) -> dict[str, Any]:
    """Return the part of a list that a request asks for."""
    try:
        limit, offset = int(request.query.get("limit", most)), int(request.query.get("offset", 0))
    except ValueError as error:
        raise Refusal(400, f"limit and offset are numbers: {error}", "ClientError.BadRequest") from error
    part = items[offset : offset + limit]
    return {
        "DATA_TYPE": kind,
        "DATA": part,
        "length": len(part),
        "limit": limit,
        "offset": offset,
        "total": len(items),
    }


def file_document(path: Path) -> dict[str, Any]:
    """Return a file or folder as the service describes it."""
    status = path.stat()
    changed = datetime.fromtimestamp(status.st_mtime, UTC).isoformat(sep=" ", timespec="seconds")
    links = dict.fromkeys(("link_group", "link_last_modified", "link_size", "link_target", "link_user"))
    return {
        "DATA_TYPE": "file",
        "name": path.name,
        "type": "dir" if path.is_dir() else "file",
        "size": status.st_size,
        "last_modified": changed,
        "permissions": f"{status.st_mode & 0o7777:04o}",
        "user": "sandbox",
        "group": "sandbox",
        **links,
    }


def matches(document: Mapping[str, Any], part: str) -> bool:
    """Return whether a file passes a part of a filter (``name:~*.h5``)."""
    key, _, pattern = part.partition(":")
    if key not in {"name", "type"}:
        raise Refusal(400, f"the sandbox filters files by name and type; got {key}", "ClientError.BadRequest")
    if key == "type":
        return document["type"] in pattern.split(",")
    return any(fnmatchcase(document["name"], one.lstrip("~=")) for one in pattern.split(","))
