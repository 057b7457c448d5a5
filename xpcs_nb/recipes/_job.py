"""One job of a batch, in a worker: execute the recipe, make the page, note what came out and how it was made."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import socket
from collections.abc import Mapping
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from xpcs_nb.errors import XpcsError
from xpcs_nb.recipes._execute import JobFailedError, execute, reason_of
from xpcs_nb.recipes._html import write_html
from xpcs_nb.recipes._outputs import FOLDER_VARIABLE, Outputs, read_outputs
from xpcs_nb.recipes._state import JobState, now, read_state, write_json

__all__ = ["LOG", "NOTEBOOK", "PAGE", "PROVENANCE", "run_job"]

NOTEBOOK, PAGE, PROVENANCE, LOG = "notebook.ipynb", "notebook.html", "provenance.json", "log.txt"


def run_job(request: Mapping[str, Any]) -> dict[str, Any]:
    """Run a job and return how it went, as its ``job.json`` tells it too.

    Parameters
    ----------
    request
        ``job`` (fields of `JobState`), ``folder`` (of the job), ``recipe`` (file), ``parameters``, ``time_limit`` (s or
        None), ``environment`` (variables for the kernel), ``own_gpu`` (whether this worker was given GPUs).
    """
    folder = Path(request["folder"])
    job = JobState(**request["job"]).with_(
        state="running", host=socket.gethostname(), worker=os.getpid(), started=now(), ended=None
    )
    os.environ.update(request["environment"], **{FOLDER_VARIABLE: str(folder)})
    _tell_flows_of_gpus(request)
    try:
        _empty(folder)
        job.write(folder)
        execute(Path(request["recipe"]), folder / NOTEBOOK, request["parameters"], time_limit=request.get("time_limit"))
        outputs = read_outputs(folder) or Outputs(folder, {})
        _page(folder, job)
        job = job.with_(
            state="succeeded", values=outputs.values, result=outputs.result, figures=outputs.figures, ended=now()
        )
        write_json(folder / PROVENANCE, _provenance(job, request, folder))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this job's failure, and is told as such
        job = _failed(job, error, request, folder)
    if (read_state(folder) or job).attempt == job.attempt:
        job.write(folder)
    return {"state": job.state, "reason": job.reason}


def _tell_flows_of_gpus(request: Mapping[str, Any]) -> None:
    """Let flows use the GPUs of this worker: they run in processes that all jobs share, and have to be told."""
    values = request["parameters"].values()
    asked = [request["parameters"].get("gpu_id"), *(each.get("gpu_id") for each in values if isinstance(each, dict))]
    # Parsl's workers have one by `available_accelerators`, or what the scheduler left there, asked for or not.
    by_parsl = "PARSL_WORKER_RANK" in os.environ and any(isinstance(each, int) and each >= 0 for each in asked)
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if seen and (request.get("own_gpu") or by_parsl):
        from xpcs_nb.flows import GPUS_VARIABLE

        os.environ[GPUS_VARIABLE] = seen


def _empty(folder: Path) -> None:
    """Remove what an earlier attempt left, but for the log."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name == LOG:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _failed(job: JobState, error: BaseException, request: Mapping[str, Any], folder: Path) -> JobState:
    cell, killed = (error.cell, error.killed) if isinstance(error, JobFailedError) else (None, False)
    job = job.with_(state="killed" if killed else "failed", reason=reason_of(error), cell=cell, ended=now())
    try:
        _page(folder, job)
        write_json(folder / PROVENANCE, _provenance(job, request, folder))
    except (XpcsError, OSError) as another:
        return job.with_(reason=f"{job.reason}; what is left of it can't be written: {another}")
    return job


def _page(folder: Path, job: JobState) -> None:
    if (folder / NOTEBOOK).is_file():
        write_html(folder / NOTEBOOK, folder / PAGE, title=job.label)


def _provenance(job: JobState, request: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return everything that is known of how the outputs were made."""
    names = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in (LOG, PROVENANCE))
    outputs = {str(path.relative_to(folder)): _sha256(path) for path in names if path.name != "job.json"}
    return {
        "label": job.label,
        "state": job.state,
        "reason": job.reason,
        "key": job.key,
        "recipe": {"name": request["name"], "checksum": job.parts["recipe"]},
        "parameters": dict(request["parameters"]),
        "inputs": dict(job.parts["inputs"]),
        "versions": _installed(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": job.host,
        "started": job.started,
        "ended": job.ended,
        "values": dict(job.values),
        "result": job.result,
        "figures": dict(job.figures),
        "outputs": outputs,
    }


@cache
def _installed() -> dict[str, str]:
    # Each look at `metadata` parses the file.
    found = (each.metadata for each in distributions())
    return dict(sorted((each["Name"], each["Version"]) for each in found if "Name" in each))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
