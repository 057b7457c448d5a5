from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from xpcs_nb.facility import RunDocument, Services
from xpcs_nb.testing import Sandbox

#: Collections that the tests move files between.
SOURCE = "11111111-1111-4111-8111-111111111111"
TARGET = "22222222-2222-4222-8222-222222222222"

type Wait = Callable[[Services, str], RunDocument]


@pytest.fixture(scope="module")
def module_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("sandbox")
    collections = {SOURCE: folder / "source", TARGET: folder / "target"}
    for root in collections.values():
        root.mkdir()
    with Sandbox(folder / "state", collections) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(module_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sandbox]:
    """A look-alike of Globus to which the environment points; settings are in a folder of the test."""
    for name, value in module_sandbox.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XPCS_NB_CONFIG", str(tmp_path / "config"))
    yield module_sandbox
    module_sandbox.faults.clear()
    module_sandbox.set_endpoint(online=True)


@pytest.fixture
def ended() -> Wait:
    """Wait for a run to end, and return it."""

    def wait(services: Services, run_id: str) -> RunDocument:
        deadline = time.monotonic() + 60
        while (run := services.flows.get(run_id))["status"] == "ACTIVE":
            assert time.monotonic() < deadline, services.flows.log(run_id)
            time.sleep(0.05)
        return run

    return wait
