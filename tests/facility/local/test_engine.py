"""Runs on this machine: what a user sees of them, from start to end, cancel and retry."""

import os

import pytest

from xpcs_nb.errors import FlowError
from xpcs_nb.facility.local import LOCAL_COLLECTION, LOCAL_ENDPOINT, LOCAL_INDEX, _driver, _engine, _transfer_action

SLEEP = {"Type": "Wait", "Seconds": 30}


def add(a, b=1):
    return {"sum": a + b}


def note(path, text="", unless=None):
    """Append a line; fail as long as the file `unless` is missing."""
    import pathlib

    with pathlib.Path(path).open("a") as stream:
        stream.write(f"{text}\n")
    if unless is not None and not pathlib.Path(unless).exists():
        raise RuntimeError(f"{text} needs {unless}")
    return {"noted": text}


def hang(path):
    import pathlib
    import time

    pathlib.Path(path).write_text("here")
    time.sleep(60)


def test_a_flow_moves_files_runs_functions_and_publishes(services, flow, compute, start, ended, codes, tmp_path):
    def describe(path, index):
        import hashlib
        import pathlib

        data = pathlib.Path(path).read_bytes()
        content = {"title": "Aerogel", "dataset": "A1", "sha256": hashlib.sha256(data).hexdigest()}
        return {"search_index": index, "subject": "a", "visible_to": ["public"], "id": "metadata", "content": content}

    (tmp_path / "raw.h5").write_bytes(b"frames")
    paths = {"source_path": str(tmp_path / "raw.h5"), "destination_path": str(tmp_path / "there/raw.h5")}
    ends = {"source_endpoint": LOCAL_COLLECTION, "destination_endpoint": LOCAL_COLLECTION}
    definition = flow(
        Move={
            "Type": "Action",
            "ActionUrl": "https://actions.globus.org/transfer/transfer",
            "Parameters": {**ends, "DATA": [paths]},
        },
        Describe=compute(("describe", {"path": paths["destination_path"], "index": LOCAL_INDEX})),
        Publish={
            "Type": "Action",
            "ActionUrl": "https://actions.globus.org/search/ingest/",
            "InputPath": "$.Describe.details.results[0].output",
        },
    )
    run_id = start(services, definition, describe, label="first", tags=["try"])
    document = ended(services, run_id)
    assert document["status"] == "SUCCEEDED", document
    assert (document["label"], document["tags"], document["flow_title"]) == ("first", ["try"], "test")
    output = document["details"]["output"]
    assert output["Move"]["details"]["bytes_transferred"] == 6
    assert output["Publish"]["status"] == "SUCCEEDED"
    assert services.catalogue.get("a").title == "Aerogel"
    assert services.flows.body(run_id)["input"].keys() == {"describe_function_id"}
    assert codes(services, run_id) == [
        "FlowStarted",
        *["ActionStarted", "ActionCompleted"] * 3,
        "FlowSucceeded",
    ]
    again = start(services, definition, describe)
    assert ended(services, again)["details"]["output"]["Move"]["details"]["files_skipped"] == 1
    assert services.catalogue.search("aerogel").total == 1


def test_the_result_of_an_action_is_its_status_document(services, flow, compute, start, ended):
    run_id = start(services, flow(Add=compute(("add", {"a": 1}), ("add", {"a": 1, "b": 4}))), add)
    document = ended(services, run_id)["details"]["output"]["Add"]
    assert {"action_id", "start_time", "completion_time", "creator_id", "release_after"} <= document.keys()
    assert (document["status"], document["state_name"]) == ("SUCCEEDED", "Add")
    assert document["details"]["result"] == [{"sum": 2}, {"sum": 5}]
    assert [entry["output"] for entry in document["details"]["results"]] == [{"sum": 2}, {"sum": 5}]


def test_functions_are_called_as_in_version_2_too(services, flow, start, ended):
    tasks = [{"endpoint": LOCAL_ENDPOINT, "function.$": "$.input.add_function_id", "payload": {"a": 2, "b": 3}}]
    state = {"Type": "Action", "ActionUrl": "https://compute.actions.globus.org", "Parameters": {"tasks": tasks}}
    run_id = start(services, flow(Add=state), add)
    assert ended(services, run_id)["details"]["output"]["Add"]["details"]["result"] == [{"sum": 5}]


