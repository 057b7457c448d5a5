"""A maker of metadata files as APS 8-ID-I writes them."""

from __future__ import annotations

from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any

import h5py

__all__ = ["write_metadata"]

#: Unit written for each NeXus category; the files spell the attributes `NX_Class` and `unit`.
UNITS = {
    "NX_LENGTH": "m",
    "NX_TIME": "s",
    "NX_ENERGY": "keV",
    "NX_ANGLE": "degree",
    "NX_TEMPERATURE": "K",
    "NX_CURRENT": "mA",
    "NX_ANY": "any",
    "NX_CHAR": "any",
    "NX_DATE_TIME": "any",
    "NX_INT": "any",
}
GROUPS = {
    "entry": "NXentry",
    "entry/instrument": "NXinstrument",
    "entry/instrument/detector_1": "NXdetector",
    "entry/instrument/incident_beam": "NXbeam",
    "entry/instrument/bluesky": "NXcollection",
    "entry/sample": "NXsample",
    "entry/user": "NXuser",
}


def write_metadata(
    path: str | PathLike[str],
    *,
    frame_time: float = 1e-3,
    count_time: float | None = None,
    energy: float = 10.0,
    distance: float = 5.0,
    pixel_size: float = 75e-6,
    beam_center: tuple[float, float] = (0.0, 0.0),
    detector_name: str = "simulated",
    start_time: datetime = datetime(2026, 1, 1, 12),  # noqa: DTZ001 - the files carry no zone
    scan_number: int = 1,
    sample: str = "simulated",
    temperature: float = 298.15,
    user: str = "nobody",
    extra: dict[str, Any] | None = None,
) -> Path:
    """Write a ``*_metadata.hdf`` of schema 0.1.0 with every entry that the schema requires, and return its path.

    Parameters
    ----------
    path
        Where; an existing file is replaced.
    frame_time, count_time
        Start to start of two frames and exposure of one, s; `count_time` is `frame_time` unless given.
    energy, distance, pixel_size
        keV, m, m.
    beam_center
        (column, row) of the direct beam, pixels: x before y, as the entries of the file. The stage is at rest.
    detector_name, start_time, scan_number
        As they say.
    sample, temperature, user
        Sample description, its temperature in K, and the user's name.
    extra
        Further entries by path below ``/entry``, or other values for the entries above; None leaves one out.
    """
    detector, beam = "instrument/detector_1", "instrument/incident_beam"
    entries: dict[str, tuple[Any, str]] = {
        "definition": ("NXxpcs", "NX_CHAR"),
        "schema_version": ("0.1.0", "NX_CHAR"),
        "entry_identifier": (Path(path).name.removesuffix("_metadata.hdf"), "NX_CHAR"),
        "beamline": ("simulated", "NX_CHAR"),
        "scan_number": (scan_number, "NX_INT"),
        "start_time": (start_time.strftime("%Y-%m-%d %H:%M:%S.%f"), "NX_DATE_TIME"),
        f"{detector}/count_time": (float(frame_time if count_time is None else count_time), "NX_TIME"),
        f"{detector}/frame_time": (float(frame_time), "NX_TIME"),
        f"{detector}/distance": (float(distance), "NX_LENGTH"),
        f"{detector}/detector_name": (detector_name, "NX_CHAR"),
        f"{beam}/incident_energy": (float(energy), "NX_ENERGY"),
        f"{beam}/ring_current": (130.0, "NX_CURRENT"),
        f"{beam}/incident_beam_intensity": (1.0, "NX_ANY"),
        f"{beam}/transmitted_beam_intensity": (1.0, "NX_ANY"),
        "instrument/bluesky/parent_folder": (str(Path(path).parent.name), "NX_CHAR"),
        "sample/short_description": (sample, "NX_CHAR"),
        "sample/qnw1_temperature": (float(temperature), "NX_TEMPERATURE"),
        "user/name": (user, "NX_CHAR"),
        "user/email": ("nobody@example.org", "NX_CHAR"),
        "user/institution": ("none", "NX_CHAR"),
        "user/cycle": (f"{start_time.year}-1", "NX_CHAR"),
        "user/proposal_id": ("none", "NX_CHAR"),
    }
    for axis, center in zip("xy", beam_center, strict=True):
        # declared a length by the schema, yet it holds pixels
        entries[f"{detector}/beam_center_{axis}"] = (float(center), "NX_LENGTH")
        entries[f"{detector}/beam_center_position_{axis}"] = (0.0, "NX_LENGTH")
        entries[f"{detector}/position_{axis}"] = (0.0, "NX_LENGTH")
        entries[f"{detector}/{axis}_pixel_size"] = (float(pixel_size), "NX_LENGTH")
    for axis in "xyz":
        entries[f"{detector}/rotation_{axis}"] = (0.0, "NX_ANGLE")
    for motor in ("nu", "delta", "mu", "eta", "chi", "phi"):
        entries[f"sample/huber_{motor}"] = (0.0, "NX_ANGLE")
    for name, value in (extra or {}).items():
        entries[name] = (value, entries.get(name, (None, "NX_ANY"))[1])
    return _write(Path(path), entries)


def _write(path: Path, entries: dict[str, tuple[Any, str]]) -> Path:
    with h5py.File(path, "w") as file:
        for name, kind in GROUPS.items():
            file.create_group(name).attrs.update({"NX_Class": kind, "unit": "any", "description": name})
        for name, (value, kind) in entries.items():
            if value is None:
                continue
            dataset = file.create_dataset(f"entry/{name}", data=value)
            description = name.rsplit("/", 1)[-1].replace("_", " ")
            dataset.attrs.update({"NX_Class": kind, "unit": UNITS[kind], "description": description})
    return path
