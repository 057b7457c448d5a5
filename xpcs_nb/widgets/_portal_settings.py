"""What the portal shows: read from TOML files, nothing of it is fixed in code."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xpcs_nb.errors import MissingFileError, OptionError
from xpcs_nb.flows import sites_folder

__all__ = ["Choices", "PortalSettings", "load_settings"]

type Table = dict[str, Any]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ListSettings(_Model):
    """How records are listed."""

    page_size: int = Field(ge=1, le=1000)
    page_sizes: tuple[int, ...]
    view: Literal["cards", "table"]
    columns: tuple[str, ...]
    thumbnails: tuple[str, ...]
    thumbnail_pixels: int = Field(ge=16, le=1024)


class Named(_Model):
    """A key of the records, and what people call it."""

    key: str = Field(min_length=1)
    label: str


class Interval(Named):
    """A key of which a range can be asked for."""

    unit: str = ""
    kind: Literal["number", "date"] = "number"


class Pictures(_Model):
    """A group of pictures, by patterns of their names."""

    label: str
    files: tuple[str, ...]


class Summary(_Model):
    """A group of keys that the summary of a record shows."""

    label: str
    keys: tuple[str, ...]


class _Logs(_Model):
    files: tuple[str, ...]


class _Runs(_Model):
    seconds: float = Field(gt=0)


class PortalSettings(_Model):
    """Facets, ranges, columns, orders, groups of pictures and of metadata; see `load_settings`."""

    list: ListSettings
    sorts: tuple[Named, ...] = Field(min_length=1)
    facets: tuple[Named, ...]
    ranges: tuple[Interval, ...]
    pictures: tuple[Pictures, ...]
    summary: tuple[Summary, ...]
    units: Mapping[str, str]
    logs: _Logs
    runs: _Runs


def load_settings(site: str = "local", more: str | Path | Mapping[str, Any] | None = None) -> PortalSettings:
    """Return the settings: the package's own, changed by ``portal.toml``, ``portal-SITE.toml`` and `more`.

    The files are in the folder of the user's settings, beside ``sites/``. Tables are joined key by key, lists replaced.

    Parameters
    ----------
    site
        Name of the site.
    more
        A further TOML file, or a mapping, that wins over all others.

    Raises
    ------
    OptionError
        A file can't be used; says where and why.
    MissingFileError
        The file `more` is not there.
    """
    folder = sites_folder().parent
    found = tomllib.loads(files("xpcs_nb.widgets").joinpath("portal", "defaults.toml").read_text())
    sources: list[Path] = [path for path in (folder / "portal.toml", folder / f"portal-{site}.toml") if path.is_file()]
    if isinstance(more, str | Path):
        sources.append(Path(more))
    for path in sources:
        found = _joined(found, _table(path))
    if isinstance(more, Mapping):
        found = _joined(found, more)
    try:
        return PortalSettings.model_validate(found)
    except ValidationError as error:
        problems = "\n  ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise OptionError(
            f"the settings of the portal can't be used:\n  {problems}",
            path=sources[-1] if sources else None,
            hint="docs/how-to/portal.md lists what there is.",
        ) from error


def _table(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise MissingFileError("no such settings of the portal", path=path) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OptionError(f"the settings of the portal can't be read: {error}", path=path) from error


def _joined(base: Mapping[str, Any], change: Mapping[str, Any]) -> Table:
    both = {
        name: _joined(base[name], value)
        for name, value in change.items()
        if isinstance(value, Mapping) and isinstance(base.get(name), Mapping)
    }
    return {**base, **change, **both}


class Choices:
    """What a user chose last (view, size of a page, hidden pictures), kept from session to session.

    Parameters
    ----------
    site
        Each has its own.
    """

    def __init__(self, site: str) -> None:
        name = re.sub(r"[^A-Za-z0-9._-]", "_", site)
        self.path = sites_folder().parent / "portal" / f"{name}.json"

    def read(self) -> dict[str, Any]:
        """Return them; none where they were never kept, or the file is of something else."""
        try:
            found = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def keep(self, changes: Mapping[str, Any]) -> None:
        """Add to them."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        part.write_text(json.dumps({**self.read(), **changes}))
        part.replace(self.path)
