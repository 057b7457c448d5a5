"""Bad input: an error before the long work, that names file, place, value found and expected; nothing is lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

import xpcs_nb as xnb
from xpcs_nb.errors import (
    CorruptDataError,
    FileFormatError,
    MissingFileError,
    MissingKeyError,
    OptionError,
    QMapError,
    WriteError,
    XpcsError,
)
from xpcs_nb.reduction import _correlate as correlating
from xpcs_nb.reduction import _twotime_plan as planning
from xpcs_nb.testing import Measurement, simulate_measurement

RUN = "from xpcs_nb.reduction import correlate_to_file; correlate_to_file"


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Measurement:
    return simulate_measurement(
        tmp_path_factory.mktemp("measured"), shape=(64, 64), n_frames=100, n_dynamic=3, n_static=6, seed=3
    )


@pytest.fixture
def measured(original, tmp_path) -> Measurement:
    """A copy of its own, which a test may spoil."""
    folder = shutil.copytree(original.raw.parent, tmp_path / "beamline")
    return Measurement(
        raw=folder / original.raw.name,
        metadata=folder / original.metadata.name,
        qmap=folder / original.qmap.name,
        truth=original.truth,
    )


def _fails(kind: type[XpcsError], measured: Measurement, tmp_path: Path, *words: str, **options) -> None:
    """Correlate, expect `kind` with all `words` in its message, and no file in the output folder."""
    output = tmp_path / "output"
    with pytest.raises(kind) as caught:
        xnb.correlate(measured.raw, measured.qmap, output=output, **options)
    for word in words:
        assert word in str(caught.value)
    assert not output.exists() or list(output.iterdir()) == []


def test_no_metadata(measured, tmp_path):
    measured.metadata.unlink()
    _fails(MissingFileError, measured, tmp_path, "_metadata.hdf", str(measured.raw.parent))


def test_metadata_without_a_needed_key(measured, tmp_path):
    with h5py.File(measured.metadata, "r+") as file:
        del file["/entry/instrument/detector_1/frame_time"]
    _fails(MissingKeyError, measured, tmp_path, str(measured.metadata), "frame_time")


@pytest.mark.parametrize("raw", ["nothing.h5", "nothing.bin", "nothing.imm"])
def test_no_raw_file(measured, tmp_path, raw):
    with pytest.raises(MissingFileError, match="nothing"):
        xnb.correlate(tmp_path / raw, measured.qmap, output=tmp_path / "output")


def _change_maps(qmap: Path, change) -> None:
    with h5py.File(qmap, "r+") as file:
        for name in ("mask", "blemish", "dynamic_roi_map", "static_roi_map"):
            values = change(name, file["qmap"][name][()])
            del file["qmap"][name]
            file["qmap"][name] = values


def test_qmap_of_another_shape(measured, tmp_path):
    _change_maps(measured.qmap, lambda name, values: values[:-4])
    _fails(QMapError, measured, tmp_path, str(measured.qmap), "(60, 64)", "(64, 64)")


def test_transposed_qmap_is_named_as_such(tmp_path):
    measured = simulate_measurement(tmp_path / "m", shape=(48, 64), n_frames=20, n_dynamic=2, n_static=4)
    _change_maps(measured.qmap, lambda name, values: values.T)
    _fails(QMapError, measured, tmp_path, "Transposing it would fit")


def test_empty_qmap(measured, tmp_path):
    _change_maps(measured.qmap, lambda name, values: np.zeros_like(values))
    _fails(QMapError, measured, tmp_path, str(measured.qmap))


def test_static_bin_in_two_dynamic_bins(measured, tmp_path):
    def spoil(name, values):
        if name == "static_roi_map":
            values[values == 2] = 1
            values[values == 5] = 1
        return values

    _change_maps(measured.qmap, spoil)
    _fails(QMapError, measured, tmp_path, "static bin 1", "dynamic")


def test_not_a_qmap_file(measured, tmp_path):
    measured.qmap.write_bytes(b"not hdf5 at all")
    _fails(FileFormatError, measured, tmp_path, str(measured.qmap))


def test_a_truncated_raw_file(measured, tmp_path):
    os.truncate(measured.raw, measured.raw.stat().st_size // 2)
    _fails(XpcsError, measured, tmp_path, str(measured.raw))


def test_a_corrupt_frame_is_named(measured, tmp_path):
    with h5py.File(measured.raw, "r") as file:
        where = file["/entry/data/data"].id.get_chunk_info(41)
    with measured.raw.open("r+b") as stream:
        stream.seek(where.byte_offset + 12)
        stream.write(b"\xff" * (where.size - 12))
    frame = where.chunk_offset[0]
    _fails(CorruptDataError, measured, tmp_path, str(measured.raw), f"frame {frame}")


def test_wrong_format_under_a_right_name(measured, tmp_path):
    measured.raw.write_bytes(b"\x00" * 5000)
    _fails(FileFormatError, measured, tmp_path, str(measured.raw))


@pytest.mark.parametrize("options", [{"end_frame": 101}, {"begin_frame": 100}, {"begin_frame": 99}])
def test_frames_outside_the_series(measured, tmp_path, options):
    _fails(OptionError, measured, tmp_path, "frames", **options)


def test_an_unknown_option_is_named(measured, tmp_path):
    _fails(OptionError, measured, tmp_path, "strid_frame", "stride_frame", strid_frame=2)


def test_unknown_dynamic_bins(measured, tmp_path):
    _fails(OptionError, measured, tmp_path, "17", type="twotime", dq_selection="1,17")


def _with_frames(measured: Measurement, dtype, change) -> None:
    with h5py.File(measured.raw, "r+") as file:
        frames = file["/entry/data/data"][()].astype(dtype)
        change(frames)
        del file["/entry/data/data"]
        file["/entry/data"]["data"] = frames


def test_zero_count_frames_are_reported_and_do_no_harm(measured, tmp_path):
    def darken(frames):
        frames[10:13] = 0

    _with_frames(measured, np.uint16, darken)
    with pytest.warns(UserWarning, match="3 of 100 frames hold no count"):
        tree = xnb.correlate(measured.raw, measured.qmap, output=tmp_path)
    assert np.isfinite(tree["multitau"]["g2"]).all()
    assert any("3 of 100" in note for note in tree["provenance"].attrs["notes"])


@pytest.mark.parametrize(("value", "word"), [(np.nan, "nan"), (-1.0, "-1")])
def test_nan_and_negative_pixels(measured, tmp_path, value, word):
    with xnb.open_frames(measured.raw) as source:
        used = xnb.QMap.from_file(measured.qmap).arrays.static_roi_map > 0
        row, column = np.argwhere(used)[5]
        assert source.shape == used.shape

    def spoil(frames):
        frames[7, row, column] = value

    _with_frames(measured, np.float32, spoil)
    _fails(CorruptDataError, measured, tmp_path, str(measured.raw), "frame 7", word)


def test_an_existing_result_gets_a_neighbour_not_a_successor(measured, tmp_path):
    first = xnb.correlate(measured.raw, measured.qmap, output=tmp_path / "out")
    before = Path(first.attrs["path"]).read_bytes()
    second = xnb.correlate(measured.raw, measured.qmap, output=tmp_path / "out")
    assert Path(second.attrs["path"]).stem == Path(first.attrs["path"]).stem + "_1"
    assert Path(first.attrs["path"]).read_bytes() == before


def test_overwrite_replaces_the_result(measured, tmp_path):
    for _ in range(2):
        xnb.correlate(measured.raw, measured.qmap, output=tmp_path / "out", overwrite=True).close()
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_an_output_folder_that_can_not_be_made(measured, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WriteError, match="file"):
        xnb.correlate(measured.raw, measured.qmap, output=tmp_path / "file" / "out")


def test_a_full_disk_keeps_the_older_result(measured, tmp_path):
    output = tmp_path / "out"
    older = Path(xnb.correlate(measured.raw, measured.qmap, output=output).attrs["path"])
    before = older.read_bytes()
    # A limit on the size of files is what a test can have of a full disk without one.
    script = f"""
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        from xpcs_nb.core import ReductionOptions
        from xpcs_nb.errors import WriteError
        {RUN.split(";", maxsplit=1)[0]}
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            correlate_to_file({str(measured.raw)!r}, {str(measured.qmap)!r}, output={str(output)!r},
                              options=ReductionOptions(overwrite=True))
        except WriteError as error:
            print("WriteError", error)
    """
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False, env=environment
    )
    # HDF5 is known to crash at exit over a file that it could not finish.
    assert done.returncode == 0, done.stderr
    assert "WriteError" in done.stdout, done.stdout + done.stderr
    assert str(output) in done.stdout
    assert older.read_bytes() == before
    assert list(output.iterdir()) == [older]


def test_a_process_killed_while_writing_leaves_the_older_result(measured, tmp_path):
    output = tmp_path / "out"
    older = Path(xnb.correlate(measured.raw, measured.qmap, output=output).attrs["path"])
    before = older.read_bytes()
    # Killed inside the writer, after the temporary file was opened.
    script = f"""
        import os, signal
        from xpcs_nb.core import ReductionOptions, ResultArrays
        from xpcs_nb.reduction import _correlate
        real = _correlate.write_result
        def dying(path, content, **options):
            def maps():
                os.kill(os.getpid(), signal.SIGKILL)
                yield
            content.twotime = maps()
            return real(path, content, **options)
        _correlate.write_result = dying
        _correlate.correlate_to_file({str(measured.raw)!r}, {str(measured.qmap)!r}, output={str(output)!r},
                                     options=ReductionOptions(overwrite=True))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert older.read_bytes() == before
    # The next run works and leaves nothing of the dead one behind for good.
    time.sleep(0.01)
    xnb.correlate(measured.raw, measured.qmap, output=output, overwrite=True).close()
    assert [path for path in output.iterdir() if path.suffix == ".hdf"] == [older]


