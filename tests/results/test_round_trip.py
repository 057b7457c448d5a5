"""Whatever arrays are written, the same are read, by us and by the viewer."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xpcs_nb import open_result
from xpcs_nb.core import DelayGrid, MultitauArrays, ResultArrays, ScatteringArrays, TwotimeMap, UnnormalizedArrays
from xpcs_nb.errors import OptionError
from xpcs_nb.hdf5 import read_qmap
from xpcs_nb.results import validate_result, write_result
from xpcs_nb.testing import simulate_measurement

BINS, STATIC, SHAPE = 3, 6, (64, 64)


@pytest.fixture(scope="module")
def measurement(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measurement")
    return simulate_measurement(folder, shape=SHAPE, n_frames=20, n_dynamic=BINS, n_static=STATIC)


def make_maps(n, bins, rng):
    return [
        TwotimeMap(
            bin=label,
            c2=np.triu(rng.random((n, n), dtype=np.float32)),
            g2=rng.random(n),
            g2_segments=rng.random((n // 5, 5)),
        )
        for label in bins
    ]


def make_content(n_frames=40, *, seed=0, empty=(), partial=False, kept=False, maps=(), **more):
    rng = np.random.default_rng(seed)
    grid = DelayGrid(n_frames)
    g2 = 1 + rng.random((len(grid), BINS))
    g2[:, list(empty)] = np.nan
    pixel = np.sort(rng.permutation(SHAPE[0] * SHAPE[1])[:50])
    multitau = MultitauArrays(
        delay_frames=grid.frames,
        n_pairs=grid.n_pairs,
        g2=g2,
        g2_err=0.01 * g2,
        g2_err_pixels=0.02 * g2,
        g2_cov=rng.random((BINS, len(grid), len(grid))),
        g2_partial=np.stack([g2, g2]) if partial else None,
        g2_partial_err=np.stack([g2, g2]) if partial else None,
        g2_partial_frames=np.array([n_frames // 2, n_frames]) if partial else None,
        unnormalized=UnnormalizedArrays(rng.random((len(grid), 3, 50), dtype=np.float32), pixel, SHAPE)
        if kept
        else None,
    )
    scattering = ScatteringArrays(
        scattering_2d=rng.random(SHAPE),
        scattering_1d=rng.random(STATIC),
        scattering_1d_segments=rng.random((10, STATIC)),
        intensity_vs_time=rng.random(n_frames),
    )
    return ResultArrays(
        raw_path=Path("A1.h5"), scattering=scattering, multitau=multitau, twotime=iter(maps) if maps else None, **more
    )


def same(found, expected):
    # The layout holds numbers of 32 bits.
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected).astype(np.float32))


@settings(deadline=None, max_examples=12)
@given(
    n_frames=st.integers(6, 400),
    seed=st.integers(0, 1000),
    empty=st.sets(st.integers(0, BINS - 1), max_size=2),
    partial=st.booleans(),
    kept=st.booleans(),
    bins=st.sets(st.integers(1, BINS)),
)
def test_what_is_written_is_read(measurement, tmp_path_factory, n_frames, seed, empty, partial, kept, bins):
    maps = make_maps(min(n_frames, 30), sorted(bins), np.random.default_rng(seed))
    content = make_content(n_frames, seed=seed, empty=empty, partial=partial, kept=kept, maps=maps)
    path = tmp_path_factory.mktemp("r") / "A1_results.hdf"
    tree = open_result(write_result(path, content, metadata=measurement.metadata, qmap=read_qmap(measurement.qmap)))
    data, wanted = tree["multitau"].to_dataset(), content.multitau
    for name in ("g2", "g2_err", "g2_err_pixels", "g2_cov", *(("g2_partial", "g2_partial_err") if partial else ())):
        same(data[name], getattr(wanted, name))
    np.testing.assert_array_equal(data["delay_frames"], wanted.delay_frames)
    np.testing.assert_array_equal(data["n_pairs"], wanted.n_pairs)
    assert ("G2IPIF" in data) == kept
    if kept:
        frames = data["G2IPIF"].to_numpy().reshape(len(wanted.delay_frames), 3, -1)
        same(frames[..., wanted.unnormalized.pixel], wanted.unnormalized.sums)
        assert np.count_nonzero(frames) <= wanted.unnormalized.sums.size
    for name in ("scattering_2d", "scattering_1d", "scattering_1d_segments"):
        same(tree["saxs"][name], getattr(content.scattering, name))
    same(tree["saxs"]["intensity"], content.scattering.intensity_vs_time)
    assert ("twotime" in tree.children) == bool(maps)
    for position, each in enumerate(maps):
        assert tree["twotime"]["bin"][position] == each.bin
        same(np.triu(tree["twotime"]["c2"][position]), each.c2)
        same(tree["twotime"]["g2"][:, position], each.g2)
        same(tree["twotime"]["g2_segments"][..., position], each.g2_segments)


@pytest.mark.judge
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("empty", [(), (1,)])
def test_the_viewer_reads_maps_scattering_and_bins_without_pixels(measurement, tmp_path, monkeypatch, empty):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    module = pytest.importorskip("pyxpcsviewer.core.xpcs_file")
    config = {"stride_frame": 1, "avg_frame": 1}
    content = make_content(
        empty=empty,
        maps=make_maps(40, (1, 3), np.random.default_rng(1)),
        multitau_config=config,
        twotime_config=config,
    )
    path = write_result(
        tmp_path / "A1_results.hdf", content, metadata=measurement.metadata, qmap=read_qmap(measurement.qmap)
    )
    tree, viewer = open_result(path), module.XpcsFile(str(path))
    assert set(viewer.atype) == {"Multitau", "Twotime"}
    np.testing.assert_array_equal(viewer.g2, tree["multitau"].g2)
    np.testing.assert_array_equal(viewer.saxs_2d, tree["saxs"].scattering_2d)
    np.testing.assert_allclose(viewer.saxs_1d["Iq"][0], tree["saxs"].scattering_1d)
    np.testing.assert_array_equal(viewer.c2_processed_bins, tree["twotime"].bin)
    np.testing.assert_array_equal(viewer.c2_g2, tree["twotime"].g2)
    for position in (0, 1):
        found = viewer.get_twotime_c2(selection=position, correct_diag=False)["c2_mat"]
        np.testing.assert_array_equal(found, tree["twotime"].c2[position])


def test_options_and_records_of_any_plain_kind_are_kept(measurement, tmp_path):
    content = make_content(
        provenance={"raw": Path("A1.h5"), "seconds": np.float32(1.5), "sizes": np.array([1, 2])},
        multitau_config={"dq_selection": (1, 3), "output": Path("o"), "mixed": [1, "a"], "none": None, "smooth": "sq"},
    )
    path = write_result(
        tmp_path / "A1_results.hdf", content, metadata=measurement.metadata, qmap=read_qmap(measurement.qmap)
    )
    made = open_result(path)["provenance"].attrs
    assert made == {"raw": "A1.h5", "seconds": 1.5, "sizes": [1, 2]}


def test_what_can_not_be_recorded_is_known_before_the_maps_are_made(measurement, tmp_path):
    def maps():
        pytest.fail("the maps were made")
        yield

    content = make_content(provenance={"engine": object()})
    content.twotime = maps()
    with pytest.raises(OptionError, match="provenance"):
        write_result(
            tmp_path / "A1_results.hdf", content, metadata=measurement.metadata, qmap=read_qmap(measurement.qmap)
        )
    assert list(tmp_path.iterdir()) == []


def test_two_time_without_a_map_is_refused(measurement, tmp_path):
    content = make_content()
    content.twotime = iter(())
    with pytest.raises(OptionError, match="no two-time map"):
        write_result(
            tmp_path / "A1_results.hdf", content, metadata=measurement.metadata, qmap=read_qmap(measurement.qmap)
        )
    assert list(tmp_path.iterdir()) == []


def test_a_result_serves_as_metadata_and_qmap_of_another(measurement, tmp_path):
    maps = make_maps(10, (1,), np.random.default_rng(0))
    first = write_result(
        tmp_path / "first.hdf", make_content(maps=maps), metadata=measurement.metadata, qmap=read_qmap(measurement.qmap)
    )
    second = write_result(tmp_path / "second.hdf", make_content(seed=5), metadata=first, qmap=read_qmap(first))
    tree = open_result(second)
    assert "twotime" not in tree.children
    assert tree["metadata"].attrs == open_result(first)["metadata"].attrs
    assert validate_result(second) == []


def test_bins_have_the_q_of_their_own_file_also_where_another_has_the_same_checksum(measurement, tmp_path):
    qmap = read_qmap(measurement.qmap)
    first, second = (
        write_result(tmp_path / f"{name}_results.hdf", make_content(), metadata=measurement.metadata, qmap=qmap)
        for name in ("A1", "A2")
    )
    with h5py.File(second, "r+") as file:
        file["/xpcs/qmap/dynamic_v_list_dim0"][...] *= 2
    of_first, of_second, again = (open_result(path)["multitau"]["q"].to_numpy() for path in (first, second, first))
    np.testing.assert_allclose(of_second, 2 * of_first)
    np.testing.assert_array_equal(again, of_first)
