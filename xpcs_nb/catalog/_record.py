"""The published description of a result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator, model_validator

from xpcs_nb.catalog._gmeta import ENTRY_BYTES, entry_of, fields_of
from xpcs_nb.errors import FileFormatError

__all__ = ["DAYS", "FIELDS", "TIMES", "DataCite", "File", "Record", "search_entries", "search_text", "seconds"]

#: Limits of Globus Search, kept here too so that what is ingested here can be ingested there.
SUBJECT_BYTES, VISIBLE_TO = 500, 100

#: Fields of a record that filters know, and those of them that are times.
FIELDS = frozenset({"subject", "title", "dataset", "visible_to", "creators", "subjects", "created", "start_time"})
TIMES = frozenset({"created", "start_time"})

#: What counts the days of a time, among facets.
DAYS = {f"{name}:day": name for name in sorted(TIMES)}

#: Longer strings are found by free text, not by filters.
FILTER_CHARACTERS = 200


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class File(_Model):
    """One file of a dataset.

    Attributes
    ----------
    url
        Where it is: a path, ``file://``, ``globus://`` or ``https://``.
    size
        Bytes; None where it is not known.
    sha256
        Checksum, 64 hexadecimal digits; None where it is not known.
    mime_type
        Kind of its content; None where it is not known.
    https_url
        Where a browser finds it; None where it can't.
    """

    url: str = Field(min_length=1)
    size: Annotated[int, Field(ge=0)] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    mime_type: str | None = None
    https_url: str | None = None

    @property
    def name(self) -> str:
        """Name of the file, the last part of its address."""
        path = unquote(urlsplit(self.url).path) if "://" in self.url else self.url
        return path.rstrip("/").rpartition("/")[2]


class DataCite(_Model):
    """Who made it and what it is, in the terms of DataCite.

    Attributes
    ----------
    creators
        Names, as printed on a paper.
    publisher, publication_year
        Who makes it available, and since when.
    subjects
        Keywords.
    description
        Free text.
    identifier
        DOI or other persistent identifier.
    """

    creators: tuple[str, ...] = ()
    publisher: str | None = None
    publication_year: int | None = Field(default=None, ge=1900, le=9999)
    subjects: tuple[str, ...] = ()
    description: str | None = None
    identifier: str | None = None

    @field_validator("creators", "subjects", mode="before")
    @classmethod
    def _without_empty(cls, words: Any) -> Any:
        # `Publishv2` writes an empty name where it has none.
        return [word for word in words if word != ""] if isinstance(words, list | tuple) else words

    @field_validator("publisher", "description", "identifier", mode="before")
    @classmethod
    def _none_if_empty(cls, text: Any) -> Any:
        return None if text == "" else text


class Record(_Model):
    """What the catalogue holds of one result.

    Attributes
    ----------
    subject
        What makes the record unique, at most 500 bytes: as a rule the address of the result.
    title
        One line for lists.
    dataset
        Name of the measured series.
    created
        When the record was made, with a time zone; None where whoever published it did not say.
    start_time
        When the measurement began; None where the data do not say. Times without a zone stay without.
    datacite
        Creators, keywords, description.
    files
        The files of the result.
    metadata
        Everything else; scalars (also in nested dictionaries, named with dots, and in lists) can be searched for.
    visible_to
        Who may see it, as Globus Search has it: ``public`` or principals; None where the index it came from does not
        tell.
    """

    subject: str = Field(min_length=1)
    title: str = Field(min_length=1)
    dataset: str = Field(min_length=1)
    created: datetime | None = Field(default_factory=lambda: datetime.now(UTC))
    start_time: datetime | None = None
    datacite: DataCite = DataCite()
    files: tuple[File, ...] = ()
    metadata: Mapping[str, JsonValue] = Field(default_factory=dict)
    visible_to: Annotated[tuple[str, ...], Field(min_length=1, max_length=VISIBLE_TO)] | None = ("public",)

    @model_validator(mode="after")
    def _within_limits(self) -> Record:
        if self.created is not None and self.created.tzinfo is None:
            raise ValueError("created must have a time zone")
        size = len(self.subject.encode())
        if size > SUBJECT_BYTES:
            raise ValueError(f"subject has {size} bytes; at most {SUBJECT_BYTES} are allowed")
        size = len(self.model_dump_json().encode())
        if size > ENTRY_BYTES:
            raise ValueError(f"record has {size} bytes; at most {ENTRY_BYTES} are allowed: keep arrays in files")
        return self

    def keys(self) -> set[str]:
        """Return the keys by which filters, facets and sort know the record."""
        return {key for key, _ in search_entries(self)}

    def to_gmeta(self) -> dict[str, Any]:
        """Return the record as an entry for Globus Search (a GMetaEntry), laid out as ``Publishv2`` does.

        Raises
        ------
        OptionError
            Globus Search would refuse it: a field over 32 KB, over 1,000 fields, an entry over 10 MB.
        """
        return entry_of(self)

    @classmethod
    def from_gmeta(cls, entry: Mapping[str, Any]) -> Self:
        """Make the record of an entry of Globus Search (a GMetaEntry, or a GMetaResult with its first entry).

        What `to_gmeta` wrote comes back as it was. Of entries by others, what is beside the DataCite block and the
        files becomes metadata; a time of creation without a zone is taken as UTC.

        Raises
        ------
        FileFormatError
            The entry is none, or what it says can't be: which field, and why.
        """
        fields = fields_of(entry)
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            found = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise FileFormatError(
                f"this entry can't be a record: {found}", where=fields["subject"], hint="Ask whoever published it."
            ) from error


def search_entries(record: Record) -> Iterator[tuple[str, str | float]]:
    """Yield what filters and facets see: pairs of a key and a string or a number; true and false are 1 and 0.

    The record's own fields come under their names (times as in `seconds`), those of the DataCite block as ``creators``
    and ``subjects``, metadata under their keys. A field of the record wins over metadata of its name.
    """
    own: dict[str, Any] = {
        "subject": record.subject,
        "title": record.title,
        "dataset": record.dataset,
        "visible_to": list(record.visible_to or ()),
        "creators": list(record.datacite.creators),
        "subjects": list(record.datacite.subjects),
        "created": record.created and seconds(record.created),
        "start_time": record.start_time and seconds(record.start_time),
    }
    seen = set()
    for key, value in (*_scalars("", own), *_scalars("", {k: v for k, v in record.metadata.items() if k not in own})):
        if isinstance(value, str) and len(value) > FILTER_CHARACTERS:
            continue
        if (key, value) not in seen:
            seen.add((key, value))
            yield key, value


def search_text(record: Record) -> str:
    """Return what free text finds: names, keywords, description, file names, and all strings of the metadata."""
    words = [record.title, record.dataset, record.subject, *record.datacite.creators, *record.datacite.subjects]
    words += [text for text in (record.datacite.description, record.datacite.publisher) if text]
    words += [file.name for file in record.files]
    words += [value for _, value in _scalars("", record.metadata) if isinstance(value, str)]
    return "\n".join(words)


def seconds(time: datetime) -> float:
    """Return a time as a number that can be compared: seconds since 1970 in UTC, which is also meant without a zone."""
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _scalars(prefix: str, value: Any) -> Iterator[tuple[str, str | float]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _scalars(f"{prefix}.{key}" if prefix else key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _scalars(prefix, inner)
    elif isinstance(value, str):
        yield prefix, value
    elif value is not None:
        yield prefix, float(value)
