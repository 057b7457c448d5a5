"""What the crate of a batch says: the recipe, and a run of it for each job that has ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpcs_nb.errors import BatchError
from xpcs_nb.recipes._crate import CrateBuilder
from xpcs_nb.recipes._folder import BATCH, read_jobs
from xpcs_nb.recipes._job import LOG, NOTEBOOK, PAGE, PROVENANCE
from xpcs_nb.recipes._plan import JOBS
from xpcs_nb.recipes._recipe import REQUIRED, Parameter, Recipe
from xpcs_nb.recipes._report import REPORT_PAGE, REPORT_TABLE
from xpcs_nb.recipes._state import JobState

if TYPE_CHECKING:
    from rocrate.model.entity import Entity

__all__ = ["describe_batch"]

DESCRIPTIONS = {
    NOTEBOOK: "The executed notebook",
    PAGE: "The executed notebook as a page",
    PROVENANCE: "Parameters, inputs, versions and checksums",
    "outputs.json": "What the recipe made",
    "fit.json": "The fit of g2",
}
TYPES = {str: "Text", int: "Integer", float: "Float", bool: "Boolean"}


def describe_batch(builder: CrateBuilder, folder: Path, only: str | None = None) -> None:
    """Put a batch, or one job of it, into a crate.

    Raises
    ------
    BatchError
        No job has ended.
    """
    recipe, jobs = read_jobs(folder)
    ended = [job for job in jobs if job.state in ("succeeded", "failed") and only in (None, job.folder)]
    if not ended:
        raise BatchError("no job of the batch has ended, so there is nothing to export", path=folder)
    name = recipe.name.rpartition("-")[0]
    succeeded = sum(job.state == "succeeded" for job in ended)
    about = f"{len(ended)} runs of the recipe {name} by xpcs_nb, of which {succeeded} succeeded"
    builder.describe(f"{name}: {folder.name}", about, "process", "workflow", "recipe")
    workflow = builder.recipe(recipe.path, name, ended[0].parts["versions"])
    formal = {parameter.name: _formal(builder, parameter) for parameter in recipe.parameters.values()}
    workflow["input"] = list(formal.values())
    for job in ended:
        _run(builder, folder, recipe, workflow, formal, job)
    if only is None:
        for file, said in ((REPORT_PAGE, "The report"), (REPORT_TABLE, "The report as a table"), (BATCH, "The batch")):
            if (folder / file).is_file():
                builder.file(folder / file, file, description=said)


def _formal(builder: CrateBuilder, parameter: Parameter) -> Any:
    required = parameter.default is REQUIRED
    kind = "File" if parameter.meaning in ("dataset", "file") else TYPES.get(parameter.type, "Text")
    default = None if required or parameter.default in (None, "") else json.dumps(parameter.default)
    return builder.crate.add_formal_parameter(
        parameter.name,
        kind,
        identifier=f"#parameter-{parameter.name}",
        description=parameter.help or None,
        valueRequired=required,
        defaultValue=default,
    )


def _run(
    builder: CrateBuilder,
    folder: Path,
    recipe: Recipe,
    workflow: Entity,
    formal: dict[str, Any],
    job: JobState,
) -> None:
    place = folder / JOBS / job.folder
    made = [_output(builder, path, f"{JOBS}/{job.folder}/{path.relative_to(place)}") for path in _outputs(place)]
    parameters = job.parts["parameters"]
    used: list[Any] = []
    for name, value in parameters.items():
        inputs = job.parts["inputs"]
        files = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
        entities = [builder.input(each, inputs[each]) for each in files if each in inputs]
        for entity in entities:
            entity.append_to("exampleOfWork", formal[name])
        used += entities or [builder.value(f"#{job.folder}-{name}", name, value, formal[name])]
    named = {each for value in parameters.values() for each in (value if isinstance(value, list) else [value])
             if isinstance(each, str)}  # fmt: skip
    used += [builder.input(path, sha) for path, sha in job.parts["inputs"].items() if path not in named]
    state = "Completed" if job.state == "succeeded" else "Failed"
    properties = {
        "startTime": job.started,
        "endTime": job.ended,
        "actionStatus": {"@id": f"http://schema.org/{state}ActionStatus"},
        "error": job.reason,
        "description": f"The recipe {recipe.name} on {job.label}",
    }
    builder.action(f"#run-{job.folder}", job.label, properties, instrument=workflow, object=used, result=made)


def _outputs(place: Path) -> list[Path]:
    found = (path for path in sorted(place.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return [path for path in found if path.name != LOG]


def _output(builder: CrateBuilder, path: Path, name: str) -> Entity:
    said = DESCRIPTIONS.get(path.name) or ("A figure" if path.parent.name == "figures" else None)
    return builder.file(path, name, **({"description": said} if said else {}))
