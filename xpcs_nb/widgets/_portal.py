"""The portal without a screen: search, pages, details, files and the selection, as plain values."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpcs_nb.errors import MissingKeyError, OptionError, XpcsError
from xpcs_nb.widgets._portal_files import PIECE, RecordFiles, picture_kind
from xpcs_nb.widgets._portal_page import file_row, matching, plain, record_row, thumbnail_of, trust_of, value_of
from xpcs_nb.widgets._portal_query import LARGEST_PAGE, Query
from xpcs_nb.widgets._portal_runs import made_by, run_details
from xpcs_nb.widgets._portal_settings import Choices, PortalSettings, load_settings

if TYPE_CHECKING:
    from xpcs_nb.flows import Facility, Found, FoundRecord

__all__ = ["Portal"]

#: Records that are kept for thumbnails and selections.
KEPT = 5_000
#: Seconds between two pieces that are read ahead: whoever searches comes first.
BREATH = 0.002
#: Values of a facet that are listed at first.
FACET_SIZE = 8
#: Records from which one can come in steps, and made from one, that are listed.
LONGEST_HISTORY = 50


class Portal:
    """What the portal knows and can do; `xpcs_nb.browse` shows it.

    Parameters
    ----------
    facility
        Whose catalogue it is. On Globus the services show what the login may see, and the portal has nothing else.
    settings
        A TOML file, or a mapping, that changes what is shown; see docs/how-to/portal.md.
    as_seen_by
        On this machine: principals; only what one of them, or the public, may see is shown. None shows all.

    Attributes
    ----------
    selected
        Subjects of the records that are selected, in the order of selection.
    query
        The search that is shown.
    """

    def __init__(
        self,
        facility: Facility,
        settings: str | Path | Mapping[str, Any] | None = None,
        *,
        as_seen_by: Collection[str] | None = None,
    ) -> None:
        self.facility = facility
        self.settings: PortalSettings = load_settings(facility.site.name, settings)
        self.choices = Choices(facility.site.name)
        self.selected: list[str] = []
        self._local = facility.site.kind == "local"
        self._seen_by: dict[str, Any] = {} if as_seen_by is None else {"as_seen_by": list(as_seen_by)}
        self._records: OrderedDict[str, FoundRecord] = OrderedDict()
        self._turn = threading.Lock()
        self._keys: list[str] | None = None
        catalog = facility.catalog
        self.files = RecordFiles(catalog.cache, local=self._local)
        self.query = Query(size=self.settings.list.page_size)

    def start(self) -> dict[str, Any]:
        """Return what does not change: the site, keys, facets, ranges, orders; and what the user chose last."""
        settings = self.settings
        return {
            "site": self.facility.site.name,
            "description": self.facility.site.description,
            "local": self._local,
            "keys": self.keys(anew=True),
            "list": settings.list.model_dump(mode="json"),
            "sorts": [each.model_dump() for each in settings.sorts if self._known(each.key.removeprefix("-"))],
            "facets": [each.model_dump() for each in settings.facets],
            "ranges": [each.model_dump() for each in settings.ranges if self._known(each.key)],
            "units": dict(settings.units),
            "choices": self.choices.read(),
            "selected": list(self.selected),
            "piece": PIECE,
            "pause": settings.runs.seconds,
        }

    def keys(self, *, anew: bool = False) -> list[str]:
        """Return the keys that records have, as far as they are known."""
        if anew or self._keys is None:
            self._keys = self.facility.catalog.keys()
        return self._keys

    def page(self, query: Query | Mapping[str, Any] | None = None, facets: Sequence[str] = ()) -> dict[str, Any]:
        """Search, and return one page of what was found with the counts of its facets: one round trip.

        Parameters
        ----------
        query
            A `Query`, or its parts as a browser sends them; None for the last one.
        facets
            Keys to count besides those of the settings.

        Raises
        ------
        XpcsError
            The catalogue can't be asked, or not so.
        """
        asked = self.query if query is None else query if isinstance(query, Query) else Query.of(query)
        if asked.offset + asked.size > LARGEST_PAGE:
            asked = asked.within(LARGEST_PAGE)
        # A record that came since may have keys that none had; a site elsewhere is not asked each time.
        self.keys(anew=self._local)
        chosen = [key for key, condition in asked.conditions.items() if condition.values]
        names = self._facets([*facets, *chosen])
        found = self._search(asked, names)
        if not found.records and found.total:
            asked = asked.within(found.total)
            found = self._search(asked, names)
        self.query = asked
        for record in found.records:
            self._keep(record)
        shown = self.settings.list
        return {
            "total": found.total,
            "page": asked.page,
            "pages": asked.last_page(found.total) + 1,
            "size": asked.size,
            "offset": asked.offset,
            "rows": [record_row(record, shown.columns, shown.thumbnails) for record in found.records],
            "facets": self._counts(asked, names, found),
        }

    def read_ahead(self, wanted: Callable[[], bool]) -> None:
        """Read what searches will look at, as long as it is wanted, so that none waits for the disk."""
        settings = self.settings
        named = [*settings.facets, *settings.ranges, *settings.sorts]
        keys = dict.fromkeys(each.key.removeprefix("-").removesuffix(":day") for each in named)
        for _ in self.facility.catalog.read_ahead(keys):
            if not wanted():
                return
            time.sleep(BREATH)

    def facet(self, query: Mapping[str, Any], key: str, size: int) -> list[dict[str, Any]]:
        """Return more values of one facet, with their numbers of records."""
        return _values(self._search(Query.of(query).alone(key), [key], size).facets[key])

    def record(self, subject: str, *, anew: bool = False) -> FoundRecord:
        """Return a record.

        Raises
        ------
        MissingKeyError
            There is none, or none that may be seen.
        """
        known = None if anew else self._records.get(subject)
        if known is not None:
            return known
        catalog = self.facility.catalog
        if self._seen_by and not catalog.search(where={"subject": subject}, limit=1, **self._seen_by).total:
            raise MissingKeyError("no record has this subject, or it may not be seen", got=repr(subject))
        return self._keep(catalog.get(subject))

    def records(self, subjects: Iterable[str]) -> list[FoundRecord]:
        """Return several records."""
        return [self.record(subject) for subject in subjects]

    def select(self, subjects: Sequence[str]) -> list[str]:
        """Select exactly these records; return their subjects, each once."""
        self.selected = list(dict.fromkeys(subjects))
        return list(self.selected)

    def thumbnails(self, subjects: Sequence[str]) -> list[bytes | None]:
        """Return a small picture of each record; None where it has none, or it can't be had."""
        return [self._thumbnail(subject) for subject in subjects]

    def detail(self, subject: str) -> dict[str, Any]:
        """Return all that a record says: summary, groups of pictures, files, logs, and the whole metadata."""
        record = self.record(subject, anew=True)
        shown = self.settings.list
        pictures = [file_row(file) for file in record.files if file_row(file)["picture"]]
        logs = [file_row(file) for file in record.files if matching(file.name, self.settings.logs.files)]
        return {
            **record_row(record, shown.columns, shown.thumbnails),
            "title": record.title,
            "description": record.datacite.description,
            "keywords": list(record.datacite.subjects),
            "identifier": record.datacite.identifier,
            "visible_to": None if record.visible_to is None else list(record.visible_to),
            "created": plain(record.created),
            "summary": self._summary(record),
            "pictures": self._grouped(pictures),
            "files": [file_row(file) for file in record.files],
            "logs": logs,
            "metadata": _flat("", record.metadata),
            "trust": trust_of(record),
            "has_result": _has_result(record),
        }

    def history(self, subject: str) -> dict[str, Any]:
        """Return what a record was made from, step by step, what was made from it, and the runs that made it."""
        record = self.record(subject)
        return {
            "origins": self._origins(record),
            "made_from_it": self._made_from(subject),
            "runs": [
                run_details(run, self.facility.site.name) for run in made_by(self.facility, subject, record.dataset)
            ],
        }

    def picture(self, subject: str, url: str) -> tuple[str, bytes]:
        """Return the media type and the content of a picture of a record."""
        record = self.record(subject)
        file = self.files.find(record, url)
        return picture_kind(file.name), self.files.picture(record, file)

    def text(self, subject: str, url: str) -> str:
        """Return a text file of a record."""
        record = self.record(subject)
        return self.files.text(record, self.files.find(record, url))

    def piece(self, subject: str, url: str, offset: int) -> tuple[bytes, int]:
        """Return a piece of a file of a record, and the size of the whole."""
        record = self.record(subject)
        return self.files.piece(record, self.files.find(record, url), offset)

    def save(self, subjects: Sequence[str], folder: str, names: Sequence[str] = ("*",)) -> list[str]:
        """Copy files of records, those whose names match one of the patterns, to a folder of this machine."""
        if not folder.strip():
            raise OptionError("the folder to save to is missing")
        saved: list[str] = []
        for record in self.records(subjects):
            files = [file for file in record.files if matching(file.name, names)]
            saved += map(str, self.files.save(record, files, Path(folder).expanduser()))
        return saved

    def _search(self, query: Query, facets: Sequence[str], facet_size: int = FACET_SIZE) -> Found:
        return self.facility.catalog.search(
            query.text,
            where=query.where,
            # The catalogue's own order is that of relevance, then the newest first.
            sort=None if query.sort in ("", "relevance") else query.sort,
            limit=query.size,
            offset=query.offset,
            facets=facets,
            facet_size=facet_size,
            **self._seen_by,
        )

    def _facets(self, more: Sequence[str]) -> list[str]:
        named = [each.key for each in self.settings.facets]
        return [key for key in dict.fromkeys([*named, *more]) if self._known(key.removesuffix(":day"))]

    def _counts(self, query: Query, names: Sequence[str], found: Found) -> dict[str, Any]:
        counts: dict[str, Any] = {}
        for name in names:
            condition = query.conditions.get(name)
            values = found.facets[name]
            if condition is not None and condition.values:
                # What else could be chosen, were this condition not there.
                values = self._search(query.alone(name), [name]).facets[name]
            rows = _values(values)
            listed = {row["value"] for row in rows}
            chosen = () if condition is None else condition.values
            counts[name] = rows + [{"value": value, "count": None} for value in chosen if value not in listed]
        return counts

    def _known(self, key: str) -> bool:
        """Tell whether records have a key; a site elsewhere does not tell all, and takes any."""
        return not self._local or key in {"relevance", *self.keys()}

    def _keep(self, record: FoundRecord) -> FoundRecord:
        with self._turn:
            self._records[record.subject] = record
            self._records.move_to_end(record.subject)
            while len(self._records) > KEPT:
                self._records.popitem(last=False)
        return record

    def _thumbnail(self, subject: str) -> bytes | None:
        try:
            record = self.record(subject)
            file = thumbnail_of(record, self.settings.list.thumbnails)
            if file is None:
                return None
            return self.files.thumbnail(record, file, self.settings.list.thumbnail_pixels)
        except (XpcsError, OSError):
            return None  # the list shows that there is none; the detail page says why

    def _summary(self, record: FoundRecord) -> list[dict[str, Any]]:
        groups = []
        for group in self.settings.summary:
            values = [(key, plain(value_of(record, key)), self.settings.units.get(key, "")) for key in group.keys]
            rows = [{"key": key, "value": value, "unit": unit} for key, value, unit in values if value is not None]
            if rows:
                groups.append({"label": group.label, "rows": rows})
        return groups

    def _grouped(self, pictures: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        groups: list[dict[str, Any]] = []
        left = list(pictures)
        for group in self.settings.pictures:
            members = [file for file in left if matching(file["name"], group.files)]
            left = [file for file in left if file not in members]
            if members:
                groups.append({"label": group.label, "files": sorted(members, key=lambda file: file["name"])})
        return groups + ([{"label": "Other", "files": left}] if left else [])

    def _origins(self, record: FoundRecord) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        seen = {record.subject}
        while len(found) < LONGEST_HISTORY:
            origin = record.metadata.get("origin")
            if not isinstance(origin, Mapping):
                break
            subject = origin.get("subject")
            row = {"subject": None, "dataset": plain(origin.get("dataset")), "note": plain(origin)}
            found.append(row)
            if not isinstance(subject, str) or subject in seen:
                break
            seen.add(subject)
            try:
                record = self.record(subject)
            except XpcsError as error:
                row["note"] = str(error)
                break
            row |= {"subject": subject, "dataset": record.dataset, "note": plain(value_of(record, "suffix"))}
        return found

    def _made_from(self, subject: str) -> list[dict[str, Any]]:
        if self._local and "origin.subject" not in self.keys(anew=True):
            return []
        found = self.facility.catalog.search(
            where={"origin.subject": subject}, sort="-created", limit=LONGEST_HISTORY, **self._seen_by
        )
        shown = self.settings.list
        for record in found.records:
            self._keep(record)
        return [record_row(record, shown.columns, shown.thumbnails) for record in found.records]


def _values(counts: Iterable[tuple[str | float, int]]) -> list[dict[str, Any]]:
    return [{"value": value, "count": count} for value, count in counts]


def _has_result(record: FoundRecord) -> bool:
    try:
        return bool(record.result_file)
    except XpcsError:
        return False


def _flat(prefix: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for key, value in values.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(value, Mapping):
            rows += _flat(name, value)
        else:
            rows.append({"key": name, "value": value if isinstance(value, bool | int | float) else _text(value)})
    return rows


def _text(value: Any) -> str:
    return ", ".join(map(_text, value)) if isinstance(value, list | tuple) else "" if value is None else str(value)
