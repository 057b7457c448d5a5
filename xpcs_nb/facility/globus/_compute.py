"""Whether an endpoint of Globus Compute can do the work, before the work is sent."""

from __future__ import annotations

import platform
from collections.abc import Collection
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from globus_compute_sdk.errors import TaskExecutionFailed

from xpcs_nb.errors import FacilityError
from xpcs_nb.facility.globus._session import Session
from xpcs_nb.facility.globus._waiting import poll

__all__ = ["EndpointReport", "compute_ready"]

SERVICE = "Globus Compute"


@dataclass(frozen=True)
class EndpointReport:
    """What was found at an endpoint.

    Attributes
    ----------
    endpoint
        Its id.
    python
        Version of Python of its workers.
    packages
        Versions of packages of its workers; None for one that is not installed.
    differences
        What is not as here, each as a sentence; empty if all is well.
    """

    endpoint: str
    python: str
    packages: dict[str, str | None] = field(default_factory=dict)
    differences: tuple[str, ...] = ()

    def __str__(self) -> str:
        found = "; ".join(self.differences) or "as on this machine"
        return f"endpoint {self.endpoint}, Python {self.python}: {found}"


def compute_ready(
    session: Session, endpoint: str, packages: Collection[str] = ("xpcs-nb",), *, timeout: float = 120
) -> EndpointReport:
    """Ask an endpoint for its state and, through one of its workers, for its versions.

    Parameters
    ----------
    packages
        Packages that the work needs there.
    timeout
        Seconds to wait for a worker; at an endpoint that must queue for one this is a matter of the queue.

    Raises
    ------
    FacilityError
        The endpoint is offline, no worker answered, or it can't run our functions at all.
    """
    client = session.compute
    state = session.call(SERVICE, client.get_endpoint_status, endpoint).get("status")
    if state != "online":
        raise FacilityError(
            "the compute endpoint is offline",
            where=endpoint,
            got=state,
            expected="online",
            hint="Start it with globus-compute-endpoint start, or ask its operators.",
        )
    if session.probe is None:
        session.probe = session.call(SERVICE, client.register_function, _versions)
    task = session.call(SERVICE, client.run, sorted(packages), endpoint_id=endpoint, function_id=session.probe)

    def look() -> dict[str, Any] | None:
        try:
            found = session.call(SERVICE, client.get_task, task)
        except TaskExecutionFailed as error:
            raise FacilityError(
                "a worker of the endpoint can't run our functions",
                where=endpoint,
                got=str(error),
                hint="Compare its versions of Python and globus-compute-endpoint with those here.",
            ) from error
        return None if found.get("pending", True) else found["result"]

    found = poll(look, timeout, f"no worker of endpoint {endpoint} answered")
    return EndpointReport(endpoint, found["python"], found["packages"], tuple(_differences(found)))


def _versions(packages: list[str]) -> dict[str, object]:
    # Travels as source: all that it needs is inside.
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str | None] = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return {"python": platform.python_version(), "packages": found}


def _differences(found: dict[str, Any]) -> list[str]:
    differences = []
    here, there = platform.python_version(), found["python"]
    if here.split(".")[:2] != there.split(".")[:2]:
        differences.append(f"Python {there} there, {here} here: results of workers may not be readable")
    for name, installed in found["packages"].items():
        own = _installed(name)
        if installed is None:
            differences.append(f"{name} is not installed there")
        elif own is not None and installed != own:
            differences.append(f"{name} {installed} there, {own} here")
    return differences


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