def test_choices_and_passes_are_in_the_log(services, start, ended, codes):
    rule = {"Variable": "$.input.go", "BooleanEquals": True, "Next": "Yes"}
    states = {
        "Ask": {"Type": "Choice", "Choices": [rule], "Default": "No"},
        "Yes": {"Type": "Pass", "End": True},
        "No": {"Type": "Fail", "Error": "No", "Cause": "nobody said go"},
    }
    definition = {"StartAt": "Ask", "States": states}
    run_id = start(services, definition, go=True)
    assert ended(services, run_id)["status"] == "SUCCEEDED"
    choice, passed = ["ChoiceStarted", "ChoiceCompleted"], ["PassStarted", "PassCompleted"]
    assert codes(services, run_id) == ["FlowStarted", *choice, *passed, "FlowSucceeded"]
    run_id = start(services, definition, go=False)
    details = ended(services, run_id)["details"]
    assert (details["state_name"], details["error"], details["cause"]) == ("No", "No", "nobody said go")
    assert codes(services, run_id) == ["FlowStarted", *choice, "FailStarted", "FailFailed", "FlowFailed"]


def test_one_failing_task_fails_the_action_and_shows_all_results(services, flow, compute, start, ended, tmp_path):
    calls = ("add", {"a": 1}), ("note", {"path": str(tmp_path / "n"), "text": "B", "unless": "/nowhere"})
    state = compute(*calls, ExceptionOnActionFailure=False)
    document = ended(services, start(services, flow(Both=state), add, note))["details"]["output"]["Both"]
    assert (document["status"], document["display_status"]) == ("FAILED", "1 of 2 tasks failed")
    good, bad = document["details"]["results"]
    assert good["output"] == {"sum": 2}
    assert "RuntimeError: B needs /nowhere" in bad["exception"]
    assert "result" not in document["details"]


def test_a_failed_run_says_why_and_goes_on_from_the_failed_step(services, flow, compute, start, ended, codes, tmp_path):
    path, key = tmp_path / "notes", tmp_path / "key"
    definition = flow(
        First=compute(("note", {"path": str(path), "text": "first"})),
        Second=compute(("note", {"path": str(path), "text": "second", "unless": str(key)})),
    )
    run_id = start(services, definition, note)
    document = ended(services, run_id)
    assert document["status"] == "FAILED"
    assert (document["details"]["state_name"], document["details"]["error"]) == ("Second", "ActionFailedException")
    assert "second needs" in document["details"]["cause"]
    key.touch()
    assert services.flows.retry(run_id)["run_id"] == run_id
    document = ended(services, run_id)
    assert document["status"] == "SUCCEEDED"
    assert path.read_text().split() == ["first", "second", "second"]
    action = ["ActionStarted", "ActionCompleted"]
    failed = ["ActionStarted", "ActionFailed", "FlowFailed", "FlowResumed"]
    assert codes(services, run_id) == ["FlowStarted", *action, *failed, *action, "FlowSucceeded"]
    with pytest.raises(FlowError, match="SUCCEEDED"):
        services.flows.retry(run_id)


def test_a_failure_shows_what_was_printed_this_time(services, flow, compute, start, ended):
    def complain(word):
        print(word)
        raise ValueError(word)

    run_id = start(services, flow(Complain=compute(("complain", {"word.$": "$.input.word"}))), complain, word="first")
    cause = ended(services, run_id)["details"]["cause"]
    assert cause.splitlines()[-1] == "first"
    services.flows.retry(run_id)
    again = ended(services, run_id)["details"]["cause"]
    assert again.count("first") == cause.count("first")


