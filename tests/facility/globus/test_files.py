from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from xpcs_nb.errors import CorruptDataError, FacilityError, LoginError, MissingFileError, OptionError, SiteError
from xpcs_nb.facility._https import download
from xpcs_nb.facility.globus import GlobusServices
from xpcs_nb.testing import Sandbox

REMOTE = "11111111-1111-4111-8111-111111111111"
HERE = "22222222-2222-4222-8222-222222222222"

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves one file, and breaks off on request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.break_after: list[int] = []
        self.statuses: list[int] = []
        self.ranges: list[str | None] = []
        self.authorizations: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data/file%20one.hdf"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        server.ranges.append(self.headers["Range"])
        server.authorizations.append(self.headers["Authorization"])
        if server.statuses:
            self.send_response(server.statuses.pop(0))
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if self.headers["Range"] else 0
        body = server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.break_after.pop(0)] if server.break_after else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_broken_download_goes_on_where_it_broke_off(server: Server, tmp_path: Path) -> None:
    server.break_after = [131_072, 131_072]
    target = download(server.url, tmp_path / "file.hdf", size=len(CONTENT), sha256=SHA256)
    assert target.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=131072-", "bytes=262144-"]
    # It is there: nothing is asked for.
    download(server.url, target, sha256=SHA256)
    assert len(server.ranges) == 3


def test_a_download_given_up_goes_on_the_next_time(server: Server, tmp_path: Path) -> None:
    server.break_after = [65_536]
    with pytest.raises(FacilityError, match="goes on from here"):
        download(server.url, tmp_path / "file.hdf", sha256=SHA256, attempts=1)
    assert not (tmp_path / "file.hdf").exists()
    download(server.url, tmp_path / "file.hdf", sha256=SHA256)
    assert server.ranges[-1] == "bytes=65536-"


def test_a_file_of_another_content_is_refused_and_leaves_nothing(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(CorruptDataError, match="not the one"):
        download(server.url, tmp_path / "file.hdf", sha256=SHA256)
    with pytest.raises(CorruptDataError, match="another size"):
        download(server.url, tmp_path / "file.hdf", size=3)
    assert list(tmp_path.iterdir()) == []


def test_what_a_server_refuses_is_said_and_what_is_busy_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.statuses = [404]
    with pytest.raises(MissingFileError, match="404"):
        download(server.url, tmp_path / "f")
    server.statuses = [403]
    with pytest.raises(LoginError, match="403"):
        download(server.url, tmp_path / "f")
    server.statuses = [429]
    assert download(server.url, tmp_path / "f").read_bytes() == CONTENT


def test_a_file_of_a_collection_comes_by_transfer_into_a_collection_of_this_machine(
    services: GlobusServices, sandbox: Sandbox, count: Callable[[str, str], int]
) -> None:
    (sandbox.collections[REMOTE] / "run 7").mkdir(exist_ok=True)
    (sandbox.collections[REMOTE] / "run 7" / "a.hdf").write_bytes(CONTENT)
    folder = sandbox.collections[HERE] / "cache"
    found = services.fetch(f"globus://{REMOTE}/run%207/a.hdf", folder, size=len(CONTENT), sha256=SHA256)
    assert found == folder / "a.hdf"
    assert found.read_bytes() == CONTENT
    submitted = count("transfer", "POST /transfer") + count("transfer", "POST /v0.10/transfer")
    services.fetch(f"globus://{REMOTE}/run%207/a.hdf", folder, sha256=SHA256)
    assert count("transfer", "POST /transfer") + count("transfer", "POST /v0.10/transfer") == submitted == 1


def test_a_file_of_a_collection_comes_over_https_to_other_folders(
    services: GlobusServices, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = server.url.partition("/data")[0]
    monkeypatch.setattr(services._session.transfer, "get_endpoint", lambda _: {"https_server": address})
    found = services.fetch(f"globus://{REMOTE}/data/file one.hdf", tmp_path, sha256=SHA256)
    assert found == tmp_path / "file one.hdf"
    assert found.read_bytes() == CONTENT
    assert str(server.authorizations[0]).startswith("Bearer ")
    # To servers that are no collection's the token does not go.
    services.fetch(server.url, tmp_path / "plain")
    assert server.authorizations[1] is None
    monkeypatch.setattr(services._session.transfer, "get_endpoint", lambda _: {"https_server": None})
    with pytest.raises(FacilityError, match="no HTTPS"):
        services.fetch(f"globus://{REMOTE}/other", tmp_path)


def test_a_transfer_that_fails_says_why(services: GlobusServices, sandbox: Sandbox) -> None:
    (sandbox.collections[REMOTE] / "b.hdf").write_bytes(CONTENT)
    sandbox.fail_task("transfer", "the tape tore")
    with pytest.raises(FacilityError, match="the tape tore"):
        services.fetch(f"globus://{REMOTE}/b.hdf", sandbox.collections[HERE])


def test_a_transfer_that_waits_for_an_endpoint_says_so(services: GlobusServices, sandbox: Sandbox) -> None:
    (sandbox.collections[REMOTE] / "d.hdf").write_bytes(CONTENT)
    sandbox.set_endpoint(HERE, online=False)
    try:
        with pytest.raises(FacilityError, match="NOT_CONNECTED"):
            services.fetch(f"globus://{REMOTE}/d.hdf", sandbox.collections[HERE])
    finally:
        sandbox.set_endpoint(HERE, online=True)


def test_a_file_on_this_machine_stays_where_it_is(services: GlobusServices, sandbox: Sandbox, tmp_path: Path) -> None:
    there = sandbox.collections[HERE] / "c.hdf"
    there.write_bytes(CONTENT)
    for url in (str(there), there.as_uri(), f"globus://{HERE}/c.hdf"):
        assert services.fetch(url, tmp_path, sha256=SHA256) == there
    with pytest.raises(CorruptDataError):
        services.fetch(str(there), tmp_path, sha256="0" * 64)
    with pytest.raises(MissingFileError):
        services.fetch(f"globus://{HERE}/missing.hdf", tmp_path)
    with pytest.raises(SiteError, match="leaves"):
        services.fetch(f"globus://{HERE}/../secret", tmp_path)
    with pytest.raises(OptionError):
        services.fetch("ftp://somewhere/c.hdf", tmp_path)
