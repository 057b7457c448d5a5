"""The kernel of a job: a process of its own, forked where that is possible, so that it need not import everything."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from multiprocessing import Pipe
from pathlib import Path
from typing import Any
from uuid import uuid4

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

__all__ = ["JobKernelManager"]

#: Bytes that the address of a Unix socket may have.
LONGEST_ADDRESS = 90


class JobKernelManager(AsyncKernelManager):
    """Starts the kernel of a job; it talks over sockets of the file system, which nobody else can reach.

    Attributes
    ----------
    last
        The kernel that was started last by this process, to find out how it ended.
    """

    last: JobKernelManager | None = None

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        type(self).last = self
        self.process: Any = None
        self._place = Path(tempfile.mkdtemp(prefix="xpcs_nb_"))
        self.connection_file = str(self._place / "kernel.json")
        if os.name == "posix" and len(self.connection_file) < LONGEST_ADDRESS:
            self.transport = "ipc"
            self.ip = str(self._place / "socket")

    @property
    def exit_code(self) -> int | None:
        """Of the process, as `subprocess` has it; None while it runs."""
        return None if self.process is None else self.process.poll()

    async def _async_pre_start_kernel(self, **given: Any) -> Any:
        self.kernel_id = self.kernel_id or str(uuid4())
        if self.provisioner is None and _can_be_forked(self.kernel_spec):
            self.provisioner = _Forked(kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self)
        return await super()._async_pre_start_kernel(**given)

    async def _async_launch_kernel(self, kernel_cmd: list[str], **given: Any) -> None:
        await super()._async_launch_kernel(kernel_cmd, **given)
        self.process = getattr(self.provisioner, "process", None)

    def cleanup_connection_file(self) -> None:
        """Remove what the kernel and its clients talked over."""
        super().cleanup_connection_file()
        shutil.rmtree(self._place, ignore_errors=True)


def _can_be_forked(spec: Any) -> bool:
    """Return whether a kernel is IPython in this environment; forking is safe on Linux only."""
    if sys.platform != "linux" or spec is None or "ipykernel_launcher" not in spec.argv:
        return False
    return spec.argv[0] in ("python", "python3", sys.executable)


class _Forked(LocalProvisioner):
    """Gets the process of a kernel from the fork server of this worker."""

    async def launch_kernel(self, cmd: list[str], **given: Any) -> Any:
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        folder = str(given.get("cwd") or Path.cwd())
        environment = dict(given.get("env") or os.environ)
        child: Any = _server().start(arguments, folder, environment)
        self.process = child
        self.pid = self.pgid = child.pid
        self.cwd = folder
        return self.connection_info


class _Child:
    """A kernel, as `subprocess.Popen` would have it."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, server: _Server) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._server = server

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._server.ended(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        if self.returncode is None:
            self.returncode = self._server.ended(timeout)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class _Server:
    """The fork server of this process: one kernel at a time."""

    def __init__(self) -> None:
        from xpcs_nb.facility.local import python_environment

        self._connection, far = Pipe()
        # Figures of recipes that use pyplot are shown, too; as IPython has it.
        environment = python_environment() | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
        with far:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-m", "xpcs_nb.recipes._forkserver", str(far.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[far.fileno()],
                env=environment,
            )
        self.owner = os.getpid()

    def usable(self) -> bool:
        return self.owner == os.getpid() and self._process.poll() is None

    def start(self, arguments: list[str], folder: str, environment: dict[str, str]) -> _Child:
        request = {
            "arguments": arguments,
            "folder": folder,
            "environment": environment,
            "log": str(Path(folder) / "log.txt"),
        }
        self._connection.send_bytes(json.dumps(request).encode())
        return _Child(int(json.loads(self._connection.recv_bytes())), self)

    def ended(self, timeout: float | None) -> int | None:
        """Return the exit code of the kernel, if it has ended within `timeout` seconds."""
        try:
            if not self._connection.poll(timeout):
                return None
            return int(json.loads(self._connection.recv_bytes()))
        except (EOFError, OSError):
            self._process.wait()
            return -signal.SIGKILL


_servers: list[_Server] = []


def _server() -> _Server:
    if not _servers or not _servers[-1].usable():
        _servers[:] = [_Server()]
    return _servers[-1]
