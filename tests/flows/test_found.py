"""Records that a facility's catalogue gives: their results are loaded, their files fetched and checked."""

from __future__ import annotations

import hashlib
import os
import shutil

import pytest

from xpcs_nb.catalog import Catalog, File, Record
from xpcs_nb.errors import CorruptDataError, FlowError
from xpcs_nb.flows import CatalogView
from xpcs_nb.reduction import correlate_to_file
from xpcs_nb.testing import Sandbox, simulate_measurement


class Elsewhere:
    """A facility whose files lie on another machine: fetching copies them, sometimes badly."""

    def __init__(self, folder):
        self.folder, self.catalogue, self.fetched, self.spoil = folder, Catalog(folder / "c.db"), [], 0

    def fetch(self, url, folder, *, size=None, sha256=None):
        self.fetched.append(url)
        path = shutil.copy(self.folder / url.rsplit("/", 1)[-1], folder / url.rsplit("/", 1)[-1])
        if self.spoil:
            self.spoil -= 1
            os.truncate(path, 100)
        return path


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("result")
    measured = simulate_measurement(folder, shape=(32, 32), n_frames=64, n_dynamic=2, n_static=4, seed=1)
    return correlate_to_file(measured.raw, measured.qmap, output=folder / "out")


@pytest.fixture
def there(tmp_path, result):
    folder = tmp_path / "there"
    folder.mkdir()
    shutil.copy(result, folder)
    (folder / "g2.png").write_bytes(b"\x89PNG")
    files = tuple(
        File(
            url=f"globus://c1/pub/{path.name}",
            size=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in (folder / result.name, folder / "g2.png")
    )
    services = Elsewhere(folder)
    services.catalogue.ingest(Record(subject="a", title="gel", dataset="A001_brownian", files=files))
    services.catalogue.ingest(Record(subject="b", title="gel soon", dataset="A002"))
    yield services
    services.catalogue.close()


@pytest.fixture
def view(there, tmp_path):
    return CatalogView(there, tmp_path / "cache")


def test_what_was_found_loads_and_is_fetched_once(view, there):
    found = view.search("gel", facets=["dataset"], sort="dataset")
    assert (found.total, len(found.facets["dataset"])) == (2, 2)
    assert "multitau" in found[0].load().children
    assert "multitau" in view.search(dataset="A001_brownian").load().children
    assert len(there.fetched) == 1
    assert view.get("a") == there.catalogue.get("a") == found[0]


def test_pictures_are_files_of_the_record_and_can_be_taken_elsewhere(view, tmp_path):
    record = view.get("a")
    assert [file.name for file in record.plots] == ["g2.png"]
    assert record.fetch(tmp_path / "mine", record.plots) == [tmp_path / "mine" / "g2.png"]
    assert len(record.fetch()) == 2


def test_a_download_that_is_spoilt_is_done_again_once(view, there):
    there.spoil = 1
    assert "multitau" in view.get("a").load().children
    assert len(there.fetched) == 2


def test_a_download_that_is_spoilt_twice_is_an_error(view, there):
    there.spoil = 2
    with pytest.raises(CorruptDataError, match=r"not the file that was published.*got 100 bytes"):
        view.get("a").load()


def test_a_file_that_rots_in_the_cache_is_fetched_again(view, there):
    record = view.get("a")
    path = record.fetch(files=record.plots)[0]
    path.write_bytes(b"\x89PN_")
    assert record.fetch(files=record.plots)[0].read_bytes() == b"\x89PNG"
    assert len(there.fetched) == 2


def test_a_record_without_result_says_so(view):
    with pytest.raises(FlowError, match=r"no result file.*still be processed"):
        view.get("b").load()
    with pytest.raises(FlowError, match="nothing was found"):
        view.search("protein").load()


def test_a_result_at_globus_is_found_and_loaded(tmp_path, result, monkeypatch):
    globus = pytest.importorskip("xpcs_nb.facility.globus")
    remote = "11111111-1111-4111-8111-111111111111"
    folder = tmp_path / "remote"
    (folder / "A 1").mkdir(parents=True)
    shutil.copy(result, folder / "A 1")
    # As `Publishv2` writes it, with the space as it is
    file = File(
        url=f"globus://{remote}/A 1/{result.name}",
        size=result.stat().st_size,
        sha256=hashlib.sha256(result.read_bytes()).hexdigest(),
    )
    record = Record(subject="a", title="gel", dataset="A001_brownian", files=(file,), metadata={"temperature": 300})
    with Sandbox(tmp_path / "state", {remote: folder}) as sandbox:
        for name, value in sandbox.environ().items():
            monkeypatch.setenv(name, value)
        ids = (sandbox.endpoint_id, sandbox.endpoint_id, sandbox.index_id)
        with globus.GlobusServices({}, *ids) as services:
            services.catalogue.ingest(record)
            found = CatalogView(services, tmp_path / "cache").search("gel", temperature=(290, 310))
            assert found[0] == record
            assert "multitau" in found.load().children
            assert found[0].fetch()[0].is_relative_to(tmp_path / "cache")
