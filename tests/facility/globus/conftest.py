from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from xpcs_nb.facility.globus import GlobusServices
from xpcs_nb.testing import Sandbox

REMOTE = "11111111-1111-4111-8111-111111111111"
HERE = "22222222-2222-4222-8222-222222222222"


@pytest.fixture(scope="module")
def sandbox_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("sandbox")
    collections = {REMOTE: folder / "remote", HERE: folder / "here"}
    for root in collections.values():
        root.mkdir()
    with Sandbox(folder / "state", collections) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_of_module: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sandbox]:
    for name, value in sandbox_of_module.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XPCS_NB_CONFIG", str(tmp_path / "config"))
    yield sandbox_of_module
    sandbox_of_module.faults.clear()
    sandbox_of_module.set_endpoint(online=True)


type Make = Callable[..., GlobusServices]


@pytest.fixture
def make(sandbox: Sandbox) -> Iterator[Make]:
    """Make services of a machine with one collection of its own."""
    with ExitStack() as stack:

        def make_one(**options: Any) -> GlobusServices:
            places = {HERE: sandbox.collections[HERE]}
            ids = (sandbox.endpoint_id, sandbox.endpoint_id, sandbox.index_id)
            return stack.enter_context(GlobusServices(places, *ids, **options))

        yield make_one


@pytest.fixture
def services(make: Make) -> GlobusServices:
    return make()


@pytest.fixture
def count(sandbox: Sandbox) -> Callable[[str, str], int]:
    """Count requests to a service whose method and path have a word in them, since the test began."""
    start = len(sandbox.requests)

    def count_of(service: str, word: str) -> int:
        came = sandbox.requests[start:]
        return sum(word in f"{one.method} {one.path}" for one in came if one.service == service)

    return count_of
