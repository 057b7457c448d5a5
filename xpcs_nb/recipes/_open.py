"""The results of a batch as one tree, with a dimension of datasets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from xpcs_nb.errors import BatchError, OptionError
from xpcs_nb.recipes._folder import read_jobs
from xpcs_nb.recipes._plan import JOBS
from xpcs_nb.recipes._state import JobState
from xpcs_nb.results import open_result

__all__ = ["open_batch"]

#: Nodes of a result that are joined: what is small. Maps and images stay in the result files.
NODES = ("multitau", "saxs")
#: Variables of those nodes that are images of the detector, or as large.
LEFT_OUT = ("G2IPIF", "scattering_2d")
#: Two bins are the same if their q agree so far, relative to the largest; delays, relative to themselves.
SAME_Q, SAME_DELAY = 1e-6, 1e-6


def open_batch(
    folder: str | Path, *, join: Literal["outer", "inner", "exact"] = "outer", nodes: Sequence[str] = NODES
) -> xr.DataTree:
    """Return the results of the jobs that have succeeded, joined along the dimension ``dataset``.

    Parameters
    ----------
    folder
        Of the batch.
    join
        What to do with delays, or times, that not all results have: ``outer`` keeps all and puts NaN where a result has
        none, ``inner`` keeps those that all have, ``exact`` refuses.
    nodes
        Of the results, to be joined. Images of the detector and ``G2IPIF`` are left out: `open_result` opens them.

    Returns
    -------
    xarray.DataTree
        ``multitau``, ``saxs`` (as in `open_result`, with ``dataset`` first), ``fit`` (what the recipe saved as fit),
        and at the root the values of the recipe (``D``, ``D_err``, ``trust``, ...; NaN or an empty text where a
        job has none). ``attrs["left_out"]`` says which jobs are not in it, and why.

    Raises
    ------
    FileFormatError
        The folder holds no batch.
    BatchError
        No job has succeeded.
    OptionError
        Results have other bins than the first, so that they can't be in one array; or other delays, with ``exact``.
    """
    here = Path(folder).absolute()
    recipe, jobs = read_jobs(here)
    done = [job for job in jobs if job.state == "succeeded"]
    if not done:
        raise BatchError("no job of the batch has succeeded", path=here, hint="`xpcs-nb rerun --status` says why.")
    labels = _labels(done)
    tree = xr.DataTree(_values(done, labels))
    tree.attrs = {
        "recipe": recipe.name.rpartition("-")[0],
        "folder": str(here),
        "left_out": {job.label: job.reason or job.state for job in jobs if job.state != "succeeded"},
    }
    with_result = [(name, here / JOBS / job.folder, job) for name, job in zip(labels, done, strict=True)]
    for node, parts in _parts(with_result, nodes).items():
        tree[node] = xr.DataTree(_joined(parts, node, join))
    return tree


def _labels(jobs: Sequence[JobState]) -> list[str]:
    """Return names of the jobs that differ: the dataset's, with the key where several have one name."""
    names = [job.label for job in jobs]
    return [job.folder if names.count(job.label) > 1 else job.label for job in jobs]


def _values(jobs: Sequence[JobState], labels: Sequence[str]) -> xr.Dataset:
    names = dict.fromkeys(name for job in jobs for name in job.values)
    columns = {name: _column([job.values.get(name) for job in jobs]) for name in names}
    found = {name: ("dataset", column) for name, column in columns.items() if column is not None}
    folders = ("dataset", [f"{JOBS}/{job.folder}" for job in jobs])
    return xr.Dataset(found, coords={"dataset": list(labels), "folder": folders})


def _column(values: list[Any]) -> np.ndarray[Any, Any] | None:
    """Return values as an array of numbers or of texts; None for what is neither."""
    known = [value for value in values if value is not None]
    if all(isinstance(value, int | float) for value in known):
        return np.array([np.nan if value is None else float(value) for value in values])
    if all(isinstance(value, str) for value in known):
        return np.array(["" if value is None else value for value in values])
    return None


