"""The trust report: what was checked of a result, with numbers, thresholds and what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Literal, Self, get_args

from xpcs_nb.errors import FileFormatError, OptionError

__all__ = ["TRUST_VERSION", "Check", "TrustReport", "Verdict"]

#: ``unknown`` is what could not be checked; the others rise in gravity.
Verdict = Literal["ok", "note", "warning", "bad", "unknown"]
GRAVITY: tuple[Verdict, ...] = ("ok", "note", "warning", "bad")
#: Of the rules behind a report: a stored one of other rules is made anew where the result allows it.
TRUST_VERSION = 1

MARKS = {"ok": "✓", "note": "·", "warning": "!", "bad": "✗", "unknown": "?"}
COLOURS = {"ok": "#2e7d32", "note": "#546e7a", "warning": "#b26a00", "bad": "#c62828", "unknown": "#8a8a8a"}


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was checked.

    Attributes
    ----------
    name, title
        Short name for programs; words for people.
    verdict
        ``ok``, ``note``, ``warning``, ``bad``; ``unknown`` where the result lacks what the check needs.
    message
        What was found, with numbers; why, where it is unknown.
    value, unit
        The number that was judged (that of the worst bin, where there is one for each), in `unit`; None where it is
        unknown or there is nothing to measure.
    note, warning, bad
        Thresholds of `value`; None where there is no such level.
    falling
        Whether small values are the bad ones.
    meaning, remedy
        What it does to the result, and what to do.
    values
        The number of each dynamic bin, in the order of `TrustReport.bins`; None where it is not known; empty where the
        check is not one of bins.
    """

    name: str
    title: str
    verdict: Verdict
    message: str
    value: float | None = None
    unit: str = "1"
    note: float | None = None
    warning: float | None = None
    bad: float | None = None
    falling: bool = False
    meaning: str = ""
    remedy: str = ""
    values: tuple[float | None, ...] = ()

    def level(self, value: float | None) -> Verdict:
        """Return the verdict on one number by the thresholds of this check."""
        if value is None or not math.isfinite(value):
            return "unknown"
        found: Verdict = "ok"
        for name in GRAVITY[1:]:
            limit = getattr(self, name)
            if limit is not None and (value < limit if self.falling else value > limit):
                found = name
        return found

    def __str__(self) -> str:
        return f"{MARKS[self.verdict]} {self.title}: {self.message}"


