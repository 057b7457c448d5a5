"""Copies between folders are complete and checked."""

import hashlib
import os
import socket
import subprocess
import sys

import pytest

from xpcs_nb.errors import CorruptDataError, MissingFileError, WriteError
from xpcs_nb.facility.local import _copy, transfer


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "a.h5"
    path.write_bytes(b"photons" * 1000)
    return path


def test_a_copy_is_the_source(source, tmp_path):
    (arrived,) = transfer([source], tmp_path / "there")
    assert arrived.path.read_bytes() == source.read_bytes()
    assert (arrived.size, arrived.sha256) == (7000, hashlib.sha256(source.read_bytes()).hexdigest())


def test_a_file_that_is_there_already_is_not_written_again(source, tmp_path):
    (first,) = transfer([source], tmp_path / "there")
    before = first.path.stat().st_mtime_ns
    transfer([source], tmp_path / "there")
    assert first.path.stat().st_mtime_ns == before


def test_a_different_file_of_that_name_is_replaced(source, tmp_path):
    transfer([source], tmp_path / "there")
    source.write_bytes(b"changed")
    (second,) = transfer([source], tmp_path / "there")
    assert second.path.read_bytes() == b"changed"


def test_a_missing_source_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"none\.h5"):
        transfer([tmp_path / "none.h5"], tmp_path / "there")


def test_a_damaged_copy_is_refused_and_removed(source, tmp_path, monkeypatch):
    def damaged(descriptor, piece):
        return write(descriptor, bytes(len(piece)))

    write = os.write
    monkeypatch.setattr(_copy.os, "write", damaged)
    with pytest.raises(CorruptDataError, match="differs from its source"):
        transfer([source], tmp_path / "there")
    assert list((tmp_path / "there").iterdir()) == []


def test_a_full_disk_is_said_and_leaves_nothing(source, tmp_path, monkeypatch):
    def full(descriptor, piece):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_copy.os, "write", full)
    with pytest.raises(WriteError, match="No space left"):
        transfer([source], tmp_path / "there")
    assert list((tmp_path / "there").iterdir()) == []


def test_a_file_that_changes_while_it_is_copied_is_refused(source, tmp_path, monkeypatch):
    def change(descriptor):
        source.write_bytes(b"changed")
        return sync(descriptor)

    sync = os.fsync
    monkeypatch.setattr(_copy.os, "fsync", change)
    with pytest.raises(CorruptDataError, match="changed while it was copied"):
        transfer([source], tmp_path / "there")
    assert list((tmp_path / "there").iterdir()) == []


def test_what_a_killed_process_left_is_removed(source, tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (there / f".a.h5.{socket.gethostname()}-{ended.pid}-1.part").touch()
    under_way = there / f".b.h5.{socket.gethostname()}-{os.getpid()}-1.part"
    under_way.touch()
    transfer([source], there)
    assert {path.name for path in there.iterdir()} == {"a.h5", under_way.name}
