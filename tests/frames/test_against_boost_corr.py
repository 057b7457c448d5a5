"""boost_corr's own readers see the same frames in the same files."""

from __future__ import annotations

import numpy as np
import pytest

from xpcs_nb.frames import open_frames
from xpcs_nb.testing import write_hdf5, write_imm, write_rigaku3m, write_rigaku500k

pytestmark = [
    pytest.mark.boost,
    # Warnings of torch and of boost_corr itself are not ours.
    pytest.mark.filterwarnings("default"),
]


def theirs(path, n_frames):
    """Read the first frames one by one with the reader that boost_corr chooses for the name."""
    pytest.importorskip("torch")
    utils = pytest.importorskip("boost_corr.xpcs_aps_8idi.dataset.utils")
    reader, _ = utils.create_dataset(
        str(path), "cpu", mask_crop=None, avg_frame=1, begin_frame=0, end_frame=-1, stride_frame=1
    )
    reader.batch_size = 1
    reader.update_batch_info(reader.frame_num_raw)
    for module in getattr(reader, "container", []):
        module.batch_size = 1
        module.update_batch_info(module.frame_num_raw)
    # A batch may be a view of a buffer that the next one overwrites.
    frames = [reader[index].numpy().copy().reshape(reader.det_size) for index in range(n_frames)]
    return reader, np.stack(frames)


def compare(path, n_frames):
    reader, frames = theirs(path, n_frames)
    with open_frames(path) as source:
        assert reader.frame_num_raw == source.n_frames
        assert tuple(reader.det_size) == source.shape
        np.testing.assert_array_equal(source.frames(0, n_frames), frames)
    return frames


@pytest.mark.parametrize("compression", ["bslz4", "lz4", "gzip", None])
def test_hdf5(tmp_path, counts, compression):
    compare(write_hdf5(tmp_path / "a.h5", counts, compression=compression), 12)


@pytest.mark.parametrize("name", ["a.imm", "a.h5"])
@pytest.mark.parametrize("sparse", [True, False])
def test_imm(tmp_path, counts, sparse, name):
    compare(write_imm(tmp_path / name, counts, sparse=sparse), 12)


def test_rigaku_500k(tmp_path):
    movie = np.random.default_rng(8).poisson(0.01, (6, 512, 1024)).astype(np.uint16)
    assert compare(write_rigaku500k(tmp_path / "a.bin", movie), 6).sum() == movie.sum()


@pytest.mark.parametrize("shifted", [(), (1, 5)])
def test_rigaku_3m(tmp_path, photons_3m, shifted):
    path = write_rigaku3m(tmp_path / "a.bin.000", photons_3m, shifted=shifted)
    assert compare(path, 8).sum() == photons_3m.count[photons_3m.frame < 8].sum()
