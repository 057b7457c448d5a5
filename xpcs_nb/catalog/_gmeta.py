"""A record as an entry of Globus Search, in the layout that gladier's ``Publishv2`` gives its entries, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from xpcs_nb.errors import FileFormatError, OptionError

if TYPE_CHECKING:
    from xpcs_nb.catalog._record import DataCite, File, Record

__all__ = ["entry_of", "fields_of"]

#: Limits of Globus Search; a longer string is refused by the index under it (a term of Lucene).
FIELD_BYTES, ENTRY_BYTES, FIELDS = 32_766, 10_000_000, 1_000

#: The entry that `Publishv2` writes for a subject.
ENTRY_ID = "metadata"
SUBJECT_TYPE = "GlobusSearchSubject"
DOI = re.compile(r"(https?://(dx\.)?doi\.org/|doi:)?10\.\d{4,}/")


def entry_of(record: Record) -> dict[str, Any]:
    """Return the GMetaEntry of a record, checked against the limits of Globus Search.

    Raises
    ------
    OptionError
        The index would refuse it; ``where`` is the field.
    """
    if record.visible_to is None:
        raise OptionError(
            "nobody knows who may see this record",
            where=record.subject,
            hint="It came from an index that does not tell; give a copy with visible_to.",
        )
    times = {"created": _written(record.created), "start_time": _written(record.start_time)}
    content = {
        "dc": _dc(record, times),
        "files": [_file_entry(file) for file in record.files],
        "title": record.title,
        "dataset": record.dataset,
        **{name: time for name, time in times.items() if time is not None},
        "project_metadata": dict(record.metadata),
        # What a search gives back does not tell it elsewhere.
        "visible_to": list(record.visible_to),
    }
    entry = {"subject": record.subject, "id": ENTRY_ID, "visible_to": list(record.visible_to), "content": content}
    _check(entry)
    return entry


def fields_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the record that an entry describes; what is not ours goes to its metadata.

    `entry` is a GMetaEntry, or a GMetaResult as a search gives it (its first entry is taken).

    Raises
    ------
    FileFormatError
        The entry has no subject or no content.
    """
    inner: Mapping[str, Any] = entry["entries"][0] if entry.get("entries") else entry
    subject, content = entry.get("subject"), inner.get("content")
    if not isinstance(subject, str) or not isinstance(content, Mapping):
        raise FileFormatError(
            "this is no entry of Globus Search",
            where=subject,
            got=sorted(entry),
            expected="an object with subject (text) and content (object)",
        )
    rest = dict(content)
    dc = _taken(rest, "dc", Mapping) or {}
    name = unquote(urlsplit(subject).path.rstrip("/").rpartition("/")[2]) or subject
    title = _taken(rest, "title", str) or _first(dc.get("titles"), "title") or name
    dated = {each.get("dateType"): each.get("date") for each in _objects(dc.get("dates"))}
    created = _taken_time(rest, "created") or _read(dated.get("Created"))
    visible_to = _taken(rest, "visible_to", list)
    fields = {
        "subject": subject,
        "title": title,
        "dataset": _taken(rest, "dataset", str) or name,
        "created": created.replace(tzinfo=UTC) if created is not None and created.tzinfo is None else created,
        "start_time": _taken_time(rest, "start_time") or _read(dated.get("Collected")),
        "datacite": _datacite_fields(dc),
        "files": [_file_fields(each) for each in _taken(rest, "files", list) or ()],
        "visible_to": entry.get("visible_to") or inner.get("visible_to") or visible_to,
    }
    project = _taken(rest, "project_metadata", Mapping) or {}
    return fields | {"metadata": rest | dict(project)}


def _dc(record: Record, times: Mapping[str, str | None]) -> dict[str, Any]:
    cited = record.datacite
    identifiers = [{"identifierType": SUBJECT_TYPE, "identifier": record.subject}]
    if cited.identifier is not None:
        kind = "DOI" if DOI.match(cited.identifier) else "Other"
        identifiers.append({"identifierType": kind, "identifier": cited.identifier})
    kinds = (("Created", times["created"]), ("Collected", times["start_time"]))
    dc = {
        "identifiers": identifiers,
        "creators": [{"name": name} for name in cited.creators],
        "dates": [{"date": date, "dateType": kind} for kind, date in kinds if date is not None],
        "formats": sorted({file.mime_type for file in record.files if file.mime_type is not None}),
        "types": {"resourceType": "Dataset", "resourceTypeGeneral": "Dataset"},
        "subjects": [{"subject": word} for word in cited.subjects],
        "titles": [{"title": record.title}],
        "version": "1",
        "schemaVersion": "http://datacite.org/schema/kernel-4",
    }
    return dc | _stated(cited)


