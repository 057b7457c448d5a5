"""The kernel of a notebook in the browser, asked behind the page's back."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from jupyter_client import BlockingKernelClient

#: Seconds that the kernel may take.
KERNEL_PATIENCE = 120


class Kernel:
    """A client of a kernel that is known by its connection file."""

    def __init__(self, connection: Path) -> None:
        self.client = BlockingKernelClient()
        self.client.load_connection_file(str(connection))
        self.client.start_channels()
        self.client.wait_for_ready(timeout=KERNEL_PATIENCE)

    def run(self, code: str) -> None:
        """Execute code; an error there is an error here."""
        reply = self.client.execute_interactive(code, timeout=KERNEL_PATIENCE, output_hook=lambda _: None)
        if reply["content"]["status"] != "ok":
            raise AssertionError("\n".join(reply["content"]["traceback"]))

    def value(self, expression: str) -> Any:
        """Return the value of an expression, which has to be JSON-able."""
        reply = self.client.execute_interactive(
            "import json as _json",
            user_expressions={"value": f"_json.dumps({expression})"},
            timeout=KERNEL_PATIENCE,
            output_hook=lambda _: None,
        )
        found = reply["content"]["user_expressions"]["value"]
        if found["status"] != "ok":
            raise AssertionError("\n".join(found["traceback"]))
        text = found["data"]["text/plain"]
        return json.loads(eval(text, {"__builtins__": {}}))  # noqa: S307  # the repr of a string

    def until(self, expression: str, expected: Any, seconds: float = 20) -> None:
        """Wait until an expression has a value."""
        end = time.monotonic() + seconds
        while (found := self.value(expression)) != expected:
            if time.monotonic() > end:
                raise AssertionError(f"{expression} is {found!r}, not {expected!r}")
            time.sleep(0.05)

    def close(self) -> None:
        """Let go of the channels."""
        self.client.stop_channels()