@pytest.mark.parametrize("how", ["catch", "choice"])
def test_a_failure_that_ends_in_a_fail_state_is_retried_where_it_came_up(
    how, services, compute, start, ended, tmp_path
):
    path, key = tmp_path / "notes", tmp_path / "key"
    work = compute(("note", {"path": str(path), "text": "work", "unless": str(key)}), ResultPath="$.Work", Next="Look")
    if how == "catch":
        work["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": "Sorry", "ResultPath": "$.error"}]
    else:
        work["ExceptionOnActionFailure"] = False
    rule = {"Variable": "$.Work.status", "StringEquals": "SUCCEEDED", "Next": "Done"}
    states = {
        "Work": work,
        "Look": {"Type": "Choice", "Choices": [rule], "Default": "Sorry"},
        "Sorry": {"Type": "Fail", "Error": "Sorry", "Cause": "no key"},
        "Done": {"Type": "Pass", "End": True},
    }
    run_id = start(services, {"StartAt": "Work", "States": states}, note)
    assert ended(services, run_id)["details"]["state_name"] == "Sorry"
    key.touch()
    services.flows.retry(run_id)
    assert ended(services, run_id)["status"] == "SUCCEEDED"
    assert path.read_text().split() == ["work", "work"]


def test_an_action_that_takes_too_long_is_killed(services, flow, compute, start, ended, tmp_path):
    run_id = start(services, flow(Hang=compute(("hang", {"path": str(tmp_path / "h")}), WaitTime=1)), hang)
    details = ended(services, run_id)["details"]
    assert (details["error"], details["cause"]) == ("ActionTimeout", "the action took longer than its WaitTime of 1 s")


def test_cancel_kills_what_runs(services, flow, compute, start, ended, until, codes, tmp_path):
    here = tmp_path / "here"
    run_id = start(services, flow(Hang=compute(("hang", {"path": str(here)}), WaitTime=1000)), hang)
    until(here.exists)
    services.flows.cancel(run_id)
    document = ended(services, run_id)
    assert (document["status"], document["details"]["code"]) == ("ENDED", "FlowCanceled")
    assert codes(services, run_id)[-1] == "FlowCanceled"
    with pytest.raises(FlowError, match="ENDED"):
        services.flows.cancel(run_id)


def test_waiting_runs_leave_room_for_others(make_services, flow, compute, start, ended, codes):
    services = make_services(active=1)
    waiting = [start(services, flow(Sleep=dict(SLEEP))) for _ in range(3)]
    assert ended(services, start(services, flow(Add=compute(("add", {"a": 1}))), add))["status"] == "SUCCEEDED"
    for run_id in waiting:
        assert services.flows.get(run_id)["status"] == "ACTIVE"
        assert codes(services, run_id) == ["FlowStarted", "WaitStarted"]
        assert services.flows.cancel(run_id)["status"] == "ENDED"


def test_an_engine_that_sleeps_is_woken_by_a_new_run(services, flow, start, ended, monkeypatch):
    monkeypatch.setattr(_engine, "LOOK_EVERY", 1000)
    for _ in range(5):
        assert ended(services, start(services, flow(A={"Type": "Pass"})), 20)["status"] == "SUCCEEDED"


def test_tasks_of_an_action_run_side_by_side(services, flow, compute, start, ended, tmp_path):
    def meet(mine, other):
        import pathlib
        import time

        pathlib.Path(mine).touch()
        while not pathlib.Path(other).exists():
            time.sleep(0.01)

    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    state = compute(("meet", {"mine": one, "other": two}), ("meet", {"mine": two, "other": one}), WaitTime=20)
    assert ended(services, start(services, flow(Meet=state), meet))["status"] == "SUCCEEDED"


def test_runs_over_the_limit_wait_for_their_turn(make_services, flow, compute, start, ended, until, codes, tmp_path):
    def stay(gate):
        import pathlib
        import time

        while not pathlib.Path(gate).exists():
            time.sleep(0.01)

    services = make_services(active=1)
    definition = flow(Stay=compute(("stay", {"gate": str(tmp_path / "gate")})))
    runs = [start(services, definition, stay) for _ in range(4)]
    until(lambda: "ActionStarted" in codes(services, runs[0]))
    assert [codes(services, run_id) for run_id in runs[1:]] == [["FlowStarted"]] * 3
    assert [document["run_id"] for document in services.flows.list(status="ACTIVE")] == runs[::-1]
    (tmp_path / "gate").touch()
    assert {ended(services, run_id)["status"] for run_id in runs} == {"SUCCEEDED"}
    # In the order in which they came.
    assert [document["completion_time"] for document in services.flows.list()] == sorted(
        (services.flows.get(run_id)["completion_time"] for run_id in runs), reverse=True
    )


