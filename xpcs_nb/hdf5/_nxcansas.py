"""Curves of SAXS in the NXcanSAS layout (canSAS 2012, https://manual.nexusformat.org, definition NXcanSAS)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from xpcs_nb.errors import FileFormatError
from xpcs_nb.hdf5._scalars import entry, open_file, plain
from xpcs_nb.hdf5._writing import atomic_hdf5

__all__ = ["CurveContent", "read_nxcansas", "write_nxcansas"]

type Floats = NDArray[np.float64]

VERSION = "1.1"
#: The only unit of a differential cross section per volume that curves here have; NXcanSAS calls others arbitrary.
ABSOLUTE = "1/cm"


@dataclass(frozen=True, kw_only=True)
class CurveContent:
    """I(q) as a file holds it: q in 1/angstrom, intensity and error in `units`, and what was done to it."""

    q: Floats
    intensity: Floats
    error: Floats
    units: str
    title: str = ""
    run: str = ""
    steps: tuple[str, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)


def write_nxcansas(path: Path, content: CurveContent, *, overwrite: bool = False) -> Path:
    """Write a curve as an NXcanSAS file: one entry, one data set, and the steps as processes.

    Raises
    ------
    ResultExistsError, WriteError
        As `atomic_file`.
    """
    with atomic_hdf5(path, overwrite=overwrite) as (file, _):
        file.attrs["default"] = "entry"
        node = _group(file, "entry", "NXentry", "SASentry", version=VERSION, default="data")
        node["definition"] = "NXcanSAS"
        node["title"] = content.title or path.stem
        node["run"] = content.run or path.stem
        axes = {"signal": "I", "I_axes": "Q", "Q_indices": np.array([0])}
        data = _group(node, "data", "NXdata", "SASdata", **axes)
        units = ABSOLUTE if content.units == ABSOLUTE else "arbitrary"
        for name, values, unit in (
            ("Q", content.q, "1/angstrom"),
            ("I", content.intensity, units),
            ("Idev", content.error, units),
        ):
            data.create_dataset(name, data=np.asarray(values, dtype=np.float64)).attrs["units"] = unit
        data["I"].attrs["uncertainties"] = "Idev"
        for number, step in enumerate(content.steps, start=1):
            process = _group(node, f"process{number:02d}", "NXprocess", "SASprocess")
            process["name"] = "xpcs_nb"
            process["description"] = step
        notes = _group(node, "note", "NXcollection", "SASnote")
        for name, value in ({"intensity_units": content.units} | content.notes).items():
            notes[name] = value
    return path


def _group(parent: h5py.Group, name: str, nexus: str, cansas: str, **attrs: Any) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs.update({"NX_class": nexus, "canSAS_class": cansas} | attrs)
    return group


def read_nxcansas(path: Path) -> CurveContent:
    """Read the first curve of an NXcanSAS file.

    Raises
    ------
    FileFormatError
        If there is no curve of Q in it.
    MissingKeyError
        If it has no uncertainties.
    """
    with open_file(path) as file:
        found: list[h5py.Group] = []

        def note(_: str, node: Any) -> None:
            if isinstance(node, h5py.Group) and plain(node.attrs.get("canSAS_class", "")) == "SASdata":
                found.append(node)

        file.visititems(note)
        if not found or "Q" not in found[0] or found[0]["Q"].ndim != 1:
            raise FileFormatError(
                "there is no curve of Q in the file", path=path, expected="an NXcanSAS file with I(Q)"
            )
        data = found[0]
        error = entry(data, str(plain(data["I"].attrs.get("uncertainties", "Idev"))))
        node = data.parent
        steps = [plain(node[name]["description"][()]) for name in sorted(node) if name.startswith("process")]
        notes = {name: plain(node["note"][name][()]) for name in node["note"]} if "note" in node else {}
        return CurveContent(
            q=data["Q"][()].astype(np.float64),
            intensity=data["I"][()].astype(np.float64),
            error=error[()].astype(np.float64),
            units=str(notes.pop("intensity_units", plain(data["I"].attrs.get("units", "")))),
            title=str(plain(node["title"][()])) if "title" in node else "",
            run=str(plain(np.ravel(node["run"][()])[0])) if "run" in node else "",
            steps=tuple(map(str, steps)),
            notes=notes,
        )