def _parts(jobs: Sequence[tuple[str, Path, JobState]], nodes: Sequence[str]) -> dict[str, dict[str, xr.Dataset]]:
    """Return the datasets to be joined: by node, by label."""
    found: dict[str, dict[str, xr.Dataset]] = {}
    for label, place, job in jobs:
        if job.result is not None:
            with open_result(place / job.result) as tree:
                for node in nodes:
                    if node in tree.children:
                        data = tree[node].to_dataset()
                        small = data.drop_vars([name for name in LEFT_OUT if name in data])
                        found.setdefault(node, {})[label] = small.load()
        if (place / "fit.json").is_file():
            fit = xr.Dataset.from_dict(json.loads((place / "fit.json").read_text()))
            found.setdefault("fit", {})[label] = fit
    return found


def _joined(parts: Mapping[str, xr.Dataset], node: str, join: Literal["outer", "inner", "exact"]) -> xr.Dataset:
    labels = list(parts)
    first = parts[labels[0]]
    alike = {label: _like(part, first, node, f"{label}, against {labels[0]}") for label, part in parts.items()}
    try:
        return xr.concat(
            list(alike.values()),
            dim=xr.DataArray(labels, dims="dataset", name="dataset"),
            data_vars="all",
            coords="different",
            compat="equals",
            join=join,
            combine_attrs="drop_conflicts",
        )
    except ValueError as error:
        raise OptionError(
            "the results of the batch can't be joined", where=node, got=error, hint="join='outer' fills in NaN."
        ) from error


def _like(part: xr.Dataset, first: xr.Dataset, node: str, who: str) -> xr.Dataset:
    """Return a dataset with the bins and the delays of `first`, where they differ by rounding only.

    Raises
    ------
    OptionError
        The bins are others.
    """
    for name in ("bin", "static_bin"):
        if name not in first.dims and name not in part.dims:
            continue
        if not _same_bins(part, first, name):
            raise OptionError(
                "results of the batch have other bins, so they can't be in one array",
                where=f"{node}, {who}",
                got=f"{part.sizes.get(name, 0)} {name}s of other q or label",
                expected=f"the {first.sizes.get(name, 0)} of the first",
                hint="Open them one by one with open_result, or rerun them with one qmap.",
            )
    return _second_delay(_rounded(part, first))


def _second_delay(part: xr.Dataset) -> xr.Dataset:
    """Give the second axis of a covariance its delays, by which it can be aligned."""
    if "delay2" not in part.dims or "delay2" in part.coords:
        return part
    return part.assign_coords(delay2=("delay2", part["delay"].to_numpy(), part["delay"].attrs))


def _same_bins(part: xr.Dataset, first: xr.Dataset, name: str) -> bool:
    if part.sizes.get(name) != first.sizes.get(name):
        return False
    if name in part.coords and not np.array_equal(part[name], first[name]):
        return False
    for coordinate in ("q", "phi"):
        if coordinate in first.coords and first[coordinate].dims == (name,):
            if coordinate not in part.coords:
                return False
            mine, its = part[coordinate].to_numpy().astype(float), first[coordinate].to_numpy().astype(float)
            scale = np.nanmax(np.abs(its), initial=0.0)
            if not np.allclose(mine, its, rtol=0, atol=SAME_Q * (scale or 1), equal_nan=True):
                return False
    return True


def _rounded(part: xr.Dataset, first: xr.Dataset) -> xr.Dataset:
    """Return a dataset whose delays are those of `first` where they are the same but for rounding."""
    changed = {}
    for name in ("delay", "delay2", "time", "bin", "q", "phi"):
        if name not in part.coords or name not in first.coords or part[name].ndim != 1 or not first[name].size:
            continue
        mine, its = part[name].to_numpy(), first[name].to_numpy()
        if not np.issubdtype(mine.dtype, np.floating) or not np.issubdtype(its.dtype, np.floating):
            continue
        nearest = (
            its[np.abs(mine[:, None] - its[None, :]).argmin(axis=1)] if name.startswith(("delay", "time")) else its
        )
        same = np.isclose(mine, nearest, rtol=SAME_DELAY, atol=0, equal_nan=True)
        if name.startswith(("delay", "time")) or same.all():
            changed[name] = part[name].copy(data=np.where(same, nearest, mine))
    return part.assign_coords(changed)
