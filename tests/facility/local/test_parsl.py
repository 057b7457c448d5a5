"""Functions on a cluster, here on a cluster of one machine."""

import pytest

from xpcs_nb.errors import SiteError

pytestmark = pytest.mark.slow

CONFIG = """
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider

executor = HighThroughputExecutor(
    label="here", max_workers_per_node=2, cores_per_worker=0.1, address="127.0.0.1", provider=LocalProvider()
)
config = Config(executors=[executor], run_dir={folder!r}, initialize_logging=False)
"""


def double(n):
    print("doubling", n)
    if n < 0:
        raise ValueError("negative")
    return 2 * n


def test_functions_run_by_any_parsl_configuration(make_services, flow, compute, start, ended, home, tmp_path):
    file = tmp_path / "cluster.py"
    file.write_text(CONFIG.format(folder=str(tmp_path / "parsl")))
    services = make_services(executor=str(file))
    run_id = start(services, flow(Double=compute(("double", {"n": 1}), ("double", {"n": 2}), WaitTime=200)), double)
    document = ended(services, run_id, 200)
    assert document["status"] == "SUCCEEDED", document
    assert document["details"]["output"]["Double"]["details"]["result"] == [2, 4]
    assert (home / "runs" / run_id / "Double-1.log").read_text() == "doubling 2\n"
    run_id = start(services, flow(Double=compute(("double", {"n": -1}))), double)
    cause = ended(services, run_id, 200)["details"]["cause"]
    assert "ValueError: negative" in cause
    assert cause.endswith("doubling -1")


def test_a_file_without_configuration_is_said(make_services, flow, compute, start, ended, tmp_path):
    (tmp_path / "cluster.py").write_text("config = 1")
    services = make_services(executor=str(tmp_path / "cluster.py"))
    run_id = start(services, flow(Double=compute(("double", {"n": 1}))), double)
    details = ended(services, run_id)["details"]
    assert details["error"] == SiteError.__name__
    assert "no Parsl configuration" in details["cause"]
