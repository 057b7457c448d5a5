"""A page of records as plain values: what a browser draws, and no more.

Nothing of it is HTML: a record is other people's input, and the browser sets it as text. Links are of safe kinds only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from xpcs_nb.catalog import File, Record

__all__ = ["file_row", "is_picture", "link_of", "matching", "plain", "record_row", "trust_of", "value_of"]

#: Characters of a text in a list.
SHORT = 200
#: Kinds of links that a browser may follow.
SAFE = {"https", "http"}
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg")


def record_row(record: Record, columns: Sequence[str], thumbnails: Sequence[str]) -> dict[str, Any]:
    """Return what a list shows of a record."""
    time = record.start_time or record.created
    suffix = value_of(record, "suffix")
    return {
        "subject": record.subject,
        "title": record.title[:SHORT],
        "dataset": record.dataset[:SHORT],
        "time": None if time is None else time.isoformat(),
        "creators": [name[:SHORT] for name in record.datacite.creators],
        "status": plain(value_of(record, "status")),
        "suffix": plain(suffix),
        "files": len(record.files),
        "bytes": sum(file.size or 0 for file in record.files),
        "picture": thumbnail_of(record, thumbnails) is not None,
        "trust": trust_of(record),
        "columns": {key: plain(value_of(record, key)) for key in columns},
    }


def thumbnail_of(record: Record, patterns: Iterable[str]) -> File | None:
    """Return the picture that stands for a record: the first that the first pattern matches."""
    pictures = [file for file in record.files if is_picture(file) and not file.name.lower().endswith(".svg")]
    return next((file for pattern in patterns for file in pictures if fnmatch(file.name, pattern)), None)


def file_row(file: File) -> dict[str, Any]:
    """Return what a list shows of a file."""
    return {
        "url": file.url,
        "name": file.name,
        "size": file.size,
        "sha256": file.sha256,
        "kind": file.mime_type,
        "picture": is_picture(file),
        "link": link_of(file),
    }


def is_picture(file: File) -> bool:
    """Tell whether a browser can show the file as a picture."""
    return file.name.lower().endswith(PICTURES)


def link_of(file: File) -> str | None:
    """Return the address of a file that a browser may follow; None where it has none, or none of a safe kind."""
    for address in (file.https_url, file.url):
        if address and urlsplit(address).scheme.lower() in SAFE and not any(ord(sign) <= 32 for sign in address):
            return address
    return None


def matching(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether a name matches one of the patterns."""
    return any(fnmatch(name, pattern) for pattern in patterns)


def value_of(record: Record, key: str) -> Any:
    """Return what a record has under a key as filters name it: a field, or metadata, nested with dots."""
    own = {
        "subject": record.subject,
        "title": record.title,
        "dataset": record.dataset,
        "creators": list(record.datacite.creators),
        "subjects": list(record.datacite.subjects),
        "created": record.created,
        "start_time": record.start_time,
        "visible_to": list(record.visible_to or ()),
    }
    return own[key] if key in own else _nested(record.metadata, key)


def _nested(values: Any, key: str) -> Any:
    if not isinstance(values, Mapping):
        return None
    if key in values:
        return values[key]
    # A key may itself have dots.
    for place, sign in enumerate(key):
        if sign == "." and key[:place] in values:
            found = _nested(values[key[:place]], key[place + 1 :])
            if found is not None:
                return found
    return None


def plain(value: Any) -> Any:
    """Return a value for a list: a number, a short text, true, false, or None."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {plain(each)}" for name, each in value.items())[:SHORT] or None
    if isinstance(value, list | tuple):
        return ", ".join(str(plain(each)) for each in value)[:SHORT] or None
    return str(value)[:SHORT]


def trust_of(record: Record) -> dict[str, Any] | None:
    """Return the verdict of the trust report that a record has, and the checks that warn; None where it has none."""
    verdict = record.metadata.get("trust")
    if not isinstance(verdict, str):
        return None
    warnings, notes = record.metadata.get("trust_warning_names"), record.metadata.get("trust_note_names")
    return {"verdict": plain(verdict), "warnings": plain(warnings), "notes": plain(notes)}
