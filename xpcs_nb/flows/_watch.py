"""A flow for each dataset that arrives in a folder and is complete."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from xpcs_nb.errors import FacilityError, LoginError, MissingFileError, OptionError, XpcsError
from xpcs_nb.flows._arrivals import Arrivals, Complete, fingerprint
from xpcs_nb.flows._ledger import Entry, Ledger

__all__ = ["Watcher"]

#: Seconds between two looks at runs that have failed, which somebody may have retried.
LOOK_BACK = 60.0


class RunLike(Protocol):
    """What is asked of a run."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def status(self) -> str:
        """As in `xpcs_nb.facility.RunStatus`."""
        ...

    @property
    def failures(self) -> dict[str, str]:
        """The reason, if it failed."""
        ...


class FacilityLike(Protocol):
    """What is asked of a facility."""

    def process(self, raw: Path, qmap: Path, *, metadata: Path, tags: Sequence[str], **options: Any) -> RunLike:
        """Start a flow."""
        ...

    def runs(self, *, tag: str | None = None) -> Sequence[RunLike]:
        """Return the runs that have a tag."""
        ...

    def run(self, run_id: str) -> RunLike:
        """Return a run."""
        ...


class Watcher:
    """Starts a flow for each dataset that arrives in a folder and is complete, each once, also over restarts.

    A dataset is complete when its raw file, all files that belong to it and its metadata file are there, can be read,
    and have not changed for `settle` seconds. One whose raw files change later is another one.

    Parameters
    ----------
    facility
        Where flows run.
    folder
        Folder to watch, with the folders in it.
    qmap
        Mask and partition for all datasets.
    home
        Folder for the ledger; by default the user's data folder.
    pattern
        Of raw files, relative to `folder`.
    settle
        Seconds without change.
    say
        Called with a line for each thing that happens.
    clock
        Gives seconds that only go forward.
    **options
        As of `Facility.process`.

    Raises
    ------
    MissingFileError
        There is no such folder or qmap.
    OptionError
        `settle` is negative, or the pattern is absolute.

    Examples
    --------
    >>> with Watcher(connect(), "/data/2026-2", "qmap.hdf", say=print) as watcher:
    ...     watcher.watch()
    """

    def __init__(
        self,
        facility: FacilityLike,
        folder: str | Path,
        qmap: str | Path,
        *,
        home: str | Path | None = None,
        pattern: str = "**/*",
        settle: float = 10.0,
        say: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        **options: Any,
    ) -> None:
        self.folder, self.qmap = Path(folder).resolve(), Path(qmap).absolute()
        if not self.folder.is_dir():
            raise MissingFileError("no such folder to watch", path=folder)
        if not self.qmap.is_file():
            raise MissingFileError("no such qmap", path=qmap)
        if settle < 0 or Path(pattern).is_absolute():
            raise OptionError(
                "this can't be watched for",
                got=f"settle={settle}, pattern={pattern!r}",
                expected="settle >= 0, **/*.h5",
            )
        if home is None:
            from xpcs_nb.facility.local import data_folder

            home = data_folder()
        self._facility, self._options, self._settle = facility, options, settle
        self._say, self._clock = say, clock
        self._arrivals = Arrivals(self.folder, pattern, settle)
        self._ledger = Ledger(Path(home), self.folder)
        self._problems: dict[str, str] = {}
        self._looked_back = -LOOK_BACK
        self.waiting: dict[Path, str] = {}

    def watch(self) -> None:
        """Watch until interrupted (Ctrl-C), then say what became of all datasets.

        Raises
        ------
        FlowError
            Another process watches this folder.
        """
        pause = min(max(self._settle / 4, 0.2), 10.0)
        with self._ledger.held():
            try:
                while True:
                    self.look()
                    time.sleep(pause)
            except KeyboardInterrupt:
                self._say(self.summary())

    def once(self) -> None:
        """Start flows for what is there and complete, then return; files that still grow are left for another time.

        Raises
        ------
        FlowError
            Another process watches this folder.
        """
        with self._ledger.held():
            self.look()
            # Twice: files that others link to are only known, and watched, after the first look.
            for _ in range(2):
                time.sleep(self._settle)
                self.look()
            self._say(self.summary())

    def look(self) -> None:
        """Look once: start flows for what is complete, and see what became of those that run."""
        now = self._clock()
        latest = {entry.raw: entry for entry in self._ledger.entries()}
        raws = [raw for raw in self._arrivals.look(now) if raw.resolve() != self.qmap.resolve()]
        self._tell_problems()
        # A dataset that was taken away is not waited for.
        self.waiting = {raw: reason for raw, reason in self.waiting.items() if raw in set(raws)}
        for raw in raws:
            known = latest.get(raw)
            try:
                if known is not None and known.state != "intended" and fingerprint(known.files) == known.files:
                    continue
                found = self._arrivals.judge(raw, now)
            except OSError as error:
                found = str(error)
            if isinstance(found, str):
                self._waits(raw, found)
            else:
                self._hand_over(found)
        if now - self._looked_back >= LOOK_BACK:
            self._looked_back = now
            self._look_back()
        self._follow_all(set(raws))

    def _look_back(self) -> None:
        """Take up what failed and was retried by somebody since."""
        for entry in self._ledger.entries():
            if entry.state != "failed" or entry.run is None:
                continue
            try:
                run = next(iter(self._facility.runs(tag=entry.tag)), None)
                retried = run is not None and run.status in {"ACTIVE", "SUCCEEDED"}
            except FacilityError:
                return  # asked again at the next look back
            if run is not None and retried:
                self._ledger.note(entry.tag, "submitted", run=run.id)
                self._say(f"{self._name(entry.raw)} was retried: run {run.id}")

    def _follow_all(self, present: set[Path]) -> None:
        at_rest = present - set(self.waiting)
        for entry in self._ledger.entries():
            if entry.state == "submitted" and entry.run is not None:
                self._follow(entry)
            elif entry.state == "intended" and entry.raw in at_rest:
                # Its raw file was handed over as another dataset.
                self._settle_intent(entry)

    def _tell_problems(self) -> None:
        for path, reason in self._arrivals.problems.items():
            if self._problems.get(path) != reason:
                self._say(f"{path} can't be looked at: {reason}")
        self._problems = self._arrivals.problems

    def summary(self) -> str:
        """Return how many datasets there were, what failed and why, and what is waited for."""
        entries = self._ledger.entries()
        counts = Counter(entry.state for entry in entries)
        lines = [f"{len(entries)} datasets: " + (", ".join(f"{n} {state}" for state, n in counts.items()) or "none")]
        lines += [f"  {self._name(entry.raw)} failed: {entry.reason}" for entry in entries if entry.state == "failed"]
        lines += [f"  {self._name(raw)} waits: {reason}" for raw, reason in self.waiting.items()]
        return "\n".join(lines)

    @property
    def entries(self) -> list[Entry]:
        """All datasets of this folder that were ever handed over."""
        return self._ledger.entries()

    def close(self) -> None:
        """Close the ledger; runs go on."""
        self._ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _hand_over(self, dataset: Complete) -> None:
        """Start the flow of a dataset, unless an earlier process did and had no time to note it."""
        entry = self._ledger.intend(dataset)
        if entry.state != "intended":
            return  # its files were out of reach for a while, and are what they were
        try:
            runs = self._facility.runs(tag=entry.tag)
            run = (
                runs[0]
                if runs
                else self._facility.process(
                    dataset.raw, self.qmap, metadata=dataset.metadata, tags=[entry.tag], **self._options
                )
            )
        except (FacilityError, LoginError) as error:
            # The same again at the next look; whether the service took it is seen from the tag.
            self._waits(dataset.raw, f"the facility can't take it: {error}")
            return
        except (XpcsError, OSError) as error:
            self._ledger.note(entry.tag, "failed", reason=str(error))
            self.waiting.pop(dataset.raw, None)
            self._say(f"{self._name(dataset.raw)} failed: {error}")
            return
        self._ledger.note(entry.tag, "submitted", run=run.id)
        self.waiting.pop(dataset.raw, None)
        self._say(f"{self._name(dataset.raw)} submitted: run {run.id}")

    def _settle_intent(self, entry: Entry) -> None:
        """Find out what became of a dataset that changed before it was known to be handed over."""
        try:
            runs = self._facility.runs(tag=entry.tag)
        except FacilityError:
            return  # asked again at the next look
        if runs:
            self._ledger.note(entry.tag, "submitted", run=runs[0].id)
        else:
            self._ledger.note(entry.tag, "failed", reason="its files changed before it was processed")

    def _follow(self, entry: Entry) -> None:
        assert entry.run is not None  # noqa: S101  # its caller looked
        try:
            run = self._facility.run(entry.run)
            status = run.status
            reason = "; ".join(run.failures.values()) if status == "FAILED" else ""
        except FacilityError as error:
            self._say(f"{self._name(entry.raw)}: the facility does not answer: {error}")
            return
        if status == "INACTIVE" and not entry.reason:
            reason = f"run {run.id} is interrupted: xpcs-nb retry {run.id}"
            self._ledger.note(entry.tag, "submitted", reason=reason)
            self._say(f"{self._name(entry.raw)}: {reason}")
        elif status == "SUCCEEDED":
            self._ledger.note(entry.tag, "finished")
            self._say(f"{self._name(entry.raw)} finished")
        elif status in {"FAILED", "ENDED"}:
            reason = reason or ("it was cancelled" if status == "ENDED" else "the run does not say why")
            self._ledger.note(entry.tag, "failed", reason=reason)
            self._say(f"{self._name(entry.raw)} failed: {reason} (xpcs-nb retry {entry.run})")

    def _waits(self, raw: Path, reason: str) -> None:
        if raw not in self.waiting:
            self._say(f"{self._name(raw)} arrived")
        if self.waiting.get(raw) != reason:
            self._say(f"{self._name(raw)} waits: {reason}")
        self.waiting[raw] = reason

    def _name(self, raw: Path) -> str:
        return str(raw.relative_to(self.folder))
