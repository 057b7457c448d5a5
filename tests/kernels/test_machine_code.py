"""Kernels as machine code: right for every kind of argument, kept, loaded without numba, refused if they can't be."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from xpcs_nb.kernels import _machine_code
from xpcs_nb.kernels._bits import count_ones, lowest_one
from xpcs_nb.kernels._jit import entry, inner


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(_machine_code, "cache_folder", lambda: tmp_path / "kernels")
    return tmp_path / "kernels"


@inner
def _scaled(value, factor):
    return value * factor


def _fill(pair, number, real, small, counts, out):
    """Every kind of argument, an inner function, and a return value."""
    for row in range(counts.shape[0]):
        for column in range(counts.shape[1]):
            out[row, column] = _scaled(counts[row, column], real) + pair[0] * 100 + pair[1] * 1000 + number + small
    return counts.shape[0] * 10 + counts.shape[1]


def _expected(pair, number, real, small, counts):
    return counts * real + pair[0] * 100 + pair[1] * 1000 + number + np.float64(small)


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8"])
@pytest.mark.parametrize("shape", [(2, 3), (0, 3)])
def test_every_kind_of_argument_arrives(dtype, shape):
    counts = np.arange(shape[0] * shape[1], dtype=dtype).reshape(shape)
    out = np.empty(shape)
    arguments = ((3, np.int64(-4)), 5, 0.5, np.float32(0.25), counts)
    assert entry(_fill)(*arguments, out) == shape[0] * 10 + shape[1]
    np.testing.assert_allclose(out, _expected(*arguments))


def test_instructions():
    def bits(words, out):
        for i in range(words.size):
            out[i, 0] = count_ones(words[i])
            out[i, 1] = lowest_one(words[i])

    words = np.array([0, 1, 0b101000, 2**64 - 1, 2**63], dtype=np.uint64)
    out = np.empty((5, 2), dtype=np.int64)
    assert entry(bits)(words, out) is None
    assert out.tolist() == [[0, 64], [1, 0], [2, 3], [64, 0], [1, 63]]


def test_a_kept_kernel_is_not_compiled_again(folder, caplog):
    caplog.set_level(logging.INFO, "xpcs_nb")
    arguments = ((1, 2), 3, 4.0, np.float32(5), np.ones((2, 2)), np.empty((2, 2)))
    entry(_fill)(*arguments)
    assert "compiling _fill" in caplog.text
    caplog.clear()
    arguments[-1][:] = 0
    entry(_fill)(*arguments)
    assert caplog.text == ""
    np.testing.assert_allclose(arguments[-1], _expected(*arguments[:-1]))


@pytest.mark.parametrize("damage", [lambda content: content[:-100], lambda content: content[:-1] + b"?"])
def test_a_damaged_file_is_compiled_anew(folder, damage, caplog):
    arguments = ((1, 2), 3, 4.0, np.float32(5), np.ones((2, 2)), np.empty((2, 2)))
    entry(_fill)(*arguments)
    (kept,) = folder.iterdir()
    sound = kept.read_bytes()
    kept.write_bytes(damage(sound))
    caplog.set_level(logging.INFO, "xpcs_nb")
    assert entry(_fill)(*arguments) == 22
    assert "compiling _fill" in caplog.text
    assert len(kept.read_bytes()) == len(sound)


@pytest.mark.parametrize("content", [b"", b"{}\n", b"no json\nat all"])
def test_a_file_of_something_else_is_compiled_anew(folder, content):
    arguments = ((1, 2), 3, 4.0, np.float32(5), np.ones((2, 2)), np.empty((2, 2)))
    entry(_fill)(*arguments)
    (kept,) = folder.iterdir()
    kept.write_bytes(content)
    assert entry(_fill)(*arguments) == 22


def test_a_cache_that_can_not_be_written_costs_nothing_but_time(folder):
    folder.write_text("a file where the folder should be")
    arguments = ((1, 2), 3, 4.0, np.float32(5), np.ones((2, 2)), np.empty((2, 2)))
    assert entry(_fill)(*arguments) == 22


def test_threads_compile_a_kernel_once(caplog):
    caplog.set_level(logging.INFO, "xpcs_nb")
    kernel = entry(_fill)
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda rows: kernel((1, 2), 3, 4.0, np.float32(5), np.ones((rows, 2)), np.empty((rows, 2))), range(8)
            )
        )
    assert answers == [10 * rows + 2 for rows in range(8)]
    assert caplog.text.count("compiling _fill") == 1


@pytest.mark.parametrize(
    "argument", [np.ones((4, 4))[:, ::2], np.ones((4, 4), ">f8"), np.ones((4, 4)).T[:2], [1.0, 2.0], "text", None]
)
def test_arguments_that_machine_code_can_not_take_are_refused(argument):
    with pytest.raises(TypeError, match="kernels take"):
        entry(_fill)((1, 2), 3, 4.0, np.float32(5), argument, np.empty((4, 4)))


def test_a_missing_argument_is_refused():
    with pytest.raises(TypeError, match="out"):
        entry(_fill)((1, 2), 3, 4.0, np.float32(5), np.ones((2, 2)))


def test_a_kernel_that_allocates_is_refused():
    def allocates(x):
        y = np.zeros(x.size)
        for i in range(x.size):
            y[i] = x[x.size - 1 - i]
        for i in range(x.size):
            x[i] = y[i]

    with pytest.raises(TypeError, match="allocates allocates memory"):
        entry(allocates)(np.ones(3))


def test_a_kernel_that_returns_a_float_is_refused():
    def half(x):
        return x[0] / 2

    with pytest.raises(TypeError, match="half returns float64"):
        entry(half)(np.ones(3))


WARM = """
import sys
import xpcs_nb.reduction
from pathlib import Path
from xpcs_nb.reduction import correlate_to_file
from xpcs_nb.core import ReductionOptions
for kind in ("multitau", "twotime"):
    correlate_to_file(sys.argv[1], sys.argv[2], output=sys.argv[3], options=ReductionOptions(type=kind, overwrite=True))
print([name for name in ("numba", "scipy", "xarray", "pydantic") if name in sys.modules])
"""


@pytest.mark.parametrize("raw_format", ["hdf5", "imm", "rigaku500k"])
def test_a_second_run_does_without_numba(tmp_path, raw_format):
    from xpcs_nb.testing import simulate_measurement

    shape = (512, 1024) if raw_format == "rigaku500k" else (64, 64)
    made = simulate_measurement(
        tmp_path, shape=shape, n_frames=64, n_dynamic=3, n_static=6, raw_format=raw_format, mean_counts=0.01
    )
    command = [sys.executable, "-c", WARM, str(made.raw), str(made.qmap), str(tmp_path / "results")]
    subprocess.run(command, check=True, capture_output=True, env=dict(os.environ))
    again = subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ))
    assert again.stdout.split() == ["[]"]
    assert "compiling" not in again.stderr
