"""Sites: the TOML files that say where a facility's collections, endpoints, folders and queues are."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from xpcs_nb.errors import MissingFileError, SiteError
from xpcs_nb.flows._collection import Collection

__all__ = ["Limits", "Queue", "Site", "load_site", "site_files", "sites_folder"]

PLACEHOLDER = re.compile(r"<[^<>]+>")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Queue(_Model):
    """What the compute endpoint's template is filled with (``user_endpoint_config``).

    Attributes
    ----------
    queue, account, walltime, nodes_per_block, max_blocks
        As the scheduler and Parsl have them; walltime as hh:mm:ss. None leaves a value to the endpoint's template.
    more
        Further variables of the template.
    """

    queue: str | None = None
    account: str | None = None
    walltime: str | None = None
    nodes_per_block: int | None = Field(default=None, ge=1)
    max_blocks: int | None = Field(default=None, ge=1)
    more: Mapping[str, Any] = Field(default_factory=dict)

    @field_validator("walltime")
    @classmethod
    def _hours(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"\d+:[0-5]\d:[0-5]\d", value):
            raise ValueError(f"{value!r} is not of the form hh:mm:ss")
        return value

    def config(self, **changes: Any) -> dict[str, Any]:
        """Return ``user_endpoint_config``, with those `changes` that are not None."""
        given = {name: value for name, value in changes.items() if value is not None}
        merged = Queue.model_validate({**self.model_dump(), **given})
        return {**merged.model_dump(exclude={"more"}, exclude_none=True), **merged.more}


class Limits(_Model):
    """How much at a time: `active_runs` is waited for before another run is started; None for no limit."""

    active_runs: int | None = Field(default=None, ge=1)


class _Endpoints(_Model):
    login: str = Field(min_length=1)
    compute: str = Field(min_length=1)


class _Folder(_Model):
    folder: str = Field(min_length=1)


class _Publish(_Folder):
    index: str = Field(min_length=1)
    visible_to: tuple[str, ...] = Field(default=("public",), min_length=1, max_length=100)


class _Collections(_Model):
    source: Collection
    processing: Collection
    publish: Collection
    here: Collection | None = None


class Site(_Model):
    """A facility, as a TOML file describes it.

    Attributes
    ----------
    name, description
        For lists.
    kind
        ``local``: this machine; ``globus``.
    collections
        ``source`` (raw data), ``processing`` (what compute nodes see) and ``publish``; ``here``, of the machine where
        xpcs_nb runs, for qmaps and results, where that is not the one with the raw data.
    endpoints
        Globus Compute endpoints ``login`` (short work) and ``compute`` (nodes).
    processing
        ``folder`` of the processing collection for runs.
    publish
        ``folder`` of the publish collection, search ``index``, and to whom records are visible.
    staging
        ``folder`` of the collection ``here`` or ``source`` for files that xpcs_nb itself writes (edited qmaps).
    queue, limits
        Defaults.
    group, subscription
        Globus group that may see the runs of others, and subscription that the flows belong to.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    kind: Literal["local", "globus"]
    description: str = ""
    collections: _Collections
    endpoints: _Endpoints
    processing: _Folder
    publish: _Publish
    staging: _Folder | None = None
    queue: Queue = Queue()
    limits: Limits = Limits()
    group: str | None = None
    subscription: str | None = None

    @model_validator(mode="after")
    def _folders_in_collections(self) -> Site:
        if self.kind == "globus":
            for name, folder in self._folders():
                self.end(Path(folder)) if name == "source" else getattr(self.collections, name).to_collection(folder)
        base = self.collections.processing
        if not base.root.endswith(base.path.rstrip("/")):
            raise ValueError("collections.processing: root has to end with path, or path be /")
        return self

    def _folders(self) -> Iterator[tuple[str, str]]:
        yield "processing", self.processing.folder
        yield "publish", self.publish.folder
        if self.staging is not None:
            yield "source", self.staging.folder

    @property
    def ends(self) -> list[tuple[str, Collection]]:
        """Role and collection of each that there is."""
        return [(role, each) for role, each in self.collections if each is not None]

    @property
    def sees_source(self) -> bool:
        """Whether the raw data can be looked at from this machine."""
        return self.kind == "local" or Path(self.collections.source.root).is_dir()

    def shows(self, path: Path) -> bool:
        """Return whether a file of the sender is in a collection."""
        senders = (self.collections.source, self.collections.here)
        return any(each is not None and each.holds(str(path)) for each in senders)

    def end(self, path: Path) -> Collection:
        """Return the collection that a file of the sender is in.

        Raises
        ------
        SiteError
            It is in none.
        """
        source, here = self.collections.source, self.collections.here
        if here is not None and not source.holds(str(path)) and here.holds(str(path)):
            return here
        source.to_collection(str(path))
        return source

    def at(self, home: Path, names: Mapping[str, str]) -> Self:
        """Return the site with relative folders below `home`, and ``local`` replaced by the ids of this machine.

        Parameters
        ----------
        home
            Data folder of this machine.
        names
            What ``local`` stands for as ``collection``, ``endpoint`` and ``index``.
        """
        if self.kind != "local":
            return self

        def named(value: str, kind: str) -> str:
            return names[kind] if value == "local" else value

        def placed(folder: _Folder) -> dict[str, Any]:
            return {"folder": str(home / folder.folder)}

        collections = {role: each.model_copy(update={"id": named(each.id, "collection")}) for role, each in self.ends}
        endpoints = {role: named(each, "endpoint") for role, each in self.endpoints}
        publish = placed(self.publish) | {"index": named(self.publish.index, "index")}
        return self.model_copy(
            update={
                "collections": self.collections.model_copy(update=collections),
                "endpoints": self.endpoints.model_copy(update=endpoints),
                "processing": self.processing.model_copy(update=placed(self.processing)),
                "publish": self.publish.model_copy(update=publish),
                "staging": _Folder(**placed(self.staging or _Folder(folder="qmaps"))),
            }
        )


