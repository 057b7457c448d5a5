"""A folder that is watched: each complete dataset is processed once, whatever happens in between."""

from __future__ import annotations

import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from xpcs_nb.errors import FacilityError, FlowError, MissingFileError, OptionError
from xpcs_nb.flows import Watcher, connect
from xpcs_nb.testing import simulate_measurement, write_eiger, write_rigaku3m


class FakeFacility:
    """Remembers what was asked of it."""

    def __init__(self):
        self.started, self.error, self.dies = [], None, False

    def process(self, raw, qmap, *, metadata, tags, **options):
        if self.error is not None:
            raise self.error
        run = SimpleNamespace(
            id=f"run-{len(self.started)}", status="ACTIVE", failures={}, raw=raw, metadata=metadata, tags=tags,
            options=options,
        )  # fmt: skip
        self.started.append(run)
        if self.dies:
            raise KeyboardInterrupt
        return run

    def runs(self, *, tag=None):
        return [run for run in self.started if tag in run.tags]

    def run(self, run_id):
        return next(run for run in self.started if run.id == run_id)


class Place:
    """A folder that is watched, with a clock of its own."""

    def __init__(self, tmp_path, measured):
        self.folder, self.home, self.measured = tmp_path / "data", tmp_path / "home", measured
        self.folder.mkdir()
        self.facility, self.said, self.now = FakeFacility(), [], 0.0
        self.watcher = self.watch()

    def watch(self, **options):
        return Watcher(
            self.facility, self.folder, self.measured.qmap, home=self.home, settle=5, say=self.said.append,
            clock=lambda: self.now, **options,
        )  # fmt: skip

    def put(self, name, metadata=True):
        shutil.copy(self.measured.raw, self.folder / f"{name}.h5")
        if metadata:
            shutil.copy(self.measured.metadata, self.folder / f"{name}_metadata.hdf")

    def look(self, *moments):
        for moment in moments:
            self.now += moment
            self.watcher.look()

    @property
    def names(self):
        return [run.raw.name for run in self.facility.started]

    @property
    def states(self):
        return [entry.state for entry in self.watcher.entries]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return simulate_measurement(
        tmp_path_factory.mktemp("m"), shape=(32, 32), n_frames=64, n_dynamic=2, n_static=4, seed=1
    )


@pytest.fixture
def place(tmp_path, measured):
    place = Place(tmp_path, measured)
    yield place
    place.watcher.close()


def test_a_dataset_is_processed_once_it_is_at_rest(place):
    place.put("A001")
    place.look(0, 3)
    assert place.names == []
    assert place.said == ["A001.h5 arrived", "A001.h5 waits: A001.h5 is being written"]
    place.look(3, 1, 10)
    assert place.names == ["A001.h5"]
    assert place.facility.started[0].metadata.name == "A001_metadata.hdf"
    assert place.said[-1] == "A001.h5 submitted: run run-0"


def test_a_file_that_grows_is_waited_for(place):
    place.put("A001")
    place.look(0, 4)
    with (place.folder / "A001.h5").open("ab") as stream:
        stream.write(b"0")
    place.look(4)
    assert place.names == []
    place.look(6)
    assert place.names == ["A001.h5"]


def test_metadata_are_waited_for_and_those_of_a_neighbour_are_not_taken(place):
    place.put("A001")
    place.put("A002", metadata=False)
    place.look(0, 6)
    assert place.names == ["A001.h5"]
    assert place.said[-1] == "A001.h5 submitted: run run-0" or "A002.h5 waits: no metadata file" in place.said[-1]
    assert "no metadata file is named as A002.h5" in place.watcher.waiting[place.folder / "A002.h5"]
    place.put("A002")
    place.look(1, 6)
    assert place.names == ["A001.h5", "A002.h5"]


def test_all_six_files_of_a_rigaku_are_waited_for(place, tmp_path):
    files = rigaku(tmp_path)
    for path in files[:3]:
        shutil.copy(path, place.folder)
    shutil.copy(place.measured.metadata, place.folder / "B001_metadata.hdf")
    place.look(0, 6)
    assert "B001.bin.003" in place.watcher.waiting[place.folder / "B001.bin.000"]
    for path in files[3:]:
        shutil.copy(path, place.folder)
    place.look(1, 3)
    assert place.names == []
    place.look(6)
    assert place.names == ["B001.bin.000"]
    assert len(place.watcher.entries[0].files) == 6


def rigaku(folder):
    (folder / "rigaku").mkdir()
    shape = (1676, 2100)
    frames = np.zeros((2, *shape), dtype=np.uint16)
    # A photon in each module
    frames[:, 100::600, 100::1200] = 1
    write_rigaku3m(folder / "rigaku" / "B001.bin.000", frames)
    return sorted((folder / "rigaku").glob("B001.bin.*"))


