"""Small flows, and services that run them."""

import contextlib
import time

import psutil
import pytest

from xpcs_nb.facility.local import LOCAL_ENDPOINT, LocalServices

TRANSFER = "https://transfer.actions.globus.org/transfer/"
COMPUTE = "https://compute.actions.globus.org/v3"


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def engines(home):
    """Give the engine processes of the home folder; those that are left are ended."""

    def of_home():
        found = []
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if {"xpcs_nb.facility.local", str(home)} <= {*process.cmdline()}:
                    found.append(process)
        return found

    yield of_home
    for process in of_home():
        process.kill()


@pytest.fixture
def make_services(home, engines):
    made = []

    def make(**options):
        services = LocalServices(home, **{"workers": 2, "detached": False, **options})
        made.append(services)
        return services

    yield make
    for services in made:
        services.close()


@pytest.fixture
def services(make_services):
    return make_services()


@pytest.fixture
def compute():
    """Give an Action state that calls functions: (name of its id in the input, keyword arguments) each."""

    def state(*calls, **fields):
        tasks = [{"function_id.$": f"$.input.{name}_function_id", "kwargs": kwargs} for name, kwargs in calls]
        parameters = {"endpoint_id": LOCAL_ENDPOINT, "tasks": tasks}
        return {"Type": "Action", "ActionUrl": COMPUTE, "Parameters": parameters, "WaitTime": 60, **fields}

    return state


@pytest.fixture
def flow():
    """Give a definition whose states follow each other, each with its result under its name."""

    def definition(**states):
        names = list(states)
        for name, following in zip(names, [*names[1:], None], strict=True):
            states[name].update({"Next": following} if following else {"End": True})
            if states[name]["Type"] == "Action":
                states[name].setdefault("ResultPath", f"$.{name}")
        return {"StartAt": names[0], "States": states}

    return definition


@pytest.fixture
def start():
    """Deploy and start: services, definition, functions, and what the input has besides their ids."""

    def run(services, definition, *functions, label="", tags=(), **given):
        flow_id, ids = services.flows.deploy("test", definition, functions)
        return services.flows.start(flow_id, {"input": {**ids, **given}}, label=label, tags=tags)["run_id"]

    return run


@pytest.fixture
def until():
    """Wait for something to come true, and return it."""

    def wait(question, seconds=30):
        deadline = time.monotonic() + seconds
        while not (answer := question()):
            assert time.monotonic() < deadline, "it did not come"
            time.sleep(0.01)
        return answer

    return wait


@pytest.fixture
def ended(until):
    """Wait for the end of a run, and return its document."""

    def wait(services, run_id, seconds=30):
        def end():
            document = services.flows.get(run_id)
            return document if document["status"] != "ACTIVE" else None

        return until(end, seconds)

    return wait


@pytest.fixture
def codes():
    """Give the codes of a run's log."""

    def of(services, run_id):
        return [entry["code"] for entry in services.flows.log(run_id)]

    return of
