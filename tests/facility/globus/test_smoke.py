"""One tiny run on the real Globus, for those who have credentials and ask for it."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from xpcs_nb.facility import RunDocument, Services
from xpcs_nb.facility.globus import GlobusServices

pytestmark = pytest.mark.skipif(
    os.environ.get("XPCS_NB_GLOBUS_SMOKE") != "1" or not os.environ.get("GLADIER_CLIENT_SECRET"),
    reason="set XPCS_NB_GLOBUS_SMOKE=1, GLADIER_CLIENT_ID and GLADIER_CLIENT_SECRET to try the real Globus",
)

TINY = {
    "Comment": "A smoke test of xpcs_nb; may be deleted",
    "StartAt": "Start",
    "States": {
        "Start": {
            "Type": "Choice",
            "Choices": [
                {
                    "And": [
                        {"Variable": "$.input.start_at", "IsPresent": True},
                        {"Variable": "$.input.start_at", "StringEquals": "Double"},
                    ],
                    "Next": "Double",
                }
            ],
            "Default": "Double",
        },
        "Double": {
            "Type": "ExpressionEval",
            "Parameters": {"value.=": "2 * input.number"},
            "ResultPath": "$.Double",
            "Next": "Done",
        },
        "Done": {"Type": "Pass", "End": True},
    },
}


def test_the_real_service_takes_and_runs_a_flow(ended: Callable[[Services, str], RunDocument]) -> None:
    with GlobusServices({}, "", "", None) as services:
        answer = services._session.flows.validate_flow(definition=TINY, input_schema={"additionalProperties": True})
        assert answer.http_status == 200
        flow_id, _ = services.flows.deploy("xpcs_nb smoke test", TINY)
        started = services.flows.start(flow_id, {"input": {"number": 21}}, label="xpcs_nb smoke test", tags=["smoke"])
        run = ended(services, started["run_id"])
        assert run["status"] == "SUCCEEDED", run
        assert run["details"]["output"]["Double"] == {"value": 42}
        assert services.flows.body(run["run_id"]) == {"input": {"number": 21}}
        assert services.flows.log(run["run_id"])[0]["code"] == "FlowStarted"
