"""A run of a flow, as its user sees it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

from xpcs_nb.errors import FlowError
from xpcs_nb.facility import RunDocument, RunStatus, Services
from xpcs_nb.flows._step import Step, failure_of, steps_of

if TYPE_CHECKING:
    import xarray as xr

    from xpcs_nb.flows._found import CatalogView, FoundRecord

__all__ = ["Pace", "Run"]

#: Seconds between two looks at a run: at first, and at most.
type Pace = tuple[float, float]


class Run:
    """A run of a flow: watch it, end it, retry it, take its result. Made by `Facility`.

    Parameters
    ----------
    services
        Of the facility.
    run_id
        Of the run.
    folder
        Where files that are fetched from elsewhere go.
    pace
        How often to ask for its status, s.
    listed
        The run as a list of runs told it, without its output; None where it was not listed.
    """

    def __init__(
        self, services: Services, run_id: str, *, folder: Path, pace: Pace, listed: RunDocument | None = None
    ) -> None:
        self._services = services
        self._folder = folder
        self._pace = pace
        self.id = run_id
        self.listed = listed
        self._last: RunDocument | None = None

    @property
    def document(self) -> RunDocument:
        """The run as the service tells it now; not asked again once it has ended."""
        if self._last is None or self._last["status"] in ("ACTIVE", "INACTIVE"):
            self._last = self._services.flows.get(self.id)
        return self._last

    @property
    def status(self) -> RunStatus:
        """``ACTIVE``, ``INACTIVE`` (`retry` goes on), ``SUCCEEDED``, ``FAILED`` or ``ENDED`` (cancelled)."""
        return self.document["status"]

    @property
    def label(self) -> str:
        """What the run was called when it was started."""
        return self.document["label"]

    @property
    def steps(self) -> list[Step]:
        """The steps so far: state, start, seconds, log and error of each."""
        return steps_of(self.document, self._services.flows.log(self.id))

    def log(self) -> str:
        """Return what was noted during the run, a line an event."""
        return "\n".join(
            f"{each['time']} {each['code']}: {each['description']}" for each in self._services.flows.log(self.id)
        )

    def wait(self, timeout: float | None = None, *, progress: bool = True) -> Self:
        """Return when the run has ended, or needs attention.

        Parameters
        ----------
        timeout
            Seconds after which to give up waiting; the run goes on.
        progress
            Show a bar that names the step.

        Raises
        ------
        TimeoutError
            It took longer than `timeout`.
        """
        begin = time.monotonic()
        pause, longest = self._pace
        with self._bar(progress) as show:
            while self.status == "ACTIVE":
                show()
                left = None if timeout is None else begin + timeout - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError(f"run {self.id} has not ended after {timeout:g} s; it goes on")
                time.sleep(pause if left is None else min(pause, left))
                pause = min(pause * 1.3, longest)
            show()
        return self

    @contextmanager
    def _bar(self, progress: bool) -> Iterator[Any]:
        if not progress:
            yield lambda: None
            return
        from tqdm.auto import tqdm

        total = self.n_steps
        with tqdm(total=total, unit=" steps", desc=self.label or self.id) as bar:

            def show() -> None:
                steps = self.steps
                done = sum(step.state == "succeeded" for step in steps)
                bar.total = max(total, done) if self.status != "SUCCEEDED" else done
                bar.set_description(steps[-1].name if steps else "queued", refresh=False)
                bar.update(done - bar.n)
                bar.refresh()

            yield show

    @cached_property
    def n_steps(self) -> int:
        """Number of steps of one of our flows, done or not; 0 for a flow of others."""
        from xpcs_nb.flows.definitions import load

        flow = self.about.get("flow")
        return sum(each["Type"] == "Action" for each in load(flow)["States"].values()) if flow else 0

    def cancel(self) -> Self:
        """End the run as soon as possible."""
        self._last = self._services.flows.cancel(self.id)
        return self

    def retry(self) -> Self:
        """Go on from the step that failed or was interrupted; the results of earlier steps are kept.

        Where the service can't resume a run it is another one from now on, with another `id`.

        Raises
        ------
        FlowError
            There is nothing to retry.
        """
        document = self._services.flows.retry(self.id)
        self.id, self._last = document["run_id"], document
        return self

    @cached_property
    def body(self) -> dict[str, Any]:
        """What the run was started with."""
        return self._services.flows.body(self.id)

    @property
    def about(self) -> dict[str, Any]:
        """What this package noted in the input: flow, datasets, where the results go; empty for flows of others."""
        return dict(self.body.get("input", {}).get("xpcs_nb") or {})

    @property
    def datasets(self) -> list[str]:
        """Names of the datasets that the run makes."""
        listed = self.body.get("input", {}).get("prepare_batch", {}).get("datasets")
        return [self.about.get("dataset") or self.label] if listed is None else [each[0] for each in listed]

    @property
    def output(self) -> dict[str, Any]:
        """The whole state of a run that has succeeded.

        Raises
        ------
        FlowError
            It has not succeeded.
        """
        self._check()
        return dict(self.document["details"].get("output") or {})

    @property
    def failures(self) -> dict[str, str]:
        """The datasets of a batch that failed, with the reason of each; of another run, the run's own failure."""
        if self.about.get("flow") != "batch" or self.status != "SUCCEEDED":
            if self.status != "FAILED":
                return {}
            step, reason = failure_of(self.document, self.steps)
            return dict.fromkeys(self.datasets, f"{step}: {reason}")
        said = self.output["SummariseBatch"]["details"]["result"][0]
        return dict(said["failures"])

    @property
    def result_path(self) -> Path:
        """The result file, brought to this machine if it is elsewhere.

        Raises
        ------
        FlowError
            The run has not succeeded, or has no result of its own.
        """
        self._check()
        about = self.about
        back, place = about.get("back"), about.get("published") or about.get("processed")
        if place is None or about.get("flow") == "batch":
            raise FlowError(
                "this run has no single result",
                where=self.label,
                hint="The results of a batch are in the catalogue: `run.records`.",
            )
        if back is not None and Path(back).is_file():
            return Path(back)
        if about.get("published") is not None:
            record = self.record
            return record.fetch(files=[record.result_file])[0]
        return self._services.fetch(_quoted(place), self._folder / "fetched" / self.id)

    def result(self) -> xr.DataTree:
        """Return the result of the run, opened.

        Raises
        ------
        FlowError
            The run has not succeeded; names the step and the cause.
        """
        from xpcs_nb.results import open_result

        tree = open_result(self.result_path)
        # So that it is known what it came from, when it is processed again.
        tree.attrs["run"] = self.id
        return tree

    @property
    def record(self) -> FoundRecord:
        """The published record of the result; while the dataset is processed, what is known of it.

        Raises
        ------
        FlowError
            The run publishes nothing, or many records.
        MissingKeyError
            It has not come so far.
        """
        subject = self.about.get("subject")
        if subject is None:
            raise FlowError("this run publishes no record of its own", where=self.label)
        return self._catalog.get(subject)

    @property
    def records(self) -> list[FoundRecord]:
        """The published records of the run, also of a batch."""
        about = self.about
        if about.get("flow") != "batch":
            return [self.record]
        self._check()
        failed = self.failures
        base = about.get("published")
        names = [name for name in self.datasets if name not in failed]
        return [self._catalog.get(f"{base}/{name}") for name in names] if base else []

    @property
    def _catalog(self) -> CatalogView:
        from xpcs_nb.flows._found import CatalogView

        return CatalogView(self._services, self._folder / "cache")

    def _check(self) -> None:
        status = self.status
        if status == "SUCCEEDED":
            return
        if status == "ACTIVE":
            raise FlowError("the run has not ended yet", where=self.label, hint="`run.wait()` waits for it.")
        steps = self.steps
        name, reason = failure_of(self.document, steps)
        words = {"FAILED": "failed", "INACTIVE": "was interrupted", "ENDED": "was cancelled"}
        raise FlowError(
            f"the run {words[status]}: {reason}",
            where=f"step {name or (steps[-1].name if steps else 'queued')}",
            hint=f"`run.retry()`, or `xpcs-nb retry {self.id}`, goes on from there; earlier steps are kept.",
        )

    def __repr__(self) -> str:
        return f"Run({self.id}, {self.label!r}, {self.status})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(step.name)}</td><td>{step.state}</td><td>{step.start:%H:%M:%S}</td>"
            f"<td>{'' if step.seconds is None else f'{step.seconds:.2f}'}</td>"
            f"<td>{escape(step.error.splitlines()[-1]) if step.error else ''}</td></tr>"
            for step in self.steps
        )
        head = "<tr><th>step</th><th>state</th><th>start</th><th>seconds</th><th>error</th></tr>"
        table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"
        return f"<p>{escape(self.label or self.id)}: {self.status}</p>{table}"


def _quoted(url: str) -> str:
    """Return a URL as `Publishv2` writes it, whose path is plain, in the quoted form."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{quote(parts.path)}"
