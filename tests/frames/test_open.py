"""How the format of raw data is told, and what is said when it is not known."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from xpcs_nb.core import EventList
from xpcs_nb.errors import CorruptDataError, FileFormatError, MissingExtraError, MissingFileError, OptionError
from xpcs_nb.frames import open_frames
from xpcs_nb.testing import write_eiger, write_hdf5, write_imm, write_rigaku3m, write_rigaku500k


def test_the_content_counts_and_not_the_name(tmp_path, counts):
    write_hdf5(tmp_path / "a.imm", counts)
    write_hdf5(tmp_path / "a.bin", counts)
    write_imm(tmp_path / "b.h5", counts)
    assert open_frames(tmp_path / "a.imm").format == "hdf5"
    assert open_frames(tmp_path / "a.bin").format == "hdf5"
    assert open_frames(tmp_path / "b.h5").format == "imm"


@pytest.mark.parametrize("name", ["a.h5", "a.hdf", "a.nxs", "a.imm", "a.raw"])
def test_the_wrong_content_under_a_right_name_is_named(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"no frames " * 200)
    with pytest.raises(FileFormatError) as caught:
        open_frames(path)
    assert caught.value.path == path
    assert "no frame" in str(caught.value.got)


@pytest.mark.parametrize("name", ["a.h5", "a.imm", "a.bin", "a.nxs"])
def test_an_empty_file_says_so(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(CorruptDataError, match="empty"):
        open_frames(tmp_path / name)


@pytest.mark.parametrize("name", ["a.tpx", "a.tpx.000"])
def test_timepix_files_say_what_they_need(tmp_path, name):
    (tmp_path / name).write_bytes(b"TPX4" * 100)
    with pytest.raises(MissingExtraError, match="timepix_dataset, which is on no package registry"):
        open_frames(tmp_path / name)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"a\.h5"):
        open_frames(tmp_path / "a.h5")
    with pytest.raises(FileFormatError, match="not a file"):
        open_frames(tmp_path)


def test_the_shape_that_a_file_tells_wins_over_the_one_given(tmp_path, counts):
    with open_frames(write_hdf5(tmp_path / "a.h5", counts), shape=(30, 50)) as source:
        assert source.shape == counts.shape[1:]


def test_a_dataset_has_no_meaning_outside_hdf5(tmp_path, counts):
    with pytest.raises(OptionError, match="dataset"):
        open_frames(write_imm(tmp_path / "a.imm", counts), dataset="/entry/data/data")


@pytest.mark.parametrize("bounds", [(-1, 3), (0, 13), (5, 4), (0, 5, 0)])
def test_frames_outside_the_series_are_refused(tmp_path, counts, bounds):
    for given_ in (write_hdf5(tmp_path / "a.h5", counts), write_imm(tmp_path / "a.imm", counts), counts):
        with open_frames(given_) as source, pytest.raises(OptionError, match="outside the series"):
            source.frames(*bounds)


def test_a_closed_source_says_so(tmp_path, counts):
    with open_frames(write_hdf5(tmp_path / "a.h5", counts)) as source:
        source.frames(0, 1)
    with pytest.raises(OptionError, match="closed"):
        source.frames(0, 1)


def test_arrays_are_series(counts):
    source = open_frames(counts)
    assert (source.format, source.path, source.n_frames, source.files) == ("array", None, 12, ())
    np.testing.assert_array_equal(source.frames(2, 9, 2), counts[2:9:2])
    flags = open_frames(counts > 0)
    assert flags.events(0, 12).count.max() == 1


@pytest.mark.parametrize("array", [np.zeros((3, 4)), np.zeros((0, 3, 4)), np.zeros((2, 3, 4), dtype=complex)])
def test_arrays_that_are_no_series_are_refused(array):
    with pytest.raises(ValueError, match=r"three axes|no frames|not numbers"):
        open_frames(array)


def event_list(pixel, frame, count):
    columns = np.array(pixel, np.uint32), np.array(frame, np.uint32), np.array(count, np.uint16)
    return EventList(*columns, 5, (3, 4))


def test_event_lists_are_series():
    photons = event_list([1, 7, 1], [0, 2, 4], [1, 2, 3])
    source = open_frames(photons)
    assert (source.format, source.is_sparse, source.n_frames, source.shape) == ("array", True, 5, (3, 4))
    assert source.events(0, 5) is photons
    assert source.events(1, 5).count.tolist() == [2, 3]
    assert source.frames(0, 5, 2).reshape(3, 12)[:, [1, 7]].tolist() == [[1, 0], [0, 2], [3, 0]]


@pytest.mark.parametrize(
    "photons",
    [
        event_list([12], [0], [1]),
        event_list([0], [5], [1]),
        event_list([0], [0], [0]),
        event_list([0, 1], [0], [1]),
    ],
    ids=["pixel", "frame", "count", "length"],
)
def test_impossible_event_lists_are_refused(photons):
    with pytest.raises(OptionError):
        open_frames(photons)


def test_importing_the_readers_loads_no_compression_plugins():
    code = (
        "import sys, xpcs_nb.frames; print([m for m in ('hdf5plugin', 'numba', 'torch', 'xarray') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_plain_files_need_no_compression_plugins(tmp_path, counts):
    path = write_hdf5(tmp_path / "a.h5", counts, compression="gzip")
    code = (
        "import sys; from xpcs_nb.frames import open_frames; "
        f"open_frames({str(path)!r}).frames(0, 2); print('hdf5plugin' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


MOVIES = hnp.arrays(
    np.uint16, st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 4094)
)


@settings(max_examples=60, deadline=None)
@given(movie=MOVIES)
def test_any_movie_survives_every_format(movie, tmp_path_factory):
    folder = tmp_path_factory.mktemp("movie")
    paths = [
        write_hdf5(folder / "a.h5", movie),
        write_hdf5(folder / "b.h5", open_frames(movie).events(0, len(movie))),
        write_eiger(folder, movie, frames_per_file=2),
        write_imm(folder / "a.imm", movie),
        write_imm(folder / "b.imm", movie, sparse=False),
    ]
    for path in paths:
        with open_frames(path) as source:
            np.testing.assert_array_equal(source.frames(0, len(movie)), movie)
            np.testing.assert_array_equal(open_frames(source.events(0, len(movie))).frames(0, len(movie)), movie)
    if movie.any():
        with open_frames(write_rigaku500k(folder / "a.bin", movie), shape=movie.shape[1:]) as source:
            # The format does not know of dark frames at the end.
            assert source.n_frames == np.flatnonzero(movie.any(axis=(1, 2)))[-1] + 1
            np.testing.assert_array_equal(source.frames(0, source.n_frames), movie[: source.n_frames])


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_photons_of_a_3m_survive_in_any_order(data, tmp_path_factory):
    """Each module holds a photon in the last frame, as in real series; the others come anywhere."""
    rows, columns = np.array([0, 582, 1164]), np.array([0, 1076])
    corner = (rows[:, None] * 2100 + columns).reshape(-1)
    place = st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 511), st.integers(0, 1023))
    drawn = data.draw(st.lists(place, max_size=40, unique=True))
    last = [(10, module, 0, 0) for module in range(6)]
    frame, module, row, column = np.array(data.draw(st.permutations(drawn + last))).T
    pixel = corner[module] + row * 2100 + column
    count = np.arange(1, len(frame) + 1)
    photons = EventList(pixel.astype(np.uint32), frame.astype(np.uint32), count.astype(np.uint16), 11, (1676, 2100))
    path = write_rigaku3m(tmp_path_factory.mktemp("rigaku") / "a.bin.000", photons)
    with open_frames(path) as source:
        read = source.events(0, 11)
    expected = sorted(zip(pixel.tolist(), frame.tolist(), count.tolist(), strict=True))
    assert sorted(zip(read.pixel.tolist(), read.frame.tolist(), read.count.tolist(), strict=True)) == expected


def test_writers_refuse_counts_that_mean_a_dead_pixel(tmp_path):
    with pytest.raises(OptionError, match="wider dtype"):
        write_hdf5(tmp_path / "a.h5", event_list([0], [0], [255]), dtype=np.uint8)


def test_writers_take_photons_in_any_order(tmp_path):
    rng = np.random.default_rng(9)
    where = rng.permutation(5 * 12)[:30]
    photons = event_list(where % 12, where // 12, rng.integers(1, 9, 30))
    movie = open_frames(photons).frames(0, 5)
    for path in (write_hdf5(tmp_path / "a.h5", photons), write_imm(tmp_path / "a.imm", photons)):
        with open_frames(path) as source:
            np.testing.assert_array_equal(source.frames(0, 5), movie)


@pytest.mark.parametrize(
    "options", [{"compression": "zip"}, {"frames_per_chunk": None}, {"dtype": "u1", "compression": None}]
)
def test_writers_refuse_options_that_can_not_be(tmp_path, options):
    photons = event_list([0], [0], [300])
    with pytest.raises(OptionError):
        write_hdf5(tmp_path / "a.h5", photons, **options)