def _stated(cited: DataCite) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if cited.publisher is not None:
        found["publisher"] = cited.publisher
    if cited.publication_year is not None:
        found["publicationYear"] = str(cited.publication_year)
    if cited.description is not None:
        found["descriptions"] = [{"description": cited.description, "descriptionType": "Abstract"}]
    return found


def _file_entry(file: File) -> dict[str, Any]:
    found = {
        "url": file.url,
        "filename": file.name,
        "length": file.size,
        "sha256": file.sha256,
        "mime_type": file.mime_type,
        "https_url": file.https_url,
    }
    return {name: value for name, value in found.items() if value is not None}


def _datacite_fields(dc: Mapping[str, Any]) -> dict[str, Any]:
    identifiers = [each for each in _objects(dc.get("identifiers")) if each.get("identifierType") != SUBJECT_TYPE]
    publisher, year = dc.get("publisher"), str(dc.get("publicationYear") or "")
    return {
        "creators": [each.get("name") for each in _objects(dc.get("creators")) if isinstance(each.get("name"), str)],
        # An object with a name since kernel 4.5
        "publisher": publisher.get("name") if isinstance(publisher, Mapping) else publisher,
        "publication_year": int(year) if year.isdecimal() else None,
        "subjects": [each["subject"] for each in _objects(dc.get("subjects")) if isinstance(each.get("subject"), str)],
        "description": _first(dc.get("descriptions"), "description"),
        "identifier": _first(identifiers, "identifier"),
    }


def _file_fields(entry: Any) -> Any:
    if not isinstance(entry, Mapping):
        return entry  # for the model to complain about
    sha256 = entry.get("sha256")
    return {
        "url": entry.get("url") or entry.get("https_url"),
        "size": entry.get("length"),
        "sha256": sha256.lower() if isinstance(sha256, str) else sha256,
        "mime_type": entry.get("mime_type"),
        "https_url": entry.get("https_url"),
    }


def _check(entry: Mapping[str, Any]) -> None:
    names = set()
    for name, value in _leaves("", entry["content"]):
        names.add(name)
        if "" in name.split("."):
            raise OptionError("a key of an entry can't be empty", where=f"{entry['subject']}: {name or 'metadata'}")
        if isinstance(value, str) and len(value.encode()) > FIELD_BYTES:
            raise OptionError(
                "this field is longer than Globus Search takes",
                where=f"{entry['subject']}: {name}",
                got=f"{len(value.encode())} bytes",
                expected=f"at most {FIELD_BYTES}",
                hint="Keep long texts in files.",
            )
    if len(names) > FIELDS:
        raise OptionError(
            "the record has more fields than an index of Globus Search",
            where=entry["subject"],
            got=len(names),
            expected=f"at most {FIELDS}",
            hint="Keep the whole metadata in a file, and what people search for in the record.",
        )
    size = len(json.dumps(entry, ensure_ascii=False, allow_nan=False).encode())
    if size > ENTRY_BYTES:
        raise OptionError(
            "the entry is larger than Globus Search takes",
            where=entry["subject"],
            got=f"{size} bytes",
            expected=f"at most {ENTRY_BYTES}",
            hint="Keep arrays in files.",
        )


def _leaves(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f"{prefix}.{key}" if prefix else key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(prefix, inner)
    else:
        yield prefix, value


def _taken(content: dict[str, Any], name: str, kind: type) -> Any:
    """Take a value out of `content` if it is of the kind expected; else leave it there, and return None."""
    return content.pop(name) if isinstance(content.get(name), kind) else None


def _taken_time(content: dict[str, Any], name: str) -> datetime | None:
    time = _read(content.get(name))
    if time is not None:
        del content[name]
    return time


def _read(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _written(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _objects(values: Any) -> list[Mapping[str, Any]]:
    return [each for each in values if isinstance(each, Mapping)] if isinstance(values, list) else []


def _first(values: Any, name: str) -> str | None:
    return next((each[name] for each in _objects(values) if isinstance(each.get(name), str) and each[name]), None)
