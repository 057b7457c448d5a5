"""``xpcs-nb portal`` as a user types it; what the page shows is tested in a browser."""

import socket
import sys

import pytest
from typer.testing import CliRunner

from xpcs_nb.cli import make_app
from xpcs_nb.errors import FacilityError, MissingExtraError
from xpcs_nb.widgets import portal_page, serve_portal
from xpcs_nb.widgets._portal_server import HOME, SITE, _free_port


def test_without_the_extra_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "voila", None)
    with pytest.raises(MissingExtraError, match=r"xpcs-nb\[portal\]"):
        serve_portal(say=print)


def test_a_site_that_is_not_there_is_said_before_anything_is_served():
    done = CliRunner().invoke(make_app(), ["portal", "--site", "moon", "--no-browser"])
    assert done.exit_code != 0
    assert "no such site" in str(done.exception)
    done = CliRunner().invoke(make_app(), ["portal", "--no-token", "--token", "x"])
    assert done.exit_code == 2


def test_the_next_free_port_is_taken():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert _free_port("127.0.0.1", taken) != taken
    with pytest.raises(FacilityError, match="no free port"):
        _free_port("192.0.2.1", 8866)


def test_a_page_without_a_portal_says_why_as_text(monkeypatch, tmp_path):
    monkeypatch.setenv(SITE, "<b>moon</b>")
    monkeypatch.setenv("XPCS_NB_CONFIG", str(tmp_path))
    shown = portal_page()
    assert type(shown).__name__ == "Textarea"
    assert "no such site: got <b>moon</b>" in shown.value
    monkeypatch.delenv(SITE)
    monkeypatch.setenv(HOME, str(tmp_path / "home"))
    page = portal_page()
    assert page.portal.page()["total"] == 0
    page.portal.facility.close()
    page.close()
