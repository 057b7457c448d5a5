"""Globus Transfer: listing, folders, tasks, endpoints and who may use them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from xpcs_nb.testing.sandbox._collections import Collection, Collections
from xpcs_nb.testing.sandbox._service import Refusal, Request, Service, new_id, route
from xpcs_nb.testing.sandbox._transfer_documents import (
    endpoint_document,
    file_document,
    matches,
    need,
    page,
    result,
    task_document,
)
from xpcs_nb.testing.sandbox._transfer_tasks import TransferTasks

__all__ = ["TransferService"]

CODES = {401: "AuthenticationFailed", 403: "PermissionDenied", 404: "ClientError.NotFound", 501: "NotInTheSandbox"}


class TransferService(Service):
    """The collections of the sandbox, and the tasks between them.

    Parameters
    ----------
    files_url
        Where the files of collections can be had as well, under their ids.
    """

    name: ClassVar[str] = "transfer"
    scope_prefix: ClassVar[str] = "urn:globus:auth:scope:transfer.api.globus.org:"

    def __init__(self, collections: Collections, files_url: str) -> None:
        super().__init__()
        self.files_url = files_url
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
            self.collections.get(need(document, key))
        for item in document.get("DATA") or []:
            need(item, "source_path")
            need(item, "destination_path")
        return self._submit("TRANSFER", document, request)

    @route("POST", "/v0.10/delete", "all")
    def submit_delete(self, request: Request) -> Any:
        """Accept a deletion."""
        document = request.json()
        self.collections.get(need(document, "endpoint"))
        for item in document.get("DATA") or []:
            need(item, "path")
        return self._submit("DELETE", document, request)

    @route("GET", "/v0.10/task/<task_id>", "all")
    def get_task(self, request: Request, task_id: str) -> Any:
        """Return a task."""
        return task_document(self.tasks.get(task_id))

    @route("POST", "/v0.10/task/<task_id>/cancel", "all")
    def cancel_task(self, request: Request, task_id: str) -> Any:
        """End a task."""
        if self.tasks.cancel(self.tasks.get(task_id)):
            return result("Canceled", "The task has been cancelled successfully.", request)
        return result("TaskComplete", "The task completed before the cancel request was processed.", request)

    @route("GET", "/v0.10/task_list", "all")
    def task_list(self, request: Request) -> Any:
        """List tasks, newest first; filtered by status, type and id."""
        documents = [task_document(task) for task in self.tasks.all()]
        for part in filter(None, request.query.get("filter", "").split("/")):
            key, _, values = part.partition(":")
            if key not in {"status", "type", "task_id", "label"}:
                raise Refusal(400, f"the sandbox filters tasks by status, type, task_id, label; got {key}")
            documents = [one for one in documents if str(one[key]) in values.split(",")]
        return page("task_list", documents, request)

    @route("GET", "/v0.10/task/<task_id>/event_list", "all")
    def event_list(self, request: Request, task_id: str) -> Any:
        """List what happened to a task, newest first."""
        return page("event_list", list(self.tasks.get(task_id).events), request)

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
        found = [endpoint_document(one, self.files_url) for one in self.collections.all()]
        found = [one for one in found if wanted in one["display_name"].lower() or wanted == one["id"]]
        return {**page("endpoint_list", found, request), "has_next_page": False}

    @route("GET", "/v0.10/endpoint/<endpoint_id>", "all")
    def endpoint(self, request: Request, endpoint_id: str) -> Any:
        """Return a collection."""
        return endpoint_document(self.collections.get(endpoint_id), self.files_url)

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
        documents = [file_document(one) for one in inner]
        for part in filter(None, request.query.get("filter", "").split("/")):
            documents = [one for one in documents if matches(one, part)]
        listed = page("file_list", documents, request, 100_000)
        return {**listed, "path": path if path.endswith("/") else f"{path}/", "endpoint": endpoint_id}

    @route("GET", "/v0.10/operation/endpoint/<endpoint_id>/stat", "all")
    def stat(self, request: Request, endpoint_id: str) -> Any:
        """Describe a file or folder."""
        collection = self.collections.get(endpoint_id)
        collection.need_online()
        return file_document(self._existing(collection, request.query.get("path", "/")))

    @route("POST", "/v0.10/operation/endpoint/<endpoint_id>/mkdir", "all")
    def mkdir(self, request: Request, endpoint_id: str) -> Any:
        """Make a folder."""
        collection = self.collections.get(endpoint_id)
        collection.need_online()
        path = collection.path(need(request.json(), "path"))
        if path.exists():
            raise Refusal(502, f"{path.name} exists", "ExternalError.MkdirFailed.Exists")
        if not path.parent.is_dir():
            raise Refusal(404, "the folder above is not there", "ClientError.NotFound")
        path.mkdir()
        return {
            **result("DirectoryCreated", "The directory was created successfully", request),
            "DATA_TYPE": "mkdir_result",
        }

    @route("POST", "/v0.10/operation/endpoint/<endpoint_id>/rename", "all")
    def rename(self, request: Request, endpoint_id: str) -> Any:
        """Rename a file or folder."""
        collection = self.collections.get(endpoint_id)
        collection.need_online()
        document = request.json()
        old = self._existing(collection, need(document, "old_path"))
        new = collection.path(need(document, "new_path"))
        if new.exists():
            raise Refusal(502, f"{new.name} exists", "ExternalError.RenameFailed.Exists")
        old.rename(new)
        return result("FileRenamed", "File or directory renamed successfully", request)

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
            need(rule, key)
        if not rule["path"].startswith("/") or not rule["path"].endswith("/"):
            raise Refusal(400, "path: must begin and end with /", "BadRequest")
        number = self.collections.allow(endpoint_id, rule)
        created = result("Created", "Access rule created successfully.", request)
        return {**created, "DATA_TYPE": "access_create_result", "access_id": number}

    @route("GET", "/v0.10/endpoint/<endpoint_id>/access/<rule_id>", "all")
    def get_access(self, request: Request, endpoint_id: str, rule_id: str) -> Any:
        """Return an access rule."""
        return self._rules(endpoint_id, rule_id)[rule_id]

    @route("PUT", "/v0.10/endpoint/<endpoint_id>/access/<rule_id>", "all")
    def change_access(self, request: Request, endpoint_id: str, rule_id: str) -> Any:
        """Change an access rule."""
        self._rules(endpoint_id, rule_id)[rule_id].update(permissions=need(request.json(), "permissions"))
        return result("Updated", "Access rule updated", request)

    @route("DELETE", "/v0.10/endpoint/<endpoint_id>/access/<rule_id>", "all")
    def delete_access(self, request: Request, endpoint_id: str, rule_id: str) -> Any:
        """Remove an access rule."""
        del self._rules(endpoint_id, rule_id)[rule_id]
        return result("Deleted", "Access rule deleted successfully", request)

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
            **result(code, message, request),
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
