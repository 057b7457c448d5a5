"""g2 of a qmap while it is edited, without a screen: what the live panel shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.analysis import ModelName, compare_table, fit_g2, preview_trust
from xpcs_nb.core import PixelLabels
from xpcs_nb.errors import OptionError
from xpcs_nb.qmap import QMap, pixel_labels
from xpcs_nb.reduction import G2Preview

if TYPE_CHECKING:
    import xarray as xr

    from xpcs_nb.analysis import TrustReport

__all__ = ["MOST_SHOWN", "LiveG2", "LiveState", "Superseded"]

#: Bins shown at a time unless others are chosen.
MOST_SHOWN = 6


class Superseded(Exception):  # noqa: N818 - a signal, not a fault
    """What was computed is not wanted any more."""


@dataclass(frozen=True)
class LiveState:
    """What a qmap does to the result.

    Attributes
    ----------
    qmap
        The qmap.
    g2
        As `G2Preview.g2` gives it, without ``g2_err_pixels``: g2, errors, covariance, ``n_pixels`` and ``n_missing`` of
        every dynamic bin.
    shown
        Labels of the bins that are fitted.
    fit
        What `fit_g2` gives for these.
    before
        What `compare_table` says of the g2 that editing began with and this one; None where they have no bin in common.
    q, intensity
        Of the static bins with pixels: q (or the first coordinate of the qmap), and mean counts; by rising q. Bins of
        the same q are averaged.
    trust
        The part of the trust report that a partition decides about.
    seconds
        What each part took.
    """

    qmap: QMap
    g2: xr.Dataset
    shown: tuple[int, ...]
    fit: xr.Dataset
    before: xr.Dataset | None
    q: NDArray[np.float64]
    intensity: NDArray[np.float64]
    trust: TrustReport
    seconds: dict[str, float] = field(default_factory=dict, repr=False)


class LiveG2:
    """g2, its fit, I(q) and the trust report's warnings of each qmap that it is given.

    Parameters
    ----------
    preview
        Sums of each pixel, of a result or of raw frames.
    image
        Mean counts of each pixel, shape (rows, columns); None takes those of each qmap, or else the mean that the sums
        have.
    model
        Of the fit, as in `fit_g2`.
    bins
        Labels of the bins to fit; None takes some that are spread over all.
    start
        The qmap whose g2 others are compared with; by default the first one.

    Examples
    --------
    >>> live = LiveG2.from_result("A001_results.hdf")
    >>> live.update(qmap).fit["rate"]
    """

    def __init__(
        self,
        preview: G2Preview,
        *,
        image: NDArray[Any] | None = None,
        model: ModelName = "single",
        bins: Sequence[int] | None = None,
        start: QMap | None = None,
    ) -> None:
        self.preview = preview
        self.image = image
        self.model: ModelName = model
        self.bins = None if bins is None else tuple(bins)
        self._start = None if start is None else preview.g2(start, pixel_errors=False)

    @classmethod
    def from_result(cls, result: str | PathLike[str], **options: Any) -> Self:
        """Begin with a result that has kept its sums, and its qmap as the one to compare with.

        Raises
        ------
        MissingKeyError
            The result has no sums.
        """
        qmap = QMap.from_result(result)
        return cls(G2Preview.from_result(Path(result)), image=qmap.image, start=qmap, **options)

    def update(self, qmap: QMap, *, wanted: Callable[[], bool] = lambda: True) -> LiveState:
        """Compute everything for a qmap.

        Parameters
        ----------
        qmap
            Of the same detector.
        wanted
            Asked between the parts; False ends the work.

        Raises
        ------
        QMapError
            The bins can't be made, or the qmap has no pixel that was kept.
        OptionError
            A chosen bin does not exist.
        Superseded
            `wanted` said no.
        """
        clock = _Clock(wanted)
        arrays = qmap.arrays
        clock("bins")
        labels = pixel_labels(arrays)
        clock("labels")
        g2 = self.preview.g2(qmap, labels=labels, pixel_errors=False)
        if self._start is None:
            self._start = g2
        clock("g2")
        shown = self._shown(g2)
        fit = fit_g2(g2.sel(bin=list(shown)), model=self.model)
        clock("fit")
        before = self._before(g2)
        counts = self._counts(qmap)
        centers = arrays.bin_centers("static")[0]
        q, intensity = _scattering(labels, counts, centers)
        trust = preview_trust(g2, labels, counts=counts, q=centers if arrays.map_names[0] == "q" else None)
        clock("rest")
        return LiveState(qmap, g2, shown, fit, before, q, intensity, trust, clock.seconds)

    def _shown(self, g2: xr.Dataset) -> tuple[int, ...]:
        labels = g2["bin"].to_numpy().tolist()
        if self.bins is None:
            places = np.unique(np.linspace(0, len(labels) - 1, MOST_SHOWN).round().astype(int))
            return tuple(labels[place] for place in places)
        missing = [label for label in self.bins if label not in labels]
        if missing or not self.bins:
            raise OptionError(
                "no such bins", where="bins", got=missing or "none", expected=f"labels of 1 to {len(labels)}"
            )
        return self.bins

    def _before(self, g2: xr.Dataset) -> xr.Dataset | None:
        assert self._start is not None  # noqa: S101 - set before
        try:
            return compare_table(self._start, g2)
        except OptionError:
            # Other axes, or a range that has nothing in common: there is no old curve to these bins.
            return None

    def _counts(self, qmap: QMap) -> NDArray[Any]:
        image = self.image if self.image is not None else qmap.image
        if image is not None:
            return image
        place = self.preview.place
        return np.where(place >= 0, self.preview.kept[:, 1, 0][place], np.float32(np.nan))


def _scattering(
    labels: PixelLabels, image: NDArray[Any], centers: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return q and mean counts of the static bins, those of the same q taken together."""
    values, static = image.ravel()[labels.pixel], labels.static
    known = np.isfinite(values)
    if not known.all():
        values, static = values[known], static[known]
    total = np.bincount(static, values, minlength=labels.n_static)
    count = np.bincount(static, minlength=labels.n_static)
    good = (count > 0) & np.isfinite(centers)
    q, which = np.unique(centers[good], return_inverse=True)
    return q, np.bincount(which, total[good]) / np.bincount(which, count[good])


class _Clock:
    """Notes how long each part took, and ends the work when it is not wanted any more."""

    def __init__(self, wanted: Callable[[], bool]) -> None:
        self.seconds: dict[str, float] = {}
        self._wanted = wanted
        self._last = time.perf_counter()

    def __call__(self, part: str) -> None:
        now = time.perf_counter()
        self.seconds[part], self._last = now - self._last, now
        if not self._wanted():
            raise Superseded(part)
