"""Rigaku files: one module, and six with gaps between them."""

from __future__ import annotations

import numpy as np
import pytest

from xpcs_nb.core import EventList
from xpcs_nb.errors import CorruptDataError, MissingFileError, OptionError
from xpcs_nb.frames import open_frames
from xpcs_nb.testing import write_rigaku3m, write_rigaku500k


def in_order(photons: EventList) -> np.ndarray:
    """Frame, pixel and count of each event, sorted."""
    table = np.stack([photons.frame, photons.pixel, photons.count]).astype(np.int64)
    return table[:, np.lexsort(table[::-1])]


@pytest.fixture
def photons() -> EventList:
    rng = np.random.default_rng(3)
    frame = np.sort(rng.integers(0, 50, 4000)).astype(np.uint32)
    frame[-1] = 49
    pixel = rng.permutation(512 * 1024)[:4000].astype(np.uint32)
    return EventList(pixel, frame, rng.integers(1, 4096, 4000).astype(np.uint16), 50, (512, 1024))


def test_photons_of_a_500k_survive(tmp_path, photons):
    path = write_rigaku500k(tmp_path / "a.bin", photons)
    with open_frames(path) as source:
        assert (source.format, source.shape, source.n_frames, source.is_sparse) == ("rigaku500k", (512, 1024), 50, True)
        assert source.files == (path,)
        assert source.blemish is None
        np.testing.assert_array_equal(in_order(source.events(0, 50)), in_order(photons))
        whole = open_frames(photons).frames(0, 50)
        np.testing.assert_array_equal(source.frames(7, 31, 5), whole[7:31:5])


def test_every_stretch_of_frames_holds_its_own_photons(tmp_path, photons):
    with open_frames(write_rigaku500k(tmp_path / "a.bin", photons)) as source:
        for start, stop in [(0, 1), (0, 20), (20, 21), (49, 50), (10, 10)]:
            part = source.events(start, stop)
            kept = (photons.frame >= start) & (photons.frame < stop)
            assert len(part.pixel) == kept.sum()
            assert part.n_frames == 50
            assert set(part.frame.tolist()) == set(photons.frame[kept].tolist())


def test_the_shape_of_another_detector_can_be_given(tmp_path, counts):
    path = write_rigaku500k(tmp_path / "a.bin", counts)
    with open_frames(path, shape=(30, 50)) as source:
        np.testing.assert_array_equal(source.frames(0, 12), counts)
    with open_frames(path, shape=(20, 50)) as source, pytest.raises(CorruptDataError, match="shape="):
        source.events(0, 12)


def test_a_500k_whose_pixels_are_numbered_from_the_second_half_is_read(tmp_path, photons):
    path = write_rigaku500k(tmp_path / "a.bin", photons)
    words = np.fromfile(path, "<u8") + np.uint64(1024 * 1024 << 16)
    words.tofile(path)
    with open_frames(path) as source:
        np.testing.assert_array_equal(in_order(source.events(0, 50)), in_order(photons))


def test_events_of_no_photon_are_left_out(tmp_path, photons):
    path = write_rigaku500k(tmp_path / "a.bin", photons)
    words = np.fromfile(path, "<u8")
    words[100] &= ~np.uint64(0xFFF)
    words.tofile(path)
    with open_frames(path) as source:
        assert len(source.events(0, 50).pixel) == 3999


def test_unused_bits_are_ignored(tmp_path, photons):
    path = write_rigaku500k(tmp_path / "a.bin", photons)
    words = np.fromfile(path, "<u8") | np.uint64(0b1111 << 12 | 0b111 << 37)
    words.tofile(path)
    with open_frames(path) as source:
        np.testing.assert_array_equal(in_order(source.events(0, 50)), in_order(photons))


@pytest.mark.parametrize("start", [0, 20])
def test_frames_out_of_order_are_an_error_that_names_the_event(tmp_path, photons, start):
    path = write_rigaku500k(tmp_path / "a.bin", photons)
    words = np.fromfile(path, "<u8")
    words[[2000, 3000]] = words[[3000, 2000]]
    words.tofile(path)
    with open_frames(path) as source, pytest.raises(CorruptDataError, match="event 2") as caught:
        source.events(start, 50)
    assert caught.value.path == path


