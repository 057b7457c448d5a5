"""One login for all Globus services: client credentials where there are any, else a person."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from globus_sdk import AuthLoginClient, ClientApp, GlobusApp, GlobusAppConfig, OAuthTokenResponse, Scope, UserApp
from globus_sdk.config import get_service_url
from globus_sdk.gare import GlobusAuthorizationParameters
from globus_sdk.login_flows import CommandLineLoginFlowManager
from globus_sdk.scopes import (
    ComputeScopes,
    FlowsScopes,
    GCSCollectionScopes,
    GroupsScopes,
    SearchScopes,
    TransferScopes,
)
from globus_sdk.token_storage import SQLiteTokenStorage

from xpcs_nb.errors import LoginError
from xpcs_nb.facility.globus._errors import translated

__all__ = ["globus_folder", "login", "logout", "scope_requirements"]

#: gladier's own native app, which users of gladier clients have consented to already.
NATIVE_CLIENT_ID = "f1631610-d9e4-4db2-81ba-7f93ad4414e3"

#: Pairs of variables that hold client credentials; the first pair that is set counts.
CREDENTIALS = (
    ("GLADIER_CLIENT_ID", "GLADIER_CLIENT_SECRET"),
    ("GLOBUS_COMPUTE_CLIENT_ID", "GLOBUS_COMPUTE_CLIENT_SECRET"),
)

APP_NAME = "xpcs_nb"

type Ask = Callable[[str], str]


def globus_folder() -> Path:
    """Return the folder of tokens and ids of what was deployed: in ``XPCS_NB_CONFIG``, else in the user's settings."""
    base = os.environ.get("XPCS_NB_CONFIG") or platformdirs.user_config_dir("xpcs_nb", appauthor=False)
    return Path(base) / "globus"


def scope_requirements(collections: Collection[str] = ()) -> dict[str, list[Scope]]:
    """Return what the services need a person to consent to.

    Parameters
    ----------
    collections
        Mapped collections that flows and transfers read or write (not guest collections, which need no such consent).
    """
    transfer = TransferScopes.all
    for collection in collections:
        transfer = transfer.with_dependency(GCSCollectionScopes(collection).data_access.with_optional(True))
    # gladier asks for each of these five by name; `all` would not do.
    flows = [
        FlowsScopes.manage_flows,
        FlowsScopes.view_flows,
        FlowsScopes.run,
        FlowsScopes.run_status,
        FlowsScopes.run_manage,
    ]
    return {
        TransferScopes.resource_server: [transfer],
        FlowsScopes.resource_server: flows,
        SearchScopes.resource_server: [SearchScopes.search, SearchScopes.ingest],
        ComputeScopes.resource_server: [ComputeScopes.all],
        GroupsScopes.resource_server: [GroupsScopes.view_my_groups_and_memberships],
    }


def login(
    *,
    collections: Collection[str] = (),
    ask: Ask | None = None,
    client_id: str | None = None,
    folder: Path | None = None,
    force: bool = False,
) -> GlobusApp:
    """Log in to Globus, or use the login that is there.

    With ``GLADIER_CLIENT_ID`` and ``GLADIER_CLIENT_SECRET`` (or ``GLOBUS_COMPUTE_CLIENT_ID`` and ``..._SECRET``) in the
    environment, these client credentials; else as a person: a link to open and a code to type in, once. The tokens stay
    in the user's settings, readable by the user only, and are renewed as long as they are used.

    Parameters
    ----------
    collections
        Mapped collections whose data are to be read or written.
    ask
        Called with the link, returns the code; None for the terminal's or the notebook's own input.
    client_id
        A native app of one's own, for the login of a person.
    folder
        Where tokens are kept; None for the user's settings.
    force
        Log in anew, though there are tokens: after consents changed.

    Returns
    -------
    globus_sdk.GlobusApp
        What every Globus client takes as ``app``.

    Raises
    ------
    LoginError
        The login failed, or there is nobody to ask: it never waits for input that can't come.
    """
    app = _make_app(collections=collections, ask=ask, client_id=client_id, folder=folder)
    try:
        with translated("Globus Auth"):
            app.login(force=force)
    except BaseException:
        app.close()
        raise
    return app


