"""Waiting for what a service does in the background."""

from __future__ import annotations

from collections.abc import Callable

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_exponential, wait_random

from xpcs_nb.errors import FacilityError

__all__ = ["poll"]

#: Seconds between two looks, at most: all services together answer a few requests a second.
LONGEST = 30.0


def poll[R](look: Callable[[], R | None], timeout: float, late: str, *, first: float = 0.5) -> R:
    """Call `look` until it returns something, with pauses that grow from `first` seconds.

    Raises
    ------
    FacilityError
        Nothing came for `timeout` seconds; `late` says what is wrong then.
    """
    attempts = Retrying(
        retry=retry_if_result(lambda found: found is None),
        wait=wait_exponential(multiplier=first, exp_base=1.6, max=LONGEST) + wait_random(0, first / 2),
        stop=stop_after_delay(timeout),
    )
    try:
        found = attempts(look)
    except RetryError as error:
        raise FacilityError(late, expected=f"within {timeout:g} s", hint="Look again later.") from error
    assert found is not None  # noqa: S101  # retry_if_result
    return found
