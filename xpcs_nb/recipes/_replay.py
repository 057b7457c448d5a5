"""``replay``: run again what a crate holds, and say what differs."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xpcs_nb.errors import FileFormatError, MissingFileError, XpcsError
from xpcs_nb.recipes._crate import INPUTS
from xpcs_nb.recipes._differences import TOLERANCE, Difference, compare_results, compare_values, compare_versions
from xpcs_nb.recipes._job import PROVENANCE

__all__ = ["Replay", "replay"]

METADATA = "ro-crate-metadata.json"


@dataclass(frozen=True)
class Replay:
    """What running a crate again gave.

    Attributes
    ----------
    differences
        Numbers that differ by more than `TOLERANCE`, relative; and what may explain it: versions, files.
    compared
        How many numbers were compared.
    folder
        Where the new results are.
    failures
        Why runs failed, by name.
    """

    differences: tuple[Difference, ...]
    compared: int
    folder: Path
    failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def same(self) -> bool:
        """Whether all numbers are the same, to `TOLERANCE`."""
        return not self.failures and not any(each.kind == "number" for each in self.differences)

    def __str__(self) -> str:
        verdict = f"{self.compared} numbers compared: " + (
            f"the same, to {TOLERANCE:g}" if self.same else "not all the same"
        )
        lines = [verdict, *(f"  failed: {name}: {reason}" for name, reason in self.failures.items())]
        return "\n".join([*lines, *(f"  {each}" for each in self.differences), f"new results: {self.folder}"])


def replay(
    crate: str | Path,
    folder: str | Path | None = None,
    *,
    inputs: Mapping[str, str | Path] | None = None,
    publish: bool = False,
    workers: int = 1,
    progress: bool = True,
) -> Replay:
    """Run what a crate of `export_crate` holds again, and compare.

    Parameters
    ----------
    crate
        Folder or ``.zip`` of the crate.
    folder
        Where the new results go; by default a new temporary folder.
    inputs
        New places of inputs that do not travel with the crate, by their old path or its last part.
    publish
        Let flows of the recipe publish what they make, as they did; otherwise no catalogue is altered.
    workers, progress
        As in `rerun`.

    Returns
    -------
    Replay
        What differs: numbers, versions, files.

    Raises
    ------
    FileFormatError
        This is no crate of this package.
    MissingFileError
        An input neither is in the crate nor where it was.
    """
    here = Path(folder).absolute() if folder is not None else Path(tempfile.mkdtemp(prefix="xpcs_nb_replay_"))
    with _unpacked(Path(crate).absolute()) as root:
        places = {str(key): Path(value).absolute() for key, value in (inputs or {}).items()}
        found = _Crate(root, places, here)
        if found.recipes:
            return _replay_batch(found, here, publish=publish, workers=workers, progress=progress)
        return _replay_result(found, here)


@contextmanager
def _unpacked(crate: Path) -> Iterator[Path]:
    if crate.is_dir():
        yield crate
        return
    scratch = Path(tempfile.mkdtemp(prefix="xpcs_nb_"))
    try:
        with zipfile.ZipFile(crate) as archive:
            archive.extractall(scratch)
        yield scratch
    except FileNotFoundError:
        raise MissingFileError("no such crate", path=crate) from None
    except zipfile.BadZipFile as error:
        raise FileFormatError("this is no crate", path=crate, got=error, expected="a folder or a .zip") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class _Crate:
    """A crate that is unpacked in a folder, new places of its inputs, and a folder for files that are made here."""

    def __init__(self, root: Path, places: Mapping[str, Path], scratch: Path) -> None:
        if not (root / METADATA).is_file():
            raise FileFormatError("this is no RO-Crate", path=root, expected=METADATA)
        self.root = root
        self.recipes = sorted((root / "recipes").glob("*.ipynb"))
        self._places = places
        self.scratch = scratch
        self.differences: list[Difference] = []

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return how each result was made, by its folder in the crate."""
        paths = sorted(self.root.rglob(PROVENANCE))
        if not paths:
            raise FileFormatError(
                "the crate does not say how a result was made", path=self.root, expected=f"a file {PROVENANCE}"
            )
        try:
            return {str(path.parent.relative_to(self.root)): json.loads(path.read_text()) for path in paths}
        except ValueError as error:
            raise FileFormatError("the crate is damaged", path=self.root, got=error) from error

    def place(self, path: str, sha256: str | None, *, where_it_was: bool = False) -> Path:
        """Return where an input is now; note it if it is another than it was."""
        from xpcs_nb.reduction import fingerprint

        inside = self.root / INPUTS / f"{(sha256 or '')[:12]}-{Path(path).name}"
        said = self._places.get(path) or self._places.get(Path(path).name)
        others = (Path(path), inside) if where_it_was else (inside, Path(path))
        for candidate in filter(None, (said, *others)):
            if candidate.is_file():
                found = fingerprint(candidate)
                if sha256 and sha256 not in found.values():
                    new = found.get("sha256") or found["sha256_of_first_and_last_mib"]
                    self.differences.append(Difference("file", path, sha256[:12], f"{new[:12]} ({candidate})"))
                return candidate
        raise MissingFileError(
            "an input of the crate is not here",
            path=path,
            hint="Say where it is: `--input OLD=NEW` (inputs={old: new}).",
        )


