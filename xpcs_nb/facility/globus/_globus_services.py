"""The services of a Globus site."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Self

from globus_sdk import GlobusApp

from xpcs_nb.errors import SiteError
from xpcs_nb.facility.globus._catalogue import GlobusCatalogue
from xpcs_nb.facility.globus._compute import EndpointReport, compute_ready
from xpcs_nb.facility.globus._files import Files
from xpcs_nb.facility.globus._flows import GlobusFlows
from xpcs_nb.facility.globus._gladier import AppLoginManager
from xpcs_nb.facility.globus._login import globus_folder, login
from xpcs_nb.facility.globus._session import Session

__all__ = ["GlobusServices"]


class GlobusServices:
    """Implements `xpcs_nb.facility.Services` with the clients of Globus.

    Parameters
    ----------
    collections
        Collections of this machine by id, with the folder that each shows as ``/``: files are transferred to them.
    compute_endpoint, login_endpoint
        Endpoints for the heavy and the light work.
    index
        Index of Globus Search that holds the records; None if the site has none.
    app
        The login; None for `login` with the site's `mapped` collections.
    mapped
        Mapped collections that flows read or write: they need a consent each.
    group, subscription
        Group that may see and run flows; subscription that flows belong to.
    compute_url
        Address of the Compute service, where it is not the usual one.
    folder
        Where ids of what was deployed are kept; None for the user's settings.
    retries, timeout
        How often a request is repeated after network errors, 429 and 5xx; seconds to wait for an answer.

    Examples
    --------
    >>> services = GlobusServices({}, endpoint, endpoint, index)
    >>> services.flows.list(limit=10)
    """

    def __init__(
        self,
        collections: Mapping[str, Path],
        compute_endpoint: str,
        login_endpoint: str,
        index: str | None,
        *,
        app: GlobusApp | None = None,
        mapped: Collection[str] = (),
        group: str | None = None,
        subscription: str | None = None,
        compute_url: str | None = None,
        folder: Path | None = None,
        retries: int = 5,
        timeout: float = 60,
    ) -> None:
        self.compute_endpoint = compute_endpoint
        self.login_endpoint = login_endpoint
        self._session = Session(
            app or login(collections=mapped),
            collections=mapped,
            compute_url=compute_url,
            retries=retries,
            timeout=timeout,
        )
        self._flows = GlobusFlows(self._session, folder or globus_folder(), group=group, subscription=subscription)
        self._catalogue = GlobusCatalogue(self._session, index) if index else None
        self._files = Files(self._session, collections)

    def __repr__(self) -> str:
        return f"GlobusServices(client {self._session.app.client_id}, endpoint {self.compute_endpoint})"

    @property
    def flows(self) -> GlobusFlows:
        """Flow runs."""
        return self._flows

    @property
    def catalogue(self) -> GlobusCatalogue:
        """Published records.

        Raises
        ------
        SiteError
            The site has no index.
        """
        if self._catalogue is None:
            raise SiteError("this site has no catalogue", expected="the id of an index of Globus Search")
        return self._catalogue

    @property
    def login_manager(self) -> AppLoginManager:
        """What gives this login to a gladier client: ``MyClient(login_manager=services.login_manager)``."""
        return AppLoginManager(self._session.app)

    def fetch(self, url: str, folder: Path, *, size: int | None = None, sha256: str | None = None) -> Path:
        """Bring the file at `url` into `folder`; resumed and checked.

        ``globus://COLLECTION/path`` comes by Transfer if `folder` lies in a collection of this machine, else from the
        HTTPS server of the collection.

        Raises
        ------
        MissingFileError, CorruptDataError, WriteError
            There is no such file, it is not the one announced, or the disk does not take it.
        FacilityError, LoginError
            A service refused.
        """
        return self._files.fetch(url, folder, size=size, sha256=sha256)

    def compute_ready(
        self, endpoint: str | None = None, packages: Collection[str] = ("xpcs-nb",), *, timeout: float = 120
    ) -> EndpointReport:
        """Check an endpoint (None for ``compute_endpoint``) before work is sent there.

        Raises
        ------
        FacilityError
            It is offline, no worker answered in time, or workers can't run our functions.
        """
        return compute_ready(self._session, endpoint or self.compute_endpoint, packages, timeout=timeout)

    def close(self) -> None:
        """Let go of connections, those of the login too; runs go on."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
