"""Engines that are killed: nothing that was finished is done again, and nothing is lost."""

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys

import psutil
import pytest

from xpcs_nb.errors import FacilityError
from xpcs_nb.facility.local import LOCAL_COLLECTION, LOCAL_INDEX


def describe(path, notes, gate):
    """Describe a file for the catalogue; wait as long as `gate` is there."""
    import hashlib
    import pathlib
    import time

    while pathlib.Path(gate).exists():
        pathlib.Path(f"{gate}.reached").touch()
        time.sleep(0.01)
    with pathlib.Path(notes).open("a") as stream:
        stream.write("describe\n")
    content = {
        "title": "Aerogel",
        "dataset": "A",
        "sha256": hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest(),
    }
    return {"subject": "a", "visible_to": ["public"], "content": content}


def conclude(notes, gate):
    import pathlib
    import time

    while pathlib.Path(gate).exists():
        pathlib.Path(f"{gate}.reached").touch()
        time.sleep(0.01)
    with pathlib.Path(notes).open("a") as stream:
        stream.write("conclude\n")


@pytest.fixture
def four_steps(flow, compute, tmp_path):
    notes = str(tmp_path / "notes")
    there = str(tmp_path / "there/raw.h5")
    paths = {"source_path": str(tmp_path / "raw.h5"), "destination_path": there}
    ends = {"source_endpoint": LOCAL_COLLECTION, "destination_endpoint": LOCAL_COLLECTION}
    move = {
        "Type": "Action",
        "ActionUrl": "https://transfer.actions.globus.org/transfer",
        "Parameters": {**ends, "DATA": [paths]},
    }
    publish = {
        "Type": "Action",
        "ActionUrl": "https://actions.globus.org/search/ingest",
        "Parameters": {
            "search_index": LOCAL_INDEX,
            "subject": "a",
            "visible_to": ["public"],
            "content.$": "$.Describe.details.result[0].content",
        },
    }
    return flow(
        Move=move,
        Describe=compute(("describe", {"path": there, "notes": notes, "gate": str(tmp_path / "Describe")})),
        Publish=publish,
        Conclude=compute(("conclude", {"notes": notes, "gate": str(tmp_path / "Conclude")})),
    )


@pytest.fixture
def obstacle(tmp_path, services, home):
    """Make a step last until it is let go: a pipe in place of the file, a file that a function waits for, a lock."""
    raw = tmp_path / "raw.h5"
    content = b"frames" * 100_000
    lock = []

    def set_up(step):
        if step == "Move":
            os.mkfifo(raw)
            return
        raw.write_bytes(content)
        if step == "Publish":
            len(services.catalogue)
            connection = sqlite3.connect(home / "catalogue.sqlite", isolation_level=None)
            connection.execute("BEGIN IMMEDIATE")
            lock.append(connection)
        else:
            (tmp_path / step).touch()

    def let_go(step):
        if step == "Move":
            raw.unlink()
            raw.write_bytes(content)
        elif step == "Publish":
            lock.pop().close()
        else:
            (tmp_path / step).unlink()

    return set_up, let_go


@pytest.fixture
def detached(make_services, engines, until):
    yield make_services(detached=True, idle=0.5)
    until(lambda: not engines())


@pytest.mark.parametrize("step", ["Move", "Describe", "Publish", "Conclude"])
def test_a_killed_engine_leaves_a_run_that_goes_on_where_it_was(
    step, detached, four_steps, obstacle, start, until, ended, codes, engines, tmp_path
):
    set_up, let_go = obstacle
    set_up(step)
    run_id = start(detached, four_steps, describe, conclude)
    under_way = {"code": "ActionStarted", "state_name": step}
    until(lambda: under_way.items() <= detached.flows.get(run_id)["details"].items())
    if step in {"Describe", "Conclude"}:
        until((tmp_path / f"{step}.reached").exists)
    (engine,) = engines()
    workers = engine.children()
    engine.send_signal(signal.SIGKILL)
    document = ended(detached, run_id)
    assert (document["status"], document["details"]["code"]) == ("INACTIVE", "FlowInterrupted")
    assert document["details"]["state_name"] == step
    # What the engine had started has ended with it.
    until(lambda: not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers))
    let_go(step)
    detached.flows.retry(run_id)
    document = ended(detached, run_id)
    assert document["status"] == "SUCCEEDED", document
    assert (tmp_path / "notes").read_text().split() == ["describe", "conclude"]
    expected = hashlib.sha256((tmp_path / "raw.h5").read_bytes()).hexdigest()
    assert document["details"]["output"]["Describe"]["details"]["result"][0]["content"]["sha256"] == expected
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["raw.h5"]
    assert detached.catalogue.search("aerogel").total == 1
    assert codes(detached, run_id).count("ActionStarted") == 5
    assert codes(detached, run_id).count("ActionCompleted") == 4


