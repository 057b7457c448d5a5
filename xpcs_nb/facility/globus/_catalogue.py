"""Records in an index of Globus Search."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import batched
from typing import Any

from globus_sdk import GlobusAPIError

from xpcs_nb.catalog import Filter, Record, SearchResult
from xpcs_nb.errors import FacilityError, MissingKeyError, OptionError
from xpcs_nb.facility.globus._query import field_name, filter_of, search_query, words_of
from xpcs_nb.facility.globus._session import Session
from xpcs_nb.facility.globus._waiting import poll

__all__ = ["GlobusCatalogue"]

SERVICE = "Globus Search"

#: Records ingested at once; the service takes 10 MB, and a record is a few KB.
TOGETHER = 200

#: Records whose keys are listed.
NEWEST = 200

#: Seconds that an index may take over an ingest.
INGEST_TIME = 600


class GlobusCatalogue:
    """Implements `xpcs_nb.facility.Catalogue`, with the searches of `xpcs_nb.catalog.Catalog`.

    Parameters
    ----------
    session
        The clients.
    index
        Id of the index.
    """

    def __init__(self, session: Session, index: str) -> None:
        self._session = session
        self.index = index

    def __repr__(self) -> str:
        return f"GlobusCatalogue({self.index!r})"

    def ingest(self, record: Record) -> None:
        """Add a record, or put it in the place of the one with its subject; returns when it can be found."""
        self.ingest_many([record])

    def ingest_many(self, records: Iterable[Record]) -> None:
        """Ingest records, many in each request.

        Raises
        ------
        OptionError
            A record is outside of the service's limits.
        FacilityError
            The service refused an entry.
        """
        for some in batched(records, TOGETHER):
            entries = {"gmeta": [record.to_gmeta() for record in some]}
            document = {"ingest_type": "GMetaList", "ingest_data": entries}
            answer = self._session.call(SERVICE, self._session.search.ingest, self.index, document)
            self._wait(answer["task_id"], "ingest")

    def get(self, subject: str) -> Record:
        """Return the record of a subject.

        Raises
        ------
        MissingKeyError
            There is none, or none that this login may see.
        """
        try:
            answer = self._session.call(SERVICE, self._session.search.get_subject, self.index, subject)
        except FacilityError as error:
            raise self._missing(error, subject) from error
        return Record.from_gmeta(answer.data)

    def delete(self, subject: str) -> None:
        """Remove the record of a subject; returns when it is gone.

        Raises
        ------
        MissingKeyError
            There is none.
        """
        # The service does not mind a subject that is not there.
        self.get(subject)
        answer = self._session.call(SERVICE, self._session.search.delete_subject, self.index, subject)
        if answer.get("task_id"):
            self._wait(answer["task_id"], "deletion")

    def keys(self) -> list[str]:
        """Return the keys of the newest records that this login may see: the service has no list of them."""
        newest = self.search(sort="-created", limit=NEWEST)
        return sorted({key for record in newest for key in record.keys()})

    def read_ahead(self, keys: Collection[str] = ()) -> Iterator[None]:
        """Do nothing: the service searches."""
        return iter(())

    def search(
        self,
        text: str = "",
        *,
        where: Mapping[str, Filter] | None = None,
        facets: Collection[str] = (),
        facet_size: int = 10,
        sort: str | Sequence[str] | None = None,
        limit: int = 20,
        offset: int = 0,
        as_seen_by: Collection[str] | None = None,
        **filters: Filter,
    ) -> SearchResult:
        """Find records; see `xpcs_nb.catalog.Catalog.search`.

        The service shows what this login may see. A key that no record has finds nothing here: the service does not
        tell. Nor does it fold accents.
        """
        both = set(where or {}) & set(filters)
        if both:
            raise OptionError("filters are given twice", where="where", got=", ".join(sorted(both)))
        wanted = [filter_of(key, each) for key, each in {**(where or {}), **filters}.items()]
        if as_seen_by is not None:
            wanted.append(filter_of("visible_to", ["public", *as_seen_by]))
        words = words_of(text)
        query = search_query(words, wanted, facets=facets, facet_size=facet_size, sort=sort, limit=limit, offset=offset)
        if text.strip() and not words:
            return SearchResult(0, (), dict.fromkeys(facets, ()), offset)
        answer = self._session.call(SERVICE, self._session.search.post_search, self.index, query)
        records = tuple(Record.from_gmeta(entry) for entry in answer["gmeta"])
        counts = {key: tuple(_buckets(answer.get("facet_results") or (), key))[:facet_size] for key in facets}
        return SearchResult(int(answer["total"]), records, counts, offset)

    def _missing(self, error: FacilityError, subject: str) -> Exception:
        cause = error.__cause__
        if isinstance(cause, GlobusAPIError) and cause.http_status == 404:
            return MissingKeyError("no record has this subject", where=f"index {self.index}", got=repr(subject))
        return error

    def _wait(self, task_id: str, what: str) -> None:
        def look() -> str | None:
            task = self._session.call(SERVICE, self._session.search.get_task, task_id)
            if task["state"] == "FAILED":
                raise FacilityError(
                    f"the {what} failed",
                    where=f"index {self.index}",
                    got=task.get("message") or task.get("state_description"),
                )
            return "done" if task["state"] == "SUCCESS" else None

        poll(look, INGEST_TIME, f"the {what} into index {self.index} takes too long", first=0.2)


def _buckets(results: Iterable[Mapping[str, Any]], key: str) -> list[tuple[str | float, int]]:
    found: list[tuple[str | float, int]] = []
    for result in results:
        if result.get("name") in {key, field_name(key)}:
            days = result.get("name") == key and ":" in key
            for bucket in result.get("buckets") or ():
                value, count = bucket["value"], int(bucket["count"])
                if count:
                    # Of a histogram, a time at which a day begins
                    plain = float(value) if isinstance(value, int | float) else value
                    found.append((str(plain)[:10] if days else plain, count))
    return sorted(found, key=lambda one: -one[1])
