"""Each of the services' bad days: what is tried again, how often, and what is said when it is given up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xpcs_nb.errors import FacilityError, FlowError, LoginError
from xpcs_nb.facility import RunDocument, Services
from xpcs_nb.facility.globus import GlobusServices, login
from xpcs_nb.testing import Sandbox

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}

type Make = Callable[..., GlobusServices]
type Count = Callable[[str, str], int]
type Wait = Callable[[Services, str], RunDocument]


@pytest.fixture
def run_id(services: GlobusServices, ended: Wait) -> str:
    """A run that has ended."""
    flow_id, _ = services.flows.deploy("passes", PASS)
    started = services.flows.start(flow_id, {"input": {}})
    return ended(services, started["run_id"])["run_id"]


def test_a_busy_service_is_asked_again_when_it_says(
    services: GlobusServices, sandbox: Sandbox, run_id: str, count: Count
) -> None:
    before = count("flows", f"GET /runs/{run_id}")
    sandbox.faults.add("flows", "GET /runs/*", status=429, retry_after=1, times=2)
    start = time.monotonic()
    assert services.flows.get(run_id)["status"] == "SUCCEEDED"
    assert time.monotonic() - start >= 2
    assert count("flows", f"GET /runs/{run_id}") - before == 3


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"drop": True}])
def test_a_look_is_repeated_after_trouble(
    services: GlobusServices, sandbox: Sandbox, run_id: str, count: Count, fault: dict[str, Any]
) -> None:
    before = count("flows", f"GET /runs/{run_id}")
    sandbox.faults.add("flows", "GET /runs/*", **fault)
    assert services.flows.get(run_id)["status"] == "SUCCEEDED"
    assert count("flows", f"GET /runs/{run_id}") - before == 2


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"status": 500}, "try again later"),
        ({"status": 429}, "Wait a minute"),
        ({"drop": True}, "can't be reached"),
        ({"delay": 1.0}, "does not answer in time"),
    ],
)
def test_what_is_given_up_is_said(make: Make, sandbox: Sandbox, run_id: str, fault: dict[str, Any], words: str) -> None:
    impatient = make(retries=0, timeout=0.3)
    sandbox.faults.add("flows", "GET /runs/*", **fault)
    with pytest.raises(FacilityError, match=words):
        impatient.flows.get(run_id)


@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}])
def test_a_start_that_failed_is_repeated(services: GlobusServices, sandbox: Sandbox, fault: dict[str, Any]) -> None:
    flow_id, _ = services.flows.deploy("passes", PASS)
    sandbox.faults.add("flows", "POST /flows/*/run", **fault)
    started = services.flows.start(flow_id, {"input": {}}, tags=["mine"])
    assert started["tags"] == ["mine"]
    assert [run["run_id"] for run in services.flows.list() if run["flow_id"] == flow_id] == [started["run_id"]]


def test_a_start_whose_answer_was_too_slow_is_not_repeated(make: Make, sandbox: Sandbox, count: Count) -> None:
    services = make(timeout=0.5)
    flow_id, _ = services.flows.deploy("passes", PASS)
    # It is carried out; only the answer comes late.
    slow = threading.Event()
    engine = sandbox._services["flows"].engine  # type: ignore[attr-defined]
    start = engine.start

    def start_slowly(*args: Any, **options: Any) -> RunDocument:
        started: RunDocument = start(*args, **options)
        if not slow.is_set():
            slow.set()
            time.sleep(1.0)
        return started

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "start", start_slowly)
        started = services.flows.start(flow_id, {"input": {}})
    assert [run["run_id"] for run in services.flows.list() if run["flow_id"] == flow_id] == [started["run_id"]]


def test_an_expired_token_is_renewed_once(
    services: GlobusServices, sandbox: Sandbox, run_id: str, count: Count
) -> None:
    services.flows.get(run_id)
    sandbox.expire_tokens()
    before = count("auth", "token")
    threads = [threading.Thread(target=services.flows.get, args=(run_id,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count("auth", "token") - before == 1


def test_a_token_that_expires_while_the_service_is_busy_is_renewed_once(
    services: GlobusServices, sandbox: Sandbox, run_id: str, count: Count
) -> None:
    services.flows.get(run_id)
    sandbox.faults.add("flows", "GET /runs/*", status=503)
    sandbox.expire_tokens()
    before = count("auth", "token")
    assert services.flows.get(run_id)["status"] == "SUCCEEDED"
    assert count("auth", "token") - before == 1
    sandbox.faults.add("flows", "GET /runs/*", status=401, times=None)
    with pytest.raises(LoginError):
        services.flows.get(run_id)
    assert count("auth", "token") - before == 2


def test_a_person_s_expired_token_is_renewed_by_the_refresh_token(
    sandbox: Sandbox, make: Make, monkeypatch: pytest.MonkeyPatch, count: Count
) -> None:
    import requests

    for name in sandbox.environ():
        if "CLIENT" in name:
            monkeypatch.delenv(name)
    asked: list[str] = []

    def ask(url: str) -> str:
        asked.append(url)
        return requests.get(url, timeout=10).text

    services = make(app=login(ask=ask))
    services.flows.list(limit=1)
    sandbox.expire_tokens()
    before = count("auth", "POST /v2/oauth2/token")
    services.flows.list(limit=1)
    assert count("auth", "POST /v2/oauth2/token") - before == 1
    # A new flow has a consent of its own: one more question, and the run starts.
    flow_id, _ = services.flows.deploy("passes", PASS)
    assert services.flows.start(flow_id, {"input": {}})["run_id"]
    assert len(asked) == 2


def test_mapped_collections_get_their_consents(sandbox: Sandbox, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import requests

    for name in sandbox.environ():
        if "CLIENT" in name:
            monkeypatch.delenv(name)
    asked: list[str] = []

    def ask(url: str) -> str:
        asked.append(url)
        return requests.get(url, timeout=10).text

    mapped = list(sandbox.collections)[:1]
    services = make(app=login(collections=mapped, ask=ask), mapped=mapped)
    flow_id, _ = services.flows.deploy("passes", PASS)
    services.flows.start(flow_id, {"input": {}})
    services.flows.start(flow_id, {"input": {}})
    assert len(asked) == 2
    assert all("data_access" in url for url in asked)


def test_a_login_that_is_refused_says_so(make: Make, sandbox: Sandbox) -> None:
    services = make()
    sandbox.faults.add("search", "*", status=403, times=None)
    with pytest.raises(LoginError, match="Globus Search does not allow this"):
        services.catalogue.search("anything")
    sandbox.faults.add("transfer", "*", status=401, times=None)
    with pytest.raises(LoginError, match="Log in again"):
        services.fetch("globus://11111111-1111-4111-8111-111111111111/a", Path("elsewhere"))


def test_an_endpoint_that_is_offline_and_a_task_that_fails_fail_the_run(
    services: GlobusServices, sandbox: Sandbox, ended: Wait
) -> None:
    def answer() -> int:
        return 42

    definition = {
        "StartAt": "Ask",
        "States": {
            "Ask": {
                "Type": "Action",
                "ActionUrl": "https://compute.actions.globus.org/v3",
                "Parameters": {
                    "endpoint_id.$": "$.input.endpoint",
                    "tasks": [{"function_id.$": "$.input.answer_function_id"}],
                },
                "ResultPath": "$.Ask",
                "WaitTime": 12,
                "End": True,
            }
        },
    }
    flow_id, ids = services.flows.deploy("asks", definition, [answer])
    body = {"input": {"endpoint": sandbox.endpoint_id, **ids}}
    sandbox.fail_task("compute", "the node burnt")
    run = ended(services, services.flows.start(flow_id, body)["run_id"])
    assert run["status"] == "FAILED"
    assert "the node burnt" in run["details"]["cause"]
    retried = ended(services, services.flows.retry(run["run_id"])["run_id"])
    assert retried["details"]["output"]["Ask"]["details"]["result"] == [42]
    sandbox.set_endpoint(online=False)
    run = ended(services, services.flows.start(flow_id, body)["run_id"])
    assert run["status"] == "FAILED"
    # Tasks wait for an endpoint to come back, here as on Globus.
    assert run["details"]["error"] == "ActionTimeout"


def test_a_flow_that_can_t_go_on_in_the_middle_says_so(services: GlobusServices, ended: Wait) -> None:
    states = {
        "First": {
            "Type": "Action",
            "ActionUrl": "https://transfer.actions.globus.org/mkdir",
            "Parameters": {"endpoint_id": "22222222-2222-4222-8222-222222222222", "path.$": "$.input.folder"},
            "ResultPath": "$.First",
            "WaitTime": 60,
            "Next": "Second",
        },
        "Second": {"Type": "Fail", "Error": "Always", "Cause": "it always does"},
    }
    flow_id, _ = services.flows.deploy("fails", {"StartAt": "First", "States": states})
    run = ended(services, services.flows.start(flow_id, {"input": {"folder": f"/f{time.monotonic_ns()}"}})["run_id"])
    assert (run["status"], run["details"].get("error")) == ("FAILED", "Always"), run
    with pytest.raises(FlowError, match=r"\$.input.start_at"):
        services.flows.retry(run["run_id"])


def test_a_run_that_waits_for_attention_is_resumed(
    services: GlobusServices, sandbox: Sandbox, run_id: str, monkeypatch: pytest.MonkeyPatch, count: Count
) -> None:
    engine = sandbox._services["flows"].engine  # type: ignore[attr-defined]
    document: RunDocument = engine.get(run_id)
    monkeypatch.setattr(engine, "get", lambda _: {**document, "status": "INACTIVE"})
    monkeypatch.setattr(engine, "retry", lambda _: {**document, "status": "ACTIVE"})
    before = count("flows", "/run")
    assert services.flows.retry(run_id)["run_id"] == run_id
    assert count("flows", f"POST /runs/{run_id}/resume") == 1
    assert count("flows", "/run") - before == 3


def test_a_flow_that_was_deleted_is_deployed_again(services: GlobusServices) -> None:
    flow_id, _ = services.flows.deploy("passes", PASS)
    services._session.flows.delete_flow(flow_id)
    with pytest.raises(FlowError, match="no such flow"):
        services.flows.start(flow_id, {"input": {}})
    again, _ = services.flows.deploy("passes", PASS)
    assert again != flow_id
    assert services.flows.start(again, {"input": {}})["run_id"]


def test_deploying_the_same_again_costs_one_look(make: Make, count: Count) -> None:
    def half(number: float) -> float:
        return number / 2

    first = make().flows.deploy("halves", PASS, [half])
    before = count("flows", ""), count("compute", "")
    assert make().flows.deploy("halves", PASS, [half]) == first
    assert (count("flows", "") - before[0], count("compute", "") - before[1]) == (1, 0)


def test_secrets_are_in_no_run_log_or_repr(
    services: GlobusServices, sandbox: Sandbox, run_id: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    services.flows.list(limit=5)
    services.flows.start(services.flows.get(run_id)["flow_id"], {"input": {}})
    app = services._session.app
    secrets = [sandbox.client_secret]
    secrets += [data.access_token for data in app.token_storage.get_token_data_by_resource_server().values()]
    sandbox.faults.add("flows", "GET /runs/*", status=403)
    with pytest.raises(LoginError) as refused:
        services.flows.get(run_id)
    shown = f"{services!r} {services.flows!r} {services._session!r} {refused.value!r} {refused.value}"
    for secret in secrets:
        assert secret not in caplog.text
        assert secret not in shown
        for path in [*sandbox.folder.rglob("*"), *tmp_path.rglob("*")]:
            if path.is_file() and not path.name.startswith("tokens-"):
                assert secret.encode() not in path.read_bytes(), path
