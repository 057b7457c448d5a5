"""The portal in JupyterLab and as a web page: what a user clicks through."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.harness import NOTEBOOKS_EXTENSION, PATIENCE, Lab, private_environment
from tests.portal.conftest import made_up
from xpcs_nb.flows import connect
from xpcs_nb.testing import Measurement, simulate_measurement

CELL = """
from xpcs_nb.flows import connect
from xpcs_nb.widgets import browse
facility = connect(home={home!r}, workers=1, detached=False)
portal = browse(facility)
portal
"""
#: Milliseconds that a run may take.
RUN = 600_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Measurement]]:
    """A home folder with two processed datasets, and 65 made-up records, some of them ill."""
    folder = tmp_path_factory.mktemp("portal")
    published = folder / "made_up"
    published.mkdir()
    measured = [
        simulate_measurement(folder / name, shape=(64, 64), n_frames=100, n_dynamic=3, n_static=6, seed=seed, name=name)
        for seed, name in enumerate(("R001_first", "R002_second"))
    ]
    with connect(home=folder / "home", workers=1, detached=False) as facility:
        facility.services.catalogue.ingest_many(made_up(published))
        for each in measured:
            facility.process(each.raw, each.qmap, experiment="lab2026").wait(300, progress=False)
    return folder / "home", measured


def search(page: Page, text: str, found: str) -> None:
    page.fill(".xnp-text", text)
    page.press(".xnp-text", "Enter")
    page.wait_for_selector(f".xnp-heading [role=status]:text-is('{found}')")


@pytest.mark.timeout(1800)
def test_in_jupyterlab(lab: Lab, home: tuple[Path, list[Measurement]]) -> None:
    folder, _ = home
    book = lab.open("portal", [CELL.format(home=str(folder))])
    book.run_all()
    page = book.page
    book.bring(".xnp-card")
    page.wait_for_function("document.querySelectorAll('.xnp-picture img').length > 5")
    book.picture("portal_list")

    # Facets narrow, with counts; pages turn; the table has the same records.
    page.click(".xnp-facet[data-key=sample] label:has-text('latex')")
    page.wait_for_selector(".xnp-heading [role=status]:text-is('20 records, 1 to 20')")
    assert page.locator(".xnp-facet[data-key=sample] label:has-text('aerogel') .xnp-count").inner_text() == "20"
    page.click(".xnp-chip")
    page.wait_for_selector(".xnp-heading [role=status]:text-is('67 records, 1 to 24')")
    page.click(".xnp-pager button[title=Next] >> nth=0")
    page.wait_for_selector(".xnp-heading [role=status]:text-is('67 records, 25 to 48')")
    page.click(".xnp-view")
    page.wait_for_selector(".xnp-table tbody tr >> nth=23")
    book.picture("portal_table")
    page.click(".xnp-view")
    search(page, "nowhere at all", "No records")
    book.picture("portal_nothing")

    # What others wrote is text.
    search(page, "onerror", "1 record")
    page.click(".xnp-open")
    page.wait_for_selector(".xnp-tabs")
    page.click(".xnp-tabs >> text=Metadata")
    page.click(".xnp-tabs >> text=Files")
    assert [each.get_attribute("href") for each in page.locator(".xnp-files a").all()] == [
        "https://example.org/a.png",
        "https://example.org/b.png",
    ]
    book.picture("portal_hostile")
    assert page.evaluate("window.hurt") is None
    page.click("text=‹ Back")

    # A record whose file is gone says so.
    search(page, '"files are gone"', "1 record")
    page.click(".xnp-open")
    page.click(".xnp-tabs >> text=Plots")
    page.wait_for_selector(".xnp-plot:has-text('no such file')")
    page.click("text=‹ Back")

    # One record: plots, logs, history, download.
    search(page, "R00*", "2 records, 1 to 2")
    page.click(".xnp-card:has-text('R001_first') .xnp-open")
    page.wait_for_function("document.querySelectorAll('.xnp-plot img').length >= 6")
    book.picture("portal_detail")
    page.click("figure:has-text('rates.png') >> text=hide")
    page.wait_for_selector(".xnp-chip:has-text('rates.png')")
    page.click(".xnp-tabs >> text=Files")
    with page.expect_download() as download:
        page.click("tr:has-text('R001_first_results.hdf') >> text=Download")
    kept = Path(str(download.value.path()))
    published = next((folder / "published").rglob("R001_first_results.hdf"))
    assert kept.read_bytes() == published.read_bytes()
    page.click(".xnp-tabs >> text=Logs")
    page.wait_for_selector(".xnp-log:has-text('FlowSucceeded')")
    page.click("text=‹ Back")

    # Two are selected and compared.
    for name in ("R001_first", "R002_second"):
        page.check(f".xnp-card:has-text('{name}') .xnp-tick")
    book.kernel.until("len(portal.selected)", 2)
    book.picture("portal_selected")
    page.click(".xnp-selection >> text=Compare")
    page.wait_for_selector(".xnp-figure img", timeout=PATIENCE)
    book.picture("portal_compared")
    page.click("text=‹ Back")

    # They are averaged with limits that are typed in.
    page.click(".xnp-selection >> text=Average…")
    page.fill("input[aria-label='Highest baseline']", "0.5")
    book.picture("portal_averaging")
    page.click(".xnp-form .xnp-start")
    page.wait_for_selector(".xnp-fault:has-text('no repeat is left to average')", timeout=PATIENCE)
    page.fill("input[aria-label='Highest baseline']", "")
    page.click(".xnp-form .xnp-start")
    page.wait_for_selector(".xnp-log:has-text('average of 2')", timeout=PATIENCE)
    page.click("text=‹ Back")
    page.click("text=‹ Back")

    # Reprocess with a qmap drawn just now.
    page.click(".xnp-selection >> text=Reprocess…")
    page.click(".xnp-draw")
    page.wait_for_selector(".xnb-editor", timeout=PATIENCE)
    book.kernel.until("portal.editor is not None", True)
    book.picture("portal_drawing")
    page.click("text=‹ Back")
    book.kernel.until("portal.editor is None", True)
    book.close()


@contextmanager
def served(home: Path, settings: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start ``xpcs-nb portal``, and give its process and address."""
    command = [sys.executable, "-m", "xpcs_nb", "portal", "--home", str(home), "--no-browser", "--port", "0"]
    environment = private_environment(settings / "home") | {"XPCS_NB_CONFIG": str(settings / "config")}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        # What a background job inherits is to ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


