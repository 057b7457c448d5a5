from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from xpcs_nb.facility.globus import GlobusServices
from xpcs_nb.testing import Sandbox

HERE = "22222222-2222-4222-8222-222222222222"

type Make = Callable[..., GlobusServices]


@pytest.fixture
def make(sandbox: Sandbox) -> Iterator[Make]:
    """Make services of a machine with one collection of its own."""
    with ExitStack() as stack:

        def make_one(**options: Any) -> GlobusServices:
            places = {HERE: sandbox.collections[HERE]}
            ids = (sandbox.endpoint_id, sandbox.endpoint_id, sandbox.index_id)
            return stack.enter_context(GlobusServices(places, *ids, **options))

        yield make_one


@pytest.fixture
def services(make: Make) -> GlobusServices:
    return make()


@pytest.fixture
def count(sandbox: Sandbox) -> Callable[[str, str], int]:
    """Count requests to a service whose method and path have a word in them, since the test began."""
    start = len(sandbox.requests)

    def count_of(service: str, word: str) -> int:
        came = sandbox.requests[start:]
        return sum(word in f"{one.method} {one.path}" for one in came if one.service == service)

    return count_of
