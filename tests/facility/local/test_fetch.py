"""Files of this machine by their addresses."""

import hashlib

import pytest

from xpcs_nb.errors import CorruptDataError, FacilityError, MissingFileError, SiteError
from xpcs_nb.facility.local import LOCAL_COLLECTION


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "shared" / "a result.hdf"
    path.parent.mkdir()
    path.write_bytes(b"g2")
    return path


def test_a_file_of_this_machine_stays_where_it_is(make_services, file, tmp_path):
    services = make_services(collections={"group": file.parent})
    here = f"globus://{LOCAL_COLLECTION}{file.as_uri().removeprefix('file://')}"
    for url in (file.as_uri(), str(file), here, "globus://group/a%20result.hdf"):
        assert services.fetch(url, tmp_path / "cache") == file
    assert services.fetch(str(file), tmp_path, size=2, sha256=hashlib.sha256(b"g2").hexdigest()) == file
    assert not (tmp_path / "cache").exists()


def test_another_file_than_was_described_is_refused(services, file, tmp_path):
    with pytest.raises(CorruptDataError, match="size"):
        services.fetch(file.as_uri(), tmp_path, size=3)
    with pytest.raises(CorruptDataError, match="checksum"):
        services.fetch(file.as_uri(), tmp_path, size=2, sha256="0" * 64)
    with pytest.raises(MissingFileError, match="no such file"):
        services.fetch("file:///nowhere/a.hdf", tmp_path)


def test_files_elsewhere_are_said_to_be(make_services, file, tmp_path):
    services = make_services(collections={"group": file.parent})
    with pytest.raises(FacilityError, match="not on this machine"):
        services.fetch("https://example.org/a.hdf", tmp_path)
    with pytest.raises(SiteError, match="no collection 'other'"):
        services.fetch("globus://other/a.hdf", tmp_path)
    with pytest.raises(SiteError, match="out of its collection"):
        services.fetch("globus://group/../a.hdf", tmp_path)


@pytest.mark.parametrize("options", [{"workers": 0}, {"active": 0}, {"executor": "magic"}])
def test_settings_that_can_not_be_used_are_refused(options, make_services):
    with pytest.raises(SiteError):
        make_services(**options)
