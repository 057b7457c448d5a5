"""Copies between folders are complete and checked."""

import hashlib

import pytest

from xpcs_nb.errors import CorruptDataError, MissingFileError, WriteError
from xpcs_nb.facility.local import _transfer, transfer


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
    monkeypatch.setattr(_transfer.shutil, "copyfile", lambda _, part: part.write_bytes(b"damaged"))
    with pytest.raises(CorruptDataError, match="differs from its source"):
        transfer([source], tmp_path / "there")
    assert list((tmp_path / "there").iterdir()) == []


def test_a_full_disk_is_said_and_leaves_nothing(source, tmp_path, monkeypatch):
    def full(_, part):
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_transfer.shutil, "copyfile", full)
    with pytest.raises(WriteError, match="No space left"):
        transfer([source], tmp_path / "there")
    assert list((tmp_path / "there").iterdir()) == []
