"""What pyFAI knows: detectors with their gaps, and ``.poni`` files."""

from __future__ import annotations

import logging
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from xpcs_nb.core import HC_KEV_ANGSTROM, Geometry, require
from xpcs_nb.errors import FileFormatError, MissingFileError, QMapError
from xpcs_nb.qmap._edits import Detector
from xpcs_nb.qmap._pixels import PixelSet

__all__ = ["detector_mask", "read_poni"]

EXTRA = "detectors"
#: Rotations smaller than this, radians, move no pixel of a detector of 5000 pixels by a thousandth of one.
NO_ROTATION = 2e-7
#: pyFAI counts pixel centres at 0.5, the APS files at integers.
PIXEL_CENTRE = 0.5


def _pyfai(module: str) -> ModuleType:
    # its messages about missing OpenCL are of no use here
    logging.getLogger("silx.opencl.common").setLevel(logging.ERROR)
    return require(module, extra=EXTRA)


def detector_mask(name: str, shape: tuple[int, int]) -> Detector:
    """Return the edit that makes the gaps and dead pixels of a detector model blemishes.

    Raises
    ------
    MissingExtraError
        If pyFAI is not installed.
    QMapError
        If it knows no such detector, or that one has another shape.
    """
    try:
        detector = _pyfai("pyFAI.detectors").detector_factory(name)
    except RuntimeError as error:
        raise QMapError("pyFAI knows no such detector", got=name) from error
    if detector.shape is None or tuple(detector.shape) != shape:
        raise QMapError(f"the detector {name} has another shape than the frames", got=detector.shape, expected=shape)
    bad = detector.mask
    good = np.ones(shape, dtype=bool) if bad is None else np.asarray(bad) == 0
    return Detector(name=name, good=PixelSet.of(good))


def read_poni(path: str | PathLike[str]) -> tuple[Geometry, tuple[int, int] | None]:
    """Return the geometry in a ``.poni`` file, and the shape of its detector where that is known.

    One rotation, about the vertical or about the horizontal axis, becomes a swing.

    Raises
    ------
    MissingExtraError
        If pyFAI is not installed.
    MissingFileError, FileFormatError
        If it can't be read.
    QMapError
        If an entry is missing, pixels are not square, or the detector is turned in a way that swings don't describe.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError("there is no such file", path=path)
    try:
        poni = _pyfai("pyFAI.io.ponifile").PoniFile(str(path))
    except (ValueError, RuntimeError, TypeError, KeyError, AttributeError) as error:
        raise FileFormatError("the file can't be read as .poni", path=path, got=str(error)) from error
    values = {"Distance": poni.dist, "Poni1": poni.poni1, "Poni2": poni.poni2, "Wavelength": poni.wavelength}
    values |= {"Detector_config": None if poni.detector is None else poni.detector.pixel1}
    missing = [key for key, value in values.items() if value is None]
    if missing:
        raise QMapError("the file gives no geometry", path=path, where=", ".join(missing), got="nothing")
    if abs(poni.detector.pixel1 - poni.detector.pixel2) > 1e-6 * poni.detector.pixel1:
        raise QMapError("pixels are not square", path=path, got=f"{poni.detector.pixel1} x {poni.detector.pixel2} m")
    shape = None if poni.detector.shape is None else (int(poni.detector.shape[0]), int(poni.detector.shape[1]))
    return _geometry(path, poni), shape


def _geometry(path: Path, poni: Any) -> Geometry:
    rotations = {key: float(getattr(poni, key) or 0.0) for key in ("rot1", "rot2", "rot3")}
    turned = [key for key, angle in rotations.items() if abs(angle) > NO_ROTATION]
    if "rot3" in turned or len(turned) > 1:
        raise QMapError(
            "the detector is turned in a way that one swing does not describe",
            path=path,
            got=", ".join(f"{key} {rotations[key]:g} rad" for key in turned),
            expected="rot1 or rot2 alone",
            hint="Together they roll the detector about the beam, and qmap files have no entry for a roll. Describe the"
            " geometry by a Geometry with both swings, if that is how the detector is mounted.",
        )
    pixel = float(poni.detector.pixel1)
    return Geometry(
        energy=HC_KEV_ANGSTROM / (float(poni.wavelength) * 1e10),
        detector_distance=float(poni.dist),
        pixel_size=pixel,
        beam_center_x=float(poni.poni2) / pixel - PIXEL_CENTRE,
        beam_center_y=float(poni.poni1) / pixel - PIXEL_CENTRE,
        swing_horizontal=float(np.degrees(-rotations["rot1"])) if "rot1" in turned else 0.0,
        swing_vertical=float(np.degrees(rotations["rot2"])) if "rot2" in turned else 0.0,
    )