def test_reading_in_stretches_finds_frames_out_of_order_as_well(tmp_path, photons):
    path = write_rigaku500k(tmp_path / "a.bin", photons)
    words = np.fromfile(path, "<u8")
    words[[0, 3000]] = words[[3000, 0]]
    words.tofile(path)

    def in_stretches() -> None:
        with open_frames(path) as source:
            for start in range(0, 50, 5):
                source.events(start, start + 5)

    with pytest.raises(CorruptDataError, match="order"):
        in_stretches()


def test_a_500k_cut_within_an_event_says_where(tmp_path, photons):
    path = write_rigaku500k(tmp_path / "a.bin", photons)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(CorruptDataError, match="after frame 49"):
        open_frames(path)


def test_a_file_that_shrinks_while_it_is_open_is_an_error(tmp_path, photons):
    path = write_rigaku500k(tmp_path / "a.bin", photons)
    with open_frames(path) as source:
        path.write_bytes(path.read_bytes()[:8000])
        with pytest.raises(CorruptDataError, match="shorter"):
            source.events(0, 50)


@pytest.mark.parametrize("shifted", [(), (3,), (0, 1, 2, 3, 4, 5)])
def test_photons_of_a_3m_survive(tmp_path, photons_3m, shifted):
    path = write_rigaku3m(tmp_path / "a.bin.000", photons_3m, shifted=shifted)
    with open_frames(path) as source:
        assert (source.format, source.shape, source.n_frames) == ("rigaku3m", (1676, 2100), 200)
        np.testing.assert_array_equal(in_order(source.events(0, 200)), in_order(photons_3m))
        some = open_frames(photons_3m)
        np.testing.assert_array_equal(source.frames(5, 16, 5), some.frames(5, 16, 5))
        np.testing.assert_array_equal(in_order(source.events(60, 70)), in_order(some.events(60, 70)))


def test_each_pixel_of_a_3m_has_its_photons_in_frame_order(tmp_path, photons_3m):
    with open_frames(write_rigaku3m(tmp_path / "a.bin.000", photons_3m)) as source:
        photons = source.events(0, 200)
    by_pixel = np.argsort(photons.pixel, kind="stable")
    same = photons.pixel[by_pixel][1:] == photons.pixel[by_pixel][:-1]
    rises = photons.frame[by_pixel][1:] >= photons.frame[by_pixel][:-1]
    assert rises[same].all()


def test_the_files_of_a_3m_hold_the_modules_where_the_detector_has_them(tmp_path):
    """Files 005 and 000 are the top row of modules, 004 and 001 the middle, 003 and 002 the bottom."""
    corners = [(row, column) for row in (0, 582, 1164) for column in (0, 1076)]
    pixel = np.array([row * 2100 + column for row, column in corners], dtype=np.uint32)
    count = np.arange(1, 7, dtype=np.uint16)
    write_rigaku3m(
        tmp_path / "a.bin.000", EventList(pixel, np.zeros(6, dtype=np.uint32), count, 1, (1676, 2100))
    )  # fmt: skip
    words = [int(np.fromfile(tmp_path / f"a.bin.{number:03d}", "<u8")[0]) for number in (5, 0, 4, 1, 3, 2)]
    assert words == [1, 2, 3, 4, 5, 6]


def test_the_gaps_of_a_3m_are_blemished(tmp_path, photons_3m):
    with open_frames(write_rigaku3m(tmp_path / "a.bin.000", photons_3m)) as source:
        blemish = source.blemish
        assert blemish.sum() == 6 * 512 * 1024
        assert not blemish[512:582].any()
        assert not blemish[1094:1164].any()
        assert not blemish[:, 1024:1076].any()
        assert blemish.reshape(-1)[source.events(0, 200).pixel].all()


def test_any_file_of_a_3m_opens_the_series(tmp_path, photons_3m):
    path = write_rigaku3m(tmp_path / "a.bin.000", photons_3m)
    with open_frames(tmp_path / "a.bin.004") as source:
        assert source.path == path
        assert [file.name for file in source.files] == [f"a.bin.00{number}" for number in range(6)]


