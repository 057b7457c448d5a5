"""What a batch would do: its jobs, each with its key, and which of them are to run and why."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from xpcs_nb.errors import OptionError
from xpcs_nb.recipes._inputs import Checksums, files_of_job
from xpcs_nb.recipes._listing import Listed
from xpcs_nb.recipes._recipe import Recipe
from xpcs_nb.recipes._state import JobState, State, read_state
from xpcs_nb.recipes._values import check_values, is_address

__all__ = ["JOBS", "Plan", "PlannedJob", "make_plan", "versions"]

JOBS = "jobs"
#: What the numbers of a result may depend on.
PACKAGES = ("xpcs-nb", "numpy", "scipy", "xarray", "h5py", "hdf5plugin", "numba", "boost-corr", "torch")
#: Problems of a list that are told one by one.
MOST_PROBLEMS = 30


@dataclass(frozen=True)
class PlannedJob:
    """A job, whether it is to run, and why."""

    job: JobState
    run: bool
    why: str


@dataclass(frozen=True)
class Plan:
    """The jobs of a batch in the order of its list."""

    recipe: Recipe
    jobs: Sequence[PlannedJob]

    @property
    def to_run(self) -> list[JobState]:
        """The jobs that are to run."""
        return [planned.job for planned in self.jobs if planned.run]

    def __str__(self) -> str:
        width = max(len(planned.job.label) for planned in self.jobs)
        lines = [
            f"{'run ' if planned.run else 'keep'}  {planned.job.label:<{width}}  {planned.why}" for planned in self.jobs
        ]
        return "\n".join([*lines, f"{len(self.jobs)} jobs, {len(self.to_run)} to run"])


def make_plan(
    recipe: Recipe,
    listed: Listed,
    common: Mapping[str, Any],
    folder: Path,
    *,
    resume: bool = True,
    retry_failed: bool = False,
) -> Plan:
    """Check all parameters, and return what is to run.

    Parameters
    ----------
    recipe
        Of the batch.
    listed
        Its rows; what a row says of a parameter goes before `common`.
    common
        Values for all jobs, as from the command line.
    folder
        Of the batch.
    resume
        Keep jobs that are finished; otherwise all run.
    retry_failed
        Run jobs that failed again.

    Raises
    ------
    OptionError
        Lists everything that is wrong with the parameters: unknown, missing, of the wrong type, files that are not
        there, and jobs that are listed twice.
    """
    jobs = _jobs(recipe, _checked(recipe, listed, common), folder)
    others = _labels_known(folder / JOBS)
    planned = []
    for job in jobs:
        before = read_state(folder / JOBS / job.folder)
        run, why = _decision(before, resume=resume, retry_failed=retry_failed)
        if before is None and job.label in others:
            why = f"{why}: {_difference(job, read_state(others[job.label]))}"
        planned.append(PlannedJob(before if before is not None and not run else job, run, why))
    return Plan(recipe, planned)


def _checked(recipe: Recipe, listed: Listed, common: Mapping[str, Any]) -> list[dict[str, Any]]:
    # What is wrong with a value for all would be so in each row.
    single = {name: check_values(recipe, {name: value}, Path.cwd(), whole=False)[1] for name, value in common.items()}
    everywhere = [problem for found in single.values() for problem in found]
    placed = {name: _absolute(value) for name, value in common.items() if not single[name]}
    named = recipe.dataset_parameter.name
    values, problems = [], list(everywhere)
    for number, row in enumerate(listed.rows, 1):
        checked, wrong = check_values(recipe, {**placed, **row}, listed.base)
        if not wrong and checked[named] == "":
            wrong = [f"{named} is missing"]
        values.append(checked)
        problems += [f"row {number}: {problem}" for problem in wrong]
    if problems:
        rest = [f"and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
        text = "\n  ".join(["", *problems[:MOST_PROBLEMS], *rest])
        raise OptionError(f"the parameters can't be used; nothing was started:{text}", where=f"recipe {recipe.name}")
    return values


def _absolute(value: Any) -> Any:
    """Return a value of the command line so that it means the same in the folder of the list."""
    return str(Path(value).absolute()) if isinstance(value, str | Path) and Path(value).is_file() else value


def _jobs(recipe: Recipe, values: Sequence[dict[str, Any]], folder: Path) -> list[JobState]:
    checksums = Checksums(folder / "checksums.json")
    files = [files_of_job(recipe, each, checksums) for each in values]
    known = checksums.take(path for some in files for path in some)
    if folder.is_dir():
        checksums.keep()
    jobs = [
        _job(recipe, each, {str(path): known[str(path)] for path in some})
        for each, some in zip(values, files, strict=True)
    ]
    counts = Counter(job.key for job in jobs)
    twice = sorted({job.label for job in jobs if counts[job.key] > 1})
    if twice:
        raise OptionError(
            "jobs are listed twice, with the same parameters", got=", ".join(twice[:5]), where=recipe.name
        )
    return jobs


def _job(recipe: Recipe, values: dict[str, Any], inputs: dict[str, str]) -> JobState:
    parts = {"recipe": recipe.checksum, "parameters": values, "inputs": inputs, "versions": versions()}
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    label = _label(str(values[recipe.dataset_parameter.name]))
    return JobState(folder=f"{label}-{key[:10]}", label=label, key=key, parts=parts)


def _label(dataset: str) -> str:
    from xpcs_nb.results import dataset_name

    name = dataset.rstrip("/").rpartition("/")[2] if is_address(dataset) else dataset_name(Path(dataset))
    return re.sub(r"[^\w.-]+", "_", name)[:80] or "job"


@cache
def versions() -> dict[str, str]:
    """Return the versions of the packages that numbers may depend on."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _decision(before: JobState | None, *, resume: bool, retry_failed: bool) -> tuple[bool, str]:
    state: State = "waiting" if before is None else before.state
    match state:
        case "succeeded":
            return (False, "finished") if resume else (True, "finished, to run again")
        case "failed":
            again = retry_failed or not resume
            return again, "failed, to run again" if again else "failed; --retry-failed runs it again"
        case "killed" | "interrupted" | "running":
            return True, "was interrupted"
        case _:
            return True, "new"


def _labels_known(folder: Path) -> dict[str, Path]:
    """Return the folders of finished or failed jobs by the label in their name."""
    if not folder.is_dir():
        return {}
    return {path.name.rpartition("-")[0]: path for path in folder.iterdir()}


def _difference(job: JobState, other: JobState | None) -> str:
    """Say in what a job differs from an older one of the same dataset."""
    if other is None:
        return "not begun before"
    said = []
    if job.parts["recipe"] != other.parts["recipe"]:
        said.append("another recipe")
    for kind in ("parameters", "inputs", "versions"):
        mine, its = job.parts[kind], other.parts[kind]
        names = sorted(name for name in {*mine, *its} if mine.get(name) != its.get(name))
        if kind == "versions":
            said += [f"{name} {its.get(name)} -> {mine.get(name)}" for name in names]
        else:
            said += [f"another {Path(name).name}" for name in names]
    return ", ".join(dict.fromkeys(said))
