"""The clients of the Globus services over one login."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any, Protocol

from globus_compute_sdk import Client
from globus_compute_sdk.serialize import DillCodeSource
from globus_sdk import (
    ComputeClientV2,
    ComputeClientV3,
    FlowsClient,
    GlobusApp,
    SearchClient,
    SpecificFlowClient,
    TransferClient,
)
from globus_sdk.config import get_service_url
from globus_sdk.transport import RequestsTransport

from xpcs_nb.facility.globus._errors import translated
from xpcs_nb.facility.globus._login import scope_requirements
from xpcs_nb.facility.globus._retries import retries_of

__all__ = ["Session"]


class _Closable(Protocol):
    def close(self) -> None: ...


class Session:
    """Makes each client once, and calls them one at a time.

    The SDK's app is not safe for threads, and two threads that find a token expired would both renew it.

    Parameters
    ----------
    app
        The login.
    collections
        Mapped collections that flows read or write.
    compute_url
        Address of the Compute service; None for the SDK's own, which ``GLOBUS_SDK_SERVICE_URL_COMPUTE`` changes.
    retries
        How often a request is repeated after network errors, 429 and 5xx, with growing pauses, or those that the
        service asks for.
    timeout
        Seconds to wait for an answer.
    """

    def __init__(
        self,
        app: GlobusApp,
        *,
        collections: Collection[str] = (),
        compute_url: str | None = None,
        retries: int = 5,
        timeout: float = 60,
    ) -> None:
        self.app = app
        self.collections = tuple(collections)
        self.compute_url = compute_url or get_service_url("compute", app.config.environment)
        self.retries = retries
        #: Id of the function that asks endpoints for their versions, once it is registered.
        self.probe: str | None = None
        self._timeout = timeout
        self._lock = threading.RLock()
        self._open: list[_Closable] = []
        self._flows: dict[str, SpecificFlowClient] = {}
        self._scopes = scope_requirements(collections)

    def __repr__(self) -> str:
        return f"Session({self.app.app_name!r}, client {self.app.client_id})"

    def call[**P, R](self, service: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a client, alone, and raise its errors as ours."""
        with self._lock, translated(service):
            return function(*args, **kwargs)

    @cached_property
    def flows(self) -> FlowsClient:
        """Flows: definitions and runs."""
        return self._made(FlowsClient(app_scopes=self._scopes["flows.globus.org"], **self._options()))

    @cached_property
    def transfer(self) -> TransferClient:
        """Transfer."""
        return self._made(TransferClient(app_scopes=self._scopes["transfer.api.globus.org"], **self._options()))

    @cached_property
    def search(self) -> SearchClient:
        """Search."""
        return self._made(SearchClient(app_scopes=self._scopes["search.api.globus.org"], **self._options()))

    def flow(self, flow_id: str) -> SpecificFlowClient:
        """Return the client that starts and resumes runs of a flow; each flow has a consent of its own."""
        if flow_id not in self._flows:
            client = self._made(SpecificFlowClient(flow_id, **self._options(starts_runs=True)))
            if self.collections:
                client.add_app_transfer_data_access_scope(self.collections)
            self._flows[flow_id] = client
        return self._flows[flow_id]

    def forget(self, flow_id: str) -> None:
        """Ask for the consent of a flow no more: it was deleted, and a login with an unknown scope is refused whole."""
        self._flows.pop(flow_id, None)
        self.app._scope_requirements.pop(flow_id, None)  # noqa: SLF001  # the app can only add

    @cached_property
    def compute(self) -> Client:
        """Compute; functions travel as source."""
        client = Client(
            app=self.app,
            do_version_check=False,
            code_serialization_strategy=DillCodeSource(),  # type: ignore[no-untyped-call]
        )
        # The client reads its address from a table of its own, and takes none; nor does it take our retries.
        web = client._compute_web_client  # noqa: SLF001
        for own in (web.v2, web.v3):
            own.close()
        client.web_service_address = self.compute_url
        web.v2 = self._made(ComputeClientV2(base_url=self.compute_url, **self._options()))
        web.v3 = self._made(ComputeClientV3(base_url=self.compute_url, **self._options()))
        return client

    def close(self) -> None:
        """Close all connections, those of the login too."""
        for client in self._open:
            client.close()
        self.app.close()

    def _made[C: _Closable](self, client: C) -> C:
        self._open.append(client)
        return client

    def _options(self, *, starts_runs: bool = False) -> dict[str, Any]:
        transport = self._made(RequestsTransport(http_timeout=self._timeout))
        return {
            "app": self.app,
            "transport": transport,
            "retry_config": retries_of(self.retries, starts_runs=starts_runs),
        }
