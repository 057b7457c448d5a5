"""What a figure of g2 shows of each bin: points, errors, curve and verdict of the fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.path import Path
from numpy.typing import NDArray

from xpcs_nb.analysis import MIN_PAIRS, Uncertainty, fitted_curve, usable_delays
from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import GREY, INK, node, q_colours, value_with_error

__all__ = ["FIT_COLOUR", "Drawing", "drawing_of", "joined"]

type Floats = NDArray[np.float64]

FIT_COLOUR = "#c1272d"


def drawing_of(
    data: xr.Dataset | xr.DataTree,
    *,
    bins: Iterable[int] | None = None,
    fit: xr.Dataset | None = None,
    errorbars: bool = True,
    use: Uncertainty = "g2_err",
    min_pairs: int = MIN_PAIRS,
) -> Drawing:
    """Take what `plot_g2` draws from its arguments."""
    dataset = _select(node(data, "multitau", ["g2", "delay"]), bins)
    used = fit["used"] if fit is not None else usable_delays(dataset, use=use, min_pairs=min_pairs)
    return Drawing(dataset, used, fit, dataset[use] if errorbars and use in dataset else None)


def _select(dataset: xr.Dataset, bins: Iterable[int] | None) -> xr.Dataset:
    if bins is None:
        return dataset
    bins = list(bins)
    known = dataset["bin"].to_numpy().tolist()
    unknown = [label for label in bins if label not in known]
    if unknown or not bins:
        expected = f"labels among {known[0]}..{known[-1]}" if known else "a dataset with bins"
        raise OptionError("no such bins", where="bins", got=unknown or "none", expected=expected)
    return dataset.sel(bin=bins)


class Drawing:
    """Points, errors and curves of the selected bins."""

    def __init__(
        self, dataset: xr.Dataset, used: xr.DataArray, fit: xr.Dataset | None, err: xr.DataArray | None
    ) -> None:
        self.fit = fit
        self.labels = [int(label) for label in dataset["bin"].to_numpy()]
        self._verdicts = {} if fit is None else _verdicts(fit)
        self.delay = dataset["delay"].to_numpy()
        have = set(used["bin"].to_numpy().tolist())
        lacking = [label for label in self.labels if label not in have]
        if lacking:
            raise OptionError("the fit is of other bins", where="fit", got=f"no bins {lacking}", expected=self.labels)
        # Plain arrays, as xarray's selections would take longer than the drawing.
        self.g2 = dataset["g2"].transpose("delay", "bin").to_numpy()
        self.used = used.sel(bin=self.labels).transpose("delay", "bin").to_numpy() & np.isfinite(self.g2)
        self.err = None if err is None else err.transpose("delay", "bin").to_numpy()
        self.curves: Floats | None = None
        if fit is not None:
            curves = fitted_curve(fit, self._fine())
            self.fine, self.curves = (
                curves["delay"].to_numpy(),
                curves.sel(bin=self.labels).transpose("delay", "bin").to_numpy(),
            )
        q = dataset["q"].to_numpy() if "q" in dataset.coords else np.full(len(self.labels), np.nan)
        self.q = np.asarray(q, dtype=float)
        self.colours = q_colours(self.q if np.isfinite(self.q).any() else np.arange(len(self.q), dtype=float))
        phi = dataset["phi"].to_numpy() if "phi" in dataset.coords else np.full(len(self.labels), np.nan)
        self.phi = np.asarray(phi, dtype=float)

    def _fine(self) -> Floats:
        positive = self.delay[self.delay > 0]
        return np.geomspace(positive.min(), positive.max(), 300)

    def span(self) -> tuple[float, float]:
        """Return the range of delays, with a margin."""
        positive = self.delay[self.delay > 0]
        margin = (positive.max() / positive.min()) ** 0.05 if positive.max() > positive.min() else 2.0
        return float(positive.min() / margin), float(positive.max() * margin)

    def title(self, index: int) -> str:
        """Name a bin by its q, and by its phi where bins differ in it."""
        parts = [f"q = {self.q[index]:#.3g} Å⁻¹"] if np.isfinite(self.q[index]) else [f"bin {self.labels[index]}"]
        distinct = np.unique(self.phi[np.isfinite(self.phi)])
        if len(distinct) > 1 and np.isfinite(self.phi[index]):
            parts.append(f"φ = {self.phi[index]:.3g}°")
        return ", ".join(parts)

    def draw(self, ax: Axes, index: int, *, colour: object, size: float, label: str | None = None) -> None:
        """Draw points, errors and curve of one bin."""
        g2, used = self.g2[:, index], self.used[:, index]
        err = None if self.err is None else self.err[:, index]
        ax.errorbar(
            self.delay[used],
            g2[used],
            None if err is None else err[used],
            fmt="o",
            color=colour,
            markersize=size,
            markeredgewidth=0,
            elinewidth=0.6,
            label=label,
        )
        out = ~used & np.isfinite(g2) & (self.delay > 0)
        if out.any():
            ax.plot(self.delay[out], g2[out], "o", mfc="none", mec=GREY, ms=size, mew=0.5, zorder=1, label="_left out")
        if self.curves is not None:
            line_colour = FIT_COLOUR if label is None else colour
            ax.plot(self.fine, self.curves[:, index], "-", color=line_colour, lw=1.0, zorder=3, label="_fit")

    def draw_all(self, ax: Axes, colours: Floats) -> None:
        """Draw all bins as a few collections: three artists for each of many bins would take seconds."""
        delay = np.broadcast_to(self.delay[:, None], self.g2.shape)
        colour = np.broadcast_to(colours, (*self.g2.shape, 4))
        used, out = self.used, ~self.used & np.isfinite(self.g2) & (delay > 0)
        if self.err is not None:
            bars = [self._bars(index, self.err[:, index]) for index in range(len(self.labels))]
            ax.add_collection(PathCollection(bars, facecolors="none", edgecolors=colours, linewidths=0.6))
        ax.scatter(delay[used], self.g2[used], s=9, c=colour[used], linewidths=0, label="_points")
        ax.plot(delay[out], self.g2[out], "o", mfc="none", mec=GREY, ms=3.0, mew=0.5, zorder=1, label="_left out")
        if self.curves is not None:
            curves = [np.column_stack([self.fine, curve]) for curve in self.curves.T]
            ax.add_collection(LineCollection(curves, colors=colours, linewidths=1.0, zorder=3, label="_fit"))

    def _bars(self, index: int, err: Floats) -> Path:
        there = self.used[:, index] & np.isfinite(err)
        g2, err = self.g2[there, index], err[there]
        ends = np.stack([np.column_stack([self.delay[there], end]) for end in (g2 - err, g2 + err)], axis=1)
        return joined(list(ends))

    def mark_outside(self, ax: Axes, index: int, limits: tuple[float, float]) -> None:
        """Point at what lies above or below the axes, so that nothing is left out unseen."""
        g2 = self.g2[:, index]
        inset = 0.03 * (limits[1] - limits[0])
        for beyond, at, marker in ((g2 > limits[1], limits[1] - inset, "^"), (g2 < limits[0], limits[0] + inset, "v")):
            where = self.delay[beyond & (self.delay > 0)]
            if len(where):
                ax.plot(where, np.full(len(where), at), marker, mfc="none", mec=GREY, ms=3.5, mew=0.6, label="_outside")

    def limits(self, indices: Iterable[int]) -> tuple[float, float] | None:
        """Return the range that the trusted points need, with their errors; None where there are none."""
        low, high = (ends[list(indices)] for ends in self._ends)
        if not np.isfinite(low).any():
            return None
        bottom, top = float(np.nanmin(low)), float(np.nanmax(high))
        margin = 0.08 * (top - bottom) or 0.01
        return bottom - margin, top + margin

    @cached_property
    def _ends(self) -> tuple[Floats, Floats]:
        """Percentiles 1 and 99 of the trusted points of each bin, with their errors; NaN where there are none."""
        err = np.zeros_like(self.g2) if self.err is None else self.err
        there = np.where(self.used & np.isfinite(err), self.g2, np.nan)
        return _quantile(there - err, 0.01), _quantile(there + err, 0.99)

    def note(self, index: int) -> tuple[str, str]:
        """Say what the fit found, or why it failed, with the colour to write it in."""
        if self.fit is None:
            return "", INK
        return self._verdicts[self.labels[index]]


def _quantile(values: Floats, share: float) -> Floats:
    """Return the quantile of each column without its NaN, as `numpy.nanquantile` does, which goes column by column."""
    ordered = np.sort(values, axis=0)
    count = np.isfinite(values).sum(axis=0)
    place = share * np.maximum(count - 1, 0)
    below = np.floor(place).astype(int)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    columns = np.arange(values.shape[1])
    low = ordered[below, columns]
    quantile: Floats = low + (place - below) * (ordered[above, columns] - low)
    return quantile


def joined(lines: Sequence[Floats]) -> Path:
    """Return one path of many lines, which is drawn much faster than as many paths."""
    vertices = np.concatenate([np.empty((0, 2)), *lines])
    codes = np.full(len(vertices), Path.LINETO, dtype=Path.code_type)
    codes[np.cumsum([0, *map(len, lines)])[:-1]] = Path.MOVETO
    return Path(vertices, codes)


def _verdicts(fit: xr.Dataset) -> dict[int, tuple[str, str]]:
    """Return what a fit found in each bin, or why it failed, with the colour to write it in."""
    names = ("bin", "success", "status", "rate", "rate_err", "chi2", "dof")
    said = {}
    for label, success, status, rate, err, chi2, dof in zip(*(fit[name].to_numpy() for name in names), strict=True):
        if success:
            text = f"Γ = {value_with_error(float(rate), float(err))} s⁻¹, χ²/ν = {float(chi2 / dof):.2g}"
            said[int(label)] = text, FIT_COLOUR
        else:
            said[int(label)] = "no fit: " + str(status).split(":")[0], GREY
    return said
