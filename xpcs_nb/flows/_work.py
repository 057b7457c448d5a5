"""The work of the steps, at the place where the data are: repeating any of it after an interruption does no harm.

The compute functions, which travel by source, call these where `xpcs_nb` is installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
import zipfile
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xpcs_nb.core import FIGURE_KINDS, ReductionOptions
from xpcs_nb.errors import MissingFileError, StepError
from xpcs_nb.flows._describe import cycle_and_experiment, found_values, limited, measured_values
from xpcs_nb.hdf5 import find_metadata, read_metadata
from xpcs_nb.results import dataset_name, result_path

__all__ = ["correlate_dataset", "describe_dataset", "gather_dataset", "plot_dataset", "rename_dataset", "write_json"]

#: Figures of single bins; each file has an entry in the state of a run (`Publishv2` puts it there), which holds 200 KB.
MOST_FILES = 30
ARCHIVE = "twotime.zip"


def write_json(path: Path, value: Any) -> None:
    """Write JSON so that the file is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(value, indent=1, default=str))
    part.replace(path)


def correlate_dataset(
    raw: str, qmap: str, output: str, options: Mapping[str, Any], metadata: str | None = None
) -> dict[str, Any]:
    """Correlate, unless a complete result of the same inputs and options is there; say what was done and where.

    Returns
    -------
    dict
        ``result``, ``seconds``, ``engine``, ``device``, ``notes``, ``taken_over``.
    """
    from xpcs_nb.reduction import correlate_to_file

    chosen = ReductionOptions(**{**options, "overwrite": True})
    folder = Path(output)
    report = folder.parent / f".{folder.name}.correlate.json"
    target = result_path(folder, Path(raw), prefix=chosen.prefix, suffix=chosen.suffix, overwrite=True)
    found_metadata = Path(metadata) if metadata else find_metadata(raw)
    key = _key([Path(raw), Path(qmap), found_metadata], chosen.as_config())
    before = json.loads(report.read_text()) if report.is_file() else {}
    if before.get("key") == key and before.get("stamp") == _stamp(target):
        return {**before["report"], "taken_over": True}
    begin = datetime.now(UTC)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        path = correlate_to_file(raw, qmap, output=folder, metadata=found_metadata, options=chosen)
    made = found_values(path)
    done = {
        "result": str(path),
        "seconds": round((datetime.now(UTC) - begin).total_seconds(), 3),
        "engine": made["engine"],
        "device": made["device"],
        "notes": [str(each.message)[:300] for each in caught][:10],
        "taken_over": False,
    }
    write_json(report, {"key": key, "stamp": _stamp(path), "report": done})
    return done


def plot_dataset(result: str, output: str, kinds: Collection[str] = FIGURE_KINDS) -> dict[str, Any]:
    """Draw the figures of some kinds, g2 with fits; say how many bins there are and how many were fitted."""
    from xpcs_nb.analysis import fit_g2
    from xpcs_nb.plots import save_all
    from xpcs_nb.results import open_result

    said: dict[str, Any] = {}
    with open_result(result) as tree:
        fit = fit_g2(tree["multitau"].to_dataset()) if "g2" in kinds and "multitau" in tree.children else None
        if fit is not None:
            said = {"bins": int(fit.sizes["bin"]), "bins_fitted": int(fit["success"].sum())}
        plots = save_all(tree, output, fit=fit, kinds=kinds)
    if "g2" in kinds:
        write_json(_said(Path(output).parent), said)
    if "twotime" in kinds:
        _pack(Path(output), plots)
    return {**said, "plots": len(plots)}


def describe_dataset(metadata: str, given: Mapping[str, Any], raw: str) -> dict[str, Any]:
    """Return the fields of a record of a dataset that is being processed: title, dataset, times, metadata."""
    measured = measured_values(read_metadata(Path(metadata)))
    return _fields(given, measured, {"status": "processing"}, raw)