def test_the_files_that_an_eiger_master_links_are_waited_for(place, tmp_path):
    frames = np.ones((6, 32, 32), dtype=np.uint16)
    (tmp_path / "eiger").mkdir()
    write_eiger(tmp_path / "eiger", frames, prefix="E001", frames_per_file=3)
    shutil.copy(tmp_path / "eiger" / "E001_master.h5", place.folder)
    shutil.copy(tmp_path / "eiger" / "E001_data_000001.h5", place.folder)
    shutil.copy(place.measured.metadata, place.folder / "E001_metadata.hdf")
    place.look(0, 6)
    assert "E001_data_000002.h5" in place.watcher.waiting[place.folder / "E001_master.h5"]
    shutil.copy(tmp_path / "eiger" / "E001_data_000002.h5", place.folder)
    place.look(1, 3)
    assert place.names == []
    place.look(6)
    assert place.names == ["E001_master.h5"]
    assert len(place.watcher.entries[0].files) == 3


def test_a_bad_dataset_does_not_keep_the_others_back(place):
    (place.folder / "bad.h5").write_bytes(b"no HDF5")
    shutil.copy(place.measured.metadata, place.folder / "bad_metadata.hdf")
    place.put("A001")
    place.look(0, 6, 6)
    assert place.names == ["A001.h5"]
    assert "bad.h5 waits:" in place.watcher.summary()


def test_what_the_facility_refuses_is_reported_and_the_next_one_is_taken(place):
    place.put("A001")
    place.facility.error = OptionError("no such option", got="x")
    place.look(0, 6, 6)
    assert place.states == ["failed"]
    assert place.said[-1] == "A001.h5 failed: no such option: got x"
    place.facility.error = None
    place.put("A002")
    place.look(0, 6)
    assert place.names == ["A002.h5"]
    assert "2 datasets: 1 failed, 1 submitted" in place.watcher.summary()


def test_a_facility_that_does_not_answer_is_asked_again(place):
    place.put("A001")
    place.facility.error = FacilityError("no connection")
    place.look(0, 6, 6)
    assert "can't take it: no connection" in place.said[-1]
    place.facility.error = None
    place.look(1)
    assert place.names == ["A001.h5"]


def test_runs_are_followed_to_their_end(place):
    place.put("A001")
    place.put("A002")
    place.look(0, 6)
    place.facility.started[0].status = "SUCCEEDED"
    place.facility.started[1].status = "FAILED"
    place.facility.started[1].failures = {"A002": "correlate: out of memory"}
    place.look(1)
    assert place.states == ["finished", "failed"]
    assert "A002.h5 failed: correlate: out of memory (xpcs-nb retry run-1)" in place.said
    place.look(1, 10)
    assert len(place.names) == 2


@pytest.mark.parametrize("same", [True, False])
def test_what_was_retried_by_hand_is_followed_again(place, same):
    place.put("A001")
    place.look(0, 6)
    (run,) = place.facility.started
    run.status = "FAILED"
    place.look(1)
    assert place.states == ["failed"]
    if same:
        run.status = "ACTIVE"
    else:
        # Newest first, as facilities list them.
        place.facility.started.insert(0, SimpleNamespace(**vars(run) | {"id": "run-again", "status": "ACTIVE"}))
    place.look(60)
    assert place.states == ["submitted"]
    place.facility.started[0].status = "SUCCEEDED"
    place.look(1)
    assert place.states == ["finished"]
    place.look(60)
    assert place.states == ["finished"]


def test_an_interrupted_run_is_told_of_once(place):
    place.put("A001")
    place.look(0, 6)
    place.facility.started[0].status = "INACTIVE"
    place.look(1, 1)
    assert sum("is interrupted" in line for line in place.said) == 1
    place.facility.started[0].status = "SUCCEEDED"
    place.look(1)
    assert place.states == ["finished"]


def test_after_a_restart_nothing_is_processed_again(place):
    place.put("A001")
    place.look(0, 6)
    place.watcher.close()
    place.watcher = place.watch()
    place.put("A002")
    place.look(0, 6, 6)
    assert place.names == ["A001.h5", "A002.h5"]


def test_a_crash_between_start_and_note_does_not_start_twice(place):
    place.put("A001")
    place.look(0)
    place.facility.dies = True
    with pytest.raises(KeyboardInterrupt):
        place.look(6)
    place.facility.dies = False
    assert place.states == ["intended"]
    place.watcher.close()
    place.watcher = place.watch()
    place.look(0, 6)
    assert place.names == ["A001.h5"]
    assert place.states == ["submitted"]


def test_a_dataset_that_changes_after_a_crash_is_processed_as_it_is_then(place):
    place.put("A001")
    place.facility.error = FacilityError("no connection")
    place.look(0, 6)
    assert place.states == ["intended"]
    with (place.folder / "A001.h5").open("ab") as stream:
        stream.write(b"0")
    place.facility.error = None
    place.look(1, 6, 1)
    assert place.names == ["A001.h5"]
    assert place.states == ["failed", "submitted"]
    assert "its files changed before it was processed" in place.watcher.summary()


