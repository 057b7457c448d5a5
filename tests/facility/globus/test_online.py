"""The whole online flow, as a user starts it, with the real clients over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testing.sandbox.site import write_site
from xpcs_nb.flows import connect
from xpcs_nb.testing import Sandbox, simulate_measurement

SOURCE, PROCESSING, PUBLISH = (f"{n * 8}-{n * 4}-4{n * 3}-8{n * 3}-{n * 12}" for n in "345")

PATIENCE = 120


@pytest.fixture(scope="module")
def module_sandbox(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("site")
    places = {SOURCE: "source", PROCESSING: "processing", PUBLISH: "publish"}
    for name in places.values():
        (folder / name).mkdir()
    with Sandbox(folder / "state", {key: folder / name for key, name in places.items()}) as sandbox:
        yield sandbox


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_the_online_flow_runs_on_the_look_alike(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = sandbox.folder.parent
    ids = {"source": SOURCE, "processing": PROCESSING, "publish": PUBLISH}
    ends = {role: (name, folder / role) for role, name in ids.items()}
    site = write_site(tmp_path / "sandbox.toml", sandbox, **ends)
    measured = simulate_measurement(
        folder / "source" / "m", shape=(64, 64), n_frames=100, n_dynamic=3, n_static=6, seed=3, name="A001_brownian"
    )
    with connect(site, home=tmp_path / "home") as facility:
        sandbox.fail_task("compute", "the node burnt")
        run = facility.process(measured.raw, qmap=measured.qmap, title="silica spheres")
        run.wait(PATIENCE, progress=False)
        assert run.status == "FAILED"
        assert "the node burnt" in str(run.steps[-1].error)
        # On its way the service is busy, breaks off, and lets the token expire.
        run.retry()
        sandbox.faults.add("flows", "GET /runs/*", status=429, retry_after=1)
        sandbox.faults.add("flows", "GET /runs/*", drop=True, after=2)
        sandbox.expire_tokens()
        run.wait(PATIENCE, progress=False)
        assert run.status == "SUCCEEDED", run.steps
        (found,) = facility.catalog.search("silica").records
        assert found.load()["multitau"].g2.sizes["bin"] == 3
        assert found.metadata["status"] == "complete"
