"""What the actions do with the files, folders and records of this machine."""

import os
import threading
import time

import pytest

from xpcs_nb.facility.local import LOCAL_COLLECTION, LOCAL_INDEX, _copy
from xpcs_nb.facility.local._actions import ACTION_URLS, Actions
from xpcs_nb.facility.local._runs import RunStore
from xpcs_nb.facility.local._work import ActionRefusedError, OutOfTimeError, Settings, Stop, StoppedError, Work


@pytest.fixture
def folders(tmp_path):
    """Give the folders of two collections, `here` and `there`."""
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "scan/deep").mkdir(parents=True)
    there.mkdir()
    (here / "scan/a.h5").write_bytes(b"a" * 1000)
    (here / "scan/deep/b.h5").write_bytes(b"b" * 500)
    return here, there


@pytest.fixture
def act(folders, home, tmp_path):
    """Carry out an action: ``act("mkdir", path="/x")``; collections are called here and there."""
    here, there = folders
    store = RunStore(home / "runs.sqlite")
    actions = Actions(home, store)
    settings = Settings({LOCAL_COLLECTION: "/", "here": str(here), "there": str(there)}, (), "mine", "processes", 1)

    def carry_out(action, *, service="transfer", stop=None, seconds=60, repeated=False, report=None, **body):
        work = Work(
            action_id="id",
            body=body,
            settings=settings,
            folder=tmp_path / "run",
            name="State",
            stop=stop or Stop(),
            deadline=time.monotonic() + seconds,
            repeated=repeated,
            **({"report": report} if report else {}),
        )
        return actions.carry_out(f"https://{service}.actions.globus.org/{action}/", work)

    yield carry_out
    actions.close()
    store.close()


@pytest.fixture
def move(act):
    """Transfer from `here` to `there`: pairs of paths, and options."""

    def transfer(*pairs, recursive=False, **options):
        data = [{"source_path": source, "destination_path": target, "recursive": recursive} for source, target in pairs]
        ends = {"source_endpoint": "here", "destination_endpoint": "there"}
        return act("transfer", **{**ends, "DATA": data, **options})

    return transfer


def test_a_folder_arrives_whole(move, folders):
    _, there = folders
    (folders[0] / "scan/empty").mkdir()
    done = move(("/scan", "/copy/scan"), recursive=True)
    assert done.status == "SUCCEEDED"
    assert (there / "copy/scan/a.h5").read_bytes() == b"a" * 1000
    assert (there / "copy/scan/deep/b.h5").read_bytes() == b"b" * 500
    assert (there / "copy/scan/empty").is_dir()
    counts = {"files": 2, "directories": 3, "files_transferred": 2, "bytes_transferred": 1500, "faults": 0}
    assert {name: done.details[name] for name in counts} == counts
    assert (done.details["status"], done.details["nice_status"], done.details["task_id"]) == ("SUCCEEDED", "OK", "id")


def test_a_transfer_that_is_repeated_copies_only_what_is_not_there(move, folders):
    here, there = folders
    move(("/scan", "/scan"), recursive=True)
    before = (there / "scan/a.h5").stat().st_ino
    (here / "scan/deep/b.h5").write_bytes(b"changed")
    (there / "scan/new.h5").write_bytes(b"is left")
    done = move(("/scan", "/scan"), recursive=True)
    assert (done.details["files_skipped"], done.details["files_transferred"]) == (1, 1)
    assert (there / "scan/a.h5").stat().st_ino == before
    assert (there / "scan/deep/b.h5").read_bytes() == b"changed"
    assert (there / "scan/new.h5").exists()


@pytest.mark.parametrize(("level", "skipped"), [(0, 1), ("size", 1), (2, 0), ("checksum", 0), (None, 0)])
def test_sync_level_says_when_a_file_is_there(level, skipped, move, folders):
    (folders[1] / "a.h5").write_bytes(b"x" * 1000)
    done = move(("/scan/a.h5", "/a.h5"), sync_level=level)
    assert done.details["files_skipped"] == skipped
    same = move(("/scan/a.h5", "/a.h5"), sync_level=level)
    assert same.details["files_skipped"] == 1


def test_sync_level_checksum_compares_content_not_time(move, folders):
    (folders[1] / "a.h5").write_bytes(b"a" * 1000)
    assert move(("/scan/a.h5", "/a.h5"), sync_level=3).details["files_skipped"] == 1


@pytest.mark.parametrize("path", ["/../secret", "../secret", "/link/secret", "/scan/../../secret", "/way"])
def test_a_path_that_leads_out_of_its_collection_is_refused(path, move, folders, tmp_path):
    here, there = folders
    (tmp_path / "secret").write_text("secret")
    (here / "link").symlink_to(tmp_path)
    (there / "link").symlink_to(tmp_path)
    (here / "way").symlink_to(tmp_path / "secret")
    (there / "way").symlink_to(tmp_path / "secret")
    with pytest.raises(ActionRefusedError, match="out of its collection"):
        move((path, "/a"))
    with pytest.raises(ActionRefusedError, match="out of its collection"):
        move(("/scan/a.h5", path))
    assert (tmp_path / "secret").read_text() == "secret"


