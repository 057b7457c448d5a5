"""The search actions: records go into the embedded catalogue, and out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xpcs_nb.errors import MissingKeyError, XpcsError
from xpcs_nb.facility.local._collections import LOCAL_INDEX
from xpcs_nb.facility.local._transfer_plan import request_field
from xpcs_nb.facility.local._work import ActionRefusedError, Done, Work

if TYPE_CHECKING:
    from xpcs_nb.catalog import Catalog

__all__ = ["carry_out_ingest", "carry_out_search_delete"]


def carry_out_ingest(work: Work, catalogue: Callable[[], Catalog]) -> Done:
    """Put the entries of a GMetaEntry or GMetaList into the catalogue, all or none; a subject is there once.

    Raises
    ------
    ActionRefusedError
        The index is unknown, or there is no entry.
    """
    from xpcs_nb.catalog import Record

    _check_index(work)
    entries = _entries(work.body)
    try:
        catalogue().ingest_many([Record.from_gmeta(entry) for entry in entries])
    except XpcsError as error:
        return Done("FAILED", {"acknowledged": False, "success": False, "error": str(error)}, str(error))
    return Done(
        "SUCCEEDED",
        {"acknowledged": True, "success": True, "num_documents_ingested": len(entries), "task_id": work.action_id},
    )


def carry_out_search_delete(work: Work, catalogue: Callable[[], Catalog]) -> Done:
    """Take the record of a subject out of the catalogue; one that is not there is no failure, as on Globus.

    Raises
    ------
    ActionRefusedError
        The index is unknown, or no subject is given.
    """
    _check_index(work)
    subjects = work.body.get("subjects") or [request_field(work.body, "subject")]
    deleted = 0
    try:
        for subject in subjects:
            deleted += _delete(catalogue(), subject)
    except XpcsError as error:
        return Done("FAILED", {"acknowledged": False, "success": False, "error": str(error)}, str(error))
    details = {"acknowledged": True, "success": True, "num_subjects_deleted": deleted, "task_id": work.action_id}
    return Done("SUCCEEDED", details)


def _delete(catalogue: Catalog, subject: str) -> bool:
    try:
        catalogue.delete(subject)
    except MissingKeyError:
        return False
    return True


def _check_index(work: Work) -> None:
    index = request_field(work.body, "search_index", "index_id")
    known = {LOCAL_INDEX, work.settings.index}
    if index not in known:
        raise ActionRefusedError(f"no search index {index!r} on this machine; there are: {', '.join(sorted(known))}")


def _entries(body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    data = body.get("ingest_data") or body
    listed = data.get("gmeta")
    if listed is not None:
        return list(listed)
    names = ("subject", "visible_to", "content")
    missing = [name for name in names if name not in data]
    if missing:
        raise ActionRefusedError(f"an entry to ingest needs {', '.join(names)}; there is no {', '.join(missing)}")
    return [{"id": data.get("id"), **{name: data[name] for name in names}}]
