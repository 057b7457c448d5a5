"""Each fault reaches the clients as it would from the real services, and they get over those that pass."""

from __future__ import annotations

import time
from pathlib import Path

import globus_sdk
import pytest
import requests
from globus_sdk.transport import RetryConfig

from xpcs_nb.testing import Sandbox


def statuses(sandbox: Sandbox, path: str) -> list[int | None]:
    return [seen.status for seen in sandbox.requests if seen.path == path]


def once(clients) -> globus_sdk.TransferClient:
    """A client that does not try again."""
    return clients.keep(globus_sdk.TransferClient(app=clients.app, retry_config=RetryConfig(max_retries=0)))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_client_tries_again_after_a_status_that_passes(clients, sandbox: Sandbox, status: int) -> None:
    sandbox.faults.add("transfer", "GET /v0.10/task_list", status=status, retry_after=0.0, times=1)
    assert clients.transfer.task_list()["total"] == 0
    assert statuses(sandbox, "/v0.10/task_list") == [status, 200]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_each_service_words_a_fault_as_its_own(clients, sandbox: Sandbox, status: int) -> None:
    for service in ("auth", "transfer", "flows", "search", "groups", "compute"):
        sandbox.faults.add(service, status=status, retry_after=7)
        answer = requests.get(f"{sandbox.url}/{service}/anything", timeout=10)
        assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
        assert "a fault of the sandbox" in answer.text
        assert requests.get(f"{sandbox.url}/{service}/anything", timeout=10).status_code == 501


def test_retry_after_is_waited_for(clients, sandbox: Sandbox) -> None:
    sandbox.faults.add("transfer", "GET /v0.10/task_list", status=429, retry_after=1)
    began = time.monotonic()
    clients.transfer.task_list()
    assert time.monotonic() - began >= 1


def test_dropped_connections_are_tried_again(clients, sandbox: Sandbox, folders: dict[str, Path], source: str) -> None:
    (folders[source] / "f").write_text("x")
    data = globus_sdk.TransferData(source, source)
    data.add_item("/f", "/g")
    sandbox.faults.add("transfer", "POST /v0.10/transfer", drop=True)
    assert clients.transfer.submit_transfer(data)["code"] == "Accepted"
    assert statuses(sandbox, "/v0.10/transfer") == [None, 200]
    data = globus_sdk.TransferData(source, source)
    data.add_item("/f", "/h")
    sandbox.faults.add("transfer", "POST /v0.10/transfer", lose=True)
    assert clients.transfer.submit_transfer(data)["code"] == "Duplicate"
    sandbox.faults.add("transfer", "GET *", drop=True, times=None)
    with pytest.raises(globus_sdk.NetworkError):
        once(clients).task_list()
    sandbox.faults.clear()
    assert once(clients).task_list()["total"] == 2


def test_slow_answers_come_late(clients, sandbox: Sandbox) -> None:
    sandbox.faults.add("transfer", delay=0.3)
    began = time.monotonic()
    assert once(clients).task_list()["total"] == 0
    assert time.monotonic() - began >= 0.3
    sandbox.faults.add("transfer", delay=5.0)
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{sandbox.url}/transfer/v0.10/task_list", timeout=0.2)


def test_faults_begin_and_end_where_they_are_told(clients, sandbox: Sandbox) -> None:
    fault = sandbox.faults.add("transfer", "GET /v0.10/endpoint/*", status=503, after=1, times=2)
    client = once(clients)
    seen = []
    for _ in range(5):
        try:
            client.get_endpoint(next(iter(sandbox.collections)))
        except globus_sdk.TransferAPIError as error:
            seen.append(error.http_status)
        else:
            seen.append(200)
    assert seen == [200, 503, 503, 200, 200]
    assert fault.seen == 5
    assert client.task_list()["total"] == 0


def test_an_ended_token_costs_one_login(clients, sandbox: Sandbox) -> None:
    clients.transfer.task_list()
    sandbox.expire_tokens()
    clients.transfer.task_list()
    clients.transfer.task_list()
    assert statuses(sandbox, "/v0.10/task_list") == [200, 401, 200, 200]
    assert len(statuses(sandbox, "/v2/oauth2/token")) == 2


def test_what_the_sandbox_does_not_have_is_said(clients, sandbox: Sandbox) -> None:
    with pytest.raises(globus_sdk.TransferAPIError, match=r"the sandbox has no GET /v0.10/bookmark_list") as caught:
        list(clients.transfer.bookmark_list())
    assert caught.value.http_status == 501


def test_closing_ends_connections_and_work_at_once(tmp_path: Path, folders: dict[str, Path]) -> None:
    with requests.Session() as session:
        with Sandbox(tmp_path / "closing", folders) as sandbox:
            session.get(f"{sandbox.url}/compute/v2/version", timeout=10)
            began = time.monotonic()
        assert time.monotonic() - began < 5
        with pytest.raises(requests.ConnectionError):
            session.get(f"{sandbox.url}/compute/v2/version", timeout=10)
