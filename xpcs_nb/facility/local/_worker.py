"""A worker process: runs one function at a time, given by its source, with JSON in and out.

Started as ``python -m xpcs_nb.facility.local._worker DESCRIPTOR``; requests come over the connection of that
descriptor. When the engine at its other end is no more, the worker ends itself and what it started.
"""

from __future__ import annotations

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


def _listen(connection: Connection, requests: SimpleQueue[bytes]) -> None:
    try:
        while True:
            requests.put(connection.recv_bytes())
    except (EOFError, OSError):
        # The engine is gone; nobody would take the result. This process leads its own group.
        os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Serve requests until the connection ends."""
    # A worker that is killed has its last words in the log.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    connection = Connection(int(sys.argv[1]))
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(connection, requests), daemon=True).start()
    while True:
        connection.send_bytes(answer(json.loads(requests.get())).encode())


if __name__ == "__main__":
    main()
