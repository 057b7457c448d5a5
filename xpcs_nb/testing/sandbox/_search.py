"""Globus Search: indices, ingest, queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from xpcs_nb.testing.sandbox._search_index import SearchIndices
from xpcs_nb.testing.sandbox._search_query import facet, holds, matches_text, ordered
from xpcs_nb.testing.sandbox._service import Refusal, Request, Service, new_id, route

__all__ = ["SearchService"]

#: As at Globus Search: a page can't reach further.
LAST = 10_000


class SearchService(Service):
    """The indices of the sandbox.

    Parameters
    ----------
    indices
        Where they are kept.
    groups
        Principals of the groups in which all callers are.
    """

    name: ClassVar[str] = "search"
    scope_prefix: ClassVar[str] = "urn:globus:auth:scope:search.api.globus.org:"

    def __init__(self, indices: SearchIndices, groups: Collection[str] = ()) -> None:
        super().__init__()
        self.indices = indices
        self.groups = groups

    def close(self) -> None:
        """Close the file of the indices."""
        self.indices.close()

    def refusal(self, refusal: Refusal, path: str) -> Any:
        """Return the refusal as Globus Search words it."""
        names = {401: "Unauthorized.Generic", 403: "Forbidden.Generic", 404: "NotFound.Generic"}
        code = names.get(refusal.status, refusal.code) if refusal.code.isupper() else refusal.code
        return {
            "@datatype": "GError",
            "@version": "2017-09-01",
            "status": refusal.status,
            "code": code,
            "message": str(refusal),
            "request_id": new_id().replace("-", ""),
        }

    @route("POST", "/v1/index")
    def create(self, request: Request) -> Any:
        """Make an index."""
        document = request.json()
        return self.indices.create(document.get("display_name", ""), document.get("description", ""))

    @route("GET", "/v1/index_list", anonymous=True)
    def index_list(self, request: Request) -> Any:
        """List the indices."""
        return {"index_list": [{**index, "permissions": ["owner"]} for index in self.indices.all()]}

    @route("GET", "/v1/index/<index_id>", anonymous=True)
    def index(self, request: Request, index_id: str) -> Any:
        """Return an index."""
        return self.indices.get(index_id)

    @route("PATCH", "/v1/index/<index_id>", "all")
    def update(self, request: Request, index_id: str) -> Any:
        """Rename an index."""
        changes = {key: value for key, value in request.json().items() if key in {"display_name", "description"}}
        return self.indices.update(index_id, changes)

    @route("DELETE", "/v1/index/<index_id>", "all")
    def delete(self, request: Request, index_id: str) -> Any:
        """Remove an index."""
        self.indices.delete(index_id)
        return {"index_id": index_id, "acknowledged": True}

    @route("POST", "/v1/index/<index_id>/ingest", "ingest")
    def ingest(self, request: Request, index_id: str) -> Any:
        """Accept an entry, or a list of them."""
        document = request.json()
        data = document.get("ingest_data") or {}
        match document.get("ingest_type"):
            case "GMetaEntry":
                entries = [data]
            case "GMetaList":
                entries = data.get("gmeta") or []
            case other:
                problem = f"ingest_type: GMetaEntry or GMetaList; got {other!r}"
                raise Refusal(400, problem, "BadRequest.ValidationError")
        task = self.indices.ingest(index_id, entries)
        done = {"acknowledged": True, "success": True, "num_documents_ingested": len(entries)}
        return {**done, "task_id": task["task_id"]}

    @route("GET", "/v1/index/<index_id>/search", "search", anonymous=True)
    def search(self, request: Request, index_id: str) -> Any:
        """Answer a query of words."""
        query: dict[str, Any] = dict(request.query)
        query["advanced"] = query.get("advanced", "").lower() in {"true", "1"}
        return self._search(index_id, query, request)

    @route("POST", "/v1/index/<index_id>/search", "search", anonymous=True)
    def post_search(self, request: Request, index_id: str) -> Any:
        """Answer a query document."""
        return self._search(index_id, request.json(), request)

    @route("POST", "/v1/index/<index_id>/delete_by_query", "ingest")
    def delete_by_query(self, request: Request, index_id: str) -> Any:
        """Accept the deletion of all that a query finds."""
        found = self._found(self.indices.entries(index_id, self._principals(request)), request.json())
        return self._accepted(self.indices.remove(index_id, {one["subject"] for one in found}))

    @route("POST", "/v1/index/<index_id>/batch_delete_by_subject", "ingest")
    def delete_subjects(self, request: Request, index_id: str) -> Any:
        """Accept the deletion of subjects."""
        return self._accepted(self.indices.remove(index_id, request.json().get("subjects") or []))

    @route("GET", "/v1/index/<index_id>/subject", "search", anonymous=True)
    def subject(self, request: Request, index_id: str) -> Any:
        """Return the entries of a subject."""
        subject = request.query.get("subject", "")
        entries = self.indices.entries(index_id, self._principals(request), subject)
        if not entries:
            raise Refusal(404, f"No data found in index {index_id} for subject {subject!r}", "NotFound.Generic")
        return _results(entries)[0]

    @route("DELETE", "/v1/index/<index_id>/subject", "ingest")
    def delete_subject(self, request: Request, index_id: str) -> Any:
        """Accept the deletion of a subject."""
        return self._accepted(self.indices.remove(index_id, [request.query.get("subject", "")]))

    @route("GET", "/v1/index/<index_id>/entry", "search", anonymous=True)
    def entry(self, request: Request, index_id: str) -> Any:
        """Return one entry of a subject."""
        subject, wanted = request.query.get("subject", ""), request.query.get("entry_id") or None
        entries = self.indices.entries(index_id, self._principals(request), subject)
        entries = [one for one in entries if one["id"] == wanted]
        if not entries:
            raise Refusal(404, f"No entry found in index {index_id} for subject {subject!r}", "NotFound.Generic")
        return _results(entries)[0]

    @route("DELETE", "/v1/index/<index_id>/entry", "ingest")
    def delete_entry(self, request: Request, index_id: str) -> Any:
        """Accept the deletion of one entry of a subject."""
        entry_id = request.query.get("entry_id", "")
        return self._accepted(self.indices.remove(index_id, [request.query.get("subject", "")], entry_id))

    @route("GET", "/v1/task/<task_id>", "ingest")
    def task(self, request: Request, task_id: str) -> Any:
        """Return a task."""
        return self.indices.task(task_id)

    @route("GET", "/v1/task_list/<index_id>", "ingest")
    def task_list(self, request: Request, index_id: str) -> Any:
        """List the tasks of an index, newest first."""
        return {"index_id": index_id, "tasks": self.indices.tasks(index_id)}

    def _principals(self, request: Request) -> set[str]:
        if request.caller is None:
            return {"public"}
        return {"public", "all_authenticated_users", request.caller.urn, *self.groups}

    def _accepted(self, task: Mapping[str, Any]) -> dict[str, Any]:
        return {"task_id": task["task_id"]}

    def _found(self, entries: list[dict[str, Any]], query: Mapping[str, Any]) -> list[dict[str, Any]]:
        words, filters = str(query.get("q") or ""), query.get("filters") or []
        if not words and not filters:
            raise Refusal(400, "q: is needed where there are no filters", "BadRequest.ValidationError")
        advanced = bool(query.get("advanced"))
        return [
            one
            for one in entries
            if matches_text(one, words, advanced=advanced) and all(holds(one, condition) for condition in filters)
        ]

    def _search(self, index_id: str, query: Mapping[str, Any], request: Request) -> Any:
        try:
            limit, offset = int(query.get("limit", 10)), int(query.get("offset", 0))
        except ValueError as error:
            raise Refusal(400, f"limit and offset are numbers: {error}", "BadRequest.ValidationError") from error
        if limit < 0 or offset < 0 or limit + offset > LAST:
            problem = f"offset + limit must be at most {LAST}; got {offset} + {limit}"
            raise Refusal(400, problem, "BadRequest.ValidationError")
        found = self._found(self.indices.entries(index_id, self._principals(request)), query)
        facets = [facet(found, wanted) for wanted in query.get("facets") or []]
        after = query.get("post_facet_filters") or []
        results = _results(
            ordered([one for one in found if all(holds(one, c) for c in after)], query.get("sort") or [])
        )
        page = results[offset : offset + limit]
        answer = {
            "@datatype": "GSearchResult",
            "@version": "2017-09-01",
            "count": len(page),
            "gmeta": page,
            "has_next_page": offset + limit < len(results),
            "offset": offset,
            "total": len(results),
        }
        return {**answer, "facet_results": facets} if facets else answer


def _results(entries: Collection[Mapping[str, Any]]) -> list[dict[str, Any]]:
    subjects: dict[str, list[dict[str, Any]]] = {}
    for one in entries:
        result = {"content": one["content"], "entry_id": one["id"], "matched_principal_sets": []}
        subjects.setdefault(one["subject"], []).append(result)
    return [
        {"@datatype": "GMetaResult", "@version": "2019-08-27", "subject": subject, "entries": found}
        for subject, found in subjects.items()
    ]
