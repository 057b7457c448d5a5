"""Labels of the used pixels, and the jackknife blocks among them."""

from __future__ import annotations

import dataclasses

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from numpy.typing import NDArray

from xpcs_nb.core import Geometry, PixelLabels, QMapArrays
from xpcs_nb.errors import OptionError, QMapError
from xpcs_nb.qmap import partition, pixel_labels

SHAPE = (300, 320)
GEOMETRY = Geometry(energy=10.0, detector_distance=4.0, pixel_size=75e-6, beam_center_x=160.2, beam_center_y=149.7)
ALL = np.ones(SHAPE, dtype=bool)
Q, PHI = GEOMETRY.q_phi(SHAPE)
RINGS = ((Q > 7e-3) & (Q < 1.4e-2)).astype(bool)  # 74 to 147 pixels from the beam: whole circles


def rings(mask: NDArray[np.bool_] = RINGS, **options: object) -> QMapArrays:
    options = {"q": (4, 40)} | options
    return partition(GEOMETRY, SHAPE, mask, **options).arrays  # type: ignore[arg-type]


def blocks_of(labels: PixelLabels, dynamic: int) -> list[NDArray[np.int64]]:
    """Pixels of each block of a dynamic bin."""
    own = labels.dynamic == dynamic
    return [labels.pixel[own & (labels.block == block)] for block in range(labels.block[own].max() + 1)]


def span(pixels: NDArray[np.int64]) -> float:
    """Smallest angle about the beam that holds all the pixels, degrees."""
    phi = np.sort(PHI.ravel()[pixels])
    return float(360 - np.diff(np.append(phi, phi[0] + 360)).max())


