"""Worker processes: one task each, and only that task is lost with one."""

import os
import signal
import threading

import psutil
import pytest

from xpcs_nb.facility.local._workers import Task, WorkerPool


class Tasks:
    """Runs functions, given by their source, in a pool."""

    def __init__(self, folder, **options):
        self.folder = folder
        self.pool = WorkerPool(options.pop("workers", 2), **options)
        self.jobs = []

    def submit(self, body, **arguments):
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        source = f"def work({', '.join(arguments)}):\n    import os, signal, time\n{lines}"
        done = threading.Event()
        log = self.folder / f"{len(self.jobs)}.log"
        job = self.pool.submit(Task("work", source, [], arguments, log), lambda _: done.set())
        self.jobs.append((job, done))
        return job

    def wait(self):
        for _, done in self.jobs:
            assert done.wait(30)


@pytest.fixture
def make_tasks(tmp_path):
    made = []

    def make(**options):
        made.append(Tasks(tmp_path, **options))
        return made[-1]

    yield make
    for tasks in made:
        tasks.pool.close()


@pytest.fixture
def tasks(make_tasks):
    return make_tasks()


def test_workers_are_used_again(tasks):
    jobs = [tasks.submit("return [n, os.getpid()]", n=n) for n in range(8)]
    tasks.wait()
    assert [job.output[0] for job in jobs] == list(range(8))
    assert len({job.output[1] for job in jobs}) <= 2


def test_a_worker_that_is_warm_is_preferred(tasks):
    workers = set()
    for _ in range(4):
        job = tasks.submit("return os.getpid()")
        tasks.wait()
        workers.add(job.output)
    assert len(workers) == 1


def test_a_killed_worker_takes_only_its_task_and_is_replaced(tasks):
    killed = tasks.submit("print('last words')\nos.kill(os.getpid(), signal.SIGKILL)")
    others = [tasks.submit("return n", n=n) for n in range(4)]
    tasks.wait()
    assert "killed by signal 9 (SIGKILL)" in killed.exception
    assert "out of memory" in killed.exception
    assert "last words" in killed.exception
    assert [job.output for job in others] == list(range(4))


def test_what_a_task_and_its_children_print_is_in_its_log(tasks, tmp_path):
    good = tasks.submit("print('one')\nos.system('echo two')\nreturn 1")
    bad = tasks.submit("import sys\nprint('a reason', file=sys.stderr)\nraise ValueError('bad')")
    tasks.wait()
    assert good.exception is None
    assert (tmp_path / "0.log").read_text().split() == ["one", "two"]
    assert bad.exception.startswith("Traceback")
    assert "ValueError: bad" in bad.exception
    assert bad.exception.endswith("a reason")
    assert "_function.py" not in bad.exception


def test_leaving_and_results_that_are_no_json_are_failures(tasks):
    ends = tasks.submit("raise SystemExit(3)")
    leaves = tasks.submit("os._exit(3)")
    objects = tasks.submit("return object()")
    numbers = tasks.submit("return float('nan')")
    wrong = tasks.submit("return (")
    tasks.wait()
    assert "SystemExit: 3" in ends.exception
    assert "ended with code 3" in leaves.exception
    assert "what JSON can't have" in objects.exception
    assert "what JSON can't have" in numbers.exception
    assert "SyntaxError" in wrong.exception


def test_a_stopped_task_is_killed_with_what_it_started(tasks, tmp_path, until):
    job = tasks.submit(
        "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\n"
        "open(path, 'w').write(str(child.pid))\nchild.wait()",
        path=str(tmp_path / "pid"),
    )
    pid = int(until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    job.stop()
    tasks.wait()
    assert job.exception == "the task was stopped"
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    after = tasks.submit("return 1")
    tasks.wait()
    assert after.output == 1


def test_a_stopped_task_that_waits_for_its_turn_never_runs(make_tasks, tmp_path):
    tasks = make_tasks(workers=1)
    first = tasks.submit(f"while not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.01)")
    second = tasks.submit(f"open({str(tmp_path / 'ran')!r}, 'w')")
    second.stop()
    (tmp_path / "go").touch()
    tasks.wait()
    assert first.exception is None
    assert second.exception == "the task was stopped"
    assert not (tmp_path / "ran").exists()


def test_each_gpu_has_a_worker(make_tasks):
    tasks = make_tasks(gpus=("3", "5"))
    jobs = [tasks.submit("time.sleep(0.3)\nreturn os.environ['CUDA_VISIBLE_DEVICES']") for _ in range(2)]
    tasks.wait()
    assert {job.output for job in jobs} == {"3", "5"}


def test_an_idle_worker_that_was_killed_is_replaced(make_tasks, until):
    tasks = make_tasks(workers=1)
    first = tasks.submit("return os.getpid()")
    tasks.wait()
    worker = psutil.Process(first.output)
    worker.send_signal(signal.SIGKILL)
    until(lambda: worker.status() == psutil.STATUS_ZOMBIE)
    second = tasks.submit("return os.getpid()")
    tasks.wait()
    assert second.output not in {None, first.output, os.getpid()}


def test_closing_ends_tasks_and_processes(make_tasks, tmp_path, until):
    tasks = make_tasks()
    job = tasks.submit(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)")
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    waiting = [tasks.submit("time.sleep(60)") for _ in range(3)]
    tasks.pool.close()
    tasks.wait()
    assert all(each.exception for each in (job, *waiting))
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))