def _replay_batch(crate: _Crate, folder: Path, *, publish: bool, workers: int, progress: bool) -> Replay:
    from xpcs_nb.recipes._batch import rerun

    documents = {name: each for name, each in crate.documents().items() if each["state"] == "succeeded"}
    rows = [_row(crate, document) for document in documents.values()]
    with nullcontext() if publish else _unpublished(folder, rows):
        batch = rerun(crate.recipes[0], rows, folder=folder / "batch", workers=workers, progress=progress)
    compared, failures = 0, {}
    differences = list(dict.fromkeys(crate.differences))
    for (name, old), job in zip(documents.items(), batch.jobs, strict=True):
        if job.state != "succeeded":
            failures[old["label"]] = job.reason or job.state
            continue
        place = batch.job_folder(job)
        new = json.loads((place / PROVENANCE).read_text())
        differences += compare_versions(old["versions"], new["versions"])
        n, found = compare_values(old["values"], new["values"], old["label"])
        compared += n
        differences += found
        if old["result"] and new["result"]:
            n, found = compare_results(crate.root / name / old["result"], place / new["result"], old["label"])
            compared += n
            differences += found
        gone = sorted(set(old["outputs"]) - set(new["outputs"]) - {old["result"]})
        differences += [Difference("file", f"{old['label']}/{each}", "there", "not made") for each in gone]
    return Replay(tuple(dict.fromkeys(differences)), compared, folder, failures)


def _row(crate: _Crate, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a run with the inputs where they are now."""
    # A site takes files from its collections only, not from a crate.
    at_site = bool(document["parameters"].get("site"))
    places = _places(crate, document["inputs"], where_they_were=at_site)

    def placed(value: Any) -> Any:
        return places.get(value, value) if isinstance(value, str) else value

    parameters = document["parameters"].items()
    return {name: [*map(placed, value)] if isinstance(value, list) else placed(value) for name, value in parameters}


def _places(crate: _Crate, inputs: Mapping[str, str], *, where_they_were: bool) -> dict[str, str]:
    """Return where inputs are now; files of one dataset have to lie beside each other, under their names."""
    found = {path: crate.place(path, sha, where_it_was=where_they_were) for path, sha in inputs.items()}
    if not any(place.parent.name == INPUTS for place in found.values()):
        return {path: str(place) for path, place in found.items()}
    crate.scratch.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix="inputs_", dir=crate.scratch))
    for path, place in found.items():
        (beside / Path(path).name).symlink_to(place)
    return {path: str(beside / Path(path).name) for path in found}


@contextmanager
def _unpublished(folder: Path, rows: list[dict[str, Any]]) -> Iterator[None]:
    """Let flows publish nothing, and run in a home of their own, unless they need the catalogue of the user's."""
    from xpcs_nb.flows import PUBLISH_VARIABLE
    from xpcs_nb.recipes._values import is_address

    changed = {PUBLISH_VARIABLE: "0"}
    if not any(isinstance(value, str) and is_address(value) for row in rows for value in row.values()):
        changed["XPCS_NB_HOME"] = str(folder / "home")
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _replay_result(crate: _Crate, folder: Path) -> Replay:
    from xpcs_nb.core import ReductionOptions
    from xpcs_nb.reduction import correlate

    (document,) = crate.documents().values()
    known = {each["path"]: each.get("sha256") for each in document["inputs"]}
    raw, metadata = document["raw"], next((path for path in known if path.endswith("_metadata.hdf")), None)
    kept = {name: value for name, value in document["options"].items() if name in ReductionOptions.__dataclass_fields__}
    options = {**kept, "prefix": None, "suffix": None, "overwrite": True}
    try:
        tree = correlate(
            crate.place(raw, known.get(raw)),
            crate.root / "qmap.hdf",
            output=folder,
            metadata=None if metadata is None else crate.place(metadata, known[metadata]),
            **options,
        )
    except XpcsError as error:
        if isinstance(error, MissingFileError):
            raise
        return Replay(tuple(crate.differences), 0, folder, {document["result"]: str(error)})
    compared, found = compare_results(crate.root / document["result"], Path(tree.attrs["path"]), document["result"])
    versions = compare_versions(document["versions"], tree["provenance"].attrs["versions"])
    tree.close()
    return Replay((*crate.differences, *versions, *found), compared, folder)
