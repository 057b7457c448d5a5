from __future__ import annotations

import io
import logging
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from globus_sdk import ClientApp, UserApp

from xpcs_nb.errors import LoginError
from xpcs_nb.facility.globus import globus_folder, login, logout
from xpcs_nb.testing import Sandbox


def follow(url: str) -> str:
    """Do what a person does with the link: log in, and copy the code."""
    return requests.get(url, timeout=10).text


@pytest.fixture
def person(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    for name in sandbox.environ():
        if "CLIENT" in name:
            monkeypatch.delenv(name)
    return sandbox


def test_client_credentials_are_used_where_they_are_set(sandbox: Sandbox) -> None:
    with login() as app:
        assert isinstance(app, ClientApp)
        assert str(app.client_id) == sandbox.client_id
        assert app.get_authorizer("flows.globus.org").get_authorization_header().startswith("Bearer ")


def test_a_person_follows_a_link_and_types_a_code_once(person: Sandbox) -> None:
    asked = []

    def ask(url: str) -> str:
        asked.append(url)
        return follow(url)

    with login(ask=ask) as app:
        assert isinstance(app, UserApp)
    # No terminal here: it would be refused if it had to ask again.
    with login():
        pass
    assert len(asked) == 1
    assert "access_type=offline" in asked[0]


def test_without_anybody_to_ask_the_login_fails_at_once(person: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(LoginError, match="GLADIER_CLIENT_SECRET"):
        login()


def test_a_wrong_code_or_secret_is_a_login_error(person: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LoginError, match="invalid_grant"):
        login(ask=lambda _: "not-the-code")
    monkeypatch.setenv("GLADIER_CLIENT_ID", person.client_id)
    with pytest.raises(LoginError, match="GLADIER_CLIENT_SECRET"):
        login()
    monkeypatch.setenv("GLADIER_CLIENT_SECRET", "wrong")
    with pytest.raises(LoginError, match="Check GLADIER_CLIENT_ID"):
        login()


def test_tokens_are_for_their_owner_only_and_go_with_logout(person: Sandbox) -> None:
    with login(ask=follow) as app:
        token = app.get_authorizer("search.api.globus.org").get_authorization_header()
    (store,) = globus_folder().glob("tokens-*")
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    assert stat.S_IMODE(globus_folder().stat().st_mode) == 0o700
    start = len(person.requests)
    logout()
    assert sum("revoke" in request.path for request in person.requests[start:]) >= 5
    assert token.removeprefix("Bearer ").encode() not in store.read_bytes()
    with pytest.raises(LoginError):
        login()


def test_secret_and_tokens_show_up_nowhere_but_in_the_store(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    with login() as app:
        header = app.get_authorizer("transfer.api.globus.org").get_authorization_header()
        shown = f"{app!r} {app.config!r} {app.scope_requirements!r}"
    token = header.removeprefix("Bearer ")
    for secret in (token, sandbox.client_secret):
        assert secret not in caplog.text
        assert secret not in shown
    holders = [path for path in tmp_path.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]
    assert holders == list(globus_folder().glob("tokens-*.db"))
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and sandbox.client_secret.encode() in p.read_bytes()]


def test_a_notebook_that_runs_in_batch_is_not_asked(person: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    class Shell:
        class kernel:  # noqa: N801
            _allow_stdin = False

    class IPython:
        @staticmethod
        def get_ipython() -> type[Shell]:
            return Shell

    monkeypatch.setitem(sys.modules, "IPython", IPython)  # type: ignore[arg-type]
    with pytest.raises(LoginError, match="nobody can be asked"):
        login()
    answers = []
    Shell.kernel._allow_stdin = True
    monkeypatch.setattr("builtins.input", lambda _: answers.append("code") or "wrong")
    with pytest.raises(LoginError, match="refused"):
        login()
    assert answers == ["code"]
    # Behind a widget there is no field to type into.
    with ThreadPoolExecutor(1) as pool, pytest.raises(LoginError, match="nobody can be asked"):
        pool.submit(login).result()
