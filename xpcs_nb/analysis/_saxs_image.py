"""The mean frame of a result, and where its pixels look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.core import Geometry
from xpcs_nb.errors import MissingKeyError, OptionError

__all__ = ["SaxsImage", "detector_factors", "in_phi", "saxs_region"]

type Floats = NDArray[np.float64]
type Mask = NDArray[np.bool_]
type Range = tuple[float, float]

NEEDED = ("energy", "detector_distance", "pixel_size", "beam_center_x", "beam_center_y")
OPTIONAL = ("swing_horizontal", "swing_vertical", "incident_angle", "orientation")


@dataclass(frozen=True)
class SaxsImage:
    """Mean counts a pixel and frame, shape (rows, columns), with the used pixels, geometry and frames averaged."""

    counts: Floats
    used: Mask
    geometry: Geometry
    n_frames: int

    @classmethod
    def of(cls, data: xr.DataTree, geometry: Geometry | None = None, n_frames: int | None = None) -> SaxsImage:
        """Take the image of a result; what is given counts more than what the result says.

        Raises
        ------
        OptionError
            If the result has no 2D scattering, or `n_frames` can't be used.
        MissingKeyError
            If geometry or number of frames is neither given nor in the result; the message names what is missing.
        """
        nodes = _nodes(data)
        if "saxs" not in nodes or "scattering_2d" not in nodes["saxs"]:
            raise OptionError("there is no 2D scattering", got=", ".join(nodes) or "nothing", expected="a whole result")
        counts = nodes["saxs"]["scattering_2d"].transpose("y", "x").to_numpy().astype(np.float64)
        used = np.isfinite(counts)
        for name in ("mask", "blemish"):
            if "qmap" in nodes and name in nodes["qmap"]:
                used &= nodes["qmap"][name].transpose("y", "x").to_numpy().astype(bool)
        if n_frames is None:
            n_frames = _frames_of(nodes)
        if n_frames < 1:
            raise OptionError("n_frames can't be used", got=n_frames, expected="1 or more")
        return cls(np.where(used, counts, 0.0), used, geometry or geometry_of(data), n_frames)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        rows, columns = self.counts.shape
        return rows, columns


def _nodes(data: xr.DataTree) -> Mapping[str, xr.DataTree]:
    if not isinstance(data, xr.DataTree):
        raise OptionError("SAXS-2D needs its mask and geometry", got=type(data).__name__, expected="a whole result")
    return data.root.children


def geometry_of(data: xr.DataTree) -> Geometry:
    """Return the geometry that the qmap of a result says."""
    nodes = _nodes(data)
    attrs: Mapping[Any, Any] = nodes["qmap"].attrs if "qmap" in nodes else {}
    missing = [name for name in NEEDED if not np.isfinite(attrs.get(name, np.nan))]
    if missing:
        raise MissingKeyError(
            f"the qmap of the result does not say {', '.join(missing)}",
            path=data.root.attrs.get("path"),
            hint="Give geometry=xpcs_nb.Geometry(...).",
        )
    return Geometry(**{name: float(attrs[name]) for name in (*NEEDED, *OPTIONAL) if name in attrs})


def _frames_of(nodes: Mapping[str, xr.DataTree]) -> int:
    """Return how many raw frames the image is a mean of."""
    if "time" not in nodes["saxs"].sizes:
        raise MissingKeyError("the result does not tell its number of frames", hint="Give n_frames.")
    options = nodes["provenance"].attrs.get("options", {}) if "provenance" in nodes else {}
    averaged = options.get("avg_frame", 1)
    if not isinstance(averaged, int):
        raise MissingKeyError("the averaged results differ in avg_frame", got=averaged, hint="Give n_frames.")
    return int(nodes["saxs"].sizes["time"]) * averaged


def in_phi(phi: Floats, phi_range: Range, *, opposite: bool = False) -> Mask:
    """Return where an angle lies in a range that goes round from the first to the second angle (degrees).

    ``(170, -170)`` is the 20 degrees around 180; with `opposite` the range turned by 180 degrees counts too.

    Raises
    ------
    OptionError
        If the range is empty or not finite.
    """
    low, high = phi_range
    width = high - low if abs(high - low) >= 360 else (high - low) % 360
    if not (np.isfinite(low) and np.isfinite(high) and width > 0):
        raise OptionError("phi_range can't be used", got=phi_range, expected="two different angles, degrees")
    inside: Mask = (phi - low) % 360 <= width
    if opposite:
        inside |= (phi + 180 - low) % 360 <= width
    return inside


def require_q_range(q_range: Range) -> None:
    """Refuse a range of q that holds nothing."""
    low, high = q_range
    if not (np.isfinite(high) and 0 <= low < high):
        raise OptionError("q_range can't be used", got=q_range, expected="0 <= low < high, 1/angstrom")


def saxs_region(
    data: xr.DataTree,
    *,
    q_range: Range | None = None,
    phi_range: Range | None = None,
    opposite: bool = False,
    geometry: Geometry | None = None,
) -> xr.DataArray:
    """Tell which pixels lie in a range of q and phi, whether they are used or not: a wedge, a ring, a part of one.

    Parameters
    ----------
    data
        A whole result.
    q_range, phi_range
        Least and largest q (1/angstrom); first and last phi (degrees; ``(170, -170)`` goes across 180). None: all.
    opposite
        Take the range of phi turned by 180 degrees too.
    geometry
        Used in place of the result's own.

    Returns
    -------
    xarray.DataArray
        bool (y, x).

    Raises
    ------
    OptionError, MissingKeyError
        If a range can't be used, or there is no image or geometry.
    """
    shape = data.root["saxs"]["scattering_2d"].transpose("y", "x").shape
    q, phi = (geometry or geometry_of(data)).q_phi((shape[0], shape[1]))
    inside = np.ones(shape, dtype=bool)
    if q_range is not None:
        require_q_range(q_range)
        inside &= (q >= q_range[0]) & (q <= q_range[1])
    if phi_range is not None:
        inside &= in_phi(phi, phi_range, opposite=opposite)
    return xr.DataArray(inside, dims=("y", "x"), name="region", attrs={"units": "1", "long_name": "pixel is in range"})


def detector_factors(
    geometry: Geometry, shape: tuple[int, int], *, solid_angle: bool, polarization: float | None
) -> Floats:
    r"""Return what a unit of scattering gives in each pixel, shape (rows, columns).

    Solid angle of a flat detector, sr, with pixel edge `p`, distance `L` and sample-to-pixel distance `r`:
    :math:`\Delta\Omega = p^2 L / r^3`. Polarisation, with `f` = 1 for a beam polarised horizontally, 0 for an
    unpolarised one and -1 for vertical (pyFAI's convention):

    .. math:: P = \tfrac12 [1 + \cos^2 2\theta - f \cos 2\phi\, \sin^2 2\theta] .

    Raises
    ------
    OptionError
        If `polarization` is not -1 to 1.
    """
    factors = np.ones(shape)
    if solid_angle:
        row, column = np.ogrid[: shape[0], : shape[1]]
        # the arm turns about the sample, so distances are those without a swing
        across2 = (row - geometry.beam_center_y) ** 2.0 + (column - geometry.beam_center_x) ** 2.0
        distance = geometry.detector_distance
        length2 = distance**2 + geometry.pixel_size**2 * across2
        factors = geometry.pixel_size**2 * distance / length2**1.5
    if polarization is not None:
        if not -1 <= polarization <= 1:
            raise OptionError("polarization can't be used", got=polarization, expected="-1 to 1")
        two_theta, phi = (np.radians(geometry.map(name, shape)) for name in ("two_theta", "phi"))
        sine2 = np.sin(two_theta) ** 2
        factors = factors * 0.5 * (2 - sine2 - polarization * np.cos(2 * phi) * sine2)
    return factors
