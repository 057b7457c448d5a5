"""Flow runs on Globus Flows."""

from __future__ import annotations

import builtins
import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from globus_sdk import MISSING, AuthAPIError, GlobusAPIError, GlobusTimeoutError, NetworkError

from xpcs_nb.errors import FacilityError, FlowDefinitionError, FlowError, LoginError, OptionError
from xpcs_nb.facility._services import Definition, LogEntry, RunDocument, RunStatus
from xpcs_nb.facility.globus import _gladier
from xpcs_nb.facility.globus._documents import REQUEST, log_entry, run_document
from xpcs_nb.facility.globus._restart import restart_body
from xpcs_nb.facility.globus._retries import unclear
from xpcs_nb.facility.globus._session import Session
from xpcs_nb.facility.globus._waiting import LONGEST
from xpcs_nb.facility.local.language import SIZE_LIMIT

__all__ = ["GlobusFlows"]

SERVICE = "Globus Flows"

#: Longest label that the service takes.
LABEL = 64

#: Runs and log entries asked for at once.
PAGE = 100

#: How often a run is looked for whose start was not answered in time.
LOOKS = 4

#: Begins the tag that tells which run a new one goes on with.
RETRY_OF = "retry-of:"


class GlobusFlows:
    """Implements `xpcs_nb.facility.FlowService`.

    Parameters
    ----------
    session
        The clients.
    folder
        Where ids of deployed flows and functions are kept.
    group
        Members may see and run the flows and see the runs; None for the user alone.
    subscription
        The subscription that flows belong to, for users with more than one.
    """

    def __init__(
        self, session: Session, folder: Path, *, group: str | None = None, subscription: str | None = None
    ) -> None:
        self._session = session
        self._folder = folder
        self._group = group
        self._subscription = subscription

    def deploy(
        self, title: str, definition: Definition, functions: Iterable[Callable[..., Any]] = ()
    ) -> tuple[str, dict[str, str]]:
        """Deploy a definition under a title through gladier; the same again makes nothing new.

        Raises
        ------
        FlowDefinitionError
            The service refuses the definition.
        FacilityError, LoginError
            A service could not be used.
        """
        try:
            return self._session.call(SERVICE, self._deploy, title, definition, list(functions))
        except FacilityError as error:
            cause = error.__cause__
            if isinstance(cause, GlobusAPIError) and cause.http_status in {400, 422} and "/flows" in str(cause.args[1]):
                found = "\n- ".join(["Globus Flows refuses this definition:", *_findings(cause)])
                raise FlowDefinitionError(found, where=title) from cause
            raise

    def _deploy(
        self, title: str, definition: Definition, functions: builtins.list[Callable[..., Any]]
    ) -> tuple[str, dict[str, str]]:
        return _gladier.deploy(
            self._session,
            title,
            definition,
            functions,
            folder=self._folder,
            group=self._group,
            subscription=self._subscription,
        )

    def start(self, flow_id: str, body: Mapping[str, Any], *, label: str = "", tags: Sequence[str] = ()) -> RunDocument:
        """Start a run and return at once; a start that was not answered is looked for before it is repeated."""
        _check_size(body)
        mark = f"{REQUEST}{uuid.uuid4().hex}"
        group = [f"urn:globus:groups:id:{self._group}"] if self._group else MISSING

        def start_once() -> RunDocument:
            answer = self._session.flow(flow_id).run_flow(
                dict(body),
                label=(label if len(label) <= LABEL else f"{label[: LABEL - 2]}..") or MISSING,
                tags=[*tags, mark],
                run_monitors=group,
            )
            return run_document(answer.data)

        with _known("flow", flow_id):
            try:
                return self._session.call(SERVICE, self._answered, start_once, flow_id, mark)
            except LoginError as error:
                if _unknown_scope(error):
                    self._session.forget(flow_id)
                raise

    def _answered(self, start_once: Callable[[], RunDocument], flow_id: str, mark: str) -> RunDocument:
        for number in range(self._session.retries + 1):
            try:
                return start_once()
            except (GlobusAPIError, NetworkError) as error:
                if not unclear(error):
                    raise
                lost = error
            # A service that was too slow may still be at it.
            looks = LOOKS if isinstance(lost, GlobusTimeoutError) else 1
            if (found := self._look_for(flow_id, mark, looks, number)) is not None:
                return found
        raise lost

    def _look_for(self, flow_id: str, mark: str, looks: int, number: int) -> RunDocument | None:
        """Look for a run by its mark, each time after a longer pause; the more so, the more starts were lost."""
        for look in range(looks):
            time.sleep(min(0.5 * 2 ** (number + look), LONGEST))
            answer = self._session.flows.list_runs(filter_flow_id=flow_id, query_params={"orderby": "start_time DESC"})
            for run in answer["runs"]:
                if mark in (run.get("tags") or ()):
                    return run_document(run)
        return None

    def get(self, run_id: str) -> RunDocument:
        """Return the run as it stands."""
        with _known("run", run_id):
            return run_document(self._session.call(SERVICE, self._session.flows.get_run, run_id).data)

    def body(self, run_id: str) -> dict[str, Any]:
        """Return what the run was started with, from the first event of its log."""
        with _known("run", run_id):
            answer = self._session.call(SERVICE, self._session.flows.get_run_logs, run_id, limit=1)
        return _body(run_id, [log_entry(entry) for entry in answer["entries"]])

    def log(self, run_id: str) -> builtins.list[LogEntry]:
        """Return all events of a run, oldest first."""
        pages = self._session.flows.paginated.get_run_logs(run_id, limit=PAGE)
        with _known("run", run_id):
            return self._session.call(SERVICE, lambda: [log_entry(entry) for entry in pages.items()])

    def cancel(self, run_id: str) -> RunDocument:
        """End a run as soon as possible.

        Raises
        ------
        FlowError
            The run has ended.
        """
        status = self.get(run_id)["status"]
        if status not in {"ACTIVE", "INACTIVE"}:
            raise FlowError("this run has ended and can't be cancelled", where=f"run {run_id}", got=status)
        return run_document(self._session.call(SERVICE, self._session.flows.cancel_run, run_id).data)

    def retry(self, run_id: str) -> RunDocument:
        """Resume a run that waits for attention; of one that failed or was cancelled, start another where it ended.

        The new run has the results of the finished steps, and the tag ``retry-of:`` with the id of the old one.

        Raises
        ------
        FlowError
            The run goes on or has succeeded, or its flow can't begin where it ended.
        """
        run = self.get(run_id)
        if run["status"] == "INACTIVE":
            self._session.call(SERVICE, self._session.flow(run["flow_id"]).resume_run, run_id)
            return self.get(run_id)
        if run["status"] not in {"FAILED", "ENDED"}:
            raise FlowError(
                "only a failed, interrupted or cancelled run can go on", where=f"run {run_id}", got=run["status"]
            )
        flows = self._session.flows
        current = self._session.call(SERVICE, flows.get_flow, run["flow_id"])["definition"]
        definition = self._session.call(SERVICE, flows.get_run_definition, run_id)["definition"]
        log = self.log(run_id)
        body = restart_body(current, definition, _body(run_id, log), log, {"run_id": run_id, "flow_id": run["flow_id"]})
        tags = [tag for tag in run["tags"] if not tag.startswith(RETRY_OF)]
        return self.start(run["flow_id"], body, label=run["label"], tags=[*tags, f"{RETRY_OF}{run_id}"])

    def list(
        self, *, limit: int = 50, offset: int = 0, status: RunStatus | None = None, tag: str | None = None
    ) -> builtins.list[RunDocument]:
        """Return runs, newest first, without their output."""
        if limit < 0 or offset < 0:
            raise OptionError("this page can't be shown", got=f"limit={limit}, offset={offset}", expected=">= 0")
        query = {"orderby": "start_time DESC", "per_page": max(1, min(PAGE, limit + offset))}
        if status is not None:
            query["filter_status"] = status
        pages = self._session.flows.paginated.list_runs(query_params=query)

        def wanted() -> builtins.list[RunDocument]:
            # The service has no filter for tags.
            found = (
                document
                for document in (run_document(run, output=False) for run in pages.items())
                if (status is None or document["status"] == status) and (tag is None or tag in document["tags"])
            )
            return list_(islice(found, offset, offset + limit))

        list_ = builtins.list
        return self._session.call(SERVICE, wanted)