def tiles(shape: tuple[int, int], static: NDArray[np.int32], per_dynamic: int, **fields: object) -> QMapArrays:
    """A qmap of any static map that knows no geometry."""
    number = int(static.max())
    return QMapArrays(
        mask=static > 0,
        blemish=np.ones(shape, dtype=bool),
        static_roi_map=static,
        dynamic_roi_map=np.where(static > 0, (static - 1) // per_dynamic + 1, 0).astype(np.int32),
        static_v_list=(np.arange(number, dtype=float), np.zeros(1)),
        dynamic_v_list=(np.arange(-(-number // per_dynamic), dtype=float), np.zeros(1)),
        static_index_mapping=np.arange(number),
        dynamic_index_mapping=np.arange(-(-number // per_dynamic)),
        **fields,  # type: ignore[arg-type]
    )


def test_labels_are_those_of_the_maps_from_zero() -> None:
    arrays = rings()
    labels = pixel_labels(arrays)
    np.testing.assert_array_equal(labels.pixel, np.flatnonzero(arrays.static_roi_map))
    np.testing.assert_array_equal(labels.static, arrays.static_roi_map.ravel()[labels.pixel] - 1)
    np.testing.assert_array_equal(labels.dynamic, arrays.dynamic_roi_map.ravel()[labels.pixel] - 1)
    np.testing.assert_array_equal(labels.static_to_dynamic, np.arange(40) // 10)
    assert (labels.n_static, labels.n_dynamic, labels.shape) == (40, 4, SHAPE)
    assert {labels.pixel.dtype, labels.static.dtype, labels.dynamic.dtype, labels.block.dtype} == {np.dtype(np.int64)}


def test_a_pixel_is_used_only_if_mask_both_blemishes_and_both_maps_say_so() -> None:
    arrays = rings()
    rng = np.random.default_rng(1)
    drop = {name: rng.random(SHAPE) < 0.1 for name in ("mask", "own", "source", "static", "dynamic")}
    arrays = dataclasses.replace(
        arrays,
        mask=arrays.mask & ~drop["mask"],
        blemish=~drop["own"],
        static_roi_map=np.where(drop["static"], 0, arrays.static_roi_map).astype(np.int32),
        dynamic_roi_map=np.where(drop["dynamic"], 0, arrays.dynamic_roi_map).astype(np.int32),
    )
    expected = RINGS & ~np.logical_or.reduce(list(drop.values()))
    labels = pixel_labels(arrays, blemish=~drop["source"])
    np.testing.assert_array_equal(labels.pixel, np.flatnonzero(expected))


def test_blocks_have_about_the_same_number_of_pixels() -> None:
    labels = pixel_labels(rings(), n_blocks=16)
    for dynamic in range(4):
        sizes = [len(pixels) for pixels in blocks_of(labels, dynamic)]
        assert len(sizes) == 16
        assert max(sizes) < 1.05 * min(sizes)


def test_a_block_of_a_ring_is_a_sector_that_cuts_across_all_its_static_bins() -> None:
    labels = pixel_labels(rings(), n_blocks=16)
    for dynamic in range(4):
        for pixels in blocks_of(labels, dynamic):
            assert span(pixels) == pytest.approx(360 / 16, abs=1.5)
            assert len(np.unique(labels.static[np.isin(labels.pixel, pixels)])) == 10


def test_blocks_are_wider_than_asked_for_or_there_are_fewer() -> None:
    arrays = rings()
    for width in (20.0, 40.0, 60.0):
        labels = pixel_labels(arrays, n_blocks=16, block_width=width)
        for dynamic, radius in enumerate((80, 100, 120, 140)):
            number = len(blocks_of(labels, dynamic))
            fits = 2 * np.pi * radius / width
            assert number in (min(16, int(fits * 0.93)), min(16, int(fits)), min(16, int(fits * 1.07)), 8)


def test_no_block_reaches_across_a_gap_in_the_ring() -> None:
    masked = RINGS & ~((PHI > 80) & (PHI < 110))
    labels = pixel_labels(rings(masked, q=(1, 10)), n_blocks=16)
    for pixels in blocks_of(labels, 0):
        assert span(pixels) < 330 / 16 + 1.5


@pytest.mark.parametrize("center", [0.0, 90.0, 180.0, -135.0])
def test_a_sector_is_cut_within_itself(center: float) -> None:
    sector = RINGS & (np.abs((PHI - center + 180) % 360 - 180) < 45)
    labels = pixel_labels(rings(sector, q=(1, 10)))
    pieces = blocks_of(labels, 0)
    assert len(pieces) == 8
    assert max(len(pixels) for pixels in pieces) < 1.06 * min(len(pixels) for pixels in pieces)
    assert all(span(pixels) == pytest.approx(90 / 8, abs=1) for pixels in pieces)


def test_a_block_has_its_part_of_every_cut_in_phi_that_the_static_bins_make() -> None:
    labels = pixel_labels(rings(q=(1, 5), phi=(1, 4), phi_range=(-180, 180)), block_width=10)
    assert labels.n_static == 20
    for pixels in blocks_of(labels, 0):
        assert len(np.unique(labels.static[np.isin(labels.pixel, pixels)])) == 20


def test_cuts_in_phi_too_short_to_be_cut_again_are_cut_as_one_ring() -> None:
    labels = pixel_labels(rings(q=(1, 5), phi=(1, 60), phi_range=(-180, 180)), n_blocks=16)
    pieces = blocks_of(labels, 0)
    assert len(pieces) == 16
    assert all(span(pixels) == pytest.approx(360 / 16, abs=1.5) for pixels in pieces)


def test_without_a_beam_centre_blocks_are_stripes_across_the_static_bins() -> None:
    columns = np.tile(np.repeat(np.arange(1, 5, dtype=np.int32), 30), (200, 1))  # static bins side by side
    for static, axis in ((columns, 0), (columns.T.copy(), 1)):
        labels = pixel_labels(tiles(static.shape, static, per_dynamic=2))
        for dynamic in range(2):
            pieces = blocks_of(labels, dynamic)
            assert len(pieces) == 10
            for pixels in pieces:
                along = np.unravel_index(pixels, static.shape)[axis]
                assert np.ptp(along) < 21
                assert len(np.unique(labels.static[np.isin(labels.pixel, pixels)])) == 2


def test_a_partition_in_x_and_y_is_cut_in_stripes_though_its_centre_is_known() -> None:
    static = np.tile(np.repeat(np.arange(1, 5, dtype=np.int32), 30), (200, 1))
    arrays = tiles(static.shape, static, 2, map_names=("x", "y"), beam_center_x=60.0, beam_center_y=100.0)
    known, unknown = (pixel_labels(item) for item in (arrays, tiles(static.shape, static, 2)))
    np.testing.assert_array_equal(known.block, unknown.block)


def test_a_bin_without_pixels_keeps_its_number() -> None:
    arrays = rings()
    kept = arrays.dynamic_roi_map != 2
    labels = pixel_labels(dataclasses.replace(arrays, mask=arrays.mask & kept))
    assert (labels.n_static, labels.n_dynamic) == (40, 4)
    assert np.unique(labels.dynamic).tolist() == [0, 2, 3]
    np.testing.assert_array_equal(np.flatnonzero(labels.static_to_dynamic == -1), np.arange(10, 20))


@pytest.mark.parametrize(("n_pixels", "n_blocks"), [(1, 1), (2, 2), (3, 2)])
def test_a_bin_of_few_pixels_gets_what_it_can(n_pixels: int, n_blocks: int) -> None:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[10, 20 : 20 + n_pixels] = True
    labels = pixel_labels(rings(mask, q=(1, 1)))
    assert sorted(set(labels.block)) == list(range(n_blocks))


def test_a_bin_around_the_beam_itself_is_cut_too() -> None:
    labels = pixel_labels(rings(Q < 3e-4, q=(1, 1)))
    assert len(blocks_of(labels, 0)) == 2


def test_the_direct_beam_of_a_swung_detector_is_where_sectors_meet() -> None:
    swung = dataclasses.replace(
        GEOMETRY, beam_center_x=-3000.0, swing_horizontal=np.degrees(np.arctan(3160.2 * 75e-6 / 4))
    )
    q, _ = swung.q_phi(SHAPE)
    arrays = partition(swung, SHAPE, (q > 7e-3) & (q < 1.3e-2), q=(1, 10)).arrays
    for pixels in blocks_of(pixel_labels(arrays, n_blocks=16), 0):
        assert span(pixels) == pytest.approx(360 / 16, abs=1.5)


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(
    seed=st.integers(0, 999),
    n_dynamic=st.integers(1, 12),
    n_phi=st.integers(1, 9),
    keep=st.floats(0.001, 1),
    n_blocks=st.integers(1, 40),
    center=st.booleans(),
)
def test_blocks_of_every_bin_are_numbered_from_zero_without_gaps(
    seed: int, n_dynamic: int, n_phi: int, keep: float, n_blocks: int, center: bool
) -> None:
    shape = (40, 50)
    small = dataclasses.replace(GEOMETRY, beam_center_x=20.0, beam_center_y=10.0)
    mask = np.random.default_rng(seed).random(shape) < keep
    hypothesis.assume(mask.sum() > 1)
    arrays = partition(small, shape, mask, q=(n_dynamic, 2 * n_dynamic), phi=(1, n_phi)).arrays
    if not center:
        arrays = dataclasses.replace(arrays, beam_center_x=float("nan"))
    labels = pixel_labels(arrays, n_blocks=n_blocks)
    assert labels.n_blocks <= n_blocks
    for dynamic in np.unique(labels.dynamic):
        blocks = np.unique(labels.block[labels.dynamic == dynamic])
        np.testing.assert_array_equal(blocks, np.arange(len(blocks)))


def test_nothing_used_is_an_error() -> None:
    with pytest.raises(QMapError, match=r"no pixel is used.*in the mask"):
        pixel_labels(rings(), blemish=~ALL)


def test_a_blemish_of_another_shape_is_an_error() -> None:
    with pytest.raises(QMapError, match=r"blemish of the frames.*\(320, 300\)"):
        pixel_labels(rings(), blemish=ALL.T)


@pytest.mark.parametrize("options", [{"n_blocks": 0}, {"block_width": 0.0}, {"block_width": float("nan")}])
def test_blocks_that_cannot_be_made_are_an_error(options: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="jackknife blocks"):
        pixel_labels(rings(), **options)  # type: ignore[arg-type]
