"""Flow runs on this machine, as those see them who start, watch and steer them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from xpcs_nb.errors import FlowError
from xpcs_nb.facility._services import Definition, LogEntry, RunDocument, RunStatus
from xpcs_nb.facility.local._actions import ACTION_URLS
from xpcs_nb.facility.local._claims import Claims
from xpcs_nb.facility.local._engine import STORE_NAME
from xpcs_nb.facility.local._launch import Launcher
from xpcs_nb.facility.local._presence import EngineLock, ring
from xpcs_nb.facility.local._runs import RunStore, as_json
from xpcs_nb.facility.local._source import source_of
from xpcs_nb.facility.local._work import Settings
from xpcs_nb.facility.local.language import SIZE_LIMIT, begin, check

__all__ = ["LocalFlows"]


class LocalFlows:
    """The flow service of this machine.

    Parameters
    ----------
    home
        Folder of the run store, with the logs of tasks in ``runs/{run_id}``.
    settings
        What runs that are started or retried here can use.
    launcher
        Sees to it that an engine works on them.
    """

    def __init__(self, home: Path, settings: Settings, launcher: Launcher) -> None:
        self._home = home
        self._settings = asdict(settings)
        self._launcher = launcher
        self._store = RunStore(home / STORE_NAME)

    def close(self) -> None:
        """Close the run store."""
        self._store.close()

    def deploy(
        self, title: str, definition: Definition, functions: Iterable[Callable[..., Any]] = ()
    ) -> tuple[str, dict[str, str]]:
        """Make a definition known, or the newest version of it; return its id and ``{name}_function_id`` of each.

        Deploying the same again changes nothing: ids follow from the title and from the sources.

        Raises
        ------
        FlowDefinitionError
            The definition has something that this machine can't run, or a function can't run by itself.
        """
        check(definition, action_urls=ACTION_URLS)
        sources = [source_of(function) for function in functions]
        ids = {f"{name}_function_id": self.register(name, source) for name, source in sources}
        return self._store.add_flow(title, definition), ids

    def register(self, name: str, source: str, function_id: str | None = None) -> str:
        """Make a function known by its source, which defines `name`; return its id, by default one made of both."""
        return self._store.add_function(name, source, function_id)

    def start(self, flow_id: str, body: Mapping[str, Any], *, label: str = "", tags: Sequence[str] = ()) -> RunDocument:
        """Start a run with `body` (``{"input": {...}}``) and return at once.

        Raises
        ------
        FlowError
            There is no such flow, or the body is no JSON object or over 200 KB.
        FacilityError
            The engine does not work.
        """
        position = begin(self._store.definition(flow_id), body)
        size = len(as_json(body))
        if size > SIZE_LIMIT:
            raise FlowError(
                "the input of a run is too large",
                where="body",
                got=f"{size} bytes",
                expected=f"at most {SIZE_LIMIT} bytes",
                hint="Pass the paths of files, not what is in them.",
            )
        run_id = self._store.add_run(flow_id, body, asdict(position), self._settings, label=label, tags=tags)
        self._launcher.ensure()
        return self._store.get(run_id)

    def get(self, run_id: str) -> RunDocument:
        """Return the run as it stands.

        Raises
        ------
        FlowError
            There is no such run.
        """
        document = self._store.get(run_id)
        if document["status"] == "ACTIVE" and not self._engine_works():
            document = self._store.get(run_id)
            if document["status"] == "ACTIVE":
                # It waits for its turn, and nobody is there to take it up.
                self._launcher.ensure()
        return document

    def body(self, run_id: str) -> dict[str, Any]:
        """Return what the run was started with."""
        return self._store.body(run_id)

    def log(self, run_id: str) -> list[LogEntry]:
        """Return all events of a run, oldest first."""
        return self._store.log(run_id)

    def cancel(self, run_id: str) -> RunDocument:
        """End a run as soon as possible; what it is doing is killed.

        Raises
        ------
        FlowError
            The run has ended.
        """
        self._engine_works()
        self._store.ask_cancel(run_id)
        ring(self._home)
        return self._store.get(run_id)

    def retry(self, run_id: str) -> RunDocument:
        """Go on, in the same run, from the step that failed, or was interrupted or cancelled.

        The results of earlier steps are kept. An action that was under way is done again.

        Raises
        ------
        FlowError
            The run is under way, or has succeeded.
        FacilityError
            The engine does not work.
        """
        self._engine_works()
        self._store.retry(run_id, self._settings)
        self._launcher.ensure()
        return self._store.get(run_id)

    def list(
        self, *, limit: int = 50, offset: int = 0, status: RunStatus | None = None, tag: str | None = None
    ) -> list[RunDocument]:
        """Return runs, newest first, without their output."""
        self._engine_works()
        return self._store.list(limit=limit, offset=offset, status=status, tag=tag)

    def _engine_works(self) -> bool:
        """Tell whether an engine works here; if not, mark the runs that the last one left in the middle."""
        with EngineLock(self._home).free() as free:
            if free:
                Claims(self._store.database, "").interrupt_others()
        return not free
