"""One JupyterLab and one Chromium for all tests in a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.harness import Lab, open_lab, why_no_browser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def lab_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab with a browser, for the whole session; screenshots go to XPCS_NB_SCREENSHOTS."""
    reason = why_no_browser()
    if reason is not None:
        (pytest.fail if os.environ.get("XPCS_NB_BROWSER") == "required" else pytest.skip)(reason)
    pictures = os.environ.get("XPCS_NB_SCREENSHOTS")
    folder = Path(pictures) if pictures else tmp_path_factory.mktemp("screenshots")
    with open_lab(tmp_path_factory.mktemp("lab"), folder) as lab:
        yield lab


@pytest.fixture
def lab(lab_session: Lab) -> Iterator[Lab]:
    """The lab; the test fails if a page complained, or asked anyone but the server here."""
    lab_session.outside.clear()
    lab_session.complaints.clear()
    yield lab_session
    assert lab_session.outside == []
    assert lab_session.complaints == []
