"""``xpcs-nb sandbox`` as a user types it."""

import signal
import socket
import subprocess
import sys
from contextlib import closing

import globus_sdk
import pytest

COLLECTION = "5f0a0000-0000-4000-8000-00000000000a"


def command(*words):
    return [sys.executable, "-m", "xpcs_nb", "sandbox", *map(str, words)]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_ended(tmp_path, monkeypatch, end):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "frames.bin").write_bytes(b"0")
    words = (
        "--folder",
        tmp_path / "s",
        "--collection",
        f"{COLLECTION}={tmp_path / 'data'}",
        "--env-file",
        tmp_path / "e",
    )
    with subprocess.Popen(
        command(*words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What a background job inherits is to ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        try:
            lines = [process.stdout.readline()]
            while not lines[-1].startswith("# collection"):
                assert lines[-1], process.stderr.read()
                lines.append(process.stdout.readline())
            exported = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines if "export" in line)
            assert exported == dict(line.split("=", 1) for line in (tmp_path / "e").read_text().splitlines())
            for name, value in exported.items():
                monkeypatch.setenv(name, value)
            app = globus_sdk.ClientApp(
                "t",
                client_id=exported["GLADIER_CLIENT_ID"],
                client_secret=exported["GLADIER_CLIENT_SECRET"],
                config=globus_sdk.GlobusAppConfig(token_storage="memory"),  # noqa: S106
            )
            with closing(app), closing(globus_sdk.TransferClient(app=app)) as transfer:
                assert [one["name"] for one in transfer.operation_ls(COLLECTION)] == ["frames.bin"]
        finally:
            process.send_signal(end)
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert process.returncode == 0


def test_a_port_that_is_taken_is_said(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = subprocess.run(
            command("--folder", tmp_path, "--port", port), capture_output=True, text=True, check=False, timeout=60
        )
    assert done.returncode == 1
    assert f"the sandbox can't have its port: got {port}" in done.stderr


def test_collections_need_an_id_and_a_folder(tmp_path):
    done = subprocess.run(
        command("--collection", "x"), capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60
    )
    assert done.returncode == 2
    assert "ID=FOLDER is expected" in done.stderr
