"""Where a pixel looks in reciprocal space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core._geometry_maps import REFLECTION_MAPS, TRANSMISSION_MAPS, Rays
from xpcs_nb.core._records import Metadata
from xpcs_nb.errors import OptionError

__all__ = ["HC_KEV_ANGSTROM", "Geometry"]

#: Surface normal and horizon of each orientation, as (row, column) of a pixel further up and further right.
UPWARDS = {0.0: ((-1, 0), (0, 1)), 90.0: ((0, -1), (-1, 0)), 180.0: ((1, 0), (0, -1)), 270.0: ((0, 1), (1, 0))}

#: Planck constant times speed of light, keV * angstrom (CODATA 2018, exact in the SI).
HC_KEV_ANGSTROM = 12.398419843320026


@dataclass(frozen=True, kw_only=True)
class Geometry:
    r"""Geometry of a flat detector at right angles to the line from the sample to it.

    In transmission the detector may swing about the sample. With an `incident_angle` it is reflection (grazing
    incidence): the direct beam hits the detector at right angles, and `orientation` says where the surface normal
    points on it.

    Parameters
    ----------
    energy
        Photon energy, keV.
    detector_distance
        Sample to detector, m.
    pixel_size
        Edge of a (square) pixel, m.
    beam_center_x, beam_center_y
        Column and row of the direct beam at swing 0, pixels; pixel centres are at integers.
    swing_horizontal, swing_vertical
        Angles by which the arm with the detector is turned about the sample, degrees; the signs are those of
        ``flightpath_swing`` and ``flightpath_swing_vertical`` in the APS files.
    incident_angle
        Angle between the beam and the surface, degrees; None is transmission.
    orientation
        Degrees by which the surface normal is turned on the detector: 0 points to lower rows (up), 90 to lower
        columns, 180 to higher rows, 270 to higher columns.

    Raises
    ------
    OptionError
        If energy, distance or pixel size is not a positive finite number, another value is not finite, the
        orientation is none of the four, or a swing goes with an incident angle.
    """

    energy: float
    detector_distance: float
    pixel_size: float
    beam_center_x: float
    beam_center_y: float
    swing_horizontal: float = 0.0
    swing_vertical: float = 0.0
    incident_angle: float | None = None
    orientation: float = 0.0

    def __post_init__(self) -> None:
        for name in ("energy", "detector_distance", "pixel_size"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise OptionError(f"{name} can't be used", got=value, expected="a positive finite number")
        for name in ("beam_center_x", "beam_center_y", "swing_horizontal", "swing_vertical"):
            if not np.isfinite(getattr(self, name)):
                raise OptionError(f"{name} can't be used", got=getattr(self, name), expected="a finite number")
        if self.orientation not in UPWARDS:
            raise OptionError("there is no such orientation", got=self.orientation, expected="0, 90, 180 or 270")
        if self.incident_angle is None:
            if self.orientation:
                raise OptionError(
                    "an orientation goes with an incident angle", got=f"orientation {self.orientation:g} alone"
                )
            return
        if not -90 <= self.incident_angle <= 90:
            raise OptionError("incident_angle can't be used", got=self.incident_angle, expected="-90 to 90 degrees")
        if self.swing_horizontal or self.swing_vertical:
            raise OptionError("a swing does not go with an incident angle", got=f"incident_angle {self.incident_angle}")

    @classmethod
    def from_metadata(cls, metadata: Metadata) -> Self:
        """Return the geometry that a metadata file describes.

        Raises
        ------
        OptionError
            If the file does not hold all of it, or contradicts itself; nothing is filled in.
        """
        names = ("energy", "detector_distance", "pixel_size", "beam_center_x", "beam_center_y")
        values = {name: getattr(metadata, name) for name in names}
        missing = [name for name, value in values.items() if value is None or not np.isfinite(value)]
        if missing:
            raise OptionError(
                f"the metadata give no geometry: {', '.join(missing)} missing",
                path=metadata.path,
                got="; ".join(metadata.problems) or None,
                hint="Take the geometry from a qmap, or give the values yourself.",
            )
        swing = {"swing_horizontal": metadata.swing_horizontal, "swing_vertical": metadata.swing_vertical}
        return cls(**values, **swing)

    @property
    def wavelength(self) -> float:
        """Wavelength, angstrom."""
        return HC_KEV_ANGSTROM / self.energy

    @property
    def map_units(self) -> dict[str, str]:
        """Names of the maps that `map` gives in this geometry, with their units."""
        return dict(TRANSMISSION_MAPS if self.incident_angle is None else REFLECTION_MAPS)

    def map(self, name: str, shape: tuple[int, int]) -> NDArray[np.float64]:
        r"""Return one coordinate of every pixel of a frame of `shape`, float64.

        In both geometries: ``q``, ``phi`` (-180..180, as `q_phi` says), ``two_theta`` (between the direct beam and the
        line to the pixel). Transmission: ``qx`` to the right, ``qy`` up, ``qz`` along the beam, ``qr`` across it; ``x``
        and ``y`` are column and row. Reflection: ``qx`` along the surface, ``qy`` in the surface across the beam,
        ``qz`` along its normal, ``qr`` in it; ``alpha_f`` is the exit angle, ``theta_f`` the angle in the surface
        plane; ``x`` and ``y`` are counted from the direct beam, along the horizon and against the normal.

        Raises
        ------
        OptionError
            If there is no such map in this geometry.
        """
        if name not in self.map_units:
            raise OptionError("there is no such map", got=repr(name), expected=", ".join(self.map_units))
        return self._rays(shape).map(name, shape)

    def q_phi(self, shape: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        r"""Return q (1/angstrom) and phi (degrees, -180..180) of every pixel of a frame of `shape`.

        :math:`q = (4\pi/\lambda) \sin(2\theta/2)` with the scattering angle :math:`2\theta` between the direct beam
        and the line from the sample to the pixel; without swing :math:`2\theta = \arctan(r/L)`.
        :math:`\phi = -\mathrm{atan2}(v, h)` with h to the right and v down, as in the APS files.
        """
        rays = self._rays(shape)
        return rays.map("q", shape), rays.map("phi", shape)

    def _rays(self, shape: tuple[int, int]) -> Rays:
        """Return where the pixels are in the laboratory."""
        row = np.arange(shape[0], dtype=np.float64)[:, None]
        column = np.arange(shape[1], dtype=np.float64)[None, :]
        down, right = row - self.beam_center_y, column - self.beam_center_x
        x, y = column, row
        if self.incident_angle is not None:
            (up_row, up_column), (side_row, side_column) = UPWARDS[self.orientation]
            x, y = side_row * down + side_column * right, -(up_row * down + up_column * right)
            down, right = y, x
        v, h = down * self.pixel_size, right * self.pixel_size
        z = np.full((1, 1), self.detector_distance)
        if self.swing_vertical:
            sine, cosine = np.sin(np.radians(self.swing_vertical)), np.cos(np.radians(self.swing_vertical))
            v, z = cosine * v - sine * z, sine * v + cosine * z
        if self.swing_horizontal:
            sine, cosine = np.sin(np.radians(self.swing_horizontal)), np.cos(np.radians(self.swing_horizontal))
            h, z = cosine * h - sine * z, sine * h + cosine * z
        angle = None if self.incident_angle is None else float(np.radians(self.incident_angle))
        return Rays(h=h, v=v, z=z, k=2 * np.pi / self.wavelength, incident_angle=angle, x=x, y=y)