def gather_dataset(folder: str, given: Mapping[str, Any], files: list[str], record: str) -> dict[str, Any]:
    """Join what was measured with what was found, put metadata and qmap beside the result, write the record.

    Parameters
    ----------
    folder
        What is published: the result and its plots.
    given
        What the user said: ``title``, ``dataset``, ``visible_to``, ``values`` (cycle, experiment, ...), ``raw``.
    files
        Metadata and qmap, to be put into `folder`.
    record
        Where the record's JSON goes.
    """
    here = Path(folder)
    result = next(iter(sorted(here.glob("*_results.hdf"))), None)
    if result is None:
        raise MissingFileError("there is no result to publish", path=here, expected="a file *_results.hdf")
    for name in files:
        _put(Path(name), here / Path(name).name)
    measured = measured_values(read_metadata(result))
    said = json.loads(_said(here).read_text()) if _said(here).is_file() else {}
    found = {"status": "complete", "result": result.name, **said, "plots": _count(here), **found_values(result)}
    fields = _fields(given, measured, found, str(given["raw"]))
    write_json(Path(record), fields)
    return fields


def rename_dataset(folder: str, name: str, new_folder: str, new_name: str) -> str:
    """Give a result and its folder a new name; repeating it after an interruption at any point completes it."""
    old, new = Path(folder), Path(new_folder)
    if old.is_dir() and not new.exists():
        new.parent.mkdir(parents=True, exist_ok=True)
        if _said(old).is_file():
            _said(old).replace(_said(new))
        old.rename(new)
    file, renamed = new / f"{name}_results.hdf", new / f"{new_name}_results.hdf"
    if file.is_file():
        file.replace(renamed)
    if not renamed.is_file():
        raise StepError("there is no result to rename", path=old, expected=f"{name}_results.hdf")
    return str(renamed)


def _fields(given: Mapping[str, Any], measured: dict[str, Any], found: dict[str, Any], raw: str) -> dict[str, Any]:
    values = {name: value for name, value in dict(given.get("values", {})).items() if value is not None}
    named = cycle_and_experiment({**measured, **values}, Path(str(given.get("raw", raw))))
    start = _time(measured.get("start_time"))
    entries = {name: value for name, value in measured.items() if name.startswith("/entry/")}
    short = {name: value for name, value in measured.items() if not name.startswith("/") and name != "start_time"}
    fields: dict[str, Any] = {
        "title": given.get("title") or given.get("dataset") or dataset_name(Path(raw)),
        "dataset": given.get("dataset") or dataset_name(Path(raw)),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "visible_to": list(given["visible_to"]),
        "project_metadata": limited({**short, **found, **values, **named, **entries}),
    }
    return fields if start is None else {**fields, "start_time": start}


def _time(text: Any) -> str | None:
    try:
        return datetime.fromisoformat(str(text)).isoformat() if text else None
    except ValueError:
        return None


def _said(folder: Path) -> Path:
    """Return the note that the plots step leaves for the gathering of metadata."""
    return folder.parent / f".{folder.name}.plots.json"


def _count(folder: Path) -> int:
    """Return the number of figures, with those that were packed."""
    plots = folder / "plots"
    packed = plots / ARCHIVE
    there = len(list(plots.glob("*.png")))
    if packed.is_file():
        with zipfile.ZipFile(packed) as stream:
            there += len(stream.namelist())
    return there


def _pack(folder: Path, plots: dict[str, Path]) -> None:
    """Put the plots of single two-time bins into one file, where there are very many of them."""
    archive = folder / ARCHIVE
    archive.unlink(missing_ok=True)
    pages = [path for name, path in plots.items() if name.startswith("twotime_")]
    if len(pages) <= MOST_FILES:
        return
    part = archive.with_name(".twotime.zip.part")
    with zipfile.ZipFile(part, "w") as stream:
        for page in pages:
            stream.write(page, page.name)
    part.replace(archive)
    for page in pages:
        page.unlink()


def _put(source: Path, target: Path) -> None:
    if target.exists() and target.stat().st_size == source.stat().st_size:
        return
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    shutil.copyfile(source, part)
    part.replace(target)


def _key(files: list[Path], options: dict[str, Any]) -> str:
    """Return what changes whenever the inputs of a reduction do."""
    text = json.dumps([[str(path), *_stamp(path)] for path in files] + [options], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _stamp(path: Path) -> list[int]:
    if not path.exists():
        return []
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
