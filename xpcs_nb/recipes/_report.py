"""The report of a batch: a page and a table of how each job went, what it gave, and where its files are."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from xpcs_nb.hdf5 import atomic_file
from xpcs_nb.recipes._job import NOTEBOOK, PAGE, PROVENANCE
from xpcs_nb.recipes._plan import JOBS
from xpcs_nb.recipes._state import JobState
from xpcs_nb.recipes._table import COLOURS, counted, duration, number, titled

__all__ = ["REPORT_PAGE", "REPORT_TABLE", "write_report"]

REPORT_PAGE, REPORT_TABLE = "report.html", "report.csv"
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em; color: #222; }
table { border-collapse: collapse; } th, td { padding: .3em .8em; text-align: left; vertical-align: top; }
td { white-space: nowrap; } td.reason { white-space: normal; }
th { border-bottom: 2px solid #999; } td { border-bottom: 1px solid #ddd; } td.reason { max-width: 45em; }
img { height: 90px; border: 1px solid #ddd; }
"""
#: Columns that come first, where there are such values.
FIRST = ("trust", "D")


def write_report(folder: Path, recipe: str, jobs: Sequence[JobState]) -> tuple[Path, Path]:
    """Write ``report.html`` and ``report.csv`` to the folder of a batch and return their paths.

    Raises
    ------
    WriteError
        They can't be written.
    """
    columns = _columns(jobs)
    page, table = folder / REPORT_PAGE, folder / REPORT_TABLE
    with atomic_file(table, overwrite=True) as part:
        part.write_text(_as_csv(jobs, columns), encoding="utf-8")
    with atomic_file(page, overwrite=True) as part:
        part.write_text(_as_html(folder, recipe, jobs, columns), encoding="utf-8")
    return page, table


def _columns(jobs: Sequence[JobState]) -> list[str]:
    """Return the names of the values that any job has, those that say most first."""
    names = dict.fromkeys(name for job in jobs for name in job.values)
    return [*(name for name in FIRST if name in names), *(name for name in names if name not in FIRST)]


def _files(job: JobState) -> Iterator[tuple[str, str]]:
    """Return word and path (from the folder of the batch) of the files of a job."""
    if job.state in ("waiting", "running", "interrupted"):
        return
    for word, name in (("page", PAGE), ("notebook", NOTEBOOK), ("result", job.result), ("provenance", PROVENANCE)):
        if name:
            yield word, f"{JOBS}/{job.folder}/{name}"


def _as_csv(jobs: Sequence[JobState], columns: Sequence[str]) -> str:
    stream = io.StringIO()
    words = ("page", "notebook", "result", "provenance")
    writer = csv.writer(stream)
    writer.writerow(["dataset", "state", "seconds", *columns, "cell", "reason", *words])
    for job in jobs:
        files = dict(_files(job))
        seconds = "" if job.seconds is None or job.ended is None else round(job.seconds, 3)
        values = [job.values.get(name, "") for name in columns]
        cells = [job.label, job.state, seconds, *values, job.cell or "", job.reason or ""]
        writer.writerow([*cells, *(files.get(word, "") for word in words)])
    return stream.getvalue()


def _as_html(folder: Path, recipe: str, jobs: Sequence[JobState], columns: Sequence[str]) -> str:
    # An error stands beside its value.
    shown = [name for name in columns if not (name.endswith("_err") and name.removesuffix("_err") in columns)]
    heads = ["dataset", "state", "time", *(titled(name, jobs) for name in shown), "files", "", "reason"]
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    rows = "".join(_row(folder, job, shown) for job in jobs)
    title = f"{escape(recipe)}: {escape(counted(jobs))}"
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1><p>{escape(folder.name)}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></body></html>\n"
    )


def _row(folder: Path, job: JobState, columns: Sequence[str]) -> str:
    files = [(word, path) for word, path in _files(job) if (folder / path).is_file()]
    links = " · ".join(f'<a href="{quote(path)}">{word}</a>' for word, path in files)
    pictures = "".join(
        f'<a href="{quote(path)}"><img src="{quote(path)}" alt="{escape(name)}" loading="lazy"></a>'
        for name, path in ((name, f"{JOBS}/{job.folder}/{file}") for name, file in job.figures.items())
    )
    reason = f"cell {job.cell}: {job.reason}" if job.cell else job.reason or ""
    state = f'<b style="color:{COLOURS[job.state]}">{job.state}</b>'
    texts: list[Any] = [escape(job.label), state, duration(job.seconds if job.ended else None)]
    texts += [escape(number(job.values, name)) for name in columns]
    cells = "".join(f"<td>{text}</td>" for text in [*texts, links, pictures])
    return f'<tr>{cells}<td class="reason">{escape(reason)}</td></tr>'
