from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import globus_sdk
import pytest
from globus_sdk.scopes import SearchScopes

from xpcs_nb.testing import Sandbox

SOURCE = "5f0a0000-0000-4000-8000-00000000000a"
TARGET = "5f0a0000-0000-4000-8000-00000000000b"


class Clients:
    """The real clients of Globus, logged in at a sandbox, and closed with it."""

    def __init__(self, sandbox: Sandbox, stack: ExitStack) -> None:
        self._stack = stack
        config = globus_sdk.GlobusAppConfig(token_storage="memory")  # noqa: S106
        self.app = globus_sdk.ClientApp(
            "tests", client_id=sandbox.client_id, client_secret=sandbox.client_secret, config=config
        )
        stack.callback(self.app.close)
        self.transfer = self.keep(globus_sdk.TransferClient(app=self.app))
        self.search = self.keep(globus_sdk.SearchClient(app=self.app, app_scopes=[SearchScopes.all]))
        self.flows = self.keep(globus_sdk.FlowsClient(app=self.app))
        self.groups = self.keep(globus_sdk.GroupsClient(app=self.app))
        self.compute = self.keep(globus_sdk.ComputeClientV3(app=self.app))
        self.compute_v2 = self.keep(globus_sdk.ComputeClientV2(app=self.app))

    def flow(self, flow_id: str) -> globus_sdk.SpecificFlowClient:
        return self.keep(globus_sdk.SpecificFlowClient(flow_id, app=self.app))

    def keep[T: globus_sdk.BaseClient](self, client: T) -> T:
        """Close a client when the test is over."""
        self._stack.callback(client.close)
        return client


def wait_until[T](look: Callable[[], T | None], seconds: float = 60.0) -> T:
    """Return the first true thing that `look` sees."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise TimeoutError(f"nothing in {seconds} s")


@pytest.fixture
def until() -> Callable[..., object]:
    """Something that waits until it sees what is expected."""
    return wait_until


@pytest.fixture
def source() -> str:
    return SOURCE


@pytest.fixture
def target() -> str:
    return TARGET


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Folders of the two collections."""
    found = {SOURCE: tmp_path / "beamline", TARGET: tmp_path / "cluster"}
    for folder in found.values():
        folder.mkdir()
    return found


@contextmanager
def serving(folder: Path, folders: dict[str, Path], workers: int = 1) -> Iterator[Sandbox]:
    """A sandbox, to which the environment leads the clients."""
    with Sandbox(folder, folders, workers=workers) as sandbox, pytest.MonkeyPatch.context() as patch:
        for name, value in sandbox.environ().items():
            patch.setenv(name, value)
        patch.setattr("globus_compute_sdk.sdk.client.get_web_service_url", lambda *_: sandbox.compute_url)
        yield sandbox


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[Sandbox]]:
    """What serves a sandbox for a while."""
    return serving


@pytest.fixture(scope="session")
def log_in() -> type[Clients]:
    """What logs clients in."""
    return Clients


@pytest.fixture
def sandbox(tmp_path: Path, folders: dict[str, Path]) -> Iterator[Sandbox]:
    """A sandbox of the test's own."""
    with serving(tmp_path / "sandbox", folders) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that the tests of a file share, since its worker takes a second to start."""
    with serving(tmp_path_factory.mktemp("shared"), {}) as sandbox:
        yield sandbox


@pytest.fixture
def clients(sandbox: Sandbox) -> Iterator[Clients]:
    """All clients, logged in with the credentials of the sandbox."""
    with ExitStack() as stack:
        yield Clients(sandbox, stack)
