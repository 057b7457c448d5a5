"""Reciprocal-space coordinates of pixels whose place in the laboratory is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["REFLECTION_MAPS", "TRANSMISSION_MAPS", "Rays"]

type Floats = NDArray[np.float64]

#: Maps of each geometry, with their units.
TRANSMISSION_MAPS = {
    "q": "1/angstrom",
    "phi": "degree",
    "two_theta": "degree",
    "qx": "1/angstrom",
    "qy": "1/angstrom",
    "qz": "1/angstrom",
    "qr": "1/angstrom",
    "x": "pixel",
    "y": "pixel",
}
REFLECTION_MAPS = TRANSMISSION_MAPS | {"alpha_f": "degree", "theta_f": "degree"}


@dataclass(frozen=True)
class Rays:
    """From the sample to the pixels.

    Attributes
    ----------
    h, v, z
        To the right, down (in reflection: against the surface normal), and along the beam, m; broadcastable.
    k
        Wave number, 1/angstrom.
    incident_angle
        Between the beam and the surface, radians; None in transmission.
    x, y
        What the maps of that name hold, pixels.
    """

    h: Floats
    v: Floats
    z: Floats
    k: float
    incident_angle: float | None
    x: Floats
    y: Floats

    def map(self, name: str, shape: tuple[int, int]) -> Floats:
        """Return one of the maps, shape `shape`."""
        source = _IN_TRANSMISSION if self.incident_angle is None else _IN_REFLECTION
        return np.ascontiguousarray(np.broadcast_to(source[name](self), shape))

    @property
    def across2(self) -> Floats:
        """Square of the distance from the beam axis."""
        return self.v * self.v + self.h * self.h

    @property
    def length(self) -> Floats:
        """Distance from the sample."""
        return np.sqrt(self.across2 + self.z * self.z)


def _q(rays: Rays) -> Floats:
    # sin^2(a/2) = (1 - cos a)/2 written so that nothing cancels near the beam
    across, length = rays.across2, rays.length
    return 2 * rays.k * np.sqrt(across / (2 * length * (length + rays.z)))


def _phi(rays: Rays) -> Floats:
    return -np.degrees(np.arctan2(rays.v, rays.h))


def _two_theta(rays: Rays) -> Floats:
    return np.degrees(np.arctan2(np.sqrt(rays.across2), rays.z))


def _normal_to_beam(component: str, sign: float) -> Callable[[Rays], Floats]:
    return lambda rays: sign * rays.k * (getattr(rays, component) / rays.length)


def _along_beam(rays: Rays) -> Floats:
    length = rays.length
    return -rays.k * rays.across2 / (length * (length + rays.z))


def _radial(rays: Rays) -> Floats:
    return rays.k * np.sqrt(rays.across2) / rays.length


def _angle(rays: Rays) -> float:
    return 0.0 if rays.incident_angle is None else rays.incident_angle


def _sin_exit(rays: Rays) -> Floats:
    sine, cosine = math.sin(_angle(rays)), math.cos(_angle(rays))
    return (-rays.v * cosine - rays.z * sine) / rays.length


def _surface_qx(rays: Rays) -> Floats:
    length = rays.length
    loss = -rays.across2 / (length * (length + rays.z))  # cos(two_theta) - 1
    return rays.k * (math.cos(_angle(rays)) * loss - math.sin(_angle(rays)) * rays.v / length)


def _surface_qz(rays: Rays) -> Floats:
    return rays.k * (math.sin(_angle(rays)) + _sin_exit(rays))


def _surface_qr(rays: Rays) -> Floats:
    return np.hypot(_surface_qx(rays), _IN_REFLECTION["qy"](rays))


def _alpha_f(rays: Rays) -> Floats:
    return np.degrees(np.arcsin(np.clip(_sin_exit(rays), -1.0, 1.0)))


def _theta_f(rays: Rays) -> Floats:
    forward = rays.z * math.cos(_angle(rays)) - rays.v * math.sin(_angle(rays))
    return np.degrees(np.arctan2(rays.h, forward))


_IN_TRANSMISSION: dict[str, Callable[[Rays], Floats]] = {
    "q": _q,
    "phi": _phi,
    "two_theta": _two_theta,
    "qx": _normal_to_beam("h", 1.0),
    "qy": _normal_to_beam("v", -1.0),
    "qz": _along_beam,
    "qr": _radial,
    "x": lambda rays: rays.x,
    "y": lambda rays: rays.y,
}
_IN_REFLECTION = _IN_TRANSMISSION | {
    "qx": _surface_qx,
    "qy": _normal_to_beam("h", 1.0),
    "qz": _surface_qz,
    "qr": _surface_qr,
    "alpha_f": _alpha_f,
    "theta_f": _theta_f,
}
