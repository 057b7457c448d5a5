"""What the browser asks of the portal, and how the answers get back without holding up the kernel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from xpcs_nb.errors import OptionError, XpcsError

__all__ = ["Answer", "Caller", "Later", "Said"]

log = logging.getLogger(__name__)

type Said = Callable[[str], None]


@dataclass(frozen=True)
class Answer:
    """What goes to the browser.

    Attributes
    ----------
    value
        Anything that JSON has.
    buffers
        Bytes, beside it.
    """

    value: Any = None
    buffers: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Later:
    """Work on what was prepared in a thread that belongs into the main one: figures and widgets."""

    work: Callable[[], Answer]


type Call = Callable[..., Answer | Later]


class Caller:
    """Carries out calls of a browser: in threads where there is an event loop to come back to, else at once.

    Parameters
    ----------
    calls
        By name. Each takes its arguments by name, and ``say`` where it is in `talking`.
    send
        Called in the main thread with a message and its buffers.
    at_once
        Names of calls that are so quick that a thread is not worth it.
    talking
        Names of calls that tell how far they are.
    """

    def __init__(
        self,
        calls: Mapping[str, Call],
        send: Callable[[dict[str, Any], list[bytes]], None],
        *,
        at_once: set[str],
        talking: set[str],
    ) -> None:
        self._calls, self._send = calls, send
        self._at_once, self._talking = at_once, talking
        self._pool = ThreadPoolExecutor(3, thread_name_prefix="portal")

    def close(self) -> None:
        """Drop what has not begun."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def __call__(self, message: Mapping[str, Any]) -> None:
        """Carry out one call: ``{"id": ..., "call": name, "args": {...}}``."""
        name, number = message.get("call"), message.get("id")
        loop = _running_loop()

        def tell(text: str) -> None:
            told = {"id": number, "progress": text}
            if loop is None:
                self._send(told, [])
            else:
                loop.call_soon_threadsafe(self._send, told, [])

        def work() -> Answer | Later:
            call = self._calls.get(str(name))
            if call is None:
                raise OptionError("the portal has no such call", got=repr(name))
            arguments = dict(message.get("args") or {})
            return call(**arguments, say=tell) if name in self._talking else call(**arguments)

        if loop is None or name in self._at_once:
            self._finish(number, _settled(work))
            return
        future = self._pool.submit(work)
        future.add_done_callback(lambda done: loop.call_soon_threadsafe(self._finish, number, done))

    def _finish(self, number: Any, done: Future[Answer | Later]) -> None:
        if done.cancelled():
            return
        error = done.exception()
        result = None if error is not None else done.result()
        if isinstance(result, Later):
            return self._finish(number, _settled(result.work))
        if error is not None:
            self._refuse(number, error)
        elif isinstance(result, Answer):
            self._send({"id": number, "ok": True, "value": result.value}, list(result.buffers))
        return None

    def _refuse(self, number: Any, error: BaseException) -> None:
        text = str(error)
        if not isinstance(error, XpcsError | OSError | ValueError | TimeoutError):
            log.error("a call of the portal failed", exc_info=error)
            text = f"{type(error).__name__}: {error}"
        self._send({"id": number, "ok": False, "error": text, "kind": type(error).__name__}, [])


def _settled(work: Callable[[], Answer | Later]) -> Future[Answer | Later]:
    future: Future[Answer | Later] = Future()
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001  # the browser shows it, and it is logged where it is none of ours
        future.set_exception(error)
    return future


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
