"""What is found wrong with a qmap, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from xpcs_nb.core import Geometry, QMapArrays
from xpcs_nb.errors import QMapError
from xpcs_nb.qmap import QMap, describe, partition

SHAPE = (60, 80)
GEOMETRY = Geometry(energy=10.0, detector_distance=4.0, pixel_size=75e-6, beam_center_x=31.3, beam_center_y=22.8)
GOOD = partition(GEOMETRY, SHAPE, np.ones(SHAPE, dtype=bool), q=(4, 8), phi=(2, 4))


def changed(**fields: object) -> QMap:
    return QMap(dataclasses.replace(GOOD.arrays, **fields))  # type: ignore[arg-type]


def poked(name: str, value: int, where: tuple[object, ...]) -> QMap:
    labels: NDArray[np.int32] = getattr(GOOD.arrays, name).copy()
    labels[where] = value  # type: ignore[index]
    return changed(**{name: labels})


def test_a_sound_qmap_has_no_findings() -> None:
    assert GOOD.check(SHAPE) == []
    GOOD.validate(SHAPE)


def test_frames_of_another_shape_are_refused() -> None:
    with pytest.raises(QMapError, match=r"frames of \(60, 80\) and these are \(60, 81\)"):
        GOOD.validate((60, 81))


def test_a_transposed_qmap_is_refused_and_the_remedy_named() -> None:
    with pytest.raises(QMapError, match=r"Transposing it would fit"):
        GOOD.validate((80, 60))


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(QMapError, match=r"mask is empty"):
        changed(mask=np.zeros(SHAPE, dtype=bool)).validate()


def test_maps_without_labels_are_refused() -> None:
    nothing = np.zeros(SHAPE, dtype=np.int32)
    with pytest.raises(QMapError, match=r"no pixel has a label"):
        changed(dynamic_roi_map=nothing, static_roi_map=nothing).validate()


def test_an_inverted_mask_is_refused_and_suspected() -> None:
    half = GOOD.arrays.mask.copy()
    half[:, 40:] = False
    arrays = partition(GEOMETRY, SHAPE, half, q=(2, 4)).arrays
    with pytest.raises(QMapError, match=r"Is the mask inverted"):
        QMap(dataclasses.replace(arrays, mask=~half)).validate()


def test_a_static_bin_in_two_dynamic_bins_is_refused_and_named() -> None:
    arrays = GOOD.arrays
    row, column = np.argwhere(arrays.static_roi_map == 7)[0]
    own = arrays.dynamic_roi_map[row, column]
    other = int(own) % 8 + 1
    qmap = poked("dynamic_roi_map", other, (row, column))
    count = np.count_nonzero(arrays.static_roi_map == 7) - 1
    with pytest.raises(QMapError) as raised:
        qmap.validate()
    text = str(raised.value)
    assert "1 static bins lie in several dynamic bins: static bin 7 in dynamic bins" in text
    assert f"{own} ({count} pixels)" in text
    assert f"{other} (1 pixels)" in text


def test_a_labelled_pixel_outside_of_the_mask_is_refused() -> None:
    mask = GOOD.arrays.mask.copy()
    mask[3, 4:7] = False
    with pytest.raises(QMapError, match=r"3 pixels have a label and are masked"):
        changed(mask=mask).validate()


def test_a_used_pixel_without_a_bin_is_a_warning_only() -> None:
    arrays = partition(GEOMETRY, SHAPE, np.ones(SHAPE, dtype=bool), q=(2, 4), q_range=(1e-3, 3e-3)).arrays
    qmap = QMap(dataclasses.replace(arrays, mask=np.ones(SHAPE, dtype=bool)))
    assert [(finding.severity, finding.code) for finding in qmap.check()] == [("warning", "unlabelled")]
    qmap.validate()


@pytest.mark.parametrize("name", ["static_roi_map", "dynamic_roi_map"])
def test_a_pixel_in_one_map_only_is_refused(name: str) -> None:
    with pytest.raises(QMapError, match=r"2 pixels are in a static or a dynamic bin only"):
        poked(name, 0, (5, slice(2, 4))).validate()


@pytest.mark.parametrize("kind", ["static", "dynamic"])
def test_a_negative_label_is_refused(kind: str) -> None:
    with pytest.raises(QMapError, match=r"1 pixels have a negative label"):
        poked(f"{kind}_roi_map", -1, (5, 2)).validate()


def test_labels_with_gaps_are_a_warning_that_names_them() -> None:
    arrays = GOOD.arrays
    static = np.where(arrays.static_roi_map == 5, 6, arrays.static_roi_map).astype(np.int32)
    codes = {finding.code: str(finding) for finding in changed(static_roi_map=static).check()}
    assert codes["static_gaps"] == "warning: 1 static labels have no pixel: 5"


@pytest.mark.parametrize("kind", ["static", "dynamic"])
def test_more_labels_than_bins_are_refused(kind: str) -> None:
    index = getattr(GOOD.arrays, f"{kind}_index_mapping")
    text = rf"{kind} labels go up to {len(index)} and only {len(index) - 1} bins are listed"
    with pytest.raises(QMapError, match=text):
        changed(**{f"{kind}_index_mapping": index[:-1]}).validate()


def test_an_index_outside_of_the_grid_is_refused() -> None:
    index = GOOD.arrays.static_index_mapping.copy()
    index[-1] = 32
    with pytest.raises(QMapError, match=r"points outside of its 8 x 4 bins"):
        changed(static_index_mapping=index).validate()


def test_two_labels_of_one_bin_are_refused() -> None:
    index = GOOD.arrays.static_index_mapping.copy()
    index[-1] = index[0]
    with pytest.raises(QMapError, match=r"two static labels share a bin"):
        changed(static_index_mapping=index).validate()


@pytest.mark.parametrize(("value", "message"), [(np.nan, "q of 1 dynamic bins is NaN"), (-1.0, "is negative")])
def test_a_centre_that_cannot_be_is_refused(value: float, message: str) -> None:
    q, phi = GOOD.arrays.dynamic_v_list
    q = q.copy()
    q[0] = value
    with pytest.raises(QMapError, match=message):
        changed(dynamic_v_list=(q, phi)).validate()


def test_arrays_of_different_shapes_are_refused() -> None:
    with pytest.raises(QMapError, match=r"dynamic_roi_map \(60, 80\), mask \(80, 60\)"):
        changed(mask=np.ones((80, 60), dtype=bool)).validate()


def test_a_label_larger_than_the_detector_is_refused() -> None:
    with pytest.raises(QMapError, match=r"label 2000000000 is larger"):
        poked("static_roi_map", 2_000_000_000, (0, 0)).validate()


def test_everything_found_is_said_at_once() -> None:
    q, phi = GOOD.arrays.dynamic_v_list
    qmap = changed(dynamic_v_list=(q * np.nan, phi), static_index_mapping=GOOD.arrays.static_index_mapping[:-1])
    with pytest.raises(QMapError, match=r"3 faults: it is for frames.*; q of 4 dynamic bins is NaN; static labels"):
        qmap.validate((1, 1))


def test_a_qmap_without_geometry_says_so() -> None:
    with pytest.raises(QMapError, match=r"no energy, beam_center_x"):
        _ = changed(energy=float("nan"), beam_center_x=float("nan")).geometry
    assert GOOD.geometry == GEOMETRY


def test_a_qmap_is_described_in_a_few_lines() -> None:
    text = describe(GOOD)
    for part in ("60 x 80", "4800 pixels", "dynamic      8 bins", "static       ", "10 keV", GOOD.hash):
        assert part in text
    unknown: QMapArrays = dataclasses.replace(
        GOOD.arrays,
        **dict.fromkeys(("energy", "detector_distance", "pixel_size", "beam_center_x", "beam_center_y"), float("nan")),
    )
    assert "geometry     not in the file" in describe(QMap(unknown))


@pytest.mark.realdata
def test_qmaps_of_measured_results_are_sound(measured: Path) -> None:
    for path in sorted((measured / "aps-8idi-results").glob("*.hdf")):
        qmap = QMap.from_result(path)
        assert qmap.check(qmap.shape) == []