def test_an_interrupted_action_keeps_its_id(detached, four_steps, obstacle, start, until, ended, engines, tmp_path):
    set_up, let_go = obstacle
    set_up("Describe")
    run_id = start(detached, four_steps, describe, conclude)
    until((tmp_path / "Describe.reached").exists)
    engines()[0].kill()
    ended(detached, run_id)
    let_go("Describe")
    detached.flows.retry(run_id)
    ended(detached, run_id)
    started = [entry for entry in detached.flows.log(run_id) if entry["code"] == "ActionStarted"]
    first, second = (entry for entry in started if entry["details"]["state_name"] == "Describe")
    assert first["details"]["action_id"] == second["details"]["action_id"]
    assert "again after an interruption" in second["description"]


def test_a_function_that_keeps_the_interpreter_to_itself_ends_with_the_engine(
    detached, flow, compute, start, until, engines, tmp_path
):
    def keep(path):
        import pathlib
        import re

        pathlib.Path(path).touch()
        re.match("(a+)+$", "a" * 60 + "b")

    start(detached, flow(Keep=compute(("keep", {"path": str(tmp_path / "here")}))), keep)
    until((tmp_path / "here").exists)
    (engine,) = engines()
    (worker,) = engine.children()
    engine.kill()
    until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def test_queued_runs_go_on_with_the_next_engine(make_services, flow, compute, start, until, ended, engines, tmp_path):
    services = make_services(detached=True, idle=0.5, active=1)
    (tmp_path / "gate").touch()
    first = start(
        services, flow(A=compute(("conclude", {"notes": "/dev/null", "gate": str(tmp_path / "gate")}))), conclude
    )
    until((tmp_path / "gate.reached").exists)
    queued = start(services, flow(A={"Type": "Pass"}))
    engines()[0].kill()
    assert ended(services, queued)["status"] == "SUCCEEDED"
    assert ended(services, first)["status"] == "INACTIVE"
    assert services.flows.cancel(first)["status"] == "ENDED"
    until(lambda: not engines())


def test_an_engine_that_is_ended_puts_its_runs_back(
    detached, four_steps, obstacle, start, until, ended, engines, tmp_path
):
    set_up, let_go = obstacle
    set_up("Conclude")
    run_id = start(detached, four_steps, describe, conclude)
    until((tmp_path / "Conclude.reached").exists)
    engines()[0].terminate()
    until(lambda: not engines())
    let_go("Conclude")
    assert ended(detached, run_id)["status"] == "SUCCEEDED"
    assert (tmp_path / "notes").read_text().split() == ["describe", "conclude"]


def test_a_run_goes_on_when_the_process_that_started_it_ends(home, make_services, until, ended):
    program = (
        "import sys, pathlib\n"
        "from xpcs_nb.facility.local import LocalServices\n"
        "services = LocalServices(pathlib.Path(sys.argv[1]), idle=3)\n"
        "wait = {'Type': 'Wait', 'Seconds': 1, 'End': True}\n"
        "flow_id, _ = services.flows.deploy('w', {'StartAt': 'W', 'States': {'W': wait}})\n"
        "print(services.flows.start(flow_id, {'input': {}})['run_id'])\n"
    )
    command = [sys.executable, "-c", program, str(home)]
    two = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    run_ids = [process.communicate(timeout=30)[0].strip() for process in two]
    services = make_services(detached=True, idle=0.5)
    assert [ended(services, run_id)["status"] for run_id in run_ids] == ["SUCCEEDED", "SUCCEEDED"]
    # Both asked at once for an engine, and one came to work.
    log = (home / "engine.log").read_text()
    assert log.count("works on") == 1, log


def test_an_engine_that_can_not_start_is_said_with_its_log(make_services, flow, start, home, until, monkeypatch):
    services = make_services(detached=True)
    monkeypatch.setattr(services._launcher, "_arguments", ["--home", str(home), "--wrong"])
    run_id = start(services, flow(A={"Type": "Pass"}))
    with pytest.raises(FacilityError, match="wrong"):
        until(lambda: services.flows.get(run_id)["status"] != "ACTIVE")


def test_all_that_an_engine_writes_is_for_its_user_only(detached, four_steps, obstacle, start, ended, home):
    set_up, _ = obstacle
    set_up("none")
    run_id = start(detached, four_steps, describe, conclude)
    assert ended(detached, run_id)["status"] == "SUCCEEDED"
    written = [path for path in home.rglob("*") if path.is_file() and not path.name.startswith("catalogue")]
    names = {path.name.partition("-")[0] for path in written}
    assert {"runs.sqlite", "engine.log", "engine.lock", "Describe"} <= names
    assert {oct(path.stat().st_mode & 0o777) for path in written} == {"0o600"}
