"""What a facility offers, wherever it is: flow runs, functions, files, and a catalogue.

Documents have the shape that Globus Flows gives them, so that what reads a run here reads one there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NotRequired, Protocol, TypedDict

if TYPE_CHECKING:
    # An engine and its workers start in a fraction of the time that the records' models take to import.
    from xpcs_nb.catalog import Record, SearchResult

__all__ = [
    "Catalogue",
    "Definition",
    "FlowService",
    "LogEntry",
    "RunDocument",
    "RunStatus",
    "Services",
]

type Definition = Mapping[str, Any]
"""A flow definition as gladier generates it: ``StartAt``, ``States``, ``Comment``."""

type RunStatus = Literal["ACTIVE", "INACTIVE", "SUCCEEDED", "FAILED", "ENDED"]
"""As in Globus Flows: INACTIVE needs attention and can be resumed, ENDED was cancelled."""


class RunDocument(TypedDict):
    """A flow run, as ``GET /runs/{run_id}`` of Globus Flows gives it.

    ``details`` has ``code`` and ``description``; also ``output``, the whole state, once succeeded; and ``state_name``,
    ``error``, ``cause`` once failed.
    """

    run_id: str
    flow_id: str
    flow_title: str
    label: str
    tags: list[str]
    status: RunStatus
    start_time: str
    completion_time: str | None
    details: dict[str, Any]


class LogEntry(TypedDict):
    """One event of a run, as ``GET /runs/{run_id}/log`` gives it.

    ``code`` is the kind of state followed by what happened (``ActionStarted``, ``ActionCompleted``, ``ActionFailed``,
    ``ChoiceStarted``, ..., ``FlowStarted``, ``FlowSucceeded``, ``FlowFailed``, ``FlowCanceled``); ``details`` has
    ``state_name``, ``state_type`` and ``input`` or ``output``.
    """

    time: str
    code: str
    description: str
    details: NotRequired[dict[str, Any]]


class FlowService(Protocol):
    """Deploys definitions and runs them."""

    def deploy(
        self, title: str, definition: Definition, functions: Iterable[Callable[..., Any]] = ()
    ) -> tuple[str, dict[str, str]]:
        """Make a definition known, or the newest version of it; return its id and ``{name}_function_id`` of each.

        Raises
        ------
        FlowDefinitionError
            The definition has something that this facility can't run; all of it is listed.
        """
        ...

    def start(self, flow_id: str, body: Mapping[str, Any], *, label: str = "", tags: Sequence[str] = ()) -> RunDocument:
        """Start a run with `body` (``{"input": {...}}``) and return at once."""
        ...

    def get(self, run_id: str) -> RunDocument:
        """Return the run as it stands."""
        ...

    def body(self, run_id: str) -> dict[str, Any]:
        """Return what the run was started with."""
        ...

    def log(self, run_id: str) -> list[LogEntry]:
        """Return all events of a run, oldest first."""
        ...

    def cancel(self, run_id: str) -> RunDocument:
        """End a run as soon as possible."""
        ...

    def retry(self, run_id: str) -> RunDocument:
        """Go on from the step that failed or was interrupted; the results of earlier steps are kept.

        The document is of the same run where the service can resume it, else of a new one.
        """
        ...

    def list(
        self, *, limit: int = 50, offset: int = 0, status: RunStatus | None = None, tag: str | None = None
    ) -> list[RunDocument]:
        """Return runs, newest first, without their output."""
        ...


class Catalogue(Protocol):
    """Records, searched by text, value and range; `xpcs_nb.catalog.Catalog` is the embedded one."""

    def ingest(self, record: Record) -> Any:
        """Add a record, or put it in the place of the one with its subject."""
        ...

    def ingest_many(self, records: Iterable[Record]) -> Any:
        """Ingest records together."""
        ...

    def get(self, subject: str) -> Record:
        """Return the record of a subject."""
        ...

    def delete(self, subject: str) -> Any:
        """Remove the record of a subject."""
        ...

    def keys(self) -> list[str]:
        """Return the keys that filters, facets and sort can name, as far as they are known."""
        ...

    def read_ahead(self, keys: Collection[str] = ()) -> Iterator[None]:
        """Read piece by piece what searches look at; yields after each piece, and has none where others search."""
        ...

    def search(self, text: str = "", **arguments: Any) -> SearchResult:
        """Find records; arguments as in `xpcs_nb.catalog.Catalog.search`."""
        ...


class Services(Protocol):
    """The services of one facility, behind `xpcs_nb.connect`."""

    @property
    def flows(self) -> FlowService:
        """Flow runs."""
        ...

    @property
    def catalogue(self) -> Catalogue:
        """Published records."""
        ...

    def fetch(self, url: str, folder: Path, *, size: int | None = None, sha256: str | None = None) -> Path:
        """Bring the file at `url` (``file://``, ``globus://``, ``https://``) into `folder`; resumed and checked.

        A file that already lies on this machine stays where it is, and its path is returned.
        """
        ...

    def close(self) -> None:
        """Let go of connections; runs go on."""
        ...
