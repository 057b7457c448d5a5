"""The user's own set-up: what light falls where, and how the sample relaxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.core import EventList, Geometry, PixelLabels
from xpcs_nb.errors import OptionError
from xpcs_nb.hdf5 import is_result
from xpcs_nb.qmap import QMap, pixel_labels
from xpcs_nb.simulation._dynamics import renewal_events

__all__ = ["QMapLike", "Relaxation", "Setup"]

type Floats = NDArray[np.float64]
type QMapLike = QMap | xr.DataTree | str | PathLike[str]


@dataclass(frozen=True, kw_only=True)
class Relaxation:
    r"""Dynamics to simulate: :math:`g_2 = 1 + \beta e^{-2\Gamma\tau}`.

    Parameters
    ----------
    D, exponent
        Of :math:`\Gamma = D q^n`, angstrom^n/s; n = 2 is diffusion.
    beta
        Speckle contrast of a pixel.
    rate
        A function of q (1/angstrom) that gives :math:`\Gamma` (1/s), in place of D and exponent.

    Raises
    ------
    OptionError
        If a number makes no sense, or D and rate are both given or both missing.
    """

    D: float | None = None
    exponent: float = 2.0
    beta: float = 0.2
    rate: Callable[[Floats], ArrayLike] | None = None

    def __post_init__(self) -> None:
        if (self.D is None) == (self.rate is None):
            raise OptionError("the dynamics are given by D or by rate", got=f"D={self.D}, rate={self.rate}")
        if self.D is not None and not 0 < self.D < np.inf:
            raise OptionError("D can't be used", got=self.D, expected="a positive number, angstrom^n/s")
        if not (0 < self.beta <= 1 and np.isfinite(self.exponent)):
            raise OptionError(
                "no such dynamics", got=f"beta={self.beta}, exponent={self.exponent}", expected="0 < beta <= 1, finite"
            )

    def at(self, q: ArrayLike) -> Floats:
        """Return the relaxation rate (1/s) at q (1/angstrom).

        Raises
        ------
        OptionError
            If the function gives rates that are negative or not finite, or of another shape.
        """
        values = np.asarray(q, dtype=np.float64)
        if self.rate is None:
            return np.asarray((self.D or 0.0) * values**self.exponent, dtype=np.float64)
        rates = np.asarray(self.rate(values), dtype=np.float64)
        if rates.shape != values.shape or not (np.isfinite(rates) & (rates >= 0)).all():
            raise OptionError(
                "rate gives no rates", got=f"shape {rates.shape}", expected=f"{values.shape}, finite, >= 0"
            )
        return rates


@dataclass(frozen=True)
class Setup:
    """Detector, bins and light.

    Attributes
    ----------
    qmap, labels, geometry
        As they say.
    brightness
        Mean counts a pixel and second, shape (rows, columns); 0 on blemishes.
    q
        Centre of each dynamic bin, 1/angstrom.
    frame_time
        Of the result that the set-up comes from, s; None where it comes from none.
    """

    qmap: QMap
    labels: PixelLabels
    geometry: Geometry
    brightness: Floats
    q: Floats
    frame_time: float | None

    @classmethod
    def of(
        cls, geometry: Geometry | None, qmap: QMapLike, flux: float | None, intensity: ArrayLike | None = None
    ) -> Setup:
        """Put a set-up together.

        Raises
        ------
        OptionError
            If flux or intensity can't be used, or there is no flux to take.
        QMapError
            If the qmap has no bins or no geometry.
        """
        own, frame_time = _qmap(qmap)
        geometry = geometry or own.geometry
        labels = pixel_labels(own.arrays)
        image = _image(own, intensity)
        used = image.ravel()[labels.pixel].mean()
        if flux is None:
            if frame_time is None or own.image is None:
                raise OptionError(
                    "flux is not known", expected="counts a pixel and second", hint="Give flux, or a result."
                )
            flux = used / frame_time
        if not 0 < flux < np.inf:
            raise OptionError("flux can't be used", got=flux, expected="positive counts a pixel and second")
        return cls(own, labels, geometry, image * (flux / used), own.arrays.bin_centers("dynamic")[0], frame_time)

    def events(
        self, relaxation: Relaxation, n_frames: int, frame_time: float, rng: np.random.Generator, *, all_pixels: bool
    ) -> EventList:
        """Return the photons of a series: each pixel relaxes at the rate of its own q."""
        rows, columns = self.qmap.shape
        q = self.geometry.q_phi((rows, columns))[0].ravel()
        mean = self.brightness.ravel() * frame_time
        if not all_pixels:
            dark = np.ones(len(mean), dtype=bool)
            dark[self.labels.pixel] = False
            mean[dark] = 0
        lit = mean > 0
        step = np.full(len(q), np.inf)
        rate = relaxation.at(q[lit])
        with np.errstate(divide="ignore"):
            step[lit] = 1 / (2 * rate * frame_time)
        return EventList(*renewal_events(mean, step, relaxation.beta, n_frames, rng), n_frames, (rows, columns))

    def bins(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """Return pixels, jackknife blocks, and mean counts a pixel and second of each dynamic bin."""
        dynamic, n = self.labels.dynamic, self.labels.n_dynamic
        pixels = np.bincount(dynamic, minlength=n)
        counts = np.bincount(dynamic, self.brightness.ravel()[self.labels.pixel], minlength=n)
        filled = np.unique(dynamic * self.labels.n_blocks + self.labels.block)
        blocks = np.bincount(filled // self.labels.n_blocks, minlength=n)
        return pixels, blocks, np.divide(counts, pixels, out=np.zeros(n), where=pixels > 0)


def require_series(n_frames: int, frame_time: float) -> None:
    """Refuse a series that is none."""
    if not (n_frames >= 2 and 0 < frame_time < np.inf):
        raise OptionError(
            "no such series", got=f"n_frames={n_frames}, frame_time={frame_time}", expected="2 or more frames, s > 0"
        )


def _qmap(qmap: QMapLike) -> tuple[QMap, float | None]:
    if isinstance(qmap, QMap):
        return qmap, None
    if isinstance(qmap, xr.DataTree) and "path" not in qmap.root.attrs:
        raise OptionError("this is no result of a file", hint="Pass its path, or a QMap.")
    path = Path(qmap.root.attrs["path"] if isinstance(qmap, xr.DataTree) else qmap)
    if not is_result(path):
        return QMap.from_file(path), None
    from xpcs_nb.results import open_result

    with open_result(path) as tree:
        return QMap.from_result(path), float(tree.attrs["frame_time"])


def _image(qmap: QMap, intensity: ArrayLike | None) -> Floats:
    """Return the relative brightness: as given, the qmap's image averaged in static bins, or the same everywhere."""
    good = qmap.arrays.blemish.astype(bool)
    if intensity is not None:
        image = np.asarray(intensity, dtype=np.float64)
        if image.shape != qmap.shape or not (np.isfinite(image) & (image >= 0)).all():
            raise OptionError("intensity can't be used", got=image.shape, expected=f"{qmap.shape}, finite, >= 0")
    elif qmap.image is not None:
        image = np.nan_to_num(np.asarray(qmap.image, dtype=np.float64), nan=0, posinf=0, neginf=0).clip(min=0)
        label = np.where(good, qmap.arrays.static_roi_map, 0).ravel()
        mean = np.bincount(label, image.ravel()) / np.maximum(np.bincount(label), 1)
        image = np.where(label > 0, mean[label], image.ravel()).reshape(qmap.shape)
    else:
        image = np.ones(qmap.shape)
    image = np.where(good, image, 0.0)
    if not image[qmap.arrays.static_roi_map > 0].any():
        raise OptionError("no light falls on the bins", got="an intensity of 0 in all of them")
    return image
