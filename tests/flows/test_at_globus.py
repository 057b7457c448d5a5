"""The same flows at a Globus site: the real clients over HTTP, against the look-alike of the services."""

import pytest

from tests.testing.sandbox.site import write_site
from xpcs_nb.errors import FlowError
from xpcs_nb.flows import connect
from xpcs_nb.qmap import QMap
from xpcs_nb.testing import Sandbox, simulate_measurement

SOURCE = "11111111-1111-4111-8111-111111111111"
PROCESSING = "22222222-2222-4222-8222-222222222222"
PUBLISH = "33333333-3333-4333-8333-333333333333"
PATIENCE = 150


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    """A site whose collections have their own roots, its folder, and the look-alike."""
    folder = tmp_path_factory.mktemp("there")
    roots = {SOURCE: folder / "source", PROCESSING: folder / "processing", PUBLISH: folder / "publish"}
    for root in roots.values():
        root.mkdir()
    with pytest.MonkeyPatch.context() as patch, Sandbox(folder / "state", roots, workers=2) as sandbox:
        for name, value in sandbox.environ().items():
            patch.setenv(name, value)
        patch.setenv("XPCS_NB_CONFIG", str(folder / "config"))
        names = {"source": SOURCE, "processing": PROCESSING, "publish": PUBLISH}
        ends = {role: (name, folder / role) for role, name in names.items()}
        queue = '[queue]\nqueue = "debug"\nwalltime = "00:30:00"'
        with connect(write_site(folder / "there.toml", sandbox, queue, **ends), home=folder / "home") as facility:
            facility._pace = (0.1, 0.5)  # the services are near
            yield facility, folder, sandbox


@pytest.fixture(scope="module")
def processed(there):
    facility, folder, _ = there
    measured = simulate_measurement(
        folder / "source" / "m", shape=(64, 64), n_frames=100, n_dynamic=3, n_static=6, seed=3, name="S001_there"
    )
    run = facility.process(measured.raw, measured.qmap, title="spheres there", queue="prod", nodes_per_block=2)
    return measured, run.wait(PATIENCE, progress=False)


def test_the_online_flow_runs_there_and_its_result_comes_here(there, processed):
    _, folder, _ = there
    _, run = processed
    assert run.status == "SUCCEEDED", run.failures
    with run.result() as tree:
        assert tree["multitau"].sizes["bin"] == 3
    assert run.body["input"]["user_endpoint_config"] == {
        "queue": "prod",
        "walltime": "00:30:00",
        "nodes_per_block": 2,
    }
    assert (folder / "publish" / "results" / "2026-1" / "S001_there" / "S001_there_results.hdf").is_file()
    assert run.record.subject == f"globus://{PUBLISH}/results/2026-1/S001_there"
    assert there[0].catalog.search("spheres").total == 1


def test_steps_have_the_shape_they_have_here(processed, facility, measured):
    _, run = processed
    here = facility.process(measured.raw, measured.qmap, publish=True).wait(PATIENCE, progress=False)
    assert [step.name for step in run.steps] == [step.name for step in here.steps]


def test_reprocessing_there(there, processed):
    facility, _, _ = there
    measured, run = processed
    new = facility.reprocess(run.record, measured.qmap, "_again").wait(PATIENCE, progress=False)
    assert new.status == "SUCCEEDED", new.failures
    assert new.record.metadata["origin"]["subject"] == run.record.subject


def test_a_batch_there(there):
    facility, folder, _ = there
    made = [
        simulate_measurement(
            folder / "source" / "b", shape=(64, 64), n_frames=100, n_dynamic=3, n_static=6, seed=seed, name=f"T{seed}_b"
        )
        for seed in range(2)
    ]
    made[1].raw.write_bytes(made[1].raw.read_bytes()[:3000])
    run = facility.process_batch([each.raw for each in made], made[0].qmap).wait(PATIENCE, progress=False)
    assert run.status == "SUCCEEDED", run.failures
    assert list(run.failures) == ["T1_b"]
    assert [record.dataset for record in run.records] == ["T0_b"]


def test_a_run_that_failed_there_goes_on_from_its_step_as_a_new_run(there, processed):
    facility, _, sandbox = there
    measured, _ = processed
    sandbox.fail_task("transfer", "the disk is full")
    run = facility.process(measured.raw, measured.qmap, suffix="failed").wait(PATIENCE, progress=False)
    assert run.status == "FAILED"
    with pytest.raises(FlowError, match="step SourceTransfer"):
        run.result()
    failed = run.id
    run.retry().wait(PATIENCE, progress=False)
    assert run.status == "SUCCEEDED", run.failures
    assert run.id != failed
    assert run.steps[0].name == "SourceTransfer"


def test_from_a_machine_that_does_not_see_the_raw_data(there, processed, tmp_path):
    """A laptop: its own collection has the qmap and takes the results; raw data are known by their record."""
    _, folder, _ = there
    _, run = processed
    text = (folder / "there.toml").read_text()
    laptop = folder / "processing"  # stands for the collection of the laptop, too
    elsewhere = text.replace(f'root = "{folder}/source"', 'root = "/not/on/this/machine"')
    own = f'[collections.here]\nid = "{PROCESSING}"\nroot = "{laptop}"\n[staging]\nfolder = "{laptop}/qmaps"\n'
    (tmp_path / "laptop.toml").write_text(f"{elsewhere}\n{own}")
    with connect(tmp_path / "laptop.toml", home=laptop / "home") as far:
        far._pace = (0.1, 0.5)
        qmap = QMap.from_file(run.result_path)
        new = far.reprocess(run.record, qmap, "_far", output=laptop / "back").wait(PATIENCE, progress=False)
        assert new.status == "SUCCEEDED", new.failures
        assert new.result_path == laptop / "back" / "S001_there_far" / "S001_there_far_results.hdf"
