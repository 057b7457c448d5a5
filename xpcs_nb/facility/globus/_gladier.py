"""gladier over the login and the clients that are there: flows and functions are deployed as gladier clients do."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gladier import GladierBaseTool, GladierClient
from gladier.managers import ComputeManager, FlowsManager
from gladier.managers.login_manager import BaseLoginManager
from globus_compute_sdk import Client
from globus_sdk import FlowsClient, GlobusAPIError, GlobusApp, Scope, SpecificFlowClient
from globus_sdk.authorizers import GlobusAuthorizer

from xpcs_nb.facility.globus._login import scope_requirements
from xpcs_nb.facility.globus._session import Session

__all__ = ["AppLoginManager", "deploy"]


class AppLoginManager(BaseLoginManager):  # type: ignore[misc]  # gladier has no types
    """Lets a gladier client use the login of an app: ``MyClient(login_manager=AppLoginManager(app))``.

    Parameters
    ----------
    app
        What `xpcs_nb.facility.globus.login` returned.
    """

    def __init__(self, app: GlobusApp) -> None:
        super().__init__()
        self.globus_app = app

    def get_authorizers(self) -> Mapping[str, GlobusAuthorizer]:
        """Return the authorizer of each scope that the app holds."""
        app = self.globus_app
        return {
            scope.scope_string: app.get_authorizer(server)
            for server, scopes in app.scope_requirements.items()
            for scope in scopes
        }

    def login(self, scopes: Iterable[str | Scope]) -> None:
        """Log in for more scopes, as those of a flow that was deployed just now."""
        self.globus_app.add_scope_requirements({_server(str(scope)): [str(scope)] for scope in scopes})
        self.globus_app.login(force=True)


def _server(scope: str) -> str:
    """Return the resource server of a scope: of a service that we use, or of a flow, which is a server of its own."""
    for server, scopes in scope_requirements().items():
        if scope in {known.scope_string for known in scopes}:
            return server
    return urlsplit(scope).path.removeprefix("/scopes/").partition("/")[0]


class _Flows(FlowsManager):  # type: ignore[misc]
    """gladier's manager, with our clients: its own know neither our login nor our retries."""

    def __init__(self, session: Session, **options: Any) -> None:
        super().__init__(**options)
        self._session = session

    @property
    def flows_client(self) -> FlowsClient:
        return self._session.flows

    @property
    def specific_flow_client(self) -> SpecificFlowClient:
        return self._session.flow(self.get_flow_id())


class _Functions(ComputeManager):  # type: ignore[misc]
    """gladier's manager, with our client: its own makes one anew at each access, with an address of its own."""

    def __init__(self, session: Session, **options: Any) -> None:
        super().__init__(**options)
        self._session = session

    @property
    def compute_client(self) -> Client:
        return self._session.compute


def deploy(
    session: Session,
    title: str,
    definition: Mapping[str, Any],
    functions: Iterable[Callable[..., Any]],
    *,
    folder: Path,
    group: str | None = None,
    subscription: str | None = None,
) -> tuple[str, dict[str, str]]:
    """Deploy a definition and its functions; what is there unchanged is left alone.

    gladier remembers ids and checksums in a file of `folder`, one section for each title.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = folder / f"deployed-{session.app.client_id}.cfg"
    with _alone(store.with_suffix(".lock")):
        client = _client(session, title, definition, functions, store, group, subscription)
        ids: dict[str, str] = client.get_compute_function_ids()
        flows = client.flows_manager
        known = flows.get_flow_id()
        unchanged = known is not None
        flows.flow_definition = client.get_flow_definition()
        if unchanged and not flows.flow_changed() and not _exists(session.flows, known):
            flows.purge_flow()
            session.forget(known)
        # register_flow returns no id of a flow that it made.
        flows.sync_flow()
        return str(flows.get_flow_id()), ids


def _client(
    session: Session,
    title: str,
    definition: Mapping[str, Any],
    functions: Iterable[Callable[..., Any]],
    store: Path,
    group: str | None,
    subscription: str | None,
) -> GladierClient:
    """Make a gladier client for one title; its class name is its section of the file."""
    place = f"{session.flows.base_url} {session.compute_url} {title}"
    name = f"Flow{hashlib.sha256(place.encode()).hexdigest()[:16]}"
    calls = list(functions)
    tools = [type("Functions", (GladierBaseTool,), {"compute_functions": calls})] if calls else []
    fields = {"gladier_tools": tools, "secret_config_filename": str(store), "globus_group": group}
    kind = type(name, (GladierClient,), fields)
    client = kind(
        dict(definition),
        login_manager=AppLoginManager(session.app),
        flows_manager=_Flows(session, flow_title=title, subscription_id=subscription, globus_group=group),
    )
    client.compute_manager = _Functions(
        session, storage=client.storage, login_manager=client.login_manager, group=group
    )
    return client


def _exists(flows: FlowsClient, flow_id: str) -> bool:
    """Tell whether a flow that was deployed once is still there; gladier notices only when it runs."""
    try:
        flows.get_flow(flow_id)
    except GlobusAPIError as error:
        if error.http_status == 404:
            return False
        raise
    return True


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock file: gladier rewrites its file without one, and two at once would deploy twice."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
