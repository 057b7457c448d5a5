"""Records that were found, with what a user does next: look at the plots, load the result, take the files."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import PrivateAttr

from xpcs_nb.catalog import File, Record, SearchResult
from xpcs_nb.errors import CorruptDataError, FlowError
from xpcs_nb.facility import Services

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["CatalogView", "Found", "FoundRecord"]

RESULT_ENDING = "_results.hdf"
PICTURES = (".png", ".svg", ".pdf", ".jpg", ".jpeg")


class FoundRecord(Record):
    """A record of a facility's catalogue; its files can be had."""

    _services: Services = PrivateAttr()
    _cache: Path = PrivateAttr()

    @classmethod
    def of(cls, record: Record, services: Services, cache: Path) -> FoundRecord:
        """Return a record together with where its files come from, and the folder to keep them in."""
        found = cls.model_construct(**{name: getattr(record, name) for name in Record.model_fields})
        found._services, found._cache = services, cache  # noqa: SLF001  # of this class
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self.model_dump() == other.model_dump()

    __hash__ = Record.__hash__

    @property
    def result_file(self) -> File:
        """The file with the result.

        Raises
        ------
        FlowError
            The record has none, as while its dataset is processed, or several.
        """
        results = [file for file in self.files if file.name.endswith(RESULT_ENDING)]
        named = [file for file in results if file.name == f"{self.dataset}{RESULT_ENDING}"]
        chosen = named if len(named) == 1 else results
        if len(chosen) != 1:
            raise FlowError(
                "the record has no result file" if not chosen else "the record has several result files",
                where=self.subject,
                got=", ".join(file.name for file in (chosen or self.files)) or "no files",
                expected=f"one file that ends with {RESULT_ENDING}",
                hint="Its dataset may still be processed; else `fetch` brings the files." if not chosen else None,
            )
        return chosen[0]

    def load(self) -> xr.DataTree:
        """Return the result, opened; it is brought to this machine first if it is elsewhere, and its checksum compared.

        Raises
        ------
        FlowError
            The record has no result file.
        CorruptDataError
            What arrives, also a second time, is not the file that was published.
        """
        from xpcs_nb.results import open_result

        return open_result(self._bring(self.result_file, None))

    @property
    def plots(self) -> list[File]:
        """The pictures among the files; `fetch` brings them."""
        return [
            file
            for file in self.files
            if (file.mime_type or "").startswith("image/") or file.name.lower().endswith(PICTURES)
        ]

    def fetch(self, folder: str | Path | None = None, files: Collection[File] | None = None) -> list[Path]:
        """Bring files to this machine and return their paths; what lies on this machine stays where it is.

        Parameters
        ----------
        folder
            Where they go; by default the facility's cache, where a file is kept once for all records that have it.
        files
            Which; by default all of the record.

        Raises
        ------
        CorruptDataError
            What arrives, also a second time, is not the file that was published.
        """
        return [self._bring(file, folder) for file in (self.files if files is None else files)]

    def _bring(self, file: File, folder: str | Path | None) -> Path:
        if folder is None:
            name = file.sha256 or hashlib.sha256(f"{file.url} {file.size}".encode()).hexdigest()
            place = self._cache / name[:2] / name
        else:
            place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        try:
            return self._checked(file, place)
        except CorruptDataError:
            spoilt = place / file.name
            if not spoilt.is_file():
                raise  # it lies elsewhere on this machine, and is what it is
            spoilt.unlink()
            return self._checked(file, place)

    def _checked(self, file: File, place: Path) -> Path:
        kept = place / file.name
        if not (file.sha256 is not None and kept.is_file() and not _fault(kept, file)):
            path = self._services.fetch(_address(file), place, size=file.size, sha256=file.sha256)
            if path.resolve().parent != place.resolve():
                return path  # it was there, and `fetch` has looked at it
            kept = path
        fault = _fault(kept, file)
        if fault is not None:
            got, expected = fault
            raise CorruptDataError(
                "this is not the file that was published", path=kept, where=file.url, got=got, expected=expected
            )
        return kept


@dataclass(frozen=True)
class Found(SearchResult):
    """One page of what a search of a facility found; its records can `load` their results."""

    records: tuple[FoundRecord, ...]

    def __iter__(self) -> Iterator[FoundRecord]:
        return iter(self.records)

    def __getitem__(self, number: int) -> FoundRecord:
        return self.records[number]

    def load(self) -> xr.DataTree:
        """Return the results of this page: that of the only record, or a tree with one branch for each dataset.

        Raises
        ------
        FlowError
            Nothing was found, or two records have datasets of one name.
        """
        import xarray as xr

        if not self.records:
            raise FlowError("nothing was found, so there is nothing to load")
        if len(self.records) == 1:
            return self.records[0].load()
        names = [record.dataset for record in self.records]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise FlowError(
                "several records are of one dataset", got=", ".join(twice), hint="Load the records one by one."
            )
        # A slash would make a branch within a branch.
        branches = {record.dataset.replace("/", "_"): record.load() for record in self.records}
        return xr.DataTree(children=branches)


class CatalogView:
    """The catalogue of a facility.

    Parameters
    ----------
    services
        Of the facility.
    cache
        Folder for files that are fetched.
    """

    def __init__(self, services: Services, cache: Path) -> None:
        self._services = services
        self._cache = cache

    @property
    def cache(self) -> Path:
        """Folder for files that are fetched."""
        return self._cache

    def keys(self) -> list[str]:
        """Return the keys that filters, facets and sort can name; at a Globus site, those of the newest records."""
        return self._services.catalogue.keys()

    def read_ahead(self, keys: Collection[str] = ()) -> Iterator[None]:
        """Read what searches look at, piece by piece; as `xpcs_nb.catalog.Catalog.read_ahead`."""
        return self._services.catalogue.read_ahead(keys)

    def search(self, text: str = "", **arguments: Any) -> Found:
        """Find records; arguments as in `xpcs_nb.catalog.Catalog.search`."""
        found = self._services.catalogue.search(text, **arguments)
        records = tuple(FoundRecord.of(record, self._services, self._cache) for record in found.records)
        return Found(found.total, records, found.facets, found.offset)

    def get(self, subject: str) -> FoundRecord:
        """Return the record of a subject.

        Raises
        ------
        MissingKeyError
            If there is none.
        """
        return FoundRecord.of(self._services.catalogue.get(subject), self._services, self._cache)

    def delete(self, subject: str) -> None:
        """Remove the record of a subject; its files stay.

        Raises
        ------
        MissingKeyError
            If there is none.
        """
        self._services.catalogue.delete(subject)


def _address(file: File) -> str:
    """Return where to fetch a file; `Publishv2` writes paths as they are, with spaces and all."""
    return quote(file.url, safe=":/%") if file.url.startswith("globus://") else file.url


def _fault(path: Path, file: File) -> tuple[str, str] | None:
    """Return what it is and what it should be, where it differs from the file that was published."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"{size} bytes", f"{file.size}"
    if file.sha256 is None:
        return None
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    return None if found == file.sha256 else (f"sha256 {found}", file.sha256)
