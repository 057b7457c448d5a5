"""I(q) in a wedge of phi and I(phi) in a ring of q, with Poisson errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.analysis._saxs_image import Range, SaxsImage, detector_factors, in_phi, require_q_range
from xpcs_nb.core import Geometry
from xpcs_nb.errors import OptionError

__all__ = ["Scale", "integrate_ring", "integrate_wedge"]

type Floats = NDArray[np.float64]
type Mask = NDArray[np.bool_]

Scale = Literal["linear", "log"]


def integrate_wedge(
    data: xr.DataTree,
    *,
    phi_range: Range | None = None,
    q_range: Range | None = None,
    opposite: bool = False,
    n_bins: int = 200,
    scale: Scale = "linear",
    edges: ArrayLike | None = None,
    solid_angle: bool = False,
    polarization: float | None = None,
    geometry: Geometry | None = None,
    n_frames: int | None = None,
) -> xr.Dataset:
    r"""Integrate the mean frame of a result over phi: I(q) of a wedge, or of the whole detector.

    With the mean counts :math:`c_p` of the used pixels of a bin, their factors :math:`f_p` (1, or solid angle and
    polarisation as in `detector_factors`) and `N` frames,

    .. math::
        I = \frac{\sum_p c_p}{\sum_p f_p}, \qquad
        \sigma_I = \frac{\sqrt{\max(N \sum_p c_p,\, 1)}}{N \sum_p f_p} .

    The error is that of Poisson counts; a bin that saw no photon gets the error of one. ``intensity_err_pixels`` is
    the scatter between pixels instead, :math:`[n/(n-1) \sum_p (c_p - I f_p)^2]^{1/2} / \sum_p f_p`: it is larger where
    speckles stand still for the whole series, and where the bin is not uniform. Pixels are not split between bins.

    Parameters
    ----------
    data
        A whole result.
    phi_range
        First and last phi of the wedge, degrees; ``(170, -170)`` goes across 180. None takes all.
    q_range
        Least and largest q, 1/angstrom; None takes that of the used pixels.
    opposite
        Take the wedge on the other side of the beam too.
    n_bins, scale
        Bins of equal width in q or in log q.
    edges
        Edges of the bins, 1/angstrom, rising, in place of `q_range`, `n_bins` and `scale`.
    solid_angle
        Divide by the solid angle of the pixels: counts/sr/frame, which does not depend on the distance.
    polarization
        Divide by the polarisation factor: 1 horizontal, 0 none, -1 vertical; None leaves it.
    geometry, n_frames
        Used in place of what the result says. Files that neighbours averaged over repeats do not say how many
        frames they hold in all: give `n_frames`.

    Returns
    -------
    xarray.Dataset
        ``intensity``, ``intensity_err``, ``intensity_err_pixels``, ``n_pixels`` by q; coordinates ``q`` (mean q of the
        pixels, 1/angstrom), ``q_low``, ``q_high``; ``scale_err``, the relative error that all points share, 0 here. A
        bin without used pixels has ``n_pixels`` 0 and no intensity (NaN).

    Raises
    ------
    OptionError
        If an option can't be used, or there is no used pixel in the range.
    MissingKeyError
        If the result does not say its geometry or number of frames; the message names what is missing.
    """
    image = SaxsImage.of(data, geometry, n_frames)
    q, phi = image.geometry.q_phi(image.shape)
    used = image.used if phi_range is None else image.used & in_phi(phi, phi_range, opposite=opposite)
    limits = _edges("q", q[used], q_range, n_bins, scale) if edges is None else _given_edges(edges)
    factors = detector_factors(image.geometry, image.shape, solid_angle=solid_angle, polarization=polarization)
    region = {"integrated": "wedge", "phi_range": phi_range, "q_range": (limits[0], limits[-1]), "opposite": opposite}
    curve = _Curve.of(image, q, used, factors, limits).dataset("q", "1/angstrom", solid_angle, region)
    return _with_steps(curve, solid_angle, polarization)


def integrate_ring(
    data: xr.DataTree,
    *,
    q_range: Range,
    phi_range: Range | None = None,
    n_bins: int = 180,
    solid_angle: bool = False,
    polarization: float | None = None,
    geometry: Geometry | None = None,
    n_frames: int | None = None,
) -> xr.Dataset:
    """Integrate the mean frame of a result over a range of q: I(phi) of a ring.

    Parameters
    ----------
    data
        A whole result.
    q_range
        Least and largest q, 1/angstrom.
    phi_range
        First and last phi, degrees; ``(170, -170)`` goes across 180 (its phi then runs on beyond 180). None: -180..180.
    n_bins
        Bins of equal width.
    solid_angle, polarization, geometry, n_frames
        As for `integrate_wedge`.

    Returns
    -------
    xarray.Dataset
        As `integrate_wedge` gives, by phi (degree).

    Raises
    ------
    OptionError, MissingKeyError
        As `integrate_wedge`.
    """
    require_q_range(q_range)
    image = SaxsImage.of(data, geometry, n_frames)
    q, phi = image.geometry.q_phi(image.shape)
    used = image.used & (q >= q_range[0]) & (q <= q_range[1])
    low, high = phi_range or (-180.0, 180.0)
    if phi_range is not None:
        used &= in_phi(phi, phi_range)
    width = high - low if abs(high - low) >= 360 else (high - low) % 360
    phi = low + (phi - low) % 360
    limits = _edges("phi", phi[used], (low, low + width), n_bins, "linear")
    factors = detector_factors(image.geometry, image.shape, solid_angle=solid_angle, polarization=polarization)
    region = {"integrated": "ring", "phi_range": phi_range, "q_range": q_range, "opposite": False}
    curve = _Curve.of(image, phi, used, factors, limits).dataset("phi", "degree", solid_angle, region)
    return _with_steps(curve, solid_angle, polarization)


def _edges(name: str, values: Floats, ends: Range | None, n_bins: int, scale: str) -> Floats:
    if n_bins < 1 or scale not in {"linear", "log"}:
        raise OptionError("no such bins", got=f"n_bins={n_bins}, scale={scale!r}", expected="1 or more, linear or log")
    if not len(values):
        raise OptionError("no used pixel lies in the range", where=name)
    low, high = ends or (float(values.min()), float(values.max()))
    if name == "q":
        require_q_range((low, high))
    if scale == "linear":
        return np.linspace(low, high, n_bins + 1)
    positive = values[values > 0]
    if low <= 0 and (ends is not None or not len(positive)):
        raise OptionError("bins of log q begin above 0", where="q_range", got=ends)
    return np.geomspace(max(low, float(positive.min())) if ends is None else low, high, n_bins + 1)


def _given_edges(edges: ArrayLike) -> Floats:
    limits = np.asarray(edges, dtype=np.float64)
    if limits.ndim != 1 or len(limits) < 2 or not np.isfinite(limits).all() or not (np.diff(limits) > 0).all():
        raise OptionError("edges can't be used", got=edges, expected="two or more rising finite numbers")
    return limits


@dataclass(frozen=True)
class _Curve:
    """Sums of each bin: pixels, mean counts, squares, factors, and the mean of the coordinate."""

    limits: Floats
    n_frames: int
    n_pixels: NDArray[np.int64]
    middle: Floats
    counts: Floats
    factors: Floats
    squares: tuple[Floats, Floats, Floats]

    @classmethod
    def of(cls, image: SaxsImage, where: Floats, used: Mask, factors: Floats, limits: Floats) -> _Curve:
        """Sort the used pixels into bins [low, high); the last bin holds its upper edge."""
        value, counts, factor = where[used], image.counts[used], factors[used]
        bin_ = np.searchsorted(limits, value, side="right") - 1
        bin_[value == limits[-1]] = len(limits) - 2
        inside = (bin_ >= 0) & (bin_ < len(limits) - 1)
        if not inside.any():
            raise OptionError("no used pixel lies in the range", got=f"{limits[0]:.5g}..{limits[-1]:.5g}")
        bin_, value, counts, factor = bin_[inside], value[inside], counts[inside], factor[inside]

        def total(weights: Floats | None) -> Floats:
            return np.bincount(bin_, weights, minlength=len(limits) - 1).astype(np.float64)

        n_pixels = total(None).astype(np.int64)
        middle = np.where(n_pixels > 0, total(value) / np.maximum(n_pixels, 1), (limits[1:] + limits[:-1]) / 2)
        squares = total(counts**2), total(counts * factor), total(factor**2)
        return cls(limits, image.n_frames, n_pixels, middle, total(counts), total(factor), squares)

    def dataset(self, name: str, units: str, solid_angle: bool, region: Mapping[str, object]) -> xr.Dataset:
        """Return the curve with its errors."""
        with np.errstate(divide="ignore", invalid="ignore"):
            intensity = self.counts / self.factors
            photons = np.maximum(self.n_frames * self.counts, 1.0)
            error = np.where(self.n_pixels > 0, np.sqrt(photons) / (self.n_frames * self.factors), np.nan)
            cc, cf, ff = self.squares
            scatter2 = np.maximum(cc - 2 * intensity * cf + intensity**2 * ff, 0)
            scatter = np.sqrt(self.n_pixels / (self.n_pixels - 1) * scatter2) / self.factors
            scatter[self.n_pixels < 2] = np.nan
        about = {"units": "counts/sr/frame" if solid_angle else "counts/pixel/frame"}
        return xr.Dataset(
            {
                "intensity": (name, intensity, about | {"long_name": "mean scattering"}),
                "intensity_err": (name, error, about | {"long_name": "Poisson error of the mean scattering"}),
                "intensity_err_pixels": (name, scatter, about | {"long_name": "error from the scatter of the pixels"}),
                "n_pixels": (name, self.n_pixels, {"units": "1", "long_name": "used pixels of the bin"}),
                "scale_err": ((), 0.0, {"units": "1", "long_name": "relative error common to all points"}),
            },
            coords={
                name: (name, self.middle, {"units": units, "long_name": f"mean {name} of the pixels"}),
                f"{name}_low": (name, self.limits[:-1], {"units": units, "long_name": "lower edge of the bin"}),
                f"{name}_high": (name, self.limits[1:], {"units": units, "long_name": "upper edge of the bin"}),
            },
            attrs=dict(region) | {"n_frames": self.n_frames, "normalized_by": (), "steps": ()},
        )


def _with_steps(curve: xr.Dataset, solid_angle: bool, polarization: float | None) -> xr.Dataset:
    attrs = curve.attrs
    low, high = attrs["q_range"]
    phi = "all phi" if attrs["phi_range"] is None else "phi {:g}..{:g} degree".format(*attrs["phi_range"])
    steps = [f"{attrs['integrated']}: q {low:.5g}..{high:.5g} 1/angstrom, {phi}" + ", both sides" * attrs["opposite"]]
    steps += ["divided by the solid angle of the pixels"] * solid_angle
    if polarization is not None:
        steps.append(f"divided by the polarisation factor, f = {polarization:g}")
    attrs["steps"] = tuple(steps)
    return curve