def test_a_refused_series_is_closed(measured, tmp_path, monkeypatch):
    opened = []
    real = correlating.open_frames

    def remember(*args, **kwargs):
        opened.append(real(*args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(correlating, "open_frames", remember)
    with pytest.raises(OptionError):
        xnb.correlate(measured.raw, measured.qmap, output=tmp_path / "output", begin_frame=1000)
    with pytest.raises(Exception, match="the frame source is closed"):
        opened[0].frames(0, 1)


def test_maps_that_do_not_fit_are_refused_before_any_frame_is_read(measured, tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "available_memory", lambda: 1000)
    told = []
    with pytest.raises(OptionError, match="does not fit in memory"):
        xnb.correlate(
            measured.raw,
            measured.qmap,
            output=tmp_path / "output",
            type="both",
            progress=lambda *progress: told.append(progress),
        )
    assert told == []


def test_a_qmap_that_changes_meanwhile_is_not_taken_for_the_one_that_was_used(measured, tmp_path):
    def spoil(*_progress):
        with h5py.File(measured.qmap, "r+") as file:
            file["qmap/mask"][...] = 0

    with xnb.correlate(measured.raw, measured.qmap, output=tmp_path / "output", progress=spoil) as tree:
        assert tree["qmap"]["mask"].any()
    with h5py.File(measured.qmap) as file:
        assert not file["qmap/mask"][()].any()
