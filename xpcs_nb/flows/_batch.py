"""The work of the batch flow, at the place where the data are.

Everything about a dataset is in files beside it; through the state of the run go only numbers, and the records that are
just being published. A dataset that fails is noted with its reason, and the others go on.

The manifest says of each dataset its name, its raw files (the first stands for all) and its metadata file, relative to
a folder; everything else is common to all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xpcs_nb.errors import StepError
from xpcs_nb.flows._describe import dc_block
from xpcs_nb.flows._work import correlate_dataset, gather_dataset, plot_dataset, write_json

__all__ = ["correlate_part", "plot_part", "publication_from", "summary", "transfer_from", "write_manifest"]

#: Bytes of the items of one transfer, and of the records of one ingest: both stand in the state of the run (200 KB),
#: twice, beside the list of the datasets.
LARGEST_TRANSFER, LARGEST_INGEST = 10_000, 20_000
#: Failures that the state of the run tells in full; the report on the processing machine has all.
MOST_FAILURES, LONGEST_REASON = 50, 400
#: A dataset that took its worker down so often is not tried again.
MOST_ATTEMPTS = 3


@dataclass(frozen=True)
class _Dataset:
    """One dataset of a batch, on the processing machine."""

    name: str
    files: tuple[str, ...]
    metadata: str | None
    place: Path

    @property
    def raw(self) -> Path:
        return self.place / "input" / Path(self.files[0]).name

    @property
    def here(self) -> Path:
        return self.place / self.name

    @property
    def status(self) -> dict[str, Any]:
        path = self.place / "status.json"
        return dict(json.loads(path.read_text())) if path.is_file() else {}

    def note(self, **changes: Any) -> None:
        write_json(self.place / "status.json", {**self.status, **changes})


@dataclass(frozen=True)
class _Manifest:
    common: dict[str, Any]
    datasets: tuple[_Dataset, ...]

    @classmethod
    def read(cls, path: str) -> _Manifest:
        folder = Path(path).parent
        content = json.loads(Path(path).read_text())
        listed = [
            _Dataset(name, tuple(files), metadata, folder / _place(index, name))
            for index, (name, files, metadata) in enumerate(content["datasets"])
        ]
        return cls(content["common"], tuple(listed))

    def part(self, part: int, parts: int) -> Iterator[_Dataset]:
        return iter(self.datasets[part::parts])


def _place(index: int, name: str) -> str:
    return f"{index:05d}_{name}"


def write_manifest(manifest: str, common: dict[str, Any], datasets: list[list[Any]]) -> dict[str, Any]:
    """Write the manifest; see `xpcs_nb.flows._inputs` for what is in it."""
    write_json(Path(manifest), {"common": common, "datasets": datasets})
    return {"datasets": len(datasets), "next": 0}


def transfer_from(manifest: str, index: int) -> dict[str, Any]:
    """Return the next transfer, of the files of datasets from `index` on (and the qmap, with the first)."""
    batch = _Manifest.read(manifest)
    source = batch.common["source"]
    items = [_item(source["qmap"], source["qmap_destination"])] if index == 0 else []
    while index < len(batch.datasets):
        dataset = batch.datasets[index]
        names = [*dataset.files, *([dataset.metadata] if dataset.metadata else [])]
        target = f"{source['destination']}/{_place(index, dataset.name)}/input"
        more = [_item(f"{source['folder']}/{name}", f"{target}/{Path(name).name}") for name in names]
        if items and len(json.dumps(items + more)) > LARGEST_TRANSFER:
            break
        items += more
        index += 1
    ends = {"source_endpoint": source["source_collection"], "destination_endpoint": source["destination_collection"]}
    return {"transfer": {**ends, "DATA": items}, "next": index, "more": index < len(batch.datasets)}


def _item(source: str, destination: str, *, recursive: bool = False) -> dict[str, Any]:
    return {"source_path": source, "destination_path": destination, "recursive": recursive}


def correlate_part(manifest: str, part: int, parts: int) -> dict[str, Any]:
    """Correlate every `parts`-th dataset from `part` on."""
    batch = _Manifest.read(manifest)
    for dataset in batch.part(part, parts):
        attempts = int(dataset.status.get("attempts", 0))
        if attempts >= MOST_ATTEMPTS:
            dataset.note(error=f"its worker ended without a word {attempts} times; out of memory?", step="correlate")
            continue
        dataset.note(attempts=attempts + 1, error=None)
        metadata = None if dataset.metadata is None else str(dataset.raw.with_name(Path(dataset.metadata).name))
        try:
            done = correlate_dataset(
                str(dataset.raw), batch.common["qmap"], str(dataset.here), batch.common["options"], metadata
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this dataset's failure, and is told as such
            dataset.note(attempts=0, error=_reason(error), step="correlate")
        else:
            dataset.note(attempts=0, **done)
    return _counts(batch.part(part, parts))


def plot_part(manifest: str, part: int, parts: int) -> dict[str, Any]:
    """Make the plots and the publication of every `parts`-th dataset from `part` on that has a result."""
    batch = _Manifest.read(manifest)
    for dataset in batch.part(part, parts):
        if dataset.status.get("step") == "plot":
            dataset.note(error=None, step=None)
        if dataset.status.get("error"):
            continue
        try:
            plot_dataset(dataset.status["result"], str(dataset.here / "plots"))
            write_json(dataset.place / "publication.json", _publication(batch, dataset))
        except Exception as error:  # noqa: BLE001 - as above
            dataset.note(error=_reason(error), step="plot")
    return _counts(batch.part(part, parts))


def _publication(batch: _Manifest, dataset: _Dataset) -> dict[str, Any]:
    from xpcs_nb.flows.functions import publishv2_gather_metadata

    given = batch.common["given"]
    raw = f"{given['folder']}/{dataset.files[0]}"
    metadata = str(dataset.metadata)
    address = given["folder_url"]
    inputs = {"raw": f"{address}/{dataset.files[0]}", "qmap": given["qmap"], "metadata": f"{address}/{metadata}"}
    said = {**given, "dataset": dataset.name, "title": dataset.name, "raw": raw}
    said["values"] = {**given["values"], "inputs": inputs}
    record = str(dataset.place / "record.json")
    files = [batch.common["qmap"], str(dataset.raw.with_name(Path(metadata).name))]
    fields = gather_dataset(str(dataset.here), said, files, record)
    publication: dict[str, Any] = publishv2_gather_metadata(  # type: ignore[no-untyped-call]  # generated
        **batch.common["publishv2"], dataset=str(dataset.here), metadata_file=record, metadata={"dc": dc_block(fields)}
    )
    return publication


def publication_from(manifest: str, index: int) -> dict[str, Any]:
    """Return transfer and records of the next results, from dataset `index` on."""
    batch = _Manifest.read(manifest)
    entries: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    back: list[dict[str, Any]] = []
    size = 0
    while index < len(batch.datasets):
        dataset = batch.datasets[index]
        if not dataset.status.get("error"):
            publication = json.loads((dataset.place / "publication.json").read_text())
            entry = {name: publication["search"][name] for name in ("subject", "visible_to", "id", "content")}
            size += len(json.dumps(publication))
            if entries and size > LARGEST_INGEST:
                break
            entries.append(entry)
            item = publication["transfer"]["DATA"][0]
            items.append(item)
            back.append(_item(item["source_path"], f"{batch.common['output']}/{dataset.name}", recursive=True))
        index += 1
    ends = batch.common["publishv2"]
    source, target = ends["source_collection"], ends["destination_collection"]
    return {
        "any": bool(entries),
        "next": index,
        "more": index < len(batch.datasets),
        "transfer": {"source_endpoint": source, "destination_endpoint": target, "DATA": items},
        "search": {
            "search_index": ends["index"],
            "ingest_type": "GMetaList",
            "ingest_data": {"gmeta": entries},
        },
        "back": {
            "source_endpoint": source,
            "destination_endpoint": batch.common["output_collection"],
            "DATA": back if batch.common["output"] else [],
        },
    }


def summary(manifest: str) -> dict[str, Any]:
    """Return how many datasets were processed and which failed why; all of it is in ``report.json`` too.

    Raises
    ------
    StepError
        No dataset was processed.
    """
    batch = _Manifest.read(manifest)
    status = {dataset.name: dataset.status for dataset in batch.datasets}
    failures = {name: f"{each['step']}: {each['error']}" for name, each in status.items() if each.get("error")}
    report = Path(manifest).with_name("report.json")
    write_json(report, {"failures": failures, "datasets": status})
    if len(failures) == len(status):
        name, reason = next(iter(failures.items()))
        raise StepError(f"all {len(status)} datasets failed; the first: {name}: {reason}", path=report)
    told = dict(list(failures.items())[:MOST_FAILURES])
    return {
        "datasets": len(status),
        "succeeded": len(status) - len(failures),
        "failed": len(failures),
        "failures": told,
        "report": str(report),
    }


def _counts(datasets: Iterator[_Dataset]) -> dict[str, Any]:
    failed = [bool(dataset.status.get("error")) for dataset in datasets]
    return {"datasets": len(failed), "failed": sum(failed)}


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:LONGEST_REASON]
