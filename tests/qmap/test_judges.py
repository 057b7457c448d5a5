"""Our qmaps in the hands of boost_corr and pySimpleMask, and theirs in ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from xpcs_nb.core import Geometry
from xpcs_nb.hdf5 import read_metadata
from xpcs_nb.qmap import QMap, partition
from xpcs_nb.testing import write_metadata

SHAPE = (120, 150)
GEOMETRY = Geometry(energy=12.3, detector_distance=5.0, pixel_size=75e-6, beam_center_x=-20.3, beam_center_y=61.8)
REQUESTS = [
    {"q": (4, 20), "phi": (1, 1)},
    {"q": (6, 12), "phi": (5, 10)},
    {"q": (6, 12), "phi": (4, 4), "scale": "log"},
    {"q": (3, 9), "phi": (6, 12), "phi_offset": 17.0},
]


def a_mask() -> NDArray[np.bool_]:
    mask = np.ones(SHAPE, dtype=bool)
    mask[50:58, :] = False
    mask[:, 70:73] = False
    return mask


@pytest.fixture
def model(tmp_path: Path) -> Any:
    """pySimpleMask's model on a raw file of ours, with our mask."""
    core = pytest.importorskip("pysimplemask.core")
    write_metadata(
        tmp_path / "A001_metadata.hdf",
        energy=GEOMETRY.energy,
        distance=GEOMETRY.detector_distance,
        pixel_size=GEOMETRY.pixel_size,
        beam_center=(GEOMETRY.beam_center_x, GEOMETRY.beam_center_y),
    )
    with h5py.File(tmp_path / "A001.h5", "w") as file:
        file["entry/data/data"] = np.ones((2, *SHAPE), dtype=np.uint16)
    model = core.SimpleMaskModel()
    assert model.read_data(str(tmp_path / "A001.h5"), beamline="APS_8IDI", num_frames=0)
    model.mask = a_mask()
    return model


def their_partition(model: Any, request: dict[str, Any]) -> dict[str, Any]:
    (dq, sq), (dp, sp) = request["q"], request["phi"]
    style = "logarithmic" if request.get("scale") == "log" else "linear"
    return model.compute_partition(  # type: ignore[no-any-return]
        dq_num=dq, sq_num=sq, dp_num=dp, sp_num=sp, style=style, phi_offset=request.get("phi_offset", 0.0)
    )


@pytest.mark.judge
def test_pysimplemask_reads_our_metadata(model: Any) -> None:
    ours = read_metadata(Path(model.dset.fname).with_name("A001_metadata.hdf"))
    assert Geometry.from_metadata(ours) == GEOMETRY
    for name in ("energy", "detector_distance", "pixel_size", "beam_center_x", "beam_center_y"):
        assert model.dset.metadata[name] == pytest.approx(getattr(GEOMETRY, name), rel=1e-12)


@pytest.mark.judge
@pytest.mark.parametrize("swing", [(0.0, 0.0), (2.5, 0.0), (0.0, -1.5), (3.0, 2.0)])
def test_q_and_phi_are_those_of_pysimplemask(swing: tuple[float, float]) -> None:
    theirs = pytest.importorskip("pysimplemask.core.qmap")
    geometry = Geometry(
        energy=12.3,
        detector_distance=5.0,
        pixel_size=75e-6,
        beam_center_x=-20.3,
        beam_center_y=61.8,
        swing_horizontal=swing[0],
        swing_vertical=swing[1],
    )
    maps, _ = theirs.compute_transmission_qmap(12.3, (61.8, -20.3), SHAPE, 75e-6, 5.0, *swing)
    q, phi = geometry.q_phi(SHAPE)
    # theirs takes the arc cosine of a number next to 1, which costs it digits near the beam
    two_theta = np.radians(maps["TTH"])
    np.testing.assert_array_less(np.abs(q / maps["q"] - 1), 1e-9 + 4 * np.finfo(float).eps / two_theta**2)
    np.testing.assert_allclose(phi, maps["phi"], rtol=0, atol=1e-9)


@pytest.mark.judge
@pytest.mark.parametrize("request_", REQUESTS)
def test_a_partition_is_that_of_pysimplemask(model: Any, request_: dict[str, Any]) -> None:
    theirs = their_partition(model, request_)
    ours = partition(GEOMETRY, SHAPE, a_mask(), **request_).arrays
    for kind in ("dynamic", "static"):
        np.testing.assert_array_equal(getattr(ours, f"{kind}_roi_map"), theirs[f"{kind}_roi_map"])
        np.testing.assert_array_equal(getattr(ours, f"{kind}_index_mapping"), theirs[f"{kind}_index_mapping"])
        q, phi = getattr(ours, f"{kind}_v_list")
        np.testing.assert_allclose(q, theirs[f"{kind}_v_list_dim0"], rtol=1e-9)
        # theirs lists phi as turned by the offset; ours as it is
        turned = theirs[f"{kind}_v_list_dim1"] - request_.get("phi_offset", 0.0)
        np.testing.assert_allclose((phi - turned + 180) % 360 - 180, 0, atol=1e-8)


