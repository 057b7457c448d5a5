"""A file appears whole or not at all, and what dead writers left is cleared."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from xpcs_nb.errors import CorruptDataError, ResultExistsError, WriteError
from xpcs_nb.hdf5 import atomic_file

HOST = socket.gethostname()


def write(path, content, *, overwrite=False, meanwhile=None, error=None):
    """Write a file; in the middle of it, another process may take the name, or an error may happen."""
    with atomic_file(path, overwrite=overwrite) as part:
        part.write_bytes(content)
        if meanwhile is not None:
            path.write_bytes(meanwhile)
        if error is not None:
            raise error


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def dead_process():
    """Id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_file_takes_its_name_at_the_end(tmp_path):
    path = tmp_path / "new" / "folder" / "a.hdf"
    with atomic_file(path) as part:
        part.write_bytes(b"whole")
        assert not path.exists()
        assert part.parent == path.parent
    assert path.read_bytes() == b"whole"
    assert names(path.parent) == ["a.hdf"]


def test_an_existing_file_is_refused_before_the_work(tmp_path):
    path = tmp_path / "a.hdf"
    path.write_bytes(b"old")
    with pytest.raises(ResultExistsError, match=r"a\.hdf"), atomic_file(path):
        pytest.fail("the work began")
    assert path.read_bytes() == b"old"


def test_a_file_that_appears_during_the_work_is_not_replaced(tmp_path):
    path = tmp_path / "a.hdf"
    with pytest.raises(ResultExistsError):
        write(path, b"new", meanwhile=b"of another process")
    assert path.read_bytes() == b"of another process"
    assert names(tmp_path) == ["a.hdf"]


def test_a_file_system_without_hard_links_is_no_obstacle(tmp_path, monkeypatch):
    def no_links(*_args):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "a.hdf"
    with atomic_file(path) as part:
        part.write_bytes(b"new")
    assert path.read_bytes() == b"new"
    path.unlink()
    with pytest.raises(ResultExistsError):
        write(path, b"new", meanwhile=b"of another process")
    assert path.read_bytes() == b"of another process"


def test_an_existing_file_is_replaced_when_asked(tmp_path):
    path = tmp_path / "a.hdf"
    path.write_bytes(b"old")
    with atomic_file(path, overwrite=True) as part:
        part.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.hdf"]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("error", [ValueError("bug"), CorruptDataError("bad frame"), KeyboardInterrupt()])
def test_an_error_inside_leaves_nothing_new(tmp_path, error, overwrite):
    path = tmp_path / "a.hdf"
    if overwrite:
        path.write_bytes(b"old")
    with pytest.raises(type(error)):
        write(path, b"half", overwrite=overwrite, error=error)
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"old"] * overwrite


def test_a_full_disk_is_a_write_error_with_its_reason(tmp_path):
    path = tmp_path / "a.hdf"
    with pytest.raises(WriteError, match="No space left") as caught:
        write(path, b"half", error=OSError(28, "No space left on device"))
    assert str(path) in str(caught.value)
    assert names(tmp_path) == []


def test_a_folder_that_can_not_be_made_is_a_write_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WriteError), atomic_file(tmp_path / "file" / "a.hdf"):
        pytest.fail("the work began")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_a_write_error(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(WriteError, match="Permission"), atomic_file(tmp_path / "a.hdf") as part:
            part.write_bytes(b"")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("name", ["a.hdf", "a[1].hdf"])
def test_leftovers_of_dead_processes_are_removed_and_those_of_live_ones_kept(tmp_path, dead_process, name):
    dead = tmp_path / f".{name}.{HOST}-{dead_process}-0123abcd.part"
    live = tmp_path / f".{name}.{HOST}-{os.getpid()}-0123abcd.part"
    other_name = tmp_path / f".b.hdf.{HOST}-{dead_process}-0123abcd.part"
    # Its process can't be asked from here, also where its name begins like ours.
    other_machines = [tmp_path / f".{name}.{host}-{dead_process}-0123abcd.part" for host in (f"{HOST}-2", f"x{HOST}")]
    kept = [live, other_name, *other_machines]
    for part in (dead, *kept):
        part.write_bytes(b"half")
    with atomic_file(tmp_path / name) as part:
        part.write_bytes(b"")
    assert names(tmp_path) == sorted([*(part.name for part in kept), name])
