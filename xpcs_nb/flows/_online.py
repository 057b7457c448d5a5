"""Online processing on this machine: the steps of the seed's flow as one straight line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from xpcs_nb.analysis import fit_g2
from xpcs_nb.catalog import Catalog, File, Record
from xpcs_nb.core import Metadata, ReductionOptions
from xpcs_nb.facility.local import TransferredFile, catalogue_path, transfer
from xpcs_nb.flows._step import Step, StepLog
from xpcs_nb.frames import open_frames
from xpcs_nb.hdf5 import find_metadata, read_metadata
from xpcs_nb.plots import save_all
from xpcs_nb.qmap import QMap
from xpcs_nb.reduction import correlate_to_file
from xpcs_nb.results import open_result

__all__ = ["OnlineRun", "process_online"]


@dataclass(frozen=True)
class OnlineRun:
    """What a finished run left: its folder, steps, result file, plots, and the published record."""

    folder: Path
    steps: list[Step]
    result: Path
    plots: dict[str, Path]
    record: Record


def process_online(
    raw: Path,
    qmap: Path,
    *,
    folder: Path,
    metadata: Path | None = None,
    options: ReductionOptions | None = None,
    catalogue: Path | None = None,
    title: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> OnlineRun:
    """Process one dataset: transfer, extract metadata, correlate, plot, gather metadata, publish.

    Parameters
    ----------
    raw, qmap, metadata
        The measurement; `metadata` is looked for beside `raw` by default.
    folder
        Folder of the run: ``input/``, ``output/``, ``published/`` and the log ``steps.json``.
    options
        Of the reduction.
    catalogue
        Catalogue to publish to; by default the one of this machine.
    title
        Of the record; by default the dataset's name.
    progress
        Called with (stage, frames done, frames in all) while correlating.
    on_step
        Called whenever a step starts or ends.

    Raises
    ------
    StepError
        A step failed; it names the step and says what is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = StepLog(folder / "steps.json", on_step)
    options = options or ReductionOptions()

    with log.step("transfer") as step:
        with open_frames(raw, shape=QMap.from_file(qmap).shape) as source:
            files = [*source.files, metadata or find_metadata(raw), qmap]
        copies = transfer(files, folder / "input")
        step.output = {"files": len(copies), "bytes": sum(copy.size for copy in copies)}
    here_raw, here_metadata, here_qmap = (folder / "input" / path.name for path in (raw, files[-2], qmap))

    with log.step("extract_metadata") as step:
        measured = read_metadata(here_metadata)
        step.output = {"values": len(measured.values)}

    with log.step("correlate") as step:
        result = correlate_to_file(
            here_raw, here_qmap, output=folder / "output", metadata=here_metadata, options=options, progress=progress
        )
        step.output = {"result": str(result)}

    with log.step("plot") as step:
        plots, fitted = _plot(result, folder / "output" / "plots")
        step.output = {"plots": len(plots)}

    with log.step("gather_metadata") as step:
        gathered = _gather(measured, result, fitted)
        (folder / "output" / "record_metadata.json").write_text(json.dumps(gathered, indent=2))
        step.output = {"values": len(gathered)}

    with log.step("publish") as step:
        published = transfer([result, here_metadata, here_qmap, *plots.values()], folder / "published")
        record = _record(result, title, gathered, published)
        Catalog(catalogue or catalogue_path()).ingest(record)
        step.output = {"subject": record.subject, "files": len(published)}
    return OnlineRun(folder, log.steps, result, plots, record)


def _plot(result: Path, folder: Path) -> tuple[dict[str, Path], dict[str, Any]]:
    with open_result(result) as tree:
        fit = fit_g2(tree["multitau"].to_dataset()) if "multitau" in tree.children else None
        fitted: dict[str, Any] = {}
        if fit is not None:
            fitted = {"bins_fitted": int(fit["success"].sum()), "bins": int(fit.sizes["bin"])}
        return save_all(tree, folder, fit=fit), fitted


def _gather(measured: Metadata, result: Path, fitted: dict[str, Any]) -> dict[str, Any]:
    """Join what was measured with what was found, as the record's searchable metadata."""
    with open_result(result) as tree:
        saxs = tree["saxs"].to_dataset()
        found = {
            "analysis_type": tree.attrs["analysis_type"],
            "mean_counts_per_pixel_and_frame": float(np.nanmean(saxs["intensity"])),
            "frames": int(saxs.sizes["time"]),
        }
    return measured.values | found | fitted


def _record(result: Path, title: str | None, metadata: dict[str, Any], files: list[TransferredFile]) -> Record:
    name = result.stem.removesuffix("_results")
    return Record(
        subject=f"file://{files[0].path.absolute()}",
        title=title or name,
        dataset=name,
        created=datetime.now(UTC),
        files=tuple(File(url=copy.path.absolute().as_uri(), size=copy.size, sha256=copy.sha256) for copy in files),
        metadata=metadata,
    )