@pytest.mark.judge
@pytest.mark.parametrize("request_", REQUESTS[:2])
def test_a_file_of_pysimplemask_is_read(model: Any, request_: dict[str, Any], tmp_path: Path) -> None:
    theirs = their_partition(model, request_)
    model.save_partition(str(tmp_path / "theirs.h5"))
    read = QMap.from_file(tmp_path / "theirs.h5")
    read.validate(SHAPE)
    assert read.geometry == GEOMETRY
    np.testing.assert_array_equal(read.arrays.static_roi_map, theirs["static_roi_map"])
    np.testing.assert_array_equal(read.arrays.mask, a_mask())
    # the same content but for rounding of the centres: written by us, it reads back the same
    assert QMap.from_file(read.save(tmp_path / "ours.h5")) == read


@pytest.mark.judge
def test_pysimplemask_reads_our_qmap_in_a_result(tmp_path: Path) -> None:
    core = pytest.importorskip("pysimplemask.core")
    ours = partition(GEOMETRY, SHAPE, a_mask(), q=(6, 12), phi=(5, 10))
    path = tmp_path / "A001_results.hdf"
    with h5py.File(path, "w") as result, h5py.File(ours.save(tmp_path / "q.h5")) as file:
        file.copy("qmap", result, "xpcs/qmap")
        result["xpcs/temporal_mean/scattering_2d"] = np.ones((1, *SHAPE), dtype=np.float32)
    model = core.SimpleMaskModel()
    assert model.read_data(str(path))
    saved = model.new_partition
    np.testing.assert_array_equal(saved["static_roi_map"], ours.arrays.static_roi_map)
    np.testing.assert_array_equal(saved["dynamic_roi_map"], ours.arrays.dynamic_roi_map)
    assert saved["energy"] == GEOMETRY.energy
    assert saved["beam_center_x"] == GEOMETRY.beam_center_x


@pytest.mark.judge
def test_pysimplemask_combines_files_of_ours(tmp_path: Path) -> None:
    combine = pytest.importorskip("pysimplemask.core.partition").combine_qmap_files
    q, _ = GEOMETRY.q_phi(SHAPE)
    halves = [partition(GEOMETRY, SHAPE, part, q=(2, 4)) for part in (q < 0.005, q >= 0.005)]
    names = [str(half.save(tmp_path / f"{number}.h5")) for number, half in enumerate(halves)]
    combine(names, str(tmp_path / "both.h5"))
    both = QMap.from_file(tmp_path / "both.h5")
    both.validate(SHAPE)
    assert both.arrays.mask.all()
    assert both.arrays.static_roi_map.max() == 8
    np.testing.assert_allclose(
        both.arrays.bin_centers("static")[0], np.concatenate([half.arrays.static_v_list[0] for half in halves])
    )


@pytest.mark.boost
@pytest.mark.parametrize("request_", REQUESTS)
def test_boost_corr_reads_our_qmap(tmp_path: Path, request_: dict[str, Any]) -> None:
    module = pytest.importorskip("boost_corr.xpcs_aps_8idi.xpcs_qpartitionmap")
    ours = partition(GEOMETRY, SHAPE, a_mask(), **request_).arrays
    path = QMap(ours).save(tmp_path / "q.h5")
    theirs = module.XpcsQPartitionMap(str(path), flag_fix=True, flag_sort=True)
    assert theirs.check_fix_qmap()  # every static bin in one dynamic bin
    np.testing.assert_array_equal(theirs.mask, ours.mask)
    np.testing.assert_array_equal(theirs.sqmap, ours.static_roi_map)
    np.testing.assert_array_equal(theirs.dqmap, ours.dynamic_roi_map)
    assert (theirs.dq_dim, theirs.sq_dim) == (len(ours.dynamic_index_mapping), len(ours.static_index_mapping))
    assert len(theirs.info["mask_idx_1d"]) == ours.mask.sum()


@pytest.mark.boost
def test_boost_corr_takes_our_metadata_file(tmp_path: Path) -> None:
    module = pytest.importorskip("boost_corr.xpcs_aps_8idi.xpcs_result")
    path = write_metadata(tmp_path / "A001_metadata.hdf")
    assert module.get_metadata(str(tmp_path)) == (str(path), "nexus")
