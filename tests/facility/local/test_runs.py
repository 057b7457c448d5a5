"""The run store: many runs, and files that can't be one."""

import sqlite3

import pytest

from xpcs_nb.errors import CorruptDataError, FileFormatError, OptionError, WriteError
from xpcs_nb.facility.local import _database
from xpcs_nb.facility.local._claims import Claims
from xpcs_nb.facility.local._runs import SCHEMA_VERSION, RunStore, list_query

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
POSITION = {"state": "A", "context": {}, "entered": 0}


@pytest.fixture
def store(home):
    store = RunStore(home / "runs.sqlite")
    yield store
    store.close()


@pytest.fixture
def many(store):
    """Give a store of 10,000 runs, each with 2 KB of output; every tenth has failed."""
    flow_id = store.add_flow("many", PASS)
    store.add_run(flow_id, {}, POSITION, {})
    with store.database.writing() as connection:
        numbers = [{"n": n} for n in range(2, 10_001)]
        connection.executemany(
            "INSERT INTO runs SELECT :n, 'run' || :n, flow_id, definition, settings, 'label' || :n, tags, "
            "CASE WHEN :n % 10 THEN 'SUCCEEDED' ELSE 'FAILED' END, start_time, start_time, details, NULL, 0, 0 "
            "FROM runs WHERE number = 1",
            numbers,
        )
        connection.executemany(
            "INSERT INTO carried (run, body, position, output) VALUES (:n, '{}', '{}', json_quote(hex(zeroblob(999))))",
            numbers,
        )
        connection.execute("INSERT INTO tags SELECT 'even', number FROM runs WHERE number % 2 = 0")
    return store


def test_a_page_of_ten_thousand_runs_is_the_newest_without_output(many):
    def numbers(**options):
        page = many.list(**{"limit": 3, "offset": 0, "status": None, "tag": None, **options})
        assert all("output" not in document["details"] for document in page)
        return [int(document["label"].removeprefix("label") or 1) for document in page]

    assert numbers() == [10_000, 9_999, 9_998]
    assert numbers(offset=9_998) == [2, 1]
    assert numbers(status="FAILED", offset=1) == [9_990, 9_980, 9_970]
    assert numbers(tag="even") == [10_000, 9_998, 9_996]
    assert numbers(tag="even", status="SUCCEEDED", offset=1) == [9_996, 9_994, 9_992]
    assert numbers(status="ACTIVE") == [1]
    with pytest.raises(OptionError, match="offset=-1"):
        numbers(offset=-1)


@pytest.mark.parametrize("status", [None, "FAILED"])
@pytest.mark.parametrize("tag", [None, "even"])
def test_a_page_is_read_along_an_index_and_not_sorted(status, tag, many):
    query, values = list_query(status, tag)
    with many.database.reading() as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", (*values, 50, 0))]
    assert not any("TEMP B-TREE" in step for step in plan), plan
    # Without a condition the runs themselves are read, from their end.
    assert [step for step in plan if step.startswith("SCAN")] == ([] if status or tag else ["SCAN runs"]), plan
    assert not any("carried" in step for step in plan)


def test_an_engine_finds_its_work_among_ten_thousand_queued_runs_by_an_index(many):
    with many.database.writing() as connection:
        connection.execute("UPDATE runs SET status = 'ACTIVE', due = 10001 - number")
        connection.execute("UPDATE carried SET body = '{}', position = '{\"state\": \"A\"}'")
        asked = []
        connection.set_trace_callback(asked.append)
    claims = Claims(many.database, "engine")
    assert claims.next_due() == 1
    assert [taken.number for taken in claims.take(2)] == [10_000, 9_999]
    claims.cancelled()
    Claims(many.database, "").interrupt_others()
    with many.database.reading() as connection:
        connection.set_trace_callback(None)
        for statement in {each for each in asked if each.startswith("SELECT")}:
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
            assert not any("TEMP B-TREE" in step or step == "SCAN runs" for step in plan), plan
    assert many.list(limit=1, offset=0, status=None, tag=None)[0]["status"] == "INACTIVE"


def test_a_file_that_is_no_database_is_said_to_be(home):
    home.mkdir()
    (home / "runs.sqlite").write_bytes(b"something else, for longer than a header is" * 20)
    with pytest.raises(CorruptDataError, match="run store is damaged"):
        RunStore(home / "runs.sqlite").add_flow("a", PASS)


def test_a_foreign_database_is_left_as_it_is(home):
    home.mkdir()
    connection = sqlite3.connect(home / "runs.sqlite")
    connection.execute("CREATE TABLE mine (a)")
    connection.commit()
    connection.close()
    with pytest.raises(FileFormatError, match="no run store"):
        RunStore(home / "runs.sqlite").add_flow("a", PASS)


def test_another_version_is_said(store):
    store.add_flow("a", PASS)
    with store.database.writing() as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    store.close()
    with pytest.raises(FileFormatError, match="another version"):
        store.add_flow("a", PASS)


def test_a_lock_that_another_keeps_is_said(store, home, monkeypatch):
    store.add_flow("a", PASS)
    store.close()
    monkeypatch.setattr(_database, "BUSY_SECONDS", 0.05)
    other = sqlite3.connect(home / "runs.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(WriteError, match="another process"):
            store.add_flow("b", PASS)
    finally:
        other.close()


def test_a_full_disk_is_said_and_what_was_there_stays(store):
    flow_id = store.add_flow("a", PASS)
    store.add_run(flow_id, {}, POSITION, {}, label="first")
    with store.database.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    with store.database._turn:
        # The limit stands for the disk's end.
        store.database._open().execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(WriteError, match="the disk is full"):
        store.add_run(flow_id, {"input": "x" * 100_000}, POSITION, {}, label="second")
    assert [run["label"] for run in store.list(limit=9, offset=0, status=None, tag=None)] == ["first"]
