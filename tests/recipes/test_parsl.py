"""A batch runs by Parsl: its HighThroughputExecutor, with processes of this machine as nodes."""

import os
import sys
from pathlib import Path

import pytest

from xpcs_nb.recipes import rerun

CONFIG = """
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider

executor = HighThroughputExecutor(
    label="here",
    max_workers_per_node=2,
    cores_per_worker=0.1,
    available_accelerators=["3", "5"],
    address="127.0.0.1",
    provider=LocalProvider(),
)
config = Config(executors=[executor], run_dir={folder!r}, initialize_logging=False)
"""


@pytest.mark.slow
def test_jobs_run_on_nodes_with_gpus_and_fail_alone(quick, numbers, tmp_path, monkeypatch):
    # Parsl looks for its own programs there.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    config = tmp_path / "config.py"
    config.write_text(CONFIG.format(folder=str(tmp_path / "parsl")))
    paths = numbers(4)
    rows = [{"dataset": path, "how": "fails" if path == paths[2] else "well", "gpu_id": 0} for path in paths]
    batch = rerun(quick, rows, folder=tmp_path / "b", parsl=config, workers=2, progress=False)
    assert [job.state for job in batch.jobs] == ["succeeded", "succeeded", "failed", "succeeded"], repr(batch)
    assert [job.values.get("D") for job in batch.jobs] == [0, 2, None, 6]
    gpus = {job.worker: job.values["gpu"] for job in batch.jobs if job.state == "succeeded"}
    assert set(gpus.values()) <= {"3", "5"}
    assert len(set(gpus.values())) == len(gpus)
    assert all(job.values["of_flows"][0] == job.values["gpu"] for job in batch.jobs if job.state == "succeeded")
    again = rerun(quick, rows, folder=tmp_path / "b", parsl=config, workers=2, progress=False)
    assert [job.attempt for job in again.jobs] == [job.attempt for job in batch.jobs]
