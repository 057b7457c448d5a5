"""Whatever ends a batch or its workers, starting it again gives every result once."""

import contextlib
import json
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest

from xpcs_nb.recipes import batch_status, rerun

JOBS = 24


def start(quick, listed, folder, *more):
    command = [sys.executable, "-m", "xpcs_nb", "rerun", quick, "-l", listed, "-o", folder, "-n", "2", *more]
    return subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # What a background job inherits is to ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)


@pytest.fixture
def listed(numbers, tmp_path):
    def make(n, how="well"):
        path = tmp_path / "list.csv"
        path.write_text("dataset,how\n" + "".join(f"{each},{how}\n" for each in numbers(n)))
        return path

    return make


def test_ctrl_c_stops_cleanly_and_the_rest_goes_on_later(quick, listed, tmp_path):
    folder = tmp_path / "b"
    process = start(quick, listed(3, "sleeps 60"), folder)
    wait_for(lambda: any("running" in path.read_text() for path in folder.glob("jobs/*/job.json")))
    assert "running" in repr(batch_status(folder))
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "the same command goes on" in said
    assert {job.state for job in batch_status(folder).jobs} <= {"interrupted", "waiting"}
    assert (folder / "report.html").is_file()
    wait_for(lambda: not kernels(folder))


def kernels(folder):
    """Return processes that work in the folder of a batch."""
    there = psutil.process_iter(["cwd", "status"])
    alive = [each for each in there if each.info["status"] != psutil.STATUS_ZOMBIE]
    return [each for each in alive if (each.info["cwd"] or "").startswith(str(folder))]


@pytest.mark.skipif(sys.platform != "linux", reason="kernels end with their worker by a signal of Linux")
def test_a_killed_batch_leaves_no_process_and_no_job_that_seems_to_run(quick, listed, tmp_path):
    folder = tmp_path / "b"
    process = start(quick, listed(2, "sleeps 60"), folder)
    wait_for(lambda: kernels(folder))
    process.kill()
    process.communicate()
    wait_for(lambda: not kernels(folder), 20)
    assert {job.state for job in batch_status(folder).jobs} <= {"interrupted", "waiting"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_twenty_times_at_random_every_result_comes_once(quick, listed, tmp_path):
    folder, table = tmp_path / "b", listed(JOBS)
    chance = random.Random(6)  # noqa: S311
    for _ in range(20):
        process = start(quick, table, folder)
        # Somewhere between its start and the end of a few jobs.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.5, 4))
        if process.poll() is None and chance.choice(["batch", "worker"]) == "worker":
            victim = chance.choice(psutil.Process(process.pid).children(recursive=True) or [None])
            if victim is not None and victim.is_running():
                victim.send_signal(signal.SIGKILL)
            time.sleep(0.1)
        process.kill()
        process.communicate()
    known = batch_status(folder).jobs if (folder / "batch.json").is_file() else ()
    killed = {job.folder: job.attempt for job in known if job.state == "succeeded"}
    done = rerun(quick, table, folder=folder, workers=2, progress=False)
    assert done.succeeded, repr(done)
    assert [job.values["D"] for job in done.jobs] == [2.0 * number for number in range(JOBS)]
    # What had succeeded was not run again, and there is one folder a job.
    assert {job.folder: job.attempt for job in done.jobs if job.folder in killed} == killed
    assert len(list(folder.glob("jobs/*"))) == JOBS
    undisturbed = rerun(quick, table, folder=tmp_path / "undisturbed", workers=2, progress=False)
    assert [dict(job.values) for job in undisturbed.jobs] == [dict(job.values) for job in done.jobs]


def test_a_killed_worker_costs_its_job_another_try(quick, numbers, tmp_path):
    """The job whose worker is killed is tried again, and succeeds."""
    marker = tmp_path / "tried"
    recipe = tmp_path / "kills.ipynb"
    document = json.loads(quick.read_text())
    document["cells"][2]["source"] = [
        "import signal\n",
        f"marker = Path({str(marker)!r})\n",
        "if not marker.exists():\n",
        "    marker.touch()\n",
        "    import psutil\n",
        "    psutil.Process().parents()[1].send_signal(signal.SIGKILL)\n",
        "    time.sleep(60)\n",
        "number = 1.0",
    ]
    recipe.write_text(json.dumps(document))
    batch = rerun(recipe, numbers(1), folder=tmp_path / "b", progress=False)
    assert marker.exists()
    assert batch.succeeded, repr(batch)
