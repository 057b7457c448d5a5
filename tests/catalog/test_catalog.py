"""Records go in once and are found by text, value and range."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from xpcs_nb.catalog import Catalog, DataCite, File, Not, Record, _order
from xpcs_nb.errors import MissingKeyError, OptionError


def record(subject: str = "a", **changes: object) -> Record:
    fields = {
        "subject": subject,
        "title": "Aerogel at rest",
        "dataset": "B009_Aerogel_1mm_025C",
        "created": datetime(2026, 1, 1, tzinfo=UTC),
        "datacite": DataCite(creators=("Ada Müller",), subjects=("XPCS", "gel"), description="A static sample."),
        "files": (File(url="/data/B009_results.hdf", size=123, sha256="0" * 64),),
        "metadata": {"temperature": 298.1, "sample": {"name": "aerogel", "thickness": 1.0}, "tags": ["gel", "static"]},
    }
    return Record.model_validate(fields | changes)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
QUERY_WORDS = ["NEAR", "AND", "OR", "NOT", "body:", "(", ")", "^", "+", '"', "{"]


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "catalog.db") as catalog:
        yield catalog


@pytest.fixture
def many(catalog):
    """Thirty records: temperatures 280..309, three samples, rising start times."""
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    catalog.ingest_many(
        record(
            f"s{i:02d}",
            title=f"run number {i}",
            dataset=f"A{i:04d}_{('gel', 'latex', 'protein')[i % 3]}",
            created=begin + timedelta(hours=i),
            start_time=begin + timedelta(days=i),
            metadata={
                "temperature": 280.0 + i,
                "sample": ("gel", "latex", "protein")[i % 3],
                "good": i % 2 == 0,
                "/entry/scan": i,
            },
        )
        for i in range(30)
    )
    return catalog


class TestIngest:
    def test_a_record_comes_back_as_it_went_in(self, catalog):
        assert catalog.ingest(record()) == "created"
        assert catalog.get("a") == record()
        assert "a" in catalog
        assert len(catalog) == 1

    def test_the_same_again_changes_nothing(self, catalog):
        catalog.ingest(record())
        assert catalog.ingest(record()) == "unchanged"
        assert len(catalog) == 1

    def test_a_new_version_replaces_the_old_one_everywhere(self, catalog):
        catalog.ingest(record())
        assert catalog.ingest(record(title="Latex", metadata={"temperature": 350.0})) == "replaced"
        assert catalog.get("a").title == "Latex"
        assert catalog.search("rest").total == 0
        assert catalog.search("latex").total == 1
        assert catalog.search(temperature=(290, 310)).total == 0
        assert catalog.search(temperature=(340, 360)).total == 1
        assert len(catalog) == 1

    def test_a_deleted_record_is_gone_everywhere(self, catalog):
        catalog.ingest_many([record(), record("b")])
        catalog.delete("a")
        assert "a" not in catalog
        assert [found.subject for found in catalog.search("aerogel")] == ["b"]
        assert catalog.search(temperature=298.1, facets=["tags"]).facets["tags"] == (("gel", 1), ("static", 1))
        with pytest.raises(MissingKeyError, match="no record has this subject"):
            catalog.get("a")
        with pytest.raises(MissingKeyError):
            catalog.delete("a")

    def test_of_a_batch_with_an_error_nothing_is_kept(self, catalog):
        def broken():
            yield record("a")
            raise RuntimeError("the source broke")

        with pytest.raises(RuntimeError):
            catalog.ingest_many(broken())
        assert len(catalog) == 0
        catalog.ingest(record("a"))

    def test_what_was_ingested_is_there_after_opening_again(self, tmp_path):
        with Catalog(tmp_path / "c.db") as first:
            first.ingest(record())
        with Catalog(tmp_path / "c.db") as second:
            assert second.get("a") == record()

    @given(metadata=st.dictionaries(st.text(min_size=1, max_size=8), VALUES, max_size=5))
    @settings(max_examples=40, deadline=None)
    def test_any_metadata_come_back(self, tmp_path_factory, metadata):
        with Catalog(tmp_path_factory.mktemp("any") / "c.db") as catalog:
            sent = record(metadata=metadata)
            catalog.ingest(sent)
            assert catalog.get("a") == sent
            assert catalog.search(subject="a").total == 1


class TestRecord:
    @pytest.mark.parametrize(
        "changes",
        [
            {"subject": ""},
            {"subject": "é" * 251},
            {"created": datetime(2026, 1, 1)},  # noqa: DTZ001
            {"visible_to": ()},
            {"files": ({"url": "x", "size": -1},)},
            {"files": ({"url": "x", "size": 1, "sha256": "short"},)},
            {"metadata": {"x": float("nan")}},
            {"metadata": {"x": object()}},
            {"unknown": 1},
        ],
    )
    def test_what_can_not_be_published_is_refused(self, changes):
        with pytest.raises(ValidationError):
            record(**changes)


class TestText:
    @pytest.mark.parametrize(
        "text",
        [
            "aerogel",
            "AEROGEL",
            "rest aerogel",
            '"at rest"',
            "aero*",
            "B009",
            "B009_Aerogel",
            "muller",
            "static",
            "  ",
            "results.hdf",
        ],
    )
    def test_words_are_found_wherever_they_stand(self, catalog, text):
        catalog.ingest(record())
        assert catalog.search(text).total == 1

    @pytest.mark.parametrize("text", ["aero", "latex", "aerogel latex", '"rest at"', "-", '"', "*"])
    def test_what_does_not_occur_is_not_found(self, catalog, text):
        catalog.ingest(record())
        assert catalog.search(text).total == 0

    @given(text=st.text(max_size=30))
    @example(text="0\0")
    @settings(max_examples=150, deadline=None)
    def test_no_text_is_an_error(self, shared, text):
        assert 0 <= shared.search(text).total <= 1

    @given(
        words=st.lists(st.sampled_from(["NEAR", "AND", "OR", "NOT", "body:", "(", ")", "^", "+", '"', "{"]), max_size=5)
    )
    @settings(max_examples=60, deadline=None)
    def test_words_of_the_query_language_are_only_words(self, shared, words):
        assert shared.search(" ".join([*words, "nosuchword"])).total == 0

    def test_the_more_relevant_comes_first(self, catalog):
        catalog.ingest(record("once", title="gel and much else that is long and of no matter here"))
        catalog.ingest(record("often", title="gel gel gel"))
        assert catalog.search("gel").records[0].subject == "often"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with Catalog(tmp_path_factory.mktemp("shared") / "c.db") as catalog:
        catalog.ingest(record())
        yield catalog


class TestFilters:
    def test_ranges_include_their_ends_and_may_be_open(self, many):
        assert many.search(temperature=(290, 299)).total == 10
        assert many.search(temperature=(300, None)).total == 10
        assert many.search(temperature=(None, 280)).total == 1
        assert many.search(temperature=(None, None)).total == 30
        assert many.search(temperature=(299, 290)).total == 0

    def test_values_and_sets_of_values(self, many):
        assert many.search(sample="latex").total == 10
        assert many.search(sample={"latex", "gel"}).total == 20
        assert many.search(sample=[]).total == 0
        assert many.search(sample="Latex").total == 0
        assert many.search(good=True).total == 15
        assert many.search(temperature=[281, 282.0]).total == 2

    def test_text_filters_and_ranges_hold_together(self, many):
        found = many.search("latex", temperature=(290, 299), good=False, sort="temperature")
        expected = [f"s{i:02d}" for i in range(10, 20) if i % 3 == 1 and i % 2 == 1]
        assert [one.subject for one in found] == expected

    def test_keys_that_are_no_names_are_given_in_where(self, many):
        assert many.search(where={"/entry/scan": (5, 7)}).total == 3
        with pytest.raises(OptionError, match="given twice"):
            many.search(where={"sample": "gel"}, sample="gel")

    def test_times_have_ranges_in_any_zone(self, many):
        low = datetime(2026, 3, 10, tzinfo=UTC)
        high = datetime(2026, 3, 12, 2, tzinfo=timezone(timedelta(hours=2)))
        assert many.search(start_time=(low, high)).total == 3
        assert many.search(start_time=("2026-03-10", "2026-03-12")).total == 3
        assert many.search(start_time="2026-03-10").total == 1
        with pytest.raises(OptionError, match="no time"):
            many.search(start_time=("last week", None))

    def test_nested_and_listed_metadata_are_reached(self, catalog):
        catalog.ingest(record())
        assert catalog.search(where={"sample.name": "aerogel"}).total == 1
        assert catalog.search(tags="static", creators="Ada Müller").total == 1

    def test_a_misspelt_key_is_an_error_that_names_close_ones(self, many):
        with pytest.raises(OptionError, match="Did you mean 'temperature'"):
            many.search(temperatures=(1, 2))
        with pytest.raises(OptionError, match="'sample'"):
            many.search(facets=["samples"])

    def test_an_empty_catalogue_finds_nothing_without_complaint(self, catalog):
        found = catalog.search("x", temperature=(1, 2), facets=["sample"], sort="-start_time")
        assert (found.total, found.records, found.facets) == (0, (), {"sample": ()})

    @pytest.mark.parametrize("wanted", [(1, 2, 3), (1, "a")])
    def test_a_range_that_is_none_is_refused(self, many, wanted):
        with pytest.raises(OptionError, match="range"):
            many.search(temperature=wanted)

    def test_values_are_no_sql(self, many):
        assert many.search(sample="'; DROP TABLE records; --").total == 0
        assert len(many) == 30

    def test_fields_of_a_record_win_over_metadata_of_their_name(self, catalog):
        catalog.ingest(record(metadata={"dataset": "other"}))
        assert catalog.search(dataset="other").total == 0


class TestFacets:
    def test_counts_are_of_all_found_not_of_the_page(self, many):
        found = many.search(temperature=(280, 288), facets=["sample", "good"], limit=1)
        assert len(found) == 1
        assert found.facets["sample"] == (("gel", 3), ("latex", 3), ("protein", 3))
        assert found.facets["good"] == ((1.0, 5), (0.0, 4))

    def test_the_most_frequent_values_come_first_and_few(self, many):
        found = many.search(facets=["temperature", "sample"], facet_size=2, good=True)
        assert len(found.facets["temperature"]) == 2
        assert sum(count for _, count in many.search(good=True, facets=["sample"]).facets["sample"]) == 15

    def test_facets_go_with_text(self, many):
        assert many.search("latex", facets=["sample"]).facets["sample"] == (("latex", 10),)

    def test_days_are_counted_in_utc(self, catalog):
        for number, time in enumerate(("2026-03-10T23:30:00+01:00", "2026-03-10T23:30:00-01:00", "2026-03-11T08:00")):
            catalog.ingest(record(f"t{number}", start_time=datetime.fromisoformat(time)))
        found = catalog.search(facets=["start_time:day"]).facets["start_time:day"]
        assert found == (("2026-03-11", 2), ("2026-03-10", 1))
        assert catalog.search(start_time="2026-03-11").total == 2


class TestPages:
    def test_pages_are_disjoint_and_complete(self, many):
        pages = [many.search(sort="-start_time", limit=7, offset=offset) for offset in range(0, 35, 7)]
        subjects = [one.subject for page in pages for one in page]
        assert subjects == [f"s{i:02d}" for i in reversed(range(30))]
        assert {page.total for page in pages} == {30}

    def test_the_newest_come_first_unless_told_otherwise(self, many):
        assert many.search().records[0].subject == "s29"
        assert many.search(sort="temperature").records[0].subject == "s00"
        assert many.search(sort="-dataset").records[0].subject == "s29"

    def test_records_without_the_key_come_last(self, many):
        many.ingest(record("none", metadata={}))
        assert many.search(sort="temperature", limit=100).records[-1].subject == "none"
        assert many.search(sort="-temperature", limit=100).records[-1].subject == "none"

    @pytest.mark.parametrize("page", [{"limit": -1}, {"offset": -1}, {"limit": 1, "offset": 10_000}])
    def test_pages_that_can_not_be_are_refused(self, many, page):
        with pytest.raises(OptionError, match="page"):
            many.search(**page)

    def test_a_page_shows_itself_as_a_table_and_escapes(self, catalog):
        catalog.ingest(record(title="<b>bold</b>"))
        html = catalog.search()._repr_html_()
        assert "&lt;b&gt;bold" in html
        assert "1 records" in html


def test_importing_the_catalogue_loads_no_numerical_package():
    code = "import sys, xpcs_nb.catalog; sys.exit(any(name in sys.modules for name in ('numpy', 'xarray', 'h5py')))"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parent).returncode == 0


def numbered(begin: int, end: int):
    for i in range(begin, end):
        tags = ["even" if i % 2 == 0 else "odd", *(["tenth"] if i % 10 == 0 else [])]
        title = "gel at rest" if i % 3 == 0 else "rest of the gel"
        yield Record(subject=f"s{i:05d}", title=title, dataset=f"d{i % 50}", metadata={"n": i, "tags": tags})


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    with Catalog(tmp_path_factory.mktemp("large") / "c.db") as catalog:
        catalog.ingest_many(numbered(0, 5000))
        catalog.search("gel", n=(0, 10), facets=["tags", "n"])
        catalog.ingest_many(numbered(5000, 20_000))
        yield catalog


class TestManyRecords:
    """Full chunks are arrays, the last one is rows, and nobody sees the difference."""

    def test_every_way_to_ask_gives_what_it_should(self, large):
        assert large.search("gel", facets=["tags"]).facets["tags"] == (
            ("even", 10_000),
            ("odd", 10_000),
            ("tenth", 2000),
        )
        assert large.search('"gel at rest"').total == 6667
        assert large.search('"rest gel"').total == 0
        assert large.search("re* gel").total == 20_000
        found = large.search("gel", n=(4990, 8999), tags="tenth", facets=["dataset"], sort="-n", limit=3)
        assert found.total == 401
        assert [one.metadata["n"] for one in found] == [8990, 8980, 8970]
        assert found.facets["dataset"] == (("d40", 81), ("d0", 80), ("d10", 80), ("d20", 80), ("d30", 80))
        pages = [large.search(sort=["dataset", "-n"], limit=5, offset=offset) for offset in (0, 5)]
        assert [one.metadata["n"] for page in pages for one in page] == [20_000 - 50 * i for i in range(1, 11)]

    def test_what_is_replaced_and_deleted_in_full_chunks_is_gone(self, large):
        large.ingest(Record(subject="s00010", title="latex", dataset="new", metadata={"n": -1}))
        large.delete("s00020")
        assert len(large) == 19_999
        assert large.search("gel").total == 19_998
        assert large.search(tags="tenth").total == 1998
        assert [one.subject for one in large.search("latex")] == ["s00010"]
        assert large.search(n=(0, 30)).total == 29
        assert large.search(tags=None).total == 1

    @pytest.mark.parametrize("text", ["", "tenth-even", "gel"])
    def test_pages_by_a_text_that_differs_in_each_record(self, large, text, monkeypatch):
        monkeypatch.setattr(_order, "FEW_TEXTS", 100)
        where = {"tags": "tenth"} if text == "tenth-even" else {}
        asked = "gel" if text == "gel" else ""
        right = [one.subject for one in large.search(asked, where=where, sort="n", limit=10_000)]
        for offset in (0, 1000):
            page = large.search(asked, where=where, sort="subject", limit=7, offset=offset)
            assert [one.subject for one in page] == sorted(right)[offset : offset + 7]
        last = large.search(asked, where={**where, "n": (15_000, 15_500)}, sort="-subject", limit=3)
        assert [one.metadata["n"] for one in last] == ([15_500, 15_490, 15_480] if where else [15_500, 15_499, 15_498])

    def test_the_order_of_texts_is_that_of_the_records_as_they_are_now(self, large, monkeypatch):
        monkeypatch.setattr(_order, "FEW_TEXTS", 100)
        first = large.search(sort="subject", limit=1).records[0].subject
        large.ingest(Record(subject="a", title="gel", dataset="d"))
        assert [one.subject for one in large.search("gel", sort="subject", limit=2)] == ["a", first]
        large.delete("a")
        assert [one.subject for one in large.search("gel", sort="subject", limit=1)] == [first]

    def test_what_is_read_ahead_changes_no_answer(self, large):
        with Catalog(large.path) as other:
            before = other.search("gel", n=(5, 800), facets=["tags"])
        with Catalog(large.path) as other:
            assert len(list(other.read_ahead(["n", "tags", "no such key"]))) > 3
            assert other.search("gel", n=(5, 800), facets=["tags"]) == before
            pieces = other.read_ahead(["n"])
            next(pieces)
            other.close()
            assert list(pieces) == []
            assert not other._store.is_open

    def test_another_process_sees_what_was_added(self, large):
        with Catalog(large.path) as other:
            before = other.search("gel", tags="odd").total
            large.ingest(Record(subject="added", title="gel", dataset="d", metadata={"tags": ["odd"]}))
            assert other.search("gel", tags="odd").total == before + 1
            large.delete("added")
            assert other.search("gel", tags="odd").total == before


class TestNegation:
    def test_not_missing_and_present(self, many):
        many.ingest(record("none", metadata={"sample": "gel"}))
        assert many.search(sample=Not("gel")).total == 20
        assert many.search(sample=Not({"gel", "latex"})).total == 10
        assert many.search(temperature=Not((285, 400))).total == 6
        assert [one.subject for one in many.search(temperature=None)] == ["none"]
        assert many.search(temperature=Not(None)).total == 30

    def test_several_keys_sort_one_after_the_other(self, many):
        found = many.search(sort=["sample", "-temperature"], limit=12)
        assert [one.subject for one in found] == [f"s{i:02d}" for i in (*range(27, -1, -3), 28, 25)]
        assert [one.subject for one in many.search(sort=["-good", "start_time"], limit=2)] == ["s00", "s02"]

    def test_what_others_may_not_see_is_not_found_for_them(self, catalog):
        catalog.ingest(record("open"))
        catalog.ingest(record("ours", visible_to=("urn:globus:groups:id:g1", "urn:globus:auth:identity:u1")))
        catalog.ingest(record("unknown", visible_to=None))
        assert catalog.search().total == 3
        assert [one.subject for one in catalog.search(as_seen_by=[])] == ["open"]
        assert catalog.search(as_seen_by=["urn:globus:groups:id:g1"], facets=["tags"]).total == 2
