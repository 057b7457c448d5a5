"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests in a browser last: what drives it leaves an event loop running in the thread of the tests."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def measured() -> Path:
    """Folder of measured files; not part of the repository, so tests that need it skip where it is missing."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("XPCS_NB_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no measured files in {folder}; set XPCS_NB_DATA to their folder")
    return folder
