"""From what a user asks for, at a site, to the input of the batch flow."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xpcs_nb.errors import OptionError
from xpcs_nb.flows import _inputs as inputs
from xpcs_nb.flows._check import Dataset
from xpcs_nb.flows._places import (
    Places,
    Request,
    common_input,
    publication_input,
    qmap_name,
    result_name,
    version,
)
from xpcs_nb.flows._sites import Site

__all__ = ["batch_input"]

#: Tasks of a batch; each takes every so manieth dataset.
MOST_TASKS = 32
#: Bytes of the list of datasets, which stands in the state of the run (200 KB).
LARGEST_LIST = 60_000

type _Listed = tuple[str, list[str], str | None]


def batch_input(site: Site, datasets: Sequence[Dataset], request: Request) -> inputs.BatchInput:
    """Return the input of the batch flow.

    Raises
    ------
    SiteError
        A file is outside of the collections.
    OptionError
        Two datasets have the same name, or there are too many for one run.
    """
    places = Places.of(site, request, "batch", datasets[0])
    folder = Path(posixpath.commonpath([str(each.raw.parent) for each in datasets]))
    listed = _listed(datasets, request, folder)
    manifest = places.here("manifest.json")
    parts = min(len(datasets), MOST_TASKS)
    tasks = [{"kwargs": {"manifest": manifest, "part": part, "parts": parts}} for part in range(parts)]
    about = inputs.About(
        flow="batch",
        version=version(),
        site=site.name,
        published=f"globus://{site.collections.publish.id}{places.published}" if request.publish else None,
        processed=places.processed_url(places.job),
        back=None if request.back is None else str(request.back),
    )
    common = _common_to_all(site, request, places, folder)
    return inputs.BatchInput(
        **common_input(site, request, places),
        xpcs_nb=about,
        manifest=manifest,
        prepare_batch=inputs.PrepareInput(manifest=manifest, common=common, datasets=listed),
        correlate_tasks=tasks,
        plot_tasks=tasks,
        publish=request.publish,
    )


def _listed(datasets: Sequence[Dataset], request: Request, folder: Path) -> list[_Listed]:
    """Return name, raw files and metadata file of each dataset, relative to `folder`."""
    names = [result_name(dataset, request.options) for dataset in datasets]
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise OptionError(
            "datasets of one batch have the same name, and would be published in each other's place",
            got=", ".join(doubles[:5]),
            hint="Process them in batches of their own, with a prefix or suffix.",
        )

    def relative(path: Path) -> str:
        return posixpath.relpath(str(path), str(folder))

    listed = [
        (name, [relative(path) for path in each.files], relative(each.metadata) if each.metadata else None)
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
    return listed


def _common_to_all(site: Site, request: Request, places: Places, folder: Path) -> dict[str, Any]:
    """Return the part of the manifest that all datasets share."""
    ends, qmap = site.collections, qmap_name(request)
    ends.source.to_collection(str(request.qmap))
    publication = publication_input(site, request, places)
    return {
        "qmap": places.here(qmap),
        "options": request.reduction,
        "source": {
            "source_collection": ends.source.id,
            "destination_collection": ends.processing.id,
            "folder": places.source(folder),
            "qmap": places.source(request.qmap),
            "qmap_destination": places.collection(qmap),
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
        "output": None if request.back is None else places.source(request.back),
        "output_collection": ends.source.id if request.back is None else site.end(request.back).id,
    }