def logout(*, client_id: str | None = None, folder: Path | None = None) -> None:
    """Revoke and forget the tokens that `login` keeps."""
    app = _make_app(client_id=client_id, folder=folder)
    try:
        with translated("Globus Auth"):
            app.logout(sweep=True)
    finally:
        app.close()


def _make_app(
    *,
    collections: Collection[str] = (),
    ask: Ask | None = None,
    client_id: str | None = None,
    folder: Path | None = None,
) -> GlobusApp:
    credentials = _credentials(os.environ)
    user = credentials[0] if credentials else client_id or NATIVE_CLIENT_ID
    tokens = _TokenFile((folder or globus_folder()) / f"tokens-{user}.db")
    scopes = scope_requirements(collections)
    if credentials:
        return ClientApp(
            APP_NAME,
            client_id=credentials[0],
            client_secret=credentials[1],
            scope_requirements=scopes,
            config=GlobusAppConfig(token_storage=tokens),  # type: ignore[arg-type]  # an object makes it, no class
        )
    config = GlobusAppConfig(
        token_storage=tokens,  # type: ignore[arg-type]
        request_refresh_tokens=True,
        # A consent that turns out to be missing is asked for on the spot.
        auto_redrive_gares=True,
        login_flow_manager=_PersonProvider(ask),  # type: ignore[arg-type]
    )
    return UserApp(APP_NAME, client_id=user, scope_requirements=scopes, config=config)


def _credentials(environment: Mapping[str, str]) -> tuple[str, str] | None:
    for id_name, secret_name in CREDENTIALS:
        client, secret = environment.get(id_name), environment.get(secret_name)
        if client and secret:
            return client, secret
        if client or secret:
            raise LoginError(
                "half of the client credentials is missing",
                where="environment",
                expected=f"{secret_name if client else id_name} beside {id_name if client else secret_name}",
            )
    return None


@dataclass(frozen=True)
class _TokenFile:
    """Makes the token storage: a database of SQLite, which several processes may use at once, for its owner only."""

    path: Path

    def for_globus_app(
        self, *, app_name: str, config: GlobusAppConfig, client_id: object, namespace: str
    ) -> SQLiteTokenStorage:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        storage = SQLiteTokenStorage(
            # Tokens of one Auth service are of no use to another, as to a look-alike for tests.
            self.path,
            namespace=get_service_url("auth", config.environment),
            connect_params={"check_same_thread": False},
        )
        self.path.chmod(0o600)
        return storage


@dataclass(frozen=True)
class _PersonProvider:
    ask: Ask | None

    def for_globus_app(self, *, app_name: str, login_client: AuthLoginClient, config: GlobusAppConfig) -> _Person:
        manager = _Person.for_globus_app(app_name, login_client, config)
        assert isinstance(manager, _Person)  # noqa: S101  # the SDK says less than it does
        manager.ask = self.ask
        return manager


class _Person(CommandLineLoginFlowManager):
    """Asks a person to log in; says what to do where there is nobody to ask."""

    ask: Ask | None = None

    def run_login_flow(self, auth_parameters: GlobusAuthorizationParameters) -> OAuthTokenResponse:
        if self.ask is not None:
            url = self._get_authorize_url(auth_parameters, self.redirect_uri)
            return self.login_client.oauth2_exchange_code_for_tokens(self.ask(url).strip())
        if not _can_ask():
            raise LoginError(
                "a login to Globus is needed, and nobody can be asked for it here",
                hint="Log in once with xpcs_nb.facility.globus.login() in a terminal or notebook on this machine, or"
                " set GLADIER_CLIENT_ID and GLADIER_CLIENT_SECRET to the credentials of a service account.",
            )
        return super().run_login_flow(auth_parameters)


def _can_ask() -> bool:
    """Tell whether ``input()`` gets an answer: in a terminal, and in a notebook that a person runs."""
    if threading.current_thread() is not threading.main_thread():
        return False  # as behind a widget: no cell is there to show a field
    ipython = sys.modules.get("IPython")
    kernel = getattr(ipython.get_ipython(), "kernel", None) if ipython is not None else None
    if kernel is not None:
        # papermill and nbconvert run cells without it.
        return bool(getattr(kernel, "_allow_stdin", False))
    return sys.stdin is not None and sys.stdin.isatty()
