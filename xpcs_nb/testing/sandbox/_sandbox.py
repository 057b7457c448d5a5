"""The sandbox as a whole: its services behind one address."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from xpcs_nb.errors import FacilityError, OptionError
from xpcs_nb.facility.local import LocalServices
from xpcs_nb.testing.sandbox._actions import SandboxActions
from xpcs_nb.testing.sandbox._attention import Attention
from xpcs_nb.testing.sandbox._auth import AuthService, User
from xpcs_nb.testing.sandbox._collections import Collections
from xpcs_nb.testing.sandbox._compute import ComputeService
from xpcs_nb.testing.sandbox._faults import Faults
from xpcs_nb.testing.sandbox._flows import FlowsService
from xpcs_nb.testing.sandbox._groups import GroupsService
from xpcs_nb.testing.sandbox._https import HttpsService
from xpcs_nb.testing.sandbox._search import SearchService
from xpcs_nb.testing.sandbox._search_index import SearchIndices
from xpcs_nb.testing.sandbox._server import SandboxServer, SeenRequest
from xpcs_nb.testing.sandbox._service import Caller, Service, new_id
from xpcs_nb.testing.sandbox._tokens import Tokens
from xpcs_nb.testing.sandbox._transfer import TransferService

__all__ = ["Sandbox"]

#: Ids are the same in each sandbox, so that site files can name them.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "sandbox.xpcs-nb")
#: s that access tokens of Globus live.
TWO_DAYS = 172800.0


def _id(name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, name))


class Sandbox:
    """A look-alike of the Globus services that flows use, on loopback HTTP.

    It moves real files between the folders that stand for collections, and runs real functions in worker processes;
    the clients of Globus need no change, only the addresses (`environ`, and `compute_url` for the Compute client).

    Parameters
    ----------
    folder
        Where it keeps runs and search entries; one started there again finds the entries.
    collections
        Folder of each collection id.
    workers
        Worker processes of the compute endpoint.
    port
        Port on loopback; 0 takes a free one.
    token_seconds
        How long access tokens live.
    logins
        Whether anybody who can reach it may log in as `user`: other users of this machine can, and so could run
        functions in your name. Without, the client's secret is needed.

    Raises
    ------
    FacilityError
        The port is taken.

    Attributes
    ----------
    client_id, client_secret
        A confidential client, as for `globus_sdk.ClientApp`; new ones each time, since clients keep what they know of
        their flows and functions under its id.
    user
        Who logs in where a browser would be opened; the authorize address redirects at once.
    endpoint_id, index_id, group_id
        The compute endpoint, the search index and the group that are there from the start.
    faults
        Failures of requests to come.
    """

    endpoint_id = _id("endpoint")
    index_id = _id("index")
    group_id = _id("group")
    user = User(_id("user"), "user@sandbox.invalid", "A user of the sandbox")

    def __init__(
        self,
        folder: Path,
        collections: Mapping[str, Path],
        *,
        workers: int = 1,
        port: int = 0,
        token_seconds: float = TWO_DAYS,
        logins: bool = True,
    ) -> None:
        if workers < 1:
            raise OptionError("the sandbox needs a worker", got=workers, expected="workers >= 1")
        self.folder = Path(folder)
        self.collections = {key: Path(root) for key, root in collections.items()}
        self.client_id = new_id()
        self.client_secret = secrets.token_urlsafe(24)
        self.faults = Faults()
        self._places = Collections(self.collections)
        self._tokens = Tokens(token_seconds, self._has_scopes)
        self._services: dict[str, Service] = {}
        try:
            self._server = SandboxServer(port, self._services, self.faults, self._identify)
        except OSError as error:
            raise FacilityError("the sandbox can't have its port", got=port, expected=error.strerror) from error
        self._workers = workers
        self._logins = logins
        self._attention = Attention()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Serve from now on, in threads of this process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        indices = SearchIndices(self.folder / "search.sqlite")
        indices.create("sandbox", "the index of the sandbox", self.index_id)
        clients = {self.client_id: self.client_secret}
        self._auth = AuthService(f"{self.url}/auth", self._tokens, clients, self.user, logins=self._logins)
        self._transfer = TransferService(self._places, f"{self.url}/https")
        self._compute = ComputeService(self.endpoint_id, self._workers)
        search = SearchService(indices, [f"urn:globus:groups:id:{self.group_id}"])
        groups = GroupsService({self.group_id: "sandbox"})
        around = SandboxActions(
            self._places, self._transfer.tasks, self._compute.tasks, self.endpoint_id, indices, self._attention
        )
        self._engine = LocalServices(
            self.folder / "runs", collections=self.collections, workers=1, detached=False, around=around
        )
        self._flows = FlowsService(f"{self.url}/flows", self._engine.flows, self._attention)
        for service in (
            self._auth,
            self._transfer,
            self._compute,
            search,
            groups,
            self._flows,
            HttpsService(self._places),
        ):
            self._services[service.name] = service
        self._server.start()

    def close(self) -> None:
        """Stop serving, and end what runs."""
        self._server.stop()
        self._engine.close()
        for service in self._services.values():
            service.close()

    @staticmethod
    def default_collections(folder: Path) -> dict[str, Path]:
        """Return two collections in a folder: ``beamline`` and ``cluster``."""
        return {_id(f"collection/{name}"): Path(folder) / name for name in ("beamline", "cluster")}

    @property
    def url(self) -> str:
        """The address of all services."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def compute_url(self) -> str:
        """The address for the Compute client, which reads none from the environment."""
        return f"{self.url}/compute"

    @property
    def requests(self) -> list[SeenRequest]:
        """What has come, in order."""
        return list(self._server.seen)

    def environ(self) -> dict[str, str]:
        """Return the environment variables that lead the clients of Globus here, with credentials."""
        names = ("auth", "transfer", "flows", "search", "groups", "compute")
        addresses = {f"GLOBUS_SDK_SERVICE_URL_{name.upper()}": f"{self.url}/{name}/" for name in names}
        credentials = {
            f"{prefix}_CLIENT_{word}": value
            for prefix in ("GLADIER", "GLOBUS_COMPUTE")
            for word, value in (("ID", self.client_id), ("SECRET", self.client_secret))
        }
        return addresses | credentials

    def set_endpoint(self, endpoint_id: str | None = None, *, online: bool = True, paused: bool = False) -> None:
        """Let a collection, or the compute endpoint (None), go offline or come back; `paused` is for collections."""
        if endpoint_id in {None, self.endpoint_id}:
            self._compute.tasks.set_online(online)
        else:
            collection = self._places.get(str(endpoint_id))
            collection.online, collection.paused = online, paused

    def fail_task(self, service: Literal["compute", "transfer"], reason: str = "a fault of the sandbox") -> None:
        """Let the next task of a service fail."""
        tasks = self._compute.tasks if service == "compute" else self._transfer.tasks
        tasks.fail_next(reason)

    def ask_consent(self) -> None:
        """Let the next action of a flow run want a consent: the run is INACTIVE until it is resumed."""
        self._attention.ask()

    def expire_tokens(self) -> None:
        """End all access tokens, as if their time were up; refresh tokens and credentials are still good."""
        self._tokens.expire()

    def add_client(self, client_id: str, client_secret: str) -> None:
        """Make another confidential client known: an identity of its own."""
        self._auth.clients[client_id] = client_secret

    def _identify(self, token: str) -> Caller | None:
        grant = self._tokens.find(token)
        return grant.caller if grant is not None and not grant.refresh else None

    def _has_scopes(self, key: str) -> bool:
        return key in self._places or key in self._flows.flows
