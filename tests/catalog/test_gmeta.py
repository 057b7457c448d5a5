"""Records as entries of Globus Search, ours and those that others published."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpcs_nb.catalog import DataCite, File, Record
from xpcs_nb.errors import FileFormatError, OptionError

TEXT = st.text(min_size=1, max_size=12)
KEYS = st.text(st.characters(exclude_characters=".", exclude_categories=("Cs",)), min_size=1, max_size=6)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
YEARS = {"min_value": datetime(1950, 1, 1), "max_value": datetime(2150, 1, 1)}  # noqa: DTZ001
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
FILES = st.builds(
    File,
    url=TEXT | TEXT.map(lambda name: f"globus://1f2e/data/{name}"),
    size=st.none() | st.integers(0, 2**50),
    sha256=st.none() | st.text("0123456789abcdef", min_size=64, max_size=64),
    mime_type=st.none() | st.sampled_from(["application/x-hdf5", "image/png"]),
    https_url=st.none() | TEXT,
)
WORDS = st.lists(TEXT, max_size=3).map(tuple)
DATACITE = st.builds(
    DataCite,
    creators=WORDS,
    publisher=st.none() | st.text(max_size=5),
    publication_year=st.none() | st.integers(1900, 9999),
    subjects=WORDS,
    description=st.none() | st.text(max_size=20),
    identifier=st.none() | TEXT | st.just("10.1000/xyz"),
)
RECORDS = st.builds(
    Record,
    subject=TEXT,
    title=TEXT,
    dataset=TEXT,
    created=st.none() | st.datetimes(**YEARS, timezones=ZONES),
    start_time=st.none() | st.datetimes(**YEARS) | st.datetimes(**YEARS, timezones=ZONES),
    datacite=DATACITE,
    files=st.lists(FILES, max_size=3).map(tuple),
    metadata=st.dictionaries(KEYS | st.sampled_from(["dc", "files", "title", "created"]), JSON, max_size=4),
    visible_to=st.lists(TEXT, min_size=1, max_size=3).map(tuple),
)


def over_http(entry: dict[str, object]) -> dict[str, object]:
    return json.loads(json.dumps(entry))


def small(**changes: object) -> Record:
    return Record.model_validate({"subject": "s", "title": "t", "dataset": "d"} | changes)


@given(record=RECORDS)
@settings(max_examples=200, deadline=None)
def test_a_record_comes_back_as_it_was(record):
    entry = over_http(record.to_gmeta())
    assert Record.from_gmeta(entry) == record
    # As a search gives it: without visible_to, in a list of entries
    found = {"subject": entry["subject"], "entries": [{"content": entry["content"], "entry_id": "metadata"}]}
    assert Record.from_gmeta(found) == record


def test_the_layout_is_that_of_publishv2():
    created = datetime(2026, 5, 1, 12, tzinfo=UTC)
    file = File(url="globus://c1/out/a%20b.hdf", size=3, sha256="0" * 64, mime_type="application/x-hdf5")
    entry = small(created=created, files=(file,), metadata={"temperature": 298.0}).to_gmeta()
    content = entry["content"]
    assert (entry["id"], entry["visible_to"]) == ("metadata", ["public"])
    assert content["files"][0]["filename"] == "a b.hdf"
    assert content["files"][0]["length"] == 3
    assert content["dc"]["titles"] == [{"title": "t"}]
    assert content["dc"]["formats"] == ["application/x-hdf5"]
    assert content["dc"]["dates"] == [{"date": "2026-05-01T12:00:00+00:00", "dateType": "Created"}]
    assert content["project_metadata"] == {"temperature": 298.0}


@pytest.fixture
def published(tmp_path):
    """What the compute function of gladier's tool gives for a folder with two files."""
    gather = pytest.importorskip("gladier_tools.publish.publishv2").publishv2_gather_metadata
    folder = tmp_path / "A001 gel"
    (folder / "plots").mkdir(parents=True)
    (folder / "A001_results.hdf").write_bytes(b"\x89HDF" + bytes(range(200)))
    (folder / "plots" / "g2.txt").write_text("1 2 3")

    def call(**more: object) -> dict[str, object]:
        fixed = {"source_collection": "c0", "destination_collection": "c1", "index": "i1", "visible_to": ["public"]}
        return over_http(gather(dataset=str(folder), destination="/published", **fixed, **more)["search"])

    return call


def test_an_entry_that_publishv2_made_is_read(published):
    host = {"destination_url_hostname": "https://data.example.org"}
    metadata = {"dc": {"creators": [{"name": "Ada"}]}, "project_metadata": {"temperature": 298.1}, "cycle": "2026-2"}
    record = Record.from_gmeta(published(metadata=metadata, **host))
    assert (record.title, record.dataset, record.visible_to) == ("A001 gel", "A001 gel", ("public",))
    assert record.datacite == DataCite(creators=("Ada",), publication_year=record.created.year)
    assert record.metadata == {"temperature": 298.1, "cycle": "2026-2"}
    files = {file.name: file for file in record.files}
    assert set(files) == {"A001_results.hdf", "g2.txt"}
    assert files["A001_results.hdf"].size == 204
    assert files["g2.txt"].sha256 is not None
    assert files["g2.txt"].mime_type == "text/plain"
    assert files["g2.txt"].https_url == "https://data.example.org/published/A001 gel/plots/g2.txt"
    assert Record.from_gmeta(record.to_gmeta()) == record


def test_an_entry_that_says_little_is_read_and_nothing_is_made_up(published):
    entry = published(enable_meta_dc=False, enable_meta_files=False)
    del entry["visible_to"]
    record = Record.from_gmeta(entry)
    assert (record.title, record.created, record.files, record.visible_to) == ("A001 gel", None, (), None)
    with pytest.raises(OptionError, match="who may see"):
        record.to_gmeta()


@pytest.mark.parametrize(
    "content",
    [
        {"dc": "nonsense", "files": "none", "project_metadata": [1], "title": 5, "start_time": "yesterday"},
        {"dc": {"creators": ["Ada", {"name": None}], "dates": [None], "titles": {}, "publisher": {"name": "APS"}}},
    ],
)
def test_odd_content_is_kept_as_metadata(content):
    record = Record.from_gmeta({"subject": "globus://c1/a/b", "visible_to": ["public"], "content": content})
    assert record.title == "b"
    assert record.metadata == {name: value for name, value in content.items() if name != "dc" or value == "nonsense"}


@pytest.mark.parametrize("entry", [{}, {"subject": "s"}, {"subject": "s", "content": 1}, {"content": {}}])
def test_what_is_no_entry_is_refused(entry):
    with pytest.raises(FileFormatError, match="no entry of Globus Search"):
        Record.from_gmeta(entry)


def test_a_file_that_can_not_be_is_named():
    with pytest.raises(FileFormatError, match=r"files\.0\.sha256"):
        Record.from_gmeta({"subject": "s", "content": {"files": [{"url": "u", "sha256": "abc"}]}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metadata": {"log": {"text": "é" * 16_500}}}, r"project_metadata\.log\.text.*33000 bytes.*at most 32766"),
        ({"metadata": {f"k{i}": i for i in range(1000)}}, "more fields"),
        ({"metadata": {"lines": ["x" * 30_026] * 333}}, "entry is larger"),
        ({"metadata": {"a": {"": 1}}}, "key of an entry can't be empty"),
    ],
)
def test_what_globus_search_would_refuse_is_an_error(changes, message):
    with pytest.raises(OptionError, match=message):
        small(**changes).to_gmeta()