def test_links_in_a_folder_are_left_out_kept_or_copied(move, folders, tmp_path):
    here, there = folders
    (here / "scan/link").symlink_to("a.h5")
    assert move(("/scan", "/one"), recursive=True).details["symlinks"] == 1
    assert not (there / "one/link").exists()
    move(("/scan", "/two"), recursive=True, recursive_symlinks="keep")
    move(("/scan", "/two"), recursive=True, recursive_symlinks="keep")
    assert (there / "two/link").readlink().name == "a.h5"
    move(("/scan", "/three"), recursive=True, recursive_symlinks="copy")
    assert not (there / "three/link").is_symlink()
    assert (there / "three/link").read_bytes() == b"a" * 1000
    (here / "scan/out").symlink_to(tmp_path)
    with pytest.raises(ActionRefusedError, match="out of its collection"):
        move(("/scan", "/four"), recursive=True, recursive_symlinks="copy")


def test_a_pipe_in_a_folder_is_said_and_not_waited_for(move, folders):
    os.mkfifo(folders[0] / "scan/pipe")
    done = move(("/scan", "/scan"), recursive=True)
    assert "scan/pipe: this is neither" in done.details["nice_status_details"]


def test_a_home_path_is_in_the_collection(move, folders):
    move(("/~/scan/a.h5", "~/a.h5"))
    assert (folders[1] / "a.h5").exists()


@pytest.mark.parametrize(
    ("pair", "options", "status", "problem"),
    [
        (("/none", "/a"), {}, "FILE_NOT_FOUND", "no such file"),
        (("/scan", "/a"), {}, "FILE_NOT_FOUND", "recursive: true"),
        (("/scan/a.h5", "/a"), {"recursive": True}, "FILE_NOT_FOUND", "this is a file"),
        (("/scan/a.h5", "/"), {}, "ENDPOINT_ERROR", "name the file itself"),
    ],
)
def test_what_can_not_be_transferred_is_said(pair, options, status, problem, move):
    done = move(pair, **options)
    assert (done.status, done.details["nice_status"]) == ("FAILED", status)
    assert problem in done.details["fatal_error"]["description"]


def test_unknown_collections_and_options_are_refused(move):
    with pytest.raises(ActionRefusedError, match="no collection 'elsewhere'"):
        move(("/scan/a.h5", "/a"), source_endpoint="elsewhere")
    with pytest.raises(ActionRefusedError, match="sync_level is 7"):
        move(("/scan/a.h5", "/a"), sync_level=7)
    with pytest.raises(ActionRefusedError, match="delete_destination_extra"):
        move(("/scan", "/a"), recursive=True, delete_destination_extra=True)
    with pytest.raises(ActionRefusedError, match="into itself"):
        move(("/scan", "/scan/deep/scan"), recursive=True, destination_endpoint="here")


def test_names_of_the_newer_request_do_too(act, folders):
    items = [{"source_path": "/scan/a.h5", "destination_path": "/a.h5"}]
    ends = {"source_endpoint_id": "here", "destination_endpoint_id": "there"}
    assert act("transfer", **ends, transfer_items=items).status == "SUCCEEDED"


def test_a_damaged_copy_is_made_again(move, folders, monkeypatch):
    preadv, wrong = os.preadv, [True]

    def read_back(descriptor, buffers, position):
        count = preadv(descriptor, buffers, position)
        if wrong:
            wrong.pop()
            buffers[0][0] ^= 1
        return count

    monkeypatch.setattr(_copy.os, "preadv", read_back)
    done = move(("/scan/a.h5", "/a.h5"))
    assert (done.status, done.details["faults"], done.details["bytes_transferred"]) == ("SUCCEEDED", 1, 1000)
    wrong.extend([True] * 3)
    done = move(("/scan/deep/b.h5", "/b.h5"))
    assert (done.status, done.details["nice_status"]) == ("FAILED", "CHECKSUM_ERROR")
    assert [path.name for path in folders[1].iterdir()] == ["a.h5"]


def test_a_transfer_stops_within_a_file_and_leaves_nothing(move, folders, monkeypatch):
    monkeypatch.setattr(_copy, "CHUNK", 100)
    stop = Stop()
    write = os.write

    def stop_and_write(*args):
        stop.set("cancel")
        return write(*args)

    monkeypatch.setattr(_copy.os, "write", stop_and_write)
    with pytest.raises(StoppedError):
        move(("/scan/a.h5", "/a.h5"), stop=stop)
    with pytest.raises(OutOfTimeError):
        move(("/scan/a.h5", "/a.h5"), seconds=0)
    assert list(folders[1].iterdir()) == []


