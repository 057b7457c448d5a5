"""The file under the catalogue: other processes, and files that are no catalogue."""

from __future__ import annotations

import os
import pickle
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from xpcs_nb.catalog import Catalog, Record
from xpcs_nb.errors import CorruptDataError, FileFormatError, WriteError

WRITER = """
import sys
from xpcs_nb.catalog import Catalog, Record
with Catalog(sys.argv[1]) as catalog:
    for i in range(25):
        who = {"i": i, "who": sys.argv[2]}
        catalog.ingest(Record(subject=f"{sys.argv[2]}-{i}", title="t", dataset="d", metadata=who))
        catalog.ingest(Record(subject="shared", title=f"{sys.argv[2]} {i}", dataset="d"))
"""

KILLED = """
import os, sys
from xpcs_nb.catalog import Catalog, Record
catalog = Catalog(sys.argv[1])
def records():
    for i in range(100):
        yield Record(subject=f"lost-{i}", title="t", dataset="d")
    os._exit(9)
catalog.ingest_many(records())
"""


def simple(subject: str) -> Record:
    return Record(subject=subject, title="t", dataset="d")


def run(code: str, *args: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, args)], stderr=subprocess.PIPE)


def test_several_processes_write_at_once_and_nothing_is_lost(tmp_path):
    path = tmp_path / "c.db"
    writers = [run(WRITER, path, name) for name in ("a", "b", "c")]
    for writer in writers:
        _, err = writer.communicate(timeout=120)
        assert writer.returncode == 0, err.decode()
    with Catalog(path) as catalog:
        assert len(catalog) == 3 * 25 + 1
        assert catalog.search(who={"a", "b", "c"}, facets=["who"]).facets["who"] == (("a", 25), ("b", 25), ("c", 25))
        assert catalog.search(subject="shared").total == 1


def test_a_process_killed_while_ingesting_leaves_nothing_half_done(tmp_path):
    path = tmp_path / "c.db"
    with Catalog(path) as catalog:
        catalog.ingest(simple("kept"))
    killed = run(KILLED, path)
    killed.communicate(timeout=60)
    assert killed.returncode == 9
    with Catalog(path) as catalog:
        assert [one.subject for one in catalog.search()] == ["kept"]
        catalog.ingest(simple("after"))


def test_threads_share_a_catalogue(tmp_path):
    with Catalog(tmp_path / "c.db") as catalog:
        threads = [
            threading.Thread(target=lambda n=n: [catalog.ingest(simple(f"{n}-{i}")) for i in range(20)])
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(catalog) == 80


def test_a_reader_sees_the_old_state_while_another_writes(tmp_path):
    path = tmp_path / "c.db"
    with Catalog(path) as writer, Catalog(path) as reader:
        writer.ingest(simple("first"))
        seen = []

        def records():
            yield simple("second")
            seen.append(len(reader))
            yield simple("third")

        writer.ingest_many(records())
        assert seen == [1]
        assert len(reader) == 3


def test_a_pickled_catalogue_opens_the_same_file(tmp_path):
    with Catalog(tmp_path / "c.db") as catalog:
        catalog.ingest(simple("a"))
        with pickle.loads(pickle.dumps(catalog)) as copy:  # noqa: S301
            assert "a" in copy


def test_text_is_no_database(tmp_path):
    path = tmp_path / "c.db"
    path.write_text("this is a note, not a database, and it is long enough to be looked at\n" * 20)
    with pytest.raises(CorruptDataError, match=r"c\.db: the catalogue is damaged or no database"):
        Catalog(path).search()
    assert path.read_text().startswith("this is a note")


def test_a_damaged_page_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "c.db"
    with Catalog(path) as catalog:
        catalog.ingest_many(simple(f"{i}" * 20) for i in range(300))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    with pytest.raises(CorruptDataError, match=r"c\.db.*damaged.*ingest the records again"):
        Catalog(path).search("t")


def test_a_truncated_file_is_an_error(tmp_path):
    path = tmp_path / "c.db"
    with Catalog(path) as catalog:
        catalog.ingest_many(simple(f"{i}" * 20) for i in range(300))
    os.truncate(path, 3 * 4096)
    with pytest.raises(CorruptDataError):
        Catalog(path).search("t")


def test_another_programs_database_is_left_alone(tmp_path):
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (x)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(FileFormatError, match="no catalogue of xpcs_nb"):
        Catalog(path).ingest(simple("a"))
    assert path.read_bytes() == before


def test_a_catalogue_of_a_later_version_is_refused(tmp_path):
    path = tmp_path / "c.db"
    with Catalog(path) as catalog:
        catalog.ingest(simple("a"))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(FileFormatError, match=r"another version.*got 99, expected 2"):
        Catalog(path).search()


def test_a_folder_that_can_not_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="catalogue"):
        Catalog(tmp_path / "file" / "c.db").ingest(simple("a"))


def test_the_folder_is_made(tmp_path):
    path: Path = tmp_path / "new" / "folder" / "c.db"
    with Catalog(path) as catalog:
        catalog.ingest(simple("a"))
    assert path.is_file()


def test_nothing_is_made_before_the_catalogue_is_used(tmp_path):
    Catalog(tmp_path / "c.db")
    assert not list(tmp_path.iterdir())


def test_a_catalogue_of_the_first_version_is_brought_up_to_date(tmp_path):
    path = tmp_path / "c.db"
    connection = sqlite3.connect(path)
    connection.executescript(Path(__file__).with_name("version_1.sql").read_text())
    for number, name in enumerate(("a", "b"), 1):
        record = Record(subject=name, title=f"gel {name}", dataset="d", metadata={"temperature": 300 + number})
        row = (number, name, "digest", record.model_dump_json(), record.title)
        connection.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?)", row)
    connection.executescript(
        f"PRAGMA application_id = {0x58504353}; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;"
    )
    connection.close()
    with Catalog(path) as catalog:
        assert [one.subject for one in catalog.search("gel", temperature=(302, None))] == ["b"]
        assert catalog.ingest(simple("c")) == "created"
    with Catalog(path) as catalog:
        assert len(catalog) == 3