@dataclass(frozen=True)
class TrustReport:
    """All checks of a result. It shows itself as a table in a notebook.

    Attributes
    ----------
    checks
        In the order in which a person would look at them.
    bins
        Labels of the dynamic bins that `Check.values` belongs to.
    version
        Of the rules.

    Examples
    --------
    >>> report = result.xpcs.trust()
    >>> report.verdict, report.warnings
    >>> report["baseline"].value
    """

    checks: tuple[Check, ...]
    bins: tuple[int, ...] = ()
    version: int = TRUST_VERSION

    @property
    def verdict(self) -> Verdict:
        """The gravest verdict of any check; ``unknown`` where nothing could be checked."""
        known = [check.verdict for check in self.checks if check.verdict != "unknown"]
        return max(known, key=GRAVITY.index) if known else "unknown"

    @property
    def warnings(self) -> tuple[str, ...]:
        """Names of the checks that ended in ``warning`` or ``bad``."""
        return self.names("warning", "bad")

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of the checks that could not be made."""
        return self.names("unknown")

    def names(self, *verdicts: Verdict) -> tuple[str, ...]:
        """Return the names of the checks that ended in one of `verdicts`."""
        return tuple(check.name for check in self.checks if check.verdict in verdicts)

    @property
    def badge(self) -> str:
        """One line for a corner of a figure or a column of a table."""
        count = {verdict: len(self.names(verdict)) for verdict in get_args(Verdict)}
        parts = [
            f"{count[name]} {name}{'s' if name != 'bad' and count[name] > 1 else ''}"
            for name in GRAVITY[:0:-1]
            if count[name]
        ]
        if count["unknown"]:
            parts.append(f"{count['unknown']} unknown")
        return f"trust: {self.verdict}" + (f" ({', '.join(parts)})" if parts else "")

    def __getitem__(self, name: str) -> Check:
        for check in self.checks:
            if check.name == name:
                return check
        raise OptionError("no such check", got=name, expected=", ".join(check.name for check in self.checks))

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)

    def __len__(self) -> int:
        return len(self.checks)

    def of_bin(self, label: int) -> dict[str, tuple[float, Verdict]]:
        """Return number and verdict of one dynamic bin, by check.

        Raises
        ------
        OptionError
            If there is no such bin.
        """
        if label not in self.bins:
            raise OptionError("no such bin", got=label, expected=f"one of {', '.join(map(str, self.bins))}")
        place = self.bins.index(label)
        numbers = ((check, check.values[place]) for check in self.checks if check.values)
        return {check.name: (value, check.level(value)) for check, value in numbers if value is not None}

    def short(self) -> dict[str, Any]:
        """Return what fits into a record of the catalogue: verdict, number of warnings, and the names of checks."""
        names = {"trust_warning_names": self.names("warning", "bad"), "trust_note_names": self.names("note")}
        return {"trust": self.verdict, "trust_warnings": len(self.warnings)} | {
            name: list(found) for name, found in names.items() if found
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, as result files hold it."""
        checks = [
            {key: value for key, value in asdict(check).items() if value not in (None, ())} for check in self.checks
        ]
        return {"version": self.version, "verdict": self.verdict, "bins": list(self.bins), "checks": checks}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Return the report that `as_dict` made.

        Raises
        ------
        FileFormatError
            If `document` is none.
        """
        try:
            checks = tuple(_check(each) for each in document["checks"])
            report = cls(checks, tuple(int(label) for label in document["bins"]), int(document["version"]))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise FileFormatError(
                "this is no trust report", got=repr(error), expected="version, bins and checks"
            ) from error
        odd = {check.verdict for check in checks} - set(get_args(Verdict))
        if odd:
            raise FileFormatError("a trust report has an unknown verdict", got=", ".join(map(str, odd)))
        return report

    def __str__(self) -> str:
        return "\n".join([self.badge, *(f"  {check}" for check in self._sorted())])

    __repr__ = __str__

    def _sorted(self) -> Sequence[Check]:
        order = ("bad", "warning", "note", "unknown", "ok")
        return sorted(self.checks, key=lambda check: order.index(check.verdict))

    def _repr_html_(self) -> str:
        rows = "".join(_row(check) for check in self._sorted())
        return (
            f'<div><b style="color:{COLOURS[self.verdict]}">{escape(self.badge)}</b>'
            f'<table style="text-align:left"><thead><tr><th></th><th>check</th><th>found</th><th>value</th>'
            f"<th>limits</th></tr></thead><tbody>{rows}</tbody></table></div>"
        )


def _check(document: Mapping[str, Any]) -> Check:
    """Return a check from plain values; entries that a later version has added are left out."""
    known: dict[str, Any] = {key: value for key, value in document.items() if key in Check.__dataclass_fields__}
    return Check(**{**known, "values": tuple(known.get("values", ()))})


def _row(check: Check) -> str:
    style = f'style="color:{COLOURS[check.verdict]};font-weight:bold;white-space:nowrap"'
    about = escape(f"{check.meaning} {check.remedy}".strip())
    remedy = f"<br><small>{escape(check.remedy)}</small>" if check.verdict in ("warning", "bad") else ""
    unit = "" if check.unit == "1" else f" {check.unit}"
    number = "" if check.value is None else f"{check.value:.3g}{unit}"
    sign = "&lt;" if check.falling else "&gt;"
    limits = ", ".join(
        f"{name} {sign} {limit:g}" for name in GRAVITY[1:] if (limit := getattr(check, name)) is not None
    )
    cell = '<td style="text-align:left">'
    return (
        f'<tr title="{about}"><td {style}>{MARKS[check.verdict]} {check.verdict}</td>{cell}{escape(check.title)}</td>'
        f"{cell}{escape(check.message)}{remedy}</td><td>{escape(number)}</td>{cell}<small>{limits}</small></td></tr>"
    )
