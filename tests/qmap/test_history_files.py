"""Qmaps with their edits in files; differences and combinations of qmaps."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import h5py
import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import xpcs_nb as xnb
from xpcs_nb.core import Geometry
from xpcs_nb.errors import (
    CorruptDataError,
    FileFormatError,
    MissingFileError,
    OptionError,
    QMapError,
    ResultExistsError,
)
from xpcs_nb.qmap import QMap, combine, describe, diff, partition
from xpcs_nb.qmap._pixels import PixelSet
from xpcs_nb.testing import simulate_measurement, write_metadata

SHAPE = (60, 70)
GEOMETRY = Geometry(energy=10.0, detector_distance=4.0, pixel_size=75e-6, beam_center_x=31.3, beam_center_y=22.8)
IMAGE = np.random.default_rng(5).poisson(30, SHAPE).astype(np.float32)
NEW = QMap.from_geometry(GEOMETRY, SHAPE, image=IMAGE, source_file="A001.h5")
Q, PHI = GEOMETRY.q_phi(SHAPE)

mode = st.sampled_from(["exclude", "include"])
place = st.floats(-5, 75)
size = st.floats(0.5, 9)
edit = st.one_of(
    st.fixed_dictionaries({"kind": st.just("circle"), "x": place, "y": place, "radius": size, "mode": mode}),
    st.fixed_dictionaries(
        {
            "kind": st.just("brush"),
            "points": st.lists(st.tuples(place, place), min_size=1),
            "radius": size,
            "mode": mode,
        }
    ),
    st.fixed_dictionaries({"kind": st.just("threshold"), "high": st.floats(35, 60)}),
    st.just({"kind": "outliers", "region": "box", "cutoff": 4.0}),
    st.just({"kind": "morphology", "operation": "close"}),
    st.just({"kind": "geometry", "swing_horizontal": 0.3}),
)


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(
    edits=st.lists(edit, max_size=6),
    symmetry=st.integers(1, 3),
    scale=st.sampled_from(["linear", "log"]),
    merge=st.booleans(),
)
def test_saving_and_loading_is_the_identity(
    tmp_path_factory: pytest.TempPathFactory, edits: list[dict[str, Any]], symmetry: int, scale: str, merge: bool
) -> None:
    qmap = NEW.edit(*edits).partition(q={"bins": (3, 9), "scale": scale}, phi={"bins": (2, 4), "symmetry": symmetry})
    if merge:
        qmap = qmap.merge_bins(1, 3).split_bin(2, 2, axis=1)
    read = QMap.from_file(qmap.save(tmp_path_factory.mktemp("q") / "q.h5"))
    assert read == qmap
    assert read.edits == qmap.edits
    assert read.arrays.map_units == qmap.arrays.map_units
    np.testing.assert_array_equal(read.mask, qmap.mask)
    assert read.geometry == qmap.geometry
    # the list goes on where it was
    for steps in range(1, len(qmap.edits) + 1):
        np.testing.assert_array_equal(read.undo(steps).mask, qmap.undo(steps).mask)
    assert read.mask_circle(3, 3, 4) == qmap.mask_circle(3, 3, 4)
    assert read.arrays.attrs["hash"] == qmap.hash


def test_the_edits_are_json_in_a_group_of_our_own(tmp_path: Path) -> None:
    qmap = NEW.mask_circle(10, 12, 5).partition(q=(3, 9))
    with h5py.File(qmap.save(tmp_path / "q.h5")) as file:
        edits = json.loads(file["qmap/xpcs_nb/edits"][()])
    assert edits[0] == {"mode": "exclude", "kind": "circle", "x": 10.0, "y": 12.0, "radius": 5.0}
    assert edits[1]["kind"] == "partition"


def test_edits_begin_from_what_a_file_without_them_has(tmp_path: Path) -> None:
    plain = partition(GEOMETRY, SHAPE, np.ones(SHAPE, dtype=bool), q=(3, 9), phi=(2, 4))
    opened = QMap.from_file(plain.save(tmp_path / "a.h5"))
    cut = opened.mask_range(("phi", -180, 10))
    assert cut.check(SHAPE) == []
    np.testing.assert_array_equal(cut.arrays.static_roi_map > 0, PHI <= 10)
    kept = np.unique(plain.arrays.static_roi_map[PHI <= 10])
    np.testing.assert_array_equal(cut.arrays.static_index_mapping, plain.arrays.static_index_mapping[kept - 1])
    assert cut.arrays.attrs["parent_hash"] == plain.hash
    again = QMap.from_file(cut.save(tmp_path / "b.h5"))
    assert again == cut
    assert again.undo() == plain
    with pytest.raises(QMapError, match="does not say how they were made"):
        _ = opened.set_geometry(beam_center_x=3.0).arrays
    moved = opened.set_geometry(beam_center_x=3.0).partition(q=(3, 9), phi=(2, 4))
    assert moved == NEW.set_geometry(beam_center_x=3.0).partition(q=(3, 9), phi=(2, 4))


def test_edits_that_are_switched_off_are_saved_in_their_places_without_effect(tmp_path: Path) -> None:
    circle, line = NEW.mask_circle(20, 20, 5).edits[0], NEW.mask_line(0, 0, 30, 30, width=3).edits[0]
    plain = NEW.mask_rectangle(40, 40, 8, 6).partition(q=(3, 9))
    for qmap in (plain, NEW):
        with_off = qmap.with_off([(0, circle), (len(qmap.edits), line)])
        assert with_off == qmap
        read = QMap.from_file(with_off.save(tmp_path / f"{len(qmap.edits)}.h5"))
        assert read == qmap
        assert read.edits == qmap.edits
        assert read.off == with_off.off
        again = QMap.from_file(read.with_off(()).save(tmp_path / f"{len(qmap.edits)}_on.h5"))
        assert again == qmap
        assert again.off == ()
    assert plain.with_off([(2, line)]).undo().off == ((1, line),)
    assert plain.with_off([(2, line)]).change_edit(0, None).off == ((1, line),)
    assert plain.with_off([(2, line)]).change_edit(1, None).off == ((1, line),)
    assert "switched off line" in describe(plain.with_off([(2, line)]))
    with pytest.raises(QMapError, match="no such place"):
        plain.with_off([(3, line)])


@pytest.mark.parametrize("text", ["{}", "[3]", '[[3, {"kind": "circle"}]]', '[[0, "circle"]]'])
def test_a_damaged_list_of_what_is_off_is_an_error(tmp_path: Path, text: str) -> None:
    path = NEW.mask_circle(20, 20, 5).save(tmp_path / "q.h5")
    with h5py.File(path, "r+") as file:
        file["qmap/xpcs_nb/off"] = text
    with pytest.raises(CorruptDataError, match="/qmap/xpcs_nb/off"):
        QMap.from_file(path)


def test_a_damaged_history_is_an_error_that_names_its_place(tmp_path: Path) -> None:
    cases: list[tuple[str, type[Exception], str]] = [
        ("[{", CorruptDataError, "/qmap/xpcs_nb/edits: the history of edits can't be read"),
        ('{"kind": 3}', CorruptDataError, "a list of edits"),
        ('[{"kind": "heart"}]', QMapError, "heart"),
        (
            '[{"kind": "file", "source": "a", "sha256": "b", "good": {"shape": [60, 70], "bits": "AAAA"}}]',
            QMapError,
            "can't be decoded",
        ),
        (
            json.dumps([{"kind": "file", "source": "a", "sha256": "b", "good": PixelSet.of(Q > 0).model_dump()}]),
            QMapError,
            "not those that were read",
        ),
    ]
    for number, (text, error, message) in enumerate(cases):
        path = NEW.partition(q=(3, 9)).save(tmp_path / f"{number}.h5")
        with h5py.File(path, "r+") as file:
            del file["qmap/xpcs_nb/edits"]
            file["qmap/xpcs_nb/edits"] = text
        with pytest.raises(error, match=message):
            QMap.from_file(path)


def test_a_file_is_not_overwritten_unless_asked_for(tmp_path: Path) -> None:
    path = NEW.partition(q=(3, 9)).save(tmp_path / "q.h5")
    with pytest.raises(ResultExistsError):
        NEW.save(path)
    assert QMap.from_file(NEW.mask_pixels([(1, 1)]).save(path, overwrite=True)).mask.sum() == Q.size - 1


@pytest.mark.boost
def test_boost_corr_reads_a_qmap_with_edits(tmp_path: Path) -> None:
    module = pytest.importorskip("boost_corr.xpcs_aps_8idi.xpcs_qpartitionmap")
    qmap = NEW.mask_circle(20, 20, 9).partition(q=(3, 9), phi={"bins": (2, 4), "symmetry": 2}).merge_bins(2, 5)
    qmap = qmap.split_bin(1, 3)
    theirs = module.XpcsQPartitionMap(str(qmap.save(tmp_path / "q.h5")), flag_fix=True, flag_sort=True)
    assert theirs.check_fix_qmap()
    np.testing.assert_array_equal(theirs.sqmap, qmap.arrays.static_roi_map)
    np.testing.assert_array_equal(theirs.dqmap, qmap.arrays.dynamic_roi_map)


@pytest.mark.judge
@pytest.mark.parametrize("axes", [{"q": (3, 9), "phi": (2, 4)}, {"x": (3, 9), "y": (2, 4)}])
def test_pysimplemask_reads_a_result_whose_qmap_has_edits(tmp_path: Path, axes: dict[str, Any]) -> None:
    core = pytest.importorskip("pysimplemask.core")
    qmap = NEW.mask_circle(20, 20, 9).partition(**axes)
    path = tmp_path / "A001_results.hdf"
    with h5py.File(path, "w") as result, h5py.File(qmap.save(tmp_path / "q.h5")) as file:
        file.copy("qmap", result, "xpcs/qmap")
        result["xpcs/temporal_mean/scattering_2d"] = IMAGE[None]
    model = core.SimpleMaskModel()
    assert model.read_data(str(path))
    np.testing.assert_array_equal(model.new_partition["static_roi_map"], qmap.arrays.static_roi_map)
    ours = QMap.from_result(path)
    assert ours == qmap
    assert ours.edits == qmap.edits
    np.testing.assert_array_equal(ours.image, IMAGE)


def test_a_qmap_begins_on_raw_frames_with_their_metadata(tmp_path: Path) -> None:
    measured = simulate_measurement(tmp_path, shape=(48, 64), n_frames=40, n_dynamic=2, n_static=4)
    with xnb.open_frames(measured.raw) as raw:
        qmap = QMap.from_frames(raw)
        every_fourth = QMap.from_frames(raw, max_frames=10)
        frames = raw.frames(0, 40)
    assert qmap.shape == (48, 64)
    np.testing.assert_allclose(qmap.image, frames.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(every_fourth.image, frames[::4].mean(axis=0), rtol=1e-6)
    from_array = QMap.from_frames(frames, qmap.geometry)
    assert from_array.partition(q=(2, 4)) == qmap.partition(q=(2, 4))
    xnb.correlate(measured.raw, qmap.partition(q=(2, 4)).save(tmp_path / "q.h5"), output=tmp_path / "out")


def test_metadata_that_give_no_geometry_are_an_error_with_the_key(tmp_path: Path) -> None:
    path = write_metadata(tmp_path / "A_metadata.hdf")
    with h5py.File(path, "r+") as file:
        del file["entry/instrument/detector_1/distance"]
    with pytest.raises(OptionError, match="detector_distance missing"):
        QMap.from_frames(IMAGE, path)
    with h5py.File(path, "r+") as file:
        file["entry/instrument/detector_1/distance"] = 5.0
        file["entry/instrument/detector_1/x_pixel_size"][()] = 1e-4
    with pytest.raises(OptionError, match=r"pixel_size missing.*x_pixel_size 0.0001 m and y_pixel_size .* differ"):
        QMap.from_frames(IMAGE, path)
    with pytest.raises(OptionError, match="need metadata"):
        QMap.from_frames(IMAGE)
    with pytest.raises(QMapError, match="frames can't be used"):
        QMap.from_frames(np.ones(3), GEOMETRY)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("rot1", "rot2"), [(0.0, 0.0), (0.05, 0.0), (-0.04, 0.0), (0.0, 0.03), (0.0, -0.06)])
def test_a_poni_file_gives_the_q_of_pyfai(tmp_path: Path, rot1: float, rot2: float) -> None:
    integrator = pytest.importorskip("pyFAI.integrator.azimuthal")
    theirs = integrator.AzimuthalIntegrator(
        dist=2.0, poni1=0.017, poni2=0.029, rot1=rot1, rot2=rot2, detector="Pilatus100k", wavelength=1.1e-10
    )
    theirs.write(str(tmp_path / "a.poni"))
    qmap = QMap.from_poni(tmp_path / "a.poni")
    assert qmap.shape == (195, 487)
    row, column = np.indices(qmap.shape).astype(float)
    np.testing.assert_allclose(qmap.geometry.map("q", qmap.shape), theirs.qFunction(row, column) / 10, rtol=2e-8)
    phi = qmap.geometry.map("phi", qmap.shape) + np.degrees(theirs.chi(row, column))
    np.testing.assert_allclose((phi + 180) % 360 - 180, 0, atol=1e-7)


@pytest.mark.filterwarnings("ignore")
def test_a_poni_file_that_cannot_be_described_is_refused(tmp_path: Path) -> None:
    integrator = pytest.importorskip("pyFAI.integrator.azimuthal")
    values = {"dist": 2.0, "poni1": 0.017, "poni2": 0.029, "wavelength": 1.1e-10}
    integrator.AzimuthalIntegrator(**values, rot1=0.1, rot2=0.1, detector="Pilatus100k").write(str(tmp_path / "a.poni"))
    with pytest.raises(QMapError, match=r"one swing does not describe: got rot1 0.1 rad, rot2 0.1 rad"):
        QMap.from_poni(tmp_path / "a.poni")
    integrator.AzimuthalIntegrator(**(values | {"wavelength": None}), detector="Pilatus100k").write(
        str(tmp_path / "b.poni")
    )
    with pytest.raises((QMapError, FileFormatError), match=r"Wavelength|can't be read"):
        QMap.from_poni(tmp_path / "b.poni")
    with pytest.raises(MissingFileError):
        QMap.from_poni(tmp_path / "none.poni")


def test_differences_are_pixels_bins_geometry_and_edits() -> None:
    first = NEW.mask_circle(10, 10, 3).partition(q={"bins": (3, 9), "range": (1e-4, 4e-3)})
    second = first.mask_rectangle(40, 30, 9, 4)
    found = diff(first, second)
    assert (found.added, found.moved, found.geometry, found.gone_edits) == (0, 0, {}, ())
    assert found.removed == np.count_nonzero(first.arrays.mask & ~second.arrays.mask) > 0
    assert found.new_edits == second.edits[-1:]
    assert "+ rectangle mode='exclude', x=40.0" in str(found)
    assert not diff(first, first)
    assert str(diff(first, first)) == "no difference"
    moved = first.set_geometry(beam_center_x=30.0)
    assert diff(first, moved).geometry == {"beam_center_x": (31.3, 30.0)}
    assert diff(first, moved).moved > 0
    more = diff(first, first.partition(q=(3, 12)))
    assert more.static == (9, 12)
    with pytest.raises(QMapError, match="different shapes"):
        diff(first, QMap.from_geometry(GEOMETRY, (3, 4)))


@pytest.mark.parametrize("masks", ["or", "and"])
def test_bins_of_several_qmaps_are_stacked(masks: Any) -> None:
    inner = NEW.mask_range(("q", 0, 3e-3)).partition(q=(2, 4), phi=(2, 2))
    outer = NEW.mask_range(("q", 2e-3, 1)).partition(q=(3, 6), phi=(1, 4))
    both = combine(inner, outer, masks=masks)
    assert both.check(SHAPE) == []
    used = (Q >= 2e-3) & (Q <= 3e-3) if masks == "and" else np.ones(SHAPE, dtype=bool)
    np.testing.assert_array_equal(both.mask, used)
    first = used & (Q <= 3e-3)
    for part, own in ((inner, first), (outer, used & ~first)):
        for kind in ("static", "dynamic"):
            labels = getattr(both.arrays, f"{kind}_roi_map")[own]
            source = getattr(part.arrays, f"{kind}_roi_map")[own]
            for axis in (0, 1):
                ours = both.arrays.bin_centers(kind)[axis][labels - 1]
                np.testing.assert_array_equal(ours, part.arrays.bin_centers(kind)[axis][source - 1])


def test_qmaps_that_do_not_go_together_are_refused() -> None:
    one = NEW.partition(q=(2, 4))
    for other, message in (
        (QMap.from_geometry(GEOMETRY, (3, 4)).partition(q=(2, 4)), "different shapes"),
        (NEW.partition(x=(2, 4), y=(1, 1)), "different maps"),
        (NEW.set_geometry(energy=9.0).partition(q=(2, 4)), "different energy"),
    ):
        with pytest.raises(QMapError, match=message):
            combine(one, other)
    with pytest.raises(QMapError, match="nothing to combine"):
        combine(one)


def test_a_qmap_that_does_not_say_its_geometry_takes_what_needs_none() -> None:
    unknown = dict.fromkeys(("energy", "detector_distance", "pixel_size", "beam_center_x", "beam_center_y"), np.nan)
    plain = QMap(dataclasses.replace(NEW.start, **unknown))
    assert plain.mask_circle(3, 3, 4).partition(x=(2, 4), y=(2, 2)).check(SHAPE) == []
    with pytest.raises(QMapError, match="no energy"):
        _ = plain.geometry
    with pytest.raises(QMapError, match="does not say its geometry, and q needs it"):
        _ = plain.partition(q=(2, 4)).arrays
    with pytest.raises(QMapError, match="not complete: got no detector_distance"):
        plain.set_geometry(energy=9.0)
    values = {
        "energy": 10.0,
        "detector_distance": 4.0,
        "pixel_size": 75e-6,
        "beam_center_x": 31.3,
        "beam_center_y": 22.8,
    }
    assert plain.set_geometry(**values).partition(q=(2, 4)) == NEW.partition(q=(2, 4))


@pytest.mark.realdata
def test_measured_results_are_edited_on_their_own_image(measured: Path, tmp_path: Path) -> None:
    for number, path in enumerate(sorted((measured / "aps-8idi-results").glob("*.hdf"))):
        qmap = QMap.from_result(path)
        used = np.argwhere(qmap.mask)
        y, x = used[len(used) // 2]
        edited = qmap.mask_outliers(cutoff=30).mask_circle(x, y, 5)
        assert edited.check() == []
        assert 0 < diff(qmap, edited).removed < qmap.mask.sum()
        new = edited.partition(q=(9, 90))
        assert QMap.from_file(new.save(tmp_path / f"{number}.h5")) == new
