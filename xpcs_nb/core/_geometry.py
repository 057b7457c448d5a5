"""Where a pixel looks in reciprocal space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.errors import OptionError

__all__ = ["HC_KEV_ANGSTROM", "Geometry"]

#: Planck constant times speed of light, keV * angstrom (CODATA 2018, exact in the SI).
HC_KEV_ANGSTROM = 12.398419843320026


@dataclass(frozen=True, kw_only=True)
class Geometry:
    r"""Transmission geometry of a flat detector across the direct beam.

    Parameters
    ----------
    energy
        Photon energy, keV.
    detector_distance
        Sample to detector, m.
    pixel_size
        Edge of a (square) pixel, m.
    beam_center_x, beam_center_y
        Column and row of the direct beam, pixels; pixel centres are at integers.

    Raises
    ------
    OptionError
        If energy, distance or pixel size is not a positive finite number.
    """

    energy: float
    detector_distance: float
    pixel_size: float
    beam_center_x: float
    beam_center_y: float

    def __post_init__(self) -> None:
        for name in ("energy", "detector_distance", "pixel_size"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise OptionError(f"{name} can't be used", got=value, expected="a positive finite number")
        for name in ("beam_center_x", "beam_center_y"):
            if not np.isfinite(getattr(self, name)):
                raise OptionError(f"{name} can't be used", got=getattr(self, name), expected="a finite number")

    @property
    def wavelength(self) -> float:
        """Wavelength, angstrom."""
        return HC_KEV_ANGSTROM / self.energy

    def q_phi(self, shape: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        r"""Return q (1/angstrom) and phi (degrees, -180..180) of every pixel of a frame of `shape`.

        :math:`q = (4\pi/\lambda) \sin(2\theta/2)` with :math:`2\theta = \arctan(r/L)`;
        :math:`\phi = -\mathrm{atan2}(v, h)` with h to the right and v down, as in the APS files.
        """
        v, h = np.meshgrid(
            (np.arange(shape[0]) - self.beam_center_y) * self.pixel_size,
            (np.arange(shape[1]) - self.beam_center_x) * self.pixel_size,
            indexing="ij",
        )
        two_theta = np.arctan(np.hypot(h, v) / self.detector_distance)
        q = 4 * np.pi / self.wavelength * np.sin(two_theta / 2)
        return q, -np.degrees(np.arctan2(v, h))
