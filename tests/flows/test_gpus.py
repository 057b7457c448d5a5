"""Tasks of flows on this machine are given the GPUs that they may use, one each."""

import pytest

from xpcs_nb.facility.local import LOCAL_ENDPOINT
from xpcs_nb.flows import connect

COMPUTE = "https://compute.actions.globus.org/v3"


def visible():
    import os
    import time

    time.sleep(0.5)
    return os.environ.get("CUDA_VISIBLE_DEVICES")


@pytest.mark.parametrize("given", ["argument", "environment"])
def test_each_task_sees_a_gpu_of_its_own(given, tmp_path, monkeypatch):
    if given == "environment":
        monkeypatch.setenv("XPCS_NB_GPUS", "3,5")
    with connect(home=tmp_path, gpus=[3, 5] if given == "argument" else None, detached=False) as facility:
        flows = facility.services.flows
        tasks = [{"function_id.$": "$.input.visible_function_id", "kwargs": {}}] * 2
        action = {"Type": "Action", "ActionUrl": COMPUTE, "WaitTime": 60, "ResultPath": "$.See", "End": True}
        action["Parameters"] = {"endpoint_id": LOCAL_ENDPOINT, "tasks": tasks}
        flow_id, functions = flows.deploy("see", {"StartAt": "See", "States": {"See": action}}, [visible])
        run = facility.run(flows.start(flow_id, {"input": functions})["run_id"]).wait(60, progress=False)
        assert run.status == "SUCCEEDED"
        results = flows.get(run.id)["details"]["output"]["See"]["details"]["results"]
    assert {each["output"] for each in results} == {"3", "5"}
