from __future__ import annotations

from datetime import UTC, datetime

import pytest

from xpcs_nb.catalog import Catalog, DataCite, File, Not, Record
from xpcs_nb.errors import MissingKeyError, OptionError
from xpcs_nb.facility.globus import GlobusServices

RECORDS = [
    Record(
        subject=f"globus://collection/{name}",
        title=title,
        dataset=name,
        created=datetime(2026, 5, day, tzinfo=UTC),
        datacite=DataCite(creators=("A. Person",), subjects=("XPCS",)),
        files=(File(url=f"globus://collection/{name}/{name}.hdf", size=12),),
        metadata={"temperature": temperature, "cycle": cycle, "sample": {"name": title.split()[0].lower()}},
    )
    for name, title, day, temperature, cycle in (
        ("A001", "Aerogel at rest", 1, 290.0, "2026-1"),
        ("A002", "Aerogel sheared", 3, 300.0, "2026-2"),
        ("B001", "Colloid AND glass", 2, 310.5, "2026-2"),
    )
]

SEARCHES: list[tuple[str, dict[str, object]]] = [
    ("", {}),
    ("aerogel", {"sort": "dataset"}),
    ("aero*", {"sort": "-temperature"}),
    ('"aerogel sheared"', {}),
    ("glass AND", {}),
    ("aerogel sheared: (really)", {}),
    ("", {"cycle": "2026-2", "sort": "created"}),
    ("", {"cycle": ["2026-1", "2026-2"], "temperature": (295, None), "sort": "-created"}),
    ("", {"temperature": (290, 300), "sort": "temperature", "facets": ["cycle", "temperature"]}),
    ("", {"created": (datetime(2026, 5, 2, tzinfo=UTC), None), "sort": "created"}),
    ("", {"created": "2026-05-02", "facets": ["created:day"]}),
    ("", {"created": ["2026-05-02", datetime(2026, 5, 3, tzinfo=UTC)], "sort": "dataset"}),
    ("", {"temperature": None}),
    ("", {"temperature": (None, None), "sort": "dataset"}),
    ("", {"cycle": Not("2026-1"), "sort": ["cycle", "-temperature"]}),
    ("", {"temperature": Not((295, 305)), "sort": "dataset"}),
    ("", {"as_seen_by": ["urn:globus:auth:identity:someone"], "sort": "dataset"}),
    ("!!", {"facets": ["cycle"]}),
    ("", {"where": {"sample.name": "colloid"}, "facets": ["sample.name"]}),
    ("", {"creators": "A. Person", "subjects": "XPCS", "sort": "dataset", "limit": 1, "offset": 1}),
]


@pytest.fixture
def filled(services: GlobusServices) -> GlobusServices:
    services.catalogue.ingest_many(RECORDS)
    return services


@pytest.mark.parametrize(("text", "options"), SEARCHES)
def test_a_search_finds_what_the_embedded_catalogue_finds(
    filled: GlobusServices, text: str, options: dict[str, object]
) -> None:
    with Catalog(":memory:") as embedded:
        embedded.ingest_many(RECORDS)
        expected = embedded.search(text, **options)  # type: ignore[arg-type]
    found = filled.catalogue.search(text, **options)  # type: ignore[arg-type]
    assert found == expected


def test_a_record_comes_back_as_it_was_and_goes_when_deleted(filled: GlobusServices) -> None:
    record = RECORDS[0]
    catalogue = filled.catalogue
    assert catalogue.get(record.subject) == record
    newer = record.model_copy(update={"title": "Aerogel, corrected"})
    catalogue.ingest(newer)
    assert catalogue.get(record.subject).title == "Aerogel, corrected"
    assert catalogue.search("").total == len(RECORDS)
    catalogue.delete(record.subject)
    with pytest.raises(MissingKeyError, match="A001"):
        catalogue.get(record.subject)
    with pytest.raises(MissingKeyError):
        catalogue.delete(record.subject)


def test_pages_beyond_what_the_service_shows_and_bad_ranges_are_refused(services: GlobusServices) -> None:
    with pytest.raises(OptionError, match="10000"):
        services.catalogue.search("", limit=10, offset=9_995)
    with pytest.raises(OptionError, match="two ends"):
        services.catalogue.search("", temperature=(1, 2, 3))
