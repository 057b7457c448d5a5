"""A batch as people see it while it runs and afterwards: a table in a notebook, a bar in a terminal."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from xpcs_nb.recipes._state import JobState

__all__ = ["Live", "counted", "duration", "html_table", "number", "text_table", "titled"]

#: Rows of a table in a notebook; those that need attention come first.
MOST_ROWS = 60
#: Seconds between two pictures of a running batch.
PACE = 0.5
ORDER = ("running", "failed", "killed", "interrupted", "waiting", "succeeded")
COLOURS = {
    "succeeded": "#2e7d32",
    "running": "#1565c0",
    "failed": "#c62828",
    "killed": "#c62828",
    "interrupted": "#b26a00",
    "waiting": "#757575",
}


def counted(jobs: Sequence[JobState]) -> str:
    """Return how many jobs there are in each state."""
    counts = Counter[str](job.state for job in jobs)
    return ", ".join([f"{len(jobs)} jobs", *(f"{counts[state]} {state}" for state in ORDER if counts[state])])


def duration(seconds: float | None) -> str:
    """Return seconds as a person writes them."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d} h"


def number(values: Mapping[str, Any], name: str) -> str:
    """Return a value with its error, if it has one."""
    value, error = values.get(name), values.get(f"{name}_err")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    return f"{value:.5g}" if not isinstance(error, int | float) else f"{value:.5g} ± {error:.2g}"


def titled(name: str, jobs: Sequence[JobState]) -> str:
    """Return the title of a column; D has a unit where it is that of a diffusion, by all jobs."""
    exponents = {job.values.get("exponent") for job in jobs if "D" in job.values}
    return "D (Å²/s)" if name == "D" and exponents == {2.0} else name


def text_table(jobs: Sequence[JobState]) -> str:
    """Return the jobs as lines of text."""
    width = max((len(job.label) for job in jobs), default=0)
    lines = []
    for job in jobs:
        told = f"cell {job.cell}: {job.reason}" if job.cell else job.reason or ""
        said = told.splitlines()[0][:160] if told else "  ".join(filter(None, (number(job.values, "D"), _trust(job))))
        lines.append(f"{job.label:<{width}}  {job.state:<11}  {duration(job.seconds):>9}  {said}".rstrip())
    return "\n".join([*lines, counted(jobs)])


def html_table(jobs: Sequence[JobState]) -> str:
    """Return the jobs as a table for a notebook."""
    shown = sorted(jobs, key=lambda job: ORDER.index(job.state))[:MOST_ROWS]
    head = "".join(f"<th>{name}</th>" for name in ("dataset", "state", "time", "trust", titled("D", jobs), "reason"))
    rows = "".join(f"<tr>{_cells(job)}</tr>" for job in shown)
    more = f"<p>… and {len(jobs) - len(shown)} more</p>" if len(jobs) > len(shown) else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f"<p><b>{counted(jobs)}</b></p>{table}{more}"


def _cells(job: JobState) -> str:
    state = f'<span style="color:{COLOURS[job.state]}">{job.state}</span>'
    reason = (job.reason or "").split("\n")[0][:200]
    told = f"cell {job.cell}: {reason}" if job.cell else reason
    texts = (duration(job.seconds), _trust(job), number(job.values, "D"), told)
    cells = [escape(job.label), state, *map(escape, texts)]
    return "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells)


def _trust(job: JobState) -> str:
    return number(job.values, "trust")


class Live:
    """Shows a running batch: a table that changes in a notebook, a bar in a terminal, else nothing.

    Parameters
    ----------
    hidden
        Show nothing at all.
    """

    def __init__(self, *, hidden: bool = False) -> None:
        self._handle: Any = None
        self._bar: Any = None
        self._hidden = hidden
        self._next = 0.0
        self._told: set[str] = set()

    def __call__(self, jobs: list[JobState]) -> None:
        """Show how the jobs go, unless that was just done."""
        done = sum(job.state in ("succeeded", "failed", "killed", "interrupted") for job in jobs)
        if self._hidden or (time.monotonic() < self._next and done < len(jobs)):
            return
        self._next = time.monotonic() + PACE
        if _in_notebook():
            self._show(html_table(jobs))
        elif sys.stderr.isatty():
            self._advance(jobs, done)

    def close(self) -> None:
        """Leave the terminal clean."""
        if self._bar is not None:
            self._bar.close()

    def _show(self, table: str) -> None:
        from IPython.display import HTML, display

        if self._handle is None:
            self._handle = display(HTML(table), display_id=True)
        else:
            self._handle.update(HTML(table))

    def _advance(self, jobs: list[JobState], done: int) -> None:
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(total=len(jobs), unit=" jobs", initial=done)
            self._told = {job.folder for job in jobs if job.state == "failed"}
        for job in jobs:
            if job.state == "failed" and job.folder not in self._told:
                self._told.add(job.folder)
                self._bar.write(f"{job.label} failed: {(job.reason or '').splitlines()[0]}")
        self._bar.set_postfix_str(", ".join(job.label for job in jobs if job.state == "running")[:60], refresh=False)
        self._bar.update(done - self._bar.n)
        self._bar.refresh()


def _in_notebook() -> bool:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and hasattr(shell, "kernel")
