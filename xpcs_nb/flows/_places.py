"""What a user asks for, and where a run has its files."""

from __future__ import annotations

import importlib.metadata
import posixpath
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xpcs_nb.core import ReductionOptions
from xpcs_nb.errors import OptionError, SiteError
from xpcs_nb.flows import _inputs as inputs
from xpcs_nb.flows._check import Dataset
from xpcs_nb.flows._describe import cycle_and_experiment
from xpcs_nb.flows._sites import Site
from xpcs_nb.results import result_path

__all__ = [
    "RESULTS",
    "Places",
    "Request",
    "common_input",
    "input_name",
    "metadata_of",
    "publication_input",
    "qmap_name",
    "result_name",
    "version",
]

PYTHON = "3.12"
RESULTS = "_results.hdf"


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
    again: str | None = None
    token: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}")

    @property
    def values(self) -> dict[str, Any]:
        """What goes into the record as it is."""
        given = {
            "cycle": self.cycle,
            "experiment": self.experiment,
            "suffix": self.again,
            "origin": self.origin,
        }
        return {name: value for name, value in given.items() if value is not None}

    @property
    def reduction(self) -> dict[str, Any]:
        """Options of the reduction: each run has a folder of its own, so nothing of others is overwritten."""
        return {**self.options.as_config(), "overwrite": True}

    @property
    def back(self) -> Path | None:
        """Folder that the results are transferred back to."""
        return self.output if self.transfer_back else None


@dataclass(frozen=True)
class Places:
    """Where a run has its files; POSIX paths of the processing machine, and their names in the collections.

    Attributes
    ----------
    job
        Folder of the run on the processing machine.
    destination
        Folder of the publish collection below which results are published; a POSIX path.
    """

    site: Site
    job: str
    destination: str

    @classmethod
    def of(cls, site: Site, request: Request, name: str, dataset: Dataset) -> Places:
        """Return the places of a run: published by cycle and experiment, as far as they are known."""
        known = cycle_and_experiment({**dataset.measured, **request.values}, dataset.raw)
        below = [known[each].replace("/", "_").strip(". ") or "_" for each in ("cycle", "experiment") if each in known]
        job = posixpath.join(site.processing.folder, f"{name}-{request.token}")
        return cls(site, job, posixpath.join(site.publish.folder, *below))

    def here(self, *parts: str) -> str:
        """Return a path below the folder of the run."""
        return posixpath.join(self.job, *parts)

    def collection(self, *parts: str) -> str:
        """Return what that is called in the processing collection."""
        return self.site.collections.processing.to_collection(self.here(*parts))

    def processed_url(self, path: str) -> str:
        """Return the address of a path of the processing machine; not quoted, as `Publishv2` writes addresses."""
        processing = self.site.collections.processing
        return f"globus://{processing.id}{processing.to_collection(path)}"

    def source(self, path: Path) -> str:
        """Return what a file of the sender is called in its collection."""
        return self.site.end(path).to_collection(str(path))

    def url(self, path: Path) -> str:
        """Return the address of a file of the sender."""
        return self.site.end(path).url(str(path))

    @property
    def published(self) -> str:
        """`destination` as the publish collection calls it."""
        return self.site.collections.publish.to_collection(self.destination)

    def subject(self, name: str) -> str:
        """Return the subject of the record of a dataset, as `Publishv2` writes it: not quoted."""
        return f"globus://{self.site.collections.publish.id}{self.published}/{name}"

    def transfer(self, files: Sequence[tuple[Path, str]]) -> inputs.Transfer:
        """Return the transfer of files of the sender to paths below the folder of the run.

        Raises
        ------
        SiteError
            They are in different collections, or in none.
        """
        source = self.site.end(files[0][0])
        for path, _ in files:
            if self.site.end(path) != source:
                raise SiteError(
                    "these files have to be in one collection to be transferred together",
                    got=f"{files[0][0]} in {source.id}, {path} in {self.site.end(path).id}",
                )
        items = [
            inputs.TransferItem(source_path=self.source(path), destination_path=self.collection(target))
            for path, target in files
        ]
        processing = self.site.collections.processing
        return inputs.Transfer(source_endpoint=source.id, destination_endpoint=processing.id, items=items)


def input_name(path: Path, kind: str) -> str:
    """Return the name that a qmap or metadata file has in a run; a result, which holds both, must not look like one."""
    name = path.name
    return f"{name.removesuffix(RESULTS)}_{kind}.hdf" if name.endswith(RESULTS) else name


def qmap_name(request: Request) -> str:
    """Return the place of the qmap below the folder of the run."""
    return f"qmap/{input_name(request.qmap, 'qmap')}"


def result_name(dataset: Dataset, options: ReductionOptions) -> str:
    """Return the name that prefix and suffix give to the result of a dataset."""
    file = result_path(Path(), dataset.raw, prefix=options.prefix, suffix=options.suffix, overwrite=True)
    return file.name.removesuffix(RESULTS)


def metadata_of(dataset: Dataset) -> Path:
    """Return the metadata file of a dataset that has to have one."""
    if dataset.metadata is None:
        raise OptionError("the dataset has no metadata file", path=dataset.raw)
    return dataset.metadata


def version() -> str:
    """Return the version of this package."""
    return importlib.metadata.version("xpcs-nb")


def common_input(site: Site, request: Request, places: Places) -> dict[str, Any]:
    """Return the parts of the input that all flows have."""
    return {
        "login_endpoint": site.endpoints.login,
        "compute_endpoint": site.endpoints.compute,
        "user_endpoint_config": site.queue.config(**request.queue),
        "check_endpoint": inputs.CheckInput(packages={"xpcs-nb": version()}, python=PYTHON),
        "acquire_nodes": inputs.AcquireInput(gpu_id=request.options.gpu_id, release=version(), python=PYTHON),
        "set_permission": inputs.PermissionInput(
            enable=request.group is not None and request.publish,
            endpoint_id=site.collections.publish.id,
            path=f"{places.published}/",
            principal=request.group or "",
        ),
        "transfer_back": request.transfer_back,
    }


def publication_input(site: Site, request: Request, places: Places) -> inputs.PublicationInput:
    """Return the input of `Publishv2`; a group that is given sees the results, beside those of the site only."""
    visible_to = list(site.publish.visible_to)
    if request.group is not None:
        others = [each for each in visible_to if each != "public"]
        visible_to = list(dict.fromkeys([f"urn:globus:groups:id:{request.group}", *others]))
    ends = site.collections
    return inputs.PublicationInput(
        destination=places.published,
        source_collection=ends.processing.id,
        destination_collection=ends.publish.id,
        index=site.publish.index,
        visible_to=visible_to,
        source_collection_basepath=ends.processing.base,
        destination_url_hostname=ends.publish.https,
        enable_publish=request.publish,
        enable_transfer=request.publish,
    )
