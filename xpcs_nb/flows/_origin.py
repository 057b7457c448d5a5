"""What a dataset that is processed again came from: its raw data, metadata, and the options it was processed with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import xarray as xr

from xpcs_nb.catalog import Record
from xpcs_nb.core import ReductionOptions
from xpcs_nb.errors import MissingFileError, SiteError
from xpcs_nb.facility import Services
from xpcs_nb.flows._run import Run
from xpcs_nb.flows._sites import Site
from xpcs_nb.results import open_result

__all__ = ["Origin", "origin_of"]

#: Options that are the sender's own choice each time.
NOT_KEPT = {"prefix", "suffix", "overwrite", "engine", "gpu_id", "threads"}


@dataclass(frozen=True)
class Origin:
    """Files, options and values of what was processed before, and what is noted of it."""

    raw: Path
    metadata: Path | None
    noted: dict[str, Any]
    files: tuple[Path, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


def origin_of(what: str | Path | Record | Run | xr.DataTree, site: Site, services: Services) -> Origin:
    """Return what `what` was made from.

    Raises
    ------
    MissingFileError
        It does not say where its raw data are, or is no file.
    MissingKeyError
        No record has this subject.
    SiteError
        The raw data are in another collection than the source of the site.
    """
    if isinstance(what, xr.DataTree) and "run" in what.attrs:
        return _of_run(what.attrs["run"], services.flows.body(what.attrs["run"]), site)
    if isinstance(what, Run):
        return _of_run(what.id, what.body, site)
    if isinstance(what, str) and "://" in what and not what.startswith("file://"):
        what = services.catalogue.get(what)
    if isinstance(what, Record):
        values = dict(what.metadata)
        said: Any = values.get("inputs") if isinstance(values.get("inputs"), Mapping) else {}
        noted = {"subject": what.subject, "dataset": what.dataset}
        return _origin(said, noted, values.get("options") or {}, values, site)
    if isinstance(what, xr.DataTree):
        return _of_tree(what, site)
    with open_result(what) as tree:
        return _of_tree(tree, site)


def _of_run(run_id: str, body: Mapping[str, Any], site: Site) -> Origin:
    about = body.get("input", {}).get("xpcs_nb") or {}
    source = about.get("source") or {}
    return _origin(source, {"run": run_id, "subject": about.get("subject")}, source.get("options") or {}, {}, site)


def _of_tree(tree: xr.DataTree, site: Site) -> Origin:
    provenance = tree["provenance"].attrs if "provenance" in tree.children else {}
    said = {"raw": tree.attrs.get("raw")}
    noted = {"result": tree.attrs.get("path"), "dataset": tree.attrs.get("name")}
    return _origin(said, noted, provenance.get("options", {}), {}, site)


def _origin(said: Mapping[str, Any], noted: dict[str, Any], options: Any, values: dict[str, Any], site: Site) -> Origin:
    raw = _file(said.get("raw"), site)
    if raw is None:
        raise MissingFileError(
            "it is not known where the raw data of this result are",
            got=noted.get("subject") or noted.get("result") or noted.get("run"),
            hint="Process them anew: `fac.process(raw, qmap)`.",
        )
    kept = {
        name: value
        for name, value in dict(options).items()
        if name in ReductionOptions.__dataclass_fields__ and name not in NOT_KEPT and value not in (None, "")
    }
    noted = {name: value for name, value in noted.items() if value is not None}
    files = tuple(path for each in said.get("files") or () if (path := _file(each, site)) is not None)
    return Origin(raw, _file(said.get("metadata"), site), noted, files, kept, values)


def _file(address: Any, site: Site) -> Path | None:
    """Return where a file lies that a record, a run or a result names."""
    if not address:
        return None
    parts = urlsplit(str(address))
    if parts.scheme in ("", "file"):
        return Path(unquote(parts.path) if parts.scheme else str(address))
    source = site.collections.source
    if parts.scheme != "globus" or parts.netloc != source.id:
        raise SiteError(
            "the raw data are not in the source collection of this site",
            where=site.name,
            got=str(address),
            expected=f"globus://{source.id}/...",
        )
    return Path(source.to_posix(unquote(parts.path)))
