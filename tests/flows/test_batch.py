"""Many datasets in one run: each with result, plots and record; one that is corrupt fails alone."""

import json

import pytest

from xpcs_nb.errors import MissingFileError, OptionError
from xpcs_nb.flows import _batch
from xpcs_nb.flows.definitions import load

PATIENCE = 150
STATE_LIMIT = 200 * 1024


@pytest.fixture
def three(make_measurement):
    return [make_measurement(f"B{number:03d}_batch", seed=number) for number in range(3)]


def test_one_corrupt_dataset_fails_alone_with_its_reason(facility, three, tmp_path):
    three[1].raw.write_bytes(three[1].raw.read_bytes()[:3000])
    run = facility.process_batch([each.raw for each in three], three[0].qmap, output=tmp_path / "back")
    assert run.wait(PATIENCE, progress=False).status == "SUCCEEDED"
    assert list(run.failures) == ["B001_batch"]
    assert "truncated" in run.failures["B001_batch"]
    assert [record.dataset for record in run.records] == ["B000_batch", "B002_batch"]
    for record in run.records:
        assert record.metadata["status"] == "complete"
        assert {"g2.png", f"{record.dataset}_results.hdf"} <= {file.url.rsplit("/", 1)[-1] for file in record.files}
        assert (tmp_path / "back" / record.dataset / f"{record.dataset}_results.hdf").is_file()


def test_a_batch_of_which_all_fail_has_failed(facility, three):
    for each in three:
        each.raw.write_bytes(each.raw.read_bytes()[:3000])
    run = facility.process_batch([each.raw for each in three], three[0].qmap).wait(PATIENCE, progress=False)
    assert run.status == "FAILED"
    assert "all 3 datasets failed" in next(iter(run.failures.values()))


def test_datasets_come_as_a_list_a_pattern_or_a_manifest(three, tmp_path):
    from xpcs_nb.flows._check import datasets_of

    expected = [each.raw for each in three]
    assert datasets_of(str(tmp_path / "B*" / "*.h5")) == expected
    assert datasets_of(expected) == expected
    manifest = tmp_path / "list.txt"
    manifest.write_text("# three\n" + "\n".join(str(path.relative_to(tmp_path)) for path in expected) + "\n")
    assert datasets_of(manifest) == expected


def test_what_is_wrong_with_a_list_is_told_before(facility, three, tmp_path):
    qmap = three[0].qmap
    with pytest.raises(MissingFileError, match="no such raw file"):
        facility.process_batch([three[0].raw, tmp_path / "none.h5"], qmap)
    with pytest.raises(MissingFileError, match="matches"):
        facility.process_batch(str(tmp_path / "*.none"), qmap)
    with pytest.raises(OptionError, match="named twice"):
        facility.process_batch([three[0].raw, three[0].raw], qmap)
    with pytest.raises(OptionError, match="no dataset"):
        facility.process_batch([], qmap)


def test_the_same_name_twice_is_refused(facility, measured, tmp_path):
    other = tmp_path / "other" / measured.raw.name
    other.parent.mkdir()
    other.write_bytes(measured.raw.read_bytes())
    with pytest.raises(OptionError, match="same name"):
        facility.process_batch([measured.raw, other], measured.qmap)


def test_the_loops_stay_within_the_state_of_a_run_for_hundreds_of_datasets(tmp_path):
    listed = [[f"D{number:04d}_a_long_name_as_they_are", [f"d/D{number:04d}.h5"], "d/m.hdf"] for number in range(400)]
    ends = {"source_collection": "a" * 36, "destination_collection": "b" * 36}
    common = {
        "source": {**ends, "folder": "/f", "qmap": "/q", "qmap_destination": "/qd", "destination": "/job"},
        "publishv2": {**ends, "index": "i"},
        "output": "/back",
        "output_collection": "a" * 36,
    }
    manifest = str(tmp_path / "manifest.json")
    _batch.write_manifest(manifest, common, listed)
    index, transfers = 0, 0
    while True:
        told = _batch.transfer_from(manifest, index)
        assert len(json.dumps(told)) < 12_000
        transfers += len(told["transfer"]["DATA"])
        index = told["next"]
        if not told["more"]:
            break
    assert (index, transfers) == (400, 801)

    entry = {"subject": "s", "visible_to": ["public"], "id": "m", "content": {"text": "x" * 6000}}
    for number, dataset in enumerate(_batch._Manifest.read(manifest).datasets):
        if number % 50 == 7:
            dataset.note(error="corrupt", step="correlate")
        else:
            item = {"source_path": "/a", "destination_path": "/b", "recursive": True}
            _batch.write_json(dataset.place / "publication.json", {"search": entry, "transfer": {"DATA": [item]}})
    index, published = 0, 0
    while True:
        told = _batch.publication_from(manifest, index)
        assert len(json.dumps(told)) < 25_000
        published += len(told["search"]["ingest_data"]["gmeta"])
        index = told["next"]
        if not told["more"]:
            break
    assert (index, published) == (400, 392)
    said = _batch.summary(manifest)
    assert (said["succeeded"], said["failed"], len(said["failures"])) == (392, 8, 8)


def test_a_dataset_that_takes_its_worker_down_is_given_up_at_last(measured, tmp_path, monkeypatch):
    manifest = str(tmp_path / "manifest.json")
    _batch.write_manifest(manifest, {"qmap": "q", "options": {}}, [["a", ["a.h5"], "a_metadata.hdf"]])

    def killed(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(_batch, "correlate_dataset", killed)
    for _ in range(_batch.MOST_ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            _batch.correlate_part(manifest, 0, 1)
    assert _batch.correlate_part(manifest, 0, 1) == {"datasets": 1, "failed": 1}


def test_the_loops_are_loops():
    states = load("batch")["States"]
    assert states["ChoiceMoreTransfers"]["Choices"][0]["Next"] == "NextTransfer"
    assert states["ChoiceMoreResults"]["Choices"][0]["Next"] == "PublishBatch"
