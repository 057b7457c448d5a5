"""RO-Crates: a result or a batch with everything that made it, for an archive, a publication, or `replay`."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpcs_nb.errors import MissingFileError, ResultExistsError, WriteError
from xpcs_nb.recipes._folder import BATCH

if TYPE_CHECKING:
    from rocrate.model.entity import Entity
    from rocrate.rocrate import ROCrate

__all__ = ["INPUTS", "CrateBuilder", "export_crate"]

#: Folder of the inputs that travel with a crate.
INPUTS = "inputs"
#: Inputs up to this size, bytes, travel along; of larger ones a crate has path and checksum.
LARGEST_INPUT = 64 << 20
RO_CRATE = "1.1"
PROFILES = {
    "process": ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    "workflow": ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    "recipe": ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
}
#: The context of RO-Crate 1.1 is older than this word of schema.org.
TERMS = {"sha256": "http://schema.org/sha256"}
NOT_STATED = "Not stated: ask the owner of the data"
KINDS = {".ipynb": "application/x-ipynb+json", ".hdf": "application/x-hdf5", ".h5": "application/x-hdf5"}


def export_crate(
    what: str | Path,
    path: str | Path | None = None,
    *,
    license: str | None = None,
    author: str | None = None,
    include_raw: bool = False,
) -> Path:
    """Write an RO-Crate of a result or of a batch and return its path.

    Parameters
    ----------
    what
        Folder of a batch, folder of one of its jobs, or a result file. A result that lies in the folder of a job is
        exported with its job.
    path
        Folder of the crate, or a file that ends with ``.zip``; by default ``NAME-crate`` beside `what`.
    license
        Address of the licence, as of https://creativecommons.org/licenses/by/4.0/.
    author
        ORCID address or name.
    include_raw
        Copy all inputs; by default those beyond 64 MiB are named with path and checksum only.

    Returns
    -------
    Path
        A Workflow Run RO-Crate (of a result without a recipe: a Process Run Crate) with recipe, executed notebooks,
        results, figures, qmap with its edits, parameters, versions and checksums.

    Raises
    ------
    MissingFileError
        There is no such result or batch.
    ResultExistsError
        The path is taken.
    WriteError
        The crate can't be written.
    """
    from xpcs_nb.recipes._crate_batch import describe_batch
    from xpcs_nb.recipes._crate_result import describe_result

    given = Path(what).absolute()
    if not given.exists():
        raise MissingFileError("there is no such result or batch", path=given)
    target = Path(path).absolute() if path is not None else given.with_name(f"{given.stem}-crate")
    if target.exists():
        raise ResultExistsError("a file or folder of this name exists", path=target, hint="Choose another name.")
    with _new(target) as new, tempfile.TemporaryDirectory(prefix="xpcs_nb_") as scratch:
        builder = CrateBuilder(license=license, author=author, include_raw=include_raw)
        batch, job = _found(given)
        if batch is not None:
            describe_batch(builder, batch, job)
        else:
            describe_result(builder, given, Path(scratch))
        builder.write(new, zipped=target.suffix == ".zip")
    return target


def _found(given: Path) -> tuple[Path | None, str | None]:
    """Return the folder of the batch that `given` is or belongs to, and the name of its job there."""
    if (given / BATCH).is_file():
        return given, None
    folder = given if given.is_dir() else given.parent
    batch = folder.parent.parent
    if (folder / "job.json").is_file() and (batch / BATCH).is_file():
        return batch, folder.name
    if given.is_dir():
        raise MissingFileError("this folder holds no batch and no job of one", path=given)
    return None, None


@contextmanager
def _new(target: Path) -> Iterator[Path]:
    """Give a new name beside `target`; on leaving without error what is there takes its final name."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise WriteError("the folder can't be written", path=target.parent, got=error.strerror) from error
    try:
        yield part / target.name
        (part / target.name).rename(target)
    except OSError as error:
        raise WriteError("the crate can't be written", path=target, got=error.strerror or str(error)) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


