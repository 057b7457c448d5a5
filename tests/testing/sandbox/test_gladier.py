"""A gladier client as its users write it: functions registered, flow deployed and run, all over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from gladier import GladierBaseClient, GladierBaseTool, generate_flow_definition

from xpcs_nb.testing import Sandbox

pytestmark = [
    # gladier closes none of its clients, and files of its configuration neither.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def measure(**data: Any) -> dict[str, Any]:
    from pathlib import Path

    return {"size": Path(data["raw"]).stat().st_size, "report": data["report"]}


def report(**data: Any) -> str:
    from pathlib import Path

    text = f"{data['size']} bytes"
    Path(data["report"]).write_text(text)
    return text


@generate_flow_definition
class Measure(GladierBaseTool):
    compute_functions: ClassVar = [measure]
    required_input: ClassVar = ["raw", "report", "compute_endpoint"]


@generate_flow_definition(modifiers={report: {"payload": "$.Measure.details.results[0].output"}})
class Report(GladierBaseTool):
    compute_functions: ClassVar = [report]
    required_input: ClassVar = ["compute_endpoint"]


@generate_flow_definition
class TwoSteps(GladierBaseClient):
    gladier_tools: ClassVar = [Measure, Report]


@pytest.fixture
def client(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    # It writes its configuration there.
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gladier").mkdir()
    return TwoSteps()


def posted(sandbox: Sandbox) -> list[str]:
    seen = [one for one in sandbox.requests if one.method in {"POST", "PUT"} and one.service in {"flows", "compute"}]
    return [f"{one.method} {one.path.rsplit('/', 1)[-1]}" for one in seen]


def test_a_client_deploys_runs_and_runs_again(client: Any, sandbox: Sandbox, tmp_path: Path, until: Callable) -> None:
    (tmp_path / "raw").write_bytes(b"0" * 77)
    paths = {name: str(tmp_path / name) for name in ("raw", "report")}
    flow_input = {"input": {**paths, "compute_endpoint": sandbox.endpoint_id}}

    def run(label: str) -> dict[str, Any]:
        run_id = client.run_flow(flow_input=flow_input, label=label)["run_id"]
        return until(lambda: (run := client.get_status(run_id))["status"] != "ACTIVE" and run, 60)

    first = run("first")
    assert first["status"] == "SUCCEEDED", first
    assert first["details"]["output"]["Report"]["details"]["result"] == ["77 bytes"]
    assert (tmp_path / "report").read_text() == "77 bytes"
    assert posted(sandbox) == ["POST functions", "POST functions", "POST flows", "POST run"]
    (tmp_path / "raw").write_bytes(b"0" * 78)
    again = run("again")
    assert (again["status"], again["flow_id"], again["label"]) == ("SUCCEEDED", first["flow_id"], "again")
    assert (tmp_path / "report").read_text() == "78 bytes"
    assert posted(sandbox)[4:] == ["POST run"]


def test_a_flow_that_is_gone_is_deployed_again(client: Any, sandbox: Sandbox, tmp_path: Path) -> None:
    flow_input = {"input": {"raw": "x", "report": "y", "compute_endpoint": sandbox.endpoint_id}}
    first = client.run_flow(flow_input=flow_input)["flow_id"]
    client.flows_manager.flows_client.delete_flow(first)
    assert client.run_flow(flow_input=flow_input)["flow_id"] != first
