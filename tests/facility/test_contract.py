"""One suite for both facilities: a run gives the same documents on this machine and, over HTTP, on Globus."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from xpcs_nb.errors import FlowDefinitionError, FlowError
from xpcs_nb.facility import FlowService, RunDocument, Services
from xpcs_nb.facility.globus import GlobusServices
from xpcs_nb.facility.local import LocalServices
from xpcs_nb.testing import Sandbox

SOURCE = "11111111-1111-4111-8111-111111111111"
TARGET = "22222222-2222-4222-8222-222222222222"
ENDPOINT, INDEX = Sandbox.endpoint_id, Sandbox.index_id

type Wait = Callable[[Services, str], RunDocument]


def measure(path: str, marker: str = "") -> dict[str, Any]:
    from pathlib import Path

    if marker and not Path(marker).exists():
        raise ValueError(f"no marker at {Path(marker).name}")
    return {"size": Path(path).stat().st_size}


def action(url: str, name: str, parameters: dict[str, Any], then: str | None, **fields: Any) -> dict[str, Any]:
    state = {
        "Type": "Action",
        "ActionUrl": url,
        "Parameters": parameters,
        "ResultPath": f"$.{name}",
        "WaitTime": 60,
        **fields,
    }
    return {name: state | ({"Next": then} if then else {"End": True})}


COPY = action(
    "https://transfer.actions.globus.org/transfer",
    "Copy",
    {
        "source_endpoint.$": "$.input.source",
        "destination_endpoint.$": "$.input.target",
        "DATA": [{"source_path.$": "$.input.path", "destination_path.$": "$.input.path", "recursive": False}],
    },
    "Measure",
)

MEASURE = {
    "endpoint_id.$": "$.input.endpoint",
    "tasks": [
        {"function_id.$": "$.input.measure_function_id", "kwargs.$": "$.input.arguments"},
    ],
}


def start(*names: str) -> dict[str, Any]:
    """A Choice that begins where ``start_at`` says."""
    rules = [
        {
            "And": [
                {"Variable": "$.input.start_at", "IsPresent": True},
                {"Variable": "$.input.start_at", "StringEquals": name},
            ],
            "Next": name,
        }
        for name in names
    ]
    return {"Start": {"Type": "Choice", "Choices": rules, "Default": names[0]}}


FLOW = {
    "StartAt": "Start",
    "States": {
        **start("Copy", "Measure"),
        **COPY,
        **action("https://compute.actions.globus.org/v3", "Measure", MEASURE, "Judge"),
        "Judge": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.Measure.details.result[0].size", "NumericGreaterThan": 3, "Next": "Big"}],
            "Default": "Small",
        },
        "Big": {
            "Type": "ExpressionEval",
            "Parameters": {"verdict": "big", "double.=": "2 * Measure.details.result[0].size"},
            "ResultPath": "$.Verdict",
            "Next": "Done",
        },
        "Small": {"Type": "Pass", "Parameters": {"verdict": "small"}, "ResultPath": "$.Verdict", "Next": "Done"},
        "Done": {"Type": "Pass", "End": True},
    },
}

CAUGHT = {
    "StartAt": "Measure",
    "States": {
        **action(
            "https://compute.actions.globus.org/v3",
            "Measure",
            MEASURE,
            "Done",
            Catch=[{"ErrorEquals": ["ActionFailedException"], "Next": "Explain", "ResultPath": "$.Error"}],
        ),
        "Explain": {"Type": "Pass", "Parameters": {"failed": True}, "ResultPath": "$.Explained", "Next": "Done"},
        "Done": {"Type": "Pass", "End": True},
    },
}

WAITING = {
    "StartAt": "Sleep",
    "States": {
        "Sleep": {"Type": "Wait", "Seconds": 600, "Next": "Done"},
        "Done": {"Type": "Pass", "End": True},
    },
}


@pytest.fixture(params=["local", "globus"])
def services(request: pytest.FixtureRequest, tmp_path: Path, places: dict[str, Path]) -> Iterator[Services]:
    if request.param == "globus":
        with GlobusServices({}, ENDPOINT, ENDPOINT, INDEX) as globus:
            yield globus
        return
    local = LocalServices(
        tmp_path / "home", collections=places, endpoints=[ENDPOINT], index=INDEX, workers=1, detached=False
    )
    yield local
    local.close()


@pytest.fixture
def places(sandbox: Sandbox) -> dict[str, Path]:
    (sandbox.collections[SOURCE] / "a.txt").write_text("twelve bytes")
    for path in sandbox.collections[TARGET].iterdir():
        path.unlink()
    return sandbox.collections


@pytest.fixture
def body(places: dict[str, Path], services: Services) -> dict[str, Any]:
    _, ids = services.flows.deploy(
        "register", {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}, [measure]
    )
    given = {
        "source": SOURCE,
        "target": TARGET,
        "path": "/a.txt",
        "endpoint": ENDPOINT,
        "arguments": {"path": str(places[TARGET] / "a.txt")},
    }
    return {"input": {**given, **ids}}


def run(services: Services, ended: Wait, definition: dict[str, Any], body: dict[str, Any]) -> RunDocument:
    flow_id, _ = services.flows.deploy("a flow", definition)
    started = services.flows.start(flow_id, body, label="a label", tags=["one", "two"])
    assert started["run_id"]
    return ended(services, started["run_id"])


def normal(value: Any, key: str = "") -> Any:
    """What differs from run to run is replaced: ids, times, speeds, and the frames of tracebacks."""
    match value:
        case dict():
            return {name: normal(inner, name) for name, inner in value.items()}
        case list() | tuple():
            return [normal(inner) for inner in value]
        case str():
            text = re.sub(r"Traceback [\s\S]*\n(?=\w)", "", value)
            text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
            return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(\+00:00|Z)", "TIME", text)
        case _:
            return "SPEED" if key == "effective_bytes_per_second" else value


#: What the first facility gave, for the second to be compared with.
FIRST: dict[str, Any] = {}


def same_as_other_facility(case: str, found: Any) -> None:
    shown = json.dumps(normal(found), indent=1).splitlines()
    assert FIRST.setdefault(case, shown) == shown


def report(services: Services, document: RunDocument) -> dict[str, Any]:
    run_id = document["run_id"]
    return {"run": document, "log": services.flows.log(run_id), "body": services.flows.body(run_id)}


def test_a_run_that_succeeds(services: Services, ended: Wait, body: dict[str, Any], places: dict[str, Path]) -> None:
    done = run(services, ended, FLOW, body)
    assert done["status"] == "SUCCEEDED", done
    assert done["details"]["output"]["Verdict"] == {"verdict": "big", "double": 24}
    assert done["details"]["output"]["Copy"]["status"] == "SUCCEEDED"
    assert (places[TARGET] / "a.txt").read_text() == "twelve bytes"
    assert done["tags"] == ["one", "two"]
    same_as_other_facility("succeeds", report(services, done))


def test_a_run_that_fails_goes_on_from_the_step_that_failed(
    services: Services, ended: Wait, body: dict[str, Any], places: dict[str, Path]
) -> None:
    marker = places[SOURCE] / "marker"
    marker.unlink(missing_ok=True)
    body["input"]["arguments"]["marker"] = str(marker)
    failed = run(services, ended, FLOW, body)
    assert failed["status"] == "FAILED"
    assert failed["details"]["state_name"] == "Measure"
    assert failed["details"]["error"] == "ActionFailedException"
    assert "no marker at marker" in failed["details"]["cause"]
    same_as_other_facility("fails", {"run": failed, "body": services.flows.body(failed["run_id"])})
    (places[TARGET] / "a.txt").write_text("changed since")
    marker.touch()
    done = ended(services, services.flows.retry(failed["run_id"])["run_id"])
    assert done["status"] == "SUCCEEDED", done
    # Measured again, copied once.
    assert done["details"]["output"]["Verdict"] == {"verdict": "big", "double": 26}
    assert (places[TARGET] / "a.txt").read_text() == "changed since"
    first, second = failed["run_id"], done["run_id"]
    assert first == second or f"retry-of:{first}" in done["tags"]
    with pytest.raises(FlowError, match="can go on"):
        services.flows.retry(second)


def test_a_failure_that_is_caught(services: Services, ended: Wait, body: dict[str, Any]) -> None:
    body["input"]["arguments"] = {"path": "/nowhere/at/all"}
    done = run(services, ended, CAUGHT, body)
    assert done["status"] == "SUCCEEDED"
    output = done["details"]["output"]
    assert output["Explained"] == {"failed": True}
    assert output["Error"]["Error"] == "ActionFailedException"
    assert "FileNotFoundError" in output["Error"]["Cause"]
    codes = [entry["code"] for entry in services.flows.log(done["run_id"])]
    same_as_other_facility("caught", codes)


def test_a_run_that_is_cancelled(services: Services, ended: Wait) -> None:
    flow_id, _ = services.flows.deploy("waits", WAITING)
    started = services.flows.start(flow_id, {"input": {}}, label="sleeper")
    services.flows.cancel(started["run_id"])
    document = ended(services, started["run_id"])
    assert document["status"] == "ENDED"
    assert document["details"]["code"] == "FlowCanceled"
    with pytest.raises(FlowError, match="ended"):
        services.flows.cancel(started["run_id"])


def test_runs_are_listed_newest_first_by_tag_and_status(services: Services, ended: Wait) -> None:
    flow_id, _ = services.flows.deploy("passes", {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    tag = f"tag-{time.monotonic_ns()}"
    ids = [services.flows.start(flow_id, {"input": {"n": n}}, tags=[tag, str(n)])["run_id"] for n in range(5)]
    for run_id in ids:
        ended(services, run_id)
    assert [run["run_id"] for run in services.flows.list(tag=tag)] == ids[::-1]
    assert [run["run_id"] for run in services.flows.list(tag=tag, limit=2, offset=1)] == [ids[3], ids[2]]
    assert services.flows.list(tag=tag, status="FAILED") == []
    found = services.flows.list(tag=tag, status="SUCCEEDED", limit=1)
    assert "output" not in found[0]["details"]
    same_as_other_facility("listed", {key: found[0][key] for key in ("label", "flow_title", "status")})


def test_deploying_the_same_again_makes_nothing_new(services: Services) -> None:
    flows: FlowService = services.flows
    first = flows.deploy("again", FLOW, [measure])
    assert flows.deploy("again", FLOW, [measure]) == first
    assert list(first[1]) == ["measure_function_id"]
    newer = {**FLOW, "Comment": "newer"}
    assert flows.deploy("again", newer, [measure]) == first
    assert flows.deploy("another", FLOW, [measure])[0] != first[0]


def test_what_can_not_be_run_is_refused(services: Services) -> None:
    states = {"A": {"Type": "Parallel", "End": True}, "B": {"Type": "Pass", "Next": "Nowhere"}}
    with pytest.raises(FlowDefinitionError) as error:
        services.flows.deploy("odd", {"StartAt": "A", "States": states})
    assert "Parallel" in str(error.value)
    assert "Nowhere" in str(error.value)
    flow_id, _ = services.flows.deploy("passes", {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    with pytest.raises(FlowError, match="too large"):
        services.flows.start(flow_id, {"input": {"text": "x" * 250_000}})
    with pytest.raises(FlowError, match="no such run"):
        services.flows.get("00000000-0000-4000-8000-000000000000")
