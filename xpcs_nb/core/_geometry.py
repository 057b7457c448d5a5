"""Where a pixel looks in reciprocal space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core._records import Metadata
from xpcs_nb.errors import OptionError

__all__ = ["HC_KEV_ANGSTROM", "Geometry"]

#: Planck constant times speed of light, keV * angstrom (CODATA 2018, exact in the SI).
HC_KEV_ANGSTROM = 12.398419843320026


@dataclass(frozen=True, kw_only=True)
class Geometry:
    r"""Transmission geometry of a flat detector, at right angles to the line from the sample to it.

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

    Raises
    ------
    OptionError
        If energy, distance or pixel size is not a positive finite number, or another value is not finite.
    """

    energy: float
    detector_distance: float
    pixel_size: float
    beam_center_x: float
    beam_center_y: float
    swing_horizontal: float = 0.0
    swing_vertical: float = 0.0

    def __post_init__(self) -> None:
        for name in ("energy", "detector_distance", "pixel_size"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise OptionError(f"{name} can't be used", got=value, expected="a positive finite number")
        for name in ("beam_center_x", "beam_center_y", "swing_horizontal", "swing_vertical"):
            if not np.isfinite(getattr(self, name)):
                raise OptionError(f"{name} can't be used", got=getattr(self, name), expected="a finite number")

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

    def q_phi(self, shape: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        r"""Return q (1/angstrom) and phi (degrees, -180..180) of every pixel of a frame of `shape`.

        :math:`q = (4\pi/\lambda) \sin(2\theta/2)` with the scattering angle :math:`2\theta` between the direct beam
        and the line from the sample to the pixel; without swing :math:`2\theta = \arctan(r/L)`.
        :math:`\phi = -\mathrm{atan2}(v, h)` with h to the right and v down, as in the APS files.
        """
        h, v, z = self._laboratory(shape)
        across = v * v + h * h
        reach = np.sqrt(across + z * z)
        # sin^2(a/2) = (1 - cos a)/2 written so that nothing cancels near the beam
        sin_half = np.sqrt(across / (2 * reach * (reach + z)))
        return 4 * np.pi / self.wavelength * sin_half, -np.degrees(np.arctan2(v, h))

    def _laboratory(self, shape: tuple[int, int]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return horizontal, vertical and along-beam position of the pixels, m; broadcastable to `shape`."""
        v: NDArray[Any] = ((np.arange(shape[0]) - self.beam_center_y) * self.pixel_size)[:, None]
        h: NDArray[Any] = ((np.arange(shape[1]) - self.beam_center_x) * self.pixel_size)[None, :]
        z: NDArray[Any] = np.full((1, 1), self.detector_distance)
        if self.swing_vertical:
            sine, cosine = np.sin(np.radians(self.swing_vertical)), np.cos(np.radians(self.swing_vertical))
            v, z = cosine * v - sine * z, sine * v + cosine * z
        if self.swing_horizontal:
            sine, cosine = np.sin(np.radians(self.swing_horizontal)), np.cos(np.radians(self.swing_horizontal))
            h, z = cosine * h - sine * z, sine * h + cosine * z
        return h, v, z
