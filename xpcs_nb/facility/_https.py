"""Downloads over HTTPS that go on where they broke off, and are checked."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random
from tenacity.wait import wait_base

from xpcs_nb.errors import CorruptDataError, FacilityError, LoginError, MissingFileError, WriteError

__all__ = ["download", "sha256_of"]

#: Bytes read at once; so many may be lost when a connection breaks.
BLOCK = 1 << 16

#: Longest pause that a server may ask for, in seconds.
LONGEST_SLEEP = 120.0


class _AgainError(Exception):
    """The transfer broke off, and may go on."""

    def __init__(self, problem: str, wait: float = 0) -> None:
        super().__init__(problem)
        self.wait = wait


class _Patience(wait_base):
    """Growing pauses, or as long as the server asks for."""

    def __call__(self, retry_state: object) -> float:
        error = retry_state.outcome.exception()  # type: ignore[attr-defined]
        growing = (wait_exponential(multiplier=0.5, max=30) + wait_random(0, 0.25))(retry_state)  # type: ignore[arg-type]
        return max(growing, min(getattr(error, "wait", 0), LONGEST_SLEEP))


def download(
    url: str,
    target: Path,
    *,
    authorization: Callable[[], str | None] = lambda: None,
    size: int | None = None,
    sha256: str | None = None,
    attempts: int = 6,
    timeout: float = 60,
) -> Path:
    """Bring a file to `target`, which appears when it is complete and right.

    What arrived of a broken download stays beside it and is not asked for again, if `sha256` is known to judge the
    whole by.

    Parameters
    ----------
    authorization
        Returns the header for the server of `url`, or None.
    size, sha256
        What the file should have.
    attempts
        How often the connection may break.
    timeout
        Seconds without any data after which it is taken as broken.

    Raises
    ------
    MissingFileError, LoginError, FacilityError
        The server has no such file, does not give it, or can't be reached.
    CorruptDataError
        What arrived is not what was announced.
    WriteError
        The disk does not take it.
    """
    if sha256 is not None and target.is_file() and sha256_of(target) == sha256:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{(sha256 or f'{os.getpid()}')[:16]}.part")
    if sha256 is None:
        part.unlink(missing_ok=True)
    retrying = Retrying(
        retry=retry_if_exception_type(_AgainError), wait=_Patience(), stop=stop_after_attempt(attempts), reraise=True
    )
    try:
        retrying(_receive, url, part, authorization, timeout)
        _check(part, target, size, sha256)
        part.replace(target)
    except _AgainError as error:
        raise FacilityError(
            "the download broke off", path=target, where=url, got=str(error), hint="Call again: it goes on from here."
        ) from error
    except OSError as error:
        if error.__class__.__module__.startswith("xpcs_nb."):
            raise
        raise WriteError(f"the download can't be written: {error.strerror}", path=target) from error
    finally:
        if sha256 is None:
            part.unlink(missing_ok=True)
    return target


def sha256_of(path: Path) -> str:
    """Return the checksum of a file, as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check(part: Path, target: Path, size: int | None, sha256: str | None) -> None:
    arrived = part.stat().st_size
    if size is not None and arrived != size:
        part.unlink()
        raise CorruptDataError("the file has another size than announced", path=target, got=arrived, expected=size)
    if sha256 is not None and (found := sha256_of(part)) != sha256:
        part.unlink()
        raise CorruptDataError("the file is not the one that was published", path=target, got=found, expected=sha256)


def _receive(url: str, part: Path, authorization: Callable[[], str | None], timeout: float) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    if header := authorization():
        headers["Authorization"] = header
    try:
        with requests.get(url, headers=headers, stream=True, timeout=timeout) as answer:
            if answer.status_code == 416:
                _after_the_end(part, answer)
                return
            _judge(url, answer)
            with part.open("ab" if answer.status_code == 206 else "wb") as stream:
                _write(answer, stream)
    except requests.RequestException as error:
        raise _AgainError(f"{type(error).__name__}: {error}") from error


def _after_the_end(part: Path, answer: requests.Response) -> None:
    """Take the part as the whole if the server says so; else begin anew."""
    total = re.fullmatch(r"bytes \*/(\d+)", answer.headers.get("Content-Range", ""))
    if total is None or int(total[1]) != part.stat().st_size:
        part.unlink()
        raise _AgainError("the file has changed since the download began")


def _judge(url: str, answer: requests.Response) -> None:
    status = answer.status_code
    if status in {200, 206}:
        return
    got = f"{status} {answer.reason}"
    if status in {404, 410}:
        raise MissingFileError("the server has no such file", path=url, got=got)
    if status in {401, 403}:
        raise LoginError(
            "the server does not give this file to you", where=url, got=got, hint="Log in, or ask its owner for access."
        )
    if status == 429 or status >= 500:
        after = answer.headers.get("Retry-After", "")
        raise _AgainError(got, float(after) if after.isdecimal() else 0)
    raise FacilityError("the server refused the request", where=url, got=got)


def _write(answer: requests.Response, stream: BinaryIO) -> None:
    expected = answer.headers.get("Content-Length")
    written = 0
    for block in answer.iter_content(BLOCK):
        written += stream.write(block)
    if expected is not None and written != int(expected):
        raise _AgainError(f"{written} bytes of {expected} came")
