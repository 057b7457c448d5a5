"""The engine is killed while a step runs: the run goes on from there, and nothing is done or published twice."""

import os
import signal
import time

import psutil
import pytest

from xpcs_nb.flows import connect

PATIENCE = 120


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come so far"
        time.sleep(0.01)
    return found


def engines(home):
    found = psutil.process_iter(["cmdline"])
    return [process.pid for process in found if str(home) in (process.info["cmdline"] or [])]


def under_way(run, name):
    steps = run.steps
    assert run.status == "ACTIVE", run.log()
    return bool(steps) and (steps[-1].name, steps[-1].state) == (name, "running")


@pytest.mark.slow
def test_a_killed_run_completes_without_repeating_what_had_finished(measured, tmp_path):
    home = tmp_path / "home"
    with connect(home=home) as facility:
        for step in ("Correlate", "MakePlots"):
            run = facility.process(measured.raw, measured.qmap)
            wait_for(lambda: under_way(run, step))  # noqa: B023 - called at once
            for engine in engines(home):
                os.kill(engine, signal.SIGKILL)
            wait_for(lambda: run.status == "INACTIVE")  # noqa: B023
            assert [each.state for each in run.steps if each.name == step] == ["interrupted"]
            run.retry().wait(PATIENCE, progress=False)
            assert run.status == "SUCCEEDED", run.failures
            started = [line.split("State ")[1].split()[0] for line in run.log().splitlines() if "ActionStarted" in line]
            assert {each for each in started if started.count(each) > 1} == {step}
            assert facility.catalog.search("brownian").total == 1
            for file in run.record.files:
                facility.services.fetch(file.url, tmp_path, size=file.size, sha256=file.sha256)
        for engine in engines(home):
            os.kill(engine, signal.SIGTERM)
