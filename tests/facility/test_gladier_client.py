"""A gladier client that somebody else wrote runs its flow on this machine and over the look-alike of Globus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import globus_compute_sdk.sdk.client
import pytest
from gladier import GladierBaseClient, GladierBaseTool, generate_flow_definition
from gladier.managers.login_manager import CallbackLoginManager

from xpcs_nb.facility import RunDocument, Services
from xpcs_nb.facility.globus import AppLoginManager, GlobusServices, login
from xpcs_nb.facility.local import LocalServices
from xpcs_nb.testing import Sandbox

type Wait = Callable[[Services, str], RunDocument]


def count_words(text: str, least: int = 1, **rest: Any) -> dict[str, int]:
    from collections import Counter

    return {word: number for word, number in Counter(text.split()).items() if number >= least}


@generate_flow_definition
class CountWords(GladierBaseTool):  # type: ignore[misc]
    compute_functions = [count_words]  # noqa: RUF012
    flow_input = {"least": 2}  # noqa: RUF012
    required_input = ["text", "compute_endpoint"]  # noqa: RUF012


def make_client(folder: Path, login_manager: Any) -> GladierBaseClient:
    @generate_flow_definition
    class Elsewhere(GladierBaseClient):  # type: ignore[misc]
        gladier_tools = [CountWords]  # noqa: RUF012
        secret_config_filename = str(folder / "elsewhere.cfg")

    return Elsewhere(login_manager=login_manager)


TEXT = {"text": "a rose is a rose", "compute_endpoint": Sandbox.endpoint_id}


@pytest.fixture(params=["local", "globus"])
def services(request: pytest.FixtureRequest, tmp_path: Path, sandbox: Sandbox) -> Any:
    if request.param == "globus":
        found: Any = GlobusServices({}, sandbox.endpoint_id, sandbox.endpoint_id, sandbox.index_id)
    else:
        found = LocalServices(tmp_path / "home", endpoints=[sandbox.endpoint_id], workers=1, detached=False)
    yield found
    found.close()


def test_its_definition_and_functions_run_on_either_facility(services: Services, ended: Wait, tmp_path: Path) -> None:
    client = make_client(tmp_path, CallbackLoginManager({}))
    functions = [function for tool in client.tools for function in tool.compute_functions]
    flow_id, ids = services.flows.deploy("Elsewhere", client.get_flow_definition(), functions)
    defaults = {name: value for tool in client.tools for name, value in tool.get_flow_input().items()}
    run = ended(services, services.flows.start(flow_id, {"input": {**defaults, **ids, **TEXT}})["run_id"])
    assert run["status"] == "SUCCEEDED", run
    assert run["details"]["output"]["CountWords"]["details"]["result"] == [{"a": 2, "rose": 2}]


def test_it_runs_by_itself_with_the_login_of_the_facility(
    sandbox: Sandbox, ended: Wait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # gladier's Compute client has no other way to be led elsewhere.
    monkeypatch.setattr(globus_compute_sdk.sdk.client, "get_web_service_url", lambda *_: f"{sandbox.url}/compute")
    with GlobusServices({}, sandbox.endpoint_id, sandbox.endpoint_id, None, app=login()) as services:
        client = make_client(tmp_path, services.login_manager)
        assert isinstance(client.login_manager, AppLoginManager)
        started = client.run_flow({"input": TEXT}, label="elsewhere")
        run = ended(services, started["run_id"])
        assert run["details"]["output"]["CountWords"]["details"]["result"] == [{"a": 2, "rose": 2}]
        for manager in (client.flows_manager.flows_client, client.flows_manager.specific_flow_client):
            manager.close()
