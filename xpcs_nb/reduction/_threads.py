"""Pieces of work over threads, each thread with a state of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

__all__ = ["n_threads", "share_out"]


def n_threads(threads: int) -> int:
    """Return `threads`, or the number of cores this process may use where that is 0."""
    return (
        threads or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else threads or os.cpu_count() or 1
    )


def share_out[Piece, State](
    pieces: Iterable[Piece],
    make_state: Callable[[], State],
    work: Callable[[State, Piece], None],
    threads: int,
    done: Callable[[Piece], None] | None = None,
) -> list[State]:
    """Do `work` on every piece; return the states of the threads.

    The first error stops the other threads at their next piece and is raised. `done` is called in the calling order
    of no particular thread, one call at a time.
    """
    queue = iter(list(pieces))
    lock = threading.Lock()
    stop = threading.Event()

    def run() -> State:
        state = make_state()
        while not stop.is_set():
            with lock:
                piece = next(queue, None)
            if piece is None:
                return state
            try:
                work(state, piece)
            except BaseException:
                stop.set()
                raise
            if done is not None:
                with lock:
                    done(piece)
        return state

    if threads <= 1:
        return [run()]
    with ThreadPoolExecutor(threads, thread_name_prefix="xpcs_nb") as pool:
        futures = [pool.submit(run) for _ in range(threads)]
    return [future.result() for future in futures]