class CrateBuilder:
    """Puts files, parameters and runs into a crate.

    Parameters
    ----------
    license, author, include_raw
        As in `export_crate`.
    """

    def __init__(self, *, license: str | None = None, author: str | None = None, include_raw: bool = False) -> None:
        from rocrate.rocrate import ROCrate

        self.crate: ROCrate = ROCrate(version=RO_CRATE)
        self.crate.metadata.extra_terms.update(TERMS)
        self._include_raw = include_raw
        self._inputs: dict[str, Entity] = {}
        self.crate.root_dataset["license"] = self._license(license)
        self._author = None if author is None else self._person(author)
        if self._author is not None:
            self.crate.root_dataset["author"] = self._author

    def describe(self, name: str, description: str, *profiles: str) -> None:
        """Say what the crate is."""
        root = self.crate.root_dataset
        root["name"], root["description"] = name, description
        root["datePublished"] = datetime.now(UTC).isoformat(timespec="seconds")
        for profile in profiles:
            address, title, version = PROFILES[profile]
            entity = self.entity(address, {"@type": "CreativeWork", "name": title, "version": version})
            root.append_to("conformsTo", entity)

    def entity(self, identifier: str, properties: Mapping[str, Any]) -> Entity:
        """Return what `identifier` names, added if it is new."""
        from rocrate.model.contextentity import ContextEntity

        known = self.crate.get(identifier)
        return known or self.crate.add(ContextEntity(self.crate, identifier, properties=dict(properties)))

    def file(self, source: Path, name: str, **properties: Any) -> Entity:
        """Add a file under `name`, with its checksum."""
        known = self.crate.get(name)
        if known is not None:
            return known
        return self.crate.add_file(source, name, properties={**_about(source), "name": Path(name).name, **properties})

    def input(self, path: str, sha256: str) -> Entity:
        """Add an input: the file, if it is there and not too large; else where it was, and its checksum."""
        known = self._inputs.get(path)
        if known is not None:
            return known
        source = Path(path)
        there = source.is_file()
        if there and (self._include_raw or source.stat().st_size <= LARGEST_INPUT) and _sha256(source) == sha256:
            made = self.file(source, f"{INPUTS}/{sha256[:12]}-{source.name}", alternateName=path)
        else:
            properties = {"@type": "CreativeWork", "name": source.name, "alternateName": path, "sha256": sha256}
            size = {"size": str(source.stat().st_size)} if there else {}
            made = self.entity(f"#input-{sha256[:12]}-{source.name}", {**properties, **size})
        self._inputs[path] = made
        return made

    def recipe(self, source: Path, name: str, versions: Mapping[str, str]) -> Entity:
        """Add the recipe as the workflow that the crate is about."""
        languages = {
            "@type": "ComputerLanguage",
            "name": "Jupyter notebook",
            "url": {"@id": "https://jupyter.org/"},
            "identifier": {"@id": "https://jupyter.org/"},
        }
        language = self.entity("#jupyter", languages)
        properties = {
            **_about(source),
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
            "name": name,
            "programmingLanguage": language,
            "softwareRequirements": self.software(versions),
        }
        workflow = self.crate.add_file(source, f"recipes/{source.name}", properties=properties)
        self.crate.root_dataset["mainEntity"] = workflow
        return workflow

    def software(self, versions: Mapping[str, str]) -> list[Entity]:
        """Return packages with their versions."""
        return [
            self.entity(
                f"https://pypi.org/project/{name}/{version}/",
                {
                    "@type": "SoftwareApplication",
                    "name": name,
                    "version": version,
                    "softwareVersion": version,
                    "url": {"@id": f"https://pypi.org/project/{name}/"},
                },
            )
            for name, version in versions.items()
        ]

    def value(self, identifier: str, name: str, value: Any, of: Entity | None = None) -> Entity:
        """Add the value of a parameter."""
        said = value if isinstance(value, str) else json.dumps(value, default=str)
        example = {} if of is None else {"exampleOfWork": of}
        return self.entity(identifier, {"@type": "PropertyValue", "name": name, "value": said, **example})

    def action(self, identifier: str, name: str, properties: Mapping[str, Any], **parts: Any) -> Entity:
        """Add a run: ``instrument``, ``object`` (inputs), ``result`` (outputs)."""
        known = {key: value for key, value in properties.items() if value is not None}
        action = self.crate.add_action(identifier=identifier, properties={"name": name, **known}, **parts)
        if self._author is not None:
            action["agent"] = self._author
        self.crate.root_dataset.append_to("mentions", action)
        return action

    def write(self, path: Path, *, zipped: bool) -> None:
        """Write the crate."""
        if zipped:
            self.crate.write_zip(path)
        else:
            self.crate.write(path)

    def _license(self, address: str | None) -> Entity | str:
        if address is None:
            return NOT_STATED
        return self.entity(address, {"@type": "CreativeWork", "name": address, "url": {"@id": address}})

    def _person(self, author: str) -> Entity:
        from rocrate.model.person import Person

        identifier = author if "://" in author else f"#{author.replace(' ', '-')}"
        return self.crate.add(Person(self.crate, identifier, properties={"name": author}))


def _about(path: Path) -> dict[str, Any]:
    kind = KINDS.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return {"contentSize": str(path.stat().st_size), "encodingFormat": kind, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
