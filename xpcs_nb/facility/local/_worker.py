"""A worker process: runs one function at a time, given by its source, with JSON in and out.

Started as ``python -m xpcs_nb.facility.local._worker DESCRIPTOR``; requests come over the connection of that
descriptor. When the engine at its other end is no more, the worker ends itself and what it started.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import signal
import sys
import threading
from multiprocessing.connection import Connection
from queue import SimpleQueue

from xpcs_nb.facility.local._function import answer

__all__ = ["main"]

PR_SET_PDEATHSIG = 1


def _listen(connection: Connection, requests: SimpleQueue[bytes]) -> None:
    try:
        while True:
            requests.put(connection.recv_bytes())
    except (EOFError, OSError):
        # The engine is gone; nobody would take the result. This process leads its own group.
        os.killpg(0, signal.SIGKILL)


def _end_with_the_engine() -> None:
    """Let Linux end this process with the engine, also while a function keeps the interpreter to itself."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Serve requests until the connection ends."""
    _end_with_the_engine()
    # A worker that is killed has its last words in the log.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    connection = Connection(int(sys.argv[1]))
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(connection, requests), daemon=True).start()
    while True:
        request = json.loads(requests.get())
        connection.send_bytes(b"started")
        connection.send_bytes(answer(request).encode())


if __name__ == "__main__":
    main()
