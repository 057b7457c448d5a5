"""Makes kernels for the jobs of one worker, by forking a process that has imported already what recipes need.

Started as ``python -m xpcs_nb.recipes._forkserver DESCRIPTOR``; requests come over the connection of that descriptor.
It ends with its worker, and its kernel with it, also when the worker is killed.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import sys
import warnings
from multiprocessing.connection import Connection
from typing import Any

from xpcs_nb.recipes._imports import hidden

__all__ = ["MODULES", "PRELOAD_VARIABLE", "main"]

PR_SET_PDEATHSIG = 1
#: Names of modules, with commas between, to import in place of `MODULES`.
PRELOAD_VARIABLE = "XPCS_NB_PRELOAD"
#: What each kernel imports when it starts.
KERNEL = (
    "IPython.core.completerlib",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",
    "ipykernel.kernelapp",
    "sqlite3",
    "tornado.platform.asyncio",
)
#: What recipes of this package import.
MODULES = (
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "numpy",
    "scipy.optimize",
    "scipy.stats",
    "xarray",
    "xpcs_nb.analysis",
    "xpcs_nb.flows",
    "xpcs_nb.plots",
    "xpcs_nb.qmap",
    "xpcs_nb.recipes",
    "xpcs_nb.results",
)


def _end_with_the_parent() -> None:
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _import_kernel() -> None:
    # Nobody steps through a batch, and the debugger takes longer than all the rest.
    with hidden("debugpy"):
        for name in KERNEL:
            importlib.import_module(name)


def _become_kernel(request: dict[str, Any]) -> None:
    os.setsid()
    _end_with_the_parent()
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    # As `python -m` has it.
    sys.path[:] = ["", *(path for path in sys.path if path)]
    sys.argv = ["ipykernel_launcher", *request["arguments"]]
    import numpy as np
    from ipykernel.kernelapp import IPKernelApp

    # Otherwise all jobs would have the random numbers of the process they are forked from.
    np.random.seed()
    IPKernelApp.launch_instance()


def main() -> None:
    """Serve requests until the connection ends."""
    _end_with_the_parent()
    connection = Connection(int(sys.argv[1]))
    # ipykernel reads it when it is imported: a kernel of ours is one that a program has started.
    os.environ["JPY_PARENT_PID"] = str(os.getpid())
    _import_kernel()
    said = os.environ.get(PRELOAD_VARIABLE)
    for name in MODULES if said is None else filter(None, said.split(",")):
        importlib.import_module(name)
    # Threads of the imported libraries' own pools wait for work, and these libraries can be forked then.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except EOFError:
            return
        child = os.fork()
        if child == 0:
            connection.close()
            _become_kernel(request)
            return
        connection.send_bytes(json.dumps(child).encode())
        _, status = os.waitpid(child, 0)
        connection.send_bytes(json.dumps(os.waitstatus_to_exitcode(status)).encode())


if __name__ == "__main__":
    main()