def sites_folder() -> Path:
    """Return the folder of the user's own sites: in ``XPCS_NB_CONFIG``, else in the user's settings."""
    base = os.environ.get("XPCS_NB_CONFIG") or platformdirs.user_config_dir("xpcs_nb", appauthor=False)
    return Path(base) / "sites"


def site_files() -> dict[str, Path]:
    """Return the site files by name: those that come with the package, and the user's own, which win."""
    shipped = Path(str(files("xpcs_nb.flows.sites")))
    return {path.stem: path for folder in (shipped, sites_folder()) for path in sorted(folder.glob("*.toml"))}


def load_site(site: str | Path) -> Site:
    """Read and check a site, by name or by the path of its TOML file.

    Raises
    ------
    MissingFileError
        There is no such site; the message lists those there are.
    SiteError
        Lists everything that is wrong with the file, and where.
    """
    path = Path(site)
    if path.suffix != ".toml":
        known = site_files()
        if str(site) not in known:
            raise MissingFileError(
                "no such site",
                got=str(site),
                expected=" or ".join(known),
                hint=f"Sites of your own are TOML files in {sites_folder()}.",
            )
        path = known[str(site)]
    try:
        content = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise MissingFileError("no such site file", path=path) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SiteError(f"the site file can't be read: {error}", path=path) from error
    to_fill_in = list(_placeholders("", content))
    problems = [f"{key}: fill in {text}" for key, text in to_fill_in]
    checked = None
    try:
        checked = Site.model_validate(content)
    except ValidationError as error:
        for each in error.errors():
            key = ".".join(str(part) for part in each["loc"]) or "the whole"
            if not any(key == place for place, _ in to_fill_in):
                problems.append(f"{key}: {each['msg'].removeprefix('Value error, ')}")
    if checked is None or problems:
        raise SiteError("this site can't be used:\n  " + "\n  ".join(dict.fromkeys(problems)), path=path)
    return checked


def _placeholders(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _placeholders(f"{prefix}.{key}" if prefix else key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _placeholders(prefix, inner)
    elif isinstance(value, str):
        for found in PLACEHOLDER.findall(value):
            yield prefix, found
