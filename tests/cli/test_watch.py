"""``xpcs-nb watch`` as a user types it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from xpcs_nb.testing import simulate_measurement


def test_a_watch_ends_with_ctrl_c_and_says_what_became_of_all(tmp_path):
    measured = simulate_measurement(tmp_path / "m", shape=(32, 32), n_frames=64, n_dynamic=2, n_static=4)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "bad.h5").write_bytes(b"no HDF5")
    words = [sys.executable, "-m", "xpcs_nb", "watch", folder, "-q", measured.qmap, "--settle", "0.1"]
    with subprocess.Popen(
        [str(word) for word in words],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"XPCS_NB_HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1"},
        # A shell that runs tests in the background lets its children ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as watch:
        assert watch.stdout is not None
        said, told = [], False
        for line in watch.stdout:
            said.append(line.strip())
            # Once: the summary tells the reason again, and a second Ctrl-C ends the process at once.
            if "not a raw format" in line and not told:
                watch.send_signal(signal.SIGINT)
                told = True
        assert watch.wait(timeout=60) == 0
    assert said[0] == f"watching {folder}; Ctrl-C ends it"
    assert said[1] == "bad.h5 arrived"
    assert said[-2] == "0 datasets: none"
    assert said[-1].startswith("bad.h5 waits:")