def test_files_that_are_out_of_reach_for_a_while_are_not_processed_again(place):
    place.put("A001")
    place.look(0, 6)
    (place.folder / "A001.h5").rename(place.home / "away")
    place.look(1)
    (place.home / "away").rename(place.folder / "A001.h5")
    place.look(1, 6)
    assert place.names == ["A001.h5"]
    assert place.states == ["submitted"]


def test_a_folder_that_can_not_be_read_is_told_of_once(place, monkeypatch):
    place.put("A001")
    walk = type(place.folder).walk

    def hindered(self, *arguments, on_error=None):
        if on_error is not None:
            on_error(OSError(116, "Stale file handle", str(self / "lost")))
        return walk(self, *arguments, on_error=on_error)

    monkeypatch.setattr(type(place.folder), "walk", hindered)
    place.look(0, 6, 1)
    assert place.names == ["A001.h5"]
    assert sum("Stale file handle" in line for line in place.said) == 1


def test_a_dataset_that_is_measured_anew_is_processed_anew(place):
    place.put("A001")
    place.look(0, 6)
    with (place.folder / "A001.h5").open("ab") as stream:
        stream.write(b"0")
    place.look(1, 6)
    assert place.names == ["A001.h5", "A001.h5"]


def test_results_hidden_files_and_the_qmap_are_no_datasets(place):
    place.put("A001")
    (place.folder / ".hidden.h5").write_bytes(b"x")
    (place.folder / "A001_results.hdf").write_bytes(b"x")
    place.look(0, 6)
    assert place.names == ["A001.h5"]
    assert place.watcher.waiting == {}


def test_folders_in_it_are_watched_and_a_pattern_narrows(place):
    (place.folder / "A003").mkdir()
    place.put("A003/A003")
    place.put("B003")
    place.watcher.close()
    place.watcher = place.watch(pattern="*/A*")
    place.look(0, 6)
    assert place.names == ["A003.h5"]


def test_options_reach_the_facility(place):
    place.put("A001")
    place.watcher.close()
    place.watcher = place.watch(type="twotime")
    place.look(0, 6)
    assert place.facility.started[0].options == {"type": "twotime"}


def test_two_watchers_of_one_folder_are_refused(place, measured):
    other = Watcher(place.facility, place.folder, measured.qmap, home=place.home, settle=0)
    place.watcher.close()

    def look_while_watched():
        with pytest.raises(FlowError, match="another process watches"):
            Watcher(place.facility, place.folder, measured.qmap, home=place.home, settle=0).once()
        raise KeyboardInterrupt

    other.look = look_while_watched
    other.watch()
    other.close()
    place.watcher = place.watch()


def test_once_takes_what_is_there(place):
    place.put("A001")
    place.watcher.close()
    place.watcher = Watcher(
        place.facility, place.folder, place.measured.qmap, home=place.home, settle=0.05, say=place.said.append
    )
    place.watcher.once()
    assert place.names == ["A001.h5"]
    assert place.said[-1] == "1 datasets: 1 submitted"


def test_folders_and_qmaps_that_are_not_there_are_errors(place, measured):
    with pytest.raises(MissingFileError, match="folder"):
        Watcher(place.facility, place.folder / "none", measured.qmap, home=place.home)
    with pytest.raises(MissingFileError, match="qmap"):
        Watcher(place.facility, place.folder, place.folder / "none", home=place.home)
    with pytest.raises(OptionError):
        Watcher(place.facility, place.folder, measured.qmap, home=place.home, settle=-1)


def test_a_file_whose_time_is_in_the_past_is_waited_for_too(place):
    """Clocks of file servers are late at times, so only what is seen counts."""
    place.put("A001")
    os.utime(place.folder / "A001.h5", (1e9, 1e9))
    place.look(0)
    assert place.names == []


def test_a_dataset_goes_the_whole_way_on_this_machine(tmp_path, measured):
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(measured.raw, folder)
    shutil.copy(measured.metadata, folder)
    with (
        connect(home=tmp_path / "home", workers=1, detached=False) as facility,
        Watcher(facility, folder, measured.qmap, home=tmp_path / "home", settle=0.05) as watcher,
    ):
        watcher.once()
        run = facility.run(watcher.entries[0].run).wait(timeout=120, progress=False)
        watcher.look()
        assert [(entry.state, entry.reason) for entry in watcher.entries] == [("finished", "")]
        assert [each.id for each in facility.runs(tag=watcher.entries[0].tag)] == [run.id]
        found = facility.catalog.search(dataset=measured.raw.stem)
        assert found.total == 1
        assert "multitau" in found.load().children
        assert {file.name for file in found[0].plots} >= {"g2.png"}
        assert all(path.is_file() for path in found[0].fetch(tmp_path / "mine"))