def test_progress_is_reported(move, folders, monkeypatch):
    monkeypatch.setattr(_copy, "CHUNK", 400)
    monkeypatch.setattr("xpcs_nb.facility.local._transfer_action.REPORT_EVERY", 0)
    seen = []
    move(("/scan/a.h5", "/a.h5"), report=lambda counts: seen.append(counts["bytes_transferred"]))
    assert seen == [400, 800, 1000, 1000]


def test_two_transfers_to_one_place_at_once_leave_a_whole_file(move, folders):
    (folders[0] / "big").write_bytes(os.urandom(20_000_000))
    threads = [threading.Thread(target=move, args=(("/big", "/big"),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (folders[1] / "big").read_bytes() == (folders[0] / "big").read_bytes()
    assert [path.name for path in folders[1].iterdir()] == ["big"]


def test_folders_are_made_listed_and_deleted(act, folders):
    here, _ = folders
    assert act("mkdir", endpoint_id="here", path="/new/one").details["code"] == "DirectoryCreated"
    assert act("mkdir", endpoint_id="here", path="/new/one").status == "SUCCEEDED"
    listed = act("ls", endpoint_id="here", path="/scan").details
    assert [(entry["name"], entry["type"]) for entry in listed["DATA"]] == [("a.h5", "file"), ("deep", "dir")]
    assert listed["DATA"][0]["size"] == 1000
    failed = act("delete", endpoint_id="here", DATA=[{"path": "/scan"}])
    assert (failed.status, failed.details["fatal_error"]["code"]) == ("FAILED", "ENDPOINT_ERROR")
    assert act("delete", endpoint_id="here", items=["/scan", "/new"], recursive=True).details["files"] == 2
    assert list(here.iterdir()) == []
    gone = act("delete", endpoint_id="here", items=["/scan"])
    assert (gone.status, gone.details["nice_status"]) == ("FAILED", "FILE_NOT_FOUND")
    assert act("delete", endpoint_id="here", items=["/scan"], repeated=True).status == "SUCCEEDED"
    with pytest.raises(ActionRefusedError, match="own folder"):
        act("delete", endpoint_id="here", items=["/"], recursive=True)
    assert act("ls", endpoint_id="here", path="/none").status == "FAILED"


def test_permissions_are_recorded_only(act, folders):
    before = (folders[0] / "scan").stat().st_mode
    asked = {"permissions": "r", "principal": "x", "principal_type": "group", "operation": "CREATE"}
    details = act("set_permission", endpoint_id="here", path="/scan/", **asked).details
    assert {name: details[name] for name in asked} == asked
    assert "Recorded only" in details["message"]
    assert (folders[0] / "scan").stat().st_mode == before


ENTRY = {"subject": "a", "visible_to": ["public"], "content": {"title": "Aerogel", "dataset": "A1"}}


def found(home, text=""):
    from xpcs_nb.catalog import Catalog

    with Catalog(home / "catalogue.sqlite") as catalogue:
        return [record.title for record in catalogue.search(text)]


def test_records_are_ingested_once_and_deleted(act, home):
    done = act("ingest", service="search", search_index=LOCAL_INDEX, **ENTRY)
    assert (done.status, done.details["num_documents_ingested"]) == ("SUCCEEDED", 1)
    act("ingest", service="search", search_index="mine", **ENTRY)
    gmeta = [ENTRY, {**ENTRY, "subject": "b", "content": {"title": "Gel", "dataset": "B"}}]
    listed = {"ingest_type": "GMetaList", "ingest_data": {"gmeta": gmeta}}
    assert act("ingest", service="search", search_index="mine", **listed).details["num_documents_ingested"] == 2
    assert sorted(found(home)) == ["Aerogel", "Gel"]
    assert act("delete", service="search", search_index="mine", subject="a").details["num_subjects_deleted"] == 1
    assert act("delete", service="search", search_index="mine", subject="a").details["num_subjects_deleted"] == 0
    assert found(home) == ["Gel"]


def test_what_is_no_record_fails_with_the_reason_and_adds_nothing(act, home):
    gmeta = [ENTRY, {**ENTRY, "subject": "x" * 501}]
    done = act("ingest", service="search", search_index="mine", ingest_data={"gmeta": gmeta})
    assert done.status == "FAILED"
    assert "500" in done.details["error"]
    assert found(home) == []
    with pytest.raises(ActionRefusedError, match="no search index 'other'"):
        act("ingest", service="search", search_index="other", **ENTRY)
    with pytest.raises(ActionRefusedError, match="no content"):
        act("ingest", service="search", search_index="mine", subject="a", visible_to=["public"])


def test_all_actions_have_both_of_their_addresses():
    for operation in ("transfer", "mkdir", "delete", "ls", "set_permission"):
        assert f"https://transfer.actions.globus.org/{operation}" in ACTION_URLS
        assert f"https://actions.globus.org/transfer/{operation}" in ACTION_URLS
    assert {"https://compute.actions.globus.org", "https://compute.actions.globus.org/v3"} <= ACTION_URLS
    assert {"https://actions.globus.org/search/ingest", "https://search.actions.globus.org/delete"} <= ACTION_URLS