@pytest.mark.parametrize("number", range(1, 6))
def test_a_missing_module_file_is_named(tmp_path, photons_3m, number):
    path = write_rigaku3m(tmp_path / "a.bin.000", photons_3m)
    missing = tmp_path / f"a.bin.00{number}"
    missing.unlink()
    with pytest.raises(MissingFileError) as caught:
        open_frames(path)
    assert caught.value.path == missing


def test_a_module_cut_at_an_event_is_found_because_the_others_go_on(tmp_path, photons_3m):
    path = write_rigaku3m(tmp_path / "a.bin.000", photons_3m)
    cut = tmp_path / "a.bin.003"
    cut.write_bytes(cut.read_bytes()[: 8 * 1500])
    with pytest.raises(CorruptDataError) as caught:
        open_frames(path)
    assert (caught.value.path, caught.value.where) == (cut, "frame 149")


def test_all_modules_may_end_before_the_last_frame_by_chance(tmp_path, photons_3m):
    kept = (photons_3m.frame < 197) | (photons_3m.pixel < 1000)
    fewer = EventList(
        photons_3m.pixel[kept], photons_3m.frame[kept], photons_3m.count[kept], 200, photons_3m.shape
    )  # fmt: skip
    with open_frames(write_rigaku3m(tmp_path / "a.bin.000", fewer)) as source:
        assert source.events(0, source.n_frames).count.sum() == fewer.count.sum()


def test_a_module_without_photons_is_taken_as_dead_with_a_warning(tmp_path, photons_3m):
    path = write_rigaku3m(tmp_path / "a.bin.000", photons_3m)
    (tmp_path / "a.bin.005").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"a\.bin\.005"):
        source = open_frames(path)
    assert not source.blemish[:512, :1024].any()
    assert source.blemish[:512, 1076:].all()
    assert source.events(0, 200).pixel.size == 200 * 5 * 10


def test_a_3m_without_photons_is_an_error(tmp_path):
    for number in range(6):
        (tmp_path / f"a.bin.00{number}").write_bytes(b"")
    with pytest.raises(CorruptDataError, match="empty"):
        open_frames(tmp_path / "a.bin.000")


def test_a_pixel_outside_its_module_names_file_and_frame(tmp_path, photons_3m):
    path = write_rigaku3m(tmp_path / "a.bin.000", photons_3m)
    words = np.fromfile(tmp_path / "a.bin.002", "<u8")
    words[55] = (words[55] & ~np.uint64(0x1FFFFF << 16)) | np.uint64(600_000 << 16)
    words.tofile(tmp_path / "a.bin.002")
    with open_frames(path) as source, pytest.raises(CorruptDataError, match="600000") as caught:
        source.events(0, 200)
    assert (caught.value.path, caught.value.where) == (tmp_path / "a.bin.002", "frame 5, event 55")


def test_the_writer_refuses_photons_in_the_gaps(tmp_path):
    one = np.array([1], dtype=np.uint32)
    photons = EventList(one * (520 * 2100), one, one.astype(np.uint16), 2, (1676, 2100))
    with pytest.raises(OptionError, match="gap"):
        write_rigaku3m(tmp_path / "a.bin.000", photons)


def test_the_writers_refuse_what_the_bits_can_not_hold(tmp_path, counts):
    counts[0, 0, 0] = 4096
    with pytest.raises(OptionError, match="4096 photons"):
        write_rigaku500k(tmp_path / "a.bin", counts)
    with pytest.raises(OptionError, match="1676"):
        write_rigaku3m(tmp_path / "a.bin.000", counts)
    with pytest.raises(OptionError, match=r"\.bin\.000"):
        write_rigaku3m(tmp_path / "a.bin", counts)


def test_a_text_file_named_bin_is_not_taken_for_photons(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"This is no detector file; it is text of some length, 64 bytes!!!")

    def read() -> None:
        with open_frames(path) as source:
            source.events(0, source.n_frames)

    with pytest.raises(CorruptDataError) as caught:
        read()
    assert caught.value.path == path
