"""A worker process: runs one function at a time, given by its source, with JSON in and out.

Started as ``python -m xpcs_nb.facility.local._worker DESCRIPTOR``; requests come over the connection of that
descriptor. When the engine at its other end is no more, the worker ends itself and what it started.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from xpcs_nb.facility.local._function import run_function

__all__ = ["main"]

OURS = {__file__, run_function.__code__.co_filename}


def _answer(request: dict[str, Any]) -> bytes:
    with _output_to(request["log"]):
        try:
            output = run_function(request["name"], request["source"], request["args"], request["kwargs"])
        except BaseException as error:  # noqa: BLE001 - also SystemExit is a failure of the function only
            frames = error.__traceback__
            # The function's own frames say enough, where the error is not ours.
            while frames is not None and frames.tb_next is not None and frames.tb_frame.f_code.co_filename in OURS:
                frames = frames.tb_next
            text = "".join(traceback.format_exception(type(error), error, frames))
            return json.dumps({"exception": text}).encode()
    return f'{{"output":{output}}}'.encode()


@contextmanager
def _output_to(path: str) -> Iterator[None]:
    """Let this process, and what it starts, print to the end of a file."""
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    before = os.dup(1), os.dup(2)
    try:
        os.dup2(target, 1)
        os.dup2(target, 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(before[0], 1)
        os.dup2(before[1], 2)
        for descriptor in (target, *before):
            os.close(descriptor)


def _listen(connection: Connection, requests: SimpleQueue[bytes]) -> None:
    try:
        while True:
            requests.put(connection.recv_bytes())
    except (EOFError, OSError):
        # The engine is gone; nobody would take the result. This process leads its own group.
        os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Serve requests until the connection ends."""
    connection = Connection(int(sys.argv[1]))
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(connection, requests), daemon=True).start()
    while True:
        connection.send_bytes(_answer(json.loads(requests.get())))


if __name__ == "__main__":
    main()