@contextmanager
def _known(what: str, name: str) -> Iterator[None]:
    """Say that there is no such run or flow, where the service does."""
    try:
        yield
    except (FacilityError, LoginError) as error:
        cause = error.__cause__
        if isinstance(cause, GlobusAPIError) and (cause.http_status == 404 or _unknown_scope(error)):
            raise FlowError(f"there is no such {what}", got=name, hint="Or this login may not see it.") from cause
        raise


def _unknown_scope(error: BaseException) -> bool:
    """Tell whether Globus Auth knows no such scope: each flow has one, until it is deleted."""
    cause = error.__cause__
    return isinstance(cause, AuthAPIError) and "unknown_scope" in f"{cause.code} {cause.text}".lower()


def _findings(error: GlobusAPIError) -> Iterator[str]:
    """Yield what the service finds wrong, each with its place in the definition."""
    answer = error.raw_json or {}
    details = answer.get("error", {}).get("detail") if isinstance(answer.get("error"), Mapping) else None
    if not isinstance(details, builtins.list) or not details:
        yield error.message or error.text
        return
    for each in details:
        place = ".".join(str(part) for part in each.get("loc", ()))
        yield f"{place.removeprefix('definition.')}: {each.get('msg')}"


def _check_size(body: Mapping[str, Any]) -> None:
    size = len(json.dumps(body, ensure_ascii=False).encode())
    if size > SIZE_LIMIT:
        raise FlowError(
            "the input of a run is too large",
            where="body",
            got=f"{size} bytes",
            expected=f"at most {SIZE_LIMIT} bytes",
            hint="Pass the paths of files, not what is in them.",
        )


def _body(run_id: str, log: Sequence[LogEntry]) -> dict[str, Any]:
    for entry in log:
        given = entry.get("details", {}).get("input")
        if entry["code"] == "FlowStarted" and isinstance(given, Mapping):
            return dict(given)
    raise FlowError(
        "the log does not tell what this run was started with",
        where=run_id,
        expected="FlowStarted with its input",
        hint="The service keeps logs for 90 days.",
    )
