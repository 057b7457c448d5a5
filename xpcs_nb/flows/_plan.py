"""From what a user asks for, at a site, to the input of the flows for one dataset."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from xpcs_nb.flows import _inputs as inputs
from xpcs_nb.flows._check import Dataset
from xpcs_nb.flows._places import (
    RESULTS,
    Places,
    Request,
    common_input,
    input_name,
    metadata_of,
    publication_input,
    qmap_name,
    result_name,
    version,
)
from xpcs_nb.flows._sites import Site

__all__ = ["online_input", "reprocess_input"]


@dataclass(frozen=True)
class _Plan:
    """One dataset in a run: it is correlated under the name `made`, and published under `name`."""

    site: Site
    request: Request
    dataset: Dataset
    places: Places
    flow: Literal["online", "reprocess"]
    made: str
    name: str
    qmap: str

    @property
    def made_here(self) -> str:
        return self.places.here("dataset", self.made)

    @property
    def final(self) -> str:
        return self.made_here if self.name == self.made else self.places.here("renamed", self.name)

    @property
    def raw(self) -> str:
        return self.places.here("input", self.dataset.raw.name)

    @property
    def metadata(self) -> str:
        return f"input/{input_name(metadata_of(self.dataset), 'metadata')}"

    @property
    def source(self) -> dict[str, Any]:
        """Addresses of the inputs."""
        files = {"raw": self.dataset.raw, "metadata": metadata_of(self.dataset), "qmap": self.request.qmap}
        found: dict[str, Any] = {name: self.places.url(path) for name, path in files.items()}
        if len(self.dataset.files) > 1:
            found["files"] = [self.places.url(path) for path in self.dataset.files]
        return found

    @property
    def dataset_files(self) -> list[tuple[Path, str]]:
        """What to transfer of the dataset, and where to."""
        raw = [(path, f"input/{path.name}") for path in self.dataset.files]
        return [*raw, (metadata_of(self.dataset), self.metadata)]

    @property
    def given(self) -> inputs.Given:
        return inputs.Given(
            dataset=self.name,
            title=self.request.title or self.name,
            visible_to=publication_input(self.site, self.request, self.places).visible_to,
            raw=str(self.dataset.raw),
            values={**self.request.values, "inputs": self.source},
        )

    def about(self) -> inputs.About:
        request, file = self.request, f"{self.name}{RESULTS}"
        subject = self.places.subject(self.name) if request.publish else None
        return inputs.About(
            flow=self.flow,
            version=version(),
            site=self.site.name,
            dataset=self.name,
            subject=subject,
            published=None if subject is None else f"{subject}/{file}",
            processed=self.places.processed_url(f"{self.final}/{file}"),
            back=None if request.back is None else str(request.back / self.name / file),
            source=self.source | {"options": request.options.as_config()},
        )

    def parts(self) -> dict[str, Any]:
        """Return the parts that both flows share."""
        places, request, ends = self.places, self.request, self.site.collections
        metadata, back = places.here(self.metadata), request.back
        publication = publication_input(self.site, request, places)
        return {
            **common_input(self.site, request, places),
            "xpcs_nb": self.about(),
            "correlate": inputs.CorrelateInput(
                raw=self.raw, qmap=self.qmap, output=self.made_here, options=request.reduction, metadata=metadata
            ),
            "make_plots": inputs.PlotsInput(
                result=posixpath.join(self.made_here, f"{self.made}{RESULTS}"),
                output=posixpath.join(self.made_here, "plots"),
            ),
            "gather_metadata": inputs.GatherInput(
                folder=self.final,
                given=self.given,
                files=[metadata, self.qmap],
                record=places.here("record.json"),
                publishv2=publication,
            ),
            "publishv2": publication,
            "result_transfer_source_endpoint_id": ends.processing.id,
            "result_transfer_destination_endpoint_id": (ends.source if back is None else self.site.end(back)).id,
            "result_transfer_source_path": ends.processing.to_collection(self.final),
            "result_transfer_destination_path": "/" if back is None else places.source(back / self.name),
        }


def online_input(site: Site, dataset: Dataset, request: Request) -> inputs.OnlineInput:
    """Return the input of the online flow.

    Raises
    ------
    SiteError
        A file is outside of the collections.
    """
    name = result_name(dataset, request.options)
    places = Places.of(site, request, name, dataset)
    qmap = qmap_name(request)
    plan = _Plan(site, request, dataset, places, "online", name, name, places.here(qmap))
    ends = site.collections
    return inputs.OnlineInput(
        **plan.parts(),
        source_transfer=places.transfer([*plan.dataset_files, (request.qmap, qmap)]),
        extract_metadata=inputs.FirstRecordInput(
            metadata=places.here(plan.metadata),
            raw=str(dataset.raw),
            given=plan.given,
            publication={
                "index": site.publish.index,
                "subject": places.subject(name),
                "source_collection": ends.processing.id,
                "destination_collection": ends.publish.id,
                "metadata_path": places.collection(plan.metadata),
                "metadata_destination": f"{places.published}/{name}/{posixpath.basename(plan.metadata)}",
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
    old = result_name(dataset, request.options)
    name = f"{old}_{suffix.lstrip('_')}"
    places = Places.of(site, request, name, dataset)
    qmap = qmap_name(request)
    applied = places.here("qmap", "applied", posixpath.basename(qmap))
    plan = _Plan(site, request, dataset, places, "reprocess", old, name, applied)
    return inputs.ReprocessInput(
        **plan.parts(),
        transfer_dataset=places.transfer(plan.dataset_files),
        transfer_qmap=places.transfer([(request.qmap, qmap)]),
        apply_qmap=inputs.QmapInput(raw=plan.raw, qmap=places.here(qmap), target=applied),
        rename_dataset=inputs.RenameInput(folder=plan.made_here, name=old, new_folder=plan.final, new_name=name),
    )
