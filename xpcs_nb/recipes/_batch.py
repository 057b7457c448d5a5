"""``rerun``: one recipe over many datasets, resumable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpcs_nb.errors import BatchError
from xpcs_nb.recipes._folder import keep_plan, locked, read_jobs
from xpcs_nb.recipes._listing import SEARCH, Datasets, Listed, list_datasets, list_found
from xpcs_nb.recipes._plan import JOBS, Plan, make_plan
from xpcs_nb.recipes._recipe import Recipe
from xpcs_nb.recipes._report import REPORT_PAGE, write_report
from xpcs_nb.recipes._runner import Runner, Settings
from xpcs_nb.recipes._state import JobState
from xpcs_nb.recipes._table import Live, html_table, text_table

if TYPE_CHECKING:
    import xarray as xr

    from xpcs_nb.qmap import QMap

__all__ = ["Batch", "batch_status", "plan_batch", "rerun"]


@dataclass(frozen=True, repr=False)
class Batch:
    """A batch, as it is when this is made; shows itself as a table.

    Attributes
    ----------
    folder
        Where everything of it is.
    recipe
        Name of its recipe.
    jobs
        How each job goes, in the order of the list.
    """

    folder: Path
    recipe: str
    jobs: Sequence[JobState]

    @property
    def failures(self) -> dict[str, str]:
        """Why jobs failed, by the name of their dataset."""
        return {job.label: job.reason or "" for job in self.jobs if job.state in ("failed", "killed")}

    @property
    def succeeded(self) -> bool:
        """Whether all jobs have succeeded."""
        return all(job.state == "succeeded" for job in self.jobs)

    @property
    def report(self) -> Path:
        """The page of the report."""
        return self.folder / REPORT_PAGE

    def job_folder(self, job: JobState) -> Path:
        """Return the folder of a job."""
        return self.folder / JOBS / job.folder

    def open(self, **options: Any) -> xr.DataTree:
        """Return the results as one tree; as `open_batch`."""
        from xpcs_nb.recipes._open import open_batch

        return open_batch(self.folder, **options)

    def __repr__(self) -> str:
        return f"{self.recipe} in {self.folder}\n{text_table(self.jobs)}"

    def _repr_html_(self) -> str:
        return html_table(self.jobs)


def rerun(
    recipe: str | Path,
    datasets: Datasets,
    *,
    folder: str | Path | None = None,
    qmap: str | Path | QMap | None = None,
    site: str | Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    workers: int = 1,
    gpus: Sequence[str | int] = (),
    parsl: str | Path | None = None,
    time_limit: float | None = None,
    where: Mapping[str, Any] | None = None,
    resume: bool = True,
    retry_failed: bool = False,
    progress: bool = True,
) -> Batch:
    """Run a recipe over many datasets: each in a process and a folder of its own; what is finished is not run again.

    A job that fails keeps its notebook, with the failing cell marked, and the others go on. Killed at any moment, the
    batch goes on when it is started again.

    Parameters
    ----------
    recipe
        Name of a recipe that comes with the package, or a notebook file.
    datasets
        A table (``.csv``, ``.tsv``, ``.toml``, ``.parquet``) with a column for each parameter, a text file with a
        dataset a line, a glob pattern, ``"search:WORDS"`` of the catalogue, a DataFrame, or a list of datasets, records
        or rows.
    folder
        Where the batch is kept; by default ``RECIPE_batch`` in the working directory.
    qmap, site
        Parameters of those names, for all jobs; a `QMap` is saved in `folder` first.
    parameters
        Further values for all jobs; what a row says goes before them.
    workers
        Jobs at a time.
    gpus
        Ids of GPUs: one worker for each, which sees only its own (``CUDA_VISIBLE_DEVICES``).
    parsl
        File of a Parsl configuration (it sets ``config``), to run past this machine; `workers` jobs are active then.
    time_limit
        Of a job, s.
    where
        Filters of a search, as in `Catalog.search`.
    resume
        Keep jobs that are finished, known by recipe, parameters, checksums of the inputs and versions of the packages;
        False runs all again.
    retry_failed
        Run jobs that failed again.
    progress
        Show a table in a notebook, a bar in a terminal.

    Returns
    -------
    Batch
        How each job went.

    Raises
    ------
    OptionError
        Before anything is started: lists everything that is wrong with the parameters.
    BatchError
        Another process runs a batch in this folder, or the list is empty.
    WriteError
        The folder can't be written.

    Examples
    --------
    >>> batch = rerun("reprocess", "search:aerogel", qmap="wedge.hdf", workers=4)
    >>> batch.failures
    >>> batch.open()["multitau"]["g2"].sel(dataset="A001_reprocessed")
    """
    settings = Settings(
        workers=workers,
        gpus=tuple(str(gpu) for gpu in gpus),
        parsl=None if parsl is None else Path(parsl).absolute(),
        time_limit=time_limit,
    )
    found = Recipe.load(recipe)
    here = _folder(found, folder)
    listed, common = _asked(found, datasets, _qmap_file(qmap, here), site, parameters, where)
    with locked(here):
        plan = make_plan(found, listed, common, here, resume=resume, retry_failed=retry_failed)
        copy = keep_plan(here, plan)
        live = Live(hidden=not progress)
        try:
            Runner(here, plan, copy, settings, live).run()
        finally:
            live.close()
            _, jobs = read_jobs(here)
            # While the lock is held nobody else runs; what still says so was ended.
            write_report(here, found.name, jobs)
    return Batch(here, found.name, jobs)


def plan_batch(
    recipe: str | Path,
    datasets: Datasets,
    *,
    folder: str | Path | None = None,
    qmap: str | Path | QMap | None = None,
    site: str | Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    where: Mapping[str, Any] | None = None,
    resume: bool = True,
    retry_failed: bool = False,
) -> Plan:
    """Return what `rerun` would run, and why; nothing is started. Arguments and errors as there."""
    found = Recipe.load(recipe)
    here = _folder(found, folder)
    listed, common = _asked(found, datasets, _qmap_file(qmap, here), site, parameters, where)
    return make_plan(found, listed, common, here, resume=resume, retry_failed=retry_failed)


def batch_status(folder: str | Path) -> Batch:
    """Return how a batch goes, from any process.

    Raises
    ------
    FileFormatError
        The folder holds no batch.
    """
    here = Path(folder).absolute()
    recipe, jobs = read_jobs(here)
    return Batch(here, recipe.name.rpartition("-")[0], jobs)


def _folder(recipe: Recipe, folder: str | Path | None) -> Path:
    return Path(f"{recipe.name}_batch" if folder is None else folder).absolute()


def _qmap_file(qmap: str | Path | QMap | None, folder: Path) -> str | Path | None:
    """Return the file of a qmap; one that was edited here is saved in the folder of the batch."""
    if qmap is None or isinstance(qmap, str | Path):
        return qmap
    path = folder / "qmaps" / f"qmap_{qmap.hash[:16]}.hdf"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path if path.is_file() else qmap.save(path)


def _asked(
    recipe: Recipe,
    datasets: Datasets,
    qmap: str | Path | None,
    site: str | Path | None,
    parameters: Mapping[str, Any] | None,
    where: Mapping[str, Any] | None,
) -> tuple[Listed, dict[str, Any]]:
    """Return the rows of the batch, and the values for all of them."""
    given = {"qmap": qmap, "site": site}
    common = {name: str(value) for name, value in given.items() if value is not None} | dict(parameters or {})
    name = recipe.dataset_parameter.name
    if isinstance(datasets, str) and datasets.startswith(SEARCH):
        from xpcs_nb.flows import connect

        with connect(site) as facility:
            return list_found(datasets.removeprefix(SEARCH).strip(), where or {}, facility.catalog, name), common
    if where:
        raise BatchError("conditions are for a search", got=str(datasets), expected=f'"{SEARCH}WORDS"')
    return list_datasets(datasets, name), common
