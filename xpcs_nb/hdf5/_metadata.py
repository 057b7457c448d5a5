"""Metadata files ``*_metadata.hdf``: finding the one of a raw file, and reading it."""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path

import h5py
import numpy as np

from xpcs_nb.core import Metadata
from xpcs_nb.errors import CorruptDataError, FileFormatError, MissingFileError
from xpcs_nb.hdf5._scalars import all_scalars, open_file, read_float, read_optional_float

__all__ = ["METADATA_SUFFIX", "find_metadata", "is_metadata", "read_metadata"]

METADATA_SUFFIX = "_metadata.hdf"
DETECTOR = "/entry/instrument/detector_1"
ENERGY = "/entry/instrument/incident_beam/incident_energy"
#: No detector stage moves further, m. Files whose positions are in other units, or dummies, give more.
FARTHEST_STAGE_MOTION = 5.0
#: Endings of raw files, the number of a Rigaku module included.
RAW_ENDING = re.compile(r"(\.(imm|bin|h5|hdf|hdf5|nxs|tpx))?(\.\d{3})?$", re.IGNORECASE)


def is_metadata(path: str | PathLike[str]) -> bool:
    """Return True if `path` is an HDF5 file with ``/entry/schema_version``."""
    try:
        with open_file(path) as file:
            return "/entry/schema_version" in file
    except (FileFormatError, MissingFileError):
        return False


def find_metadata(raw: str | PathLike[str]) -> Path:
    """Return the metadata file that lies beside a raw file.

    It is a ``*_metadata.hdf`` with ``/entry/schema_version``. Where there are several, it is the one named as the
    raw file, or else the one whose name is the longest beginning of the raw file's name.

    Raises
    ------
    MissingFileError
        If there is none.
    FileFormatError
        If there are several and none is named as the raw file.
    """
    raw = Path(raw)
    candidates = sorted(raw.parent.glob(f"*{METADATA_SUFFIX}"))
    found = [path for path in candidates if is_metadata(path)]
    if not found:
        raise MissingFileError(
            "no metadata file lies beside the raw file",
            path=raw,
            got=_names(candidates) + " without /entry/schema_version" if candidates else None,
            expected=f"{raw.parent / ('*' + METADATA_SUFFIX)} with /entry/schema_version",
            hint="Put the metadata file of the measurement there, or give its path.",
        )
    if len(found) == 1:
        return found[0]
    name = RAW_ENDING.sub("", raw.name).removesuffix("_metadata")
    named = [path for path in found if _begins(name, path.name.removesuffix(METADATA_SUFFIX))]
    if not named:
        raise FileFormatError(
            "several metadata files lie beside the raw file and none is named as it",
            path=raw,
            got=_names(found),
            expected=name + METADATA_SUFFIX,
            hint="Give the path of the one that belongs to it.",
        )
    return max(named, key=lambda path: len(path.name))


def _begins(name: str, stem: str) -> bool:
    """Return True if `stem` is `name`, or its beginning up to a separator."""
    return name == stem or (name.startswith(stem) and not name[len(stem)].isalnum())


def _names(paths: list[Path]) -> str:
    return ", ".join(path.name for path in paths)


def read_metadata(path: str | PathLike[str]) -> Metadata:
    r"""Return the metadata of a measurement from its metadata file, or from a result file that holds a copy.

    The beam centre follows the detector stage:
    :math:`c = c_0 + (x - x_0) / p` with the recorded centre :math:`c_0` (pixels), the stage positions now and at the
    time of recording :math:`x, x_0` (m), and the pixel size p (m). Where the positions can't be what they say they
    are (more than 5 m apart: some files hold dummies or mm), the centre is NaN and `Metadata.problems` says why.

    Raises
    ------
    MissingKeyError
        If frame_time, count_time, incident_energy or the beam centre is not in the file.
    CorruptDataError
        If frame time, count time or energy is NaN, zero or negative.
    FileFormatError
        If an entry is not one number, or the file is not HDF5.
    """
    with open_file(path) as file:
        pixel, problems = _pixel_size(file)
        center_x, problems_x = _beam_center(file, "x")
        center_y, problems_y = _beam_center(file, "y")
        return Metadata(
            path=Path(path),
            frame_time=_positive(file, f"{DETECTOR}/frame_time", "s"),
            count_time=_positive(file, f"{DETECTOR}/count_time", "s"),
            energy=_positive(file, ENERGY, "keV"),
            pixel_size=pixel,
            detector_distance=read_optional_float(file, f"{DETECTOR}/distance"),
            beam_center_x=center_x,
            beam_center_y=center_y,
            swing_horizontal=read_optional_float(file, f"{DETECTOR}/flightpath_swing") or 0.0,
            swing_vertical=read_optional_float(file, f"{DETECTOR}/flightpath_swing_vertical") or 0.0,
            values=all_scalars(file),
            problems=(*problems, *problems_x, *problems_y),
        )


def _positive(file: h5py.File, key: str, unit: str) -> float:
    value = read_float(file, key)
    if not (np.isfinite(value) and value > 0):
        raise CorruptDataError(
            "an entry can't be what was measured",
            path=file.filename,
            where=key,
            got=f"{value} {unit}",
            expected="a positive number",
        )
    return value


def _pixel_size(file: h5py.File) -> tuple[float | None, list[str]]:
    """Return the edge of a pixel, m; None and the reason where it isn't square."""
    x, y = (read_optional_float(file, f"{DETECTOR}/{axis}_pixel_size") for axis in "xy")
    if x is not None and y is not None and not np.isclose(x, y, rtol=1e-6):
        return None, [f"{DETECTOR}: x_pixel_size {x} m and y_pixel_size {y} m differ"]
    return (y if x is None else x), []


def _beam_center(file: h5py.File, axis: str) -> tuple[float, list[str]]:
    """Return the beam centre along `axis` with stage motion applied; NaN and the reason where that fails."""
    center = read_float(file, f"{DETECTOR}/beam_center_{axis}")
    now = read_optional_float(file, f"{DETECTOR}/position_{axis}")
    then = read_optional_float(file, f"{DETECTOR}/beam_center_position_{axis}")
    if now is None or then is None or now == then:
        return center, []
    if abs(now - then) > FARTHEST_STAGE_MOTION:
        keys = f"position_{axis} {now} m and beam_center_position_{axis} {then} m"
        return float("nan"), [f"{DETECTOR}: {keys} are further apart than a stage moves"]
    return center + (now - then) / read_float(file, f"{DETECTOR}/{axis}_pixel_size"), []
