"""Series with known frames, as the sources that the reduction takes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import h5py
import hdf5plugin
import numpy as np
import pytest

from xpcs_nb.core import ChunkTable, EventList, PixelLabels


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The readable float64 estimators."""
    path = Path(__file__).resolve().parents[1] / "reference" / "multitau.py"
    spec = importlib.util.spec_from_file_location("reference_multitau", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class ArraySource:
    """Frames in memory; `is_sparse` lets the same frames take the way of event lists."""

    format = "array"
    path = None
    blemish = None
    files = ()

    def __init__(self, array, *, is_sparse=False):
        self.array = np.asarray(array)
        self.is_sparse = is_sparse
        self.shape = self.array.shape[1:]
        self.n_frames = len(self.array)
        self.dtype = self.array.dtype

    def frames(self, start, stop, step=1):
        return self.array[start:stop:step]

    def events(self, start, stop):
        frame, row, column = np.nonzero(self.array[start:stop])
        count = self.array[start:stop][frame, row, column]
        pixel = (row * self.shape[1] + column).astype(np.uint32)
        return EventList(pixel, (frame + start).astype(np.uint32), count.astype(np.uint32), self.n_frames, self.shape)

    def chunk_tables(self):
        return None

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


@pytest.fixture
def array_source():
    return ArraySource


@pytest.fixture
def make_labels():
    """Labels of random used pixels; static bin 1 and its dynamic bin's last block stay empty."""

    def make(shape, *, n_static=6, n_dynamic=2, n_blocks=3, keep=0.8, seed=1):
        rng = np.random.default_rng(seed)
        pixel = np.flatnonzero(rng.random(shape[0] * shape[1]) < keep)
        static = rng.choice([s for s in range(n_static) if s != 1], size=len(pixel))
        to_dynamic = np.array([-1 if s == 1 else s % n_dynamic for s in range(n_static)])
        return PixelLabels(
            pixel=pixel,
            static=static,
            dynamic=to_dynamic[static],
            block=rng.integers(0, n_blocks, len(pixel)),
            static_to_dynamic=to_dynamic,
            n_static=n_static,
            n_dynamic=n_dynamic,
            n_blocks=n_blocks,
            shape=tuple(shape),
        )

    return make


@pytest.fixture
def assert_sums_agree():
    """Compare sums with the reference; `rtol` is far below the 1e-5 that is promised for g2."""

    def compare(sums, expected, rtol=1e-6):
        for name in ("G", "IP", "IF", "pixel_g2_sum", "pixel_g2_square"):
            want = getattr(expected, name)
            scale = np.nanmax(np.abs(want), initial=0)
            np.testing.assert_allclose(getattr(sums, name), want, rtol=rtol, atol=1e-9 * scale, err_msg=name)
        np.testing.assert_array_equal(sums.n_pixels, expected.n_pixels)

    return compare


class ChunkedSource(ArraySource):
    """The same frames, in a bitshuffle-LZ4 file with one frame a chunk."""

    def __init__(self, path, array, *, block_elements=0):
        super().__init__(array)
        self.path = path
        with h5py.File(path, "w") as file:
            file.create_dataset(
                "/entry/data/data", data=self.array, chunks=(1, *self.shape),
                **hdf5plugin.Bitshuffle(nelems=block_elements),
            )  # fmt: skip
        offset, size = np.zeros((2, self.n_frames), dtype=np.int64)

        def note(chunk):
            offset[chunk.chunk_offset[0]], size[chunk.chunk_offset[0]] = chunk.byte_offset, chunk.size

        with h5py.File(path) as file:
            file["/entry/data/data"].id.chunk_iter(note)
        elements = block_elements or 8192 // self.dtype.itemsize
        self.table = ChunkTable(Path(path), offset, size, self.dtype, self.shape, elements)

    def chunk_tables(self):
        return (self.table,)


@pytest.fixture
def chunked_source(tmp_path):
    def make(array, **options):
        return ChunkedSource(tmp_path / "frames.h5", array, **options)

    return make
