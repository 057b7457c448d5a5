"""A two-time map with the one-time correlations at some ages beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Literal

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from xpcs_nb.analysis import MIN_PAIRS, TwotimeCutSpec, twotime_overview
from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import MASKED, PAGE, ResultFigure, colour_bar, dress, node
from xpcs_nb.plots._panels import Curve, Data, Floats, Panel, draw_panels, floats
from xpcs_nb.plots._twotime import colour_limits

__all__ = ["TwotimeView", "cut_lines", "plot_twotime_cuts", "twotime_view"]

type Convention = Literal["age", "start"]

#: Of the cuts: seen on the colours of the map, and apart from each other.
AGE_COLOURS = ("#ff7f0e", "#d62728", "#e377c2", "#f5d000", "#8c1aff")
#: Rows of a map on a screen.
SIZE = 640


@dataclass(frozen=True)
class TwotimeView:
    """A two-time map at the resolution of a screen, and the curves beside it.

    Attributes
    ----------
    bin
        Label of the dynamic bin.
    c2
        Averaged map, shape (K, K), float32; see `xpcs_nb.analysis.twotime_overview`.
    first, step
        Time of the middle of the first block, and from block to block, s.
    limits
        Range of colours.
    panel
        g2 of the whole series, of its parts, and at the ages.
    ages
        Where the cuts are, s.
    title
        Of the map.
    """

    bin: int
    c2: np.ndarray[tuple[int, int], np.dtype[np.float32]]
    first: float
    step: float
    limits: tuple[float, float]
    panel: Panel
    ages: tuple[float, ...]
    title: str


def plot_twotime_cuts(
    data: Data,
    bin: int | None = None,
    *,
    ages: Sequence[float] | None = None,
    width: float | None = None,
    convention: Convention = "age",
    window: tuple[float, float] | None = None,
    percentiles: tuple[float, float] = (1.0, 99.0),
    log: bool = True,
) -> Figure:
    """Draw a two-time map, and beside it g2 of the whole series with cuts at some ages.

    Parameters
    ----------
    data
        Result, its two-time node, or the dataset.
    bin
        Label of the bin; the first where None.
    ages
        Where to cut, s; three ages spread over the series where None, and no cuts where empty.
    width
        Seconds around an age that are averaged; a 200th of the series where None, 10 frames in a short one.
    convention
        ``age``: age is the mean of the two times. ``start``: the earlier of them.
    window
        Part of the series to show, from and to, s; ages outside it are left out.
    percentiles
        Of the map without its diagonal, at which the colours end.
    log
        Whether the lag is logarithmic.

    Raises
    ------
    OptionError
        If there is no two-time map in `data` or not of this bin, or an age lies outside the series.
    """
    view = twotime_view(
        data,
        bin,
        ages=ages,
        width=width,
        convention=convention,
        window=window,
        percentiles=percentiles,
        log=log,
        size=900,
    )
    fig: Figure = ResultFigure(figsize=(PAGE, 3.4), layout="constrained")
    left, right = fig.subplots(1, 2, width_ratios=(1, 1.05))
    begin, end = view.first - view.step / 2, view.first + (len(view.c2) - 0.5) * view.step
    image = left.imshow(
        view.c2,
        origin="lower",
        extent=(begin, end, begin, end),
        cmap=mpl.colormaps["viridis"].with_extremes(bad=MASKED),
        vmin=view.limits[0],
        vmax=view.limits[1],
        interpolation="nearest",
    )
    for curve, (x, y) in zip(_cut_curves(view.panel, view.ages), cut_lines(view, convention), strict=True):
        left.plot(x, y, "-", color=curve.colour, lw=0.8)
    left.set_xlim(begin, end)
    left.set_ylim(begin, end)
    colour_bar(fig, image, left, "$C_2$")
    dress(left, "$t_1$ (s)", "$t_2$ (s)")
    left.set_title(view.title, fontsize=9)
    draw_panels([view.panel], ax=right)
    return fig


def _cut_curves(panel: Panel, ages: Sequence[float]) -> Sequence[Curve]:
    return panel.curves[len(panel.curves) - len(ages) :]


def cut_lines(view: TwotimeView, convention: Convention) -> list[tuple[Floats, Floats]]:
    """Return the path of each cut over the map, as t1 and t2 in s."""
    begin, end = view.first - view.step / 2, view.first + (len(view.c2) - 0.5) * view.step
    lines = []
    for age in view.ages:
        reach = min(age - begin, end - age) if convention == "age" else 0.0
        x = (age - reach, age + reach) if convention == "age" else (age, age)
        y = (age + reach, age - reach) if convention == "age" else (age, end)
        lines.append((np.array(x), np.array(y)))
    return lines


def twotime_view(
    data: Data,
    bin: int | None = None,
    *,
    ages: Sequence[float] | None = None,
    width: float | None = None,
    convention: Convention = "age",
    window: tuple[float, float] | None = None,
    percentiles: tuple[float, float] = (1.0, 99.0),
    log: bool = True,
    size: int = SIZE,
) -> TwotimeView:
    """Read what `plot_twotime_cuts` draws, each cell of the map once; `size` is the largest number of its rows."""
    dataset = node(data, "twotime", ["c2"])
    labels = [int(label) for label in dataset["bin"].to_numpy()]
    label = labels[0] if bin is None and labels else bin
    if label not in labels:
        raise OptionError("there is no two-time map of this bin", where="bin", got=label, expected=f"one of {labels}")
    one = dataset.isel(bin=labels.index(label))
    time = floats(one["t1"].to_numpy())
    low, high = _frames(time, window)
    c2 = one["c2"].transpose("t1", "t2").isel(t1=slice(low, high), t2=slice(low, high))
    time = time[low:high]
    step = float(time[1] - time[0]) if len(time) > 1 else 1.0
    ages = _spread(time) if ages is None else [float(age) for age in ages]
    if window is not None:
        ages = [age for age in ages if time[0] <= age <= time[-1]]
    # A few frames alone are noise; a large part of the series is no age.
    frames = max(len(time) / 200, min(len(time) / 20, 10)) if width is None else width / step
    overview = twotime_overview(c2, size, [_spec(age, frames, convention, time, step) for age in ages])
    name = "age" if convention == "age" else "from"
    curves = [] if window is not None else _whole(one)
    for age, cut, colour in zip(ages, overview.cuts, cycle(AGE_COLOURS)):
        keep = cut.lag > 0
        curves.append(Curve(floats(cut.lag[keep] * step), cut.g2[keep], None, f"{name} {age:.3g} s", colour))
    q = float(one["q"]) if "q" in one.coords else np.nan
    title = f"bin {label}" + (f", q = {q:#.3g} Å⁻¹" if np.isfinite(q) else "")
    note = f"cuts: mean of {max(round(frames), 1)} frames around each age" if ages else ""
    panel = Panel(tuple(curves), "lag τ (s)", "g₂ from C₂", title, note, "x" if log else "", key=label)
    factor = overview.factor
    first = float(time[0]) + (factor - 1) * step / 2
    limits = colour_limits(overview.c2, percentiles)
    return TwotimeView(label, overview.c2, first, factor * step, limits, panel, tuple(ages), title)


def _frames(time: Floats, window: tuple[float, float] | None) -> tuple[int, int]:
    if window is None:
        return 0, len(time)
    low, high = int(np.searchsorted(time, window[0])), int(np.searchsorted(time, window[1], side="right"))
    if high - low < 2:
        raise OptionError(
            "this part of the series holds no map",
            where="window",
            got=f"{window[0]:g} to {window[1]:g} s",
            expected=f"two frames or more within {time[0]:g} to {time[-1]:g} s",
        )
    return low, high


def _spread(time: Floats) -> list[float]:
    return [float(time[0] + share * (time[-1] - time[0])) for share in (0.2, 0.5, 0.8)] if len(time) > 20 else []


def _spec(age: float, frames: float, convention: Convention, time: Floats, step: float) -> TwotimeCutSpec:
    if not time[0] <= age <= time[-1]:
        raise OptionError(
            "the age lies outside the series", got=f"{age:g} s", expected=f"{time[0]:g} to {time[-1]:g} s"
        )
    at = (age - time[0]) / step
    if convention == "age":
        return TwotimeCutSpec(at, max(frames, 1.0))
    start = round(at)
    return TwotimeCutSpec(start, min(max(round(frames), 1), len(time) - start), "start")


def _whole(one: xr.Dataset) -> list[Curve]:
    """Return g2 along the diagonals as the result has it: of the whole series, and of its parts."""
    curves = []
    if "g2_segments" in one and "segment" in one["g2_segments"].dims:
        parts = one["g2_segments"].transpose("segment", ...)
        lag = floats(parts[parts.dims[1]].to_numpy())
        for number, row in enumerate(floats(parts.to_numpy())):
            name = f"{len(parts)} parts of the series" if number == 0 else ""
            curves.append(Curve(lag[lag > 0], row[lag > 0], None, name, "#bbbbbb"))
    if "g2" in one:
        lag, values = floats(one["delay"].to_numpy()), floats(one["g2"].to_numpy())
        keep = (lag > 0) & (np.arange(len(lag), 0, -1) >= MIN_PAIRS)
        curves.append(Curve(lag[keep], values[keep], None, "whole series", "#555555"))
    return curves
