"""The list of a batch: a table, files that match a pattern, or what a catalogue knows."""

from __future__ import annotations

import csv
import glob
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from xpcs_nb.errors import BatchError, FileFormatError, MissingFileError, OptionError

if TYPE_CHECKING:
    from xpcs_nb.catalog import Record

__all__ = ["SEARCH", "Datasets", "Frame", "Listed", "list_datasets", "list_found"]

TABLES = (".csv", ".tsv", ".toml", ".parquet", ".txt")
#: What a search of the catalogue begins with.
SEARCH = "search:"
#: Records of one page of a search.
PAGE = 200


class Frame(Protocol):
    """A table such as a pandas DataFrame."""

    def to_dict(self, orient: str) -> Any:
        """Return the rows, for ``orient="records"``."""
        ...


#: A file of a table, a glob pattern, one dataset; or datasets, records, or rows of a table.
type Datasets = str | Path | Frame | Iterable[str | Path | Record | Mapping[str, Any]]


@dataclass(frozen=True)
class Listed:
    """Rows of parameters, and the folder that relative paths in them start from."""

    rows: list[dict[str, Any]]
    base: Path
    source: str


def list_datasets(datasets: Datasets, name: str) -> Listed:
    """Return the rows of a batch.

    Parameters
    ----------
    datasets
        A table (``.csv``, ``.tsv``, ``.toml`` with ``[[jobs]]``, ``.parquet``) with a column for each parameter, a text
        file (``.txt``) with one dataset a line, a glob pattern, one dataset; a DataFrame; or a list of datasets,
        records, or rows.
    name
        The parameter that takes the dataset.

    Raises
    ------
    MissingFileError
        There is no such table, or nothing matches the pattern.
    FileFormatError
        The table can't be read.
    BatchError
        The list is empty.
    """
    if isinstance(datasets, str | Path):
        listed = _from_path(Path(datasets), name)
    elif hasattr(datasets, "to_dict"):
        listed = Listed(list(datasets.to_dict(orient="records")), Path.cwd(), "a table")
    else:
        listed = Listed([_row(each, name) for each in datasets], Path.cwd(), "a list")
    if not listed.rows:
        raise BatchError("there is no dataset in the list", got=listed.source)
    return listed


def list_found(text: str, where: Mapping[str, Any], catalogue: Any, name: str) -> Listed:
    """Return a row for each record that a search of `catalogue` finds, on all pages.

    Raises
    ------
    BatchError
        Nothing is found.
    """
    rows: list[dict[str, Any]] = []
    while True:
        page = catalogue.search(text, where=where, limit=PAGE, offset=len(rows))
        rows += [_row(record, name) for record in page.records]
        if not page.records or len(rows) >= page.total:
            break
    if not rows:
        raise BatchError("no record is found", got=f"search {text!r} {dict(where) or ''}".rstrip())
    return Listed(rows, Path.cwd(), f"search {text!r}")


def _row(given: Any, name: str) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return dict(given)
    return {name: getattr(given, "subject", None) or str(given)}


def _from_path(path: Path, name: str) -> Listed:
    if path.suffix.lower() in TABLES and not glob.has_magic(str(path)):
        if not path.is_file():
            raise MissingFileError("no such list of datasets", path=path)
        try:
            return Listed(_table(path, name), path.absolute().parent, str(path))
        except (ValueError, KeyError, TypeError, csv.Error) as error:
            raise FileFormatError("the list of datasets can't be read", path=path, got=error) from error
    if glob.has_magic(str(path)) and not path.is_file():
        from xpcs_nb.flows import datasets_of

        return Listed([{name: str(each)} for each in datasets_of(str(path))], Path.cwd(), str(path))
    if path.is_dir():
        raise OptionError("this is a folder", path=path, hint=f"Give a pattern, as in '{path}/*.h5'.")
    return Listed([{name: str(path)}], Path.cwd(), str(path))


def _table(path: Path, name: str) -> list[dict[str, Any]]:
    match path.suffix.lower():
        case ".txt":
            lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
            return [{name: line} for line in lines if line and not line.startswith("#")]
        case ".toml":
            jobs = tomllib.loads(path.read_text(encoding="utf-8")).get("jobs")
            if not isinstance(jobs, list):
                raise KeyError("it has no [[jobs]]")
            return [dict(job) for job in jobs]
        case ".parquet":
            from xpcs_nb.core import require

            return list(require("pyarrow.parquet", extra="tables").read_table(path).to_pylist())
        case ending:
            return _separated(path, "\t" if ending == ".tsv" else ",")


def _separated(path: Path, separator: str) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream, delimiter=separator, skipinitialspace=True, strict=True)
        rows = []
        for row in reader:
            if None in row or None in row.values():
                raise ValueError(f"line {reader.line_num} has another number of cells than the head")
            rows.append({str(key).strip(): value.strip() for key, value in row.items()})
        return rows
