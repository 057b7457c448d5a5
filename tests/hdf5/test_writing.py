"""HDF5 files that appear whole or not at all: a full disk is an error, never a crash."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import h5py
import numpy as np
import pytest

from xpcs_nb.errors import ResultExistsError
from xpcs_nb.hdf5 import atomic_hdf5


def test_what_is_written_can_be_read_again_meanwhile_and_later(tmp_path):
    path = tmp_path / "a.hdf"
    values = np.random.default_rng(0).random((20, 64, 64), dtype=np.float32)
    with atomic_hdf5(path) as (file, check):
        stored = file.create_dataset("a/values", values.shape, "f4", chunks=(1, 64, 64), compression="lzf")
        for number, frame in enumerate(values):
            stored[number] = frame
        file.flush()
        np.testing.assert_array_equal(stored[()], values)
        check()
        assert not path.exists()
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["a/values"], values)


def test_an_existing_file_is_refused(tmp_path):
    path = tmp_path / "a.hdf"
    path.write_bytes(b"old")
    with pytest.raises(ResultExistsError), atomic_hdf5(path):
        pytest.fail("the work began")
    assert path.read_bytes() == b"old"


SCRIPT = """
    import resource, signal, sys
    from pathlib import Path
    import numpy as np
    from xpcs_nb.errors import WriteError
    from xpcs_nb.hdf5 import atomic_hdf5
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    path = Path(sys.argv[1])
    for limit in (0, 700, 2000, 5000, 20_000, 60_000, 66_000, 200_000, 400_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        written = 0
        try:
            with atomic_hdf5(path, overwrite=True) as (file, check):
                for number in range(300):
                    file[f"group{number % 7}/scalar{number}"] = "some text"
                for number in range(20):
                    file.create_dataset(f"map{number}", data=np.ones((100, 100), "f4"))
                    check()
                    written += 1
        except WriteError as error:
            assert "File too large" in str(error) and str(path) in str(error) and "bytes free" in str(error)
            assert written < 20, "the work went on for a file that can't be written"
        else:
            raise AssertionError(limit)
        assert path.read_bytes() == b"old"
        assert list(path.parent.iterdir()) == [path]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    with atomic_hdf5(path, overwrite=True) as (file, check):
        file["after"] = 1
"""


def test_wherever_a_full_disk_strikes_the_old_file_stays_and_the_process_goes_on(tmp_path):
    path = tmp_path / "a.hdf"
    path.write_bytes(b"old")
    # A limit on the size of files is what a test can have of a full disk without one; in a process of its own,
    # since HDF5 crashes at exit over a file that it could not finish.
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    with h5py.File(path) as file:
        assert list(file) == ["after"]