@pytest.mark.timeout(1800)
def test_as_a_web_page(lab: Lab, home: tuple[Path, list[Measurement]], tmp_path: Path) -> None:
    folder, measured = home
    with served(folder, tmp_path) as (process, address):
        page = lab.context.new_page()
        page.on("console", lab._said)
        page.on("pageerror", lambda error: lab.complaints.append(str(error)))
        # Nobody gets in without the token.
        page.goto(address.partition("?")[0], timeout=PATIENCE)
        assert "/login" in page.url
        page.goto(address, timeout=2 * PATIENCE)
        page.wait_for_selector(".xnp-card", timeout=2 * PATIENCE)
        page.screenshot(path=str(lab.pictures / "portal_web.png"))

        # Reprocess with a qmap of choice and a suffix; what is missing is said first.
        search(page, "R001*", "1 record")
        page.click(".xnp-open")
        page.click(".xnp-actions >> text=Reprocess…")
        page.click(".xnp-start")
        page.wait_for_selector(".xnp-said .xnp-error:has-text('suffix')")
        page.fill(".xnp-path", str(measured[0].qmap))
        page.fill(".xnp-suffix", "wedge")
        page.click(".xnp-start")
        page.wait_for_selector(".xnp-run:has-text('R001_first_wedge') .xnp-progress", timeout=PATIENCE)
        page.screenshot(path=str(lab.pictures / "portal_web_running.png"))
        page.wait_for_selector(".xnp-run:has-text('R001_first_wedge') .xnp-succeeded", timeout=RUN)

        # Another one is cancelled, and retried.
        page.click("text=‹ Back")
        page.click(".xnp-actions >> text=Reprocess…")
        page.fill(".xnp-path", str(measured[0].qmap))
        page.fill(".xnp-suffix", "again")
        page.click(".xnp-start")
        page.click(".xnp-run:has-text('R001_first_again') >> text=Cancel", timeout=PATIENCE)
        page.wait_for_selector(".xnp-run:has-text('R001_first_again') .xnp-ended", timeout=RUN)
        page.click(".xnp-run:has-text('R001_first_again') >> text=Retry")
        page.wait_for_selector(".xnp-run:has-text('R001_first_again') .xnp-succeeded", timeout=RUN)
        page.screenshot(path=str(lab.pictures / "portal_web_runs.png"))
        page.close()
    assert process.returncode == 0
    lab.forget_complaints(NOTEBOOKS_EXTENSION)
