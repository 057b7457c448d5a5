"""What the portal does with records: open, compare, average, process again; and its runs."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from xpcs_nb.core import ReductionOptions
from xpcs_nb.errors import OptionError, SiteError, XpcsError
from xpcs_nb.flows import connect, load_site, site_files
from xpcs_nb.widgets._portal_runs import run_details, run_row

if TYPE_CHECKING:
    import xarray as xr

    from xpcs_nb.flows import Facility, Run
    from xpcs_nb.qmap import QMap
    from xpcs_nb.widgets._portal import Portal

__all__ = ["PortalWork", "option_fields"]

#: Options of a reduction that a run sets itself.
NOT_ASKED = {"overwrite", "prefix", "suffix"}
#: Runs that are listed at once.
RUNS = 30

type Said = Callable[[str], None]


class PortalWork:
    """Work on the records of a portal; nothing here draws.

    Parameters
    ----------
    portal
        Whose records.
    """

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        here = portal.facility
        self._facilities: dict[str, Facility] = {here.site.name: here}

    def close(self) -> None:
        """Let go of the other facilities that were used."""
        for facility in self._facilities.values():
            if facility is not self._portal.facility:
                facility.close()

    def sites(self) -> list[str]:
        """Return the sites that can be used, that of the portal first; those whose files have faults are left out."""
        here = self._portal.facility.site.name
        return [here, *(name for name in site_files() if name != here and _usable(name))]

    def open(self, subjects: Sequence[str]) -> dict[str, xr.DataTree]:
        """Return the results of records by the names of their datasets, fetched first where they are elsewhere.

        Raises
        ------
        OptionError
            No records are named.
        XpcsError
            A result can't be had.
        """
        if not subjects:
            raise OptionError("no records are selected")
        found: dict[str, xr.DataTree] = {}
        for record in self._portal.records(subjects):
            name, number = record.dataset, 2
            while name in found:
                name, number = f"{record.dataset} ({number})", number + 1
            found[name] = record.load()
        return found

    def average(
        self,
        subjects: Sequence[str],
        say: Said = lambda _: None,
        *,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[str, Path]:
        """Average the results of records; return what was averaged and left out, and the file of the average.

        The average lies in the facility's data folder, and is made anew each time.

        Parameters
        ----------
        subjects
            The records.
        say
            Told what is being done.
        options
            As a browser sends them: ``weights``, ``outliers``, ``max_chi2``, ``baseline`` (lowest and highest, None
            for any) of `xpcs_nb.reduction.average_to_file`.

        Raises
        ------
        OptionError
            There are fewer than two, they can't be averaged, or an option is unknown.
        XpcsError
            A result can't be had.
        """
        if len(subjects) < 2:
            raise OptionError("an average needs several results", got=len(subjects), expected="at least 2")
        paths = []
        for record in self._portal.records(subjects):
            say(f"fetching {record.dataset}")
            paths += record.fetch(files=[record.result_file])
        say(f"averaging {len(paths)} results")
        name = hashlib.sha256("\n".join(sorted(subjects)).encode()).hexdigest()[:12]
        folder = self._portal.facility.catalog.cache.parent / "averages" / name
        # Loaded with all that it needs, when it is needed.
        average = import_module("xpcs_nb.reduction").average_to_file
        done = average(paths, output=folder, overwrite=True, **_rejection(options or {}))
        return str(done), Path(done.path)

    def qmap(self, choice: Mapping[str, Any], subject: str) -> QMap | Path:
        """Return the qmap of a choice: ``{"of": "record"}``, ``{"subject": ...}`` or ``{"path": ...}``.

        Parameters
        ----------
        choice
            As a browser sends it: the record's own, that of another record, or a file of this machine.
        subject
            The record that is processed again.

        Raises
        ------
        OptionError
            It is no choice.
        XpcsError
            The qmap can't be had.
        """
        from xpcs_nb.qmap import QMap

        if choice.get("path"):
            return Path(str(choice["path"])).expanduser()
        if choice.get("subject") or choice.get("of") == "record":
            record = self._portal.record(str(choice.get("subject") or subject))
            return QMap.from_file(record.fetch(files=[record.result_file])[0])
        raise OptionError("it is not said which qmap to use", got=dict(choice), hint="Give a file, or draw one.")

    def reprocess(
        self,
        subjects: Sequence[str],
        qmap: QMap | Path | Mapping[str, Any],
        suffix: str,
        *,
        site: str | None = None,
        options: Mapping[str, Any] | None = None,
        say: Said = lambda _: None,
    ) -> list[dict[str, Any]]:
        """Start a run for each record, and return what became of each: its run, or why it could not be started.

        Parameters
        ----------
        subjects
            Of the records.
        qmap
            A qmap, its file, or a choice as in `qmap`.
        suffix
            Of the new datasets.
        site
            Where they are processed; by default at that of the portal.
        options
            As in `xpcs_nb.Facility.reprocess`; those that are not given are as they were.
        say
            Called with the name of each dataset before its run is started.

        Raises
        ------
        OptionError
            Nothing is selected, the suffix is missing, or an option is none.
        SiteError
            There is no such site.
        """
        if not subjects:
            raise OptionError("no records are selected")
        if not suffix.strip("_ ") or "/" in suffix:
            raise OptionError("the new datasets need a suffix", got=repr(suffix), expected="a word, as wedge")
        facility = self.facility(site)
        given = _options(options or {})
        done: list[dict[str, Any]] = []
        for subject in subjects:
            row: dict[str, Any] = {"subject": subject, "run": None, "error": None}
            done.append(row)
            try:
                record = self._portal.record(subject)
                say(record.dataset)
                chosen = self.qmap(qmap, subject) if isinstance(qmap, Mapping) else qmap
                run = facility.reprocess(record, chosen, suffix.strip(), **given)
                row["run"] = run_row(run, facility.site.name, deep=False)
            except XpcsError as error:
                row["error"] = str(error)
        return done

    def facility(self, site: str | None) -> Facility:
        """Return the facility of a site; that of the portal by default."""
        name = site or self._portal.facility.site.name
        if name not in self._facilities:
            if name not in site_files():
                raise SiteError("there is no such site", got=name, expected=", ".join(site_files()))
            self._facilities[name] = connect(name)
        return self._facilities[name]

    def runs(self, status: str | None = None, offset: int = 0) -> dict[str, Any]:
        """Return runs of the facilities in use, newest first, with their progress; and whether there are more."""
        rows: list[dict[str, Any]] = []
        more = False
        for name, facility in self._facilities.items():
            listed = facility.runs(status=status or None, limit=RUNS, offset=offset)  # type: ignore[arg-type]
            more = more or len(listed) == RUNS
            rows += [run_row(run, name, deep=self._deep(facility, run)) for run in listed]
        rows.sort(key=lambda row: row["start"], reverse=True)
        return {"runs": rows, "more": more, "active": sum(row["status"] == "ACTIVE" for row in rows), "offset": offset}

    def run(self, run_id: str, site: str | None = None) -> dict[str, Any]:
        """Return all that is known of a run."""
        return run_details(self.facility(site).run(run_id), self.facility(site).site.name)

    def cancel(self, run_id: str, site: str | None = None) -> dict[str, Any]:
        """End a run as soon as possible, and return its row."""
        return run_row(self.facility(site).run(run_id).cancel(), self.facility(site).site.name, deep=True)

    def retry(self, run_id: str, site: str | None = None) -> dict[str, Any]:
        """Go on with a run from the step that failed, and return its row; its id may be another one."""
        return run_row(self.facility(site).run(run_id).retry(), self.facility(site).site.name, deep=True)

    def _deep(self, facility: Facility, run: Run) -> bool:
        """Whether to ask for the steps of a listed run: at another site, of those that go on only."""
        return facility.site.kind == "local" or (run.listed is not None and run.listed["status"] == "ACTIVE")


def option_fields() -> list[dict[str, Any]]:
    """Return the options that can be asked for when datasets are processed again: name, kind, choices and default."""
    hints = get_type_hints(ReductionOptions)
    rows = [
        {"name": each.name, **_kind(hints[each.name]), "default": each.default}
        for each in dataclasses.fields(ReductionOptions)
        if each.name not in NOT_ASKED
    ]
    return rows + [{"name": name, **_kind(hint), "default": None} for name, hint in _queue_hints()]


def _queue_hints() -> Iterable[tuple[str, Any]]:
    from xpcs_nb.flows import Queue

    hints = get_type_hints(Queue)
    return [(name, hints[name]) for name in Queue.model_fields if name != "more"]


def _kind(hint: Any) -> dict[str, Any]:
    if get_origin(hint) is Literal:
        return {"kind": "choice", "choices": list(get_args(hint))}
    members = get_args(hint)
    if hint is bool:
        return {"kind": "choice", "choices": [True, False]}
    return {
        "kind": "number" if hint is int or (int in members and not inspect.isclass(hint)) else "text",
        "choices": [],
    }


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    known = {row["name"] for row in option_fields()}
    unknown = set(given) - known
    if unknown:
        raise OptionError(
            "there are no such options", got=", ".join(sorted(unknown)), expected=", ".join(sorted(known))
        )
    return {name: value for name, value in given.items() if value not in (None, "")}


def _usable(name: str) -> bool:
    try:
        load_site(name)
    except (SiteError, OSError):
        return False
    return True


def _rejection(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of `average_to_file` from those of a form."""
    unknown = sorted(set(options) - {"weights", "outliers", "max_chi2", "baseline"})
    if unknown:
        raise OptionError("no such option of an average", got=", ".join(unknown))
    chosen = dict(options)
    low, high = chosen.pop("baseline", None) or (None, None)
    if low is not None or high is not None:
        chosen["baseline"] = (-inf if low is None else float(low), inf if high is None else float(high))
    return chosen