def test_a_transfer_under_way_shows_how_far_it_is(services, flow, start, until, ended, tmp_path, monkeypatch):
    ends = {"source_endpoint": LOCAL_COLLECTION, "destination_endpoint": LOCAL_COLLECTION}
    (tmp_path / "a").write_bytes(b"a" * 5)
    os.mkfifo(tmp_path / "pipe")
    # Written before it is read: a source that changes meanwhile would be copied again, and nobody would write again.
    pipe = os.open(tmp_path / "pipe", os.O_RDWR)
    os.write(pipe, b"b")
    monkeypatch.setattr(_transfer_action, "REPORT_EVERY", 0)
    monkeypatch.setattr(_transfer_action, "AT_ONCE", 1)
    pairs = [(tmp_path / name, tmp_path / "there" / name) for name in ("a", "pipe")]
    data = [{"source_path": str(source), "destination_path": str(target)} for source, target in pairs]
    move = {"Type": "Action", "ActionUrl": "https://transfer.actions.globus.org/transfer"}
    run_id = start(services, flow(Move={**move, "Parameters": {**ends, "DATA": data}}))
    details = until(lambda: (now := services.flows.get(run_id)["details"]).get("progress") and now)
    assert (details["state_name"], details["code"]) == ("Move", "ActionStarted")
    until(lambda: services.flows.get(run_id)["details"]["progress"]["files_transferred"] == 1)
    os.close(pipe)
    ended(services, run_id)


def test_a_fault_of_the_engine_loses_no_finished_step(services, flow, compute, start, ended, codes, monkeypatch):
    execute = _driver.execute

    def faulty(definition, position, context):
        if position.state == "Look":
            raise RuntimeError("a fault of the engine")
        return execute(definition, position, context)

    with monkeypatch.context() as patch:
        patch.setattr(_driver, "execute", faulty)
        run_id = start(services, flow(Add=compute(("add", {"a": 1})), Look={"Type": "Pass"}), add)
        failed = ended(services, run_id)
    assert (failed["status"], failed["details"]["state_name"]) == ("FAILED", "Look")
    assert "a fault of the engine" in failed["details"]["cause"]
    assert codes(services, run_id).count("ActionCompleted") == 1
    services.flows.retry(run_id)
    assert ended(services, run_id)["status"] == "SUCCEEDED"
    assert codes(services, run_id).count("ActionStarted") == 1


def test_a_cancelled_run_can_go_on(services, flow, compute, start, ended):
    run_id = start(services, flow(Sleep={"Type": "Wait", "Seconds": 0.3}, Add=compute(("add", {"a": 1}))), add)
    services.flows.cancel(run_id)
    assert ended(services, run_id)["status"] == "ENDED"
    services.flows.retry(run_id)
    assert ended(services, run_id)["status"] == "SUCCEEDED"


def test_a_wait_ends(services, flow, start, ended, codes):
    run_id = start(
        services, flow(Sleep={"Type": "Wait", "Seconds": 0.2}, Next={"Type": "Pass"}, Last={**SLEEP, "Seconds": 0})
    )
    assert ended(services, run_id)["status"] == "SUCCEEDED"
    wait = ["WaitStarted", "WaitCompleted"]
    assert codes(services, run_id) == ["FlowStarted", *wait, "PassStarted", "PassCompleted", *wait, "FlowSucceeded"]


def test_what_was_under_way_when_services_closed_goes_on_with_the_next(
    make_services, flow, compute, start, ended, until, tmp_path
):
    path, here = tmp_path / "notes", tmp_path / "here"
    first = make_services()
    definition = flow(
        First=compute(("note", {"path": str(path), "text": "first"})),
        Second=compute(("stay", {"path": str(here)})),
    )

    def stay(path):
        import pathlib
        import time

        if not pathlib.Path(path).exists():
            pathlib.Path(path).touch()
            time.sleep(60)
        return "stayed"

    run_id = start(first, definition, note, stay)
    until(here.exists)
    first.close()
    second = make_services()
    document = ended(second, run_id)
    assert document["status"] == "SUCCEEDED", document
    assert path.read_text().split() == ["first"]
