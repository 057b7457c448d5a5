"""From what a user asks for, at a site, to the input of a flow: where everything goes."""

from __future__ import annotations

import importlib.metadata
import json
import posixpath
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xpcs_nb.core import ReductionOptions
from xpcs_nb.errors import OptionError
from xpcs_nb.flows import _inputs as inputs
from xpcs_nb.flows._check import Dataset
from xpcs_nb.flows._describe import cycle_and_experiment
from xpcs_nb.flows._sites import Site
from xpcs_nb.results import result_path

__all__ = ["Request", "batch_input", "online_input", "reprocess_input"]

PYTHON = "3.12"
#: Tasks of a batch; each takes every so manieth dataset.
MOST_TASKS = 32
#: Bytes of the list of datasets, which passes through the state of the run (200 KB).
LARGEST_LIST = 60_000


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for, besides the data."""

    qmap: Path
    options: ReductionOptions
    title: str | None = None
    output: Path | None = None
    experiment: str | None = None
    cycle: str | None = None
    group: str | None = None
    publish: bool = True
    transfer_back: bool = False
    queue: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, Any] | None = None
    token: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}")

    @property
    def values(self) -> dict[str, Any]:
        """What goes into the record as it is."""
        given = {"cycle": self.cycle, "experiment": self.experiment, "origin": self.origin}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class _Places:
    """Where a run has its files; POSIX paths of the processing machine, and their names in the collections."""

    site: Site
    job: str
    destination: str

    def here(self, *parts: str) -> str:
        return posixpath.join(self.job, *parts)

    def collection(self, *parts: str) -> str:
        return self.site.collections.processing.to_collection(self.here(*parts))

    def source(self, path: Path) -> str:
        return self.site.collections.source.to_collection(str(path))

    def url(self, path: Path) -> str:
        return self.site.collections.source.url(str(path))

    @property
    def published(self) -> str:
        return self.site.collections.publish.to_collection(self.destination)

    def transfer(self, paths: Sequence[Path], *folder: str) -> inputs.Transfer:
        """Return the transfer of files of the source collection into a folder of the run."""
        items = [
            inputs.TransferItem(source_path=self.source(path), destination_path=self.collection(*folder, path.name))
            for path in paths
        ]
        ends = self.site.collections
        return inputs.Transfer(source_endpoint=ends.source.id, destination_endpoint=ends.processing.id, items=items)


def _places(site: Site, request: Request, name: str, dataset: Dataset) -> _Places:
    known = cycle_and_experiment({**dataset.measured, **request.values}, dataset.raw)
    below = [_segment(known[each]) for each in ("cycle", "experiment") if each in known]
    job = posixpath.join(site.processing.folder, f"{name}-{request.token}")
    return _Places(site, job, posixpath.join(site.publish.folder, *below))


def _segment(text: str) -> str:
    return text.replace("/", "_").strip(". ") or "_"


def _common(site: Site, request: Request, places: _Places) -> dict[str, Any]:
    queue = dict(request.queue)
    group = request.group
    return {
        "login_endpoint": site.endpoints.login,
        "compute_endpoint": site.endpoints.compute,
        "user_endpoint_config": site.queue.config(**queue),
        "check_endpoint": inputs.CheckInput(packages={"xpcs-nb": _version()}, python=PYTHON),
        "acquire_nodes": inputs.AcquireInput(gpu_id=request.options.gpu_id),
        "set_permission": inputs.PermissionInput(
            enable=group is not None and request.publish,
            endpoint_id=site.collections.publish.id,
            path=f"{places.published}/",
            principal=group or "",
        ),
        "transfer_back": request.transfer_back,
    }


def _version() -> str:
    return importlib.metadata.version("xpcs-nb")


def _visible_to(site: Site, request: Request) -> list[str]:
    if request.group is None:
        return list(site.publish.visible_to)
    others = [each for each in site.publish.visible_to if each != "public"]
    return list(dict.fromkeys([f"urn:globus:groups:id:{request.group}", *others]))


def _publication(site: Site, request: Request, places: _Places) -> inputs.PublicationInput:
    ends = site.collections
    return inputs.PublicationInput(
        destination=places.published,
        source_collection=ends.processing.id,
        destination_collection=ends.publish.id,
        index=site.publish.index,
        visible_to=_visible_to(site, request),
        source_collection_basepath=ends.processing.base,
        destination_url_hostname=ends.publish.https,
        enable_publish=request.publish,
        enable_transfer=request.publish,
    )


def _dataset_parts(
    site: Site, request: Request, places: _Places, dataset: Dataset, *, name: str, qmap: str, flow: str
) -> dict[str, Any]:
    """Return the parts that online and reprocessing flows share; the result is published under `name`."""
    here = places.here("dataset", dataset.name)
    options = {**request.options.as_config(), "overwrite": True}
    result = result_path(
        Path(here), dataset.raw, prefix=request.options.prefix, suffix=request.options.suffix, overwrite=True
    )
    final = places.here("dataset", name) if name == dataset.name else places.here("renamed", name)
    file = result.name if name == dataset.name else f"{name}_results.hdf"
    publication = _publication(site, request, places)
    metadata = places.here("input", _metadata(dataset).name)
    source = {
        "raw": places.url(dataset.raw),
        "metadata": places.url(_metadata(dataset)),
        "qmap": places.url(request.qmap),
    }
    given = inputs.Given(
        dataset=name,
        title=request.title or name,
        visible_to=publication.visible_to,
        raw=str(dataset.raw),
        values={**request.values, "inputs": source},
    )
    back = request.output if request.transfer_back else None
    about = inputs.About(
        flow=flow,  # type: ignore[arg-type]  # checked by the model
        version=_version(),
        site=site.name,
        dataset=name,
        # As `Publishv2` writes it: not quoted.
        subject=f"globus://{publication.destination_collection}{places.published}/{name}" if request.publish else None,
        published=f"globus://{publication.destination_collection}{places.published}/{name}/{file}"
        if request.publish
        else None,
        processed=f"globus://{site.collections.processing.id}{site.collections.processing.to_collection(f'{final}/{file}')}",
        back=None if back is None else str(back / name / file),
        source=source | {"files": [str(path) for path in dataset.files], "options": request.options.as_config()},
    )
    return {
        **_common(site, request, places),
        "xpcs_nb": about,
        "correlate": inputs.CorrelateInput(
            raw=places.here("input", dataset.raw.name), qmap=qmap, output=here, options=options, metadata=metadata
        ),
        "make_plots": inputs.PlotsInput(result=str(result), output=posixpath.join(here, "plots")),
        "gather_metadata": inputs.GatherInput(
            folder=final, given=given, files=[metadata, qmap], record=places.here("record.json"), publishv2=publication
        ),
        "publishv2": publication,
        "result_transfer_source_endpoint_id": site.collections.processing.id,
        "result_transfer_destination_endpoint_id": site.collections.source.id,
        "result_transfer_source_path": site.collections.processing.to_collection(final),
        "result_transfer_destination_path": "/" if back is None else places.source(back / name),
    }


def _metadata(dataset: Dataset) -> Path:
    if dataset.metadata is None:
        raise OptionError("the dataset has no metadata file", path=dataset.raw)
    return dataset.metadata


def _named(dataset: Dataset, options: ReductionOptions) -> str:
    """Return the name that prefix and suffix give to a result."""
    file = result_path(Path(), dataset.raw, prefix=options.prefix, suffix=options.suffix, overwrite=True)
    return file.stem.removesuffix("_results")


def online_input(site: Site, dataset: Dataset, request: Request) -> inputs.OnlineInput:
    """Return the input of the online flow.

    Raises
    ------
    SiteError
        A file is outside of the collections.
    """
    name = _named(dataset, request.options)
    places = _places(site, request, name, dataset)
    metadata = _metadata(dataset)
    # The folder of the result has the result's name, with prefix and suffix.
    parts = _dataset_parts(
        site,
        request,
        places,
        replace(dataset, name=name),
        name=name,
        qmap=places.here("input", request.qmap.name),
        flow="online",
    )
    ends = site.collections
    return inputs.OnlineInput(
        **parts,
        source_transfer=places.transfer([*dataset.files, metadata, request.qmap], "input"),
        extract_metadata=inputs.FirstRecordInput(
            metadata=places.here("input", metadata.name),
            raw=str(dataset.raw),
            given=parts["gather_metadata"].given,
            publication={
                "index": site.publish.index,
                "subject": f"globus://{ends.publish.id}{places.published}/{name}",
                "source_collection": ends.processing.id,
                "destination_collection": ends.publish.id,
                "metadata_path": places.collection("input", metadata.name),
                "metadata_destination": f"{places.published}/{name}/{metadata.name}",
            },
        ),
    )


def reprocess_input(site: Site, dataset: Dataset, request: Request, suffix: str) -> inputs.ReprocessInput:
    """Return the input of the reprocessing flow; the new dataset is called as the old one, and `suffix`.

    Raises
    ------
    SiteError
        A file is outside of the collections.
    """
    old = _named(dataset, request.options)
    name = f"{old}_{suffix.lstrip('_')}"
    places = _places(site, request, name, dataset)
    qmap = places.here("qmap", "applied", request.qmap.name)

    parts = _dataset_parts(site, request, places, replace(dataset, name=old), name=name, qmap=qmap, flow="reprocess")
    return inputs.ReprocessInput(
        **parts,
        transfer_dataset=places.transfer([*dataset.files, _metadata(dataset)], "input"),
        transfer_qmap=places.transfer([request.qmap], "qmap"),
        apply_qmap=inputs.QmapInput(
            raw=places.here("input", dataset.raw.name), qmap=places.here("qmap", request.qmap.name), target=qmap
        ),
        rename_dataset=inputs.RenameInput(
            folder=places.here("dataset", old), name=old, new_folder=places.here("renamed", name), new_name=name
        ),
    )


def batch_input(site: Site, datasets: Sequence[Dataset], request: Request) -> inputs.BatchInput:
    """Return the input of the batch flow.

    Raises
    ------
    SiteError
        A file is outside of the collections.
    OptionError
        Two datasets have the same name, or there are too many for one run.
    """
    names = [_named(dataset, request.options) for dataset in datasets]
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise OptionError(
            "datasets of one batch have the same name, and would be published in each other's place",
            got=", ".join(doubles[:5]),
            hint="Process them in batches of their own, with a prefix or suffix.",
        )
    places = _places(site, request, "batch", datasets[0])
    folder = Path(posixpath.commonpath([str(each.raw.parent) for each in datasets]))
    listed = [
        (
            name,
            [_relative(path, folder) for path in each.files],
            _relative(each.metadata, folder) if each.metadata else None,
        )
        for name, each in zip(names, datasets, strict=True)
    ]
    size = len(json.dumps(listed))
    if size > LARGEST_LIST:
        raise OptionError(
            "too many datasets for one run: their list has to pass through its state",
            got=f"{len(datasets)} datasets, {size} bytes",
            expected=f"at most {LARGEST_LIST} bytes",
            hint=f"Start runs of about {len(datasets) * LARGEST_LIST // size} datasets each.",
        )
    manifest = places.here("manifest.json")
    parts = min(len(datasets), MOST_TASKS)
    tasks = [{"kwargs": {"manifest": manifest, "part": part, "parts": parts}} for part in range(parts)]
    common = _manifest_common(site, request, places, folder)
    about = inputs.About(
        flow="batch",
        version=_version(),
        site=site.name,
        published=f"globus://{site.collections.publish.id}{places.published}" if request.publish else None,
        processed=f"globus://{site.collections.processing.id}{places.collection()}",
        back=str(request.output) if request.transfer_back else None,
    )
    return inputs.BatchInput(
        **_common(site, request, places),
        xpcs_nb=about,
        manifest=manifest,
        prepare_batch=inputs.PrepareInput(manifest=manifest, common=common, datasets=listed),
        correlate_tasks=tasks,
        plot_tasks=tasks,
        publish=request.publish,
    )


def _relative(path: Path, folder: Path) -> str:
    return posixpath.relpath(str(path), str(folder))


def _manifest_common(site: Site, request: Request, places: _Places, folder: Path) -> dict[str, Any]:
    qmap = request.qmap.name
    ends = site.collections
    publication = _publication(site, request, places)
    return {
        "qmap": places.here("qmap", qmap),
        "options": {**request.options.as_config(), "overwrite": True},
        "source": {
            "source_collection": ends.source.id,
            "destination_collection": ends.processing.id,
            "folder": places.source(folder),
            "qmap": places.source(request.qmap),
            "qmap_destination": places.collection("qmap", qmap),
            "destination": places.collection(),
        },
        "given": {
            "folder": str(folder),
            "folder_url": places.url(folder),
            "qmap": places.url(request.qmap),
            "visible_to": publication.visible_to,
            "values": request.values,
        },
        "publishv2": publication.model_dump(mode="json"),
        "output": places.source(request.output) if request.transfer_back and request.output else None,
    }
