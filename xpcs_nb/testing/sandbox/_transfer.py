"""Globus Transfer: listing, folders, tasks, endpoints and who may use them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar

from xpcs_nb.testing.sandbox._collections import Collection, Collections
from xpcs_nb.testing.sandbox._service import Refusal, Request, Service, new_id, route
from xpcs_nb.testing.sandbox._transfer_tasks import TransferTask, TransferTasks, seconds

__all__ = ["TransferService"]

CODES = {401: "AuthenticationFailed", 403: "PermissionDenied", 404: "ClientError.NotFound", 501: "NotInTheSandbox"}


class TransferService(Service):
    """The collections of the sandbox, and the tasks between them."""

    name: ClassVar[str] = "transfer"
    scope_prefix: ClassVar[str] = "urn:globus:auth:scope:transfer.api.globus.org:"

    def __init__(self, collections: Collections) -> None:
        super().__init__()
        self.collections = collections
        self.tasks = TransferTasks(collections)

    def close(self) -> None:
        """Stop the tasks."""
        self.tasks.close()

    def refusal(self, refusal: Refusal, path: str) -> Any:
        """Return the refusal as Globus Transfer words it."""
        code = CODES.get(refusal.status, refusal.code) if refusal.code.isupper() else refusal.code
        return {"code": code, "message": str(refusal), "request_id": new_id()[:9], "resource": path}

    @route("GET", "/v0.10/submission_id", "all")
    def submission_id(self, request: Request) -> Any:
        """Give an id under which a submission can be repeated."""
        return {"DATA_TYPE": "submission_id", "value": new_id()}

    @route("POST", "/v0.10/transfer", "all")
    def submit_transfer(self, request: Request) -> Any:
        """Accept a transfer."""
        document = request.json()
        for key in ("source_endpoint", "destination_endpoint"):
            self.collections.get(_need(document, key))
        for item in document.get("DATA") or []:
            _need(item, "source_path")
            _need(item, "destination_path")
        return self._submit("TRANSFER", document, request)

    @route("POST", "/v0.10/delete", "all")
    def submit_delete(self, request: Request) -> Any:
        """Accept a deletion."""
        document = request.json()
        self.collections.get(_need(document, "endpoint"))
        for item in document.get("DATA") or []:
            _need(item, "path")
        return self._submit("DELETE", document, request)

    @route("GET", "/v0.10/task/<task_id>", "all")
    def get_task(self, request: Request, task_id: str) -> Any:
        """Return a task."""
        return self._task(self.tasks.get(task_id))

    @route("POST", "/v0.10/task/<task_id>/cancel", "all")
    def cancel_task(self, request: Request, task_id: str) -> Any:
        """End a task."""
        if self.tasks.cancel(self.tasks.get(task_id)):
            return _result("Canceled", "The task has been cancelled successfully.", request)
        return _result("TaskComplete", "The task completed before the cancel request was processed.", request)

    @route("GET", "/v0.10/task_list", "all")
    def task_list(self, request: Request) -> Any:
        """List tasks, newest first; filtered by status, type and id."""
        documents = [self._task(task) for task in self.tasks.all()]
        for part in filter(None, request.query.get("filter", "").split("/")):
            key, _, values = part.partition(":")
            if key not in {"status", "type", "task_id", "label"}:
                raise Refusal(400, f"the sandbox filters tasks by status, type, task_id, label; got {key}")
            documents = [one for one in documents if str(one[key]) in values.split(",")]
        return _page("task_list", documents, request)

    @route("GET", "/v0.10/task/<task_id>/event_list", "all")
    def event_list(self, request: Request, task_id: str) -> Any:
        """List what happened to a task, newest first."""
        return _page("event_list", list(self.tasks.get(task_id).events), request)

    @route("GET", "/v0.10/task/<task_id>/successful_transfers", "all")
    def successful_transfers(self, request: Request, task_id: str) -> Any:
        """List the files that arrived."""
        done = [
            {"DATA_TYPE": "successful_transfer", "source_path": source, "destination_path": target}
            for source, target in self.tasks.get(task_id).done
        ]
        return {"DATA_TYPE": "successful_transfers", "marker": 0, "next_marker": None, "DATA": done}

    @route("GET", "/v0.10/endpoint_search", "all")
    def endpoint_search(self, request: Request) -> Any:
        """List the collections whose name or id has the text."""
        wanted = request.query.get("filter_fulltext", "").lower()
        found = [self._endpoint(one) for one in self.collections.all()]
        found = [one for one in found if wanted in one["display_name"].lower() or wanted == one["id"]]
        return {**_page("endpoint_list", found, request), "has_next_page": False}

    @route("GET", "/v0.10/endpoint/<endpoint_id>", "all")
    def endpoint(self, request: Request, endpoint_id: str) -> Any:
        """Return a collection."""
        return self._endpoint(self.collections.get(endpoint_id))

    @route("GET", "/v0.10/endpoint/<endpoint_id>/my_effective_pause_rule_list", "all")
    def pause_rules(self, request: Request, endpoint_id: str) -> Any:
        """List what pauses tasks of a collection."""
        collection = self.collections.get(endpoint_id)
        rule = {"DATA_TYPE": "pause_rule_limited", "id": endpoint_id, "message": "paused", "endpoint_id": endpoint_id}
        return {"DATA_TYPE": "pause_rule_limited_list", "DATA": [rule] if collection.paused else []}

    @route("GET", "/v0.10/operation/endpoint/<endpoint_id>/ls", "all")
    def ls(self, request: Request, endpoint_id: str) -> Any:
        """List a folder."""
        collection = self.collections.get(endpoint_id)
        collection.need_online()
        path = request.query.get("path", "/")
        folder = self._existing(collection, path)
        inner = sorted(folder.iterdir()) if folder.is_dir() else [folder]
        if request.query.get("show_hidden", "1") in {"0", "false", "False"}:
            inner = [one for one in inner if not one.name.startswith(".")]
        documents = [_file(one) for one in inner]
        for part in filter(None, request.query.get("filter", "").split("/")):
            documents = [one for one in documents if _matches(one, part)]
        page = _page("file_list", documents, request, 100_000)
        return {**page, "path": path if path.endswith("/") else f"{path}/", "endpoint": endpoint_id}

    @route("GET", "/v0.10/operation/endpoint/<endpoint_id>/stat", "all")
    def stat(self, request: Request, endpoint_id: str) -> Any:
        """Describe a file or folder."""
        collection = self.collections.get(endpoint_id)
        collection.need_online()
        return _file(self._existing(collection, request.query.get("path", "/")))

    @route("POST", "/v0.10/operation/endpoint/<endpoint_id>/mkdir", "all")
    def mkdir(self, request: Request, endpoint_id: str) -> Any:
        """Make a folder."""
        collection = self.collections.get(endpoint_id)
        collection.need_online()
        path = collection.path(_need(request.json(), "path"))
        if path.exists():
            raise Refusal(502, f"{path.name} exists", "ExternalError.MkdirFailed.Exists")
        if not path.parent.is_dir():
            raise Refusal(404, "the folder above is not there", "ClientError.NotFound")
        path.mkdir()
        return {
            **_result("DirectoryCreated", "The directory was created successfully", request),
            "DATA_TYPE": "mkdir_result",
        }

    @route("POST", "/v0.10/operation/endpoint/<endpoint_id>/rename", "all")
    def rename(self, request: Request, endpoint_id: str) -> Any:
        """Rename a file or folder."""
        collection = self.collections.get(endpoint_id)
        collection.need_online()
        document = request.json()
        old = self._existing(collection, _need(document, "old_path"))
        new = collection.path(_need(document, "new_path"))
        if new.exists():
            raise Refusal(502, f"{new.name} exists", "ExternalError.RenameFailed.Exists")
        old.rename(new)
        return _result("FileRenamed", "File or directory renamed successfully", request)

    @route("GET", "/v0.10/endpoint/<endpoint_id>/access_list", "all")
    def access_list(self, request: Request, endpoint_id: str) -> Any:
        """List the access rules of a collection."""
        rules = list(self.collections.get(endpoint_id).access.values())
        return {"DATA_TYPE": "access_list", "endpoint": endpoint_id, "length": len(rules), "DATA": rules}

    @route("POST", "/v0.10/endpoint/<endpoint_id>/access", "all")
    def add_access(self, request: Request, endpoint_id: str) -> Any:
        """Add an access rule."""
        rule = request.json()
        for key in ("principal_type", "path", "permissions"):
            _need(rule, key)
        if not rule["path"].startswith("/") or not rule["path"].endswith("/"):
            raise Refusal(400, "path: must begin and end with /", "BadRequest")
        number = self.collections.allow(endpoint_id, rule)
        created = _result("Created", "Access rule created successfully.", request)
        return {**created, "DATA_TYPE": "access_create_result", "access_id": number}

    @route("GET", "/v0.10/endpoint/<endpoint_id>/access/<rule_id>", "all")
    def get_access(self, request: Request, endpoint_id: str, rule_id: str) -> Any:
        """Return an access rule."""
        return self._rules(endpoint_id, rule_id)[rule_id]

    @route("PUT", "/v0.10/endpoint/<endpoint_id>/access/<rule_id>", "all")
    def change_access(self, request: Request, endpoint_id: str, rule_id: str) -> Any:
        """Change an access rule."""
        self._rules(endpoint_id, rule_id)[rule_id].update(permissions=_need(request.json(), "permissions"))
        return _result("Updated", "Access rule updated", request)

    @route("DELETE", "/v0.10/endpoint/<endpoint_id>/access/<rule_id>", "all")
    def delete_access(self, request: Request, endpoint_id: str, rule_id: str) -> Any:
        """Remove an access rule."""
        del self._rules(endpoint_id, rule_id)[rule_id]
        return _result("Deleted", "Access rule deleted successfully", request)

    def _rules(self, endpoint_id: str, rule_id: str) -> dict[str, dict[str, Any]]:
        rules = self.collections.get(endpoint_id).access
        if rule_id not in rules:
            raise Refusal(404, f"no access rule {rule_id}", "AccessRuleNotFound")
        return rules

    def _submit(self, kind: str, document: Mapping[str, Any], request: Request) -> Any:
        if not document.get("DATA"):
            raise Refusal(400, "A transfer requires at least one item", "ClientError.BadRequest.NoTransferItems")
        task, new = self.tasks.submit(kind, document, request.by.identity_id)
        code = "Accepted" if new else "Duplicate"
        message = f"The {kind.lower()} has been accepted and a task has been created and queued for execution"
        link = {"DATA_TYPE": "link", "href": f"/v0.10/task/{task.id}?format=json", "rel": "related"}
        return {
            **_result(code, message, request),
            "DATA_TYPE": f"{kind.lower()}_result",
            "submission_id": document.get("submission_id"),
            "task_id": task.id,
            "task_link": {**link, "resource": "task", "title": "related task"},
        }

    def _existing(self, collection: Collection, path: str) -> Path:
        found = collection.path(path)
        if not found.exists():
            raise Refusal(404, f"Path not found: {path} of endpoint {collection.id}", "ClientError.NotFound")
        return found

    def _endpoint(self, collection: Collection) -> dict[str, Any]:
        return ENDPOINT | {
            "id": collection.id,
            "display_name": collection.root.name or "this machine",
            "gcp_connected": collection.online,
            "gcp_paused": collection.paused,
            "DATA": [{**SERVER, "is_connected": collection.online, "is_paused": collection.paused}],
        }

    def _task(self, task: TransferTask) -> dict[str, Any]:
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


def _need(document: Mapping[str, Any], key: str) -> str:
    if not document.get(key):
        raise Refusal(400, f"Missing required field {key!r}", "ClientError.BadRequest")
    return str(document[key])


def _result(code: str, message: str, request: Request) -> dict[str, Any]:
    return {
        "DATA_TYPE": "result",
        "code": code,
        "message": message,
        "request_id": new_id()[:9],
        "resource": request.path,
    }


def _page(kind: str, items: Sequence[Any], request: Request, most: int = 1000) -> dict[str, Any]:
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


def _file(path: Path) -> dict[str, Any]:
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


def _matches(document: Mapping[str, Any], part: str) -> bool:
    key, _, pattern = part.partition(":")
    if key not in {"name", "type"}:
        raise Refusal(400, f"the sandbox filters files by name and type; got {key}", "ClientError.BadRequest")
    if key == "type":
        return document["type"] in pattern.split(",")
    return any(fnmatchcase(document["name"], one.lstrip("~=")) for one in pattern.split(","))
